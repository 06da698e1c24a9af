"""Turn whole records of an event file into columns, in one compiled pass over the bytes.

For every record the payload's checksum is tested and the protobuf wire format of `Event` and
`Summary` (see proto/event.proto) is walked in place. Scalars are decoded at once, everything
heavy becomes a reference (offset, length) into the file, and tag names are interned on the way.
Every position is checked against the end of its message before it is read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.framing import FOOTER_BYTES, HEADER_BYTES
from gpuboard.eventlog.native import (
    Bytes,
    Column,
    Int64,
    load_f32,
    load_f64,
    load_i64,
    load_u8,
    load_u32,
    masked_crc32c,
)

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


# The arrays outlive every kernel, so none of them needs numba's reference counting: counting
# twenty arrays at each call made a scan twelve times slower (400 ms against 33 ms a million
# records). For the same reason everything that takes the tuples is inlined into `scan`.
_kernel = numba.njit(cache=True, nogil=True, _nrt=False)
_inlined = numba.njit(cache=True, nogil=True, _nrt=False, inline="always")


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


@_kernel
def _varint(data: Bytes, position: Int64, end: Int64) -> tuple[Int64, Int64]:
    """Read a base-128 number; the new position is -1 when it is cut or too long."""
    result = np.int64(0)
    shift = np.int64(0)
    while position < end and shift < 64:
        byte = load_u8(data, position)
        position += 1
        result |= (byte & 127) << shift
        if byte < 128:
            return result, position
        shift += 7
    return np.int64(0), np.int64(-1)


@_kernel
def _block(data: Bytes, position: Int64, end: Int64) -> tuple[Int64, Int64]:
    """Read the length of a length-delimited field and check that it fits; start is -1 if not."""
    length, start = _varint(data, position, end)
    if start < 0 or length < 0 or length > end - start:
        return np.int64(0), np.int64(-1)
    return length, start


@_kernel
def _skip(data: Bytes, wire_type: Int64, position: Int64, end: Int64) -> Int64:
    """Return the position behind a field of any wire type, -1 when it does not fit."""
    if wire_type == 0:
        return _varint(data, position, end)[1]
    if wire_type == 1:
        return position + 8 if position + 8 <= end else np.int64(-1)
    if wire_type == 2:
        length, start = _block(data, position, end)
        return start + length if start >= 0 else np.int64(-1)
    if wire_type == 5:
        return position + 4 if position + 4 <= end else np.int64(-1)
    return np.int64(-1)


@_inlined
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


@_inlined
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


@_inlined
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


@_kernel
def _half_to_double(bits: Int64) -> float:
    """Decode an IEEE 754 binary16."""
    sign = -1.0 if bits & 0x8000 else 1.0
    exponent = (bits >> 10) & 31
    fraction = bits & 1023
    if exponent == 31:
        return sign * np.inf if fraction == 0 else np.nan
    if exponent == 0:
        return sign * fraction * 2.0**-24
    return sign * (1024 + fraction) * 2.0 ** (exponent - 25)


@_kernel
def _signed(bits: Int64, width: Int64) -> Int64:
    shift = np.int64(64 - width)
    return (bits << shift) >> shift


@_kernel
def _from_bits(data: Bytes, dtype: Int64, position: Int64, length: Int64) -> tuple[float, bool]:
    """Decode one number of `tensor_content`; the dtype numbers are TensorFlow's DataType."""
    if dtype == 1 and length == 4:  # float32
        return np.float64(load_f32(data, position)), True
    if dtype == 2 and length == 8:  # float64
        return load_f64(data, position), True
    if dtype == 9 and length == 8:  # int64
        return np.float64(load_i64(data, position)), True
    if dtype == 23 and length == 8:  # uint64
        return np.float64(np.uint64(load_i64(data, position))), True
    if dtype in (3, 22) and length == 4:  # int32, uint32
        bits = load_u32(data, position)
        return np.float64(_signed(bits, 32) if dtype == 3 else bits), True
    if dtype in (5, 14, 17, 19) and length == 2:  # int16, bfloat16, uint16, float16
        bits = load_u8(data, position) | load_u8(data, position + 1) << 8
        return _from_16_bits(dtype, bits), True
    if dtype in (4, 6, 10) and length == 1:  # uint8, int8, bool
        bits = load_u8(data, position)
        return np.float64(_signed(bits, 8) if dtype == 6 else bits), True
    return 0.0, False


