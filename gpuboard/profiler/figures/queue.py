"""Follow how many launches wait for each stream of a device."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.figures.launches import Launches
from gpuboard.profiler.traces.trace import Float64s, Int32s, Int64s, Trace

# Launches that a stream of CUDA takes before the next launch has to wait, as observed.
QUEUE_CAPACITY = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Queues:
    """Launches that wait, stream by stream. Stream s changes at first[s] to first[s + 1].

    Attributes:
        track: Track of each stream, shape (s,).
        first: Where its changes begin, with the end of the last one, shape (s + 1,).
        time: Of each change, ns, ascending within a stream; several at one time are one change,
            shape (c,).
        length: Launches that wait from then on, shape (c,).
        launches: Launches of each stream, shape (s,), as the columns that follow.
        max_length: The most that waited.
        mean_length: By time from the first launch to the last start; `median_length` likewise.
        full_ns: Time with `QUEUE_CAPACITY` or more waiting: the host waits for the device.
        span_ns: From the first launch to the last start.
        early: Launches that started before their call, by clocks that differ; left out, since they
            would make the length negative.
        unjoined: Work without its call in the trace; left out.
        absent: Why there are no queues, "" if there are.
    """

    track: Int32s
    first: Int64s
    time: Int64s
    length: Int32s
    launches: Int64s
    max_length: Int64s
    mean_length: Float64s
    median_length: Float64s
    full_ns: Int64s
    span_ns: Int64s
    early: int
    unjoined: int
    absent: str = ""

    def __len__(self) -> int:
        return len(self.track)


def queues(trace: Trace, launches: Launches) -> Queues:
    """Count one more at the start of every launching call, one less when its work starts.

    A call that launches a whole graph is one launch of each stream that its work runs on, from the
    call to the first of that work. Needs "correlation" on calls and work.
    """
    slices = trace.slices
    joined = np.flatnonzero(launches.joined)
    row, call = trace.work.row[joined], launches.call[joined]
    early = slices.start[row] < slices.start[call]
    row, call = _once(trace, row[~early], call[~early])
    track, time, change = _changes(trace, row, call)
    changed = np.cumsum(change)
    last = np.ones(len(time), np.bool_)
    last[:-1] = (time[1:] != time[:-1]) | (track[1:] != track[:-1])
    track, time, length = track[last], time[last], changed[last].astype(np.int32)
    streams, first = np.unique(track, return_index=True)
    bounds = np.append(first, len(track)).astype(np.int64)
    return Queues(
        track=streams.astype(np.int32),
        first=bounds,
        time=time,
        length=length,
        launches=np.bincount(slices.track[row], minlength=len(trace.tracks))[streams],
        **_summary(bounds, time, length),
        early=int(np.count_nonzero(early)),
        unjoined=int(len(launches.call) - len(joined)),
        absent=launches.absent,
    )


def _once(trace: Trace, row: Int32s, call: Int32s) -> tuple[Int32s, Int32s]:
    """Keep the first work of each call on each track; rows ascend by track and start."""
    key = trace.slices.track[row].astype(np.int64) << 32 | call
    _, at = np.unique(key, return_index=True)
    at.sort()
    return row[at], call[at]


def _changes(trace: Trace, row: Int32s, call: Int32s) -> tuple[Int32s, Int64s, Int64s]:
    slices = trace.slices
    track = np.concatenate([slices.track[row], slices.track[row]])
    time = np.concatenate([slices.start[call], slices.start[row]])
    change = np.repeat(np.array([1, -1]), len(row))
    order = np.lexsort((time, track))
    return track[order], time[order], change[order]


def _summary(bounds: Int64s, time: Int64s, length: Int32s) -> dict[str, npt.NDArray[Any]]:
    lasts = np.append(np.diff(time), 0)
    lasts[bounds[1:] - 1] = 0
    streams = len(bounds) - 1
    peak, full, span = (np.zeros(streams, np.int64) for _ in range(3))
    mean, median = np.full(streams, np.nan), np.full(streams, np.nan)
    for s in range(streams):
        own = slice(int(bounds[s]), int(bounds[s + 1]))
        spent = np.bincount(length[own], lasts[own])
        peak[s] = length[own].max()
        span[s] = lasts[own].sum()
        full[s] = lasts[own][length[own] >= QUEUE_CAPACITY].sum()
        if span[s]:
            mean[s] = spent @ np.arange(len(spent)) / span[s]
            median[s] = np.searchsorted(np.cumsum(spent), span[s] / 2)
    return {
        "max_length": peak,
        "mean_length": mean,
        "median_length": median,
        "full_ns": full,
        "span_ns": span,
    }
