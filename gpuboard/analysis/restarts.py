"""Decide which points of a restarted run stand, and where its line is broken.

A series keeps every point that any file of the run wrote. The view rule:

1. A file whose first wall time is at or after the last wall time of every earlier file is a
   restart. It supersedes those points of all earlier files whose step is at or after the least
   step that it wrote itself. Files that overlap in time are concurrent writers: the later one
   supersedes nothing.
2. A file that announced a `purge_step` supersedes all points of earlier files at that step and
   after it, whatever the clocks say.
3. Within one file nothing is superseded. Where its x goes back, the pen is lifted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.axes import Column
from gpuboard.analysis.compiled import frozen, kernel
from gpuboard.store.columns import NO_PURGE, Float64s, Int64s, Series

T = TypeVar("T", bound=np.generic)
Bools = npt.NDArray[np.bool_]


class Written(Protocol):
    """Anything that several files of a run may have written: scalars or heavy values."""

    @property
    def wall_time(self) -> Float64s:
        """Seconds since the epoch, shape (n,)."""

    @property
    def step(self) -> Int64s:
        """Steps, shape (n,)."""

    @property
    def writer_start(self) -> Int64s:
        """As in `Series`."""

    @property
    def purge_step(self) -> Int64s:
        """As in `Series`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Writers:
    """The files that wrote several runs' points, one run's after the other's.

    Attributes:
        offset: Where each run's points start and the last one's end, shape (runs + 1,).
        start: First point of each file, shape (files,).
        end: One past its last point, shape (files,).
        purge_step: As in `Series`, shape (files,).
        first: Where each run's files start in these arrays, shape (runs + 1,).
    """

    offset: Int64s
    start: Int64s
    end: Int64s
    purge_step: Int64s
    first: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class Stretches:
    """Ranges of points over which the pen is down and x does not go back.

    Attributes:
        low: First point of each stretch, shape (s,).
        high: One past its last point, shape (s,).
        joined: Whether the line runs on from the stretch before, shape (s,).
        first: Where each run's stretches start, shape (runs + 1,).
    """

    low: Int64s
    high: Int64s
    joined: Bools
    first: Int64s


def current(series: Written) -> Bools:
    """Return which points stand once restarts have superseded theirs, shape (n,)."""
    limit, limited = step_limits(series.wall_time, series.step, writers_of([series]))
    counts = np.diff(np.append(series.writer_start, len(series.step)))
    stands: Bools = ~np.repeat(limited, counts) | (series.step < np.repeat(limit, counts))
    return stands


def superseded_count(series: Series) -> int:
    """Return how many points a later file of the run has overwritten."""
    return int(len(series) - np.count_nonzero(current(series)))


def current_series(series: Series) -> Series:
    """Return the series without its superseded points; itself where there are none."""
    stands = current(series)
    if stands.all():
        return series
    before = np.append(0, np.cumsum(stands))
    return Series(
        wall_time=series.wall_time[stands],
        step=series.step[stands],
        value=series.value[stands],
        writer_start=before[series.writer_start],
        purge_step=series.purge_step,
    )


def writers_of(series: Sequence[Written]) -> Writers:
    """Return the files of several series as if their points lay one after another."""
    offset = np.cumsum([0, *(len(s.step) for s in series)], dtype=np.int64)
    first = np.cumsum([0, *(len(s.writer_start) for s in series)], dtype=np.int64)
    base = np.repeat(offset[:-1], np.diff(first))
    start = np.concatenate([s.writer_start for s in series]) + base if series else base
    end = np.append(start[1:], offset[-1])
    filled = np.diff(first) > 0
    end[first[1:][filled] - 1] = offset[1:][filled]
    purge_step = np.concatenate([s.purge_step for s in series]) if series else base
    return Writers(*map(frozen, (offset, start, end, purge_step, first)))


def step_limits(wall_time: Float64s, step: Int64s, writers: Writers) -> tuple[Int64s, Bools]:
    """Return for each file the step from which on its points are superseded, and if any are.

    Args:
        wall_time: Wall times of all runs, shape (n,).
        step: Their steps, shape (n,).
        writers: The files that wrote them.
    """
    limit = np.full(len(writers.start), NO_PURGE, np.int64)
    limited = np.zeros(len(writers.start), np.bool_)
    _fill_limits(
        frozen(wall_time),
        frozen(step),
        writers.start,
        writers.end,
        writers.purge_step,
        writers.first,
        limit,
        limited,
    )
    return limit, limited


