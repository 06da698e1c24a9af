"""Walk protobuf's wire format in place, checking every position before it is read.

See https://protobuf.dev/programming-guides/encoding: a field is a key (number and wire type) and
a number, 4 or 8 bytes, or a block of stated length.
"""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import Bytes, Int64, kernel, load_u8


@kernel
def varint(data: Bytes, position: Int64, end: Int64) -> tuple[Int64, Int64]:
    """Read a base-128 number; the new position is -1 when it is cut or too long."""
    if position < end:
        first = load_u8(data, position)
        if first < 128:  # most keys, lengths and steps
            return first, position + 1
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


@kernel
def block(data: Bytes, position: Int64, end: Int64) -> tuple[Int64, Int64]:
    """Read the length of a length-delimited field and check that it fits; start is -1 if not."""
    length, start = varint(data, position, end)
    if start < 0 or length < 0 or length > end - start:
        return np.int64(0), np.int64(-1)
    return length, start


@kernel
def skip(data: Bytes, wire_type: Int64, position: Int64, end: Int64) -> Int64:
    """Return the position behind a field of any wire type, -1 when it does not fit."""
    if wire_type == 0:
        return varint(data, position, end)[1]
    if wire_type == 1:
        return position + 8 if position + 8 <= end else np.int64(-1)
    if wire_type == 2:
        length, start = block(data, position, end)
        return start + length if start >= 0 else np.int64(-1)
    if wire_type == 5:
        return position + 4 if position + 4 <= end else np.int64(-1)
    return np.int64(-1)
