"""Find slices by their names, and step from one to the next in time."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.compiled import frozen
from gpuboard.profiler.timeline import kernels
from gpuboard.profiler.timeline.levels import Timeline
from gpuboard.profiler.traces.trace import Bools, Float32s, Int32s, Int64s, Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Hits:
    """The slices that a search found.

    Attributes:
        names: Strings of the trace that match and name any slice.
        rows: Of all hits, by start.
        start: Of each, nanoseconds.
    """

    names: Int32s
    rows: Int32s
    start: Int64s

    def __len__(self) -> int:
        return len(self.rows)


def used_names(trace: Trace) -> Int32s:
    """Return the strings that name slices, ascending."""
    used = np.bincount(trace.slices.name, minlength=1) if len(trace.slices) else np.zeros(0)
    return np.flatnonzero(used).astype(np.int32)


def find(trace: Trace, names: Int32s) -> Hits:
    """Return all slices that have one of these names."""
    wanted = np.zeros(max(len(trace.strings), 1), np.bool_)
    wanted[names] = True
    rows = np.flatnonzero(wanted[trace.slices.name]).astype(np.int32)
    start = trace.slices.start[rows]
    order = np.argsort(start, kind="stable")
    return Hits(names, rows[order], start[order])


def next_hit(hits: Hits, time: int, row: int, *, back: bool = False) -> int:
    """Return the place in `hits` of the one after (or before) a place in time; it goes round.

    Args:
        hits: At least one.
        time: Nanoseconds.
        row: Slice at which the last step ended, so that hits of one time are all visited; -1 none.
        back: Whether to look to earlier times.
    """
    low = int(np.searchsorted(hits.start, time, "left"))
    high = int(np.searchsorted(hits.start, time, "right"))
    here = np.flatnonzero(hits.rows[low:high] == row)
    if len(here):
        return (low + int(here[0]) + (-1 if back else 1)) % len(hits)
    return (high - 1 if back else low) % len(hits)


def shown_hits(
    timeline: Timeline, hits: Hits, window: tuple[int, int], bins: int, lanes: Int64s, most: int
) -> tuple[Int32s, Float32s]:
    """Return where hits begin in a view: line and part of the window, each place once.

    Args:
        timeline: Of the trace.
        hits: What was found.
        window: Nanoseconds.
        bins: Places that are told apart across the window.
        lanes: The lines, from the top.
        most: Places at most.
    """
    t0, t1 = window
    low, high = np.searchsorted(hits.start, [t0, t1])
    rows = hits.rows[low:high]
    line_of = np.full(timeline.lanes, -1, np.int32)
    line_of[lanes] = np.arange(len(lanes), dtype=np.int32)
    width = max(-(-(t1 - t0) // bins), 1)
    line, place = np.empty(most, np.int32), np.empty(most, np.int32)
    seen: Bools = np.zeros((len(lanes), bins), np.bool_)
    n = kernels.mark_hits(
        frozen(rows), frozen(line_of[timeline.lane_of(rows)]), timeline.rows.start, t0, width, bins,
        seen, line, place,
    )  # fmt: skip
    return line[:n], (place[:n] * (width / (t1 - t0))).astype(np.float32)


def spread(hits: Hits, t0: int, t1: int, bins: int) -> Int64s:
    """Return how many hits begin in each of `bins` equal parts of a window."""
    edges = t0 + np.arange(bins + 1) * ((t1 - t0) / bins)
    return np.diff(np.searchsorted(hits.start, edges)).astype(np.int64)
