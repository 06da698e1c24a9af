"""Test lanes and levels against every slice counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.profiler.timeline.view import view
from gpuboard.profiler.traces.trace import Kind
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of
from tests.profiler.timeline.maker import event, kernel, layered, timeline_of

spans = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 400), st.integers(0, 60)), min_size=1, max_size=60
)


def traced(found):
    return trace_of([event(f"n{i % 5}", s, d, tid=t) for i, (t, s, d) in enumerate(found)])


def marks(found):
    """Marks as plain tuples, by line: (first, count, longest row)."""
    columns = zip(
        np.round(found.x, 5).tolist(), found.count.tolist(), found.row.tolist(), strict=True
    )
    marks = list(columns)
    bounds = found.lane_start.tolist()
    return [marks[low:high] for low, high in itertools.pairwise(bounds)]


@given(spans)
def test_no_two_slices_of_a_lane_overlap_and_none_is_lost(found):
    trace = traced(found)
    timeline = timeline_of(trace)

    assert sorted(timeline.rows.order.tolist()) == list(range(len(found)))
    for lane in range(timeline.lanes):
        low, high = timeline.rows.lane_start[lane : lane + 2]
        rows = timeline.rows.order[low:high]
        assert (timeline.lane_of(rows) == lane).all()
        ends = trace.slices.start[rows] + trace.slices.dur[rows]
        assert (ends[:-1] <= trace.slices.start[rows][1:]).all()


@given(spans, st.sampled_from([256, 1024, 4096, 16384, 65536]))
@settings(max_examples=60)
def test_a_view_through_levels_equals_one_of_all_slices(found, width):
    trace = traced(found)
    t0, t1 = -500, 500_000
    pixels = (t1 - t0) // width + 1
    fine, coarse = timeline_of(trace), layered(trace)
    lanes = np.arange(fine.lanes)

    seen = view(coarse, t0, t1, pixels, lanes)

    assert not fine.levels
    assert marks(seen) == marks(view(fine, t0, t1, pixels, lanes))
    assert int(seen.count.sum()) == len(found)


@given(spans)
def test_a_level_is_used_where_it_is_fine_enough(found):
    timeline = layered(traced(found))

    for level in timeline.levels:
        start, end, busy, count, row = level.columns
        longest = timeline.rows.dur[row]
        assert ((count == 1) | (longest < level.width)).all()
        assert (busy <= end - start).all()
        assert count.sum() == len(found)


def test_merged_marks_say_how_many_how_busy_and_which_was_longest():
    trace = trace_of([event("a", 0, 10), event("long", 20, 30), event("a", 60, 10)])
    timeline = timeline_of(trace)

    seen = view(timeline, 0, 1_000_000, 1, np.arange(timeline.lanes))

    assert seen.count.tolist() == [3]
    assert trace.text(int(seen.name[0])) == "long"
    assert seen.longest.tolist() == [30_000]
    assert seen.share[0] == round(255 * 50 / 70)
    assert seen.extent[0] == pytest.approx(0.07)


def test_a_slice_of_a_pixel_or_more_stands_alone():
    trace = trace_of([event("a", 0, 1), event("wide", 5, 40), event("a", 50, 1)])

    seen = view(timeline_of(trace), 0, 64_000, 2, np.arange(1))

    assert seen.width == 32_768
    assert [trace.text(int(n)) for n in seen.name] == ["a", "wide", "a"]


def test_a_view_never_has_more_marks_than_wanted():
    trace = trace_of([event("a", 10 * i, 1) for i in range(5_000)])

    seen = view(timeline_of(trace), 0, 50_000_000, 50_000, np.arange(1), most=200)

    assert len(seen.x) <= 200
    assert seen.count.sum() == 5_000


def test_only_what_reaches_into_the_window_is_seen():
    trace = trace_of([event("a", 0, 10), event("b", 20, 10), event("c", 40, 10), event("d", 60, 9)])

    seen = view(timeline_of(trace), 25_000, 45_000, 20_000, np.arange(1))

    assert [trace.text(int(n)) for n in seen.name] == ["b", "c"]
    assert seen.x.tolist() == pytest.approx([-0.25, 0.75])


def test_a_slice_that_cannot_be_true_ends_where_the_next_one_begins():
    ten_days = 10 * 86_400 * 1_000_000
    trace = trace_of([kernel("a", 0, 10), kernel("bad", 20, ten_days), kernel("c", 50, 10)])

    timeline = timeline_of(trace)

    assert timeline.end == 60_000
    assert timeline.rows.dur.tolist() == [10_000, 30_000, 10_000]


def test_an_empty_trace_has_a_timeline():
    timeline = timeline_of(trace_of([]))

    seen = view(timeline, 0, 10, 100, np.arange(timeline.lanes))

    assert len(seen.x) == 0


def test_kernels_that_overlap_partially_all_stand_in_the_picture():
    trace = read_trace(real("tracelens/b200/eager_trace.json.gz"))
    timeline = timeline_of(trace)
    kernels = trace.rows(Kind.KERNEL)
    lanes = np.unique(timeline.lane_of(kernels))

    seen = view(timeline, timeline.start, timeline.end, 10_000_000, lanes, most=60_000)

    found = trace.slices.kind[seen.row] == Kind.KERNEL
    assert seen.count[found].sum() == len(kernels) == 768
