"""Decode a TensorProto that holds a single number, whatever its dtype and however it is stored.

The dtype numbers are those of TensorFlow's DataType; the number stands in `tensor_content`, or
first in the `*_val` list of its dtype, packed or not.
"""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import (
    Bytes,
    Int64,
    kernel,
    load_f32,
    load_f64,
    load_i64,
    load_u8,
    load_u32,
)
from gpuboard.eventlog.wire import block, skip, varint


@kernel
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


@kernel
def _signed(bits: Int64, width: Int64) -> Int64:
    shift = np.int64(64 - width)
    return (bits << shift) >> shift


@kernel
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


@kernel
def _from_16_bits(dtype: Int64, bits: Int64) -> float:
    if dtype == 5:
        return np.float64(_signed(bits, 16))
    if dtype == 17:
        return np.float64(bits)
    if dtype == 19:
        return _half_to_double(bits)
    # A bfloat16 is the upper half of a float32.
    return np.float64(np.uint32(bits << 16).view(np.float32))


@kernel
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
    bits, following = varint(data, position, position + length)
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


@kernel
def _is_one_element(data: Bytes, position: Int64, end: Int64) -> bool:
    """Tell whether a TensorShapeProto says [] or [1]."""
    rank = 0
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return False
        if key == 18:  # dim = 2
            length, start = block(data, position, end)
            if start < 0:
                return False
            rank += 1
            if rank > 1 or not _is_dim_of_one(data, start, start + length):
                return False
            position = start + length
        elif key == 24:  # unknown_rank = 3
            unknown, position = varint(data, position, end)
            if position < 0 or unknown != 0:
                return False
        else:
            position = skip(data, key & 7, position, end)
            if position < 0:
                return False
    return True


@kernel
def _is_dim_of_one(data: Bytes, position: Int64, end: Int64) -> bool:
    size = np.int64(0)
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return False
        if key == 8:  # size = 1
            size, position = varint(data, position, end)
        else:
            position = skip(data, key & 7, position, end)
        if position < 0:
            return False
    return size == 1


@kernel
def scalar_tensor(data: Bytes, position: Int64, end: Int64) -> tuple[float, bool]:
    """Decode a TensorProto that holds one number of shape [] or [1]; False for all others."""
    dtype = np.int64(0)
    content, content_length = np.int64(-1), np.int64(0)
    listed, listed_length, listed_field = np.int64(-1), np.int64(0), np.int64(0)
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return 0.0, False
        field, wire_type = key >> 3, key & 7
        begin = position
        if field == 1 and wire_type == 0:
            dtype, position = varint(data, position, end)
        else:
            position = skip(data, wire_type, position, end)
        if position < 0:
            return 0.0, False
        start = begin
        if wire_type == 2:
            _, start = block(data, begin, end)
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
