"""Run a piece of Python in a process of its own: one that may crash, or is measured alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(code: str, *arguments: object, timeout: float = 100) -> subprocess.CompletedProcess[str]:
    """Return what the process answered; its current directory is the root of the project."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
