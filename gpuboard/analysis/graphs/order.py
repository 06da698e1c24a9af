"""Order nodes within their rows so that few edges cross: sweeps of barycentres, the best kept."""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Sequence

SWEEPS = 8
MANY_ITEMS = 1_500  # beyond it the last sweep is taken for the best, uncounted

Rows = list[list[int]]


def order_rows(
    row: Sequence[int], chains: Sequence[Sequence[int]], rows: int
) -> tuple[Rows, list[list[int]], list[list[int]]]:
    """Return the items of each row from left to right, and what each has above and below it.

    Args:
        row: Row of each item.
        chains: Ways of edges, item by item, one row each.
        rows: How many rows there are.
    """
    above: list[list[int]] = [[] for _ in row]
    below: list[list[int]] = [[] for _ in row]
    for way in chains:
        for a, b in itertools.pairwise(way):
            below[a].append(b)
            above[b].append(a)
    layers = _first_order(row, above, below, rows)
    best = _improved(layers, above, below)
    return best, above, below


def _first_order(
    row: Sequence[int], above: Sequence[Sequence[int]], below: Sequence[Sequence[int]], rows: int
) -> Rows:
    """Walk depth first from the top, so that what belongs together starts side by side."""
    layers: Rows = [[] for _ in range(rows)]
    seen = [False] * len(row)
    for start in sorted(range(len(row)), key=lambda v: row[v]):
        stack = [start]
        while stack:
            v = stack.pop()
            if seen[v]:
                continue
            seen[v] = True
            layers[row[v]].append(v)
            stack.extend(reversed(below[v]))
            stack.extend(u for u in reversed(above[v]) if not seen[u])
    return layers


def _improved(layers: Rows, above: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> Rows:
    place = [0] * len(above)
    for layer in layers:
        for k, v in enumerate(layer):
            place[v] = k
    is_counted = len(above) <= MANY_ITEMS
    best, fewest = [list(layer) for layer in layers], _crossings(layers, below, place)
    for sweep in range(SWEEPS if is_counted else SWEEPS // 2):
        if fewest == 0 and is_counted:
            break
        downwards = sweep % 2 == 0
        near = above if downwards else below
        for layer in layers[1:] if downwards else layers[-2::-1]:
            _by_barycentre(layer, near, place, keep_last=sweep % 4 >= 2)
        if is_counted:
            crossings = _crossings(layers, below, place)
            if crossings < fewest:
                best, fewest = [list(layer) for layer in layers], crossings
    return best if is_counted else layers


def _by_barycentre(
    layer: list[int], near: Sequence[Sequence[int]], place: list[int], *, keep_last: bool
) -> None:
    key: dict[int, float] = {}
    for v in layer:
        ways = near[v]
        key[v] = sum(place[u] for u in ways) / len(ways) if ways else float(place[v])
    # Equal ones change sides in every second pair of sweeps, which leaves local optima.
    layer.sort(key=lambda v: (key[v], -place[v] if keep_last else place[v]))
    for k, v in enumerate(layer):
        place[v] = k


def _crossings(layers: Rows, below: Sequence[Sequence[int]], place: Sequence[int]) -> int:
    if len(below) > MANY_ITEMS:
        return -1
    total = 0
    for layer in layers[:-1]:
        seen: list[int] = []
        for v in layer:
            ends = sorted(place[w] for w in below[v])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total
