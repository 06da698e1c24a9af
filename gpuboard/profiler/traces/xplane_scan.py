"""Walk the lines of an XPlane in place, and turn their events into columns.

| message | fields that are read |
|---|---|
| `XLine` | id 1, name 2, timestamp_ns 3, events 4, display_id 10, display_name 11 |
| `XEvent` | metadata_id 1, offset_ps 2, duration_ps 3, stats 4, num_occurrences 5 |
| `XStat` | metadata_id 1, then one of double 2, uint64 3, int64 4, text 5, bytes 6, reference 7 |

Every position is checked against the end of its message before it is read. An event that is damaged
within its own bounds is counted and cannot be shown; a line whose own structure breaks ends there.
Two passes, since counting costs a tenth of reading: each column is set aside once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.native import Bytes, Column, Int64, kernel, load_i64, load_u8
from gpuboard.eventlog.wire import block, skip, varint

# Places in the head of a line.
LINE_ID, TIMESTAMP, NAME_AT, NAME_LENGTH, DISPLAY_AT, DISPLAY_LENGTH = 0, 1, 2, 3, 4, 5
HEAD_PLACES = 6

# Places in the counts of a scan: events read, damaged ones among them, where a line breaks off.
EVENTS, DAMAGED, BROKEN_AT, UNTIMED = 0, 1, 2, 3
COUNT_PLACES = 4

# What a stat holds: the field of `XStat`.
DOUBLE, UINT, INT, TEXT, RAW, REFERENCE = 2, 3, 4, 5, 6, 7

# Keys: the number of the field, and the wire type in the low three bits.
_VARINT_1, _VARINT_2, _VARINT_3, _VARINT_5 = 8, 16, 24, 40
_BLOCK_2, _BLOCK_4, _BLOCK_11 = 18, 34, 90

_DAMAGED, _UNTIMED = -1, -2


# Columns of the table of events. Times are picoseconds from the line's own; an event that can't be
# shown keeps its row, with -1 for its place in the file.
METADATA, OFFSET_PS, DUR_PS, AT = 0, 1, 2, 3
EVENT_COLUMNS = 4


class Stats(NamedTuple):
    """What events say of themselves, by ascending slot: `bounds[s]` is where those of `s` begin.

    `value` is a number, the bits of a float64, or where a text begins in the bytes of the plane.
    """

    event: npt.NDArray[np.int32]
    form: npt.NDArray[np.int8]
    value: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]


def make_stats(counts: npt.NDArray[np.int64]) -> Stats:
    """Return room for so many stats of each slot."""
    bounds = np.concatenate([[0], np.cumsum(counts)])
    n = int(bounds[-1])
    # What a damaged event leaves unwritten belongs to no event.
    return Stats(
        event=np.full(n, -1, np.int32),
        form=np.zeros(n, np.int8),
        value=np.empty(n, np.int64),
        length=np.empty(n, np.int32),
        bounds=bounds,
    )


@kernel
def spans(
    data: Bytes, start: Int64, end: Int64, field: Column, at: Column, length: Column
) -> tuple[Int64, Int64]:
    """Find the length-delimited fields of a message, as many as there is room for.

    Returns:
        How many there are, and where the structure breaks, -1 where it does not. The last field
        is cut at the end of the message when it claims to be longer.
    """
    n = np.int64(0)
    position = np.int64(start)
    while position < end:
        before = position
        key, position = varint(data, position, end)
        if position < 0:
            return n, before
        if key & 7 != 2:
            position = skip(data, key & 7, position, end)
            if position < 0:
                return n, before
            continue
        size, position = varint(data, position, end)
        if position < 0 or size < 0:
            return n, before
        is_cut = size > end - position
        if is_cut:
            size = end - position
        if n < len(field):
            field[n] = key >> 3
            at[n] = position
            length[n] = size
        n += 1
        position += size
        if is_cut:
            return n, before
    return n, np.int64(-1)


@kernel
def _slot(data: Bytes, start: Int64, end: Int64, slot_of: Column) -> Int64:
    """Return the slot of a stat, -1 for one that is not wanted or has no metadata_id."""
    position = np.int64(start)
    number = np.int64(-1)
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return np.int64(-1)
        if key == _VARINT_1:  # it comes first unless somebody is odd
            number, position = varint(data, position, end)
            break
        position = skip(data, key & 7, position, end)
        if position < 0:
            return np.int64(-1)
    if position < 0 or number < 0 or number >= len(slot_of):
        return np.int64(-1)
    return np.int64(slot_of[number])


@kernel
def count_line(
    data: Bytes, start: Int64, end: Int64, slot_of: Column, counts: Column, of_slot: Column
) -> None:
    """Count the events of a line into `counts`, and their wanted stats into `of_slot`."""
    position = np.int64(start)
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return
        if key != _BLOCK_4:
            position = skip(data, key & 7, position, end)
            if position < 0:
                return
            continue
        length, position = block(data, position, end)
        if position < 0:
            return
        counts[EVENTS] += 1
        stop = position + length
        inner = position
        while 0 <= inner < stop:
            key, inner = varint(data, inner, stop)
            if inner < 0:
                break
            if key != _BLOCK_4:
                inner = skip(data, key & 7, inner, stop)
                continue
            size, inner = block(data, inner, stop)
            if inner >= 0:
                slot = _slot(data, inner, inner + size, slot_of)
                if slot >= 0:
                    of_slot[slot] += 1
                inner += size
        position = stop


@kernel
def _scan_stat(data: Bytes, start: Int64, end: Int64) -> tuple[Int64, Int64, Int64]:
    """Return form, value and length of what a stat holds; form 0 is nothing, -1 is damage."""
    position = np.int64(start)
    form, value, length = np.int64(0), np.int64(0), np.int64(0)
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            break
        field, wire = key >> 3, key & 7
        if wire == 0:
            number, position = varint(data, position, end)
            if field in (UINT, INT, REFERENCE):
                form, value = field, number
        elif wire == 1 and field == DOUBLE and position + 8 <= end:
            form, value = field, load_i64(data, position)
            position += 8
        elif wire == 2:
            size, position = block(data, position, end)
            if field in (TEXT, RAW):
                form, value, length = field, position, size
            position = position + size if position >= 0 else position
        else:
            position = skip(data, wire, position, end)
        if position < 0:
            break
    return form if position >= 0 else np.int64(-1), value, length


@kernel
def _scan_event(
    data: Bytes,
    start: Int64,
    end: Int64,
    slot_of: Column,
    n: Int64,
    events: Column,
    cursor: Column,
    stat_event: Column,
    stat_form: Column,
    stat_value: Column,
    stat_length: Column,
) -> Int64:
    """Write down event `n` and its stats; return 0, `_DAMAGED` or `_UNTIMED`."""
    position = np.int64(start)
    name, offset, dur = np.int64(0), np.int64(0), np.int64(0)
    is_timed = True
    events[n, :] = 0
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return np.int64(_DAMAGED)
        if key == _BLOCK_4:
            size, position = block(data, position, end)
            if position < 0:
                return np.int64(_DAMAGED)
            slot = _slot(data, position, position + size, slot_of)
            if slot >= 0:
                form, value, length = _scan_stat(data, position, position + size)
                if form < 0:
                    return np.int64(_DAMAGED)
                at = cursor[slot]
                cursor[slot] = at + 1
                stat_event[at] = n
                stat_form[at] = form
                stat_value[at] = value
                stat_length[at] = length
            position += size
        elif key == _VARINT_1:
            name, position = varint(data, position, end)
        elif key == _VARINT_2:
            offset, position = varint(data, position, end)
        elif key == _VARINT_3:
            dur, position = varint(data, position, end)
        else:
            is_timed = is_timed and key != _VARINT_5
            position = skip(data, key & 7, position, end)
        if position < 0:
            return np.int64(_DAMAGED)
    events[n, METADATA] = name
    events[n, OFFSET_PS] = offset
    events[n, DUR_PS] = dur
    return np.int64(0 if is_timed else _UNTIMED)


@kernel
def scan_line(
    data: Bytes,
    start: Int64,
    end: Int64,
    slot_of: Column,
    head: Column,
    counts: Column,
    events: Column,
    cursor: Column,
    stat_event: Column,
    stat_form: Column,
    stat_value: Column,
    stat_length: Column,
) -> None:
    """Append the events of a line, and those of their stats that are wanted.

    Args:
        data: The bytes of the plane, uint8.
        start: Where the line begins.
        end: Where it ends.
        slot_of: For each stat by its metadata_id, the slot under which to keep it, or -1; int8.
        head: Filled with what the line says of itself, int64, shape (HEAD_PLACES,).
        counts: How many events there are already, and what was wrong; int64, shape
            (COUNT_PLACES,). Events that only say how often they occurred have no place in time and
            are counted as untimed.
        events: Room for events, int64, shape (n, EVENT_COLUMNS); further ones are left out.
        cursor: Where the next stat of each slot goes, int64.
        stat_event: Column of `Stats` with room for those that `count_line` counted.
        stat_form: Likewise.
        stat_value: Likewise.
        stat_length: Likewise.
    """
    position = np.int64(start)
    n = counts[EVENTS]
    while position < end:
        before = position
        key, position = varint(data, position, end)
        if position < 0:
            counts[BROKEN_AT] = before
            break
        if key == _BLOCK_4:
            length, position = block(data, position, end)
            if position >= 0:
                if n >= len(events):
                    break
                answer = _scan_event(
                    data, position, position + length, slot_of, n, events,
                    cursor, stat_event, stat_form, stat_value, stat_length,
                )  # fmt: skip
                events[n, AT] = before if answer == 0 else -1
                n += 1
                counts[DAMAGED] += answer == _DAMAGED
                counts[UNTIMED] += answer == _UNTIMED
                position += length
        elif key == _VARINT_1:
            head[LINE_ID], position = varint(data, position, end)
        elif key == _VARINT_3:
            head[TIMESTAMP], position = varint(data, position, end)
        elif key in (_BLOCK_2, _BLOCK_11):
            length, position = block(data, position, end)
            if position >= 0:
                place = NAME_AT if key == _BLOCK_2 else DISPLAY_AT
                head[place] = position
                head[place + 1] = length
                position += length
        else:
            position = skip(data, key & 7, position, end)
        if position < 0:
            counts[BROKEN_AT] = before
            break
    counts[EVENTS] = n


@kernel
def hash_texts(data: Bytes, at: Column, length: Column, out: Column) -> None:
    """Fill `out` with a number for each text that equal texts share (FNV-1a, folded; int64)."""
    for k in range(len(at)):
        fnv = np.int64(-3750763034362895579)
        for place in range(at[k], at[k] + length[k]):
            fnv = (fnv ^ load_u8(data, place)) * np.int64(1099511628211)
        out[k] = fnv ^ (fnv >> 32)


@kernel
def same_texts(data: Bytes, at: Column, length: Column, like: Column) -> Int64:
    """Return the first text that differs from the one it is taken for (`like`), -1 if none does."""
    for k in range(len(at)):
        other = like[k]
        if length[k] != length[other]:
            return np.int64(k)
        for i in range(length[k]):
            if load_u8(data, at[k] + i) != load_u8(data, at[other] + i):
                return np.int64(k)
    return np.int64(-1)
