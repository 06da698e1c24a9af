"""Compute all lines of one chart for the pixels it has: align, smooth, fold, thin."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gpuboard import limits
from gpuboard.analysis import hparams, layers
from gpuboard.analysis.bands import group_names
from gpuboard.analysis.batch import Batch, batches
from gpuboard.analysis.cache import ColumnCache
from gpuboard.analysis.downsample import Window
from gpuboard.analysis.layers import Layer, Lines
from gpuboard.analysis.markers import markers, spread
from gpuboard.analysis.outliers import Extent, extent, robust_extent
from gpuboard.analysis.request import CurveRequest, Source
from gpuboard.store.columns import Float64s, Int64s

# A chart of a hundred lines and 300 pixels shows no more, however many points it is sent.
POINTS_A_PIXEL = 128

_NO_IDS = np.empty(0, np.int64)


@dataclasses.dataclass(frozen=True, slots=True)
class ChartMarkers:
    """Where values are not finite; evenly spread places where there are too many.

    Attributes:
        run: Id of the run, shape (m,).
        x: Place of the value, shape (m,).
        kind: Index into `gpuboard.analysis.markers.KINDS`, shape (m,).
        total: How many there are, sent or not.
    """

    run: Int64s
    x: Float64s
    kind: Int64s
    total: int


@dataclasses.dataclass(frozen=True, slots=True)
class ChartCurves:
    """One chart, ready to be drawn.

    Attributes:
        x: Of all lines, one after the other, shape (sum of `lines.sent`,).
        y: NaN lifts the pen, shape as `x`.
        lines: What the lines are.
        x_extent: Least and greatest x of all points that stand, whatever the window.
        y_extent: Least and greatest value drawn within the window.
        y_robust: Their 5th and 95th percentile.
        markers: Where values within the window are not finite.
    """

    x: Float64s
    y: Float64s
    lines: Lines
    x_extent: Extent | None
    y_extent: Extent | None
    y_robust: Extent | None
    markers: ChartMarkers


def curves(
    sources: Sequence[Source],
    request: CurveRequest,
    tag: str = "",
    cache: ColumnCache | None = None,
) -> ChartCurves:
    """Return all lines of one chart.

    Args:
        sources: The selected runs that have the tag.
        request: Axis, smoothing, window, pixels, fold.
        tag: Name of the tag: part of the keys of the cache.
        cache: Keeps smoothed values of large series from one request to the next.

    Raises:
        InputError: The pattern of the fold cannot be used.
    """
    alone, groups = _grouped(sources, request)
    plain = _packed(alone, request)
    folded = {name: _packed(members, request) for name, members in groups.items()}
    everything = plain + [batch for packed in folded.values() for batch in packed]
    x_extent = _x_extent(everything)
    low, high = request.window or x_extent or (0.0, 0.0)
    window = Window(low, high, request.width, request.is_log)
    chart = layers.Chart(request, tag, cache, window)
    found = [layer for batch in plain for layer in layers.of_runs(batch, chart)]
    found += layers.of_groups(folded, chart)
    x, y, lines = _drawn(found, window)
    inside = y[(x >= low) & (x <= high)]
    return ChartCurves(
        x=x,
        y=y,
        lines=lines,
        x_extent=x_extent,
        y_extent=extent(inside),
        y_robust=robust_extent(inside),
        markers=_markers(everything, window),
    )


def _grouped(
    sources: Sequence[Source], request: CurveRequest
) -> tuple[list[Source], dict[str, list[Source]]]:
    """Return the runs that stay lines of their own, and the others by group."""
    if request.fold is None:
        return list(sources), {}
    alone: list[Source] = []
    groups: dict[str, list[Source]] = {}
    if request.fold.hparams:
        names = hparams.group_names([source.hparams for source in sources], request.fold.hparams)
    else:
        names = group_names([source.name for source in sources], request.fold.pattern)
    for source, name in zip(sources, names, strict=True):
        members = alone if name is None else groups.setdefault(name, [])
        members.append(source)
    return alone, groups


def _packed(sources: Sequence[Source], request: CurveRequest) -> list[Batch]:
    return [batch for batch in batches(sources, request.axis) if len(batch.lines.low)]


def _x_extent(packed: Sequence[Batch]) -> Extent | None:
    if not packed:
        return None
    lows, highs = zip(*(batch.x_extent() for batch in packed), strict=True)
    return min(lows), max(highs)


def _drawn(found: Sequence[Layer], window: Window) -> tuple[Float64s, Float64s, Lines]:
    """Return x, y and rows of all layers, with fewer buckets where they pass the point budget."""
    budget = min(limits.MAX_CHART_POINTS.value, POINTS_A_PIXEL * window.buckets)
    if sum(layer.points for layer in found) > budget:
        lines = sum(len(layer.rows.run) for layer in found)
        buckets = max(1, min(window.buckets, budget // (2 * lines)))
        window = dataclasses.replace(window, buckets=buckets)
    while True:
        drawn = [piece for layer in found for piece in layer.draw(window)]
        total = sum(len(piece.x) for piece in drawn)
        if total <= budget or window.buckets == 1:
            return layers.assembled(drawn)
        buckets = max(1, min(window.buckets - 1, window.buckets * budget // total))
        window = dataclasses.replace(window, buckets=buckets)


def _markers(packed: Sequence[Batch], window: Window) -> ChartMarkers:
    most = limits.MAX_MARKERS.value
    found = [markers(b.column, b.shift, b.y, b.lines, window, most=most) for b in packed]
    run = np.concatenate([_NO_IDS, *(b.runs[m.line] for b, m in zip(packed, found, strict=True))])
    x = np.concatenate([np.empty(0), *(m.x for m in found)])
    kind = np.concatenate([_NO_IDS, *(m.kind for m in found)])
    kept = spread(len(run), most)
    return ChartMarkers(run[kept], x[kept], kind[kept], sum(m.total for m in found))
