"""Find the steps of a run: where each begins and ends, and when its device work was done."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import numpy as np

from gpuboard.profiler.figures.device_time import repaired_ends
from gpuboard.profiler.figures.launches import calls_of
from gpuboard.profiler.figures.step_inference import infer_steps
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Place, Trace

Source: TypeAlias = Literal["marked", "annotated", "inferred", "none"]

# What frameworks write around each step, best known first: (pattern of the name, what wrote it).
# An unnumbered name marks a step each time that it comes.
_MARKS = (
    (r"ProfilerStep#(\d+)", "torch.profiler"),
    (r"\[pl\]\[profile\]run_training_batch", "Lightning"),
)
# The same of frameworks that also lay their steps over the device's time; used where they did not.
_HOST_MARKS = (
    (r"(?:[Tt]rain|[Tt]est|[Pp]redict)(?:#.*)?", "Keras or JAX"),
    (r"StepMarker", "XLA"),
)
# How people and engines name their own ranges around steps.
_RANGES = (
    (r"(?i)(?:.*\b)?(?:train(?:ing)?|eval|global)?[ _]?(?:step|iter(?:ation)?|(?:mini)?batch|train)"
     r"[ _#:=-]*(\d+)\b.*", "numbered ranges"),
    (r"(?i)(?:.*[.:/ ])?(?:train|training|one)_(?:step|iteration|batch)(?:_fn|_function)?",
     "ranges around each training step"),
    (r"execute_(?:context_)?\d+.*", "ranges of vLLM around each batch"),
)  # fmt: skip
_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one process, ascending and disjoint; nanoseconds, all columns of shape (m,).

    Attributes:
        name: As in the file, or "step 3" where they were inferred.
        start: Where the host (or, for XLA's own lines, the device) began it.
        end: Where the host ended it.
        span_start: `start`, or the `span_end` of the step before where that is later; for the first
            step, the end of all earlier work that was done before its own began.
        span_end: When the host and all device work that the step launched were done, never before
            the step before was.
        works: Device works that it launched.
        source: "marked" by the framework, "annotated" by a person's ranges, "inferred" from what
            repeats, or "none".
        how: What they were told by, or why there are none.
        device: Number of the device whose times `start` and `end` are, None where they are the
            host's. Work of this device then belongs to the step in which it ran, not to the one in
            which it was launched.
    """

    name: tuple[str, ...]
    start: Int64s
    end: Int64s
    span_start: Int64s
    span_end: Int64s
    works: Int64s
    source: Source
    how: str
    device: int | None = None

    def __len__(self) -> int:
        return len(self.start)

    @property
    def window(self) -> tuple[int, int] | None:
        """From the beginning of the first span to the end of the last, None without steps."""
        return (int(self.span_start[0]), int(self.span_end[-1])) if len(self) else None

    @property
    def absent(self) -> str:
        """Why there are no steps, "" where there are."""
        return self.how if self.source == "none" else ""


def find_steps(trace: Trace, *, device: int | None = None, infer: bool = True) -> Steps:
    """Return the steps of a trace, by the best sign of them that it has.

    That is, in this order: marks of a framework on the host (never their copies on a device), lines
    of steps of XLA, ranges that a person named, and what repeats (unless `infer` is False).
    """
    host = _host_rows(trace)
    names = np.unique(trace.slices.name[host])
    for pattern, writer in _MARKS:
        if len(rows := _named(trace, host, names, pattern)):
            return _steps(trace, rows, "marked", f"marks of {writer}")
    if len(rows := _lines_of_steps(trace, device)):
        how = "the line of steps of XLA"
        return _steps(trace, rows, "marked", how, device=_device_of(trace, rows))
    host = host[trace.slices.kind[host] != Kind.OPERATOR]
    names = np.unique(trace.slices.name[host])
    for pattern, writer in _HOST_MARKS:
        if len(rows := _one_track(trace, _named(trace, host, names, pattern))) > 1:
            return _steps(trace, rows, "marked", f"marks of {writer}")
    for pattern, what in _RANGES:
        if len(rows := _named(trace, host, names, pattern)):
            return _steps(trace, rows, "annotated", what)
    if len(rows := _numbered(trace, host, names)):
        family = _family(trace.text(int(trace.slices.name[rows[0]])))
        return _steps(trace, rows, "annotated", f"numbered ranges {family!r}")
    if len(rows := _longest_module(trace, device)):
        how = f"runs of the XLA module {trace.text(int(trace.slices.name[rows[0]]))!r}"
        return _steps(trace, rows, "annotated", how, device=_device_of(trace, rows))
    if not infer:
        return no_steps("the trace marks no steps")
    found = infer_steps(trace)
    if not len(found.start):
        return no_steps(found.how)
    labels = [f"step {k + 1}" for k in range(len(found.start))]
    return make_steps(
        trace, labels, found.start, found.end, "inferred", found.how, device=found.device
    )


