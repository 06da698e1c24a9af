"""Merge slices that have the same names above them into one node."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.compiled import kernel
from gpuboard.profiler.traces.trace import Int32s, Int64s


@kernel
def merge(
    rows: Int32s, parent: Int32s, name: Int32s, root: Int32s, slices: int, roots: int
) -> tuple[Int32s, Int32s, Int32s]:
    """Return the node of each slice (-1 for others), and parent and name of every node.

    Args:
        rows: Slices that take part, ascending.
        parent: Of each of them the slice above it that takes part, or -1.
        name: Of each of them, never negative.
        root: Node that a slice without parent hangs under, -1 for none.
        slices: How many slices there are in all.
        roots: Nodes that are there already; new ones are numbered from here on.
    """
    size = 16
    while size < 2 * len(rows):
        size *= 2
    slot = np.full(size, -1, np.int32)
    above = np.empty(len(rows), np.int32)
    called = np.empty(len(rows), np.int32)
    node = np.full(slices, -1, np.int32)
    count = 0
    spread = np.uint64(0x9E3779B97F4A7C15)
    for at in range(len(rows)):
        over = node[parent[at]] if parent[at] >= 0 else root[at]
        key = (np.uint64(over + 1) << np.uint64(32)) | np.uint64(name[at])
        mixed = key * spread
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        place = np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(size - 1))
        while slot[place] >= 0:
            known = slot[place]
            if above[known] == over and called[known] == name[at]:
                break
            place = (place + 1) & (size - 1)
        if slot[place] < 0:
            slot[place] = count
            above[count] = over
            called[count] = name[at]
            count += 1
        node[rows[at]] = roots + slot[place]
    return node, above[:count].copy(), called[:count].copy()


@kernel
def add_up(parent: Int32s, own: Int64s) -> Int64s:
    """Return each node's own value with those of all nodes below it; parents come first."""
    total = own.copy()
    for node in range(len(parent) - 1, -1, -1):
        if parent[node] >= 0:
            total[parent[node]] += total[node]
    return total
