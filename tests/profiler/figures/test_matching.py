"""Test how collectives of several ranks are matched, and how clocks are set."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from gpuboard.profiler.figures.collectives import collectives
from gpuboard.profiler.figures.matching import NO_MATCH, ONE_RANK, Matched, match, ranks_in
from gpuboard.profiler.traces.kineto import read_kineto
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.figures.events import kernel
from tests.profiler.real import TRACES, real
from tests.profiler.slow_kineto import trace_of


def rank(number: int, *spans: tuple[Any, ...], base: int | None = None) -> Trace:
    """Return a rank with collectives: (sequence, start, end), and of which group."""
    events = []
    for place, (sequence, start, end, *group) in enumerate(spans):
        args = {"Collective name": "allreduce", "In msg nelems": 1000, "Out msg nelems": 1000,
                "dtype": "Float", "Group size": 2, "Seq": sequence,
                "Process Group Name": group[0] if group else "0"}  # fmt: skip
        args = args if sequence is not None else {}
        events.append(kernel(place, start, end - start, "ncclDevKernel_AllReduce", 20, **args))
    meta: dict[str, Any] = {"distributedInfo": {"rank": number, "world_size": 2}}
    return trace_of(events, meta | ({} if base is None else {"baseTimeNanoseconds": base}))


def matched(*traces: Trace) -> Matched:
    return match(traces, [collectives(trace) for trace in traces])


def test_the_shortest_of_a_collective_is_its_latency_and_the_rest_is_waiting() -> None:
    found = matched(rank(0, (1, 100, 150), (2, 200, 215)), rank(1, (1, 130, 152), (2, 190, 215)))

    assert found.rank == (0, 1)
    assert found.latency_ns.tolist() == [22_000, 15_000]
    assert found.waiting_ns.tolist() == [[28_000, 0], [0, 10_000]]
    assert found.start_skew_ns.tolist() == [30_000, 10_000]
    assert found.end_skew_ns.tolist() == [2_000, 0]
    assert found.last.tolist() == [1, 0]
    # 4000 bytes in 22 us, and as much over each link of two ranks.
    assert found.bus_gbs[0] == pytest.approx(4000 / 22_000)


def test_numbers_match_what_order_would_not() -> None:
    found = matched(rank(0, (7, 100, 150), (8, 200, 210)), rank(1, (8, 190, 211), (9, 300, 310)))

    assert "sequence" in found.how
    assert found.duration.tolist() == [[10_000, 21_000]]
    assert found.unmatched.tolist() == [1, 1]


def test_groups_are_matched_apart() -> None:
    a = rank(0, (1, 100, 150, "a"), (1, 200, 210, "b"))
    found = matched(a, rank(1, (1, 205, 210, "b"), (1, 300, 310, "c")))

    assert found.group == ("b",)
    assert found.latency_ns.tolist() == [5_000]


def test_without_numbers_order_decides() -> None:
    found = matched(rank(0, (None, 100, 150), (None, 200, 210)), rank(1, (None, 120, 150)))

    assert found.how.startswith("order")
    assert found.latency_ns.tolist() == [30_000]
    assert found.unmatched.tolist() == [1, 0]


def test_base_times_bring_ranks_on_one_clock() -> None:
    base = 1_000_000_000_000
    found = matched(
        rank(0, (1, 100, 150), base=base), rank(1, (1, 10, 30), base=base + 120_000)
    )  # fmt: skip

    assert found.start_skew_ns.tolist() == [30_000]
    assert found.end_skew_ns.tolist() == [0]
    assert "base times" in found.clocks.how


def test_clocks_that_disagree_are_set_by_the_ends_of_collectives() -> None:
    spans = [(n, 1000 * n, 1000 * n + 50 + n) for n in range(9)]
    late = [(n, s + 10 + 5_000_000, e + 5_000_000) for n, s, e in spans]
    found = matched(rank(0, *spans), rank(1, *late))

    assert found.clocks.estimated.tolist() == [0, -5_000_000_000]
    assert found.clocks.spread_ns == 5_000_000_000
    assert found.clocks.left_ns == 0
    assert "shifted" in found.clocks.how
    assert set(found.start_skew_ns.tolist()) == {10_000}
    assert set(found.last.tolist()) == {1}


def test_clocks_that_agree_are_left_alone() -> None:
    found = matched(rank(0, (1, 100, 150)), rank(1, (1, 130, 152)))

    assert found.clocks.origin.tolist() == [0, 0]


def test_one_rank_alone_cannot_be_matched() -> None:
    assert matched(rank(0, (1, 100, 150))).absent == ONE_RANK
    assert matched(rank(0, (1, 100, 150)), rank(1, (2, 100, 150))).absent == NO_MATCH
    empty = trace_of([])
    assert match([empty, empty], [collectives(empty)] * 2).absent


def test_ranks_that_files_do_not_tell_apart_are_numbered() -> None:
    assert ranks_in([rank(3), rank(5)]) == (3, 5)
    assert ranks_in([rank(3), rank(3)]) == (0, 1)
    assert ranks_in([trace_of([]), rank(3)]) == (0, 1)


def dlrm() -> list[Trace]:
    real("param/dlrm_8ranks")
    return [read_kineto(path) for path in sorted((TRACES / "param/dlrm_8ranks").glob("*.gz"))]


def test_a_real_job_has_its_published_latencies_and_skews() -> None:
    expected = json.loads(real("param/expected_dlrm.json").read_text())["tracelens_collectives"]
    found = matched(*dlrm())

    assert (found.latency_ns // 1000).tolist() == expected["comm_latency_us"]
    assert (found.start_skew_ns // 1000).tolist() == expected["start_skew_us"]
    assert found.clocks.estimated.tolist() == [0] * 8
    assert (found.end_skew_ns <= 7_000).all()


def test_clocks_of_a_real_job_that_drift_apart_are_set_again() -> None:
    traces = dlrm()
    tables = [collectives(trace) for trace in traces]
    truth = match(traces, tables)
    shifts = np.array([0, 3, -7, 11, 1, -1, 2, 5]) * 1_000_000_000
    moved = [
        dataclasses.replace(table, start=table.start + shift, end=table.end + shift)
        for table, shift in zip(tables, shifts.tolist(), strict=True)
    ]
    found = match(traces, moved)

    assert np.abs(found.clocks.estimated + shifts).max() < 5_000
    assert np.abs(found.start_skew_ns - truth.start_skew_ns).max() < 10_000
    assert found.latency_ns.tolist() == truth.latency_ns.tolist()
