"""Walk sorted slices with a stack, a track at a time."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.compiled import kernel
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s

UInt16s: TypeAlias = npt.NDArray[np.uint16]


@kernel
def _over(start: Int64s, end: Int64s, row: int, now: int) -> bool:
    """Say whether a slice has ended; one without length ends after those that equal it."""
    return bool(end[row] < now or (end[row] == now and start[row] < now))


@kernel
def nest_tracks(
    start: Int64s, end: Int64s, bounds: Int64s, deepest: int
) -> tuple[Int32s, UInt16s, int, int]:
    """Return parent and lane of every slice, how many cross another's end, and lanes wanting.

    Only where slices cross can one that has ended lie under one that has not, so only then is the
    stack swept and a lane searched for.
    """
    parent = np.full(len(start), -1, np.int32)
    lane = np.zeros(len(start), np.uint16)
    stack = np.empty(deepest, np.int32)
    holder = np.empty(deepest, np.int32)  # the last slice on each lane
    crossing = 0
    wanting = 0
    for track in range(len(bounds) - 1):
        height = 0
        holder[:] = -1
        for row in range(bounds[track], bounds[track + 1]):
            now = start[row]
            while height and _over(start, end, stack[height - 1], now):
                height -= 1
            above = height - 1
            if height and end[stack[above]] < end[row]:
                crossing += 1
                kept = 0
                for at in range(height):
                    if not _over(start, end, stack[at], now):
                        stack[kept] = stack[at]
                        kept += 1
                height = kept
                above = height - 1
                while above >= 0 and end[stack[above]] < end[row]:
                    above -= 1
            own = 0
            if above >= 0:
                parent[row] = stack[above]
                own = lane[stack[above]] + 1
            while own < deepest and holder[own] >= 0 and not _over(start, end, holder[own], now):
                own += 1
            if deepest in (own, height):
                wanting += 1
                lane[row] = deepest - 1
                continue
            lane[row] = own
            holder[own] = row
            stack[height] = row
            height += 1
    return parent, lane, crossing, wanting


@kernel
def own_time(start: Int64s, end: Int64s, parent: Int32s, counts: Bools) -> Int64s:
    """Return the time of each slice outside the union of its children that count."""
    own = end - start
    covered = start.copy()
    for row in range(len(start)):
        above = parent[row]
        if above >= 0 and counts[row]:
            begin = max(start[row], covered[above])
            if end[row] > begin:
                own[above] -= end[row] - begin
                covered[above] = end[row]
    return own


@kernel
def nearest_marked(parent: Int32s, marked: Bools) -> Int32s:
    """Return the marked slice that each slice is or lies in, the innermost one, or -1."""
    nearest = np.full(len(parent), -1, np.int32)
    for row in range(len(parent)):
        if marked[row]:
            nearest[row] = row
        elif parent[row] >= 0:
            nearest[row] = nearest[parent[row]]
    return nearest
