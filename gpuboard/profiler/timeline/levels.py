"""Lay the slices of a trace on lanes, and keep them merged at several widths.

| level | what lies in it | bytes a mark |
|---|---|---|
| rows | the slices themselves, sorted by lane | 4 |
| 1, 2 ... | marks: slices shorter than the width are merged; at most a quarter as many | 32 |
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.compiled import frozen
from gpuboard.profiler.figures.nesting import Nesting
from gpuboard.profiler.timeline import kernels
from gpuboard.profiler.traces.trace import Int32s, Int64s, Trace

Columns = tuple[Int64s, Int64s, Int64s, Int32s, Int32s]

SHRINK = 4  # a level that is not smaller by this is not worth its memory
FIRST_WIDTH = 1 << 8
FEW = 4_000  # marks that any view may look through


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """The marks of all lanes at one width, by lane and time.

    Attributes:
        width: Nanoseconds; slices that are shorter and begin within the same stretch are merged.
        lane_start: Where each lane begins, and the end of the last.
        columns: Start, end, busy nanoseconds, number of slices and row of the longest slice.
    """

    width: int
    lane_start: Int64s
    columns: Columns

    def __len__(self) -> int:
        return len(self.columns[0])


class Rows(NamedTuple):
    """The slices themselves, as kernels take them: read-only columns.

    Attributes:
        start: Of each row, nanoseconds.
        dur: Durations to draw: those that cannot be true end with the next slice of their track.
        order: Rows by lane, then time.
        lane_start: Where each lane begins in `order`, and the end of the last.
    """

    start: Int64s
    dur: Int64s
    order: Int32s
    lane_start: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """Where everything of one trace lies, at every scale.

    Attributes:
        start: First start of any slice, nanoseconds of the trace's clock.
        end: Last end.
        first_lane: First lane of each track, and the number of all lanes; shape (tracks + 1,).
        levels: From fine to coarse.
    """

    trace: Trace
    nesting: Nesting
    start: int
    end: int
    first_lane: Int64s
    rows: Rows
    levels: tuple[Level, ...]

    @property
    def lanes(self) -> int:
        """How many lanes there are."""
        return int(self.first_lane[-1])

    def lane_of(self, rows: Int32s) -> Int64s:
        """Return the lane of each row."""
        lanes: Int64s = self.first_lane[self.trace.slices.track[rows]] + self.nesting.depth[rows]
        return lanes


def build(trace: Trace, nesting: Nesting) -> Timeline:
    """Return the timeline of a trace; a tenth of a second for a million slices."""
    slices = trace.slices
    dur = _drawn(trace)
    bounds, depth = frozen(trace.track_start), frozen(nesting.depth)
    first_lane = _first_lanes(trace.track_start, nesting.depth)
    lane_start = np.zeros(int(first_lane[-1]) + 1, np.int64)
    order = np.empty(len(slices), np.int32)
    kernels.sort_lanes(bounds, frozen(first_lane), depth, lane_start, order)
    start, end = _extent(trace, dur)
    rows = Rows(frozen(slices.start), frozen(dur), frozen(order), frozen(lane_start))
    levels = _levels(rows, max(end - start, 1))
    return Timeline(trace, nesting, start, end, first_lane, rows, levels)


def _first_lanes(bounds: Int64s, depth: npt.NDArray[np.uint16]) -> Int64s:
    """Return the first lane of each track; one without slices still has a line of its own."""
    deepest = np.ones(len(bounds) - 1, np.int64)
    held = np.flatnonzero(np.diff(bounds))
    if len(held):
        deepest[held] = np.maximum.reduceat(depth, bounds[held]).astype(np.int64) + 1
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(deepest)])


def _drawn(trace: Trace) -> Int64s:
    """Return durations; those that cannot be true are cut at the next start of their track."""
    slices = trace.slices
    bad = np.flatnonzero(slices.suspect)
    if not len(bad):
        return slices.dur
    dur = slices.dur.copy()
    sound = ~slices.suspect
    ends = slices.start[sound] + dur[sound]
    last = int(ends.max()) if len(ends) else int(slices.start.max())
    following = np.minimum(bad + 1, len(slices) - 1)
    has_next = (following > bad) & (slices.track[following] == slices.track[bad])
    until = np.where(has_next, slices.start[following], last)
    dur[bad] = np.clip(until - slices.start[bad], 0, slices.dur[bad])
    return dur


def _extent(trace: Trace, dur: Int64s) -> tuple[int, int]:
    start = trace.slices.start
    if len(start):
        return int(start.min()), int((start + dur).max())
    times = [t for t in (trace.counters.time, trace.memory.time, trace.instants.time) if len(t)]
    if not times:
        return 0, 1
    return min(int(t.min()) for t in times), max(int(t.max()) for t in times) + 1


def _levels(rows: Rows, span: int) -> tuple[Level, ...]:
    levels: list[Level] = []
    width, marks = FIRST_WIDTH, len(rows.order)
    while marks > FEW and width < span:
        most = marks // SHRINK
        level = _coarser(levels[-1], rows.dur, width, most) if levels else _first(rows, width, most)
        if level is not None:
            levels.append(level)
            marks = len(level)
        width *= 4
    return tuple(levels)


def _first(rows: Rows, width: int, most: int) -> Level | None:
    n = kernels.count_merged(*rows, width, most)
    if n > most:
        return None
    columns, lane_start = empty(n), np.empty(len(rows.lane_start), np.int64)
    kernels.merge_rows(*rows, width, columns, lane_start)
    return _level(width, lane_start, columns, n)


def _coarser(level: Level, dur: Int64s, width: int, most: int) -> Level | None:
    columns, lane_start = empty(len(level)), np.empty(len(level.lane_start), np.int64)
    n = kernels.merge_marks(level.columns, level.lane_start, dur, width, columns, lane_start)
    return None if n > most else _level(width, lane_start, columns, n)


def _level(width: int, lane_start: Int64s, columns: Columns, n: int) -> Level:
    start, end, busy, count, row = columns
    if n < len(start):
        start, end, busy = start[:n].copy(), end[:n].copy(), busy[:n].copy()
        count, row = count[:n].copy(), row[:n].copy()
    marks = frozen(start), frozen(end), frozen(busy), frozen(count), frozen(row)
    return Level(width, frozen(lane_start), marks)


def empty(n: int) -> Columns:
    """Return columns for `n` marks."""
    return (
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int32),
        np.empty(n, np.int32),
    )
