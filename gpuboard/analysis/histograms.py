"""Turn the histograms of many steps into what is drawn: ridges, bands, a heat map, one step.

All counts come on common bins: equally wide ones over one range of values. The range is that of
all steps, so that nothing moves while another step is looked at.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from gpuboard.analysis.compiled import frozen
from gpuboard.analysis.histogram_digest import DecodeOne, Digest
from gpuboard.analysis.histogram_kernels import Float32s, rebin
from gpuboard.analysis.histogram_request import FARTHEST, Extent, HistogramRequest
from gpuboard.store.columns import Float64s, Int64s
from gpuboard.store.values import Values
from gpuboard.summaries.histogram import Histogram
from gpuboard.summaries.histogram_stack import Stack, stacked, stacks


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Some histograms on common bins.

    Attributes:
        place: Place of each histogram, of the first one in a column of several, shape (n,).
        last: The same of the last one.
        x: Where each stands on the axis, ascending, shape (n,).
        count: How many values lie in each bin, shape (n, bins).
        total: How many lie in buckets, those beyond the range included, shape (n,).
        edge: Where each column starts and the last one ends, shape (n + 1,); empty for lines.
    """

    place: Int64s
    last: Int64s
    x: Float64s
    count: Float32s
    total: Float64s
    edge: Float64s


@dataclasses.dataclass(frozen=True, slots=True)
class Bands:
    """Quantiles along the axis.

    Attributes:
        x: Ascending, shape (n,).
        quantile: At `histogram_digest.BAND_SHARES`, shape (9, n).
    """

    x: Float64s
    quantile: Float64s


def axis_of(values: Values, places: Int64s, axis: str, origin: float) -> tuple[str, Float64s]:
    """Return the axis in force and x of each value.

    Where all values share one x, as those of a writer that was told no step, their order stands in
    and the axis is "index".

    Args:
        values: All histograms of a tag.
        places: Those that are laid out.
        axis: One of `AXES`.
        origin: Wall time at which the run starts, in seconds since the epoch.
    """
    if axis == "step":
        x = values.step[places].astype(np.float64)
    else:
        x = values.wall_time[places] - (origin if axis == "relative" else 0.0)
    if len(x) > 1 and x.min() == x.max():
        return "index", np.arange(len(x), dtype=np.float64)
    return axis, x


def shown_range(scale: str | Extent, digests: Sequence[Digest]) -> Extent:
    """Return the range of values to be drawn: never empty, and never too wide to be divided."""
    if not isinstance(scale, str):
        return scale
    found = [d.extent() if scale == "all" else d.robust_extent() for d in digests]
    extents = [extent for extent in found if extent is not None]
    if not extents:
        return -1.0, 1.0
    low = max(min(low for low, _ in extents), -FARTHEST)
    high = min(max(high for _, high in extents), FARTHEST)
    if high - low > max(abs(low), abs(high)) * 1e-12:
        return low, high
    around = abs(low) * 0.05 or 0.5
    return low - around, high + around


def lines(
    values: Values,
    places: Int64s,
    x: Float64s,
    digest: Digest,
    request: HistogramRequest,
    window: Extent,
    decode_one: DecodeOne,
) -> Rows:
    """Return some of the histograms, spread evenly along the axis, first and last included.

    Args:
        values: All histograms of a tag.
        places: Those that may be shown, shape (n,).
        x: Their places on the axis, shape (n,).
        digest: Their facts.
        request: How many lines and bins.
        window: Range of values.
        decode_one: As for `stacks`.
    """
    chosen = spread(x, np.flatnonzero(digest.is_read), request.rows)
    count = binned(values, places[chosen], request.bins, window, decode_one)
    place = places[chosen]
    return Rows(place, place, x[chosen], count, digest.total[chosen], np.empty(0))


def spread(x: Float64s, candidates: Int64s, most: int) -> Int64s:
    """Return at most `most` of the candidates, in ascending x, as evenly spread in x as they are.

    For each of `most` equally spaced places the nearest candidate is taken.
    """
    ordered = candidates[np.argsort(x[candidates], kind="stable")]
    if len(ordered) <= most:
        return ordered
    at = x[ordered]
    wanted = np.linspace(at[0], at[-1], most)
    right = np.searchsorted(at, wanted).clip(1, len(at) - 1)
    nearest = np.where(wanted - at[right - 1] <= at[right] - wanted, right - 1, right)
    nearest[-1] = len(at) - 1
    return ordered[np.unique(nearest)]


def columns(
    values: Values,
    places: Int64s,
    x: Float64s,
    digest: Digest,
    request: HistogramRequest,
    window: Extent,
    decode_one: DecodeOne,
) -> Rows:
    """Return the mean histogram of each column along the axis, as a heat map shows it.

    Up to `request.width` histograms have a column each; more share columns of equal extent. A
    column reaches half-way to its neighbours. Arguments as for `lines`.
    """
    order, group = grouped(x, np.flatnonzero(digest.is_read), request.width)
    size = np.bincount(group).astype(np.float64)
    row_of = np.full(len(values), -1, np.int64)
    row_of[places[order]] = group
    count = _summed(values, places[order], row_of, len(size), request.bins, window, decode_one)
    total = np.bincount(group, digest.total[order])
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(order)) - 1
    at = x[order]
    return Rows(
        place=places[order[first]],
        last=places[order[last]],
        x=0.5 * at[first] + 0.5 * at[last],
        count=(count / size[:, None]).astype(np.float32),
        total=total / size,
        edge=_edges(at[first], at[last]),
    )


