"""Test spans of time against sets of single nanoseconds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.figures.intervals import (
    EMPTY,
    Intervals,
    clip,
    gaps,
    intersect,
    subtract,
    union,
    union_of,
)

spans = st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 12)), max_size=12)


def made(pairs: list[tuple[int, int]]) -> Intervals:
    start = np.array([s for s, _ in pairs], np.int64)
    return union(start, start + np.array([d for _, d in pairs], np.int64))


def points(pairs: list[tuple[int, int]]) -> set[int]:
    return {t for s, d in pairs for t in range(s, s + d)}


def covered(intervals: Intervals) -> set[int]:
    found: set[int] = set()
    for s, e in zip(intervals.start.tolist(), intervals.end.tolist(), strict=True):
        assert s < e
        assert s - 1 not in found, "spans touch"
        assert s not in found, "spans overlap"
        found |= set(range(s, e))
    assert (np.diff(intervals.start) > 0).all()
    return found


@given(spans)
def test_a_union_covers_what_its_spans_cover(pairs: list[tuple[int, int]]) -> None:
    assert covered(made(pairs)) == points(pairs)
    assert made(pairs).total_ns == len(points(pairs))


@given(spans, spans)
def test_two_sets_are_joined_cut_and_subtracted(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    a, b = made(first), made(second)
    assert covered(intersect(a, b)) == points(first) & points(second)
    assert covered(subtract(a, b)) == points(first) - points(second)
    assert covered(union_of([a, b, EMPTY])) == points(first) | points(second)


@given(spans, st.integers(-50, 50), st.integers(0, 60))
def test_a_window_splits_into_spans_and_gaps(
    pairs: list[tuple[int, int]], t0: int, length: int
) -> None:
    window = set(range(t0, t0 + length))
    assert covered(clip(made(pairs), t0, t0 + length)) == points(pairs) & window
    assert covered(gaps(made(pairs), t0, t0 + length)) == window - points(pairs)


@given(spans, spans)
def test_what_lies_within_windows_is_measured(
    pairs: list[tuple[int, int]], windows: list[tuple[int, int]]
) -> None:
    start = np.array([s for s, _ in windows], np.int64)
    end = start + np.array([d for _, d in windows], np.int64)
    expected = [len(points(pairs) & set(range(s, s + d))) for s, d in windows]
    assert made(pairs).within(start, end).tolist() == expected
    assert made(pairs).contains(start).tolist() == [s in points(pairs) for s, _ in windows]


def test_nothing_covers_nothing() -> None:
    one = made([(0, 5)])
    assert covered(union_of([])) == set()
    assert covered(intersect(one, EMPTY)) == set()
    assert covered(subtract(one, EMPTY)) == set(range(5))
    assert EMPTY.within(np.array([0]), np.array([9])).tolist() == [0]
