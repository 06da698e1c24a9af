"""Read real traces with the reader that the application has, each once for several tests."""

from __future__ import annotations

import functools

from gpuboard.profiler.traces.read import read_trace
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.real import real


@functools.lru_cache(maxsize=3)
def real_trace(path: str) -> Trace:
    """Return a real trace; skip the test where the file is not there."""
    return read_trace(real(path))
