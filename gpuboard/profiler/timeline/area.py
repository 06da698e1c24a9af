"""Add up what lies in an area of the timeline: by name, by track, busy and idle."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.compiled import frozen
from gpuboard.profiler.figures.intervals import Intervals, union_of
from gpuboard.profiler.timeline import kernels
from gpuboard.profiler.timeline.levels import Timeline
from gpuboard.profiler.traces.trace import Int32s, Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class NamedSums:
    """What the slices of an area add up to by name, the largest total first.

    Attributes:
        name: A string of the trace, shape (m,); likewise all that follow.
        count: Slices that reach into the area.
        total: Nanoseconds of them within the area; nested slices count each for itself.
        least: Shortest whole duration.
        most: Longest whole duration.
    """

    name: Int32s
    count: Int64s
    total: Int64s
    least: Int64s
    most: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class AreaSums:
    """What an area holds.

    Attributes:
        t0: Where it begins, nanoseconds; `t1` where it ends.
        names: By name.
        tracks: Tracks of which lanes were taken, ascending.
        busy: Nanoseconds of each of them in which anything ran.
        busy_any: Nanoseconds in which anything ran on any of them.
    """

    t0: int
    t1: int
    names: NamedSums
    tracks: Int64s
    busy: Int64s
    busy_any: int


def sums(timeline: Timeline, t0: int, t1: int, lanes: Int64s) -> AreaSums:
    """Return what lies from `t0` to `t1` in these lanes."""
    covers = [_covered(timeline, track, t0, t1, lanes) for track in _tracks(timeline, lanes)]
    return AreaSums(
        t0=t0,
        t1=t1,
        names=_by_name(timeline, t0, t1, lanes),
        tracks=_tracks(timeline, lanes),
        busy=np.array([cover.total_ns for cover in covers], np.int64),
        busy_any=union_of(covers).total_ns,
    )


def _tracks(timeline: Timeline, lanes: Int64s) -> Int64s:
    return np.unique(np.searchsorted(timeline.first_lane, lanes, "right") - 1).astype(np.int64)


def _by_name(timeline: Timeline, t0: int, t1: int, lanes: Int64s) -> NamedSums:
    trace = timeline.trace
    count, total, least, most = np.zeros((4, max(len(trace.strings), 1)), np.int64)
    name = frozen(trace.slices.name)
    kernels.sum_names(*timeline.rows, frozen(lanes), t0, t1, name, count, total, least, most)
    found = np.flatnonzero(count)
    found = found[np.argsort(-total[found], kind="stable")]
    return NamedSums(found.astype(np.int32), count[found], total[found], least[found], most[found])


def _covered(timeline: Timeline, track: int, t0: int, t1: int, lanes: Int64s) -> Intervals:
    first, behind = timeline.first_lane[track], timeline.first_lane[track + 1]
    wanted = np.zeros(int(behind - first), np.bool_)
    wanted[lanes[(lanes >= first) & (lanes < behind)] - first] = True
    low, high = (int(at) for at in timeline.trace.track_start[track : track + 2])
    start, end = np.empty(high - low, np.int64), np.empty(high - low, np.int64)
    rows, depth = timeline.rows, frozen(timeline.nesting.depth)
    n = kernels.covered(rows.start, rows.dur, depth, wanted, low, high, t0, t1, start, end)
    return Intervals(start[:n], end[:n])
