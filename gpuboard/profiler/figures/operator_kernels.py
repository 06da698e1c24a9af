"""Find the outermost members of groups that nest in themselves."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.compiled import kernel
from gpuboard.profiler.traces.trace import Bools, Int32s


@kernel
def outermost(parent: Int32s, number: Int32s, groups: int) -> Bools:
    """Tell which slices lie in no other slice of their group; a negative number is no group.

    Slices come parents first, so that those under a slice follow it until its next sibling.
    """
    found = np.zeros(len(parent), np.bool_)
    inside = np.zeros(groups, np.int64)
    stack = np.empty(len(parent), np.int32)
    height = 0
    for row in range(len(parent)):
        while height and stack[height - 1] != parent[row]:
            height -= 1
            if number[stack[height]] >= 0:
                inside[number[stack[height]]] -= 1
        own = number[row]
        if own >= 0:
            found[row] = inside[own] == 0
            inside[own] += 1
        stack[height] = row
        height += 1
    return found
