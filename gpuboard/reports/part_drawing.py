"""Draw the piece of the timeline that the verdict speaks of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpuboard.profiler.advice.finding import Finding
from gpuboard.profiler.advice.words import duration
from gpuboard.profiler.figures.device_time import WorkClass, work_classes
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Place, Trace
from gpuboard.reports.document import Drawing, Mark, Role, Section
from gpuboard.reports.sheet import Sheet

_MOST_MARKS = 1_200
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


def _drawn(sheet: Sheet, window: tuple[int, int], label: str) -> Drawing:
    trace, slices = sheet.trace, sheet.trace.slices
    beside = max(1_000, int((window[1] - window[0]) * _BESIDE))
    t0, t1 = window[0] - beside, window[1] + beside
    end = slices.start + slices.dur
    least = (t1 - t0) // _PIXELS
    seen = (slices.start < t1) & (end > t0) & (slices.dur >= least) & ~slices.suspect
    rows = np.flatnonzero(seen).astype(np.int32)
    depth = sheet.evidence.nesting.depth[rows].astype(np.int64)
    rows = rows[depth < 64]
    tracks, lines = _lanes(sheet, rows, t0, t1)
    base = dict(zip(tracks, np.cumsum([0, *lines[:-1]]).tolist(), strict=True)) if tracks else {}
    shallow = _shallow(sheet, rows)
    kept = np.isin(slices.track[rows], tracks) & (shallow < _MOST_DEPTH)
    rows, shallow = rows[kept], shallow[kept]
    order = np.argsort(-slices.dur[rows], kind="stable")[:_MOST_MARKS]
    communicates = _communication(trace)
    span = t1 - t0
    marks = []
    for row, line in zip(rows[order].tolist(), shallow[order].tolist(), strict=True):
        a, b = max(int(slices.start[row]), t0), min(int(end[row]), t1)
        name = trace.strings[slices.name[row]]
        role = _OF_KIND.get(Kind(int(slices.kind[row])), Role.PAUSE)
        if communicates[row]:
            role = Role.COMM
        for start, own in _NAMED:
            if name.startswith(start):
                role = own
        place = base[int(slices.track[row])] + line
        text = duration(int(slices.dur[row]))
        marks.append(Mark((a - t0) / span, (b - a) / span, place, name, text, role))
    return Drawing(
        label=f"{label}: {duration(window[1] - window[0])}",
        lanes=tuple(zip((_name(trace, k) for k in tracks), lines, strict=True)),
        marks=tuple(marks),
        highlight=((window[0] - t0) / span, (window[1] - t0) / span),
        span=duration(span),
        more=max(0, len(rows) - len(marks)),
    )


def _shallow(sheet: Sheet, rows: Int32s) -> Int64s:
    """Return the depth of each row, without levels that no row of its track is on."""
    trace = sheet.trace
    depth = sheet.evidence.nesting.depth[rows].astype(np.int64)
    track = trace.slices.track[rows].astype(np.int64)
    key = track << 16 | depth
    levels = np.unique(key)
    first = np.searchsorted(levels, track << 16)
    return np.searchsorted(levels, key) - first


def _lanes(sheet: Sheet, rows: Int32s, t0: int, t1: int) -> tuple[list[int], list[int]]:
    """Return the busiest tracks, devices before the host, and how many lines each takes."""
    trace, slices = sheet.trace, sheet.trace.slices
    busy: dict[int, int] = {}
    lines: dict[int, int] = {}
    shallow = _shallow(sheet, rows)
    length = np.minimum(slices.start[rows] + slices.dur[rows], t1) - np.maximum(
        slices.start[rows], t0
    )
    for track in np.unique(slices.track[rows]).tolist():
        mine = slices.track[rows] == track
        if trace.tracks[track].place in (Place.HOST, Place.STREAM):
            busy[track] = int(length[mine & (shallow == 0)].sum())
            lines[track] = min(_MOST_DEPTH, int(shallow[mine].max()) + 1)
    chosen = sorted(busy, key=lambda k: -busy[k])[:_MOST_LANES]
    chosen.sort(key=lambda k: (trace.tracks[k].place is Place.HOST, -busy[k]))
    return chosen, [lines[k] for k in chosen]


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
