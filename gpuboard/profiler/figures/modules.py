"""Build the tree of a model's modules, with time on host and device, forward and backward."""

from __future__ import annotations

import dataclasses
import re
from typing import Literal, TypeAlias

import numpy as np

from gpuboard.profiler.figures.backward import join_backward
from gpuboard.profiler.figures.launches import Launches, join
from gpuboard.profiler.figures.nesting import Nesting, nearest, nest, self_time
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace

Source: TypeAlias = Literal["python", "lightning", "hierarchy", "none"]

NO_MODULES = (
    "the trace names no modules: profile with with_stack=True, or with_modules=True for models "
    "under TorchScript"
)
_PYTHON = re.compile(r"nn\.Module: (.+)")
_LIGHTNING = re.compile(r"\[pl\]\[module\](.+)")


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleTree:
    """A model's modules, parents before children; columns of shape (m,), nanoseconds.

    One row stands for a module at one place of the tree, summed over all times that it was called.

    Attributes:
        name: Such as "Linear_0", shape (m,).
        parent: Row of the module around it, -1 for outermost ones.
        depth: 0 for outermost ones.
        occurrences: How often it was called, -1 where the file does not say.
        operators: Outermost operators that ran in it, not in a module under it.
        host_ns: From its calls to their ends, all modules under it included; -1 where the file
            does not say. `host_own_ns` without modules under it.
        device_ns: Device work that its forward pass launched, sums of durations, all modules under
            it included, and `device_own_ns` without them.
        backward_ns: Device work of the backward pass of its operators, likewise, and
            `backward_own_ns`.
        backward_host_ns: Time on the host of outermost backward operators, all modules under it
            included, and `backward_host_own_ns`.
        source: What tells the modules: "python" functions, annotations of "lightning", or the
            "hierarchy" that TorchScript writes with each operator.
        unassigned_ns: Device work that belongs to no module.
        slice_node: Row here of the innermost module around each slice of the forward pass, -1 where
            there is none, shape (n,).
        backward_absent: Why no backward pass was assigned, "" where one was.
        absent: Why there is nothing, "" where there is.
    """

    name: tuple[str, ...]
    parent: Int32s
    depth: Int32s
    occurrences: Int64s
    operators: Int64s
    host_ns: Int64s
    host_own_ns: Int64s
    device_ns: Int64s
    device_own_ns: Int64s
    backward_ns: Int64s
    backward_own_ns: Int64s
    backward_host_ns: Int64s
    backward_host_own_ns: Int64s
    source: Source
    unassigned_ns: int
    slice_node: Int32s
    backward_absent: str
    absent: str = ""

    def path(self, row: int) -> str:
        """Return the names from the outermost module to this one, joined by dots."""
        names = []
        while row >= 0:
            names.append(self.name[row])
            row = int(self.parent[row])
        return ".".join(reversed(names))


