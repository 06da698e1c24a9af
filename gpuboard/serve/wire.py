"""Encode one chart for the browser.

| part | bytes |
|---|---|
| length of the header, uint32 little-endian | 4 |
| header: JSON in UTF-8, padded with spaces so that it ends at a multiple of 8 | as said |
| x of all lines, float64 little-endian | 8 each |
| y of all lines, float64 little-endian | 8 each |
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gpuboard.analysis.curves import ChartCurves, ChartMarkers
    from gpuboard.analysis.layers import Lines
    from gpuboard.analysis.points import PointRows
    from gpuboard.store.columns import Float64s

MAX_EXACT_INTEGER = 1 << 53


def chart_bytes(chart: ChartCurves, version: int, more: Mapping[str, object] = {}) -> bytes:
    """Return the reply of `POST api/v1/curves`.

    Args:
        chart: Lines and extents.
        version: Store version that the chart shows.
        more: Further fields of the header, values as JSON takes them.
    """
    fields = {
        "version": str(version),
        "lines": f"[{','.join(_lines(chart.lines))}]",
        "x_extent": _extent(chart.x_extent),
        "y_extent": _extent(chart.y_extent),
        "y_robust": _extent(chart.y_robust),
        "markers": f"[{','.join(_markers(chart.markers))}]",
        "markers_total": str(chart.markers.total),
        **{name: json.dumps(value) for name, value in more.items()},
    }
    header = "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"
    encoded = header.encode("utf-8", "replace")
    encoded += b" " * (-(4 + len(encoded)) % 8)
    columns = (chart.x.astype("<f8", copy=False), chart.y.astype("<f8", copy=False))
    return b"".join(
        [struct.pack("<I", len(encoded)), encoded, *(column.tobytes() for column in columns)]
    )


def point_columns(rows: PointRows) -> dict[str, list[Any]]:
    """Return the reply of `POST api/v1/at`: null where there is no point, steps as text."""
    columns = {
        "value": rows.value,
        "smoothed": rows.smoothed,
        "wall_time": rows.wall_time,
        "relative": rows.relative,
    }
    found = rows.found.tolist()
    shown: dict[str, list[Any]] = {
        name: [v if known else None for v, known in zip(column.tolist(), found, strict=True)]
        for name, column in columns.items()
    }
    steps = zip(rows.step.tolist(), found, strict=True)
    shown["step"] = [str(step) if known else None for step, known in steps]
    summary = {
        "min": rows.least,
        "max": rows.greatest,
        "mean": rows.mean,
        "start": rows.start,
        "end": rows.end,
        "delta": rows.end - rows.start,
    }
    shown |= {name: _or_none(column) for name, column in summary.items()}
    return {"run": rows.run.tolist(), **shown}


def exact(values: object) -> list[int | str]:
    """Return integers as JSON holds them: as text where a float64 would round them."""
    found: list[int] = np.asarray(values, np.int64).tolist()
    return [v if -MAX_EXACT_INTEGER <= v <= MAX_EXACT_INTEGER else str(v) for v in found]


def id_ranges(ids: Iterable[int]) -> str:
    """Return ids as requests and replies write them, ascending: "0-99,104"."""
    ranges: list[list[int]] = []
    for number in sorted(ids):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)


def speakable(value: float) -> str:
    """Return a number as JSON, NaN and infinities as the strings that JavaScript's Number reads."""
    if math.isfinite(value):
        return repr(value)
    return '"NaN"' if math.isnan(value) else ('"Infinity"' if value > 0 else '"-Infinity"')


def _lines(lines: Lines) -> Iterator[str]:
    """Yield one JSON object a line; json.dumps would take three times as long for 2,000."""
    from gpuboard.analysis.layers import NO_RUN, ROLES

    rows = lines.rows
    columns = (rows.run, lines.role, lines.sent, rows.points, rows.last_step, rows.last)
    for group, run, role, sent, points, last_step, last in zip(
        rows.group, *(column.tolist() for column in columns), strict=True
    ):
        yield (
            f'{{"run":{"null" if run == NO_RUN else run},'
            f'"group":{"null" if group is None else json.dumps(group)},'
            f'"role":"{ROLES[role]}","n":{sent},"points":{points},'
            f'"last_step":"{last_step}","last":{speakable(last)}}}'
        )


def _markers(markers: ChartMarkers) -> Iterator[str]:
    from gpuboard.analysis.markers import KINDS

    columns = (markers.run, markers.x, markers.kind)
    for run, x, kind in zip(*(column.tolist() for column in columns), strict=True):
        yield f'{{"run":{run},"x":{speakable(x)},"kind":"{KINDS[kind]}"}}'


def _or_none(column: Float64s) -> list[float | None]:
    return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124


def _extent(extent: tuple[float, float] | None) -> str:
    return "null" if extent is None else f"[{speakable(extent[0])},{speakable(extent[1])}]"
