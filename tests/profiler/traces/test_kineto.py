"""Compare the fast reader with the slow one on every real trace."""

from __future__ import annotations

import pytest

from gpuboard.profiler.traces.kineto import read_kineto
from tests.profiler.real import TRACES, real
from tests.profiler.slow_kineto import read_trace
from tests.profiler.traces.alike import assert_alike

_NO_TRACES = ("expected", "gpu_metrics", "execution_trace")
_REAL = sorted(
    str(path.relative_to(TRACES))
    for path in TRACES.rglob("*.json*")
    if not any(part in str(path) for part in _NO_TRACES)
)


@pytest.mark.parametrize("name", _REAL)
def test_a_real_trace_has_the_columns_of_the_slow_reader(name):
    file = real(name)
    expected = read_trace(file)

    assert_alike(read_kineto(file), expected)
