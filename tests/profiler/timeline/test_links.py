from __future__ import annotations

import numpy as np

from gpuboard.profiler.timeline import links
from gpuboard.profiler.timeline.facts import facts_of
from tests.profiler.slow_kineto import trace_of
from tests.profiler.timeline.maker import event, kernel, launching, links_of, timeline_of


def row_of(trace, name, nth=0):
    rows = [r for r in range(len(trace.slices)) if trace.text(int(trace.slices.name[r])) == name]
    return rows[nth]


def names(trace, rows):
    return [trace.text(int(trace.slices.name[row])) for row in rows]


def test_a_kernel_knows_its_call_and_operator():
    trace = launching()
    ties = links_of(trace)
    gemm = row_of(trace, "gemm")

    assert links.call_of(trace, ties, gemm) == row_of(trace, "cudaLaunchKernel")
    assert names(trace, [links.operator_of(trace, ties, gemm)]) == ["aten::mm"]


def test_a_call_knows_what_it_launched():
    trace = launching()
    second = row_of(trace, "cudaLaunchKernel", 1)

    assert names(trace, links.work_of_call(trace, links_of(trace), second)) == ["add"]


def test_what_is_no_work_of_a_device_has_no_call():
    trace = launching()

    assert links.call_of(trace, links_of(trace), row_of(trace, "aten::mm")) == -1


def test_the_slices_around_a_slice_come_innermost_first():
    trace = launching()

    found = links.above(timeline_of(trace), row_of(trace, "cudaLaunchKernel"))

    assert names(trace, found) == ["aten::mm", "step"]


def test_arrows_of_an_event_lead_from_launch_to_kernel():
    trace = launching()
    gemm = row_of(trace, "gemm")

    (arrow,) = links.arrows_of(timeline_of(trace), links_of(trace), gemm, 10)

    assert (arrow.label, arrow.target, arrow.target_time) == ("launch", gemm, 30_000)
    assert names(trace, [arrow.source]) == ["cudaLaunchKernel"]


def test_arrows_of_the_file_join_forward_and_backward():
    flow = {"cat": "fwdbwd", "name": "fwdbwd", "id": 3, "pid": 7}
    trace = trace_of(
        [
            event("outer", 0, 50),
            event("forward", 10, 20),
            event("backward", 70, 10, tid=2),
            {"ph": "s", "ts": 10, "tid": 1, **flow},
            {"ph": "f", "bp": "e", "ts": 70, "tid": 2, **flow},
        ]
    )
    timeline, ties = timeline_of(trace), links_of(trace)

    (arrow,) = links.arrows_of(timeline, ties, row_of(trace, "forward"), 10)

    assert names(trace, [arrow.source, arrow.target]) == ["forward", "backward"]
    assert links.arrows_of(timeline, ties, row_of(trace, "outer"), 10) == []
    assert links.arrows_of(timeline, ties, row_of(trace, "backward"), 10) == [arrow]


def test_arrows_of_a_window_are_left_out_where_there_are_many():
    trace = launching()
    timeline, ties = timeline_of(trace), links_of(trace)
    tracks = np.arange(len(trace.tracks))

    assert len(links.arrows_in(timeline, ties, (0, 100_000), tracks, 5)) == 2
    assert len(links.arrows_in(timeline, ties, (0, 40_000), tracks, 5)) == 1
    assert links.arrows_in(timeline, ties, (0, 100_000), tracks, 1) is None


def test_facts_tell_what_the_file_says_and_nothing_else():
    trace = trace_of(
        [kernel("gemm", 0, 5, correlation=9, grid=[4, 2, 1], **{"est. achieved occupancy %": 31})]
    )

    found = {fact.name: (fact.value, fact.unit) for fact in facts_of(trace, 0)}

    assert found["grid"] == ((4, 2, 1), "")
    assert found["occupancy"] == (31.0, "%")
    assert found["correlation id"] == (9, "")
    assert "registers per thread" not in found
