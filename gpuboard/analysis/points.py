"""Read off what every run has at one x, or between two: the table that follows the cursor."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gpuboard.analysis.axes import Column, known_origins
from gpuboard.analysis.batch import Batch, batches
from gpuboard.analysis.cache import ColumnCache
from gpuboard.analysis.compiled import kernel
from gpuboard.analysis.layers import smoothed
from gpuboard.analysis.request import NO_SMOOTHING, Smoothing, Source, check_window
from gpuboard.analysis.restarts import Bools
from gpuboard.store.columns import Float64s, Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class PointRows:
    """One row for each run, shape (runs,) each.

    At one x, a row shows the nearest point that stands, of equally near ones the last logged. Over
    a range it shows the last point within, and what the logged finite values within amount to.

    Attributes:
        run: Id of the run.
        found: Whether the run has such a point; the other columns mean nothing where it has not.
        value: Value as logged.
        smoothed: Value of the smoothed line.
        step: Step as logged.
        wall_time: Seconds since the epoch.
        relative: Seconds since the run's first event.
        least: Least finite value within the range; this and the rest is NaN where there is none.
        greatest: Greatest one.
        mean: Their mean.
        start: First one.
        end: Last one.
    """

    run: Int64s
    found: Bools
    value: Float64s
    smoothed: Float64s
    step: Int64s
    wall_time: Float64s
    relative: Float64s
    least: Float64s
    greatest: Float64s
    mean: Float64s
    start: Float64s
    end: Float64s


@dataclasses.dataclass(frozen=True, slots=True)
class PointRequest:
    """Where to look.

    Attributes:
        axis: One of `gpuboard.analysis.request.AXES`.
        at: The x of the cursor, or where the range starts.
        to: Where the range ends, None for a single x.
        smoothing: What the column `smoothed` shows.
    """

    axis: str
    at: float
    to: float | None = None
    smoothing: Smoothing = NO_SMOOTHING

    def __post_init__(self) -> None:
        check_window(self.at, self.at if self.to is None else self.to)


def points_at(
    sources: Sequence[Source],
    request: PointRequest,
    tag: str = "",
    cache: ColumnCache | None = None,
) -> PointRows:
    """Return what each run has at the place asked for, in the order of `sources`.

    Args:
        sources: The selected runs that have the tag.
        request: Where to look.
        tag: Name of the tag: part of the keys of the cache.
        cache: Keeps smoothed values of large series.
    """
    columns = [_columns(batch, request, tag, cache) for batch in batches(sources, request.axis)]
    if not columns:
        nothing = np.empty(0)
        ids, none = nothing.astype(np.int64), nothing.astype(np.bool_)
        return PointRows(ids, none, nothing, nothing, ids, *(nothing,) * 7)
    return PointRows(*(np.concatenate(parts) for parts in zip(*columns, strict=True)))


def _columns(
    batch: Batch, request: PointRequest, tag: str, cache: ColumnCache | None
) -> tuple[np.ndarray, ...]:
    """Return the columns of `PointRows` for the runs of one batch."""
    lines = batch.lines
    where = (lines.low, lines.high, lines.first)
    summary = np.full((5, len(batch.sources)), np.nan)
    if request.to is None:
        index = _nearest(batch.column, batch.shift, *where, float(request.at))
    else:
        ends = (float(request.at), float(request.to))
        index = _summarise(batch.column, batch.shift, batch.y, *where, *ends, summary)
    found = index >= 0
    if not len(batch.y):
        return _nothing(batch, found)
    values = smoothed(batch, request.smoothing, tag, cache)
    origins = known_origins(
        batch.wall_time, batch.writers.offset, [source.origin for source in batch.sources]
    )
    wall_time = batch.wall_time[index]
    relative = wall_time - origins
    point = (batch.y[index], values[index], batch.step[index], wall_time, relative)
    return (batch.runs, found, *point, *summary)


def _nothing(batch: Batch, found: Bools) -> tuple[np.ndarray, ...]:
    empty = np.full(len(found), np.nan)
    steps = np.zeros(len(found), np.int64)
    return (batch.runs, found, empty, empty, steps, *(empty,) * 7)


@kernel
def _nearest(
    x: Column, shift: Float64s, low: Int64s, high: Int64s, first: Int64s, at: float
) -> Int64s:
    index = np.full(len(shift), -1, np.int64)
    for run in range(len(shift)):
        nearest = np.inf
        for s in range(first[run], first[run + 1]):
            above = _first_above(x, shift[run], low[s], high[s], at)
            for i in (above - 1, above):
                if not low[s] <= i < high[s]:
                    continue
                distance = abs(x[i] - shift[run] - at)
                if distance <= nearest:
                    nearest = distance
                    index[run] = _first_above(x, shift[run], i, high[s], x[i] - shift[run]) - 1
    return index


@kernel
def _summarise(
    x: Column,
    shift: Float64s,
    y: Float64s,
    low: Int64s,
    high: Int64s,
    first: Int64s,
    x0: float,
    x1: float,
    summary: Float64s,
) -> Int64s:
    """Fill least, greatest, mean, start and end of each run; return the last index within."""
    index = np.full(len(shift), -1, np.int64)
    for run in range(len(shift)):
        n = 0
        for s in range(first[run], first[run + 1]):
            p = _first_above(x, shift[run], low[s], high[s], np.nextafter(x0, -np.inf))
            q = _first_above(x, shift[run], p, high[s], x1)
            if q > p:
                index[run] = q - 1
            for i in range(p, q):
                if not np.isfinite(y[i]):
                    continue
                if n == 0:
                    summary[0, run] = summary[1, run] = summary[3, run] = y[i]
                    summary[2, run] = 0.0
                n += 1
                summary[0, run] = min(summary[0, run], y[i])
                summary[1, run] = max(summary[1, run], y[i])
                summary[2, run] += y[i] / n - summary[2, run] / n
                summary[4, run] = y[i]
    return index


@kernel
def _first_above(x: Column, shift: float, low: int, high: int, edge: float) -> int:
    """Return the first index in low..high-1 with x > edge, else `high`."""
    while low < high:
        middle = (low + high) // 2
        if x[middle] - shift <= edge:
            low = middle + 1
        else:
            high = middle
    return low