@_kernel
def _from_16_bits(dtype: Int64, bits: Int64) -> float:
    if dtype == 5:
        return np.float64(_signed(bits, 16))
    if dtype == 17:
        return np.float64(bits)
    if dtype == 19:
        return _half_to_double(bits)
    # A bfloat16 is the upper half of a float32.
    return np.float64(np.uint32(bits << 16).view(np.float32))


@_kernel
def _from_list(
    data: Bytes, field: Int64, dtype: Int64, position: Int64, length: Int64
) -> tuple[float, bool]:
    """Decode the first number of a `*_val` list, given as packed bytes."""
    if length == 0:
        return 0.0, False
    if field == 5 and dtype == 1 and length >= 4:
        return np.float64(load_f32(data, position)), True
    if field == 6 and dtype == 2 and length >= 8:
        return load_f64(data, position), True
    bits, following = _varint(data, position, position + length)
    if following < 0:
        return 0.0, False
    if field == 7 and dtype in (3, 4, 5, 6, 17):
        return np.float64(_signed(bits, 32)), True
    if field == 10 and dtype == 9:
        return np.float64(bits), True
    if field == 11 and dtype == 10:
        return np.float64(bits != 0), True
    if field == 13 and dtype in (14, 19):
        return _from_16_bits(dtype, bits & 0xFFFF), True
    if field == 16 and dtype == 22:
        return np.float64(bits & 0xFFFFFFFF), True
    if field == 17 and dtype == 23:
        return np.float64(np.uint64(bits)), True
    return 0.0, False


@_kernel
def _is_one_element(data: Bytes, position: Int64, end: Int64) -> bool:
    """Tell whether a TensorShapeProto says [] or [1]."""
    rank = 0
    while position < end:
        key, position = _varint(data, position, end)
        if position < 0:
            return False
        if key == 18:  # dim = 2
            length, start = _block(data, position, end)
            if start < 0:
                return False
            rank += 1
            if rank > 1 or not _is_dim_of_one(data, start, start + length):
                return False
            position = start + length
        elif key == 24:  # unknown_rank = 3
            unknown, position = _varint(data, position, end)
            if position < 0 or unknown != 0:
                return False
        else:
            position = _skip(data, key & 7, position, end)
            if position < 0:
                return False
    return True


@_kernel
def _is_dim_of_one(data: Bytes, position: Int64, end: Int64) -> bool:
    size = np.int64(0)
    while position < end:
        key, position = _varint(data, position, end)
        if position < 0:
            return False
        if key == 8:  # size = 1
            size, position = _varint(data, position, end)
        else:
            position = _skip(data, key & 7, position, end)
        if position < 0:
            return False
    return size == 1


@_kernel
def _scalar_tensor(data: Bytes, position: Int64, end: Int64) -> tuple[float, bool]:
    """Decode a TensorProto that holds one number of shape [] or [1]; False for all others."""
    dtype = np.int64(0)
    content, content_length = np.int64(-1), np.int64(0)
    listed, listed_length, listed_field = np.int64(-1), np.int64(0), np.int64(0)
    while position < end:
        key, position = _varint(data, position, end)
        if position < 0:
            return 0.0, False
        field, wire_type = key >> 3, key & 7
        begin = position
        if field == 1 and wire_type == 0:
            dtype, position = _varint(data, position, end)
        else:
            position = _skip(data, wire_type, position, end)
        if position < 0:
            return 0.0, False
        start = begin
        if wire_type == 2:
            _, start = _block(data, begin, end)
            if field == 2 and not _is_one_element(data, start, position):
                return 0.0, False
        if field == 4 and wire_type == 2:
            content, content_length = start, position - start
        elif field >= 5 and listed < 0 and position > start:
            # Writers may pack the list or not; unpacked, the element itself stands here.
            listed, listed_length, listed_field = start, position - start, field
    if content >= 0 and content_length > 0:
        return _from_bits(data, dtype, content, content_length)
    if listed >= 0:
        return _from_list(data, listed_field, dtype, listed, listed_length)
    # TensorFlow leaves out what is all zero.
    is_number = bool(1 <= dtype <= 6 or dtype in (9, 10, 14, 17, 19, 22, 23))
    return 0.0, is_number


