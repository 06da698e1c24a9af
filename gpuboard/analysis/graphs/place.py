"""Give the items of ordered rows their x: long edges straight, boxes centred over what they feed.

The method is that of Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2001):
four layouts, each pushed into one corner, whose two middle values are averaged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

Rows = Sequence[Sequence[int]]
Ways = Sequence[Sequence[int]]


def place_rows(
    layers: Rows,
    above: Ways,
    below: Ways,
    widths: Sequence[float],
    gap: Callable[[int, int], float],
) -> list[float]:
    """Return the x of the centre of each item; no two of a row overlap.

    Args:
        layers: Items of each row from left to right.
        above: What each item is tied to in the row above.
        below: What each item is tied to in the row below.
        widths: Width of each item.
        gap: Room that two neighbours of a row keep between them.
    """
    items = len(widths)
    place = [0] * items
    for layer in layers:
        for k, v in enumerate(layer):
            place[v] = k
    conflicts = _conflicts(layers, above, place, widths)
    layouts: list[list[float]] = []
    for is_up in (False, True):
        near = below if is_up else above
        tiers = list(reversed(layers)) if is_up else list(layers)
        for is_right in (False, True):
            sign = -1 if is_right else 1
            seen = [list(reversed(layer)) for layer in tiers] if is_right else tiers
            spot = [0] * items
            for layer in seen:
                for k, v in enumerate(layer):
                    spot[v] = k
            root = _aligned(seen, near, spot, conflicts)
            xs = _compacted(seen, root, widths, gap)
            layouts.append([sign * x for x in xs])
    return _balanced(layouts, widths)


def _conflicts(
    layers: Rows, above: Ways, place: Sequence[int], widths: Sequence[float]
) -> set[tuple[int, int]]:
    """Return edges that cross one between two waypoints, which must stay straight."""
    found: set[tuple[int, int]] = set()
    for upper, lower in itertools.pairwise(layers):
        left, done = -1, 0
        for k, v in enumerate(lower):
            inner = _waypoint_above(v, above, widths)
            if inner is None and k < len(lower) - 1:
                continue
            right = len(upper) if inner is None else place[inner]
            for w in lower[done : k + 1]:
                for u in above[w]:
                    is_inner = widths[u] == 0 and widths[w] == 0
                    if not left <= place[u] <= right and not is_inner:
                        found.add((u, w))
            done, left = k + 1, right
    return found


def _waypoint_above(v: int, above: Ways, widths: Sequence[float]) -> int | None:
    if widths[v] == 0:
        for u in above[v]:
            if widths[u] == 0:
                return u
    return None


def _aligned(
    layers: Rows, near: Ways, place: Sequence[int], conflicts: set[tuple[int, int]]
) -> list[int]:
    """Return for each item the first one of the vertical line on which it stands."""
    root = list(range(len(place)))
    next_ = list(range(len(place)))
    for layer in layers:
        last = -1
        for v in layer:
            ways = sorted(near[v], key=place.__getitem__)
            count = len(ways)
            for u in ways[(count - 1) // 2 : count // 2 + 1]:
                if next_[v] != v or last >= place[u]:
                    continue
                if (u, v) in conflicts or (v, u) in conflicts:
                    continue
                next_[u] = v
                root[v] = root[u]
                next_[v] = root[u]
                last = place[u]
    return root


def _compacted(
    layers: Rows, root: Sequence[int], widths: Sequence[float], gap: Callable[[int, int], float]
) -> list[float]:
    """Return x for lines pushed to the left, then each as far right as its right side lets it."""
    room: dict[int, dict[int, float]] = {}  # by line: lines to its right and their distance
    waits: dict[int, int] = {}
    for layer in layers:
        for v in layer:
            room.setdefault(root[v], {})
            waits.setdefault(root[v], 0)
        for u, v in itertools.pairwise(layer):
            least = (widths[u] + widths[v]) / 2 + gap(u, v)
            ways = room[root[u]]
            if root[v] not in ways:
                waits[root[v]] += 1
            ways[root[v]] = max(ways.get(root[v], 0.0), least)
    x = dict.fromkeys(room, 0.0)
    order = [line for line, count in waits.items() if count == 0]
    for line in order:
        for other, least in room[line].items():
            x[other] = max(x[other], x[line] + least)
            waits[other] -= 1
            if waits[other] == 0:
                order.append(other)
    for line in reversed(order):
        if room[line]:
            x[line] = max(x[line], min(x[other] - least for other, least in room[line].items()))
    return [x.get(line, 0.0) for line in root]


def _balanced(layouts: Sequence[list[float]], widths: Sequence[float]) -> list[float]:
    """Move all layouts to the ends of the narrowest one and average their two middle values."""
    if not widths:
        return []
    ends = [
        (
            min(x - w / 2 for x, w in zip(xs, widths, strict=True)),
            max(x + w / 2 for x, w in zip(xs, widths, strict=True)),
        )
        for xs in layouts
    ]
    least, most = min(ends, key=lambda span: span[1] - span[0])
    moved = [
        [x + (least - low if number % 2 == 0 else most - high) for x in xs]
        for number, (xs, (low, high)) in enumerate(zip(layouts, ends, strict=True))
    ]
    middles = (sorted(four)[1:3] for four in zip(*moved, strict=True))
    return [(low + high) / 2 for low, high in middles]
