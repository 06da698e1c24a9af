from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.limits import MAX_TRACE_LANES
from gpuboard.profiler.figures.nesting import enclosing, nest, self_time
from gpuboard.profiler.traces.trace import Kind
from tests.profiler.figures.real_traces import real_trace
from tests.profiler.slow_kineto import trace_of


def host(spans, cat="cpu_op"):
    """Return the trace of slices (name, start, length) or (name, start, length, thread)."""
    return trace_of(
        [
            {"ph": "X", "cat": cat, "name": name, "ts": start, "dur": dur, "pid": 1,
             "tid": thread[0] if thread else 1}
            for name, start, dur, *thread in spans
        ]
    )  # fmt: skip


def named(trace, nesting):
    """Return parent's name and lane of each slice by its own name."""
    names = [trace.text(n) for n in trace.slices.name]
    return {
        name: (names[parent] if parent >= 0 else None, int(lane))
        for name, parent, lane in zip(names, nesting.parent, nesting.depth, strict=True)
    }


def overlap(a, b):
    """Say whether two spans (start, end) share time, or a point where they have no length."""
    return a == b if a[0] == a[1] and b[0] == b[1] else max(a[0], b[0]) < min(a[1], b[1])


spans = st.lists(
    st.tuples(st.just("x"), st.integers(0, 30), st.integers(0, 12), st.integers(1, 2)), max_size=25
)


def test_slices_lie_in_the_innermost_slice_that_holds_them():
    trace = host([("a", 0, 100), ("b", 10, 50), ("c", 20, 10), ("d", 70, 20), ("e", 100, 5)])

    nesting = nest(trace)

    assert named(trace, nesting) == {
        "a": (None, 0), "b": ("a", 1), "c": ("b", 2), "d": ("a", 1), "e": (None, 0),
    }  # fmt: skip
    assert nesting.overlaps == 0


def test_a_slice_that_outlasts_the_one_it_begins_in_lies_beside_it_a_lane_lower():
    trace = host([("step", 0, 100), ("a", 0, 50), ("b", 40, 40), ("in_b", 45, 3), ("c", 85, 5)])

    nesting = nest(trace)

    assert named(trace, nesting) == {
        "step": (None, 0), "a": ("step", 1), "b": ("step", 2), "in_b": ("b", 3), "c": ("step", 1),
    }  # fmt: skip
    assert nesting.overlaps == 1


def test_a_chain_of_overlapping_kernels_needs_two_lanes_only():
    trace = host([(str(k), 10 * k, 11) for k in range(50)])

    nesting = nest(trace)

    assert nesting.depth.tolist() == [0, 1] * 25
    assert nesting.parent.tolist() == [-1] * 50
    assert nesting.overlaps == 49


def test_equal_slices_nest_in_the_order_of_the_file():
    trace = host([("first", 5, 10), ("second", 5, 10), ("third", 5, 10)])

    assert named(trace, nest(trace)) == {
        "first": (None, 0), "second": ("first", 1), "third": ("second", 2),
    }  # fmt: skip


def test_slices_without_length_are_kept_in_what_they_begin_in():
    trace = host([("a", 0, 10), ("at_start", 0, 0), ("inside", 4, 0), ("again", 4, 0),
                  ("at_end", 10, 0), ("b", 20, 1)])  # fmt: skip

    assert named(trace, nest(trace)) == {
        "a": (None, 0), "at_start": ("a", 1), "inside": ("a", 1), "again": ("inside", 2),
        "at_end": (None, 0), "b": (None, 0),
    }  # fmt: skip


def test_threads_do_not_nest_in_each_other():
    trace = host([("a", 0, 100, 1), ("b", 10, 5, 2)])

    assert named(trace, nest(trace)) == {"a": (None, 0), "b": (None, 0)}


