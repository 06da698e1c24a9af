"""Tell why a device did nothing: split each gap between its works by what held up the next one."""

from __future__ import annotations

import dataclasses
import enum
import re

import numpy as np

from gpuboard.profiler.figures.device_time import named, repaired_ends, streams_of
from gpuboard.profiler.figures.intervals import (
    EMPTY,
    Intervals,
    gaps,
    intersect,
    subtract,
    union,
)
from gpuboard.profiler.figures.launches import calls_of
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Place, Trace

# Between works that both waited in the queue, 99 of 100 gaps last up to 4 us on NVIDIA's devices
# and 9 us on AMD's; from the end of a launch to the start of its work it is no more.
KERNEL_GAP_NS = 10_000
LAUNCH_NS = 20_000

# What PyTorch, Lightning and TensorFlow call it when the host fetches the next batch.
_DATA_LOADER = re.compile(
    r"^enumerate\((?:DataLoader|DataPipe)\)#|dataloader_next$|^IteratorGetNext"
)
_WAITS = re.compile(r"Synchronize")


class Cause(enum.IntEnum):
    """What a device waited for while it did nothing."""

    DATA_LOADER = 0  # nothing was queued: the host fetched a batch
    SYNC = 1  # nothing was queued: the host waited for the device to be done
    HOST = 2  # nothing was queued: the host did something else
    LAUNCH = 3  # the next work was being launched
    BETWEEN = 4  # the next work was queued: the usual pause between two works
    QUEUED = 5  # the next work was queued for longer: it waited for other work, or the device
    UNKNOWN = 6  # the file does not tell when the next work was launched


@dataclasses.dataclass(frozen=True, slots=True)
class IdleTime:
    """Where a device did nothing, and why.

    Attributes:
        window: From and to, nanoseconds, None where there was no work.
        by_cause: What each `Cause` covers; disjoint, together all idle time of the window.
        gaps: How many pauses there were.
        absent: Why there are no figures, "" where there are.
    """

    window: tuple[int, int] | None
    by_cause: tuple[Intervals, ...]
    gaps: int
    absent: str = ""

    def figures(self) -> dict[str, int]:
        """Return the nanoseconds of each cause by its name."""
        return {cause.name.lower(): self.by_cause[cause].total_ns for cause in Cause}

    def within(self, start: Int64s, end: Int64s) -> Int64s:
        """Return the nanoseconds of each cause in each span of time, shape (m, causes)."""
        return np.stack([part.within(start, end) for part in self.by_cause], axis=1)


@dataclasses.dataclass(frozen=True, slots=True)
class StreamGaps:
    """The pauses of each stream as HolisticTraceAnalysis sorts them; columns of shape (m,).

    Attributes:
        host_wait_ns: Pauses before work whose call began after the work before had ended.
        kernel_wait_ns: Other pauses shorter than the threshold, those before work of unknown launch
            among them.
        other_ns: All others.
        first_row: Row of `trace.work` by which the stream can be told.
    """

    device: Int64s
    stream: Int64s
    works: Int64s
    host_wait_ns: Int64s
    kernel_wait_ns: Int64s
    other_ns: Int64s
    first_row: Int64s


def idle_time(
    trace: Trace,
    window: tuple[int, int] | None = None,
    device: int | None = None,
    *,
    select: Bools | None = None,
    kernel_gap_ns: int = KERNEL_GAP_NS,
    launch_ns: int = LAUNCH_NS,
) -> IdleTime:
    """Split the idle time of a device by its causes.

    A gap lasts from the end of all work so far to the next start. As long as the call that launched
    the next work had not begun, nothing was queued, and the gap is put down to what the host did:
    fetch data, wait for the device, or anything else. From then on the work was being launched,
    until `launch_ns` after the call returned; where the call had returned before the gap began, a
    gap of up to `kernel_gap_ns` is the usual pause between works. The rest is time in the queue.
    Suspect durations are cut.

    Args:
        trace: Needs device work; without "correlation" of calls all causes are unknown.
        window: From and to, nanoseconds; by default from first start to last end of work.
        device: Number of the only device to look at, None for all of them together.
        select: Which rows of `trace.work` to look at, shape (k,), such as those of one stream.
        kernel_gap_ns: Longest usual pause.
        launch_ns: Longest usual time from the return of a launching call to the start of its work.
    """
    kept = np.ones(len(trace.work.row), np.bool_) if select is None else select.copy()
    if device is not None:
        kept &= trace.work.device == device
    if not kept.any():
        why = "the trace holds no kernel, copy or fill of a GPU"
        return IdleTime(None, (EMPTY,) * len(Cause), 0, why)
    start, end = trace.slices.start[trace.work.row][kept], repaired_ends(trace)[kept]
    call = calls_of(trace)[kept]
    busy = union(start, end)
    t0, t1 = (int(start.min()), int(end.max())) if window is None else window
    free = gaps(busy, t0, t1)
    parts = _split(trace, free, start, call, kernel_gap_ns, launch_ns)
    host = parts[Cause.HOST]
    fetching = intersect(host, _data_loader(trace))
    host = subtract(host, fetching)
    waiting = intersect(host, _waits(trace, call))
    parts[Cause.DATA_LOADER], parts[Cause.SYNC] = fetching, waiting
    parts[Cause.HOST] = subtract(host, waiting)
    return IdleTime((t0, t1), tuple(parts[cause] for cause in Cause), len(free))


