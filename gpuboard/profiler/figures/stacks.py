"""Find the call stack of operators: as text in the file, or as the Python functions around them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from gpuboard.profiler.figures.call_tree import CallTree, frames_of, merge_calls
from gpuboard.profiler.figures.grouping import group
from gpuboard.profiler.figures.nesting import Nesting, enclosing
from gpuboard.profiler.traces.trace import Int32s, Kind, Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Stacks:
    """Call stacks of some slices.

    Attributes:
        number: Index into `texts`, -1 without a stack, shape (k,).
        texts: Frames parted by newlines, outermost first.
    """

    number: Int32s
    texts: tuple[str, ...]


def stacks_of(trace: Trace, nesting: Nesting, rows: Int32s) -> Stacks:
    """Return the stacks of operators, by "Call stack" (until 2022) or python_function slices."""
    if len(trace.python.row):
        tree = _python_tree(trace, nesting)
        nodes = np.append(tree.node, -1)[enclosing(trace, nesting, Kind.PYTHON)[rows]]
        return _numbered(nodes.astype(np.int32), tree.path)
    at = np.searchsorted(trace.operators.row, rows)
    known = np.append(trace.operators.row, -1)[at] == rows
    texts = np.where(known, np.append(trace.operators.stack, -1)[at], -1).astype(np.int32)
    return _numbered(texts, lambda text: frames_of(trace.text(text)))


def _python_tree(trace: Trace, nesting: Nesting) -> CallTree:
    return merge_calls(trace, nesting, trace.slices.kind == Kind.PYTHON)


def _numbered(keys: Int32s, frames: Callable[[int], Sequence[str]]) -> Stacks:
    groups = group(keys)
    texts: dict[str, int] = {}
    numbers = []
    for key in keys[groups.first].tolist():
        text = "\n".join(frames(key)) if key >= 0 else ""
        numbers.append(texts.setdefault(text, len(texts)) if text else -1)
    return Stacks(np.array(numbers, np.int32)[groups.number], tuple(texts))
