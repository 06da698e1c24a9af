"""Hold the lines of a chart in such a way that they can be drawn for any number of pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from gpuboard.analysis.axes import Column
from gpuboard.analysis.bands import Band, clipped, fold, grid, sorted_line, thinned_edges
from gpuboard.analysis.batch import LARGE_POINTS, Batch
from gpuboard.analysis.cache import ColumnCache
from gpuboard.analysis.compiled import frozen
from gpuboard.analysis.downsample import Window, minmax_lines
from gpuboard.analysis.request import CurveRequest, Fold, Smoothing
from gpuboard.analysis.restarts import Stretches
from gpuboard.analysis.smooth import smooth_lines
from gpuboard.store.columns import Float64s, Int64s

ROLES = ("overwritten", "raw", "low", "high", "line")
NO_RUN = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """What the lines of a layer are, shape (lines,) each.

    Attributes:
        run: Id of the run, `NO_RUN` for a group.
        group: Name of the group, None for a run.
        points: Points logged that stand behind the line.
        last_step: Step of its last point.
        last: Value of its last point.
    """

    run: Int64s
    group: tuple[str | None, ...]
    points: Int64s
    last_step: Int64s
    last: Float64s


@dataclasses.dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a chart in the order in which they are to be drawn, shape (lines,) each.

    Attributes:
        role: Index into `ROLES`.
        sent: How many points of the chart's columns are this line's.
        rows: What the lines are.
    """

    role: Int64s
    sent: Int64s
    rows: Rows


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """Drawn lines of one role, one after another."""

    role: str
    x: Float64s
    y: Float64s
    sent: Int64s
    rows: Rows


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """What all layers of one chart share."""

    request: CurveRequest
    tag: str
    cache: ColumnCache | None
    window: Window


class Layer(Protocol):
    """Lines that can be drawn for any number of buckets."""

    @property
    def rows(self) -> Rows:
        """What the lines are."""

    @property
    def points(self) -> int:
        """How many points it would take to draw all of them whole."""

    def draw(self, window: Window) -> list[Piece]:
        """Return the lines thinned to the buckets of `window`."""


@dataclasses.dataclass(frozen=True, slots=True)
class _LineLayer:
    """Lines thinned each for itself."""

    role: str
    column: Column
    shift: Float64s
    y: Float64s
    lines: Stretches
    rows: Rows

    @property
    def points(self) -> int:
        return int((self.lines.high - self.lines.low).sum())

    def draw(self, window: Window) -> list[Piece]:
        x, y, sent = minmax_lines(self.column, self.shift, self.y, self.lines, window)
        return [Piece(self.role, x, y, sent, self.rows)]


@dataclasses.dataclass(frozen=True, slots=True)
class _EdgeLayer:
    """The two edges of one band, with x in common."""

    band: Band
    rows: Rows

    @property
    def points(self) -> int:
        return 2 * len(self.band.x)

    def draw(self, window: Window) -> list[Piece]:
        x, low, high = thinned_edges(self.band, window)
        sent = np.array([len(x)], np.int64)
        return [
            Piece("low", x, low, sent, _ending(self.rows, self.band.low)),
            Piece("high", x, high, sent, _ending(self.rows, self.band.high)),
        ]


def of_runs(batch: Batch, chart: Chart) -> list[Layer]:
    """Return the layers of runs that are lines of their own: as logged, smoothed, overwritten."""
    request = chart.request
    values = smoothed(batch, request.smoothing, chart.tag, chart.cache)
    found: list[Layer] = []
    if request.overwritten:
        found += _line_layer("overwritten", batch, batch.overwritten(), batch.y)
    if request.smoothing.is_on:
        found += _line_layer("raw", batch, batch.lines, batch.y)
    return found + _line_layer("line", batch, batch.lines, values)


def smoothed(batch: Batch, smoothing: Smoothing, tag: str, cache: ColumnCache | None) -> Float64s:
    """Return the smoothed values of a batch, NaN off its lines; those of a large run are kept.

    Args:
        batch: Runs of one tag.
        smoothing: Kind and amount; the values themselves come back where it is off.
        tag: Name of the tag: part of the key.
        cache: Where to keep, None for nowhere.
    """

    def compute() -> Float64s:
        return frozen(smooth_lines(batch.column, batch.y, batch.lines, smoothing))

    if not smoothing.is_on:
        return batch.y
    if cache is None or len(batch.sources) > 1 or len(batch.y) < LARGE_POINTS:
        return compute()
    source = batch.sources[0]
    key = (source.run, source.version, tag, batch.axis, smoothing, len(batch.y))
    return cache.get(key, compute)


def of_groups(groups: Mapping[str, Sequence[Batch]], chart: Chart) -> list[Layer]:
    """Return the layers of folded runs: edges of the bands, then all their centers."""
    fold_as = chart.request.fold
    if fold_as is None or not groups:
        return []
    bands = [_band(packed, chart, fold_as) for packed in groups.values()]
    rows = [
        _group_rows(name, packed, band)
        for (name, packed), band in zip(groups.items(), bands, strict=True)
    ]
    edges = [_EdgeLayer(band, row) for band, row in zip(bands, rows, strict=True)]
    offset = np.cumsum([0, *(len(band.x) for band in bands)], dtype=np.int64)
    filled = np.diff(offset) > 0
    lines = Stretches(
        frozen(offset[:-1][filled]),
        frozen(offset[1:][filled]),
        frozen(np.zeros(np.count_nonzero(filled), np.bool_)),
        frozen(np.cumsum([0, *filled], dtype=np.int64)),
    )
    x, y = np.concatenate([b.x for b in bands]), np.concatenate([b.center for b in bands])
    center = _LineLayer("line", x, np.zeros(len(bands)), y, lines, _stacked(rows))
    return [*edges, center]


