"""Draw parts of a report as SVG, without a style of their own: classes carry the colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from gpuboard.profiler.advice.words import percent, size
from gpuboard.reports.document import Bar, Curve, Drawing, Judgement, Part, Role, Scatter, Stack
from gpuboard.reports.text import escaped

Place = Callable[[float], float]

_WIDTH = 1_040
_LEFT = 150  # room for labels of lanes
_LINE = 16
_AXIS = 62  # room for labels of values
_HAIR = "\u200a"  # a narrow space
_LETTER = 6.0  # width of a letter of 10 px, on average


def ring(one: Judgement) -> str:
    """Return a share as an arc with its percentage in the middle."""
    length = 2 * math.pi * 36
    share = min(max(one.share, 0.0), 1.0)
    return (
        '<svg class="ring" viewBox="0 0 90 90" role="img">'
        '<circle class="track" cx="45" cy="45" r="36"/>'
        f'<circle class="arc s-{one.role}" cx="45" cy="45" r="36" '
        f'stroke-dasharray="{share * length:.1f} {length:.1f}" transform="rotate(-90 45 45)"/>'
        f'<text x="45" y="52">{percent(one.share).replace(" ", _HAIR)}</text></svg>'
    )


def bar(one: Bar) -> str:
    """Return a share as a bar."""
    width = 100 * min(max(one.share, 0.0), 1.0)
    return (
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="r-{one.role}" width="{width:.2f}" height="8"/></svg>'
    )


def stack(one: Stack, css: str) -> str:
    """Return shares side by side, as parts of a bar."""
    parts = tuple((share * one.length, role, "") for share, role in one.parts)
    return _stack(parts, css)


def split(parts: tuple[Part, ...]) -> str:
    """Return the parts of a whole side by side, each with its name and share on a tip."""
    told = tuple(
        (one.share, one.role, f"{one.label}: {one.text}, {percent(one.share)}") for one in parts
    )
    return _stack(told, "stack")


def _stack(parts: tuple[tuple[float, Role, str], ...], css: str) -> str:
    drawn, x = [], 0.0
    for share, role, tip in parts:
        title = f"<title>{escaped(tip)}</title>" if tip else ""
        drawn.append(
            f'<rect class="r-{role}" x="{1000 * x:.2f}" width="{1000 * share:.2f}" height="10">'
            f"{title}</rect>"
        )
        x += share
    return (
        f'<svg class="{css}" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img">'
        f"{''.join(drawn)}</svg>"
    )


def swatch(role: Role) -> str:
    """Return a small square of a colour."""
    return (
        '<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="r-{role}" width="10" height="10"/></svg>'
    )


def curve(one: Curve) -> str:
    """Return values over time as an area under steps."""
    height, top, bottom = 190, 12, 22
    most = max([value for _, value in one.points] + [one.ceiling, 1.0])
    scale = (height - top - bottom) / most
    wide = _WIDTH - _AXIS

    def at(x: float, y: float) -> str:
        return f"{_AXIS + x * wide:.1f},{height - bottom - y * scale:.1f}"

    steps: list[str] = []
    last = 0.0
    for x, value in one.points:
        steps += [at(x, last), at(x, value)] if steps else [at(x, value)]
        last = value
    steps.append(at(1.0, last))
    line = " ".join(steps)
    lines = []
    for share in (0.0, 0.5, 1.0):
        y = height - bottom - share * most * scale
        lines.append(_level("grid", y))
        lines.append(
            f'<text x="{_AXIS - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{size(share * most) if share else '0'}</text>"
        )
    if one.ceiling:
        y = height - bottom - one.ceiling * scale
        lines.append(
            f'<line class="ceiling" x1="{_AXIS}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
    area = f"{_AXIS},{height - bottom} {line} {_WIDTH},{height - bottom}"
    return (
        f'<svg class="drawn" viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(lines)}'
        f'<polygon class="area" points="{area}"/><polyline class="line" points="{line}"/>'
        f'<text x="{_AXIS}" y="{height - 5}">0</text>'
        f'<text x="{_WIDTH}" y="{height - 5}" text-anchor="end">{escaped(one.span)}</text></svg>'
    )


def _level(css: str, y: float) -> str:
    return f'<line class="{css}" x1="{_AXIS}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'


def drawing(one: Drawing) -> str:
    """Return a piece of the timeline: lanes from top to bottom, time from left to right."""
    wide = _WIDTH - _LEFT
    lines = sum(count for _, count in one.lanes)
    gaps = [0.0] * lines
    parts, y, line = [], 4.0, 0
    for label, count in one.lanes:
        parts.append(f'<line class="grid" x1="0" x2="{_WIDTH}" y1="{y - 2}" y2="{y - 2}"/>')
        name = label if len(label) <= 24 else f"{label[:23]}…"
        parts.append(f'<text class="lane" x="0" y="{y + 11}">{escaped(name)}</text>')
        for _ in range(count):
            gaps[line] = y
            y += _LINE
            line += 1
        y += 4
    height = y + 18
    a, b = (_LEFT + share * wide for share in one.highlight)
    parts.insert(
        0, f'<rect class="window" x="{a:.1f}" y="0" width="{b - a:.1f}" height="{height - 18}"/>'
    )
    parts += [_mark(mark.x, mark.width, gaps[mark.line], mark.role, mark.name, mark.text)
              for mark in one.marks]  # fmt: skip
    parts.append(
        f'<text x="{_WIDTH}" y="{height - 4}" text-anchor="end">{escaped(one.span)}</text>'
    )
    return (
        f'<svg class="drawn" viewBox="0 0 {_WIDTH} {height:.0f}" role="img">{"".join(parts)}</svg>'
    )


def _mark(x: float, width: float, y: float, role: Role, name: str, text: str) -> str:
    wide = _WIDTH - _LEFT
    left, across = _LEFT + x * wide, max(0.75, width * wide)
    drawn = (
        f'<rect class="r-{role}" x="{left:.1f}" y="{y}" width="{across:.2f}" '
        f'height="{_LINE - 2}" rx="1"><title>{escaped(name[:300])}: {escaped(text)}</title></rect>'
    )
    letters = int((across - 6) / _LETTER)
    if letters >= 4:
        shown = name if len(name) <= letters else f"{name[: letters - 1]}…"
        place = f'x="{left + 3:.1f}" y="{y + 10.5}"'
        drawn += f'<text class="inside i-{role}" {place}>{escaped(shown)}</text>'
    return drawn


def scatter(one: Scatter) -> str:
    """Return operators as discs under the roofs of the device, both axes logarithmic."""
    height, top, bottom = 340, 14, 34
    x0, x1, y0, y1 = _decades(one)

    def px(value: float) -> float:
        place = min(max((math.log10(value) - x0) / (x1 - x0), 0.0), 1.0)
        return _AXIS + place * (_WIDTH - _AXIS)

    def py(value: float) -> float:
        place = min(max((y1 - math.log10(value)) / (y1 - y0), 0.0), 1.0)
        return top + place * (height - top - bottom)

    parts = list(_decade_lines((x0, x1, y0, y1), px, py, height - bottom, top))
    labels: list[str] = []
    lowest = -_LINE * 1.0
    for label, peak in one.roofs:
        lowest = max(py(peak) - 4, lowest + 12)  # labels of roofs that are close stand in a column
        ridge = min(max(peak / one.bandwidth, 10.0**x0), 10.0**x1)
        left = max(10.0**x0, 10.0**y0 / one.bandwidth)
        parts.append(
            f'<polyline class="roof" points="{px(left):.1f},{py(left * one.bandwidth):.1f} '
            f"{px(ridge):.1f},{py(min(peak, ridge * one.bandwidth)):.1f} "
            f'{_WIDTH},{py(min(peak, ridge * one.bandwidth)):.1f}"/>'
        )
        labels.append(
            f'<text class="told" x="{_WIDTH - 4}" y="{lowest:.1f}" text-anchor="end">'
            f"{escaped(label)}</text>"
        )
    for point in one.points:
        role = Role.HOST if point.is_matrix else Role.MEMORY
        radius = 3 + 16 * math.sqrt(max(point.weight, 0.0))
        parts.append(
            f'<circle class="point r-{role} s-{role}" cx="{px(point.intensity):.1f}" '
            f'cy="{py(point.rate):.1f}" r="{radius:.1f}"><title>{escaped(point.label[:300])}\n'
            f"{escaped(point.text)}</title></circle>"
        )
    return _drawn(height, [*parts, *labels])


def _drawn(height: float, parts: list[str]) -> str:
    view = f"0 0 {_WIDTH} {height:.0f}"
    return f'<svg class="drawn" viewBox="{view}" role="img">{"".join(parts)}</svg>'


def _decades(one: Scatter) -> tuple[int, int, int, int]:
    ridges = [peak / one.bandwidth for _, peak in one.roofs]
    xs = [point.intensity for point in one.points] + [ridge * 4 for ridge in ridges]
    ys = [point.rate for point in one.points] + [peak * 1.5 for _, peak in one.roofs]
    x0, x1 = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)))
    y0, y1 = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    return max(x0, -6), max(x1, x0 + 1), max(y0, y1 - 9), max(y1, y0 + 1)


def _decade_lines(
    ends: tuple[int, int, int, int], px: Place, py: Place, low: float, top: float
) -> Iterator[str]:
    x0, x1, y0, y1 = ends
    for decade in range(x0, x1 + 1):
        x = px(10.0**decade)
        anchor = "end" if decade == x1 else "middle"
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{low}"/>'
        yield f'<text x="{x:.1f}" y="{low + 15}" text-anchor="{anchor}">{10.0**decade:g}</text>'
    for decade in range(y0, y1 + 1):
        y = py(10.0**decade)
        yield _level("grid", y)
        yield (
            f'<text x="{_AXIS - 8}" y="{y + 4:.1f}" text-anchor="end">{_rate(10.0**decade)}</text>'
        )
    yield f'<text x="{_WIDTH}" y="{low + 30}" text-anchor="end">FLOP a byte</text>'
    yield f'<text x="{_AXIS + 6}" y="{top + 8}">FLOP/s</text>'


def _rate(value: float) -> str:
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g} {prefix}"
    return f"{value:g}"