def stream_gaps(trace: Trace, delay_ns: int = 30) -> StreamGaps:
    """Sort the pauses of each stream as HolisticTraceAnalysis does.

    Works of a stream by start; a pause lasts from the end of the one before to the start of the
    next, overlaps count as no pause. It is the host's if the launching call began after the end of
    the one before; else it is the kernels' if shorter than `delay_ns`.
    """
    queue, row = streams_of(trace), trace.work.row
    start, end = trace.slices.start[row], trace.slices.start[row] + trace.slices.dur[row]
    order = np.lexsort((start, queue))
    numbers, first, works = np.unique(queue[order], return_index=True, return_counts=True)
    follows = np.ones(len(order), np.bool_)
    follows[first] = False
    now = order[follows]
    before = order[np.flatnonzero(follows) - 1]
    pause = np.maximum(start[now] - end[before], 0)
    call = calls_of(trace)[now]
    late = (call >= 0) & (trace.slices.start[call] > end[before])
    short = ~late & (pause < delay_ns)

    def per_stream(of: Bools) -> Int64s:
        sums = np.zeros(len(numbers), np.int64)
        np.add.at(sums, queue[now[of]], pause[of])
        return sums

    return StreamGaps(
        device=trace.work.device[order[first]].astype(np.int64),
        stream=trace.work.stream[order[first]],
        works=works.astype(np.int64),
        host_wait_ns=per_stream(late),
        kernel_wait_ns=per_stream(short),
        other_ns=per_stream(~late & ~short),
        first_row=order[first],
    )


def _split(
    trace: Trace, free: Intervals, start: Int64s, call: Int32s, kernel_gap_ns: int, launch_ns: int
) -> dict[Cause, Intervals]:
    """Return what each cause covers of the gaps, all time of the host as `Cause.HOST`."""
    order = np.argsort(start, kind="stable")
    at = np.searchsorted(start[order], free.end, "left")
    following = np.append(call[order], -1)[at]
    known = following >= 0
    begun = trace.slices.start[following]
    returned = begun + trace.slices.dur[following]
    last = at == len(order)  # nothing came any more: all of it is the host's
    unqueued = np.clip(np.where(known, begun, free.start), free.start, free.end)
    unqueued[last] = free.end[last]
    launched = np.clip(np.maximum(returned, free.start) + launch_ns, unqueued, free.end)
    ready = known & (returned <= free.start)
    launched[ready | ~known] = unqueued[ready | ~known]
    usual = ready & (free.end - free.start <= kernel_gap_ns)
    unknown = ~known & ~last
    queued = ~usual & ~unknown
    return {
        Cause.HOST: union(free.start, unqueued),
        Cause.LAUNCH: union(unqueued, launched),
        Cause.BETWEEN: union(launched[usual], free.end[usual]),
        Cause.QUEUED: union(launched[queued], free.end[queued]),
        Cause.UNKNOWN: union(launched[unknown], free.end[unknown]),
    }


def _data_loader(trace: Trace) -> Intervals:
    """Return when the host fetched a batch, on any thread."""
    rows = trace.rows(Kind.OPERATOR, Kind.ANNOTATION)
    on_host = np.array([track.place is Place.HOST for track in trace.tracks], np.bool_)
    rows = rows[on_host[trace.slices.track[rows]]] if len(rows) else rows
    return _covered(trace, rows, _DATA_LOADER)


def _waits(trace: Trace, call: Int32s) -> Intervals:
    """Return when a thread that launches work waited for the device."""
    launching = np.zeros(len(trace.tracks), np.bool_)
    launching[trace.slices.track[call[call >= 0]]] = True
    rows = trace.calls.row
    return _covered(trace, rows[launching[trace.slices.track[rows]]], _WAITS)


def _covered(trace: Trace, rows: Int32s, pattern: re.Pattern[str]) -> Intervals:
    names = trace.slices.name[rows]
    rows = rows[named(trace, names, pattern)[names]]
    start = trace.slices.start[rows]
    return union(start, start + trace.slices.dur[rows])


def longest(found: IdleTime, count: int = 20) -> tuple[Int64s, Int64s, Int32s]:
    """Return start, end and `Cause` of the longest idle pieces, longest first."""
    start = np.concatenate([part.start for part in found.by_cause])
    end = np.concatenate([part.end for part in found.by_cause])
    lengths = [len(part) for part in found.by_cause]
    cause = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    most = np.argsort(start - end, kind="stable")[:count]
    return start[most], end[most], cause[most]
