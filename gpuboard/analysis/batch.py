"""Lay the points of several runs behind one another, so that one compiled pass serves all.

Small series are copied together; a large one stays where it is and is a batch of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from gpuboard.analysis import axes, restarts
from gpuboard.analysis.axes import Column
from gpuboard.analysis.compiled import frozen
from gpuboard.analysis.request import Source
from gpuboard.analysis.restarts import Stretches, Writers
from gpuboard.store.columns import Float64s, Int64s

LARGE_POINTS = 100_000


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Points of some runs in file order, one run after the other; x is `column - shift[run]`.

    Attributes:
        sources: Whose points these are.
        axis: Which x the column gives.
        wall_time: Seconds since the epoch, shape (n,).
        step: Steps as logged, shape (n,).
        y: Values as logged, shape (n,).
        column: What orders the points along x, shape (n,).
        shift: Taken from the column to give x, shape (runs,).
        writers: The files that wrote the points.
        limits: What `restarts.step_limits` found.
        lines: The points that stand.
    """

    sources: tuple[Source, ...]
    axis: str
    wall_time: Float64s
    step: Int64s
    y: Float64s
    column: Column
    shift: Float64s
    writers: Writers
    limits: tuple[Int64s, restarts.Bools]
    lines: Stretches

    @property
    def runs(self) -> Int64s:
        """Ids of the runs, shape (runs,)."""
        return np.fromiter((source.run for source in self.sources), np.int64, len(self.sources))

    def x_extent(self) -> tuple[float, float]:
        """Return the least and the greatest x of the points that stand; there must be one."""
        shift = np.repeat(self.shift, np.diff(self.lines.first))
        low, high = self.column[self.lines.low] - shift, self.column[self.lines.high - 1] - shift
        return float(low.min()), float(high.max())

    def overwritten(self) -> Stretches:
        """Return where the superseded points lie."""
        return restarts.stretches(
            self.column, self.step, self.writers, self.limits, superseded=True
        )


def batches(sources: Sequence[Source], axis: str) -> Iterator[Batch]:
    """Yield the sources in their order, small ones together and large ones alone.

    Args:
        sources: Runs and their points.
        axis: One of `gpuboard.analysis.request.AXES`.
    """
    together: list[Source] = []
    points = 0
    for source in sources:
        n = len(source.series)
        if together and points + n > LARGE_POINTS:
            yield batch(together, axis)
            together, points = [], 0
        together.append(source)
        points += n
    if together:
        yield batch(together, axis)


def batch(sources: Sequence[Source], axis: str) -> Batch:
    """Return the sources as one batch; a single one is not copied."""
    series = [source.series for source in sources]
    writers = restarts.writers_of(series)
    wall_time = frozen(_joined([s.wall_time for s in series]))
    step = frozen(_joined([s.step for s in series]))
    limits = restarts.step_limits(wall_time, step, writers)
    origins = [source.origin for source in sources]
    column, shift = axes.axis_columns(wall_time, step, writers.offset, axis, origins)
    return Batch(
        sources=tuple(sources),
        axis=axis,
        wall_time=wall_time,
        step=step,
        y=frozen(_joined([s.value for s in series])),
        column=column,
        shift=frozen(shift),
        writers=writers,
        limits=limits,
        lines=restarts.stretches(column, step, writers, limits, superseded=False),
    )


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)
