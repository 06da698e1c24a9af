"""Fetch many heavy values of one tag in large pieces, with few reads."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gpuboard.store.columns import Int64s
from gpuboard.store.values import Values

PIECE_BYTES = 4 << 20
# Reading so many bytes that nobody wants is cheaper than one more call.
GAP_BYTES = 4 << 10


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """Some values and the bytes they lie in.

    Attributes:
        data: uint8; the memory is used again for the next piece.
        place: Places of these values in their `Values`, in the order of the files, shape (n,).
        start: First byte of each in `data`, shape (n,).
        end: Byte behind the last one; equal to `start` where the file could not be read.
    """

    data: npt.NDArray[np.uint8]
    place: Int64s
    start: Int64s
    end: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class _Plan:
    """Which bytes go where; values in the order of the files.

    Attributes:
        place: Places of the values, shape (n,).
        piece: Index of the first value of each piece, and n, shape (pieces + 1,).
        run: The same for runs of values that are read by one call.
        start: First byte of each value within its piece, shape (n,).
    """

    place: Int64s
    piece: Int64s
    run: Int64s
    start: Int64s


def pieces(values: Values, places: Int64s, piece_bytes: int = PIECE_BYTES) -> Iterator[Piece]:
    """Yield the bytes of the values at `places`, about `piece_bytes` at a time.

    What cannot be read comes as empty; `gpuboard.store.values.read` then says why.
    """
    if not len(places):
        return
    plan = _plan(values, places, piece_bytes)
    ends = plan.start + values.length[plan.place]
    buffer = np.empty(int(ends.max()), np.uint8)
    with _Files(values.files) as files:
        for first, last in zip(plan.piece[:-1], plan.piece[1:], strict=True):
            end = ends[first:last].copy()
            for a, b in _within(plan.run, int(first), int(last)):
                place = plan.place[a]
                begin, stop = int(plan.start[a]), int(ends[b - 1])
                offset = int(values.offset[place])
                got = files.read_into(values.file[place], buffer.data[begin:stop], offset)
                cut = end[a - first : b - first]
                cut[cut > begin + got] = -1
            start = plan.start[first:last]
            yield Piece(buffer, plan.place[first:last], start, np.where(end < 0, start, end))


def _plan(values: Values, places: Int64s, piece_bytes: int) -> _Plan:
    offset, file = values.offset[places], values.file[places]
    order = np.lexsort((offset, file))
    place, offset, file = places[order], offset[order], file[order]
    stop = offset + values.length[place]
    gap = np.append(0, offset[1:] - stop[:-1])
    follows = np.append(False, file[1:] == file[:-1]) & (gap >= 0) & (gap <= GAP_BYTES)
    span = values.length[place] + np.where(follows, gap, 0)
    total = np.cumsum(span)
    piece = total // piece_bytes
    opens = np.append(True, piece[1:] != piece[:-1])
    firsts = np.flatnonzero(opens)
    before = (total - span)[firsts][np.cumsum(opens) - 1]
    # The gap in front of a piece's first value is not read.
    skipped = np.where(follows, gap, 0)[firsts][np.cumsum(opens) - 1]
    start = total - values.length[place] - before - skipped
    end = np.array([len(place)])
    runs = np.flatnonzero(opens | ~follows)
    return _Plan(place, np.append(firsts, end), np.append(runs, end), start)


def _within(runs: Int64s, first: int, last: int) -> Iterator[tuple[int, int]]:
    low, high = np.searchsorted(runs, [first, last])
    yield from zip(runs[low:high].tolist(), runs[low + 1 : high + 1].tolist(), strict=True)


class _Files:
    """Open files by their index, each once, and close them all at the end."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths
        self._open: dict[int, int] = {}

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._open.values():
            if descriptor >= 0:
                os.close(descriptor)

    def read_into(self, index: int, buffer: memoryview, offset: int) -> int:
        """Fill a buffer from byte `offset` on; return how many bytes came, 0 where none can."""
        descriptor = self._descriptor(int(index))
        if descriptor < 0:
            return 0
        done = 0
        try:
            while done < len(buffer):
                got = os.pread(descriptor, len(buffer) - done, offset + done)
                if not got:
                    break
                buffer[done : done + len(got)] = got
                done += len(got)
        except OSError:
            return done
        return done

    def _descriptor(self, index: int) -> int:
        if index not in self._open:
            # One at a time: a run may have more files than a process may open.
            self.__exit__()
            self._open = {index: _opened(self._paths[index])}
        return self._open[index]


def _opened(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return -1
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return -1
