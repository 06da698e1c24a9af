"""Turn whole records of an event file into columns, in one compiled pass over the bytes.

For every record the payload's checksum is tested and the protobuf wire format of `Event` and
`Summary` (see proto/event.proto) is walked in place. Scalars are decoded at once, everything
heavy becomes a reference (offset, length) into the file, and tag names are interned on the way.
Every position is checked against the end of its message before it is read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.framing import FOOTER_BYTES, HEADER_BYTES
from gpuboard.eventlog.native import (
    Bytes,
    Column,
    Int64,
    inlined,
    kernel,
    load_f32,
    load_f64,
    load_i64,
    load_u8,
    load_u32,
    masked_crc32c,
)
from gpuboard.eventlog.scalar_tensor import scalar_tensor
from gpuboard.eventlog.wire import block, skip, varint

# What a value is: the field of `Summary.Value` or `Event` that carries it.
NOTHING, SIMPLE, OLD_HISTOGRAM, IMAGE, HISTOGRAM, AUDIO, TENSOR = 0, 2, 3, 4, 5, 6, 8
GRAPH, SESSION, RUN_METADATA, META_GRAPH, LOG_MESSAGE = 20, 21, 22, 23, 24

# What was wrong with a record.
BAD_CHECKSUM, BAD_EVENT, LONG_TAG, NO_TIME = 1, 2, 3, 4

# Places in `Output.counts`.
N_SCALARS, N_REFS, N_NOTES, N_DESCRIPTIONS, N_EVENTS, NO_ROOM_IN = 0, 1, 2, 3, 4, 5
FIRST_TIME, LAST_TIME = 0, 1


class TagTable(NamedTuple):
    """Tag names of one file, each with a small number: an open-addressing hash table.

    `follower[t]` is the tag that last came after `t`. Training loops log their tags in the same
    order over and over, so one comparison usually finds the next tag.
    """

    slots: npt.NDArray[np.int32]
    hashes: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    follower: npt.NDArray[np.int32]
    described: npt.NDArray[np.uint8]
    names: npt.NDArray[np.uint8]
    size: npt.NDArray[np.int64]  # tags, bytes of names, the tag seen last


class Output(NamedTuple):
    """Room for what one scan finds; `counts` says how much of each part is filled."""

    wall_time: npt.NDArray[np.float64]
    step: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    tag: npt.NDArray[np.int32]
    ref_wall_time: npt.NDArray[np.float64]
    ref_step: npt.NDArray[np.int64]
    ref_tag: npt.NDArray[np.int32]
    ref_kind: npt.NDArray[np.int8]
    ref_offset: npt.NDArray[np.int64]
    ref_length: npt.NDArray[np.int64]
    note_offset: npt.NDArray[np.int64]
    note_kind: npt.NDArray[np.int8]
    described_tag: npt.NDArray[np.int32]
    described_start: npt.NDArray[np.int64]
    described_length: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]


def make_tag_table(tags: int = 32, name_bytes: int = 1024) -> TagTable:
    """Return an empty table with room for `tags` names of `name_bytes` in all."""
    slots = 1 << max(6, (2 * tags - 1).bit_length())
    return TagTable(
        slots=np.zeros(slots, np.int32),
        hashes=np.empty(tags, np.int64),
        start=np.zeros(tags + 1, np.int64),
        follower=np.zeros(tags, np.int32),
        described=np.zeros(tags, np.uint8),
        names=np.empty(name_bytes, np.uint8),
        size=np.zeros(3, np.int64),
    )


def make_room(table: TagTable, out: Output) -> tuple[TagTable, Output]:
    """Return both as they are, but twice the room where the last scan had to stop for want of it.

    Only that part grows: a hundred thousand tags need no room for more points.
    """
    full = int(out.counts[NO_ROOM_IN])
    if full == FULL_TAGS:
        return grow_tag_table(table), out
    scalars, refs = len(out.step), len(out.ref_step)
    if full == FULL_SCALARS:
        scalars = 2 * scalars + 64
    else:
        refs = 2 * refs + 64
    grown = make_output(scalars, refs)
    _copy_into(out, grown)
    return table, grown


def grow_tag_table(table: TagTable) -> TagTable:
    """Return the same tags under the same numbers, with twice the room for what did not fit."""
    tags, name_bytes, last = (int(n) for n in table.size)
    if tags == len(table.hashes):
        grown = make_tag_table(2 * tags, len(table.names))
    else:
        grown = make_tag_table(len(table.hashes), 2 * len(table.names))
    _copy_into(table[1:6], grown[1:6])
    grown.size[:] = tags, name_bytes, last
    mask = len(grown.slots) - 1
    for tag in range(tags):
        slot = int(grown.hashes[tag]) & mask
        while grown.slots[slot]:
            slot = (slot + 1) & mask
        grown.slots[slot] = tag + 1
    return grown


def make_output(scalars: int, refs: int) -> Output:
    """Return room for so many scalars and references."""
    notes = 256
    return Output(
        wall_time=np.empty(scalars, np.float64),
        step=np.empty(scalars, np.int64),
        value=np.empty(scalars, np.float64),
        tag=np.empty(scalars, np.int32),
        ref_wall_time=np.empty(refs, np.float64),
        ref_step=np.empty(refs, np.int64),
        ref_tag=np.empty(refs, np.int32),
        ref_kind=np.empty(refs, np.int8),
        ref_offset=np.empty(refs, np.int64),
        ref_length=np.empty(refs, np.int64),
        note_offset=np.empty(notes, np.int64),
        note_kind=np.empty(notes, np.int8),
        described_tag=np.empty(refs, np.int32),
        described_start=np.empty(refs, np.int64),
        described_length=np.empty(refs, np.int64),
        counts=np.zeros(6, np.int64),
        times=np.array([np.nan, np.nan]),
    )


def _copy_into(columns: tuple[npt.NDArray[Any], ...], longer: tuple[npt.NDArray[Any], ...]) -> None:
    for old, new in zip(columns, longer, strict=True):
        new[: len(old)] = old


@inlined
def _same_name(data: Bytes, position: Int64, length: Int64, table: TagTable, tag: Int64) -> bool:
    start = table.start[tag]
    if table.start[tag + 1] - start != length:
        return False
    k = np.int64(0)
    while k + 8 <= length:
        if load_i64(data, position + k) != load_i64(table.names, start + k):
            return False
        k += 8
    while k < length:
        if load_u8(data, position + k) != load_u8(table.names, start + k):
            return False
        k += 1
    return True


@inlined
def _intern(data: Bytes, position: Int64, length: Int64, table: TagTable) -> Int64:
    """Return the number of a tag name, a new one when it is new, -1 when the table is full."""
    last = table.size[2]
    guess = np.int64(table.follower[last])
    if guess < table.size[0] and _same_name(data, position, length, table, guess):
        table.size[2] = guess
        return guess
    # FNV-1a (Fowler, Noll, Vo), folded so that the low bits that choose the slot depend on all.
    fnv = np.int64(-3750763034362895579)
    for k in range(length):
        fnv = (fnv ^ load_u8(data, position + k)) * np.int64(1099511628211)
    fnv ^= fnv >> 32
    mask = np.int64(len(table.slots) - 1)
    slot = fnv & mask
    tag = np.int64(-1)
    while table.slots[slot] != 0:
        candidate = np.int64(table.slots[slot] - 1)
        if table.hashes[candidate] == fnv and _same_name(data, position, length, table, candidate):
            tag = candidate
            break
        slot = (slot + 1) & mask
    if tag < 0:
        tag = _add_tag(data, position, length, table, fnv, slot)
        if tag < 0:
            return tag
    table.follower[last] = tag
    table.size[2] = tag
    return tag


@inlined
def _add_tag(
    data: Bytes, position: Int64, length: Int64, table: TagTable, fnv: Int64, slot: Int64
) -> Int64:
    tag = table.size[0]
    used = table.size[1]
    if tag >= len(table.hashes) or used + length > len(table.names):
        return np.int64(-1)
    for k in range(length):
        table.names[used + k] = load_u8(data, position + k)
    table.hashes[tag] = fnv
    table.start[tag] = used
    table.start[tag + 1] = used + length
    table.follower[tag] = 0
    table.described[tag] = 0
    table.slots[slot] = tag + 1
    table.size[0] = tag + 1
    table.size[1] = used + length
    return tag


@inlined
def _note(out: Output, offset: Int64, kind: Int64) -> None:
    # Past its room the array holds the first notes; the count goes on.
    n = out.counts[N_NOTES]
    if n < len(out.note_offset):
        out.note_offset[n] = offset
        out.note_kind[n] = kind
    out.counts[N_NOTES] = n + 1


@inlined
def _refer(
    out: Output,
    wall_time: float,
    step: Int64,
    tag: Int64,
    kind: Int64,
    offset: Int64,
    length: Int64,
) -> bool:
    n = out.counts[N_REFS]
    if n >= len(out.ref_step):
        return False
    out.ref_wall_time[n] = wall_time
    out.ref_step[n] = step
    out.ref_tag[n] = tag
    out.ref_kind[n] = kind
    out.ref_offset[n] = offset
    out.ref_length[n] = length
    out.counts[N_REFS] = n + 1
    return True


# How taking in a message ended. The last three: there was no room in that part of the output.
OK, MALFORMED, FULL_TAGS, FULL_SCALARS, FULL_REFS = 0, 1, 2, 3, 4


BROKEN = -1


class ValueFields(NamedTuple):
    """What one `Summary.Value` holds: where its parts lie in the bytes, and its number.

    `kind` is `BROKEN` when the message is malformed; `about` is -1 without metadata.
    """

    kind: Int64
    number: float
    name: Int64
    name_length: Int64
    about: Int64
    about_length: Int64
    body: Int64
    body_length: Int64


@inlined
def _no_value() -> ValueFields:
    zero = np.int64(0)
    return ValueFields(np.int64(BROKEN), 0.0, zero, zero, np.int64(-1), zero, zero, zero)


@inlined
def _value_fields(data: Bytes, start: Int64, end: Int64) -> ValueFields:
    """Find the fields of a `Summary.Value`; without a tag, the name of its node stands in."""
    position = np.int64(start)
    name, name_length = np.int64(0), np.int64(0)
    node, node_length = np.int64(0), np.int64(0)
    about, about_length = np.int64(-1), np.int64(0)
    body, body_length = np.int64(0), np.int64(0)
    kind: Int64 = np.int64(NOTHING)
    number = 0.0
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return _no_value()
        if key == 21:  # simple_value = 2, fixed 32 bit
            if position + 4 > end:
                return _no_value()
            kind, number = np.int64(SIMPLE), np.float64(load_f32(data, position))
            position += 4
        elif key & 7 == 2:
            length, position = block(data, position, end)
            if position < 0:
                return _no_value()
            field = key >> 3
            if field == 1:
                name, name_length = position, length
            elif field == 7:
                node, node_length = position, length
            elif field == 9:
                about, about_length = position, length
            elif field in (3, 4, 5, 6, 8):
                kind, body, body_length = field, position, length
            position += length
        else:
            position = skip(data, key & 7, position, end)
            if position < 0:
                return _no_value()
    if name_length == 0:
        name, name_length = node, node_length
    return ValueFields(kind, number, name, name_length, about, about_length, body, body_length)


@inlined
def _describe(out: Output, table: TagTable, tag: Int64, start: Int64, length: Int64) -> bool:
    """Note where the first metadata of a tag lies; False when there is no room."""
    if start < 0 or table.described[tag] != 0:
        return True
    n = out.counts[N_DESCRIPTIONS]
    if n >= len(out.described_tag):
        return False
    out.described_tag[n] = tag
    out.described_start[n] = start
    out.described_length[n] = length
    out.counts[N_DESCRIPTIONS] = n + 1
    table.described[tag] = 1
    return True


@inlined
def _add_scalar(out: Output, wall_time: float, step: Int64, tag: Int64, number: float) -> bool:
    n = out.counts[N_SCALARS]
    if n >= len(out.step):
        return False
    out.wall_time[n] = wall_time
    out.step[n] = step
    out.value[n] = number
    out.tag[n] = tag
    out.counts[N_SCALARS] = n + 1
    return True


@inlined
def _scan_value(
    data: Bytes,
    start: Int64,
    end: Int64,
    base: Int64,
    wall_time: float,
    step: Int64,
    max_tag: Int64,
    table: TagTable,
    out: Output,
) -> Int64:
    """Take in one `Summary.Value`: a scalar point, or a reference to something heavy."""
    found = _value_fields(data, start, end)
    if found.kind == BROKEN:
        return MALFORMED
    if found.kind == NOTHING and found.about < 0:
        return OK  # torch's add_video without its codec writes such: there is nothing to keep
    if found.name_length > max_tag:
        _note(out, base + start, LONG_TAG)
        return OK
    tag = _intern(data, found.name, found.name_length, table)
    if tag < 0:
        return FULL_TAGS
    number, is_scalar = found.number, bool(found.kind == SIMPLE)
    if found.kind == TENSOR:
        number, is_scalar = scalar_tensor(data, found.body, found.body + found.body_length)
    if not _describe(out, table, tag, found.about, found.about_length):
        return FULL_REFS
    if is_scalar:
        return OK if _add_scalar(out, wall_time, step, tag, number) else FULL_SCALARS
    fits = _refer(out, wall_time, step, tag, found.kind, base + start, end - start)
    return OK if fits else FULL_REFS


@inlined
def _scan_summary(
    data: Bytes,
    position: Int64,
    end: Int64,
    base: Int64,
    wall_time: float,
    step: Int64,
    max_tag: Int64,
    table: TagTable,
    out: Output,
) -> Int64:
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return MALFORMED
        if key == 10:  # value = 1
            length, position = block(data, position, end)
            if position < 0:
                return MALFORMED
            answer = _scan_value(
                data, position, position + length, base, wall_time, step, max_tag, table, out
            )
            if answer != OK:
                return answer
            position += length
        else:
            position = skip(data, key & 7, position, end)
            if position < 0:
                return MALFORMED
    return OK


@inlined
def _scan_event(
    data: Bytes, start: Int64, end: Int64, base: Int64, max_tag: Int64, table: TagTable, out: Output
) -> Int64:
    """Take in one `Event`: its time and step first, since its fields may come in any order."""
    wall_time = 0.0
    step = np.int64(0)
    position = np.int64(start)
    first_body = np.int64(end)
    while position < end:
        begin = position
        key, position = varint(data, position, end)
        if position < 0:
            return MALFORMED
        if key == 9:  # wall_time = 1
            if position + 8 > end:
                return MALFORMED
            wall_time = load_f64(data, position)
            position += 8
        elif key == 16:  # step = 2
            step, position = varint(data, position, end)
        else:
            first_body = min(first_body, begin)
            position = skip(data, key & 7, position, end)
        if position < 0:
            return MALFORMED
    if wall_time != wall_time:
        _note(out, base + start - HEADER_BYTES, NO_TIME)
    else:
        if not out.times[FIRST_TIME] == out.times[FIRST_TIME]:
            out.times[FIRST_TIME] = wall_time
            out.times[LAST_TIME] = wall_time
        out.times[LAST_TIME] = max(out.times[LAST_TIME], wall_time)
    out.counts[N_EVENTS] += 1
    position = first_body
    while position < end:
        key, position = varint(data, position, end)
        if key & 7 != 2:
            position = skip(data, key & 7, position, end)
            continue
        length, position = block(data, position, end)
        field = key >> 3
        if field == 5:
            answer = _scan_summary(
                data, position, position + length, base, wall_time, step, max_tag, table, out
            )
            if answer != OK:
                return answer
        elif 4 <= field <= 9:
            kind = GRAPH
            if field == 6:
                kind = LOG_MESSAGE
            elif field == 7:
                kind = SESSION
            elif field == 8:
                kind = RUN_METADATA
            elif field == 9:
                kind = META_GRAPH
            if not _refer(out, wall_time, step, -1, kind, base + position, length):
                return FULL_REFS
        position += length
    return OK


@kernel
def scan(
    data: Bytes, start: Int64, end: Int64, base: Int64, max_tag: Int64, table: TagTable, out: Output
) -> Int64:
    """Take in the whole records of `data[start:end]`, whose boundaries `framing.walk` has found.

    Args:
        data: Bytes of the file, uint8.
        start: First byte of the first record.
        end: Byte behind the last record.
        base: Offset in the file of `data[0]`.
        max_tag: Longer tag names are noted instead of kept.
        table: Tags of this file so far; new ones are added.
        out: Filled from its counts on.

    Returns:
        Where scanning stopped: `end`, or the start of a record for which `table` or `out` has no
        room left (see `make_room`); nothing of that record is counted.
    """
    position = np.int64(start)
    while position < end:
        payload = position + HEADER_BYTES
        length = load_i64(data, position)
        footer = payload + length
        if masked_crc32c(data, payload, length) != load_u32(data, footer):
            _note(out, base + position, BAD_CHECKSUM)
            position = footer + FOOTER_BYTES
            continue
        scalars, refs = out.counts[N_SCALARS], out.counts[N_REFS]
        notes, events = out.counts[N_NOTES], out.counts[N_EVENTS]
        answer = _scan_event(data, payload, footer, base, max_tag, table, out)
        if answer != OK:
            out.counts[N_SCALARS] = scalars
            out.counts[N_REFS] = refs
            out.counts[N_NOTES] = notes
            out.counts[N_EVENTS] = events
            if answer != MALFORMED:
                out.counts[NO_ROOM_IN] = answer
                return position
            _note(out, base + position, BAD_EVENT)
        position = footer + FOOTER_BYTES
    return position


@kernel
def group(
    tag: Column,
    rename: Column,
    wall_time: Column,
    step: Column,
    value: Column,
    stop: Column,
    out: Column,
) -> None:
    """Sort columns by tag, keeping file order within each tag (a counting sort).

    Args:
        tag: Tag number of each point in the scanned file, int32, shape (n,).
        rename: The run's number for each of these, int32.
        wall_time: float64, shape (n,).
        step: int64, shape (n,).
        value: float64, shape (n,).
        stop: Zeros, int64, shape (tags + 1,). Filled with where each tag ends in the sorted
            columns; the last element is to be ignored.
        out: The sorted wall_time, step and value, shape (n,) each.
    """
    n = len(tag)
    for k in range(n):
        stop[rename[tag[k]] + 1] += 1
    for t in range(1, len(stop)):
        stop[t] += stop[t - 1]
    for k in range(n):
        number = rename[tag[k]]
        place = stop[number]
        out[0][place] = wall_time[k]
        out[1][place] = step[k]
        out[2][place] = value[k]
        stop[number] = place + 1
