"""Say which boxes of a graph are on screen, and what connects them, for what is open."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.analysis.graphs.tree import NODE, SERIES, Tree
from gpuboard.errors import LimitError
from gpuboard.summaries.graphs import graph as model

Int8s = npt.NDArray[np.int8]
Int32s = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

MANY_NEIGHBOURS = 7  # a box that feeds so many others is set apart

_APART_OPS = frozenset(
    {"NoOp", "MergeSummary", "SaveV2", "RestoreV2", "Assert", "MergeV2Checkpoints"}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What a user chose: keys of items.

    Attributes:
        open: Scopes and series whose inside is shown.
        ungrouped: Series whose members stand on their own.
        apart: Boxes set apart by hand: beside the others, without lines.
        kept: Boxes that are not to be set apart.
    """

    open: frozenset[str] = frozenset()
    ungrouped: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """Boxes on screen, parents first, and the pairs of boxes between which tensors flow.

    Attributes:
        item: Item of the tree that each box shows; box 0 is the whole graph, int32, shape (b,).
        parent: Box around each box, -1 for box 0, int32, shape (b,).
        depth: Boxes around it, the whole graph not counted, int32, shape (b,).
        is_open: Whether its inside is shown, shape (b,).
        is_apart: Whether it is set apart, shape (b,).
        source: Box at the tail of each pair, never an open one, int32, shape (p,).
        target: Box at its head, never an open one, int32, shape (p,).
        tensors: How many edges it stands for, int32, shape (p,).
        is_control: Whether none of them carries data, shape (p,).
        example: One edge of the tree that it stands for, int32, shape (p,).
        box_of: Box that shows each node of the graph, -1 for none, int32, shape (n,).
    """

    item: Int32s
    parent: Int32s
    depth: Int32s
    is_open: Bools
    is_apart: Bools
    source: Int32s
    target: Int32s
    tensors: Int32s
    is_control: Bools
    example: Int32s
    box_of: Int32s

    def __len__(self) -> int:
        return len(self.item)


def view(tree: Tree, options: Options) -> View:
    """Return what is on screen.

    Raises:
        LimitError: More than `limits.MAX_GRAPH_BOXES` boxes would be open.
    """
    items, parents, depths, is_open = _boxes(tree, options)
    box_of = np.full(len(tree.graph), -1, np.int32)
    for box, item in enumerate(items):
        if not is_open[box]:
            box_of[tree.nodes_below(item)] = box
    pairs = _pairs(tree, box_of)
    parent = np.array(parents, np.int32)
    apart = _set_apart(tree, options, items, parent, pairs)
    return View(
        np.array(items, np.int32),
        parent,
        np.array(depths, np.int32),
        np.array(is_open, np.bool_),
        apart,
        *pairs,
        box_of=box_of,
    )


def members(tree: Tree, item: int, options: Options) -> list[int]:
    """Return the items shown inside an open one: series that are ungrouped show their members."""
    found: list[int] = []
    stack = list(reversed(tree.children[item]))
    while stack:
        child = stack.pop()
        if tree.form[child] == SERIES and tree.keys[child] in options.ungrouped:
            stack.extend(reversed(tree.children[child]))
        else:
            found.append(child)
    return found


def _boxes(tree: Tree, options: Options) -> tuple[list[int], list[int], list[int], list[bool]]:
    items, parents, depths, is_open = [0], [-1], [-1], [True]
    stack = [(0, child) for child in reversed(members(tree, 0, options))]
    most = limits.MAX_GRAPH_BOXES.value
    while stack:
        above, item = stack.pop()
        opens = bool(tree.children[item]) and tree.keys[item] in options.open
        box = len(items)
        if box + len(stack) > most:
            raise LimitError(
                f"more than {most:,} boxes would be open ({limits.MAX_GRAPH_BOXES.name}); "
                "close some scopes"
            )
        items.append(item)
        parents.append(above)
        depths.append(depths[above] + 1)
        is_open.append(opens)
        if opens:
            stack.extend((box, child) for child in reversed(members(tree, item, options)))
    return items, parents, depths, is_open


def _pairs(tree: Tree, box_of: Int32s) -> tuple[Int32s, Int32s, Int32s, Bools, Int32s]:
    edges = tree.edges
    source, target = box_of[edges.source], box_of[edges.target]
    visible = np.flatnonzero((source != target) & (source >= 0) & (target >= 0))
    code = source[visible].astype(np.int64) << 32 | target[visible]
    unique, first, place, count = np.unique(
        code, return_index=True, return_inverse=True, return_counts=True
    )
    data = np.zeros(len(unique), np.int64)
    np.add.at(data, place, ~edges.is_control[visible])
    return (
        (unique >> 32).astype(np.int32),
        (unique & 0xFFFFFFFF).astype(np.int32),
        count.astype(np.int32),
        data == 0,
        visible[first].astype(np.int32),
    )


def _set_apart(
    tree: Tree,
    options: Options,
    items: list[int],
    parent: Int32s,
    pairs: tuple[Int32s, Int32s, Int32s, Bools, Int32s],
) -> Bools:
    """Return which boxes stand beside the others, since their lines would hide everything else.

    Those are small ones that feed many siblings, ends that gather many (summaries, savers), and
    what the user chose.
    """
    source, target = pairs[0], pairs[1]
    feeds = _neighbours(source, target, parent, len(items))
    siblings = np.bincount(parent[1:], minlength=len(items))
    apart = np.zeros(len(items), np.bool_)
    for box, item in enumerate(items):
        key = tree.keys[item]
        if box == 0 or key in options.kept:
            continue
        is_crowded = siblings[parent[box]] > MANY_NEIGHBOURS
        apart[box] = key in options.apart or (
            _is_auto_apart(tree, item, feeds[box], is_crowded=bool(is_crowded))
        )
    return apart


def _is_auto_apart(tree: Tree, item: int, feeds: int, *, is_crowded: bool) -> bool:
    graph = tree.graph
    if tree.form[item] != NODE:
        return tree.keys[item] == model.FUNCTIONS or (
            feeds >= MANY_NEIGHBOURS and tree.last[item] - tree.first[item] <= 3
        )
    node = tree.node[item]
    if graph.kind[node] == model.SUMMARY or graph.ops[graph.op[node]] in _APART_OPS:
        return is_crowded
    has_inputs = graph.input_start[node + 1] > graph.input_start[node]
    return feeds >= MANY_NEIGHBOURS and not (has_inputs and graph.kind[node] == model.OPERATION)


def _neighbours(
    source: Iterable[int], target: Iterable[int], parent: Int32s, boxes: int
) -> list[int]:
    """Return for each box how many siblings, or open boxes beside it, take what it makes."""
    above = parent.tolist()
    found: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in zip(map(int, source), map(int, target), strict=True):
        ways = [a]
        while ways[-1] > 0:
            ways.append(above[ways[-1]])
        around = set(ways)
        head = b
        while above[head] not in around:
            head = above[head]
        tail = a if above[a] == above[head] else -1
        if tail >= 0:
            found[tail].add(head)
    return [len(found[box]) if box in found else 0 for box in range(boxes)]