def no_steps(why: str) -> Steps:
    """Return that there are no steps, and why."""
    none = np.empty(0, np.int64)
    return Steps((), none, none, none, none, none, "none", why)


def make_steps(
    trace: Trace,
    names: Sequence[str],
    start: Int64s,
    end: Int64s,
    source: Source,
    how: str,
    *,
    device: int | None = None,
) -> Steps:
    """Return steps between these times of the host (or the device), with what they launched."""
    number = _step_of(_times_of_work(trace, device), start, end)
    span_start, span_end = spans(trace, number, start, end)
    return Steps(
        name=tuple(names),
        start=start,
        end=end,
        span_start=span_start,
        span_end=span_end,
        works=np.bincount(number[number >= 0], minlength=len(start)).astype(np.int64),
        source=source,
        how=how,
        device=device,
    )


def spans(trace: Trace, step: Int32s, start: Int64s, end: Int64s) -> tuple[Int64s, Int64s]:
    """Return the spans of steps, given the step of each row of `trace.work`; see `Steps`."""
    if not len(start):
        return start, end
    works_start, works_end = trace.slices.start[trace.work.row], repaired_ends(trace)
    inside = step >= 0
    done = end.copy()
    np.maximum.at(done, step[inside], works_end[inside])
    done = np.maximum.accumulate(done)
    before = np.concatenate([start[:1], done[:-1]])
    if (step == 0).any():
        earlier = works_end[~inside & (works_end < works_start[step == 0].min())]
        before[0] = max(before[0], earlier.max(initial=before[0]))
    span_start = np.minimum(np.maximum(start, before), done)
    return span_start, done


def step_of_work(trace: Trace, steps: Steps) -> Int32s:
    """Return the step that launched each row of `trace.work`, -1 where none did, shape (k,)."""
    return _step_of(_times_of_work(trace, steps.device), steps.start, steps.end)


def _times_of_work(trace: Trace, device: int | None) -> Int64s:
    """Return when each row of `trace.work` was launched, or ran if a device is given.

    Where that is unknown, or the work is another device's, it is the least int64.
    """
    start = trace.slices.start
    if device is not None:
        known, times = trace.work.device == device, start[trace.work.row]
    else:
        call = calls_of(trace)
        known, times = call >= 0, start[call]
    return np.where(known, times, np.iinfo(np.int64).min)


def _step_of(times: Int64s, start: Int64s, end: Int64s) -> Int32s:
    if not len(start):
        return np.full(len(times), -1, np.int32)
    at = np.searchsorted(start, times, "right") - 1
    inside = (at >= 0) & (times < end[at])
    return np.where(inside, at, -1).astype(np.int32)


def _host_rows(trace: Trace) -> Int32s:
    rows = trace.rows(Kind.ANNOTATION, Kind.OPERATOR, Kind.OTHER)
    on_host = np.array([track.place == Place.HOST for track in trace.tracks], np.bool_)
    return rows[on_host[trace.slices.track[rows]]] if len(rows) else rows


