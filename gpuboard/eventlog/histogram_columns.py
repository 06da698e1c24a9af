"""Read histograms out of the bytes of `Summary.Value` messages, in one compiled pass.

Read is what every writer in use writes: a HistogramProto with its two columns packed, or a tensor
of doubles of shape [k, 3] with its bytes in `tensor_content`. Whatever else stands there, errors
included, is told apart and left to a slower decoder.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.native import Bytes, Column, Int64, kernel, load_f64
from gpuboard.eventlog.wire import block, skip, varint

Float64s = npt.NDArray[np.float64]

MINIMUM, MAXIMUM, NUM, SUM, SUM_SQUARES = range(5)  # columns of `Room.facts`
_LARGEST = float(np.finfo(np.float64).max)  # an edge this far out stands for "no edge"
_DOUBLES, _TENSOR_BUCKET_BYTES = 2, 24
_OTHER = np.int64(-1)


class Room(NamedTuple):
    """Room for the buckets of many histograms, and for five facts about each of them."""

    left: Float64s
    right: Float64s
    counts: Float64s
    facts: Float64s


def make_room(buckets: int, histograms: int) -> Room:
    """Return room for so many buckets and histograms."""
    return Room(np.empty(buckets), np.empty(buckets), np.empty(buckets), np.zeros((histograms, 5)))


@kernel
def read_histograms(
    data: Bytes,
    begin: Column,
    end: Column,
    most: Int64,
    out: Room,
    start: Column,
    is_read: Column,
) -> None:
    """Read those of many `Summary.Value` messages that are plain histograms.

    Args:
        data: Bytes, uint8.
        begin: First byte of each message, shape (n,).
        end: Byte behind each.
        most: A histogram of more buckets is left to the other decoder.
        out: Filled with the buckets of those that were read, one after the other, and with a row
            of `facts` for each; needs room for a bucket for every 16 bytes.
        start: Zeros, shape (n + 1,); filled with the first bucket of each that was read.
        is_read: Filled with whether a message was read, bool, shape (n,).
    """
    row = np.int64(0)
    for k in range(len(begin)):
        at = start[row]
        buckets = _read_value(data, begin[k], end[k], most, out, at, row)
        is_read[k] = buckets >= 0
        if buckets >= 0:
            row += 1
            start[row] = at + buckets


@kernel
def _read_value(
    data: Bytes,
    position: Int64,
    end: Int64,
    most: Int64,
    out: Room,
    at: Int64,
    row: Int64,
) -> Int64:
    """Read one value; return its number of buckets, -1 for what is left to the other decoder."""
    form, body, body_end = np.int64(0), np.int64(0), np.int64(0)
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return _OTHER
        field = key >> 3
        if 2 <= field <= 8 and field != 7:
            if form != 0 or key & 7 != 2:
                return _OTHER
            length, body = block(data, position, end)
            if body < 0:
                return _OTHER
            form, body_end = field, body + length
            position = body_end
        else:
            position = skip(data, key & 7, position, end)
            if position < 0:
                return _OTHER
    if form == 5:
        return _read_histo(data, body, body_end, most, out, at, row)
    if form == 8:
        return _read_tensor(data, body, body_end, most, out, at, row)
    return _OTHER


@kernel
def _read_histo(
    data: Bytes,
    position: Int64,
    end: Int64,
    most: Int64,
    out: Room,
    at: Int64,
    row: Int64,
) -> Int64:
    edges, edges_length = np.int64(-1), np.int64(0)
    counts, counts_length = np.int64(-1), np.int64(0)
    for k in range(5):
        out.facts[row, k] = 0.0
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return _OTHER
        field = key >> 3
        if 1 <= field <= 5 and key & 7 == 1 and position + 8 <= end:
            out.facts[row, field - 1] = load_f64(data, position)
            position += 8
        elif 6 <= field <= 7:
            length, body = block(data, position, end)
            is_second = (edges if field == 6 else counts) >= 0
            if key & 7 != 2 or body < 0 or length % 8 != 0 or is_second:
                return _OTHER
            if field == 6:
                edges, edges_length = body, length
            else:
                counts, counts_length = body, length
            position = body + length
        else:
            return _OTHER
    if edges_length != counts_length or counts_length // 8 > most:
        return _OTHER
    return _copy_histo(data, edges, counts, counts_length // 8, out, at, row)


@kernel
def _copy_histo(
    data: Bytes,
    edges: Int64,
    counts: Int64,
    n: Int64,
    out: Room,
    at: Int64,
    row: Int64,
) -> Int64:
    """Copy the buckets between the first and the last that is not empty."""
    first, last = n, np.int64(-1)
    total = 0.0
    for k in range(n):
        c = load_f64(data, counts + 8 * k)
        if not (c >= 0.0 and c < np.inf):
            return _OTHER
        if c > 0.0:
            first, last = min(first, k), np.int64(k)
            total += c
    if last < 0:
        first = np.int64(0)
    k_left = -np.inf if first == 0 else load_f64(data, edges + 8 * (first - 1))
    for k in range(first, last + 1):
        k_right = load_f64(data, edges + 8 * k)
        out.left[at + k - first], out.right[at + k - first] = k_left, k_right
        out.counts[at + k - first] = load_f64(data, counts + 8 * k)
        k_left = k_right
    buckets = last + 1 - first
    if buckets > 0:
        low, high = out.facts[row, MINIMUM], out.facts[row, MAXIMUM]
        # Only what is plain: all other ends are the other decoder's.
        if not (out.left[at] <= low <= out.right[at] and abs(low) < _LARGEST):
            return _OTHER
        out.left[at] = low
        end = at + buckets - 1
        if not (out.left[end] <= high <= out.right[end] and abs(high) < _LARGEST):
            return _OTHER
        out.right[end] = high
        if not _ascends(out, at, buckets):
            return _OTHER
    num = out.facts[row, NUM]
    if not (num >= total and num < np.inf):
        out.facts[row, NUM] = total
    return buckets


@kernel
def _ascends(out: Room, at: Int64, buckets: Int64) -> bool:
    for k in range(at, at + buckets):
        if not (
            out.left[k] <= out.right[k]
            and abs(out.left[k]) < _LARGEST
            and abs(out.right[k]) < _LARGEST
        ):
            return False
        if k > at and not (out.left[k] >= out.left[k - 1] and out.right[k] >= out.right[k - 1]):
            return False
    return True


@kernel
def _read_tensor(
    data: Bytes,
    position: Int64,
    end: Int64,
    most: Int64,
    out: Room,
    at: Int64,
    row: Int64,
) -> Int64:
    dtype, rows = np.int64(0), _OTHER
    content, content_length = np.int64(-1), np.int64(0)
    while position < end:
        key, position = varint(data, position, end)
        if position < 0:
            return _OTHER
        if key == 8:
            dtype, position = varint(data, position, end)
        elif key in (18, 34):  # tensor_shape = 2, tensor_content = 4
            length, body = block(data, position, end)
            if body < 0:
                return _OTHER
            if key == 34:
                content, content_length = body, length
            else:
                rows = _rows(data, body, body + length)
            position = body + length
        else:
            position = skip(data, key & 7, position, end)
        if position < 0:
            return _OTHER
    is_plain = rows > 0 and dtype == _DOUBLES and content_length == rows * _TENSOR_BUCKET_BYTES
    if not is_plain or rows > most:
        return _OTHER
    return _copy_rows(data, content, rows, out, at, row)


@kernel
def _rows(data: Bytes, position: Int64, end: Int64) -> Int64:
    """Return k of a TensorShapeProto [k, 3], -1 for any other."""
    rank, rows = 0, _OTHER
    while position < end:
        key, position = varint(data, position, end)
        if position < 0 or key != 18:  # dim = 2
            return _OTHER
        length, start = block(data, position, end)
        if start < 0:
            return _OTHER
        position = start + length
        key, start = varint(data, start, position)
        if start < 0 or key != 8:  # size = 1
            return _OTHER
        size, start = varint(data, start, position)
        if start != position or (rank == 1 and size != 3) or rank > 1:
            return _OTHER
        if rank == 0:
            rows = size
        rank += 1
    return rows if rank == 2 else _OTHER


@kernel
def _copy_rows(
    data: Bytes,
    content: Int64,
    rows: Int64,
    out: Room,
    at: Int64,
    row: Int64,
) -> Int64:
    total, low, high = 0.0, np.nan, np.nan
    for k in range(rows):
        place = content + _TENSOR_BUCKET_BYTES * k
        c = load_f64(data, place + 16)
        if not (c >= 0.0 and c < np.inf):
            return _OTHER
        out.left[at + k], out.right[at + k] = load_f64(data, place), load_f64(data, place + 8)
        out.counts[at + k] = c
        total += c
        if c > 0.0:
            if np.isnan(low):
                low = out.left[at + k]
            high = out.right[at + k]
    if not _ascends(out, at, rows):
        return _OTHER
    out.facts[row, MINIMUM], out.facts[row, MAXIMUM], out.facts[row, NUM] = low, high, total
    out.facts[row, SUM], out.facts[row, SUM_SQUARES] = np.nan, np.nan
    return rows
