"""Measure what devices did: kernels, communication, copies, fills, their overlap, and nothing."""

from __future__ import annotations

import dataclasses
import enum
import re
from typing import Any

import numpy as np

from gpuboard.profiler.figures.intervals import Intervals, intersect, union, union_of
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace, UInt8s

COMMUNICATION = re.compile(r"nccl|rccl|hccl|oneccl", re.IGNORECASE)
NO_WORK = "the trace holds no kernel, copy or fill of a GPU"


class WorkClass(enum.IntEnum):
    """What a device was busy with."""

    COMPUTE = 0
    COMM = 1  # kernels of a library of collectives, told by their names
    MEMCPY = 2
    MEMSET = 3


@dataclasses.dataclass(frozen=True, slots=True)
class ClassTime:
    """The time of one class of work: how many, the sum of their durations, what they cover."""

    n: int
    sum_ns: int
    union_ns: int


@dataclasses.dataclass(frozen=True, slots=True)
class WorkSpans:
    """What each class of work covers.

    Attributes:
        by_class: In the order of `WorkClass`.
    """

    by_class: tuple[Intervals, Intervals, Intervals, Intervals]

    def of(self, *classes: WorkClass) -> Intervals:
        """Return what any of these classes covers."""
        return union_of(self.by_class[one] for one in classes)

    @property
    def busy(self) -> Intervals:
        """What work of any class covers."""
        return union_of(self.by_class)


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceTime:
    """How the time of one device, or of several together, was spent; nanoseconds.

    Attributes:
        window: Beginning and end of what was looked at, None where there was no work.
        busy_ns: Covered by work of any class.
        idle_ns: The rest of the window.
        compute_comm_overlap_ns: Covered by both.
        exposed_comm_ns: Communication while nothing was computed.
        exposed_mem_ns: Copies and fills while nothing was computed or communicated.
        streams: Queues that had work.
        same_stream_overlaps: Works that began before an earlier one of their stream had ended.
        suspects: Works among them whose durations cannot be true.
        absent: Why there are no figures, "" where there are.
    """

    compute: ClassTime
    comm: ClassTime
    memcpy: ClassTime
    memset: ClassTime
    window: tuple[int, int] | None
    busy_ns: int
    idle_ns: int
    compute_comm_overlap_ns: int
    exposed_comm_ns: int
    exposed_mem_ns: int
    streams: int
    same_stream_overlaps: int
    suspects: int
    absent: str = ""

    @property
    def window_ns(self) -> int:
        """Length of the window."""
        return self.window[1] - self.window[0] if self.window else 0

    def figures(self) -> dict[str, Any]:
        """Return the figures by name; those that need a window are None where there is none."""
        names = ("window_ns", "busy_ns", "idle_ns", "compute_comm_overlap_ns", "exposed_comm_ns",
                 "exposed_mem_ns")  # fmt: skip
        gpu = {one.name.lower(): getattr(self, one.name.lower()) for one in WorkClass}
        return {
            "gpu": {name: dataclasses.asdict(time) for name, time in gpu.items()},
            **{name: getattr(self, name) if self.window else None for name in names},
            "streams": self.streams,
            "same_stream_overlaps": self.same_stream_overlaps,
        }


def work_classes(trace: Trace) -> UInt8s:
    """Return the `WorkClass` of each row of `trace.work`, shape (k,)."""
    kind = trace.slices.kind[trace.work.row]
    classes = np.full(len(kind), WorkClass.COMPUTE, np.uint8)
    classes[kind == Kind.MEMCPY] = WorkClass.MEMCPY
    classes[kind == Kind.MEMSET] = WorkClass.MEMSET
    is_kernel = kind == Kind.KERNEL
    names = trace.slices.name[trace.work.row]
    communicates = named(trace, names[is_kernel], COMMUNICATION)
    classes[is_kernel & communicates[names]] = WorkClass.COMM
    return classes


