"""Infer steps where nothing marks them, from what repeats.

A trace of a loop is a sequence of names (kernels by launch, or operators) in which each round has
nearly the same ones. So: a name that comes once a round is an anchor; the rounds it cuts are alike,
name for name; and of all anchors that cut the sequence so, the most frequent one cuts it into
single rounds, because a shorter piece, such as a layer, lacks what comes once a round.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from gpuboard.profiler.figures.device_time import named
from gpuboard.profiler.figures.launches import calls_of
from gpuboard.profiler.traces.trace import Bools, Float64s, Int32s, Int64s, Kind, Place, Trace

# Ranges of PyTorch that come once a step, with or without marked steps: where the step begins.
_ANCHORS = (
    (r"^enumerate\(DataLoader\)#.*__next__$", "start", "fetches from the data loader"),
    (r"^Optimizer\.step#.*", "end", "steps of the optimizer"),
    (r"^(?:##\s*)?(?:Optimizer\.)?zero_grad(?:#.*|\s*##)?$", "start", "calls of zero_grad"),
)
_ALIKE = 0.7  # of a round's names, counted, that must be those of the usual round
_STEADY = 0.9  # of all names: come in every round, for a loop without doubt
_STEADY_ENOUGH = 0.75
_LEAST_WORKS, _LEAST_NAMES = 6, 3  # of a round
_COVERED = 0.5  # of what comes from the first cut to the last
_CANDIDATES = 16
_LOOKED_AT = 100
_CELLS = 8_000_000  # rounds times names that are compared at once


@dataclasses.dataclass(frozen=True, slots=True)
class Inferred:
    """Times of inferred steps, what they were inferred from, and whose times they are.

    Attributes:
        device: Number of the device whose times they are, None where they are the host's.
    """

    start: Int64s
    end: Int64s
    how: str
    device: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Sequence:
    """Names in the order of time: `name` counts from 0 to `names` - 1."""

    start: Int64s
    end: Int64s
    name: Int64s
    strings: Int64s
    what: str
    device: int | None = None

    @property
    def names(self) -> int:
        return len(self.strings)


def infer_steps(trace: Trace) -> Inferred:
    """Return the steps that a trace seems to have; none, with the reason, where nothing repeats.

    The first of these signs that cuts at least two rounds alike: what PyTorch records once a step,
    kernels and copies by their launches, operators of the busiest thread.
    """
    host = _host_rows(trace)
    for pattern, side, what in _ANCHORS:
        marks = _matching(trace, host, pattern)
        if len(marks) < 2:
            continue
        sequence = _thread(trace, host, _busiest(trace, marks))
        found = _rounds(sequence, _known_cuts(trace, sequence, marks, side), f"{what} ({{rounds}})")
        if found is not None:
            return found
    operators = _thread(trace, host, _busiest(trace, host))
    for sequence in (_device_sequence(trace), operators):
        cut = _anchor(sequence)
        if cut is None:
            continue
        name = trace.text(int(sequence.strings[sequence.name[cut[0]]]))
        how = f"{sequence.what} that repeat from {_short(name)!r} on ({{rounds}})"
        found = _rounds(sequence, cut, how)
        if found is not None:
            return found
    none = np.empty(0, np.int64)
    return Inferred(
        none, none, "the trace marks no steps, and no sequence of kernels or operators repeats"
    )


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"


def _sequence(
    trace: Trace, rows: Int32s, start: Int64s, end: Int64s, what: str, device: int | None = None
) -> _Sequence:
    order = np.argsort(start, kind="stable")
    used = np.zeros(len(trace.strings), np.bool_)
    used[trace.slices.name[rows]] = True
    strings = np.flatnonzero(used)
    number = np.cumsum(used) - 1
    return _Sequence(
        start=start[order],
        end=end[order],
        name=number[trace.slices.name[rows[order]]],
        strings=strings,
        what=what,
        device=device,
    )


def _host_rows(trace: Trace) -> Int32s:
    rows = trace.rows(Kind.OPERATOR, Kind.ANNOTATION)
    on_host = np.array([track.place is Place.HOST for track in trace.tracks], np.bool_)
    return rows[on_host[trace.slices.track[rows]]] if len(rows) else rows


def _busiest(trace: Trace, rows: Int32s) -> int:
    """Return the track that has most of the rows."""
    return int(np.bincount(trace.slices.track[rows]).argmax()) if len(rows) else -1


def _thread(trace: Trace, host: Int32s, track: int) -> _Sequence:
    rows = host[trace.slices.track[host] == track]
    start = trace.slices.start[rows]
    return _sequence(trace, rows, start, start + trace.slices.dur[rows], "operators")


def _matching(trace: Trace, rows: Int32s, pattern: str) -> Int32s:
    """Return the rows of the most frequent name that matches."""
    names = trace.slices.name[rows]
    rows = rows[named(trace, names, re.compile(pattern, re.DOTALL))[names]]
    names = trace.slices.name[rows]
    return rows[names == np.bincount(names).argmax()] if len(rows) else rows


def _device_sequence(trace: Trace) -> _Sequence:
    """Return the work of the busiest device: by launch, or by time where launches are unknown."""
    work, slices = trace.work, trace.slices
    devices, works = np.unique(work.device, return_counts=True)
    busiest = int(devices[works.argmax()]) if len(devices) else -1
    kept: Bools = work.device == busiest
    call = calls_of(trace)[kept]
    rows = work.row[kept]
    known = call >= 0
    if len(rows) and known.mean() > 0.9:
        rows, call = rows[known], call[known]
        start = slices.start[call]
        return _sequence(trace, rows, start, start + slices.dur[call], "kernels")
    start = slices.start[rows]
    return _sequence(trace, rows, start, start + slices.dur[rows], "kernels", busiest)


def _known_cuts(trace: Trace, sequence: _Sequence, marks: Int32s, side: str) -> Int64s:
    """Return the places in a thread's sequence where marks on it begin, or have ended."""
    track = trace.slices.track[marks]
    marks = marks[track == _busiest(trace, marks)]
    start = trace.slices.start[marks]
    times = start if side == "start" else start + trace.slices.dur[marks]
    return np.unique(np.searchsorted(sequence.start, times, "left"))


