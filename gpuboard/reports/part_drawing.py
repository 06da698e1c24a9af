"""Draw the piece of the timeline that the verdict speaks of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from gpuboard.profiler.advice.finding import Finding
from gpuboard.profiler.advice.words import counted, duration
from gpuboard.profiler.figures.device_time import WorkClass, work_classes
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Place, Trace
from gpuboard.reports.document import Drawing, Mark, Role, Section
from gpuboard.reports.sheet import Sheet

_MOST_MARKS = 1_200
_MOST_ROWS = 20_000
_MOST_LANES = 8
_MOST_DEPTH = 4
_BESIDE = 0.35  # of the window, shown before and behind it
_PIXELS = 1_000

_OF_KIND = {
    Kind.MEMCPY: Role.MEMORY,
    Kind.MEMSET: Role.MEMORY,
    Kind.KERNEL: Role.COMPUTE,
    Kind.ACCELERATOR: Role.COMPUTE,
    Kind.CALL: Role.LAUNCH,
    Kind.OPERATOR: Role.HOST,
    Kind.SYNC: Role.SYNC,
}
_NAMED = (("enumerate(Data", Role.INPUT), ("ProfilerStep#", Role.UNKNOWN))


def drawing(sheet: Sheet, findings: Sequence[Finding]) -> tuple[Section, ...]:
    """Return the worst pause that the findings name, with what went on around it."""
    rank = sheet.evidence.rank
    for finding in findings:
        for proof in finding.evidence:
            if proof.window is not None and proof.rank in (-1, rank):
                drawn = _drawn(sheet, proof.window, proof.label)
                return (Section("On the timeline", (drawn,)),) if drawn.marks else ()
    return ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """What may be drawn; columns of shape (m,).

    Attributes:
        row: Of the slice, or of the first of several short ones that are drawn as one.
        count: How many it stands for.
        level: Line within its track, from 0.
    """

    row: Int32s
    start: Int64s
    end: Int64s
    count: Int64s
    level: Int64s

    def take(self, which: Int64s | Bools) -> _Found:
        """Return some of them."""
        return _Found(
            row=self.row[which],
            start=self.start[which],
            end=self.end[which],
            count=self.count[which],
            level=self.level[which],
        )


def _drawn(sheet: Sheet, window: tuple[int, int], label: str) -> Drawing:
    trace = sheet.trace
    beside = max(1_000, int((window[1] - window[0]) * _BESIDE))
    t0, t1 = window[0] - beside, window[1] + beside
    found = _found(trace, t0, t1)
    track = trace.slices.track[found.row]
    chosen, lines = _lanes(trace, track, found)
    base = dict(zip(chosen, np.cumsum([0, *lines]).tolist(), strict=False))
    found = found.take(np.isin(track, chosen) & (found.level < _MOST_DEPTH))
    shown = found.take(np.argsort(found.start - found.end, kind="stable")[:_MOST_MARKS])
    return Drawing(
        label=f"{label}: {duration(window[1] - window[0])}",
        lanes=tuple(zip((_name(trace, k) for k in chosen), lines, strict=True)),
        marks=_marks(trace, shown, base, t0, t1),
        highlight=((window[0] - t0) / (t1 - t0), (window[1] - t0) / (t1 - t0)),
        span=duration(t1 - t0),
        more=int(found.count.sum() - shown.count.sum()),
    )


def _found(trace: Trace, t0: int, t1: int) -> _Found:
    """Return what lies in a window: what is wide enough to be seen, and runs of what is not."""
    slices = trace.slices
    least = (t1 - t0) // _PIXELS
    end = slices.start + slices.dur
    # Functions of Python nest so deep that what they call would not be seen.
    seen = (slices.start < t1) & (end > t0) & ~slices.suspect & (slices.kind != Kind.PYTHON)
    rows = np.flatnonzero(seen & (slices.dur >= least)).astype(np.int32)
    if len(rows) > _MOST_ROWS:
        rows = np.sort(rows[np.argsort(-slices.dur[rows], kind="stable")[:_MOST_ROWS]])
    on_device = np.array([one.place is Place.STREAM for one in trace.tracks], np.bool_)
    short = np.flatnonzero(seen & (slices.dur < least) & on_device[slices.track])
    runs = _runs(trace, short.astype(np.int32), least)
    level = np.concatenate([_levels(trace, rows), np.zeros(len(runs.row), np.int64)])
    start, stop = slices.start[rows], end[rows]
    return _Found(
        row=np.concatenate([rows, runs.row]),
        start=np.clip(np.concatenate([start, runs.start]), t0, t1),
        end=np.clip(np.concatenate([stop, runs.end]), t0, t1),
        count=np.concatenate([np.ones(len(rows), np.int64), runs.count]),
        level=level,
    )


def _runs(trace: Trace, rows: Int32s, least: int) -> _Found:
    """Join rows, by track and start, that follow each other within less than a pixel."""
    slices = trace.slices
    start, track = slices.start[rows], slices.track[rows]
    end = start + slices.dur[rows]
    apart = (start[1:] - end[:-1] > least) | (track[1:] != track[:-1])
    first = np.flatnonzero(np.concatenate([[True], apart]))[: len(rows)]
    none = np.zeros(len(first), np.int64)
    if not len(rows):
        return _Found(rows, start, end, none, none)
    count = np.diff(np.append(first, len(rows)))
    return _Found(rows[first], start[first], np.maximum.reduceat(end, first), count, none)


def _marks(
    trace: Trace, found: _Found, base: Mapping[int, int], t0: int, t1: int
) -> tuple[Mark, ...]:
    slices, communicates = trace.slices, _communication(trace)
    columns = (found.row, found.start, found.end, found.count, found.level)
    marks = []
    for row, start, end, count, level in zip(*(c.tolist() for c in columns), strict=True):
        name = trace.strings[slices.name[row]]
        role = _OF_KIND.get(Kind(int(slices.kind[row])), Role.PAUSE)
        role = Role.COMM if communicates[row] else role
        role = next((own for begin, own in _NAMED if name.startswith(begin)), role)
        text = duration(int(slices.dur[row]))
        if count > 1:
            name, text = counted(count, "short work"), duration(end - start)
        place = base[int(slices.track[row])] + level
        marks.append(Mark((start - t0) / (t1 - t0), (end - start) / (t1 - t0), place, name, text,
                          role))  # fmt: skip
    return tuple(marks)


def _levels(trace: Trace, rows: Int32s) -> Int64s:
    """Return within how many of the other rows each one lies; rows are few, and ascend."""
    slices = trace.slices
    levels, last = np.zeros(len(rows), np.int64), -1
    ends: list[int] = []
    columns = (slices.track[rows], slices.start[rows], slices.start[rows] + slices.dur[rows])
    for k, (track, start, end) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        if track != last:
            ends, last = [], track
        while ends and ends[-1] <= start:
            ends.pop()
        levels[k] = len(ends)
        ends.append(end)
    return levels


def _lanes(trace: Trace, track: Int32s, found: _Found) -> tuple[list[int], list[int]]:
    """Return the busiest tracks, devices before the host, and how many lines each takes."""
    busy: dict[int, int] = {}
    lines: dict[int, int] = {}
    length = np.where(found.level == 0, found.end - found.start, 0)
    for number in np.unique(track).tolist():
        if trace.tracks[number].place in (Place.HOST, Place.STREAM):
            mine = track == number
            busy[number] = int(length[mine].sum())
            lines[number] = min(_MOST_DEPTH, int(found.level[mine].max()) + 1)
    on_host = {number: trace.tracks[number].place is Place.HOST for number in busy}
    order = sorted(busy, key=lambda number: -busy[number])
    half = _MOST_LANES // 2
    devices = [number for number in order if not on_host[number]]
    hosts = [number for number in order if on_host[number]]
    chosen = devices[: max(half, _MOST_LANES - len(hosts))]
    chosen += hosts[: _MOST_LANES - len(chosen)]
    return chosen, [lines[number] for number in chosen]


def _communication(trace: Trace) -> Bools:
    found = np.zeros(len(trace.slices), np.bool_)
    found[trace.work.row[work_classes(trace) == WorkClass.COMM]] = True
    return found


def _name(trace: Trace, number: int) -> str:
    track = trace.tracks[number]
    label = track.thread_label or track.thread
    if track.place is Place.STREAM and track.device >= 0:
        return f"GPU {track.device}, {label}"
    return label
