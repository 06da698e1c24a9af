"""Fold the lines of several runs, such as seeds, into one line with a band around it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from gpuboard.analysis.compiled import frozen, kernel
from gpuboard.analysis.downsample import Window
from gpuboard.analysis.patterns import compiled, searched
from gpuboard.analysis.request import BANDS, CENTERS
from gpuboard.store.columns import Float64s, Int64s

LOW_SHARE, HIGH_SHARE = 0.16, 0.84

_MEDIAN = CENTERS.index("median")
_STD = BANDS.index("std")
_MINMAX = BANDS.index("minmax")


@dataclasses.dataclass(frozen=True, slots=True)
class Band:
    """Several lines as one.

    Attributes:
        x: Common places, ascending, shape (g,).
        center: Mean or median of the lines that have a value there, NaN where none has.
        low: Lower edge.
        high: Upper edge.
        count: How many lines have a value there, shape (g,).
    """

    x: Float64s
    center: Float64s
    low: Float64s
    high: Float64s
    count: Int64s


def group_names(names: Sequence[str], pattern: str) -> list[str | None]:
    r"""Return the group of each run name, None where the pattern does not occur in it.

    The captured groups joined by "/" are the name of the group: `(.*)/seed\d+` folds
    "adam/seed0" and "adam/seed1" into "adam". A pattern without groups folds equal matches.

    Raises:
        InputError: The pattern is no regular expression, or see `patterns.compiled`.
    """
    return [
        None if match is None else "/".join(g or "" for g in match.groups()) or match.group()
        for match in searched(compiled(pattern), names)
    ]


def fold(xs: Sequence[Float64s], ys: Sequence[Float64s], *, center: str, band: str) -> Band:
    """Return one band for several lines.

    The lines meet on `grid(xs)`; each has a value there by a straight line between its own
    neighbours, within its own range and only where both are finite. Of several points at one x the
    last counts.

    Args:
        xs: Ascending finite x of each line.
        ys: Values of each line.
        center: "mean" or "median".
        band: "std" is center -+ sample standard deviation (n - 1), 0 for a single line; "minmax";
            "percentile" is 16 to 84, between order statistics linearly as in NumPy.
    """
    x = grid(xs)
    offset = np.cumsum([0, *map(len, xs)], dtype=np.int64)
    columns = _fold(
        frozen(x),
        frozen(np.concatenate(xs)),
        frozen(np.concatenate(ys)),
        frozen(offset),
        CENTERS.index(center),
        BANDS.index(band),
    )
    return Band(x, *columns)


def grid(xs: Sequence[Float64s]) -> Float64s:
    """Return the common x of several lines.

    These are the places of the line with most points; where others start earlier or end later,
    the places of the one that reaches farthest are added.
    """
    filled = [x for x in xs if len(x)]
    if not filled:
        return np.empty(0)
    densest = max(filled, key=len)
    first = min(filled, key=lambda x: x[0])
    last = max(filled, key=lambda x: x[-1])
    before, after = first[first < densest[0]], last[last > densest[-1]]
    if not len(before) and not len(after) and np.all(np.diff(densest) > 0):
        return densest
    return np.unique(np.concatenate([before, densest, after]))


def sorted_line(x: Float64s, y: Float64s) -> tuple[Float64s, Float64s]:
    """Return a line in ascending x, points at one x in the order they had."""
    if np.all(np.diff(x) >= 0):
        return x, y
    order = np.argsort(x, kind="stable")
    return x[order], y[order]


def clipped(x: Float64s, y: Float64s, low: float, high: float) -> tuple[Float64s, Float64s]:
    """Return the part of an ascending line within low..high and one neighbour at either side."""
    first = max(0, int(np.searchsorted(x, low, "left")) - 1)
    last = int(np.searchsorted(x, high, "right")) + 1
    return x[first:last], y[first:last]


def thinned_edges(band: Band, window: Window) -> tuple[Float64s, Float64s, Float64s]:
    """Return x, low and high of a band with at most two points a bucket and both edges whole.

    Both edges share their x, so that the page can fill between them: the lower one keeps the least
    of each bucket, the upper one the greatest, drawn across the bucket's own extent.
    """
    if len(band.x) <= 2 * window.buckets or window.high <= window.low:
        return band.x, band.low, band.high
    bucket = np.floor((band.x - window.low) * (window.buckets / (window.high - window.low)))
    starts = np.flatnonzero(np.diff(bucket, prepend=np.nan) != 0)
    ends = np.append(starts[1:], len(bucket)) - 1
    # fmin and fmax prefer numbers to NaN: a bucket is empty only where all of it is.
    low, high = np.fmin.reduceat(band.low, starts), np.fmax.reduceat(band.high, starts)
    x = np.column_stack([band.x[starts], band.x[ends]]).ravel()
    kept = np.append(True, np.diff(x) > 0)
    return x[kept], np.repeat(low, 2)[kept], np.repeat(high, 2)[kept]


@kernel
def _fold(
    grid: Float64s, x: Float64s, y: Float64s, offset: Int64s, center: int, band: int
) -> tuple[Float64s, Float64s, Float64s, Int64s]:
    n = len(grid)
    middle, low, high = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    count = np.zeros(n, np.int64)
    at = offset[:-1].copy()
    values = np.empty(len(at))
    for g in range(n):
        k = 0
        for line in range(len(at)):
            end = offset[line + 1]
            while at[line] + 1 < end and x[at[line] + 1] <= grid[g]:
                at[line] += 1
            value = _value_at(x, y, at[line], end, grid[g])
            if np.isfinite(value):
                values[k] = value
                k += 1
        count[g] = k
        if k:
            middle[g], low[g], high[g] = _summary(values[:k], center, band)
    return middle, low, high, count


@kernel
def _value_at(x: Float64s, y: Float64s, i: int, end: int, place: float) -> float:
    if i >= end or place < x[i]:
        return np.nan
    if place == x[i]:
        return y[i]
    if i + 1 == end:
        return np.nan
    share = (place - x[i]) / (x[i + 1] - x[i])
    return y[i] * (1 - share) + y[i + 1] * share


@kernel
def _summary(values: Float64s, center: int, band: int) -> tuple[float, float, float]:
    n = len(values)
    mean = 0.0
    for value in values:
        mean += value / n
    if center == _MEDIAN or band > _STD:
        values.sort()
    middle = _quantile(values, 0.5) if center == _MEDIAN else mean
    if band == _MINMAX:
        return middle, values[0], values[-1]
    if band == _STD:
        squares = 0.0
        for value in values:
            squares += (value - mean) ** 2
        spread = math.sqrt(squares / (n - 1)) if n > 1 else 0.0
        return middle, middle - spread, middle + spread
    return middle, _quantile(values, LOW_SHARE), _quantile(values, HIGH_SHARE)


@kernel
def _quantile(ordered: Float64s, share: float) -> float:
    place = share * (len(ordered) - 1)
    i = int(place)
    if i + 1 == len(ordered):
        return ordered[i]
    return ordered[i] * (1 - (place - i)) + ordered[i + 1] * (place - i)
