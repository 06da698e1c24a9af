"""Compose the picture of a graph: every open scope laid out on its own, inside out.

A line that enters an open scope passes a port in its upper border, one that leaves it a port in the
lower one, so it is drawn in pieces: one in each scope on its way. What is set apart stands in a
column on the right and has no lines; neither has what would fan out to very many boxes.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.graphs.labels import HEADER, Look, look, text_width
from gpuboard.analysis.graphs.layout import Placement, Point, Problem, lay_out
from gpuboard.analysis.graphs.tree import Tree
from gpuboard.analysis.graphs.view import MANY_NEIGHBOURS, Options, View, view

PADDING = 16.0  # between the border of an open scope and its inside
COLUMN_GAP = 40.0  # between lines and the column of what is set apart
STACK_GAP = 10.0
MAX_PORTS = 6  # in one border of a scope; further lines share the last
KEPT_LAYOUTS = 2_000
MOST_KEPT = 400  # boxes of one scope whose layout is kept

Float64s = npt.NDArray[np.float64]
Int32s = npt.NDArray[np.int32]

# Where a piece of a line ends: a box (number, -1), or a port of the scope around it ("in", k).
Piece = tuple[int, int, int, int, int]  # scope, tail, its port, head, its port
ENTRY, EXIT = -1, -2  # tail or head that is a port of the scope itself


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """A picture, in pixels at natural size.

    Attributes:
        view: Its boxes and pairs.
        looks: Texts of each box.
        x: Left side of each box, shape (b,).
        y: Upper side of each box, shape (b,).
        width: Shape (b,); box 0 is the whole picture.
        height: Shape (b,).
        line_start: Points of line k are `points[line_start[k]:line_start[k + 1]]`, shape (l + 1,).
        points: x and y, float64, shape (m, 2).
        line_tail: Box at which a line starts, or the scope whose border it enters, int32, (l,).
        line_head: Box at which it ends, or the scope whose border it leaves, int32, (l,).
        line_tensors: How many edges run through it, int32, (l,).
        line_control: Whether none of them carries data, (l,).
        pair_start: Lines of pair k are `pair_line[pair_start[k]:pair_start[k + 1]]`, (p + 1,); a
            pair without lines is drawn on demand only.
        pair_line: int32.
    """

    view: View
    looks: tuple[Look, ...]
    x: Float64s
    y: Float64s
    width: Float64s
    height: Float64s
    line_start: npt.NDArray[np.int64]
    points: Float64s
    line_tail: Int32s
    line_head: Int32s
    line_tensors: Int32s
    line_control: npt.NDArray[np.bool_]
    pair_start: npt.NDArray[np.int64]
    pair_line: Int32s


def compose(tree: Tree, options: Options, parameters: Float64s) -> Scene:
    """Return the picture of a tree for what is open.

    Args:
        tree: The items.
        options: What the user chose.
        parameters: Trained numbers below each item, NaN for none.

    Raises:
        LimitError: Too many boxes would be open.
    """
    found = view(tree, options)
    looks = tuple(look(tree, item, float(parameters[item])) for item in found.item.tolist())
    return _Composer(found, looks).scene()


_kept_layout = functools.lru_cache(KEPT_LAYOUTS)(lay_out)


def _layout(problem: Problem) -> Placement:
    """Return `lay_out(problem)`, kept where it is small: most scopes stay as they are."""
    is_kept = len(problem.sizes) <= MOST_KEPT and len(problem.edges) <= 2 * MOST_KEPT
    return _kept_layout(problem) if is_kept else lay_out(problem)


@dataclasses.dataclass(slots=True)
class _Inside:
    """The inside of one open box, in coordinates of that box."""

    boxes: list[int]
    placement: Placement
    left: float
    pieces: list[Piece]
    column: list[tuple[int, float, float]]  # boxes set apart with their places
    width: float
    height: float


class _Composer:
    def __init__(self, found: View, looks: tuple[Look, ...]) -> None:
        self.view = found
        self.looks = looks
        self.parent: list[int] = found.parent.tolist()
        self.is_open: list[bool] = found.is_open.tolist()
        self.is_apart: list[bool] = found.is_apart.tolist()
        self.children: list[list[int]] = [[] for _ in self.parent]
        for box in range(1, len(self.parent)):
            self.children[self.parent[box]].append(box)
        self.size: list[Point] = [(one.width, one.height) for one in looks]
        self.entry: dict[tuple[int, int], int] = {}  # (scope, pair): number of its port
        self.exit: dict[tuple[int, int], int] = {}
        self.entries: dict[int, int] = {}
        self.exits: dict[int, int] = {}
        self.ways: list[list[tuple[int, int, int]]] = []  # by pair: scope, tail, head
        self.pieces: dict[int, dict[Piece, list[int]]] = {}
        self.inside: dict[int, _Inside] = {}

    def scene(self) -> Scene:
        self._find_ways()
        self._give_ports()
        self._cut_to_pieces()
        for box in reversed(range(len(self.parent))):
            if self.is_open[box]:
                self._lay_out(box)
        return self._assembled()

    # Which scopes each pair passes.

    def _find_ways(self) -> None:
        sources, targets = self.view.source.tolist(), self.view.target.tolist()
        for source, target in zip(sources, targets, strict=True):
            self.ways.append(self._way(source, target))

    def _way(self, source: int, target: int) -> list[tuple[int, int, int]]:
        """Return (scope, tail, head) for each piece; nothing when something on it is apart."""
        around: dict[int, int] = {}  # scope around the source: box of it that holds the source
        box = source
        while box != 0:
            around[self.parent[box]] = box
            box = self.parent[box]
        inwards: list[tuple[int, int, int]] = []
        head = target
        while self.parent[head] not in around:
            if self.is_apart[head]:
                return []
            inwards.append((self.parent[head], ENTRY, head))
            head = self.parent[head]
        common = self.parent[head]
        outwards: list[tuple[int, int, int]] = []
        tail = source
        while self.parent[tail] != common:
            if self.is_apart[tail]:
                return []
            outwards.append((self.parent[tail], tail, EXIT))
            tail = self.parent[tail]
        if self.is_apart[tail] or self.is_apart[head]:
            return []
        return [*outwards, (common, tail, head), *reversed(inwards)]

    # Which ports they pass through.

    def _give_ports(self) -> None:
        entering: dict[int, dict[int, list[int]]] = {}  # scope: source: pairs
        leaving: dict[int, dict[int, list[int]]] = {}
        for pair, way in enumerate(self.ways):
            source = int(self.view.source[pair])
            for scope, tail, head in way:
                if tail == ENTRY:
                    entering.setdefault(scope, {}).setdefault(source, []).append(pair)
                elif head == EXIT:
                    leaving.setdefault(scope, {}).setdefault(source, []).append(pair)
        target = self.view.target.tolist()
        for scope, by_source in entering.items():
            alike: defaultdict[frozenset[int], list[int]] = defaultdict(list)
            for pairs in by_source.values():  # sources that feed the same boxes share a port
                alike[frozenset(target[pair] for pair in pairs)] += pairs
            groups = [pairs for ends, pairs in alike.items() if self._is_drawn(scope, ends)]
            self.entries[scope] = self._number(self.entry, scope, groups)
        for scope, by_source in leaving.items():
            self.exits[scope] = self._number(self.exit, scope, list(by_source.values()))

    def _is_drawn(self, scope: int, ends: frozenset[int]) -> bool:
        """Return whether lines from one port go to few enough boxes inside to be of use."""
        return len({self._child_of(scope, end) for end in ends}) < MANY_NEIGHBOURS

    def _child_of(self, scope: int, box: int) -> int:
        while self.parent[box] != scope:
            box = self.parent[box]
        return box

    def _number(
        self, ports: dict[tuple[int, int], int], scope: int, groups: Sequence[Sequence[int]]
    ) -> int:
        for number, pairs in enumerate(groups):
            for pair in pairs:
                ports[scope, pair] = min(number, MAX_PORTS - 1)
        return min(len(groups), MAX_PORTS)

    # The pieces of lines in each scope.

    def _cut_to_pieces(self) -> None:
        for pair, way in enumerate(self.ways):
            for scope, tail, head in way:
                piece = self._piece(pair, scope, tail, head)
                if piece is not None:
                    self.pieces.setdefault(scope, {}).setdefault(piece, []).append(pair)

    def _piece(self, pair: int, scope: int, tail: int, head: int) -> Piece | None:
        tail_port = head_port = -1
        if tail == ENTRY:
            port = self.entry.get((scope, pair))
            if port is None:
                return None
            tail_port = port
        elif self.is_open[tail]:
            tail_port = self.exit[tail, pair]
        if head == EXIT:
            head_port = self.exit[scope, pair]
        elif self.is_open[head]:
            # Without a port the line ends at the border.
            head_port = self.entry.get((head, pair), -1)
        return scope, tail, tail_port, head, head_port

    # Where boxes and lines go in each scope.

    def _lay_out(self, scope: int) -> None:
        boxes = [box for box in self.children[scope] if not self.is_apart[box]]
        apart = [box for box in self.children[scope] if self.is_apart[box]]
        place = {box: k for k, box in enumerate(boxes)}
        entries, exits = self.entries.get(scope, 0), self.exits.get(scope, 0)
        first = len(boxes)
        pieces = list(self.pieces.get(scope, ()))
        edges, tails, heads = [], [], []
        for _, tail, tail_port, head, head_port in pieces:
            a = first + tail_port if tail == ENTRY else place[tail]
            b = first + entries + head_port if head == EXIT else place[head]
            edges.append((a, b))
            tails.append(self._port_x(tail, tail_port, is_entry=False))
            heads.append(self._port_x(head, head_port, is_entry=True))
        placement = _layout(
            Problem(
                sizes=(*(self.size[box] for box in boxes), *[(0.0, 0.0)] * (entries + exits)),
                edges=tuple(edges),
                tails=tuple(tails),
                heads=tuple(heads),
                entries=entries,
                exits=exits,
            )
        )
        self._frame(scope, boxes, apart, placement, pieces)

    def _frame(
        self,
        scope: int,
        boxes: list[int],
        apart: list[int],
        placement: Placement,
        pieces: list[Piece],
    ) -> None:
        """Put a border round the inside of a scope, with what is set apart on its right."""
        is_whole = scope == 0
        head, pad = (0.0, 0.0) if is_whole else (HEADER, PADDING)
        column, column_width, column_height = self._column(apart, placement.height)
        gap = COLUMN_GAP if column and boxes else 0.0
        title = 0.0 if is_whole else text_width(self.looks[scope].label, 12.5) + 60
        inner = max(placement.width + gap + column_width, title)
        left = (inner - placement.width - gap - column_width) / 2 + pad
        start = left + placement.width + gap
        below = pad if not self.exits.get(scope) or column_height > placement.height else 4.0
        height = head + max(placement.height, column_height) + below
        self.inside[scope] = _Inside(
            boxes,
            placement,
            left,
            pieces,
            [(box, start + x, head + y) for box, x, y in column],
            inner + 2 * pad,
            height,
        )
        self.size[scope] = (inner + 2 * pad, height)

    def _column(
        self, apart: Sequence[int], room: float
    ) -> tuple[list[tuple[int, float, float]], float, float]:
        """Return places of what is set apart, in as many columns as keep it no higher than wide."""
        found: list[tuple[int, float, float]] = []
        x = y = widest = highest = 0.0
        most = max(room, 480.0)
        for box in sorted(apart, key=lambda box: self.is_open[box]):
            width, height = self.size[box]
            if y > 0 and y + height > most:
                x, y, widest = x + widest + STACK_GAP, 0.0, 0.0
            found.append((box, x, y))
            widest = max(widest, width)
            y += height + STACK_GAP
            highest = max(highest, y - STACK_GAP)
        return found, x + widest, highest

    def _port_x(self, box: int, port: int, *, is_entry: bool) -> float:
        """Return where a port lies in the border of a box, -1 when the line may end anywhere."""
        if port < 0 or box in (ENTRY, EXIT):
            return -1.0
        inside = self.inside[box]
        number = len(inside.boxes) + port + (0 if is_entry else self.entries.get(box, 0))
        return inside.left + inside.placement.x[number]

    # The whole picture.

    def _assembled(self) -> Scene:
        count = len(self.parent)
        x, y = [0.0] * count, [0.0] * count
        points: list[Point] = []
        line_start = [0]
        tail_of: list[int] = []
        head_of: list[int] = []
        of_pair: list[list[int]] = [[] for _ in self.ways]
        tensors: list[int] = []
        control: list[bool] = []
        of_pair_tensors: list[int] = self.view.tensors.tolist()
        is_pair_control: list[bool] = self.view.is_control.tolist()
        for scope in range(count):  # parents come first
            if not self.is_open[scope]:
                continue
            inside = self.inside[scope]
            left = x[scope] + inside.left
            top = y[scope] + (HEADER if scope else 0.0)
            for k, box in enumerate(inside.boxes):
                x[box], y[box] = left + inside.placement.x[k], top + inside.placement.y[k]
            for box, dx, dy in inside.column:
                x[box], y[box] = x[scope] + dx, y[scope] + dy
            for piece, route in zip(inside.pieces, inside.placement.routes, strict=True):
                if not route:
                    continue
                pairs = self.pieces[scope][piece]
                for pair in pairs:
                    of_pair[pair].append(len(tail_of))
                moved = [(left + px, top + py) for px, py in route]
                points += self._to_border(scope, piece, moved, y[scope])
                line_start.append(len(points))
                tail_of.append(scope if piece[1] == ENTRY else piece[1])
                head_of.append(scope if piece[3] == EXIT else piece[3])
                tensors.append(sum(of_pair_tensors[pair] for pair in pairs))
                control.append(all(is_pair_control[pair] for pair in pairs))
        sizes = np.array(self.size, np.float64).reshape(-1, 2)
        counts = [len(lines) for lines in of_pair]
        return Scene(
            view=self.view,
            looks=self.looks,
            x=np.array(x),
            y=np.array(y),
            width=sizes[:, 0],
            height=sizes[:, 1],
            line_start=np.array(line_start, np.int64),
            points=np.array(points, np.float64).reshape(-1, 2),
            line_tail=np.array(tail_of, np.int32),
            line_head=np.array(head_of, np.int32),
            line_tensors=np.array(tensors, np.int32),
            line_control=np.array(control, np.bool_),
            pair_start=np.concatenate([[0], np.cumsum(np.array(counts, np.int64))]),
            pair_line=np.array([line for lines in of_pair for line in lines], np.int32),
        )

    def _to_border(self, scope: int, piece: Piece, points: list[Point], top: float) -> list[Point]:
        """Lengthen a line that passes a port over header and padding up to the border itself."""
        if piece[1] == ENTRY:
            points = (
                [(points[0][0], top), *points[1:]]
                if _is_straight(points[:2])
                else [(points[0][0], top), *points]
            )
        if piece[3] == EXIT:
            bottom = top + self.size[scope][1]
            points = (
                [*points[:-1], (points[-1][0], bottom)]
                if _is_straight(points[-2:])
                else [*points, (points[-1][0], bottom)]
            )
        return points


def _is_straight(points: Sequence[Point]) -> bool:
    return len(points) == 2 and points[0][0] == points[1][0]
