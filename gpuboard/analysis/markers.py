"""Find where a line has no finite value, so that the page can mark the places."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.analysis.axes import Column
from gpuboard.analysis.compiled import frozen, kernel
from gpuboard.analysis.downsample import Window
from gpuboard.analysis.restarts import Stretches
from gpuboard.store.columns import Float64s, Int64s

KINDS = ("nan", "inf", "-inf")
BLOCK = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Markers:
    """Places of NaN and infinities; where there are too many, evenly spread ones.

    Attributes:
        line: Index of the run in the order given, shape (m,).
        x: Where, shape (m,).
        kind: Index into `KINDS`, shape (m,).
        total: How many there are in the window, shown or not.
    """

    line: Int64s
    x: Float64s
    kind: Int64s
    total: int


def markers(
    x: Column, shift: Float64s, y: Float64s, lines: Stretches, window: Window, *, most: int
) -> Markers:
    """Return up to `most` places within the window where y is not finite.

    Args:
        x: What orders the points, shape (n,).
        shift: Taken from the column of each run to give x, shape (runs,).
        y: Values as logged, shape (n,).
        lines: The points that stand.
        window: The part of x on screen.
        most: How many to return at most, evenly spread.
    """
    run, index, total = _find(
        frozen(x),
        frozen(shift),
        frozen(y),
        lines.low,
        lines.high,
        lines.first,
        float(window.low),
        float(window.high),
    )
    kept = spread(total, most)
    run, index = run[kept], index[kept]
    value = y[index]
    kind = np.where(np.isnan(value), 0, np.where(value > 0, 1, 2))
    return Markers(run, x[index] - shift[run], kind, int(total))


def spread(total: int, most: int) -> slice | Int64s:
    """Return which of `total` things to keep so that at most `most`, evenly spread, remain."""
    return slice(None) if total <= most else np.linspace(0, total - 1, most).astype(np.int64)


@kernel
def _find(
    x: Column,
    shift: Float64s,
    y: Float64s,
    low: Int64s,
    high: Int64s,
    first: Int64s,
    x0: float,
    x1: float,
) -> tuple[Int64s, Int64s, int]:
    run_of = np.empty(16, np.int64)
    index = np.empty(16, np.int64)
    n = 0
    for run in range(len(first) - 1):
        for s in range(first[run], first[run + 1]):
            p = _first_from(x, shift[run], low[s], high[s], x0)
            q = _first_from(x, shift[run], p, high[s], np.nextafter(x1, np.inf))
            for block in range(p, q, BLOCK):
                end = min(q, block + BLOCK)
                if _all_finite(y[block:end]):
                    continue
                for i in range(block, end):
                    if np.isfinite(y[i]):
                        continue
                    if n == len(index):
                        run_of = np.concatenate((run_of, run_of))
                        index = np.concatenate((index, index))
                    run_of[n], index[n] = run, i
                    n += 1
    return run_of[:n], index[:n], n


@kernel
def _all_finite(y: Float64s) -> bool:
    others = 0
    for i in range(len(y)):
        others += y[i] - y[i] != 0
    return others == 0


@kernel
def _first_from(x: Column, shift: float, low: int, high: int, edge: float) -> int:
    while low < high:
        middle = (low + high) // 2
        if x[middle] - shift < edge:
            low = middle + 1
        else:
            high = middle
    return low
