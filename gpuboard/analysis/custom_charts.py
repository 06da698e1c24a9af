"""Compute charts that show several tags at once: lines of all that match, values within margins."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gpuboard import limits
from gpuboard.analysis import layers
from gpuboard.analysis.batch import Batch, batch
from gpuboard.analysis.cache import ColumnCache
from gpuboard.analysis.curves import ChartCurves, ChartMarkers, curves
from gpuboard.analysis.downsample import Window
from gpuboard.analysis.layers import Lines, Rows
from gpuboard.analysis.markers import spread
from gpuboard.analysis.outliers import Extent, extent
from gpuboard.analysis.request import CurveRequest, Source
from gpuboard.store.columns import Int64s

POINTS_A_BUCKET = 4  # what thinning leaves of one bucket at the most: its ends, least and greatest


@dataclasses.dataclass(frozen=True, slots=True)
class MarginSources:
    """The runs' points of the three tags of one margin."""

    value: Sequence[Source]
    lower: Sequence[Source]
    upper: Sequence[Source]


@dataclasses.dataclass(frozen=True, slots=True)
class TagCurves:
    """One chart of several tags.

    Attributes:
        chart: All lines as one chart.
        line_tag: Index of the tag (or margin) of each line, shape (lines,).
        marker_tag: The same for each marker, shape (m,).
    """

    chart: ChartCurves
    line_tag: Int64s
    marker_tag: Int64s


def lines_of_tags(
    tags: Sequence[tuple[str, Sequence[Source]]],
    request: CurveRequest,
    cache: ColumnCache | None = None,
) -> TagCurves:
    """Return the lines of several tags as one chart.

    Args:
        tags: Name and points of each tag.
        request: Axis, smoothing, window, pixels, fold; runs are folded within each tag.
        cache: Keeps smoothed values of large series from one request to the next.

    Raises:
        InputError: The pattern of the fold cannot be used.
    """
    request = _narrowed(request, sum(len(sources) for _, sources in tags))
    return _joined([curves(sources, request, tag, cache) for tag, sources in tags])


def lines_with_margins(
    margins: Sequence[tuple[tuple[str, str, str], MarginSources]],
    request: CurveRequest,
    cache: ColumnCache | None = None,
) -> TagCurves:
    """Return values and the bands around them as one chart; runs are never folded.

    Args:
        margins: Names of the three tags (value, lower, upper) and their points.
        request: Axis, smoothing, window, pixels.
        cache: Keeps smoothed values of large series.
    """
    lines = sum(3 * len(sources.value) for _, sources in margins)
    request = dataclasses.replace(_narrowed(request, lines), fold=None)
    return _joined([_margin(names, sources, request, cache) for names, sources in margins])


def _narrowed(request: CurveRequest, lines: int) -> CurveRequest:
    """Return the request for fewer pixels, where so many lines would pass the cap on points."""
    widest = limits.MAX_CHART_POINTS.value // (POINTS_A_BUCKET * max(1, lines))
    return dataclasses.replace(request, width=max(1, min(request.width, widest)))


def _margin(
    names: tuple[str, str, str],
    sources: MarginSources,
    request: CurveRequest,
    cache: ColumnCache | None,
) -> ChartCurves:
    chart = curves(sources.value, request, names[0], cache)
    low, high = request.window or chart.x_extent or (0.0, 0.0)
    window = Window(low, high, request.width, request.is_log)
    below, above = (layers.Chart(request, name, cache, window) for name in names[1:])
    uppers = {source.run: source for source in sources.upper}
    pieces = [
        piece
        for source in sources.lower
        if source.run in uppers
        for layer in _band(source, uppers[source.run], below, above)
        for piece in layer.draw(window)
    ]
    x, y, lines = layers.assembled(pieces)
    return dataclasses.replace(
        chart,
        x=np.concatenate([x, chart.x]),
        y=np.concatenate([y, chart.y]),
        lines=_joined_lines([lines, chart.lines]),
        y_extent=_union([chart.y_extent, extent(y)]),
    )


def _band(
    lower: Source, upper: Source, below: layers.Chart, above: layers.Chart
) -> list[layers.Layer]:
    axis = below.request.axis
    packed: list[Batch] = [batch([source], axis) for source in (lower, upper)]
    if not all(len(one.lines.low) for one in packed):
        return []
    return layers.of_margin(packed[0], packed[1], below, above)


def _joined(parts: Sequence[ChartCurves]) -> TagCurves:
    markers = [part.markers for part in parts]
    shown = [len(one.run) for one in markers]
    kept = spread(sum(shown), limits.MAX_MARKERS.value)
    chart = ChartCurves(
        x=np.concatenate([np.empty(0), *(part.x for part in parts)]),
        y=np.concatenate([np.empty(0), *(part.y for part in parts)]),
        lines=_joined_lines([part.lines for part in parts]),
        x_extent=_union([part.x_extent for part in parts]),
        y_extent=_union([part.y_extent for part in parts]),
        y_robust=_union([part.y_robust for part in parts]),
        markers=ChartMarkers(
            run=_column([one.run for one in markers])[kept],
            x=np.concatenate([np.empty(0), *(one.x for one in markers)])[kept],
            kind=_column([one.kind for one in markers])[kept],
            total=sum(one.total for one in markers),
        ),
    )
    which = np.arange(len(parts))
    line_tag = np.repeat(which, [len(part.lines.role) for part in parts])
    return TagCurves(chart, line_tag, np.repeat(which, shown)[kept])


def _joined_lines(parts: Sequence[Lines]) -> Lines:
    rows = [part.rows for part in parts]
    return Lines(
        role=_column([part.role for part in parts]),
        sent=_column([part.sent for part in parts]),
        rows=Rows(
            run=_column([row.run for row in rows]),
            group=tuple(name for row in rows for name in row.group),
            points=_column([row.points for row in rows]),
            last_step=_column([row.last_step for row in rows]),
            last=np.concatenate([np.empty(0), *(row.last for row in rows)]),
        ),
    )


def _column(parts: Sequence[Int64s]) -> Int64s:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _union(extents: Sequence[Extent | None]) -> Extent | None:
    known = [one for one in extents if one is not None]
    if not known:
        return None
    return min(low for low, _ in known), max(high for _, high in known)
