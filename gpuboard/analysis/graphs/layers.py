"""Give the nodes of a small graph their rows: the first half of a layered layout.

Circles are cut, every node stands below all that feed it, and what feeds one consumer only stands
close to it. Edges over several rows get a waypoint in each row between (Sugiyama, Tagawa and Toda
1981).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

MAX_WAYPOINTS = 6_000  # in one scope; the longest edges go without a line beyond it

Edge = tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Layers:
    """Nodes and waypoints in rows.

    Attributes:
        row: Row of each node and waypoint; the first ones are the nodes.
        chains: For each edge the nodes and waypoints that it goes through, downwards; empty for
            one that gets no line.
        is_reversed: Whether an edge runs upwards, against the others.
        rows: How many there are.
    """

    row: list[int]
    chains: list[list[int]]
    is_reversed: list[bool]
    rows: int


def assign_rows(
    nodes: int, edges: Sequence[Edge], tops: Collection[int] = (), bottoms: Collection[int] = ()
) -> Layers:
    """Return rows for `nodes` nodes.

    Args:
        nodes: How many there are.
        edges: Pairs (tail, head); pairs may repeat, but no node feeds itself.
        tops: Nodes that stand alone in the first row.
        bottoms: Nodes that stand alone in the last row.
    """
    is_reversed = _cut_circles(nodes, edges)
    down = [(b, a) if back else (a, b) for (a, b), back in zip(edges, is_reversed, strict=True)]
    after: list[list[int]] = [[] for _ in range(nodes)]
    before: list[list[int]] = [[] for _ in range(nodes)]
    for a, b in down:
        after[a].append(b)
        before[b].append(a)
    order = _topological(after, before)
    row = _longest_ways(order, after, before, tops)
    _pull_down(order, after, before, row, set(tops))
    if bottoms:
        lowest = max((row[v] for v in range(nodes) if v not in bottoms), default=-1) + 1
        for v in bottoms:
            row[v] = lowest
    chains = _waypoints(down, row)
    return Layers(row, chains, is_reversed, max(row, default=-1) + 1)


def _cut_circles(nodes: int, edges: Sequence[Edge]) -> list[bool]:
    """Return which edges to turn round, those that close a circle in a depth-first walk."""
    after: list[list[tuple[int, int]]] = [[] for _ in range(nodes)]
    entering = [0] * nodes
    for number, (a, b) in enumerate(edges):
        after[a].append((b, number))
        entering[b] += 1
    is_back = [False] * len(edges)
    state = [0] * nodes  # 1 while on the way, 2 when done
    for start in sorted(range(nodes), key=lambda v: entering[v] > 0):
        if state[start]:
            continue
        state[start] = 1
        stack = [(start, iter(after[start]))]
        while stack:
            v, ways = stack[-1]
            for w, number in ways:
                if state[w] == 1:
                    is_back[number] = True
                elif state[w] == 0:
                    state[w] = 1
                    stack.append((w, iter(after[w])))
                    break
            else:
                state[v] = 2
                stack.pop()
    return is_back


def _topological(after: Sequence[Sequence[int]], before: Sequence[Sequence[int]]) -> list[int]:
    waits = [len(ways) for ways in before]
    order = [v for v, count in enumerate(waits) if count == 0]
    for v in order:
        for w in after[v]:
            waits[w] -= 1
            if waits[w] == 0:
                order.append(w)
    return order


def _longest_ways(
    order: Sequence[int],
    after: Sequence[Sequence[int]],
    before: Sequence[Sequence[int]],
    tops: Collection[int],
) -> list[int]:
    del before
    row = [1 if tops else 0] * len(order)
    for v in tops:
        row[v] = 0
    for v in order:
        below = row[v] + 1
        for w in after[v]:
            row[w] = max(row[w], below)
    return row


def _pull_down(
    order: Sequence[int],
    after: Sequence[Sequence[int]],
    before: Sequence[Sequence[int]],
    row: list[int],
    fixed: Collection[int],
) -> None:
    """Move what hangs from nothing above it, and chains of such, down to what they feed."""
    hangs = [False] * len(row)
    for v in order:
        hangs[v] = v not in fixed and all(hangs[u] and len(after[u]) == 1 for u in before[v])
    for v in reversed(order):
        is_loose = hangs[v] or len(after[v]) > len(before[v])
        if after[v] and is_loose and v not in fixed:
            row[v] = max(row[v], min(row[w] for w in after[v]) - 1)


def _waypoints(down: Sequence[Edge], row: list[int]) -> list[list[int]]:
    chains: list[list[int]] = [[] for _ in down]
    room = MAX_WAYPOINTS
    for number in sorted(range(len(down)), key=lambda k: row[down[k][1]] - row[down[k][0]]):
        a, b = down[number]
        needed = row[b] - row[a] - 1
        if needed > room:
            break
        room -= needed
        way = [a]
        for level in range(row[a] + 1, row[b]):
            way.append(len(row))
            row.append(level)
        way.append(b)
        chains[number] = way
    return chains