def named(trace: Trace, names: Int32s, pattern: re.Pattern[str]) -> Bools:
    """Tell which strings of `trace.strings` are among `names` and match; shape (strings,)."""
    found = np.zeros(len(trace.strings), np.bool_)
    found[names] = True
    for number in np.flatnonzero(found).tolist():
        found[number] = pattern.search(trace.strings[number]) is not None
    return found


def streams_of(trace: Trace) -> Int32s:
    """Return a number of the queue in which each row of `trace.work` ran, from 0, shape (k,).

    A queue is a stream of a device; where the file does not tell them, it is a track.
    """
    work = trace.work
    track = trace.slices.track[work.row].astype(np.int64)
    told = (work.device >= 0) & (work.stream != -1)
    device = np.where(told, work.device, -1)
    stream = np.where(told, work.stream, track)
    if not len(track):
        return np.empty(0, np.int32)
    # Work comes sorted by track: few runs, so that sorting them costs nothing.
    turns = np.flatnonzero((np.diff(device) != 0) | (np.diff(stream) != 0)) + 1
    first = np.concatenate([[0], turns])
    keys = np.stack([device[first], stream[first]], axis=1)
    _, number = np.unique(keys, axis=0, return_inverse=True)
    lengths = np.diff(np.concatenate([first, [len(track)]]))
    return np.repeat(number.reshape(-1).astype(np.int32), lengths)


def repaired_ends(trace: Trace) -> Int64s:
    """Return the end of each row of `trace.work`; suspect ones end where their successor starts.

    A suspect without a successor in its queue ends where it starts.
    """
    slices, row = trace.slices, trace.work.row
    start = slices.start[row]
    end = start + slices.dur[row]
    suspect = np.flatnonzero(slices.suspect[row])
    if not len(suspect):
        return end
    order = _in_queues(streams_of(trace), start)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    queue = streams_of(trace)
    following = order[np.minimum(place[suspect] + 1, len(order) - 1)]
    follows = (queue[following] == queue[suspect]) & (place[suspect] + 1 < len(order))
    cut = np.where(follows, start[following], start[suspect])
    end[suspect] = np.minimum(end[suspect], cut)
    return end


def work_spans(
    trace: Trace,
    window: tuple[int, int] | None = None,
    device: int | None = None,
    *,
    select: Bools | None = None,
    repaired: bool = True,
) -> WorkSpans:
    """Return what each class of work covers; arguments as of `device_time`."""
    kept = _kept(trace, device, select)
    start, end = _bounds(trace, window, repaired=repaired)
    return _spans(start[kept], end[kept], work_classes(trace)[kept])


def device_time(
    trace: Trace,
    window: tuple[int, int] | None = None,
    device: int | None = None,
    *,
    select: Bools | None = None,
    repaired: bool = False,
) -> DeviceTime:
    """Measure what devices did.

    A class covers the union of its spans. Exposed communication is what communication covers less
    what computation covers too; exposed copies are what copies and fills cover less what
    computation or communication covers. All durations count as they stand in the file unless
    `repaired`.

    Args:
        trace: Any; without device work there are no figures.
        window: From and to, nanoseconds: work is cut there, and idle time is measured in it. By
            default from the first start to the last end of work.
        device: Number of the only device to look at, None for all of them together.
        select: Which rows of `trace.work` to look at, shape (k,).
        repaired: Leave suspect durations out of sums and cut them in unions.
    """
    kept = _kept(trace, device, select)
    start, end = _bounds(trace, window, repaired=repaired)
    if window is not None:
        kept &= _touches(trace, window)
    suspect = trace.slices.suspect[trace.work.row][kept]
    start, end, classes = start[kept], end[kept], work_classes(trace)[kept]
    spans = _spans(start, end, classes)
    length = end - start
    if repaired:
        length[suspect] = 0
    compute, comm, memcpy, memset = (
        _class_time(length[classes == one], spans.by_class[one]) for one in WorkClass
    )
    computed, communicated = spans.by_class[WorkClass.COMPUTE], spans.by_class[WorkClass.COMM]
    working = union_of([computed, communicated])
    busy_ns = spans.busy.total_ns
    overlap = intersect(computed, communicated).total_ns
    if window is None and len(start):
        window = int(start.min()), int(end.max())
    queues = streams_of(trace)[kept]
    return DeviceTime(
        compute=compute,
        comm=comm,
        memcpy=memcpy,
        memset=memset,
        window=window,
        busy_ns=busy_ns,
        idle_ns=window[1] - window[0] - busy_ns if window else 0,
        compute_comm_overlap_ns=overlap,
        exposed_comm_ns=communicated.total_ns - overlap,
        exposed_mem_ns=busy_ns - working.total_ns,
        streams=len(np.unique(queues)),
        same_stream_overlaps=_overlaps(queues, start, end),
        suspects=int(np.count_nonzero(suspect)),
        absent="" if len(start) else NO_WORK,
    )


