"""Fold samples into the least, mean and largest of each minute or hour."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

# Wall time in seconds, tag, value.
Point = tuple[float, str, float]
SUFFIXES = ("min", "mean", "max")


@dataclasses.dataclass(slots=True)
class _Bucket:
    number: int
    begin: float
    least: float
    largest: float
    total: float = 0.0
    count: int = 0

    def points(self, tag: str) -> Iterator[Point]:
        values = (self.least, self.total / self.count, self.largest)
        for suffix, value in zip(SUFFIXES, values, strict=True):
            yield self.begin, f"{tag}/{suffix}", value


class Thinning:
    """Buckets of one length, one open for each tag.

    Args:
        every_s: Length of a bucket; they begin at multiples of it since the epoch.
    """

    def __init__(self, every_s: float) -> None:
        self._every = every_s
        self._open: dict[str, _Bucket] = {}

    def take(self, points: Iterable[Point]) -> Iterator[Point]:
        """Take in points and yield three for each bucket that a later point has closed.

        A bucket stands at the time of its first point, so one that is cut in two by a restart
        gives two, none of which hides the other.
        """
        for wall, tag, value in points:
            number = int(wall // self._every)
            bucket = self._open.get(tag)
            if bucket is None or bucket.number != number:
                if bucket is not None:
                    yield from bucket.points(tag)
                bucket = self._open[tag] = _Bucket(number, wall, value, value)
            bucket.least = min(bucket.least, value)
            bucket.largest = max(bucket.largest, value)
            bucket.total += value
            bucket.count += 1

    def rest(self) -> Iterator[Point]:
        """Yield the buckets that are still open, and close them."""
        for tag, bucket in self._open.items():
            yield from bucket.points(tag)
        self._open.clear()
