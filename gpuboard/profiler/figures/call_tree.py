"""Merge the slices of the host into one tree of calls: same names above, same node."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from gpuboard.profiler.figures.grouping import group
from gpuboard.profiler.figures.nesting import Nesting, nearest
from gpuboard.profiler.traces.trace import Bools, Int32s, Kind, Trace

# What PyTorch writes into "Call stack" parts frames so, innermost first.
_FRAMES = ";"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_STEP = "ProfilerStep#"


@dataclasses.dataclass(frozen=True, slots=True)
class CallTree:
    """Nodes of merged calls; a parent has a lower number than its children.

    Attributes:
        node: Of each slice, -1 where it does not take part, shape (n,).
        parent: Of each node, -1 at the top, shape (m,).
        name: Of each node, index into `names`, shape (m,).
        names: Texts.
    """

    node: Int32s
    parent: Int32s
    name: Int32s
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.parent)

    def path(self, node: int) -> tuple[str, ...]:
        """Return the names from the top down to a node."""
        frames = []
        while node >= 0:
            frames.append(self.names[self.name[node]])
            node = int(self.parent[node])
        return tuple(reversed(frames))


def merge_calls(
    trace: Trace, nesting: Nesting, marked: Bools, *, threads: bool = False, stacks: bool = False
) -> CallTree:
    """Merge marked slices by their names and those above them.

    Marks of steps (ProfilerStep#7) take no part, since no two have the same name, and addresses are
    left out of names ("<built-in method run of X object at 0x7f...>").

    Args:
        trace: As read.
        nesting: Of that trace.
        marked: Slices that take part, shape (n,).
        threads: Whether each thread is a node of its own at the top.
        stacks: Whether the frames of "Call stack" texts stand above operators that have one and no
            slice above them.
    """
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.call_tree_kernels import merge

    names = _Names()
    marked = marked & ~_steps(trace)
    rows = np.flatnonzero(marked).astype(np.int32)
    above = np.append(nearest(nesting, marked), -1)[nesting.parent[rows]].astype(np.int32)
    roots = _Roots([], [])
    root = np.full(len(rows), -1, np.int32)
    if threads:
        _hang_under_threads(trace, rows, names, roots, root)
    if stacks:
        _hang_under_stacks(trace, rows[above < 0], names, roots, root, above < 0)
    called = names.of_slices(trace, rows)
    columns = (frozen(rows), frozen(above), frozen(called), frozen(root))
    node, parent, name = merge(*columns, len(trace.slices), len(roots.parent))
    return CallTree(
        node,
        np.concatenate([np.array(roots.parent, np.int32), parent]),
        np.concatenate([np.array(roots.name, np.int32), name]),
        tuple(names.number),
    )


class _Names:
    """Texts of nodes by number, each once."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def add(self, text: str) -> int:
        return self.number.setdefault(text, len(self.number))

    def of_slices(self, trace: Trace, rows: Int32s) -> Int32s:
        """Return the number of each slice's name without addresses."""
        groups = group(trace.slices.name[rows])
        texts = [trace.text(n) for n in trace.slices.name[rows[groups.first]].tolist()]
        own = [self.add(_ADDRESS.sub("", t) if " at 0x" in t else t) for t in texts]
        return np.array(own, np.int32)[groups.number]


@dataclasses.dataclass(frozen=True, slots=True)
class _Roots:
    parent: list[int]
    name: list[int]

    def add(self, parent: int, name: int) -> int:
        self.parent.append(parent)
        self.name.append(name)
        return len(self.parent) - 1


def _steps(trace: Trace) -> Bools:
    notes = trace.rows(Kind.ANNOTATION, Kind.OPERATOR)  # the latter in 2021
    groups = group(trace.slices.name[notes])
    texts = [trace.text(n) for n in trace.slices.name[notes[groups.first]].tolist()]
    found = np.zeros(len(trace.slices), np.bool_)
    found[notes] = np.array([t.startswith(_STEP) for t in texts], np.bool_)[groups.number]
    return found


def _hang_under_threads(
    trace: Trace, rows: Int32s, names: _Names, roots: _Roots, root: Int32s
) -> None:
    tracks = trace.slices.track[rows]
    node_of = np.full(len(trace.tracks), -1, np.int32)
    for number in np.unique(tracks).tolist():
        track = trace.tracks[number]
        label = track.thread_label or f"thread {track.thread}"
        node_of[number] = roots.add(-1, names.add(label))
    root[:] = node_of[tracks]


def _hang_under_stacks(
    trace: Trace, top: Int32s, names: _Names, roots: _Roots, root: Int32s, is_top: Bools
) -> None:
    stack = np.append(trace.operators.stack, -1)[_operator_at(trace, top)]
    hung = root[is_top]
    known = np.flatnonzero(stack >= 0)
    groups = group(stack[known], hung[known])
    nodes: dict[tuple[int, int], int] = {}
    found = []
    for text, under in zip(
        stack[known][groups.first].tolist(), hung[known][groups.first].tolist(), strict=True
    ):
        node = under
        for frame in frames_of(trace.text(text)):
            key = (node, names.add(frame))
            if key not in nodes:
                nodes[key] = roots.add(*key)
            node = nodes[key]
        found.append(node)
    hung[known] = np.array(found, np.int32)[groups.number]
    root[is_top] = hung


def frames_of(text: str) -> list[str]:
    """Return the frames of a "Call stack" text, outermost first."""
    return [frame for frame in reversed(text.split(_FRAMES)) if frame]


def _operator_at(trace: Trace, rows: Int32s) -> Int32s:
    """Return the place of each slice in the table of operators, -1 where it has none."""
    own = trace.operators.row
    at = np.searchsorted(own, rows)
    return np.where(np.append(own, -1)[at] == rows, at, -1).astype(np.int32)