def devices_of(trace: Trace) -> tuple[int, ...]:
    """Return the numbers of the devices that had work, ascending."""
    return tuple(np.unique(trace.work.device).tolist())


def _kept(trace: Trace, device: int | None, select: Bools | None) -> Bools:
    kept = np.ones(len(trace.work.row), np.bool_) if select is None else select.copy()
    if device is not None:
        kept &= trace.work.device == device
    return kept


def _bounds(
    trace: Trace, window: tuple[int, int] | None, *, repaired: bool
) -> tuple[Int64s, Int64s]:
    start = trace.slices.start[trace.work.row]
    end = repaired_ends(trace) if repaired else start + trace.slices.dur[trace.work.row]
    if window is not None:
        start, end = np.clip(start, *window), np.clip(end, *window)
    return start, end


def _touches(trace: Trace, window: tuple[int, int]) -> Bools:
    start = trace.slices.start[trace.work.row]
    end = start + trace.slices.dur[trace.work.row]
    touches: Bools = (start < window[1]) & ((end > window[0]) | (start >= window[0]))
    return touches


def _spans(start: Int64s, end: Int64s, classes: UInt8s) -> WorkSpans:
    compute, comm, memcpy, memset = (
        union(start[classes == one], end[classes == one]) for one in WorkClass
    )
    return WorkSpans((compute, comm, memcpy, memset))


def _class_time(length: Int64s, covered: Intervals) -> ClassTime:
    return ClassTime(n=len(length), sum_ns=int(length.sum()), union_ns=covered.total_ns)


def _in_queues(queue: Int32s, start: Int64s) -> Int64s:
    """Return the order by queue, then start."""
    order: Int64s
    if (np.diff(queue) >= 0).all():
        order = np.arange(len(queue))
        if not ((np.diff(start) < 0) & (np.diff(queue) == 0)).any():
            return order
    order = np.lexsort((start, queue))
    return order


def _overlaps(queue: Int32s, start: Int64s, end: Int64s) -> int:
    order = _in_queues(queue, start)
    queue, start, end = queue[order], start[order], end[order]
    bounds = np.flatnonzero(np.diff(queue, prepend=-1, append=-1))
    return sum(
        _overlaps_of_one(start[a:b], end[a:b])
        for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    )


def _overlaps_of_one(start: Int64s, end: Int64s) -> int:
    """Count spans, by ascending start, that begin before an earlier one has ended.

    Of those that begin together the shortest comes first, so that one without length does not
    overlap a longer one that begins with it.
    """
    lasts = end > start
    empty, start, reached = start[~lasts], start[lasts], np.maximum.accumulate(end[lasts])
    count = int(np.count_nonzero(start[1:] < reached[:-1]))
    if len(empty) and len(start):
        before = np.searchsorted(start, empty, "left") - 1
        count += int(np.count_nonzero((before >= 0) & (empty < reached[before])))
    return count
