"""Find the record boundaries of a record file, without looking into the records.

One record, little-endian: uint64 length, uint32 masked CRC-32C of those 8 bytes, `length`
payload bytes, uint32 masked CRC-32C of the payload.
"""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import (
    Bytes,
    Int64,
    kernel,
    load_i64,
    load_u8,
    load_u32,
    masked_crc32c,
)

HEADER_BYTES = 12
FOOTER_BYTES = 4

# Why a walk over records stopped.
CUT = 0  # the bytes end inside a record, or exactly behind one
ZEROS = 1  # the header is all zero: written blocks that have yet to arrive, or never will
DAMAGED = 2  # the length does not match its checksum, or is beyond reason


@kernel
def walk(data: Bytes, start: Int64, end: Int64, max_payload: Int64) -> tuple[Int64, Int64]:
    """Follow the lengths of whole records in `data[start:end]`.

    Returns:
        The end of the last whole record, and why no further one was found: `CUT`, `ZEROS` or
        `DAMAGED`.
    """
    position = np.int64(start)
    while position + HEADER_BYTES <= end:
        length = load_i64(data, position)
        checksum = load_u32(data, position + 8)
        if length == 0 and checksum == 0:
            return position, ZEROS
        if length < 0 or length > max_payload or masked_crc32c(data, position, 8) != checksum:
            return position, DAMAGED
        following = position + HEADER_BYTES + length + FOOTER_BYTES
        if following > end:
            return position, CUT
        position = following
    return position, CUT


@kernel
def find_record(data: Bytes, start: Int64, end: Int64, max_payload: Int64) -> Int64:
    """Return where the next believable record header stands in `data[start:end]`.

    A header is believed when its length matches its checksum: chance does that once in four
    billion positions. The last `HEADER_BYTES - 1` bytes cannot be judged; without a find, the
    first of these is returned.
    """
    position = np.int64(start)
    last = end - HEADER_BYTES
    while position <= last:
        length = load_i64(data, position)
        if 0 <= length <= max_payload:
            checksum = load_u32(data, position + 8)
            is_blank = length == 0 and checksum == 0
            if not is_blank and masked_crc32c(data, position, 8) == checksum:
                return position
        position += 1
    return max(position, np.int64(start))


@kernel
def last_record(data: Bytes, start: Int64, end: Int64) -> Int64:
    """Return the start of the last of the whole records that fill `data[start:end]`."""
    position = np.int64(start)
    following = position
    while following < end:
        position = following
        following = position + HEADER_BYTES + load_i64(data, position) + FOOTER_BYTES
    return position


@kernel
def count_zeros(data: Bytes, start: Int64, end: Int64) -> Int64:
    """Return how many zero bytes `data[start:end]` begins with."""
    position = np.int64(start)
    while position < end and load_u8(data, position) == 0:
        position += 1
    return position - start


def length_at(data: Bytes, position: int) -> int:
    """Return the payload length that the header at `position` states."""
    return int.from_bytes(bytes(data[position : position + 8]), "little")
