"""Find the call that launched each piece of work of a device."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.compiled import kernel
from gpuboard.profiler.traces.trace import Int32s, Int64s


@kernel
def launching_calls(
    correlation: Int64s, start: Int64s, wanted: Int64s, device_start: Int64s
) -> Int32s:
    """Return for each wanted correlation the latest call of it that began in time, or -1.

    Calls are sorted by (correlation, start). Where all calls of a correlation began after the
    device, as by clocks that differ, it is the first of them.
    """
    found = np.full(len(wanted), -1, np.int32)
    for at in range(len(wanted)):
        key, now = wanted[at], device_start[at]
        if key <= 0:
            continue
        low, high = 0, len(correlation)
        while low < high:
            middle = (low + high) // 2
            known = correlation[middle]
            if known < key or (known == key and start[middle] <= now):
                low = middle + 1
            else:
                high = middle
        if low > 0 and correlation[low - 1] == key:
            found[at] = low - 1
        elif low < len(correlation) and correlation[low] == key:
            found[at] = low
    return found
