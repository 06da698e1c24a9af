"""Say what changed between two texts: line by line, and word by word within changed lines."""

from __future__ import annotations

import dataclasses
import difflib
import re
import time
from collections.abc import Iterator, Sequence

MAX_SECONDS = 2.0

_WORD = re.compile(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\w+|\s+|[^\w\s]")

Piece = tuple[str, bool]  # some words, and whether they are changed
Pieces = tuple[Piece, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of a comparison.

    Attributes:
        left: Number of the line in the first text from 1, None where only the second has one.
        right: Likewise for the second text.
        old: The line of the first text, () where it is empty or has none.
        new: The line of the second text, likewise.
        is_same: Whether both texts have this line.
    """

    left: int | None
    right: int | None
    old: Pieces
    new: Pieces
    is_same: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """How one text became another.

    Attributes:
        rows: All lines of both.
        removed: Lines that differ or are gone.
        added: Lines that differ or are new.
        is_complete: False when time ran out, and what was left is shown as replaced whole.
    """

    rows: tuple[Row, ...]
    removed: int
    added: int
    is_complete: bool


def compared(old: str, new: str, seconds: float = MAX_SECONDS) -> Comparison:
    """Compare two texts; texts that are hard to compare get a coarser answer, not a late one."""
    left, right = old.splitlines(), new.splitlines()
    clock = _Clock(time.monotonic() + seconds)
    rows: list[Row] = []
    for a, a_end, b, b_end, is_same in _blocks(left, right, clock):
        if is_same:
            for k in range(a_end - a):
                pieces = ((left[a + k], False),)
                rows.append(Row(a + k + 1, b + k + 1, pieces, pieces, is_same=True))
        else:
            rows += _changed(left[a:a_end], right[b:b_end], a, b, clock)
    changed = [row for row in rows if not row.is_same]
    return Comparison(
        rows=tuple(rows),
        removed=sum(row.left is not None for row in changed),
        added=sum(row.right is not None for row in changed),
        is_complete=not clock.was_late,
    )


class _Clock:
    """Tell whether time has run out, and remember that it had."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.was_late = False

    def is_late(self) -> bool:
        self.was_late = self.was_late or time.monotonic() > self.deadline
        return self.was_late


def _blocks(
    old: Sequence[str], new: Sequence[str], clock: _Clock
) -> Iterator[tuple[int, int, int, int, bool]]:
    """Yield (start, end) in both sequences, and whether they are the same there, in order.

    `difflib` finds the longest common stretch; the stretches before and after it are searched
    here rather than by `get_matching_blocks`, which cannot be stopped.
    """
    head = _common(zip(old, new, strict=False))
    room = min(len(old), len(new)) - head
    tail = min(_common(zip(reversed(old), reversed(new), strict=False)), room)
    a_end, b_end = len(old) - tail, len(new) - tail
    if head:
        yield 0, head, 0, head, True
    matcher = difflib.SequenceMatcher(None, old, new)
    stack = [(head, a_end, head, b_end, False)]
    while stack:
        block = stack.pop()
        a, a_stop, b, b_stop, is_same = block
        if is_same:
            yield block
        elif a == a_stop or b == b_stop or clock.is_late():
            if a < a_stop or b < b_stop:
                yield block
        else:
            found = matcher.find_longest_match(a, a_stop, b, b_stop)
            if not found.size:
                yield block
                continue
            i, j = found.a + found.size, found.b + found.size
            stack += [
                (i, a_stop, j, b_stop, False),
                (found.a, i, found.b, j, True),
                (a, found.a, b, found.b, False),
            ]
    if tail:
        yield a_end, len(old), b_end, len(new), True


def _common(pairs: Iterator[tuple[str, str]]) -> int:
    count = 0
    for a, b in pairs:
        if a != b:
            break
        count += 1
    return count


def _changed(
    old: Sequence[str], new: Sequence[str], a: int, b: int, clock: _Clock
) -> Iterator[Row]:
    """Yield the rows of a stretch that differs; its lines are paired in their order."""
    left, right = _words_compared("\n".join(old), "\n".join(new), clock)
    lefts = _lines(left) if old else []
    rights = _lines(right) if new else []
    for k in range(max(len(lefts), len(rights))):
        has_old, has_new = k < len(lefts), k < len(rights)
        yield Row(
            left=a + k + 1 if has_old else None,
            right=b + k + 1 if has_new else None,
            old=lefts[k] if has_old else (),
            new=rights[k] if has_new else (),
        )


def _words_compared(old: str, new: str, clock: _Clock) -> tuple[list[Piece], list[Piece]]:
    left: list[Piece] = []
    right: list[Piece] = []
    olds, news = _WORD.findall(old), _WORD.findall(new)
    blocks = list(_blocks(olds, news, clock))
    for k, (a, a_end, b, b_end, is_same) in enumerate(blocks):
        text = "".join(olds[a:a_end])
        # A blank between two changed words is no common ground worth showing.
        is_between = 0 < k < len(blocks) - 1 and not text.strip(" ")
        left.append((text, not is_same or is_between))
        right.append(("".join(news[b:b_end]), not is_same or is_between))
    return left, right


def _lines(pieces: Sequence[Piece]) -> list[Pieces]:
    """Return pieces of a text as pieces of its lines."""
    lines: list[list[Piece]] = [[]]
    for text, is_changed in pieces:
        for k, part in enumerate(text.split("\n")):
            if k:
                lines.append([])
            if part:
                lines[-1].append((part, is_changed))
    return [tuple(line) for line in lines]
