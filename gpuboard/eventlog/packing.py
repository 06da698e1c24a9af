"""Pack three columns of 64-bit words into the bits in which neighbours differ, losing none.

The points of a segment are cut into frames of up to `FRAME`. A frame is, in little-endian words:

    1 word        points (16 bits), then 16 bits for each column: form (2), dropped (6), width (8)
    for each column:
      1 word      base
      1 word      least difference, only where the form is `STEPWISE`
      fields      `width` bits a point, the lowest bits first, filled up to a whole word

First a word loses as many low bits as are zero in the whole frame (`dropped`): at least 29 where a
float64 was a float32. Then, where the form is `FOLDED`, its sign moves from the top to the bottom,
so that numbers around zero lie close together. A field is how far a word is from the base, or where
the form is `STEPWISE`, how far its difference to the word before is from the least difference; for
the first word the base stands before it. All sums are modulo 2^64, so whatever went in comes out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.native import Bytes, Column, Int64, inlined, kernel, load_i64

FRAME = 256
FOLDED, STEPWISE = 1, 2

Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

# A field is read with one load of 64 bits from a byte border, up to 7 bits before its start.
_WIDEST_READ_AT_ONCE = 57
# What a frame of incompressible columns takes besides its points: head, bases, differences.
_MOST_EXTRA_WORDS = 7
_ONE = np.uint64(1)
_TOP = np.uint64(63)
_ALL = np.uint64(2**64 - 1)
_MAGNITUDE = np.uint64(2**63 - 1)
_PART = np.uint64(0xFFFF)


class Room:
    """Memory to pack in, lent to one thread at a time.

    Frames of many points stay where they were written, in slabs that the system hands out in huge
    pages: fresh memory in small pages costs as much time as filling it. A slab goes when the last
    that was cut from it goes, so frames of few points, which are soon joined, are copied.
    """

    _SLAB_WORDS = 1 << 20
    _FEW_POINTS = 1 << 13

    def __init__(self) -> None:
        self._columns = np.empty((3, 0), np.uint64)
        self._words = np.empty(0, np.uint64)
        self._slab = np.empty(0, np.uint64)
        self._frame = np.empty((4, 2 * FRAME), np.uint64)

    def columns(self, points: int) -> tuple[Words, Words, Words]:
        """Return three unset columns of so many words, valid until the next call."""
        if self._columns.shape[1] < points:
            self._columns = np.empty((3, points), np.uint64)
        time, step, value = self._columns[:, :points]
        return time, step, value

    def pack(self, time: Words, step: Words, value: Words, start: Ints) -> tuple[Bytes, Ints]:
        """Return the frames of many segments, and where those of each start and the last end.

        Args:
            time: First column, shape (n,).
            step: Second column, shape (n,).
            value: Third column, taken for the bits of float64 numbers, shape (n,).
            start: Segment i has the points `[start[i], start[i + 1])`, int64, shape (k + 1,).

        Returns:
            Bytes, with eight of padding behind them, and offsets of shape (k + 1,).
        """
        most = _most_words(len(time), len(start) - 1)
        place = np.zeros(len(start), np.int64)
        if len(time) < self._FEW_POINTS:
            if len(self._words) < most:
                self._words = np.empty(most, np.uint64)
            _pack(time, step, value, start, self._words, place, self._frame[3])
            return self._words[: _padded(self._words, place)].view(np.uint8).copy(), place
        if len(self._slab) < most:
            self._slab = np.empty(max(most, self._SLAB_WORDS), np.uint64)
        _pack(time, step, value, start, self._slab, place, self._frame[3])
        end = _padded(self._slab, place)
        data, self._slab = self._slab[:end], self._slab[end:]
        return data.view(np.uint8), place

    def repack(
        self, data: Bytes, place: Ints, points: Ints, owner: Ints, owners: int
    ) -> tuple[Bytes, Ints]:
        """Join segments that are packed already into longer ones; see `pack` for what comes back.

        Args:
            data: Frames, and eight bytes of padding.
            place: Where the frames of each segment start, shape (m,).
            points: How many points it has, shape (m,).
            owner: Which of the new segments it becomes part of, ascending, shape (m,).
            owners: How many there are; each has a segment.
        """
        words = np.empty(_most_words(int(points.sum()), owners), np.uint64)
        out = np.zeros(owners + 1, np.int64)
        _repack(data, place, points, owner, words, out, *self._frame)
        return words[: _padded(words, out)].view(np.uint8).copy(), out


def _most_words(points: int, segments: int) -> int:
    return 3 * points + _MOST_EXTRA_WORDS * (points // FRAME + segments) + 1


def _padded(words: Words, place: Ints) -> int:
    """Put a word behind the frames and return where it ends; what it holds is never used."""
    end = int(place[-1]) // 8
    words[end] = 0
    return end + 1


@inlined
def _bits(number: Int64) -> Int64:
    """Return how many bits a uint64 has up to its highest one."""
    left = np.uint64(number)
    bits = np.int64(0)
    for half in (32, 16, 8, 4, 2, 1):
        if left >> np.uint64(half):
            left >>= np.uint64(half)
            bits += half
    return bits + np.int64(left)


@inlined
def _width(low: Int64, high: Int64) -> Int64:
    bits = _bits(np.uint64(high) - np.uint64(low))
    return bits if bits <= _WIDEST_READ_AT_ONCE else np.int64(64)


@kernel
def _shorten(column: Column, is_float: bool, short: Column) -> Int64:
    """Fill `short` with the words less the bits that they do not need; return form and dropped."""
    found = np.uint64(0)
    for k in range(len(column)):
        found |= column[k]
    dropped = np.uint64(0)
    if found:
        dropped = np.uint64(_bits(found & (~found + _ONE)) - 1)
    if is_float and found >> _TOP:
        for k in range(len(column)):
            word = column[k]
            short[k] = ((word & _MAGNITUDE) >> dropped) << _ONE | word >> _TOP
        return np.uint64(FOLDED) | dropped << np.uint64(2)
    for k in range(len(column)):
        short[k] = np.uint64(np.int64(column[k]) >> np.int64(dropped))
    return dropped << np.uint64(2)


@kernel
def _lengthen(column: Column, part: Int64) -> None:
    """Undo `_shorten` in place."""
    dropped = part >> np.uint64(2) & np.uint64(63)
    if part & np.uint64(FOLDED):
        for k in range(len(column)):
            word = column[k]
            column[k] = (word >> _ONE) << dropped | word << _TOP
    elif dropped:
        for k in range(len(column)):
            column[k] <<= dropped


@kernel
def _encode(
    column: Column, is_float: bool, words: Column, at: Int64, short: Column
) -> tuple[Int64, Int64]:
    """Append one column of a frame; return its part of the head and the word behind its fields."""
    points = len(column)
    part = _shorten(column, is_float, short)
    low = high = np.int64(short[0])
    least, most = np.int64(2**63 - 1), np.int64(-(2**63))
    for k in range(1, points):
        word, step = np.int64(short[k]), np.int64(short[k] - short[k - 1])
        low, high = min(low, word), max(high, word)
        least, most = min(least, step), max(most, step)
    width = _width(low, high)
    stepwise = width if points == 1 else _width(least, most)
    if points * stepwise + 64 < points * width:
        width = stepwise
        part |= np.uint64(STEPWISE)
        before = short[0] - np.uint64(least)
        words[at], words[at + 1] = before, np.uint64(least)
        at += 2
        for k in range(points):
            word = short[k]
            short[k] = word - before - np.uint64(least)
            before = word
    else:
        words[at] = np.uint64(low)
        at += 1
        for k in range(points):
            short[k] -= np.uint64(low)
    part |= np.uint64(width) << np.uint64(8)
    return part, _write_fields(short[:points], width, words, at)


@kernel
def _write_fields(fields: Column, width: Int64, words: Column, at: Int64) -> Int64:
    if width == 0:
        return at
    gathered, filled = np.uint64(0), np.int64(0)
    place = np.uint64(at)  # unsigned: nobody need ask whether it counts from the end
    for k in range(len(fields)):
        gathered |= fields[k] << np.uint64(filled)
        filled += width
        if filled >= 64:
            words[place] = gathered
            place += _ONE
            filled -= 64
            # In two steps, for a shift by all 64 bits is not defined.
            gathered = (fields[k] >> np.uint64(width - filled - 1)) >> _ONE
    if filled:
        words[place] = gathered
        place += _ONE
    return np.int64(place)


@kernel
def _decode(data: Bytes, at: Int64, part: Int64, column: Column) -> Int64:
    """Fill one column of a frame; return the byte behind its fields."""
    points = len(column)
    width = np.int64(part >> np.uint64(8))
    mask = _ALL >> np.uint64(64 - width) if width else np.uint64(0)
    base, least = np.uint64(load_i64(data, at)), np.uint64(0)
    at += 8
    if part & np.uint64(STEPWISE):
        least = np.uint64(load_i64(data, at))
        at += 8
    bit = at << 3
    if width == 0:
        for k in range(points):
            column[k] = base + least * np.uint64(k + 1)
    elif part & np.uint64(STEPWISE):
        for k in range(points):
            base += least + (np.uint64(load_i64(data, bit >> 3)) >> np.uint64(bit & 7) & mask)
            column[k] = base
            bit += width
    else:
        for k in range(points):
            field = np.uint64(load_i64(data, bit >> 3)) >> np.uint64(bit & 7) & mask
            column[k] = base + field
            bit += width
    _lengthen(column, part)
    return at + (points * width + 63) // 64 * 8


@kernel
def _encode_frame(
    time: Column, step: Column, value: Column, words: Column, at: Int64, short: Column
) -> Int64:
    head = at
    of_time, at = _encode(time, False, words, at + 1, short)
    of_step, at = _encode(step, False, words, at, short)
    of_value, at = _encode(value, True, words, at, short)
    points = np.uint64(len(time))
    words[head] = (
        points | of_time << np.uint64(16) | of_step << np.uint64(32) | of_value << np.uint64(48)
    )
    return at


@kernel
def _decode_frame(data: Bytes, at: Int64, time: Column, step: Column, value: Column) -> Int64:
    """Fill the columns from their start on; return the byte behind the frame."""
    head = np.uint64(load_i64(data, at))
    points = np.int64(head & _PART)
    at = _decode(data, at + 8, head >> np.uint64(16) & _PART, time[:points])
    at = _decode(data, at, head >> np.uint64(32) & _PART, step[:points])
    return _decode(data, at, head >> np.uint64(48), value[:points])


@kernel
def _pack(
    time: Column,
    step: Column,
    value: Column,
    start: Column,
    words: Column,
    place: Column,
    short: Column,
) -> None:
    at = np.int64(0)
    for segment in range(len(start) - 1):
        low, end = start[segment], start[segment + 1]
        while low < end:
            high = min(end, low + FRAME)
            at = _encode_frame(time[low:high], step[low:high], value[low:high], words, at, short)
            low = high
        place[segment + 1] = at << 3


@kernel
def _repack(
    data: Bytes,
    place: Column,
    points: Column,
    owner: Column,
    words: Column,
    out: Column,
    time: Column,
    step: Column,
    value: Column,
    short: Column,
) -> None:
    at: Int64 = np.int64(0)
    filled: Int64 = np.int64(0)
    for segment in range(len(place)):
        position, left = place[segment], points[segment]
        while left > 0:
            count = load_i64(data, position) & np.int64(0xFFFF)
            position = _decode_frame(data, position, time[filled:], step[filled:], value[filled:])
            filled += count
            left -= count
            if filled >= FRAME:
                at = _encode_frame(time[:FRAME], step[:FRAME], value[:FRAME], words, at, short)
                filled -= FRAME
                for k in range(filled):
                    time[k] = time[FRAME + k]
                    step[k] = step[FRAME + k]
                    value[k] = value[FRAME + k]
        if segment + 1 == len(place) or owner[segment + 1] != owner[segment]:
            if filled:
                at = _encode_frame(time[:filled], step[:filled], value[:filled], words, at, short)
                filled = 0
            out[owner[segment] + 1] = at << 3


@kernel
def unpack(data: Bytes, at: Int64, time: Column, step: Column, value: Column) -> None:
    """Fill columns of words with the points whose frames start at a byte.

    Args:
        data: Frames, and eight bytes of padding, uint8.
        at: First byte of a segment or of a frame in it.
        time: First column, uint64; as long as the points that are wanted, whole frames of them.
        step: Second column, uint64, as long.
        value: Third column, uint64, as long.
    """
    done = np.int64(0)
    while done < len(time):
        points = load_i64(data, at) & np.int64(0xFFFF)
        at = _decode_frame(data, at, time[done:], step[done:], value[done:])
        done += points