def modules(
    trace: Trace, nesting: Nesting | None = None, launches: Launches | None = None
) -> ModuleTree:
    """Sum time by module of the model, outermost modules first, those under each after it.

    An operator belongs to the innermost module around it on its thread; device work to the module
    of the operator that launched it; an operator of the backward pass to the module of its forward
    operator (see `join_backward`).

    Needs one of: Python functions "nn.Module: ..." (with_stack=True), annotations "[pl][module]..."
    (Lightning's PyTorchProfiler), or "Module Hierarchy" of operators (with_modules=True).
    """
    nesting = nest(trace) if nesting is None else nesting
    launches = join(trace, nesting) if launches is None else launches
    forward, no_backward = forward_of(trace, nesting)
    source, marked, labels = _marked(trace)
    if source == "hierarchy":
        nodes = _from_hierarchy(trace, nesting)
    else:
        nodes = _from_slices(trace, nesting, marked, labels)
    host = _host(trace, nesting, nodes, marked, forward)
    device, unassigned = _device(trace, launches, nodes, forward)
    device_ns = _upwards(device, nodes.parent)
    return ModuleTree(
        name=nodes.name,
        parent=nodes.parent,
        depth=_depths(nodes.parent),
        occurrences=host.occurrences,
        operators=host.operators,
        host_ns=host.total,
        host_own_ns=host.own,
        device_ns=device_ns[0],
        device_own_ns=device[0],
        backward_ns=device_ns[1],
        backward_own_ns=device[1],
        backward_host_ns=_upwards(host.backward[None], nodes.parent)[0],
        backward_host_own_ns=host.backward,
        source=source,
        unassigned_ns=unassigned,
        slice_node=nodes.around,
        backward_absent=no_backward,
        absent="" if nodes.name else NO_MODULES,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Nodes:
    """Places of the tree: `of_slice` for calls of modules, `around` for all slices; -1 for none."""

    name: tuple[str, ...]
    parent: Int32s
    around: Int32s
    of_slice: Int32s


@dataclasses.dataclass(frozen=True, slots=True)
class _Host:
    occurrences: Int64s
    operators: Int64s
    total: Int64s
    own: Int64s
    backward: Int64s


def forward_of(trace: Trace, nesting: Nesting) -> tuple[Int32s, str]:
    """Return the row of the forward operator of each slice of the backward pass, or -1, shape (n,).

    The second value says why all are -1, "" where some are not.
    """
    near = nearest(nesting, trace.slices.kind == Kind.OPERATOR)
    around = np.where(nesting.parent >= 0, near[nesting.parent], -1).astype(np.int32)
    pairs = join_backward(trace, around)
    direct = np.full(len(trace.slices) + 1, -1, np.int32)
    direct[pairs.backward] = pairs.forward
    return direct[nearest(nesting, direct[:-1] >= 0)], pairs.absent


def _host(trace: Trace, nesting: Nesting, nodes: _Nodes, marked: Bools, forward: Int32s) -> _Host:
    """Sum what happened on the host, by node."""
    slices, count = trace.slices, len(nodes.name)
    tops = _outermost(nesting, slices.kind == Kind.OPERATOR)
    node = nodes.around[tops]
    operators = _sum(node, np.ones(len(tops), np.int64), count)
    behind = _outermost(nesting, forward >= 0)
    behind = behind[nodes.around[behind] < 0]
    backward = _sum(nodes.around[forward[behind]], slices.dur[behind], count)
    calls = np.flatnonzero(marked)
    if not len(calls):
        own = _sum(node, slices.dur[tops], count)
        unknown = np.full(count, -1, np.int64)
        return _Host(unknown, operators, _upwards(own[None], nodes.parent)[0], own, backward)
    place = nodes.of_slice[calls]
    own_time = self_time(trace, _among(nesting, marked), marked)
    return _Host(
        occurrences=_sum(place, np.ones(len(calls), np.int64), count),
        operators=operators,
        total=_sum(place, slices.dur[calls], count),
        own=_sum(place, own_time[calls], count),
        backward=backward,
    )


def _device(trace: Trace, launches: Launches, nodes: _Nodes, forward: Int32s) -> tuple[Int64s, int]:
    """Return device work of the forward and the backward pass by node, and that of no node."""
    row, operator = trace.work.row, launches.operator
    dur = np.where(trace.slices.suspect[row], 0, trace.slices.dur[row])
    ahead = np.where(operator >= 0, nodes.around[operator], -1)
    origin = np.where((operator >= 0) & (ahead < 0), forward[operator], -1)
    behind = np.where(origin >= 0, nodes.around[origin], -1)
    count = len(nodes.name)
    nowhere = (ahead < 0) & (behind < 0)
    return np.stack([_sum(ahead, dur, count), _sum(behind, dur, count)]), int(dur[nowhere].sum())


def _marked(trace: Trace) -> tuple[Source, Bools, dict[int, str]]:
    """Return what tells modules, which slices are calls of one, and their names by string."""
    kind, name = trace.slices.kind, trace.slices.name
    for source, wanted, pattern in (
        ("python", Kind.PYTHON, _PYTHON),
        ("lightning", Kind.ANNOTATION, _LIGHTNING),
    ):
        found = {}
        for number in np.unique(name[kind == wanted]).tolist():
            match = pattern.fullmatch(trace.strings[number])
            if match:
                found[number] = match[1]
        if found:
            marked = (kind == wanted) & np.isin(name, list(found))
            return source, marked, found  # type: ignore[return-value]
    empty = np.zeros(len(kind), np.bool_)
    texts = np.unique(trace.operators.module)
    named = any(trace.text(number) for number in texts.tolist())
    return ("hierarchy" if named else "none"), empty, {}


def _from_slices(trace: Trace, nesting: Nesting, marked: Bools, labels: dict[int, str]) -> _Nodes:
    """Return the places at which modules were called: name by name under each place."""
    near = nearest(nesting, marked)
    rows = np.flatnonzero(marked).astype(np.int32)
    above = nesting.parent[rows]
    above = np.where(above >= 0, near[above], -1)
    node_of = np.full(len(marked), -1, np.int32)
    names: list[str] = []
    parents: list[int] = []
    # Level by level: calls of one name under one node are one node.
    waiting = np.ones(len(rows), np.bool_)
    ready = above < 0
    while ready.any():
        parent = np.where(above[ready] >= 0, node_of[above[ready]], -1)
        pairs = np.stack([parent, trace.slices.name[rows[ready]]], axis=1)
        distinct, first, which = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        node_of[rows[ready]] = len(names) + rank[which.reshape(-1)]
        for place in order.tolist():
            parents.append(int(distinct[place, 0]))
            names.append(labels[int(distinct[place, 1])])
        waiting &= ~ready
        ready = waiting & (node_of[above] >= 0)
    return _in_depth_order(names, parents, near, node_of)


def _from_hierarchy(trace: Trace, nesting: Nesting) -> _Nodes:
    """Return the places that "Module Hierarchy" names: "TOP(Net)::forward.a(Conv2d)::forward"."""
    operators = trace.operators
    names: list[str] = []
    parents: list[int] = []
    places: dict[tuple[int, str], int] = {}
    node_of_text: dict[int, int] = {}
    for number in np.unique(operators.module).tolist():
        node = -1
        for part in filter(None, trace.text(number).split(".")):
            label = part.split("::")[0]
            if (node, label) not in places:
                places[node, label] = len(names)
                names.append(label)
                parents.append(node)
            node = places[node, label]
        node_of_text[number] = node
    texts, which = np.unique(operators.module, return_inverse=True)
    nodes = np.array([node_of_text[number] for number in texts.tolist()], np.int32)
    node_of = np.full(len(trace.slices), -1, np.int32)
    node_of[operators.row] = nodes[which] if len(texts) else -1
    near = nearest(nesting, node_of >= 0)
    return _in_depth_order(names, parents, near, node_of)


def _depths(parent: Int32s) -> Int32s:
    depth = np.zeros(len(parent), np.int32)
    for row, above in enumerate(parent.tolist()):
        depth[row] = depth[above] + 1 if above >= 0 else 0
    return depth


def _in_depth_order(names: list[str], parents: list[int], near: Int32s, node_of: Int32s) -> _Nodes:
    """Return the nodes so that all under one follow it, those of one parent as they came."""
    children: list[list[int]] = [[] for _ in range(len(names) + 1)]
    for place in range(len(names) - 1, -1, -1):
        children[parents[place]].append(place)
    order: list[int] = []
    waiting = children[-1]
    while waiting:
        order.append(waiting.pop())
        waiting.extend(children[order[-1]])
    rank = np.full(len(names) + 1, -1, np.int32)
    rank[order] = np.arange(len(order))
    of_slice = rank[node_of]
    return _Nodes(
        name=tuple(names[place] for place in order),
        parent=rank[np.array([parents[place] for place in order], np.int32)],
        around=np.where(near >= 0, of_slice[near], -1).astype(np.int32),
        of_slice=of_slice,
    )


def _outermost(nesting: Nesting, marked: Bools) -> Int64s:
    """Return the rows of marked slices that lie in no other marked one."""
    rows = np.flatnonzero(marked)
    near = nearest(nesting, marked)
    parent = nesting.parent[rows]
    return rows[np.where(parent >= 0, near[parent], -1) < 0]


def _among(nesting: Nesting, marked: Bools) -> Nesting:
    """Return a nesting in which marked slices lie directly in the marked ones around them."""
    near = nearest(nesting, marked)
    parent = np.where(nesting.parent >= 0, near[nesting.parent], -1).astype(np.int32)
    return dataclasses.replace(nesting, parent=parent)


def _sum(places: Int32s | Int64s, values: Int64s, size: int) -> Int64s:
    """Return the sum of the values at each place; -1 is no place."""
    total = np.zeros(size, np.int64)
    known = places >= 0
    np.add.at(total, places[known], values[known])
    return total


def _upwards(own: Int64s, parent: Int32s) -> Int64s:
    """Return each column plus those of all nodes under it; parents have lower rows."""
    total = own.copy()
    for row in range(len(parent) - 1, -1, -1):
        if parent[row] >= 0:
            total[:, parent[row]] += total[:, row]
    return total
