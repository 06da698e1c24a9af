"""Count sequences that do not overlap themselves."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.compiled import kernel
from gpuboard.profiler.traces.trace import Int32s, Int64s


@kernel
def count_apart(
    number: Int32s, place: Int64s, sequences: int, length: int, busy: Int64s, idle: Int64s
) -> tuple[Int64s, Int64s, Int64s]:
    """Return how often each sequence appears without overlap, its time and the gaps within it.

    Args:
        number: Sequence that begins at each place.
        place: Positions, ascending.
        sequences: How many different ones there are.
        length: Kernels in each.
        busy: Sum of durations before each kernel, and of all; one more than there are kernels.
        idle: Sum of the gaps before each kernel and all earlier ones.
    """
    count = np.zeros(sequences, np.int64)
    total = np.zeros(sequences, np.int64)
    gaps = np.zeros(sequences, np.int64)
    free = np.zeros(sequences, np.int64)
    for at in range(len(place)):
        own, begin = number[at], place[at]
        if begin < free[own]:
            continue
        free[own] = begin + length
        count[own] += 1
        total[own] += busy[begin + length] - busy[begin]
        gaps[own] += idle[begin + length - 1] - idle[begin]
    return count, total, gaps
