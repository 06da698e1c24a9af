"""Order the nodes of a graph into a tree of scopes, in which repeated siblings form one series.

Items of the tree are numbered so that parents come before their children: item 0 is the whole
graph. Each item is a node of the graph, a scope ("encoder/layer_0"), or a series (layer_0 to
layer_11, alike in structure). Two items have the same structure number exactly when they hold the
same operations, connected alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.graphs.series import Repeat, find_series
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs.graph import Graph

Int8s = npt.NDArray[np.int8]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NODE, SCOPE, SERIES = range(3)


@dataclasses.dataclass(frozen=True, slots=True)
class Edges:
    """Connections between nodes of a graph, one row each; a pair may appear more than once."""

    source: Int32s
    target: Int32s
    port: Int32s
    is_control: Bools

    def __len__(self) -> int:
        return len(self.source)


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """The items of a graph, parents first.

    Attributes:
        graph: What it was made of.
        keys: What a request calls each item: the path of a node or scope, "" for the whole.
        labels: The last part of the path.
        form: NODE, SCOPE or SERIES, int8, shape (k,).
        parent: Item above, -1 for item 0, int32, shape (k,).
        children: Items below, in order of their first node.
        node: The node that an item is, -1 for scopes and series, int32, shape (k,).
        item_of: Item of each node of the graph, -1 for one that is left out, int32, shape (n,).
        first: Nodes below item i are `order[first[i]:last[i]]`.
        last: See `first`.
        order: Nodes of the graph in order of the tree, int32.
        structure: Number of its structure; alike items have the same one, int32, shape (k,).
        alike: A number from 0 on for scopes and series of which there are several alike, -1 for
            all others, int32, shape (k,).
        edges: Connections between nodes that are not left out.
        position: Item by key.
    """

    graph: Graph
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    form: Int8s
    parent: Int32s
    children: tuple[tuple[int, ...], ...]
    node: Int32s
    item_of: Int32s
    first: Int64s
    last: Int64s
    order: Int32s
    structure: Int32s
    alike: Int32s
    edges: Edges
    position: dict[str, int]

    def __len__(self) -> int:
        return len(self.keys)

    def nodes_below(self, item: int) -> Int32s:
        """Return the nodes of the graph below an item, or the one that it is."""
        return self.order[self.first[item] : self.last[item]]

    def totals(self, column: npt.NDArray[np.generic]) -> Float64s:
        """Return the sum over the nodes below each item; NaN where none of them has a number.

        Args:
            column: One number for each node of the graph, NaN for none.
        """
        values = np.asarray(column, np.float64)[self.order]
        known = ~np.isnan(values)
        sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
        counts = np.concatenate([[0], np.cumsum(known)])
        total = sums[self.last] - sums[self.first]
        return np.where(counts[self.last] > counts[self.first], total, np.nan)

    def ancestors(self, item: int) -> list[int]:
        """Return the items above an item, the nearest first, without the whole graph."""
        found: list[int] = []
        item = int(self.parent[item])
        while item > 0:
            found.append(item)
            item = int(self.parent[item])
        return found


@dataclasses.dataclass(slots=True)
class _Item:
    key: str
    label: str
    form: int
    parent: int
    node: int = -1
    children: list[int] = dataclasses.field(default_factory=list)


def plant(graph: Graph, *, constants: bool = False) -> Tree:
    """Return the tree of a graph.

    Args:
        graph: What to order.
        constants: Whether constants are items; without them pictures stay calm.
    """
    is_kept = np.ones(len(graph), np.bool_)
    if not constants:
        is_kept = graph.kind != model.CONSTANT
        if not is_kept.any():
            is_kept[:] = True
    items, item_of = _scopes(graph, is_kept)
    _shorten(items, item_of, joined=graph.source != "torch")
    edges = edges_of(graph, is_kept)
    structure = _structures(graph, items, item_of, edges)
    repeats = find_series(*_siblings(items, item_of, edges), structure)
    for repeat in repeats:
        _add_series(items, structure, repeat)
    return _finished(graph, items, item_of, structure, edges)


def edges_of(graph: Graph, is_kept: Bools) -> Edges:
    """Return the connections between those nodes that are kept."""
    target = np.repeat(np.arange(len(graph), dtype=np.int32), np.diff(graph.input_start))
    keep = is_kept[graph.input_node] & is_kept[target] & (graph.input_node != target)
    return Edges(
        graph.input_node[keep], target[keep], graph.input_port[keep], graph.is_control[keep]
    )


def _scopes(graph: Graph, is_kept: Bools) -> tuple[list[_Item], Int32s]:
    items = [_Item("", "", SCOPE, -1)]
    number = {"": 0}
    item_of = np.full(len(graph), -1, np.int32)
    for node in np.flatnonzero(is_kept).tolist():
        path = graph.names[node]
        above = _scope(items, number, path.rpartition("/")[0])
        item_of[node] = len(items)
        items[above].children.append(len(items))
        items.append(_Item(path, path.rpartition("/")[2], NODE, above, node))
    return items, item_of


def _scope(items: list[_Item], number: dict[str, int], path: str) -> int:
    missing: list[str] = []
    while path not in number:
        missing.append(path)
        path = path.rpartition("/")[0]
    above = number[path]
    for name in reversed(missing):
        number[name] = len(items)
        items[above].children.append(len(items))
        items.append(_Item(name, name.rpartition("/")[2], SCOPE, above))
        above = number[name]
    return above


def _shorten(items: list[_Item], item_of: Int32s, *, joined: bool) -> None:
    """Let a scope that holds one node alone be that node.

    It is called as both, or as the scope alone: PyTorch names nodes by numbers.
    """
    for scope in reversed(range(1, len(items))):
        item = items[scope]
        if item.form != SCOPE or len(item.children) != 1:
            continue
        only = items[item.children[0]]
        if only.form == NODE and only.node >= 0:
            item.form, item.node, item.children = NODE, only.node, []
            item.key = only.key
            if joined:
                item.label = f"{item.label}/{only.label}"
            item_of[only.node] = scope
            only.form = -1  # it is no item any more


def _siblings(
    items: Sequence[_Item], item_of: Int32s, edges: Edges
) -> tuple[list[list[int]], list[str], dict[int, list[tuple[int, int]]]]:
    """Return children and labels of all items, and the edges between siblings by parent."""
    children = [item.children for item in items]
    labels = [item.label for item in items]
    return children, labels, _lifted(items, item_of, edges)


def _lifted(
    items: Sequence[_Item], item_of: Int32s, edges: Edges
) -> dict[int, list[tuple[int, int]]]:
    """Return each edge once, between the two siblings that hold its ends, by their parent."""
    parent = np.array([item.parent for item in items], np.int32)
    depth = _depths(parent)
    a, b = item_of[edges.source].copy(), item_of[edges.target].copy()
    while True:
        is_deeper = depth[a] > depth[b]
        a = np.where(is_deeper, parent[a], a)
        is_higher = depth[b] > depth[a]
        b = np.where(is_higher, parent[b], b)
        if not (is_deeper.any() or is_higher.any()):
            break
    while (apart := (a != b) & (parent[a] != parent[b])).any():
        a, b = np.where(apart, parent[a], a), np.where(apart, parent[b], b)
    pairs = np.unique(np.stack([parent[a], a, b], axis=1)[a != b], axis=0)
    found: dict[int, list[tuple[int, int]]] = {}
    for above, source, target in pairs.tolist():
        found.setdefault(above, []).append((source, target))
    return found


def _depths(parent: Int32s) -> Int32s:
    depth = np.zeros(len(parent), np.int32)
    for item in range(1, len(parent)):  # parents come first
        depth[item] = depth[parent[item]] + 1
    return depth


def _structures(graph: Graph, items: Sequence[_Item], item_of: Int32s, edges: Edges) -> list[int]:
    """Return a number for each item: equal for items that hold the same, connected alike.

    Two scopes count as alike when their children are, and when as many edges run between children
    of the same structures; that is weaker than isomorphism and takes linear time.
    """
    lifted = _lifted(items, item_of, edges)
    numbers: dict[object, int] = {}
    structure = [0] * len(items)
    for number in reversed(range(len(items))):
        item = items[number]
        if item.form == NODE:
            key: object = ("op", graph.ops[graph.op[item.node]])
        else:
            below = tuple(sorted(structure[child] for child in item.children))
            links = tuple(sorted((structure[a], structure[b]) for a, b in lifted.get(number, ())))
            key = (below, links)
        structure[number] = numbers.setdefault(key, len(numbers))
    return structure


def _add_series(items: list[_Item], structure: list[int], repeat: Repeat) -> None:
    parent = items[repeat.parent]
    base = f"{parent.key}/" if repeat.parent else ""
    number = len(items)
    key = f"{base}{repeat.label}"
    items.append(_Item(key, repeat.label, SERIES, repeat.parent, -1, list(repeat.members)))
    # A series is coloured as what it repeats.
    structure.append(structure[repeat.members[0]])
    members = set(repeat.members)
    place = parent.children.index(repeat.members[0])
    rest = [child for child in parent.children if child not in members]
    parent.children = [*rest[:place], number, *rest[place:]]
    for member in repeat.members:
        items[member].parent = number


def _finished(
    graph: Graph, items: list[_Item], item_of: Int32s, structure: list[int], edges: Edges
) -> Tree:
    """Renumber the items in depth-first order, which puts parents first and nodes side by side."""
    sequence: list[int] = []
    stack = [0]
    while stack:
        number = stack.pop()
        sequence.append(number)
        stack.extend(reversed(items[number].children))
    new = np.full(len(items), -1, np.int32)
    new[sequence] = np.arange(len(sequence), dtype=np.int32)
    ordered = [items[number] for number in sequence]
    is_node = np.array([item.form == NODE for item in ordered])
    before = np.concatenate([[0], np.cumsum(is_node)])
    sizes = _subtree_sizes(ordered, new)
    ends = np.arange(len(ordered)) + sizes
    keys = _unique_keys(ordered)
    is_item = item_of >= 0
    numbers = np.array([structure[number] for number in sequence], np.int32)
    form = np.array([item.form for item in ordered], np.int8)
    renumbered = np.where(is_item, new[np.where(is_item, item_of, 0)], -1).astype(np.int32)
    return Tree(
        graph=graph,
        keys=keys,
        labels=tuple(item.label for item in ordered),
        form=form,
        parent=np.array(
            [new[item.parent] if item.parent >= 0 else -1 for item in ordered], np.int32
        ),
        children=tuple(tuple(int(new[child]) for child in item.children) for item in ordered),
        node=np.array([item.node for item in ordered], np.int32),
        item_of=renumbered,
        first=before[:-1],
        last=before[ends],
        order=np.array([item.node for item in ordered if item.form == NODE], np.int32),
        structure=numbers,
        alike=_alike(numbers, form),
        edges=edges,
        position={key: place for place, key in enumerate(keys)},
    )


def _alike(structure: Int32s, form: Int8s) -> Int32s:
    kinds, counts = np.unique(structure[form == SCOPE], return_counts=True)
    repeated = set(kinds[counts > 1].tolist())
    numbers: dict[int, int] = {}
    return np.array(
        [
            numbers.setdefault(kind, len(numbers)) if own != NODE and kind in repeated else -1
            for kind, own in zip(structure.tolist(), form.tolist(), strict=True)
        ],
        np.int32,
    )


def _subtree_sizes(ordered: Sequence[_Item], new: Int32s) -> Int64s:
    sizes = np.ones(len(ordered), np.int64)
    for place in reversed(range(1, len(ordered))):
        sizes[new[ordered[place].parent]] += sizes[place]
    return sizes


def _unique_keys(ordered: Sequence[_Item]) -> tuple[str, ...]:
    taken: set[str] = set()
    keys: list[str] = []
    for item in ordered:
        key, count = item.key, 1
        while key in taken:
            count += 1
            key = f"{item.key} ({count})"
        taken.add(key)
        keys.append(key)
    return tuple(keys)
