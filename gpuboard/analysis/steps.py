"""Decide which heavy values of a restarted run stand, and in which order they are shown."""

from __future__ import annotations

import numpy as np

from gpuboard.analysis.restarts import Written, current
from gpuboard.store.columns import Int64s


def standing(values: Written) -> Int64s:
    """Return the places of the values that stand, by step and within a step in file order.

    A restart supersedes what it overwrites, as for scalars (`gpuboard.analysis.restarts`). Values
    that one file logged at one step all stand: torch numbers every step 0 if it is told none.
    """
    stands = np.flatnonzero(current(values))
    return stands[np.argsort(values.step[stands], kind="stable")]
