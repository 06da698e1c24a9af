"""Set up what all tests share."""

from __future__ import annotations

import os

from hypothesis import settings

# Examples are not timed: compiled kernels are loaded by whichever example comes first.
settings.register_profile("default", deadline=None)
settings.register_profile("long", deadline=None, max_examples=5_000)
# Traces that tests read are theirs alone.
os.environ["GPUBOARD_CACHE"] = "off"

settings.load_profile(os.environ.get("GPUBOARD_HYPOTHESIS", "default"))
