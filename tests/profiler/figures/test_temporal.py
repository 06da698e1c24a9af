"""Test the temporal breakdown against published figures of HolisticTraceAnalysis."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from gpuboard.profiler.figures.steps import find_steps
from gpuboard.profiler.figures.temporal import temporal_breakdown
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.figures.test_device_time import work
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of


def in_microseconds(trace: Trace) -> Trace:
    """Return the trace as HolisticTraceAnalysis reads it: starts rounded up, ends down."""
    start, end = trace.slices.start, trace.slices.start + trace.slices.dur
    start, end = -(-start // 1000) * 1000, end // 1000 * 1000
    slices = dataclasses.replace(trace.slices, start=start, dur=np.maximum(end - start, 0))
    return dataclasses.replace(trace, slices=slices)


@pytest.mark.parametrize("rank", range(8))
def test_dlrm_equals_the_published_figures(rank: int) -> None:
    golden = json.loads(real("param/expected_dlrm.json").read_text())["per_rank"][str(rank)]
    path = next(real("param/dlrm_8ranks").glob(f"worker{rank}_*"))
    found = temporal_breakdown(read_trace(path))
    parts = found.idle_ns, found.compute_ns, found.non_compute_ns, found.total_ns
    names = ("idle", "compute", "non_compute", "kernel_time")
    assert [ns / 1000 for ns in parts] == [golden[name] for name in names]


def test_mtia_equals_the_published_figures() -> None:
    trace = read_trace(real("hta/mtia_trace_single_rank/mtia_rank_0.json.gz"))
    window = find_steps(trace).window
    rounded = temporal_breakdown(in_microseconds(trace), window)
    parts = rounded.idle_ns, rounded.compute_ns, rounded.non_compute_ns, rounded.total_ns
    # Its floats cannot hold the nanoseconds of this file: it is off by one here and there.
    assert [ns / 1000 for ns in parts] == pytest.approx([5648827, 7305596, 373924, 13328347], abs=8)
    exact = temporal_breakdown(trace, window)
    assert exact.idle_ns + exact.compute_ns + exact.non_compute_ns == exact.total_ns
    assert exact.compute_ns > rounded.compute_ns, "rounding loses up to 2 us of each work"


def test_communication_and_copies_are_no_computing() -> None:
    names = [("gemm", "kernel"), ("ncclKernel", "kernel"), ("Memcpy", "gpu_memcpy"),
             ("dma_request", "mtia_ccp_events"), ("add", "mtia_ccp_events")]  # fmt: skip
    trace = trace_of([work(10 * k, 5, cat=cat, name=name) for k, (name, cat) in enumerate(names)])
    found = temporal_breakdown(trace)
    assert (found.compute_ns, found.non_compute_ns, found.total_ns) == (10_000, 15_000, 45_000)
    assert temporal_breakdown(trace, (10_000, 40_000)).compute_ns == 0


def test_a_trace_without_work_says_so() -> None:
    assert temporal_breakdown(trace_of([])).absent
    assert temporal_breakdown(trace_of([work(0, 5)]), device=3).absent