def _anchor(sequence: _Sequence) -> Int64s | None:
    """Return the places of the name that comes once a round, None where no round shows."""
    if not sequence.names:
        return None
    counts = np.bincount(sequence.name, minlength=sequence.names)
    first = np.full(sequence.names, len(sequence.name))
    np.minimum.at(first, sequence.name, np.arange(len(sequence.name)))
    best: tuple[float, Int64s] | None = None
    for rounds in _candidates(counts):
        names = np.flatnonzero(counts == rounds)
        anchor = names[first[names].argmin()]
        cuts = np.flatnonzero(sequence.name == anchor)
        steady = _steadiness(sequence, cuts)
        if steady >= _STEADY:
            return cuts
        if steady >= _STEADY_ENOUGH and (best is None or steady > best[0]):
            best = steady, cuts
    return best[1] if best else None


def _candidates(counts: Int64s) -> list[int]:
    """Return the counts that most names have, the greatest first."""
    values, names = np.unique(counts[counts > 1], return_counts=True)
    most = np.argsort(-names, kind="stable")[:_CANDIDATES]
    return sorted(values[most].tolist(), reverse=True)


def _steadiness(sequence: _Sequence, cuts: Int64s) -> float:
    """Return the share of all names that come in nearly every round; 0 if rounds differ.

    Of many rounds those in the middle are looked at.
    """
    if len(cuts) > _LOOKED_AT:
        first = (len(cuts) - _LOOKED_AT) // 2
        cuts = cuts[first : first + _LOOKED_AT]
    table = _counts(sequence, cuts)
    usual = np.median(table[1:-1], axis=0)
    if usual.sum() < _LEAST_WORKS or np.count_nonzero(usual) < _LEAST_NAMES:
        return 0.0
    alike = _likeness(table, usual)
    if np.count_nonzero(alike >= _ALIKE) < max(2, 0.7 * (len(cuts) - 1)):
        return 0.0
    rounds = table[1:-1] if len(cuts) > 2 else table[1:]
    present = np.count_nonzero(rounds, axis=0) >= 0.9 * len(rounds)
    return float(np.count_nonzero(present) / sequence.names)


def _counts(sequence: _Sequence, cuts: Int64s) -> Int64s:
    """Return how often each name comes before, between and after the cuts, (cuts + 1, names)."""
    sizes = np.diff(np.concatenate([[0], cuts, [len(sequence.name)]]))
    cell = np.repeat(np.arange(len(sizes)) * sequence.names, sizes) + sequence.name
    shape = len(sizes), sequence.names
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)


def _likeness(table: Int64s, usual: Float64s) -> Float64s:
    """Return for each piece how many of its names, counted, are those of the usual round."""
    common = np.minimum(table, usual).sum(axis=1)
    either = np.maximum(table, usual).sum(axis=1)
    likeness: Float64s = common / np.maximum(either, 1)
    return likeness


def _rounds(sequence: _Sequence, cuts: Int64s, how: str) -> Inferred | None:
    """Return the pieces between cuts that are alike, None if they are few or cover little."""
    if len(cuts) < 2 or (len(cuts) + 1) * sequence.names > _CELLS:
        return None
    table = _counts(sequence, cuts)
    alike = np.flatnonzero(_likeness(table, np.median(table[1:-1], axis=0)) >= _ALIKE)
    if len(alike) < 2:
        return None
    inner = np.minimum(cuts, len(sequence.start) - 1)
    last = sequence.end.max()
    times = np.concatenate([sequence.start[:1], sequence.start[inner], [last]])
    times[1:-1][cuts >= len(sequence.start)] = last
    kept = alike[times[alike + 1] > times[alike]]
    between = kept[(kept > 0) & (kept < len(cuts))]
    size = np.diff(cuts)
    if size[between - 1].sum() < _COVERED * size.sum():
        return None
    rounds = f"{len(between)} of {len(cuts) - 1} rounds between them alike"
    return Inferred(times[kept], times[kept + 1], how.replace("{rounds}", rounds), sequence.device)
