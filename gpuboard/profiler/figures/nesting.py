"""Find which slice lies in which, by time within each track."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from gpuboard.limits import MAX_TRACE_LANES
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace

UInt16s = npt.NDArray[np.uint16]


@dataclasses.dataclass(frozen=True, slots=True)
class Nesting:
    """Who lies in whom. A parent always has a lower row than its children.

    Attributes:
        parent: Row of the innermost slice of the track that holds the slice wholly, -1 where there
            is none, shape (n,).
        depth: Lane on which the slice can be drawn, 0 topmost. No two slices of a track and lane
            overlap, and every slice lies lower than its parent, shape (n,).
        overlaps: Slices that begin in another one and outlast it.
        crowded: Slices that found no lane below `max_trace_lanes`; they lie on the last one.
    """

    parent: Int32s
    depth: UInt16s
    overlaps: int
    crowded: int


def nest(trace: Trace) -> Nesting:
    """Nest the slices of every track.

    A slice lies in another one if it begins neither before it nor at or after its end and does not
    outlast it; equal slices nest in the order of the file. One that outlasts the slice it begins in
    is that one's sibling, or an uncle: its parent is the innermost slice that holds it wholly, and
    it goes to the first free lane under that. Nothing is dropped and nothing is cut.
    """
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.nesting_kernels import nest_tracks

    slices = trace.slices
    end = slices.start + slices.dur
    columns = (frozen(slices.start), frozen(end), frozen(trace.track_start))
    return Nesting(*nest_tracks(*columns, MAX_TRACE_LANES.value))


def self_time(trace: Trace, nesting: Nesting, counts: Bools | None = None) -> Int64s:
    """Return each slice's duration without the union of its direct children, ns, shape (n,).

    `counts` tells which slices count as children, all if it is not given. One that does not count
    hides its own children from its parent.
    """
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.nesting_kernels import own_time

    slices = trace.slices
    if counts is None:
        counts = np.ones(len(slices), np.bool_)
    end = slices.start + slices.dur
    return own_time(frozen(slices.start), frozen(end), frozen(nesting.parent), frozen(counts))


def enclosing(trace: Trace, nesting: Nesting, *kinds: Kind) -> Int32s:
    """Return for each slice the innermost slice of these kinds that it is or lies in, or -1."""
    wanted = np.zeros(len(Kind), np.bool_)
    wanted[list(kinds)] = True
    return nearest(nesting, wanted[trace.slices.kind])


def nearest(nesting: Nesting, marked: Bools) -> Int32s:
    """Return for each slice the innermost marked slice that it is or lies in, or -1."""
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.nesting_kernels import nearest_marked

    return nearest_marked(frozen(nesting.parent), frozen(marked))
