from __future__ import annotations

import pytest

from gpuboard.profiler.timeline.align import align
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of
from tests.profiler.timeline.maker import event, kernel


def nccl(start, dur):
    return kernel("ncclKernel_AllReduce", start, dur, stream=20)


def test_clocks_of_files_put_traces_side_by_side():
    first = trace_of([event("a", 0, 10)], {"baseTimeNanoseconds": 1000})
    second = trace_of([event("a", 0, 10)], {"baseTimeNanoseconds": 51_000})

    assert align([first, second], "clock").shift == (0, 50_000)


def test_a_collective_ends_at_one_time_on_all_ranks():
    first = trace_of([event("a", 0, 10), nccl(20, 30), nccl(60, 10)])
    second = trace_of([event("a", 1000, 10), nccl(1040, 5), nccl(1100, 10)])

    found = align([first, second], "collective")

    assert found.how == "collective"
    assert found.shift == (0, 50_000 - 1_045_000)


def test_what_is_not_possible_falls_back_and_says_so():
    first, second = trace_of([event("a", 5, 10)]), trace_of([event("a", 25, 10)])

    found = align([first, second], "clock")

    assert (found.how, found.shift) == ("start", (0, -20_000))
    assert "no common time" in found.note


def test_ranks_of_a_real_job_end_their_first_collective_together():
    folder = real("param/dlrm_8ranks")
    traces = [read_trace(path) for path in sorted(folder.glob("*.gz"))[:3]]

    by_clock, by_collective = (align(traces, how) for how in ("clock", "collective"))

    assert by_clock.how == "clock"
    assert by_collective.how == "collective"
    # Both agree to a millisecond: the ranks ran on one host.
    for a, b in zip(by_clock.shift, by_collective.shift, strict=True):
        assert a == pytest.approx(b, abs=1_000_000)
