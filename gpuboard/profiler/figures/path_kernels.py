"""Walk host threads into chains of edges, and find the longest path: kernels of `path_graph`."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.compiled import kernel
from gpuboard.profiler.traces.trace import Bools, Float64s, Int32s, Int64s, UInt8s

HOST = 0
GAP = 1


@kernel
def host_chains(
    start: Int64s, end: Int64s, picked: Bools, blocking: Bools, first: Int64s, last: Int64s
) -> tuple[Int64s, Int64s, UInt8s, Int32s, Bools, Int64s]:
    """Chain the starts and ends of the picked slices of each thread.

    A node is `2 * row` where a slice starts and `2 * row + 1` where it ends. One that outlasts the
    slice it begins in is cut at that one's end.

    Args:
        start: Of all slices, nanoseconds, shape (n,).
        end: Likewise.
        picked: Which slices become nodes, shape (n,).
        blocking: Which of them only wait for a device, shape (n,).
        first: First row of each thread.
        last: Row behind its last one.

    Returns:
        Of each edge: source, target, type (`HOST` or `GAP`), row of the slice that runs meanwhile
        (-1 between outermost ones), whether it ends a blocking call; and the ends as cut.
    """
    n = 0
    for row in range(len(start)):
        n += picked[row]
    source = np.empty(2 * n, np.int64)
    target = np.empty(2 * n, np.int64)
    sort = np.empty(2 * n, np.uint8)
    owner = np.empty(2 * n, np.int32)
    waits = np.zeros(2 * n, np.bool_)
    cut = end.copy()
    stack = np.empty(1024, np.int64)
    k = 0
    for thread in range(len(first)):
        depth, node, outermost = 0, -1, -1
        for row in range(first[thread], last[thread] + 1):
            is_last = row == last[thread]
            if not is_last and not picked[row]:
                continue
            while depth > 0 and (is_last or cut[stack[depth - 1]] <= start[row]):
                depth -= 1
                top = stack[depth]
                source[k], target[k], sort[k], owner[k] = node, 2 * top + 1, HOST, top
                waits[k] = blocking[top]
                k += 1
                node = 2 * top + 1
                if depth == 0:
                    outermost = node
            if is_last:
                break
            if depth > 0:
                top = stack[depth - 1]
                cut[row] = min(cut[row], cut[top])
                source[k], target[k], sort[k], owner[k] = node, 2 * row, HOST, top
                k += 1
            elif outermost >= 0:
                source[k], target[k], sort[k], owner[k] = outermost, 2 * row, GAP, -1
                k += 1
            node = 2 * row
            if depth == len(stack):
                stack = np.concatenate((stack, np.empty(len(stack), np.int64)))
            stack[depth] = row
            depth += 1
    return source[:k], target[:k], sort[:k], owner[:k], waits[:k], cut


@kernel
def longest_path(
    nodes: int, source: Int64s, target: Int64s, weight: Float64s
) -> tuple[Int64s, Float64s, int]:
    """Find the path of greatest weight through an acyclic graph.

    Args:
        nodes: How many there are.
        source: Node that each edge leaves, shape (m,).
        target: Node that it enters, shape (m,).
        weight: What it adds to a path, shape (m,).

    Returns:
        The edges of the path in order, the greatest weight with which each node is reached, and how
        many nodes lie on cycles and were left out.
    """
    m = len(source)
    first = np.zeros(nodes + 1, np.int64)
    missing = np.zeros(nodes, np.int32)
    for edge in range(m):
        first[source[edge] + 1] += 1
        missing[target[edge]] += 1
    for node in range(nodes):
        first[node + 1] += first[node]
    place = first[:-1].copy()
    out = np.empty(m, np.int64)
    for edge in range(m):
        out[place[source[edge]]] = edge
        place[source[edge]] += 1
    reached = np.full(nodes, -1.0)
    by = np.full(nodes, -1, np.int64)
    queue = np.empty(nodes, np.int64)
    head, tail = 0, 0
    for node in range(nodes):
        if missing[node] == 0:
            queue[tail] = node
            tail += 1
    best = -1
    while head < tail:
        node = queue[head]
        head += 1
        reached[node] = max(reached[node], 0.0)
        if best < 0 or reached[node] > reached[best]:
            best = node
        for at in range(first[node], first[node + 1]):
            edge = out[at]
            to = target[edge]
            length = reached[node] + weight[edge]
            if length > reached[to]:
                reached[to] = length
                by[to] = edge
            missing[to] -= 1
            if missing[to] == 0:
                queue[tail] = to
                tail += 1
    path = np.empty(nodes, np.int64)
    k = 0
    node = best
    while node >= 0 and by[node] >= 0:
        path[k] = by[node]
        k += 1
        node = source[by[node]]
    return path[:k][::-1].copy(), reached, nodes - tail