@_inlined
def _note(out: Output, offset: Int64, kind: Int64) -> None:
    # Past its room the array holds the first notes; the count goes on.
    n = out.counts[N_NOTES]
    if n < len(out.note_offset):
        out.note_offset[n] = offset
        out.note_kind[n] = kind
    out.counts[N_NOTES] = n + 1


@_inlined
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


@_inlined
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
    position = np.int64(start)
    name, name_length = np.int64(0), np.int64(0)
    node, node_length = np.int64(0), np.int64(0)
    about, about_length = np.int64(-1), np.int64(0)
    body, body_length = np.int64(0), np.int64(0)
    kind: Int64 = np.int64(NOTHING)
    number = 0.0
    while position < end:
        key, position = _varint(data, position, end)
        if position < 0:
            return MALFORMED
        if key == 21:  # simple_value = 2, fixed 32 bit
            if position + 4 > end:
                return MALFORMED
            kind, number = SIMPLE, np.float64(load_f32(data, position))
            position += 4
        elif key & 7 == 2:
            length, position = _block(data, position, end)
            if position < 0:
                return MALFORMED
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
            position = _skip(data, key & 7, position, end)
            if position < 0:
                return MALFORMED
    if name_length == 0:
        name, name_length = node, node_length
    if kind == NOTHING and about < 0:
        return OK  # torch's add_video without its codec writes such: there is nothing to keep
    if name_length > max_tag:
        _note(out, base + start, LONG_TAG)
        return OK
    tag = _intern(data, name, name_length, table)
    if tag < 0:
        return FULL_TAGS
    is_scalar = bool(kind == SIMPLE)
    if kind == TENSOR:
        number, is_scalar = _scalar_tensor(data, body, body + body_length)
    if about >= 0 and table.described[tag] == 0:
        n = out.counts[N_DESCRIPTIONS]
        if n >= len(out.described_tag):
            return FULL_REFS
        out.described_tag[n] = tag
        out.described_start[n] = about
        out.described_length[n] = about_length
        out.counts[N_DESCRIPTIONS] = n + 1
        table.described[tag] = 1
    if is_scalar:
        n = out.counts[N_SCALARS]
        if n >= len(out.step):
            return FULL_SCALARS
        out.wall_time[n] = wall_time
        out.step[n] = step
        out.value[n] = number
        out.tag[n] = tag
        out.counts[N_SCALARS] = n + 1
        return OK
    fits = _refer(out, wall_time, step, tag, kind, base + start, end - start)
    return OK if fits else FULL_REFS


@_inlined
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
        key, position = _varint(data, position, end)
        if position < 0:
            return MALFORMED
        if key == 10:  # value = 1
            length, position = _block(data, position, end)
            if position < 0:
                return MALFORMED
            answer = _scan_value(
                data, position, position + length, base, wall_time, step, max_tag, table, out
            )
            if answer != OK:
                return answer
            position += length
        else:
            position = _skip(data, key & 7, position, end)
            if position < 0:
                return MALFORMED
    return OK


@_inlined
def _scan_event(
    data: Bytes, start: Int64, end: Int64, base: Int64, max_tag: Int64, table: TagTable, out: Output
) -> Int64:
    """Take in one `Event`: its time and step first, since its fields may come in any order."""
    wall_time = 0.0
    step = np.int64(0)
    position = np.int64(start)
    bodies = 0
    while position < end:
        key, position = _varint(data, position, end)
        if position < 0:
            return MALFORMED
        if key == 9:  # wall_time = 1
            if position + 8 > end:
                return MALFORMED
            wall_time = load_f64(data, position)
            position += 8
        elif key == 16:  # step = 2
            step, position = _varint(data, position, end)
        else:
            field = key >> 3
            if key & 7 == 2 and 4 <= field <= 9:
                bodies += 1
            position = _skip(data, key & 7, position, end)
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
    if bodies == 0:
        return OK
    position = np.int64(start)
    while position < end:
        key, position = _varint(data, position, end)
        if key & 7 != 2:
            position = _skip(data, key & 7, position, end)
            continue
        length, position = _block(data, position, end)
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


@_kernel
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


@_kernel
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
