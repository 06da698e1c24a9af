"""Lay out the inside of one scope: boxes in rows, downwards, and a way for every edge."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from gpuboard.analysis.graphs.layers import assign_rows
from gpuboard.analysis.graphs.order import order_rows
from gpuboard.analysis.graphs.place import place_rows

BOX_GAP = 26.0  # between neighbours of a row
WAY_GAP = 12.0  # between a line and its neighbour
ROW_GAP = 34.0  # between rows, more where many lines pass
MAX_ROW_GAP = 76.0
PORT_GAP = 16.0  # between the border of a scope and its first row
LEAN = 0.28  # how far from its middle a line may leave a box, as a share of the width

Point = tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """What is to be laid out; hashable, so that an answer can be kept.

    Attributes:
        sizes: Width and height of each box; of ports, which come last, (0, 0).
        edges: Pairs (tail, head) of boxes and ports.
        tails: By edge, where on its tail a line has to start, from the left; -1 for anywhere.
        heads: By edge, where on its head a line has to end.
        entries: How many of the last boxes are ports in the upper border.
        exits: How many of the very last ones are ports in the lower border.
    """

    sizes: tuple[Point, ...]
    edges: tuple[tuple[int, int], ...]
    tails: tuple[float, ...]
    heads: tuple[float, ...]
    entries: int = 0
    exits: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """Where everything stands, from the upper left corner of the inside on.

    Attributes:
        x: Left side of each box; of a port, its place in the border.
        y: Upper side of each box; of a port, 0 or `height`.
        width: Of the inside.
        height: Of the inside.
        routes: By edge the points of its line, from tail to head; empty for one without a line.
            Between two points it runs straight down, or swings from one x to the other.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    width: float
    height: float
    routes: tuple[tuple[Point, ...], ...]


def lay_out(problem: Problem) -> Placement:
    """Return where boxes and lines go."""
    count = len(problem.sizes)
    if count == 0:
        return Placement((), (), 0.0, 0.0, ())
    exits = range(count - problem.exits, count)
    entries = range(count - problem.exits - problem.entries, count - problem.exits)
    layers = assign_rows(count, problem.edges, entries, exits)
    rows, above, below = order_rows(layers.row, layers.chains, layers.rows)
    widths = [*(width for width, _ in problem.sizes), *[0.0] * (len(layers.row) - count)]
    ports = {*entries, *exits}

    def gap(u: int, v: int) -> float:
        is_box = (u < count and u not in ports) + (v < count and v not in ports)
        return BOX_GAP if is_box == 2 else WAY_GAP + 4.0 * is_box

    x = place_rows(rows, above, below, widths, gap)
    tops, bottoms = _row_ends(problem, rows, layers.chains, x, ports)
    left = min(c - w / 2 for c, w in zip(x, widths, strict=True))
    x = [c - left for c in x]
    y = [
        (tops[layers.row[v]] + bottoms[layers.row[v]] - problem.sizes[v][1]) / 2
        for v in range(count)
    ]
    routes = [
        _route(problem, layers.chains[k], x, y, (tops, bottoms, layers.row), k)
        if not layers.is_reversed[k]
        else _upwards(problem, layers.chains[k], x, y, (tops, bottoms, layers.row))
        for k in range(len(problem.edges))
    ]
    return Placement(
        x=tuple(x[v] - problem.sizes[v][0] / 2 for v in range(count)),
        y=tuple(y),
        width=max(c + w / 2 for c, w in zip(x, widths, strict=True)),
        height=bottoms[-1],
        routes=tuple(tuple(route) for route in routes),
    )


Rows = tuple[list[float], list[float], list[int]]


def _row_ends(
    problem: Problem,
    rows: Sequence[Sequence[int]],
    chains: Sequence[Sequence[int]],
    x: Sequence[float],
    ports: set[int],
) -> tuple[list[float], list[float]]:
    """Return the upper and lower end of each row."""
    count = len(problem.sizes)
    swings = [0] * len(rows)
    row_of = {v: k for k, row in enumerate(rows) for v in row}
    for way in chains:
        for a, b in itertools.pairwise(way):
            swings[row_of[a]] += abs(x[a] - x[b]) > 40
    tops: list[float] = []
    bottoms: list[float] = []
    y = 0.0
    for k, row in enumerate(rows):
        height = max((problem.sizes[v][1] for v in row if v < count), default=0.0)
        tops.append(y)
        bottoms.append(y + height)
        lower = rows[k + 1] if k + 1 < len(rows) else ()
        is_border = any(v in ports for v in row) or any(v in ports for v in lower)
        least = PORT_GAP if is_border else ROW_GAP
        y += height + min(least + 3.0 * swings[k], MAX_ROW_GAP)
    return tops, bottoms


def _route(
    problem: Problem, way: Sequence[int], x: Sequence[float], y: Sequence[float], rows: Rows, k: int
) -> list[Point]:
    if not way:
        return []
    tops, bottoms, row = rows
    tail, head = way[0], way[-1]
    start = _end_x(problem, tail, x, problem.tails[k], x[way[1]])
    before_last = x[way[-2]] if len(way) > 2 else start
    end = _end_x(problem, head, x, problem.heads[k], before_last)
    points = [(start, y[tail] + problem.sizes[tail][1]), (start, bottoms[row[tail]])]
    for v in way[1:-1]:
        points += [(x[v], tops[row[v]]), (x[v], bottoms[row[v]])]
    points += [(end, tops[row[head]]), (end, y[head])]
    return _tidy(points)


def _upwards(
    problem: Problem, way: Sequence[int], x: Sequence[float], y: Sequence[float], rows: Rows
) -> list[Point]:
    """Return the way of an edge against the stream: it was laid out turned round."""
    if not way:
        return []
    tops, bottoms, row = rows
    upper, lower = way[0], way[-1]
    a = x[upper] + LEAN * problem.sizes[upper][0]
    b = x[lower] + LEAN * problem.sizes[lower][0]
    points = [(a, y[upper] + problem.sizes[upper][1]), (a, bottoms[row[upper]])]
    for v in way[1:-1]:
        points += [(x[v], tops[row[v]]), (x[v], bottoms[row[v]])]
    points += [(b, tops[row[lower]]), (b, y[lower])]
    return _tidy(points)[::-1]


def _end_x(problem: Problem, v: int, x: Sequence[float], port: float, towards: float) -> float:
    width = problem.sizes[v][0]
    if port >= 0:
        return x[v] - width / 2 + port
    lean = LEAN * width
    return x[v] + max(-lean, min(lean, towards - x[v]))


def _tidy(points: Sequence[Point]) -> list[Point]:
    """Leave out points that lie on the straight line between their neighbours, and repeats."""
    kept: list[Point] = []
    for point in points:
        if kept and point == kept[-1]:
            continue
        if len(kept) > 1 and kept[-1][0] == kept[-2][0] == point[0]:
            kept[-1] = point
        else:
            kept.append(point)
    return kept