@given(spans)
def test_parents_and_lanes_are_those_of_a_search_over_all_pairs(events):
    trace = host(events)
    slices = trace.slices
    span = list(zip(slices.start.tolist(), (slices.start + slices.dur).tolist(), strict=True))

    nesting = nest(trace)

    for row, (start, end) in enumerate(span):
        holds = [
            r for r in range(row)
            if slices.track[r] == slices.track[row] and end <= span[r][1]
            and (start < span[r][1] or span[r] == (start, end))
        ]  # fmt: skip
        assert nesting.parent[row] == max(holds, default=-1)
        if holds:
            assert nesting.depth[row] > nesting.depth[nesting.parent[row]]
    for a in range(len(span)):
        for b in range(a):
            if slices.track[a] == slices.track[b] and nesting.depth[a] == nesting.depth[b]:
                assert not overlap(span[a], span[b])


@given(spans)
def test_self_time_is_what_no_child_covers(events):
    trace = host(events)
    slices, nesting = trace.slices, nest(trace)

    own = self_time(trace, nesting)

    for row in range(len(slices)):
        free = np.zeros(50_000, np.bool_)
        free[slices.start[row] : slices.start[row] + slices.dur[row]] = True
        for child in np.flatnonzero(nesting.parent == row):
            free[slices.start[child] : slices.start[child] + slices.dur[child]] = False
        assert own[row] == np.count_nonzero(free)


def test_self_times_of_a_track_without_overlaps_add_up_to_its_union():
    trace = host([("a", 0, 100), ("b", 10, 50), ("c", 20, 10), ("d", 70, 20), ("e", 110, 5)])

    assert self_time(trace, nest(trace)).sum() == 105_000


def test_children_that_do_not_count_leave_their_time_to_the_parent():
    trace = host([("a", 0, 100), ("b", 10, 50), ("c", 20, 10)])
    names = np.array([trace.text(n) for n in trace.slices.name])

    own = self_time(trace, nest(trace), names == "b")

    assert own.tolist() == [50_000, 50_000, 10_000]


def test_the_enclosing_slice_of_a_kind_may_be_the_slice_itself():
    events = [("op", 0, 100, "cpu_op"), ("call", 10, 5, "cuda_runtime"), ("py", 0, 200, "Python")]
    trace = trace_of(
        [{"ph": "X", "cat": c, "name": n, "ts": t, "dur": d, "pid": 1, "tid": 1}
         for n, t, d, c in events]
    )  # fmt: skip

    found = enclosing(trace, nest(trace), Kind.OPERATOR)

    names = [trace.text(n) for n in trace.slices.name]
    assert dict(zip(names, found.tolist(), strict=True)) == {"py": -1, "op": 1, "call": 1}


def test_more_lanes_than_allowed_share_the_last():
    n = MAX_TRACE_LANES.value + 10
    trace = host([(str(k), k, 2 * n) for k in range(n)])

    nesting = nest(trace)

    assert nesting.crowded == 10
    assert (
        nesting.depth.tolist() == [*range(MAX_TRACE_LANES.value)] + [MAX_TRACE_LANES.value - 1] * 10
    )


def test_an_empty_trace_nests():
    assert len(nest(trace_of([])).parent) == 0


@pytest.mark.parametrize(
    ("file", "lower"),
    [
        ("tracelens/b200/eager_trace.json.gz", 38),
        ("hta/ns_resolution_trace/rank-0.Apr_03_18_51_38.1102.pt.trace.json.gz", 0),
    ],
)
def test_no_two_slices_of_a_real_trace_share_a_lane(file, lower):
    trace = real_trace(file)
    slices = trace.slices

    nesting = nest(trace)

    order = np.lexsort((slices.start, nesting.depth, slices.track))
    end = (slices.start + slices.dur)[order]
    together = (np.diff(slices.track[order]) == 0) & (np.diff(nesting.depth[order]) == 0)
    assert not (together & (slices.start[order][1:] < end[:-1])).any()
    work = trace.rows(Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET)
    assert np.count_nonzero(nesting.depth[work]) == lower
