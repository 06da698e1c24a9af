"""Find real traces with known answers, where the checkout has them beside it."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from gpuboard.profiler.traces.kineto import read_kineto
from gpuboard.profiler.traces.trace import Trace

TRACES = Path(__file__).parents[3] / "shared" / "data" / "traces"


def real(path: str) -> Path:
    """Return the place of a real trace; skip the test where it is not there."""
    if not (found := TRACES / path).exists():
        pytest.skip(f"needs the real trace {path}")
    return found


def real_trace(path: str) -> Trace:
    """Read a real trace in Chrome's JSON; skip the test where it is not there."""
    return _read(real(path))


@functools.lru_cache(maxsize=4)
def _read(path: Path) -> Trace:
    return read_kineto(path)


@functools.cache
def expected() -> dict[str, dict[str, Any]]:
    """Return the exact figures of all real traces by path; none where there are no traces."""
    place = TRACES / "expected.jsonl"
    if not place.exists():
        return {}
    entries = map(json.loads, place.read_text().splitlines())
    return {entry["file"]: entry for entry in entries}
