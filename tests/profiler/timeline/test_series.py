from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.timeline.series import (
    TimeSeries,
    busy_share,
    device_spans,
    drawn,
    series_of,
)
from tests.profiler.slow_kineto import trace_of
from tests.profiler.timeline.maker import event, kernel, timeline_of


def a_series(time, value):
    return TimeSeries("k", "g", "n", "", np.array(time, np.int64), np.array(value, np.float64))


def memory(time, allocated, reserved):
    args = {
        "Device Type": 1, "Device Id": 0, "Bytes": 1, "Addr": 5, "Total Allocated": allocated,
        "Total Reserved": reserved,
    }  # fmt: skip
    return {"ph": "i", "name": "[memory]", "ts": time, "pid": 7, "tid": 1, "args": args}


def test_memory_and_counters_become_series():
    counter = {"ph": "C", "name": "GPU util", "ts": 5, "pid": 7, "tid": 1, "args": {"busy": 40}}
    trace = trace_of([event("a", 0, 10), memory(1, 100, 500), memory(3, 70, 500), counter])

    found = {(one.group, one.name): one for one in series_of(trace)}

    assert found["GPU 0 memory", "allocated"].value.tolist() == [100, 70]
    assert found["GPU 0 memory", "allocated"].time.tolist() == [1000, 3000]
    assert found["GPU 0 memory", "reserved"].unit == "bytes"
    assert found["GPU util", "busy"].value.tolist() == [40]


def test_few_values_are_drawn_as_they_are_with_the_one_before():
    found = drawn(a_series([0, 100, 200, 300], [1, 2, 3, 4]), 150, 250, 100)

    assert found.x.tolist() == [0.0, 0.5]
    assert found.high.tolist() == [2, 3]


@given(st.lists(st.integers(0, 999), min_size=30, max_size=200), st.integers(1, 8))
def test_many_values_keep_least_and_largest_of_each_stretch(times, bins):
    time = np.sort(np.array(times))
    value = np.random.default_rng(0).normal(size=len(time))

    found = drawn(a_series(time, value), 0, 1000, bins)

    if len(time) <= 2 * bins:
        return
    for k in range(bins):
        low, high = k * 1000 / bins, (k + 1) * 1000 / bins
        inside = [v for t, v in zip(time, value, strict=True) if low <= t < high]
        before = [v for t, v in zip(time, value, strict=True) if t < low][-1:]
        if inside and (before or k == 0):
            held = inside + before
            assert found.high[k] == pytest.approx(max(held), rel=1e-6)
            assert found.low[k] == pytest.approx(min(held), rel=1e-6)


def test_a_device_is_busy_while_any_stream_is():
    trace = trace_of([kernel("a", 0, 10), kernel("b", 5, 15, stream=8), kernel("c", 30, 10)])

    spans = device_spans(timeline_of(trace))

    assert spans[0].total_ns == 30_000
    assert busy_share(spans[0], 0, 40_000, 4).tolist() == [1, 1, 0, 1]
