"""Choose the folders of a user in which gpuboard keeps things."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return where the user's programs keep what can be made anew; gpuboard has a folder there.

    `XDG_CACHE_HOME` where that is set, else what the operating system has for it.
    """
    env = os.environ if environment is None else environment
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]) / "gpuboard"
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "gpuboard"
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path.home() / caches / "gpuboard"
