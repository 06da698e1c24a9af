"""Join, cut and measure spans of time: integer columns, sorted and disjoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from gpuboard.profiler.traces.trace import Bools, Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class Intervals:
    """Spans of time, half open, ascending, with a gap before each but the first.

    Attributes:
        start: Nanoseconds, shape (m,).
        end: Nanoseconds, each after its `start`, shape (m,).
    """

    start: Int64s
    end: Int64s

    def __len__(self) -> int:
        return len(self.start)

    @property
    def total_ns(self) -> int:
        """The length of all spans together."""
        return int((self.end - self.start).sum())

    def covered_before(self, time: Int64s) -> Int64s:
        """Return how many nanoseconds lie in the spans before each time."""
        if not len(self):
            return np.zeros(len(time), np.int64)
        length = self.end - self.start
        before = np.concatenate([[0], np.cumsum(length)])
        at = np.searchsorted(self.start, time, "right")
        last = np.maximum(at - 1, 0)
        inside = np.minimum(time - self.start[last], length[last])
        covered: Int64s = np.where(at > 0, before[last] + inside, 0)
        return covered

    def within(self, start: Int64s, end: Int64s) -> Int64s:
        """Return how many nanoseconds lie in the spans from each start to its end."""
        return self.covered_before(end) - self.covered_before(start)

    def contains(self, time: Int64s) -> Bools:
        """Tell which times lie in a span."""
        if not len(self):
            return np.zeros(len(time), np.bool_)
        at = np.searchsorted(self.start, time, "right") - 1
        inside: Bools = (at >= 0) & (time < self.end[at])
        return inside


EMPTY = Intervals(np.empty(0, np.int64), np.empty(0, np.int64))


def union(start: Int64s, end: Int64s) -> Intervals:
    """Return what any span covers; spans that touch become one, those without length vanish.

    Fast on columns that are sorted by start, or made of a few sorted runs.
    """
    kept = end > start
    if not kept.all():
        start, end = start[kept], end[kept]
    if not len(start):
        return EMPTY
    if (start[1:] < start[:-1]).any():
        order = np.argsort(start, kind="stable")
        start, end = start[order], end[order]
    reached = np.maximum.accumulate(end)
    opens = np.flatnonzero(start[1:] > reached[:-1]) + 1
    return Intervals(
        start=np.concatenate([start[:1], start[opens]]),
        end=np.concatenate([reached[opens - 1], reached[-1:]]),
    )


def union_of(parts: Iterable[Intervals]) -> Intervals:
    """Return what any of several sets of spans covers."""
    found = [part for part in parts if len(part)]
    if len(found) < 2:
        return found[0] if found else EMPTY
    return union(
        np.concatenate([part.start for part in found]), np.concatenate([part.end for part in found])
    )


def intersect(a: Intervals, b: Intervals) -> Intervals:
    """Return what both sets of spans cover."""
    return _covered_by(a, b, 2)


def subtract(a: Intervals, b: Intervals) -> Intervals:
    """Return what `a` covers and `b` does not."""
    if not len(a) or not len(b):
        return a
    first, last = min(a.start[0], b.start[0]) - 1, max(a.end[-1], b.end[-1]) + 1
    return intersect(a, gaps(b, int(first), int(last)))


def clip(a: Intervals, t0: int, t1: int) -> Intervals:
    """Return the part of the spans from `t0` to `t1`."""
    start, end = np.maximum(a.start, t0), np.minimum(a.end, t1)
    kept = end > start
    return Intervals(start[kept], end[kept])


def gaps(a: Intervals, t0: int, t1: int) -> Intervals:
    """Return what the spans leave free from `t0` to `t1`."""
    a = clip(a, t0, t1)
    start = np.concatenate([np.array([t0], np.int64), a.end])
    end = np.concatenate([a.start, np.array([t1], np.int64)])
    kept = end > start
    return Intervals(start[kept], end[kept])


def _covered_by(a: Intervals, b: Intervals, depth: int) -> Intervals:
    """Return where `depth` of the two sets overlap, by a sweep over all their ends."""
    if not len(a) or not len(b):
        return EMPTY
    times = np.concatenate([a.start, b.start, a.end, b.end])
    opens = len(a) + len(b)
    order = np.argsort(times, kind="stable")
    level = np.cumsum(np.where(order < opens, 1, -1))
    times = times[order]
    # Between two events of the same time no time passes, whatever their order.
    inside = np.flatnonzero((level[:-1] >= depth) & (times[1:] > times[:-1]))
    return union(times[inside], times[inside + 1])
