"""Leave out points that say nothing new, so that an idle GPU costs next to nothing to record."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from gpuboard.profiler.hardware.thinning import Point

# A value that stays is written again after so long, for readers that open the file then.
HOLD_S = 15.0


@dataclasses.dataclass(slots=True)
class _Held:
    value: np.float32
    written: float
    seen: float


class Holding:
    """Passes on the first and the last point of each stretch of equal values.

    A line through what is left runs through every point that was left out.

    Args:
        gap_s: Longer silence of a tag ends a stretch.
    """

    def __init__(self, gap_s: float) -> None:
        self._gap = gap_s
        self._held: dict[str, _Held] = {}

    def take(self, points: Iterable[Point]) -> Iterator[Point]:
        """Take in points and yield those to be written."""
        for wall, tag, value in points:
            number = np.float32(value)
            held = self._held.get(tag)
            goes_on = held is not None and self._goes_on(held, number, wall)
            if held is not None and goes_on and wall - held.written < HOLD_S:
                held.seen = wall
                continue
            if held is not None and not goes_on and held.seen > held.written:
                yield held.seen, tag, float(held.value)
            self._held[tag] = _Held(number, wall, wall)
            yield wall, tag, value

    def rest(self) -> Iterator[Point]:
        """Yield the last point of each stretch that is still held back."""
        for tag, held in self._held.items():
            if held.seen > held.written:
                yield held.seen, tag, float(held.value)
                held.written = held.seen

    def _goes_on(self, held: _Held, value: np.float32, wall: float) -> bool:
        return bool(value == held.value) and 0 <= wall - held.seen <= self._gap
