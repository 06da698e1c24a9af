"""The drawn piece of the timeline: what is shown of which track, and how runs are joined."""

from __future__ import annotations

import numpy as np
import pytest

from gpuboard.profiler.advice.finding import Finding, Proof
from gpuboard.reports.document import Role
from gpuboard.reports.part_drawing import drawing
from gpuboard.reports.sheet import Sheet
from tests.profiler.slow_kineto import trace_of
from tests.reports.traces import events


def finding(window, rank=-1):
    proof = Proof("longest pause", 1.0, "ns", "timeline", window=window, rank=rank)
    return Finding("launch_bound", 0.5, "s", "a", 0.1, (proof,), is_waiting=True)


def drawn(listed, window):
    return drawing(Sheet(trace_of(listed, {})), [finding(window)])[0].blocks[0]


def test_marks_lie_where_their_slices_do():
    start, end = 10_600_000, 11_200_000  # from the end of the first kernel to the second

    found = drawn(events(), (start, end))

    beside = int(0.35 * (end - start))
    t0, span = start - beside, end - start + 2 * beside
    assert found.highlight == pytest.approx((beside / span, 1 - beside / span))
    kernels = [mark for mark in found.marks if mark.name == "sgemm"]
    assert sorted(round(mark.x * span + t0) for mark in kernels) == [t0, end]
    assert all(mark.role is Role.COMPUTE for mark in kernels)


def test_devices_come_first_and_calls_lie_under_their_operators():
    found = drawn(events(), (10_000_000, 12_000_000))

    assert found.lanes[0][0].startswith("GPU 0")
    line = {mark.name: mark.line for mark in found.marks}
    assert line["sgemm"] == 0
    assert line["ProfilerStep#0"] < line["aten::mm"] < line["cudaLaunchKernel"]


def test_kernels_too_short_to_be_seen_are_drawn_as_one():
    short = [
        {"ph": "X", "name": "tiny", "cat": "kernel", "ts": 20_000 + 0.002 * k, "dur": 0.001,
         "pid": 0, "tid": 7, "args": {"device": 0, "stream": 7}}
        for k in range(50)
    ]  # fmt: skip

    found = drawn(events() + short, (10_000_000, 30_000_000))

    joined = next(mark for mark in found.marks if "short works" in mark.name)
    assert joined.name == "50 short works"
    assert joined.width * 34_000_000 == pytest.approx(49 * 2 + 1)


def test_functions_of_python_are_left_out():
    python = [
        {"ph": "X", "name": f"f{k}", "cat": "python_function", "ts": 9_000, "dur": 9_000 - k,
         "pid": 1, "tid": 1, "args": {"Python id": k}}
        for k in range(10)
    ]  # fmt: skip

    found = drawn(events() + python, (10_000_000, 12_000_000))

    assert {mark.name for mark in found.marks} >= {"aten::mm"}
    assert not [mark for mark in found.marks if mark.name.startswith("f")]


def test_a_window_of_another_rank_is_not_drawn():
    sheet = Sheet(trace_of(events(), {"distributedInfo": {"rank": 3, "world_size": 8}}))

    assert drawing(sheet, [finding((10_000_000, 11_000_000), rank=5)]) == ()
    assert drawing(sheet, [finding((10_000_000, 11_000_000), rank=3)]) != ()


def test_as_many_marks_are_drawn_as_a_page_can_bear_and_the_rest_is_counted():
    many = [
        {"ph": "X", "name": "k", "cat": "kernel", "ts": float(at), "dur": 0.9,
         "pid": 0, "tid": tid, "args": {"device": 0, "stream": tid}}
        for tid in (7, 8, 9) for at in np.arange(600)
    ]  # fmt: skip

    found = drawn(many, (0, 400_000))

    assert len(found.marks) == 1_200
    assert found.more > 0
