"""Split the time of a rank into idle, computing, and neither, on GPUs and other accelerators."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from gpuboard.profiler.figures.device_time import COMMUNICATION, named
from gpuboard.profiler.figures.intervals import union
from gpuboard.profiler.traces.trace import Bools, Kind, Trace

_COPIES = re.compile(r"^(?:hip)?Mem(?:cpy|set)|^dma", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class TemporalBreakdown:
    """The time from the first start to the last end of device work; nanoseconds.

    Attributes:
        compute_ns: Covered by kernels that neither communicate nor copy.
        non_compute_ns: Covered by other work alone.
        idle_ns: Covered by nothing.
        total_ns: The sum of the three.
        absent: Why there are no figures, "" where there are.
    """

    idle_ns: int
    compute_ns: int
    non_compute_ns: int
    total_ns: int
    absent: str = ""


def temporal_breakdown(
    trace: Trace, window: tuple[int, int] | None = None, device: int | None = None
) -> TemporalBreakdown:
    """Split the time of all devices of a rank as HolisticTraceAnalysis does.

    Communication and copies are told by their names. All durations count as they stand in the file.

    Args:
        trace: Needs work of GPUs or of other accelerators, such as MTIA.
        window: Only work that begins in it counts, nanoseconds.
        device: Number of the only device to look at, None for all of them together.
    """
    slices = trace.slices
    rows = trace.rows(Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET, Kind.ACCELERATOR)
    if device is not None:
        on_device = np.array([track.device == device for track in trace.tracks], np.bool_)
        rows = rows[on_device[slices.track[rows]]]
    if window is not None:
        rows = rows[(slices.start[rows] >= window[0]) & (slices.start[rows] < window[1])]
    if not len(rows):
        return TemporalBreakdown(0, 0, 0, 0, "the trace holds no work of a device")
    start = slices.start[rows]
    end = start + slices.dur[rows]
    names = slices.name[rows]
    copies: Bools = named(trace, names, _COPIES) | named(trace, names, COMMUNICATION)
    computes = np.isin(slices.kind[rows], (Kind.KERNEL, Kind.ACCELERATOR)) & ~copies[names]
    total = int(end.max() - start.min())
    busy = union(start, end).total_ns
    compute = union(start[computes], end[computes]).total_ns
    return TemporalBreakdown(total - busy, compute, busy - compute, total)
