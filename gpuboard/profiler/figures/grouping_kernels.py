"""Number equal keys and sum up what belongs to each."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.compiled import kernel
from gpuboard.profiler.traces.trace import Int32s, Int64s


@kernel
def number_keys(keys: Int64s) -> tuple[Int32s, Int64s]:
    """Return the number of each key, in order of appearance, and where each appears first.

    A hash table with linear probing; the multiplier spreads keys that differ in high bits only.
    """
    size = 16
    while size < 2 * len(keys):
        size *= 2
    shift = np.uint64(64)
    left = size
    while left > 1:
        left >>= 1
        shift -= np.uint64(1)
    slot = np.full(size, -1, np.int32)
    number = np.empty(len(keys), np.int32)
    first = np.empty(len(keys), np.int64)
    count = 0
    spread = np.uint64(0x9E3779B97F4A7C15)
    mixed = np.uint64(0xD6E8FEB86659FD93)
    for at in range(len(keys)):
        key = keys[at]
        hashed = np.uint64(key) * spread
        hashed = (hashed ^ (hashed >> np.uint64(32))) * mixed
        place = np.int64(hashed >> shift)
        while slot[place] >= 0 and keys[first[slot[place]]] != key:
            place = (place + 1) & (size - 1)
        if slot[place] < 0:
            slot[place] = count
            first[count] = at
            count += 1
        number[at] = slot[place]
    return number, first[:count].copy()


@kernel
def fold(number: Int32s, groups: int, values: Int64s) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """Return count, sum, least and greatest value of each group; 0 where it has none.

    A negative number stands for no group.
    """
    count = np.zeros(groups, np.int64)
    total = np.zeros(groups, np.int64)
    least = np.zeros(groups, np.int64)
    greatest = np.zeros(groups, np.int64)
    for at in range(len(number)):
        own = number[at]
        if own < 0:
            continue
        value = values[at]
        if count[own] == 0 or value < least[own]:
            least[own] = value
        if count[own] == 0 or value > greatest[own]:
            greatest[own] = value
        count[own] += 1
        total[own] += value
    return count, total, least, greatest
