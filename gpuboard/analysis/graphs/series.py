"""Find siblings that repeat: layer_0 to layer_11, block[0] to block[5], dense, dense_1, dense_2."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

LEAST_MEMBERS = 3
MAX_STEPS = 5_000_000  # edges looked at in search of circles, for one parent

_NUMBERED = re.compile(
    r"(?P<stem>.*?)(?P<open>[\[(]?)(?P<number>[0-9]{1,9})(?P<close>[\])]?)\Z", re.S
)

Pairs = Sequence[tuple[int, int]]


@dataclasses.dataclass(frozen=True, slots=True)
class Repeat:
    """Siblings of one structure whose names count on without a gap."""

    parent: int
    label: str
    members: tuple[int, ...]


def find_series(
    children: Sequence[Sequence[int]],
    labels: Sequence[str],
    siblings: Mapping[int, Pairs],
    structure: Sequence[int],
) -> list[Repeat]:
    """Return the series below every parent.

    Members have one structure, and their names differ in a number alone, which counts on by one;
    a name without a number stands for 0, as TensorFlow has it. Siblings whose grouping would put a
    circle into the picture, since something outside lies between them, are left as they are.

    Args:
        children: Items below each item.
        labels: Name of each item.
        siblings: Edges between the children of an item, by that item.
        structure: Number of each item's structure.
    """
    found: list[Repeat] = []
    for parent, below in enumerate(children):
        if len(below) < LEAST_MEMBERS:
            continue
        pairs = list(siblings.get(parent, ()))
        groups = _groups(below, labels, structure)[: MAX_STEPS // (len(pairs) + 1)]
        for stem, members in groups:
            if _is_circle(members, pairs):
                continue
            found.append(Repeat(parent, f"{stem}[{_span(members, labels)}]", tuple(members)))
            # From here on the series is one of the siblings: two may make a circle together.
            first = members[0]
            inside = set(members)
            pairs = [
                (first if a in inside else a, first if b in inside else b)
                for a, b in pairs
                if not (a in inside and b in inside)
            ]
    return found


def _groups(
    below: Iterable[int], labels: Sequence[str], structure: Sequence[int]
) -> list[tuple[str, list[int]]]:
    by_stem: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    bare: dict[tuple[str, int], int] = {}
    for item in below:
        match = _NUMBERED.match(labels[item])
        if match is not None and match["stem"]:
            by_stem[match["stem"], structure[item]].append((int(match["number"]), item))
        else:
            bare[labels[item], structure[item]] = item
    groups: list[tuple[str, list[int]]] = []
    for (stem, kind), numbered in by_stem.items():
        first = bare.get((stem.rstrip("_"), kind)) if stem.endswith("_") else None
        members = sorted(numbered if first is None else [(0, first), *numbered])
        groups.extend((stem.rstrip("_-. ") or stem, run) for run in _runs(members))
    # The longest first: they are kept where looking at all would take too long.
    return sorted(groups, key=lambda group: -len(group[1]))


def _runs(members: Sequence[tuple[int, int]]) -> list[list[int]]:
    runs: list[list[int]] = []
    last = None
    for number, item in members:
        if last is None or number != last + 1:
            runs.append([])
        runs[-1].append(item)
        last = number
    return [run for run in runs if len(run) >= LEAST_MEMBERS]


def _span(members: Sequence[int], labels: Sequence[str]) -> str:
    numbers = [match["number"] if (match := _NUMBERED.match(labels[k])) else "0" for k in members]
    return f"{numbers[0]}–{numbers[-1]}"


def _is_circle(members: Sequence[int], pairs: Pairs) -> bool:
    """Return whether a way leads out of the group and back into it."""
    inside = set(members)
    after: defaultdict[int, list[int]] = defaultdict(list)
    for a, b in pairs:
        after[a].append(b)
    stack = [b for a in members for b in after[a] if b not in inside]
    seen = set(stack)
    while stack:
        for b in after[stack.pop()]:
            if b in inside:
                return True
            if b not in seen:
                seen.add(b)
                stack.append(b)
    return False
