"""Give each point of a series its place on the x axis.

- "step": the step as logged; beyond 2^53 neighbours may share a float64.
- "wall": seconds since the epoch, as logged.
- "relative": seconds since the run's first event.
- "active": relative time without pauses. The wall times of the series, sorted, with the origin
  before them, leave gaps; a gap is a pause when it is longer than a minute and than ten times the
  upper quartile of the positive gaps, and then counts as one such quartile.
- "index": how many points of this series were logged before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.compiled import frozen, kernel
from gpuboard.analysis.request import AXES, one_of
from gpuboard.store.columns import Float64s, Int64s, Series

Column = npt.NDArray[np.float64 | np.int64]

PAUSE_SECONDS = 60.0
PAUSE_FACTOR = 10.0


def axis_values(series: Series, axis: str, origin: float) -> Float64s:
    """Return x of every point in file order, NaN where its wall time is unknown.

    Args:
        series: Points of one run.
        axis: One of `AXES`.
        origin: Wall time of the run's first event in seconds since the epoch; the first finite
            wall time of the series stands in where it is NaN.

    Raises:
        InputError: There is no such axis.
    """
    one_of("x", axis, AXES)
    offset = np.array([0, len(series)], np.int64)
    column, shift = axis_columns(series.wall_time, series.step, offset, axis, [origin])
    values: Float64s = column - shift[0]
    return values


def axis_columns(
    wall_time: Float64s, step: Int64s, offset: Int64s, axis: str, origins: Sequence[float]
) -> tuple[Column, Float64s]:
    """Return a column and one shift for each run: x of run r is `column - shift[r]`.

    No column is copied for "step", "wall" and "relative": ten million points cost nothing here.

    Args:
        wall_time: Wall times of all runs, one run after the other, shape (n,).
        step: Their steps, shape (n,).
        offset: Where each run starts and the last one ends, shape (runs + 1,).
        axis: One of `AXES`.
        origins: Wall time of each run's first event, NaN if unknown.
    """
    runs = len(offset) - 1
    shift = np.zeros(runs)
    if axis == "step":
        return frozen(step), shift
    if axis == "wall":
        return frozen(wall_time), shift
    if axis == "index":
        return frozen(np.arange(offset[-1])), offset[:-1].astype(np.float64)
    shift = known_origins(wall_time, offset, origins)
    if axis == "relative":
        return frozen(wall_time), shift
    return frozen(_active(frozen(wall_time), frozen(offset), shift)), np.zeros(runs)


def known_origins(wall_time: Float64s, offset: Int64s, origins: Sequence[float]) -> Float64s:
    """Return where relative time starts: the first finite wall time stands in for NaN."""
    found = np.array(origins, np.float64)
    _fill_origins(frozen(wall_time), frozen(offset), found)
    return found


@kernel
def _fill_origins(wall_time: Float64s, offset: Int64s, origins: Float64s) -> None:
    for run in range(len(origins)):
        i = offset[run]
        while not np.isfinite(origins[run]) and i < offset[run + 1]:
            origins[run] = wall_time[i]
            i += 1
        if not np.isfinite(origins[run]):
            origins[run] = 0.0


@kernel
def _active(wall_time: Float64s, offset: Int64s, origins: Float64s) -> Float64s:
    out = np.empty(len(wall_time))
    for run in range(len(origins)):
        low, high = offset[run], offset[run + 1]
        _active_run(wall_time[low:high], origins[run], out[low:high])
    return out


@kernel
def _active_run(wall_time: Float64s, origin: float, out: Float64s) -> None:
    if np.all(wall_time[1:] >= wall_time[:-1]):
        order = np.arange(len(wall_time))
    else:
        order = np.argsort(wall_time, kind="mergesort")  # NaN comes last
    longest, pause = _pause(wall_time, order)
    now, active = origin, 0.0
    for i in order:
        gap = wall_time[i] - now
        if not np.isfinite(gap):
            out[i] = np.nan
            continue
        if gap > 0:
            active += pause if gap > longest else gap
            now = wall_time[i]
        out[i] = active + min(gap, 0.0)


@kernel
def _pause(wall_time: Float64s, order: Int64s) -> tuple[float, float]:
    """Return the longest gap that is still work, and what a longer one counts as, in seconds."""
    gaps = np.empty(len(order))
    n = 0
    for k in range(1, len(order)):
        gap = wall_time[order[k]] - wall_time[order[k - 1]]
        if gap > 0 and np.isfinite(gap):
            gaps[n] = gap
            n += 1
    if n == 0:
        return np.inf, 0.0
    quartile = np.sort(gaps[:n])[(3 * n) // 4]
    return max(PAUSE_SECONDS, PAUSE_FACTOR * quartile), quartile
