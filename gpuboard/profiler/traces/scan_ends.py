"""Join beginnings and ends of slices that a trace parts, and lay overlapping ones into lanes."""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import Column, Int64, kernel


@kernel
def match_ends(group: Column, is_begin: Column, newest: Column, before: Column) -> Column:
    """Give each beginning the end that belongs to it: that of the newest still open in its group.

    Args:
        group: Number of the thread or span of each row, in file order, shape (n,).
        is_begin: Whether something begins, shape (n,).
        newest: -1 for each group, scratch.
        before: Scratch of shape (n,).

    Returns:
        `before`, filled with the row of each beginning's end; -1 for what never ends, and for ends
        that nothing began; an end that matches has its own row.
    """
    for row in range(len(group)):
        g = group[row]
        if is_begin[row]:
            before[row] = newest[g]
            newest[g] = row
        elif newest[g] >= 0:
            begin = newest[g]
            newest[g] = before[begin]
            before[begin] = row
            before[row] = row
        else:
            before[row] = -1
    for g in range(len(newest)):
        row = newest[g]
        while row >= 0:
            earlier = before[row]
            before[row] = -1
            row = earlier
    return before


@kernel
def lay_out(group: Column, start: Column, dur: Column, ends: Column, lane: Column) -> Int64:
    """Give each slice the first lane of its group that is free when it starts.

    Args:
        group: Ascending, shape (n,).
        start: Ascending within a group, shape (n,).
        dur: Of each slice, shape (n,).
        ends: Scratch, one for each lane there may be; the last one takes all further slices.
        lane: Filled, shape (n,).

    Returns:
        The number of slices that found no free lane.
    """
    crowded = np.int64(0)
    used = np.int64(0)
    for row in range(len(group)):
        if row == 0 or group[row] != group[row - 1]:
            used = np.int64(0)
        k = np.int64(0)
        while k < used and ends[k] > start[row]:
            k += 1
        if k == used:
            if used < len(ends):
                used += 1
            else:
                k = used - 1
                crowded += 1
        ends[k] = start[row] + dur[row]
        lane[row] = k
    return crowded
