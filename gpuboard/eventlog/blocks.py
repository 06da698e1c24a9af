"""Define the columns that reading a piece of an event file yields, and how pieces join.

A block is immutable. What a file holds is a list of blocks in file order; each is sorted by tag
and keeps file order within a tag, so that a series is a handful of segments.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog import packing
from gpuboard.eventlog.native import Bytes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class ScalarBlock:
    """Scalar points of one piece of a file, packed without loss: mostly 4 to 10 bytes a point.

    Attributes:
        tag: Numbers of the tags that occur, ascending, int32, shape (k,).
        start: Tag `tag[i]` has the points `[start[i], start[i + 1])`, int64, shape (k + 1,).
        place: Where in `data` its frames start, and the last one's end, int64, shape (k + 1,).
        first_step: Step of the first point of each tag, int64, shape (k,).
        last_step: Step of its last point, int64, shape (k,).
        data: Wall times, steps and values as `gpuboard.eventlog.packing` has them, uint8.
    """

    tag: npt.NDArray[np.int32]
    start: Ints
    place: Ints
    first_step: Ints
    last_step: Ints
    data: Bytes

    def __len__(self) -> int:
        return int(self.start[-1])

    def find(self, tag: int) -> int | None:
        """Return the row of `tag` in the columns of this block, None when it does not occur."""
        row = int(np.searchsorted(self.tag, tag))
        return None if row == len(self.tag) or self.tag[row] != tag else row

    def points(self, row: int) -> int:
        """Return how many points the tag in a row has."""
        return int(self.start[row + 1] - self.start[row])


@dataclasses.dataclass(frozen=True, slots=True)
class ScalarColumns:
    """Points as they are worked with, one after another.

    Attributes:
        wall_time: Seconds since the epoch, float64, shape (n,).
        step: int64, shape (n,).
        value: float64, shape (n,).
    """

    wall_time: Floats
    step: Ints
    value: Floats


def pack_scalars(
    tag: npt.NDArray[np.int32],
    start: Ints,
    columns: ScalarColumns,
    room: packing.Room | None = None,
) -> ScalarBlock:
    """Return points that are sorted by tag as a block.

    Args:
        tag: As in `ScalarBlock`.
        start: As in `ScalarBlock`; no tag is without points.
        columns: The points; they are copied.
        room: Memory to work in; its columns may be those of the points.
    """
    time, step, value = (
        column.view(np.uint64) for column in (columns.wall_time, columns.step, columns.value)
    )
    data, place = (room or packing.Room()).pack(time, step, value, start)
    first, last = columns.step[start[:-1]], columns.step[start[1:] - 1]
    return ScalarBlock(tag, start, place, first, last, data)


def unpack_scalars(segments: Sequence[tuple[ScalarBlock, int]]) -> ScalarColumns:
    """Return the points of rows of blocks, one row after the other, in columns of their own."""
    total = sum(block.points(row) for block, row in segments)
    time, step, value = (np.empty(total, np.uint64) for _ in range(3))
    done = 0
    for block, row in segments:
        end = done + block.points(row)
        part = time[done:end], step[done:end], value[done:end]
        packing.unpack(block.data, int(block.place[row]), *part)
        done = end
    return ScalarColumns(time.view(np.float64), step.view(np.int64), value.view(np.float64))


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
    """Merge blocks that follow each other in a file into one, without unpacking them as a whole."""
    if len(blocks) == 1:
        return blocks[0]
    tag, owner = np.unique(np.concatenate([b.tag for b in blocks]), return_inverse=True)
    # Segments come block by block; sorted stably by tag they stand as the merged block has them.
    order = np.argsort(owner, kind="stable")
    counts = np.concatenate([np.diff(b.start) for b in blocks])[order]
    bases = np.cumsum([0, *(len(b.data) for b in blocks[:-1])])
    places = [b.place[:-1] + base for b, base in zip(blocks, bases, strict=True)]
    bounds = np.searchsorted(owner[order], np.arange(len(tag) + 1))
    data, place = packing.Room().repack(
        np.concatenate([b.data for b in blocks]),
        np.concatenate(places)[order],
        counts,
        owner[order],
        len(tag),
    )
    return ScalarBlock(
        tag=tag.astype(np.int32),
        start=np.append(0, np.cumsum(counts))[bounds],
        place=place,
        first_step=np.concatenate([b.first_step for b in blocks])[order][bounds[:-1]],
        last_step=np.concatenate([b.last_step for b in blocks])[order][bounds[1:] - 1],
        data=data,
    )


def join_refs(blocks: Sequence[RefBlock]) -> RefBlock:
    """Merge reference blocks that follow each other in a file into one."""
    if len(blocks) == 1:
        return blocks[0]
    names = [field.name for field in dataclasses.fields(RefBlock)]
    return RefBlock(*(np.concatenate([getattr(b, name) for b in blocks]) for name in names))
