"""Test how full devices were, against published figures and sums over single moments."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.figures.steps import find_steps
from gpuboard.profiler.figures.utilisation import filled_before, utilisation
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.figures.test_steps import PLUGIN
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of


def kernel(start: float, dur: float, device: int = 0, **args: Any) -> dict[str, Any]:
    return {"ph": "X", "cat": "kernel", "name": "k", "ts": start, "dur": dur, "pid": device,
            "tid": 7, "args": {"device": device, "stream": 7, **args}}  # fmt: skip


def test_figures_equal_the_published_ones() -> None:
    trace = read_trace(real(PLUGIN))
    found = utilisation(trace, find_steps(trace).window)
    assert round(found.busy, 4) == 0.5551
    assert round(found.sm_efficiency, 4) == 0.5468
    assert round(found.occupancy, 4) == 0.4913
    assert found.sm_series.mean() == pytest.approx(found.sm_efficiency, rel=1e-6)
    assert found.busy_series.mean() == pytest.approx(found.busy, rel=1e-6)


def test_series_equal_the_counters_that_the_plugin_writes() -> None:
    trace = read_trace(real("kineto_tb_plugin/gpu_metrics_input.json"))
    text = real("kineto_tb_plugin/gpu_metrics_expected.json").read_text()
    events = [event for event in json.loads(text)["traceEvents"] if event["ph"] == "C"]
    use = [(e["ts"], e["args"]["GPU Utilization"]) for e in events if "Util" in e["name"]]
    # The first two set the scale, the last ends the series; shares stand there in percent.
    times = [time * 1000 for time, _ in use[2:]]
    window = times[0], times[-1]
    covered = [utilisation(trace, (a, b), buckets=1).busy for a, b in itertools.pairwise(times)]
    assert [100 * share for share in covered] == pytest.approx([v for _, v in use[2:-1]])
    turns = [(e["ts"], e["args"]["Est. SM Efficiency"]) for e in events if "SM" in e["name"]][2:]
    # These are written ten times too large.
    for (a, value), (b, _) in itertools.pairwise(turns):
        found = utilisation(trace, (a * 1000, b * 1000), buckets=1)
        assert (found.sm_efficiency * 10) == pytest.approx(value, abs=1e-5)
    assert utilisation(trace, window).occupancy_absent


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 9), st.sampled_from([0.25, 0.5, 0.75, 1.0])),
    max_size=10,
)


@given(spans)
def test_kernels_that_overlap_fill_at_most_the_whole_device(
    rows: list[tuple[int, int, float]],
) -> None:
    start = np.array([s for s, *_ in rows], np.int64)
    end = start + np.array([d for _, d, _ in rows], np.int64)
    fill = np.array([f for *_, f in rows])
    filled = filled_before(start, end, fill, np.arange(-2, 55))
    for t, gained in zip(range(-2, 54), np.diff(filled), strict=True):
        assert gained == pytest.approx(min(1, sum(f for s, d, f in rows if s <= t < s + d)))


def buckets_of(trace: Trace) -> list[float]:
    found = utilisation(trace, (0, 40_000), buckets=4)
    assert len(found.edges) == 5
    return [round(float(share), 3) for share in found.sm_series]


def test_a_bucket_holds_what_ran_in_it() -> None:
    trace = trace_of(
        [kernel(5, 10, **{"blocks per SM": 0.5}), kernel(25, 5, **{"blocks per SM": 9})]
    )
    assert buckets_of(trace) == [0.25, 0.25, 0.5, 0]
    assert utilisation(trace, (0, 40_000), buckets=4).busy_series.tolist() == [0.5, 0.5, 0.5, 0]


def test_blocks_come_from_the_grid_where_the_file_does_not_count_them() -> None:
    events = [kernel(0, 10, grid=[5, 2, 1])]
    meta = {"deviceProperties": [{"id": 0, "name": "GPU", "numSms": 40}]}
    assert utilisation(trace_of(events, meta)).sm_efficiency == 0.25
    found = utilisation(trace_of(events))
    assert math.isnan(found.sm_efficiency)
    assert "neither blocks" in found.sm_absent
    assert found.busy == 1


def test_what_is_absent_says_why() -> None:
    found = utilisation(trace_of([]))
    assert "no kernel" in found.absent
    assert math.isnan(found.busy)
    assert utilisation(trace_of([kernel(0, 5)]), device=4).absent


def test_devices_are_estimated_apart() -> None:
    trace = trace_of([kernel(0, 10), kernel(0, 5, device=1)])
    assert [utilisation(trace, (0, 10_000), device).busy for device in (0, 1)] == [1, 0.5]