def _lines_of_steps(trace: Trace, device: int | None) -> Int32s:
    rows = _lines(trace, device)
    lines = [
        number
        for number, track in enumerate(trace.tracks)
        if "step" in f"{track.thread} {track.thread_label}".lower()
    ]
    return rows[np.isin(trace.slices.track[rows], lines)]


def _lines(trace: Trace, device: int | None) -> Int32s:
    """Return steps and modules of XLA, of one device or of all."""
    rows = trace.rows(Kind.MODEL_STEP)
    if device is None or not len(rows):
        return rows
    fits = np.array([track.device == device for track in trace.tracks], np.bool_)
    return rows[fits[trace.slices.track[rows]]]


def _device_of(trace: Trace, rows: Int32s) -> int:
    """Return the device of the track that `_steps` will take of these rows."""
    return trace.tracks[int(trace.slices.track[_one_track(trace, rows)[0]])].device


def _longest_module(trace: Trace, device: int | None) -> Int32s:
    """Return the runs of the XLA module that took most time, if it ran more than once."""
    rows = _one_track(trace, _lines(trace, device))
    if not len(rows):
        return rows
    names = trace.slices.name[rows]
    time = np.bincount(names, weights=trace.slices.dur[rows])
    found: Int32s = rows[names == time.argmax()]
    return found if len(found) > 1 else found[:0]


def _named(trace: Trace, rows: Int32s, names: Int32s, pattern: str) -> Int32s:
    """Return the rows whose whole name matches."""
    matches = re.compile(pattern, re.DOTALL).fullmatch
    fitting = [number for number in names.tolist() if matches(trace.strings[number])]
    return _of_names(trace, rows, fitting)


def _of_names(trace: Trace, rows: Int32s, names: Iterable[int]) -> Int32s:
    wanted: Bools = np.zeros(len(trace.strings), np.bool_)
    wanted[list(names)] = True
    return rows[wanted[trace.slices.name[rows]]]


def _family(name: str) -> str:
    match = _NUMBER.fullmatch(name)
    return f"{match[1]}N{match[3]}" if match else name


def _numbered(trace: Trace, rows: Int32s, names: Int32s) -> Int32s:
    """Return the ranges of the family that counts up over most of the time."""
    families: dict[str, dict[int, int]] = {}
    for number in names.tolist():
        match = _NUMBER.fullmatch(trace.strings[number])
        if match and len(match[2]) < 10:
            families.setdefault(f"{match[1]}N{match[3]}", {})[number] = int(match[2])
    best, most = rows[:0], 0
    for members in families.values():
        if len(members) < 3:
            continue
        found = _one_track(trace, _of_names(trace, rows, members))
        order = found[np.argsort(trace.slices.start[found], kind="stable")]
        counts = np.array([members[name] for name in trace.slices.name[order].tolist()])
        covered = int(trace.slices.dur[found].sum())
        if len(counts) > 2 and (np.diff(counts) == 1).all() and covered > most:
            best, most = found, covered
    return best


def _one_track(trace: Trace, rows: Int32s) -> Int32s:
    """Return the rows of the track that has most of them, the longest of equals."""
    if not len(rows):
        return rows
    track = trace.slices.track[rows]
    count = np.bincount(track)
    time = np.bincount(track, weights=trace.slices.dur[rows])
    best: Int32s = rows[track == np.lexsort((time, count))[-1]]
    return best


def _steps(
    trace: Trace, rows: Int32s, source: Source, how: str, *, device: int | None = None
) -> Steps:
    rows = _one_track(trace, rows)
    start = trace.slices.start[rows]
    end = start + trace.slices.dur[rows]
    kept, reached = [], np.iinfo(np.int64).min
    for at, (begins, ends) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        if begins >= reached:
            kept.append(at)
            reached = ends
    names = [trace.text(number) for number in trace.slices.name[rows[kept]].tolist()]
    return make_steps(trace, names, start[kept], end[kept], source, how, device=device)