def of_margin(lower: Batch, upper: Batch, below: Chart, above: Chart) -> list[Layer]:
    """Return the band between two tags of one run, where both have a line.

    They meet at the x of the one with most points.

    Args:
        lower: One run's points of the tag below.
        upper: Its points of the tag above.
        below: What is asked for of the tag below.
        above: The same of the tag above.
    """
    (below_line,), (above_line,) = _clipped_lines(lower, below), _clipped_lines(upper, above)
    lines = (below_line, above_line)
    x = grid([line[0] for line in lines])
    if not len(x):
        return []
    low, high = (np.interp(x, *line, left=np.nan, right=np.nan) for line in lines)
    count = np.full(len(x), 2, np.int64)
    points = [int((batch.lines.high - batch.lines.low).sum()) for batch in (lower, upper)]
    rows = Rows(
        run=lower.runs,
        group=(None,),
        points=np.array([max(points)], np.int64),
        last_step=lower.step[lower.lines.high[-1:] - 1],
        last=high[-1:],
    )
    return [_EdgeLayer(Band(x, low, low, high, count), rows)]


def assembled(pieces: Sequence[Piece]) -> tuple[Float64s, Float64s, Lines]:
    """Return the columns of all pieces in drawing order: smoothed lines last, on top."""
    ordered = sorted(pieces, key=lambda piece: ROLES.index(piece.role))
    lines = Lines(
        role=_joined([np.full(len(p.sent), ROLES.index(p.role)) for p in ordered], np.int64),
        sent=_joined([p.sent for p in ordered], np.int64),
        rows=_stacked([p.rows for p in ordered]),
    )
    x, y = _joined([p.x for p in ordered], np.float64), _joined([p.y for p in ordered], np.float64)
    return x, y, lines


def _line_layer(role: str, batch: Batch, lines: Stretches, y: Float64s) -> list[Layer]:
    """Return a layer of the runs that have a point in `lines`, none if there is no such run."""
    kept = np.diff(lines.first) > 0
    if not kept.any():
        return []
    first = np.append(lines.first[:-1][kept], lines.first[-1])
    last = lines.high[first[1:] - 1] - 1
    rows = Rows(
        run=batch.runs[kept],
        group=(None,) * len(last),
        points=_lengths(lines, first),
        last_step=batch.step[last],
        last=y[last],
    )
    shown = dataclasses.replace(lines, first=frozen(first))
    return [_LineLayer(role, batch.column, batch.shift[kept], y, shown, rows)]


def _lengths(lines: Stretches, first: Int64s) -> Int64s:
    total = np.cumsum(np.append(0, lines.high - lines.low))
    lengths: Int64s = total[first[1:]] - total[first[:-1]]
    return lengths


def _band(packed: Sequence[Batch], chart: Chart, fold_as: Fold) -> Band:
    lines = [line for batch in packed for line in _clipped_lines(batch, chart)]
    if not lines:
        nothing = np.empty(0)
        return Band(nothing, nothing, nothing, nothing, nothing.astype(np.int64))
    xs, ys = zip(*lines, strict=True)
    return fold(xs, ys, center=fold_as.center, band=fold_as.band)


def _clipped_lines(batch: Batch, chart: Chart) -> Iterator[tuple[Float64s, Float64s]]:
    """Yield x and smoothed y of each run in ascending x: what is in sight and its neighbours."""
    values = smoothed(batch, chart.request.smoothing, chart.tag, chart.cache)
    for run in range(len(batch.sources)):
        x, y = sorted_line(*_points(batch, values, run))
        if chart.request.window is not None:
            x, y = clipped(x, y, chart.window.low, chart.window.high)
        yield x, y


def _points(batch: Batch, values: Float64s, run: int) -> tuple[Float64s, Float64s]:
    a, b = batch.lines.first[run], batch.lines.first[run + 1]
    low, high = batch.lines.low[a:b], batch.lines.high[a:b]
    if len(low) == 1:
        where: slice | Int64s = slice(low[0], high[0])
    else:
        where = np.concatenate([np.arange(i, j) for i, j in zip(low, high, strict=True)] or [low])
    return batch.column[where] - batch.shift[run], values[where]


def _group_rows(name: str, packed: Sequence[Batch], band: Band) -> Rows:
    ends = [batch.step[batch.lines.high - 1].max() for batch in packed]
    points = sum(int((batch.lines.high - batch.lines.low).sum()) for batch in packed)
    rows = Rows(
        run=np.array([NO_RUN]),
        group=(name,),
        points=np.array([points]),
        last_step=np.array([max(ends, default=0)], np.int64),
        last=np.array([np.nan]),
    )
    return _ending(rows, band.center)


def _ending(rows: Rows, y: Float64s) -> Rows:
    return dataclasses.replace(rows, last=y[-1:]) if len(y) else rows


def _stacked(rows: Sequence[Rows]) -> Rows:
    return Rows(
        run=_joined([r.run for r in rows], np.int64),
        group=tuple(name for r in rows for name in r.group),
        points=_joined([r.points for r in rows], np.int64),
        last_step=_joined([r.last_step for r in rows], np.int64),
        last=_joined([r.last for r in rows], np.float64),
    )


def _joined(columns: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(columns) if columns else np.empty(0, dtype)