def bands(x: Float64s, digest: Digest, width: int) -> Bands:
    """Return the quantiles of each step, or of columns of steps where there are too many.

    A column keeps the least minimum and the greatest maximum of its steps, and the mean of each
    quantile between.
    """
    order, group = grouped(x, np.flatnonzero(digest.total > 0), width)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    if not len(first):
        return Bands(np.empty(0), np.empty((len(digest.bands.T), 0)))
    quantile = digest.bands[order]
    size = np.bincount(group)
    mean = np.add.reduceat(quantile, first) / size[:, None]
    mean[:, 0] = np.minimum.reduceat(quantile[:, 0], first)
    mean[:, -1] = np.maximum.reduceat(quantile[:, -1], first)
    return Bands(np.add.reduceat(x[order], first) / size, np.ascontiguousarray(mean.T))


def grouped(x: Float64s, candidates: Int64s, most: int) -> tuple[Int64s, Int64s]:
    """Return the candidates in ascending x, and for each the number of its column.

    Columns are numbered from 0 on without gaps; more than `most` candidates share `most` columns
    of equal extent.
    """
    order = candidates[np.argsort(x[candidates], kind="stable")]
    if len(order) <= most:
        return order, np.arange(len(order))
    at = x[order]
    if at[0] == at[-1]:
        return order, np.arange(len(order)) * most // len(order)
    column = np.floor((at - at[0]) * (most / (at[-1] - at[0]))).clip(max=most - 1)
    return order, np.cumsum(np.diff(column, prepend=column[0]) > 0)


def binned(
    values: Values, places: Int64s, bins: int, window: Extent, decode_one: DecodeOne
) -> Float32s:
    """Return the counts of the histograms at `places` on common bins, shape (n, bins)."""
    row_of = np.full(len(values), -1, np.int64)
    row_of[places] = np.arange(len(places))
    counts = _summed(values, places, row_of, len(places), bins, window, decode_one)
    return counts.astype(np.float32)


def stacked_or_empty(histograms: Sequence[Histogram | None]) -> Stack:
    """Return histograms as one stack; those that could not be read are empty."""
    nothing = np.empty(0)
    empty = Histogram(nothing, nothing, nothing, math.nan, math.nan, 0.0, math.nan, math.nan)
    return stacked([(place, one or empty) for place, one in enumerate(histograms)])


def binned_stack(stack: Stack, bins: int, window: Extent) -> Float32s:
    """Return the counts of a stack of histograms on common bins, shape (n, bins)."""
    out = np.zeros((len(stack), bins))
    _add(stack, np.arange(len(stack)), window, out)
    return out.astype(np.float32)


def _summed(
    values: Values,
    places: Int64s,
    row_of: Int64s,
    rows: int,
    bins: int,
    window: Extent,
    decode_one: DecodeOne,
) -> Float64s:
    out = np.zeros((rows, bins))
    for stack in stacks(values, places, decode_one):
        _add(stack, row_of[stack.place], window, out)
    return out


def _add(stack: Stack, row: Int64s, window: Extent, out: Float64s) -> None:
    columns = frozen(stack.start), frozen(stack.left), frozen(stack.right), frozen(stack.count)
    rebin(*columns, frozen(row), *window, out)


def _edges(first: Float64s, last: Float64s) -> Float64s:
    """Return the borders of columns: half-way between them, and as far out at both ends."""
    if not len(first):
        return np.empty(0)
    between = 0.5 * last[:-1] + 0.5 * first[1:]
    if not len(between):
        half = max(0.5, (last[0] - first[0]) / 2)
        middle = 0.5 * first[0] + 0.5 * last[0]
        return np.array([middle - half, middle + half])
    return np.concatenate(
        [[2 * first[0] - between[0]], between, [2 * last[-1] - between[-1]]]
    ).astype(np.float64)


def warm() -> None:
    """Compile every kernel of this package that draws histograms, and of those below it."""
    from gpuboard.analysis.histogram_digest import table_of
    from gpuboard.eventlog.histogram_columns import make_room, read_histograms

    none = np.zeros(1, np.int64)
    read_histograms(
        np.zeros(1, np.uint8), none, none, 1, make_room(1, 1), np.zeros(2, np.int64), none == 1
    )
    ends = np.array([0.0]), np.array([1.0])
    stack = stacked([(0, Histogram(*ends, np.array([2.0]), 0.0, 1.0, 2.0, math.nan, math.nan))])
    table_of(stack)
    binned_stack(stack, 2, (0.0, 1.0))