@kernel
def _fill_limits(
    wall_time: Float64s,
    step: Int64s,
    start: Int64s,
    end: Int64s,
    purge_step: Int64s,
    first: Int64s,
    limit: Int64s,
    limited: Bools,
) -> None:
    for run in range(len(first) - 1):
        if first[run + 1] - first[run] < 2:
            continue
        restarts = _are_restarts(wall_time, start, end, first[run], first[run + 1])
        bound, bounded = np.int64(NO_PURGE), False
        for w in range(first[run + 1] - 1, first[run] - 1, -1):
            limit[w], limited[w] = bound, bounded
            if restarts[w - first[run]]:
                for i in range(start[w], end[w]):
                    bound, bounded = min(bound, step[i]), True
            if purge_step[w] != NO_PURGE:
                bound, bounded = min(bound, purge_step[w]), True


@kernel
def _are_restarts(wall_time: Float64s, start: Int64s, end: Int64s, first: int, last: int) -> Bools:
    """Return which of the files first..last-1 began after all earlier ones had ended."""
    restarts = np.zeros(last - first, np.bool_)
    latest = -np.inf
    for w in range(first, last):
        low, high = start[w], end[w]
        while low < high and not np.isfinite(wall_time[low]):
            low += 1
        while low < high and not np.isfinite(wall_time[high - 1]):
            high -= 1
        if low == high:
            continue
        restarts[w - first] = w > first and wall_time[low] >= latest
        latest = max(latest, wall_time[high - 1])
    return restarts


def stretches(
    x: Column, step: Int64s, writers: Writers, limits: tuple[Int64s, Bools], *, superseded: bool
) -> Stretches:
    """Return where the pen is down over the points that stand, or over the superseded ones.

    Points without a finite x are left out. Superseded stretches of different files are not joined.

    Args:
        x: The column that orders the points, int64 or float64, shape (n,).
        step: Steps, shape (n,).
        writers: The files that wrote them.
        limits: What `step_limits` returned.
        superseded: Whether to walk the superseded points instead of those that stand.
    """
    low, high, joined, first = _walk(
        frozen(x),
        frozen(step),
        writers.start,
        writers.end,
        writers.first,
        frozen(limits[0]),
        frozen(limits[1]),
        superseded,
    )
    return Stretches(frozen(low), frozen(high), frozen(joined), frozen(first))


def ascending_stretches(x: Float64s) -> Stretches:
    """Return the stretches of a single line of finite x, cut where x goes back."""
    backwards = np.flatnonzero(np.diff(x) < 0) + 1
    ends = np.append(backwards, len(x)) if len(x) else backwards
    low = np.append(0, backwards) if len(x) else backwards
    joined = np.zeros(len(low), np.bool_)
    return Stretches(frozen(low), frozen(ends), frozen(joined), frozen(np.array([0, len(low)])))


@kernel
def _walk(
    x: Column,
    step: Int64s,
    start: Int64s,
    end: Int64s,
    first: Int64s,
    limit: Int64s,
    limited: Bools,
    superseded: bool,
) -> tuple[Int64s, Int64s, Bools, Int64s]:
    low = np.empty(len(start) + 8, np.int64)
    high = np.empty(len(start) + 8, np.int64)
    joined = np.empty(len(start) + 8, np.bool_)
    run_first = np.zeros(len(first), np.int64)
    n = 0
    for run in range(len(first) - 1):
        for w in range(first[run], first[run + 1]):
            i = start[w] if limited[w] or not superseded else end[w]
            while i < end[w]:
                if x[i] - x[i] != 0 or (limited[w] and (step[i] >= limit[w]) != superseded):
                    i += 1
                    continue
                if n == len(low):
                    low, high, joined = _grown(low), _grown(high), _grown(joined)
                stop = _stretch_end(x, step, i, end[w], limit[w], limited[w], superseded)
                low[n], high[n] = i, stop
                joined[n] = n > run_first[run] and not superseded and x[high[n - 1] - 1] <= x[i]
                n += 1
                i = stop
        run_first[run + 1] = n
    return low[:n], high[:n], joined[:n], run_first


@kernel
def _stretch_end(
    x: Column, step: Int64s, i: int, end: int, limit: int, limited: bool, superseded: bool
) -> int:
    i += 1
    if limited:
        while i < end and x[i] >= x[i - 1] and (step[i] >= limit) == superseded:
            i += 1
    else:
        while i < end and x[i] >= x[i - 1]:
            i += 1
    # An infinite wall time passes the comparison; it ends the stretch before it.
    while i > 0 and x[i - 1] - x[i - 1] != 0:
        i -= 1
    return i


@kernel
def _grown(column: npt.NDArray[T]) -> npt.NDArray[T]:
    bigger = np.empty(2 * len(column), column.dtype)
    bigger[: len(column)] = column
    return bigger
