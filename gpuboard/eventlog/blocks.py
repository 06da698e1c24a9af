"""Define the columns that reading a piece of an event file yields, and how pieces join.

A block is immutable. What a file holds is a list of blocks in file order; each is sorted by tag
and keeps file order within a tag, so that a series is a handful of slices.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True, slots=True)
class ScalarBlock:
    """Scalar points of one piece of a file: 24 bytes a point, 12 a tag.

    Attributes:
        tag: Numbers of the tags that occur, ascending, int32, shape (k,).
        start: Tag `tag[i]` has the points `[start[i], start[i + 1])`, int64, shape (k + 1,).
        wall_time: Seconds since the epoch, float64, shape (n,).
        step: int64, shape (n,).
        value: float64, shape (n,).
    """

    tag: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
    wall_time: npt.NDArray[np.float64]
    step: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.step)

    def span(self, tag: int) -> slice | None:
        """Return which points belong to `tag`, None when it does not occur."""
        place = int(np.searchsorted(self.tag, tag))
        if place == len(self.tag) or self.tag[place] != tag:
            return None
        return slice(int(self.start[place]), int(self.start[place + 1]))


@dataclasses.dataclass(frozen=True, slots=True)
class RefBlock:
    """Values that stay in the file until somebody looks, in file order.

    Attributes:
        tag: Number of the tag, int32, shape (n,).
        kind: One of the value kinds of `gpuboard.eventlog.scan`, int8, shape (n,).
        wall_time: Seconds since the epoch, float64, shape (n,).
        step: int64, shape (n,).
        offset: First byte of the `Summary.Value` (or graph, or run metadata), int64, shape (n,).
        length: Its size in bytes, int64, shape (n,).
    """

    tag: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    wall_time: npt.NDArray[np.float64]
    step: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.step)


def join_scalars(blocks: Sequence[ScalarBlock]) -> ScalarBlock:
    """Merge blocks that follow each other in a file into one.

    One column is merged at a time, so the peak is a third above what is kept.
    """
    if len(blocks) == 1:
        return blocks[0]
    tag, owner = np.unique(np.concatenate([b.tag for b in blocks]), return_inverse=True)
    counts = np.concatenate([np.diff(b.start) for b in blocks])
    # Segments come block by block; sorted stably by tag they stand as the merged block has them.
    order = np.argsort(owner, kind="stable")
    start = np.zeros(len(tag) + 1, np.int64)
    np.cumsum(np.bincount(owner, weights=counts, minlength=len(tag)), out=start[1:])
    place = np.empty(len(order), np.int64)
    place[order] = np.concatenate([[0], np.cumsum(counts[order])[:-1]])
    places = np.split(place, np.cumsum([len(b.tag) for b in blocks])[:-1])
    columns = [
        _place_segments([getattr(b, name) for b in blocks], [b.start for b in blocks], places)
        for name in ("wall_time", "step", "value")
    ]
    return ScalarBlock(tag.astype(np.int32), start, *columns)


def _place_segments(
    columns: Sequence[npt.NDArray[Any]],
    starts: Sequence[npt.NDArray[np.int64]],
    places: Sequence[npt.NDArray[np.int64]],
) -> npt.NDArray[Any]:
    out = np.empty(sum(len(c) for c in columns), columns[0].dtype)
    for column, start, place in zip(columns, starts, places, strict=True):
        # A point moves by as much as the segment that it belongs to.
        lengths = np.diff(start)
        target = np.repeat(place - start[:-1], lengths)
        target += np.arange(len(column))
        out[target] = column
    return out


def join_refs(blocks: Sequence[RefBlock]) -> RefBlock:
    """Merge reference blocks that follow each other in a file into one."""
    if len(blocks) == 1:
        return blocks[0]
    names = [field.name for field in dataclasses.fields(RefBlock)]
    return RefBlock(*(np.concatenate([getattr(b, name) for b in blocks]) for name in names))
