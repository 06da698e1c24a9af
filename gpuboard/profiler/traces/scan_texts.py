"""Give every text of a trace a small number, in the pass that meets it.

A text is kept as it stands between its quotes; `kineto_text` decodes each of them once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.native import Bytes, Int64, inlined, kernel, load_i64
from gpuboard.profiler.traces.scan_vectors import PADDING, folded_product

# What a text is: as it stands, with escapes, or the JSON text of a list or object.
PLAIN, ESCAPED, COMPOSITE = 0, 1, 2

# Places in `Texts.size`: texts, bytes of them, the most that are taken, whether room was missing.
COUNT, USED, MOST, MOST_BYTES, SEED = 0, 1, 2, 3, 4

NO_ROOM, LEFT_OUT = -1, -2

# Odd numbers without pattern: digits of pi, of e and of the golden ratio.
_PI, _E, _GOLDEN = 0x243F6A8885A308D3, 0x2B7E151628AED2A7, 0x1E3779B97F4A7C15


class Texts(NamedTuple):
    """All texts of one file: an open-addressing hash table.

    `category` is the number of the category of that name, -1 where none is known.
    """

    slots: npt.NDArray[np.int32]
    hashes: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    sort: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int64]
    category: npt.NDArray[np.int16]
    text: npt.NDArray[np.uint8]
    size: npt.NDArray[np.int64]


def make_texts(texts: int, text_bytes: int, most: int, most_bytes: int, seed: int) -> Texts:
    """Return a table that holds the empty text alone, as number 0.

    Args:
        texts: Room for so many.
        text_bytes: Room for so many bytes of them.
        most: Further texts are left out.
        most_bytes: Likewise.
        seed: A secret number, so that nobody can write a file whose texts all collide.
    """
    slots = 1 << max(6, (2 * texts - 1).bit_length())
    table = Texts(
        slots=np.zeros(slots, np.int32),
        hashes=np.zeros(texts, np.int64),
        start=np.zeros(texts + 1, np.int64),
        sort=np.zeros(texts, np.uint8),
        offset=np.full(texts, -1, np.int64),
        category=np.full(texts, -1, np.int16),
        text=np.zeros(text_bytes + PADDING, np.uint8),
        size=np.array([0, 0, most, most_bytes, seed], np.int64),
    )
    intern(np.zeros(PADDING, np.uint8), 0, 0, PLAIN, 0, table)
    return table


def grow_texts(table: Texts) -> Texts:
    """Return the same texts under the same numbers, with twice the room for what did not fit."""
    count, used, most, most_bytes, seed = (int(n) for n in table.size)
    texts, text_bytes = len(table.hashes), len(table.text) - PADDING
    if count == texts:
        texts *= 2
    else:
        text_bytes *= 2
    grown = make_texts(texts, text_bytes, most, most_bytes, seed)
    for name in ("hashes", "start", "sort", "offset", "category"):
        old = getattr(table, name)
        getattr(grown, name)[: len(old)] = old
    grown.text[:used] = table.text[:used]
    grown.size[:2] = count, used
    rehash(grown)
    return grown


@kernel
def rehash(table: Texts) -> None:
    """Find a slot for every text anew."""
    mask = np.int64(len(table.slots) - 1)
    table.slots[:] = 0
    for number in range(table.size[COUNT]):
        slot = table.hashes[number] & mask
        while table.slots[slot] != 0:
            slot = (slot + 1) & mask
        table.slots[slot] = number + 1


@kernel
def _mask(n: Int64) -> Int64:
    """Return a mask for the first `n` bytes of eight."""
    if n >= 8:
        return np.int64(-1)
    if n <= 0:
        return np.int64(0)
    return (np.int64(1) << (8 * n)) - 1


@kernel
def _hash(data: Bytes, start: Int64, length: Int64, seed: Int64) -> Int64:
    """Return a hash by products of 128 bits, after Wang Yi's wyhash."""
    state = seed ^ length
    position, left = start, length
    while left > 16:
        first, second = load_i64(data, position), load_i64(data, position + 8)
        state = folded_product(first ^ (seed + _PI), second ^ state)
        position += 16
        left -= 16
    first = load_i64(data, position) & _mask(left)
    second = load_i64(data, position + 8) & _mask(left - 8)
    state = folded_product(first ^ (seed + _E), second ^ state)
    return folded_product(state ^ (seed + _PI), length ^ _GOLDEN)


@kernel
def same_bytes(one: Bytes, at: Int64, other: Bytes, there: Int64, length: Int64) -> bool:
    """Say whether two ranges are equal; both arrays go on for eight bytes behind them."""
    k = np.int64(0)
    while k + 8 <= length:
        if load_i64(one, at + k) != load_i64(other, there + k):
            return False
        k += 8
    rest = load_i64(one, at + k) ^ load_i64(other, there + k)
    return bool(rest & _mask(length - k) == 0)


@inlined
def intern(
    data: Bytes, start: Int64, end: Int64, sort: Int64, offset: Int64, table: Texts
) -> Int64:
    """Return the number of a text, a new one when it is new; else `NO_ROOM` or `LEFT_OUT`.

    Args:
        data: Bytes that hold the text.
        start: Its first byte.
        end: Behind its last byte.
        sort: `PLAIN`, `ESCAPED` or `COMPOSITE`.
        offset: Where in the file it stands.
        table: Taken into this one.
    """
    length = end - start
    code = _hash(data, start, length, table.size[SEED] + sort)
    mask = np.int64(len(table.slots) - 1)
    slot = code & mask
    while table.slots[slot] != 0:
        number = np.int64(table.slots[slot] - 1)
        if table.hashes[number] == code and table.sort[number] == sort:
            there = table.start[number]
            if table.start[number + 1] - there == length and same_bytes(
                data, start, table.text, there, length
            ):
                return number
        slot = (slot + 1) & mask
    number, used = table.size[COUNT], table.size[USED]
    if number >= table.size[MOST] or used + length > table.size[MOST_BYTES]:
        return np.int64(LEFT_OUT)
    if number >= len(table.hashes) or used + length + PADDING > len(table.text):
        return np.int64(NO_ROOM)
    for k in range(length):
        table.text[used + k] = data[start + k]
    table.hashes[number] = code
    table.start[number] = used
    table.start[number + 1] = used + length
    table.sort[number] = sort
    table.offset[number] = offset
    table.category[number] = -1
    table.slots[slot] = number + 1
    table.size[COUNT] = number + 1
    table.size[USED] = used + length
    return number
