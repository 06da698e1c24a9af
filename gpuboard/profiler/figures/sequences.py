"""Find sequences of kernels that come again and again: what fusing or a CUDA graph would help."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np

from gpuboard.limits import MAX_KERNEL_SEQUENCES
from gpuboard.profiler.figures.grouping import Groups, group
from gpuboard.profiler.figures.launches import Launches
from gpuboard.profiler.figures.nesting import Nesting, nearest
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace

SHORTEST, LONGEST = 2, 8
BREAK_NS = 1_000_000

Sort = Literal["count", "total", "gaps"]


@dataclasses.dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences of kernels on one stream, costliest first as asked; columns of shape (q,).

    Attributes:
        length: Kernels of the sequence.
        names: Their names in order, strings of the trace, shape (q, 8), -1 behind the last.
        count: How often it came, counted so that no two overlap.
        total_ns: Time of its kernels over all times it came.
        gaps_ns: Time between its kernels, likewise: at most this could be saved.
        first: Row of the first kernel of the first time it came.
        found: How many sequences came twice or more; the columns hold the first of them.
        absent: Why there are none, "" if there are.
    """

    length: Int32s
    names: Int32s
    count: Int64s
    total_ns: Int64s
    gaps_ns: Int64s
    first: Int32s
    found: int
    absent: str = ""

    def __len__(self) -> int:
        return len(self.length)


def sequences(
    trace: Trace,
    launches: Launches,
    nesting: Nesting,
    *,
    operator: str | None = None,
    top: int = 100,
    sort: Sort = "count",
    break_ns: int = BREAK_NS,
) -> Sequences:
    """Find kernel sequences of 2 to 8 that came at least twice.

    Kernels follow each other on a stream, without a gap longer than `break_ns` (that is waiting for
    something else than a launch). One that never came without the same kernel before or after it is
    left out in favour of the longer one.

    Args:
        trace: As read.
        launches: Of that trace.
        nesting: Of that trace.
        operator: Only kernels that were launched under an operator or annotation of this name, and
            only sequences within one call of it; None for all.
        top: How many to list, at most `max_kernel_sequences`.
        sort: By which column to choose and sort them, the greatest first.
        break_ns: A longer gap ends a sequence.
    """
    rows, segment = _segments(trace, launches, nesting, operator)
    slices = trace.slices
    start, dur = slices.start[rows], slices.dur[rows]
    gap = np.maximum(start[1:] - (start + dur)[:-1], 0)
    joined = (segment[1:] == segment[:-1]) & (gap <= break_ns)
    segment = np.append(0, np.cumsum(~joined))[: len(rows)]
    busy = np.append(0, np.cumsum(dur))
    idle = np.append(0, np.cumsum(np.where(joined, gap, 0)))[: len(rows)]
    all_lengths = _grow(slices.name[rows], segment, busy, idle)
    return _listed(trace, rows, all_lengths, top=top, sort=sort, operator=operator)


def _segments(
    trace: Trace, launches: Launches, nesting: Nesting, operator: str | None
) -> tuple[Int32s, Int64s]:
    """Return kernels stream by stream, and where one stream or call of the operator ends."""
    work, slices = trace.work.row, trace.slices
    chosen = (slices.kind[work] == Kind.KERNEL) & ~slices.suspect[work]
    if operator is None:
        rows = work[chosen]
        return rows, slices.track[rows].astype(np.int64)
    named = np.zeros(len(slices) + 1, np.bool_)
    notes = trace.rows(Kind.OPERATOR, Kind.ANNOTATION)
    named[notes] = _is_named(trace, notes, operator)
    under = np.append(nearest(nesting, named[:-1]), -1)[launches.operator]
    chosen &= under >= 0
    order = np.lexsort((work[chosen], under[chosen], slices.track[work[chosen]]))
    rows, under = work[chosen][order], under[chosen][order]
    return rows, slices.track[rows].astype(np.int64) * len(slices) + under


def _is_named(trace: Trace, rows: Int32s, name: str) -> Bools:
    numbers = [number for number, text in enumerate(trace.strings) if text == name]
    return np.isin(trace.slices.name[rows], numbers)


@dataclasses.dataclass(slots=True)
class _OfLength:
    """Sequences of one length; `closed` tells which are no mere part of a longer one."""

    first: Int64s
    occurrences: Int64s
    count: Int64s
    total: Int64s
    gaps: Int64s
    closed: Bools


def _grow(name: Int32s, segment: Int64s, busy: Int64s, idle: Int64s) -> list[_OfLength]:
    """Number the sequences of each length by those one shorter and the kernel that follows."""
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.sequence_kernels import count_apart

    found: list[_OfLength] = []
    kernel = group(name).number if len(name) else name
    shorter, place = kernel, np.arange(len(name))
    for length in range(SHORTEST, LONGEST + 1):
        fits = place + length <= len(name)
        fits[fits] = segment[place[fits]] == segment[place[fits] + length - 1]
        before, begin = shorter[fits], place[fits]
        groups = group(before, kernel[begin + length - 1]) if len(begin) else None
        if groups is None:
            break
        often = np.bincount(groups.number)
        columns = (frozen(groups.number), frozen(begin), len(groups), length)
        counted = count_apart(*columns, frozen(busy), frozen(idle))
        closed = np.ones(len(groups), np.bool_)
        if found:
            _absorb(found[-1], shorter, place, groups, begin, often)
        found.append(_OfLength(begin[groups.first], often, *counted, closed))
        if often.max() < 2:
            break
        shorter, place = groups.number, begin
    return found


def _absorb(
    last: _OfLength,
    shorter: Int32s,
    place: Int64s,
    groups: Groups,
    begin: Int64s,
    often: Int64s,
) -> None:
    """Mark sequences that always go on, or always come after, the same kernel."""
    at = np.full(int(place[-1]) + 2, -1)
    at[place] = np.arange(len(place))
    first = begin[groups.first]
    for part in (shorter[at[first]], shorter[at[first + 1]]):
        same = last.occurrences[part] == often
        last.closed[part[same]] = False


def _listed(
    trace: Trace,
    rows: Int32s,
    lengths: list[_OfLength],
    *,
    top: int,
    sort: Sort,
    operator: str | None,
) -> Sequences:
    top = min(top, MAX_KERNEL_SEQUENCES.value)
    kept = [(of.count > 1) & of.closed for of in lengths]

    def all_of(columns: list[Int64s]) -> Int64s:
        none = [np.empty(0, np.int64)]
        return np.concatenate(none + [c[k] for c, k in zip(columns, kept, strict=True)])

    length = np.repeat(np.arange(len(lengths)) + SHORTEST, [int(k.sum()) for k in kept])
    count, total = all_of([of.count for of in lengths]), all_of([of.total for of in lengths])
    gaps, first = all_of([of.gaps for of in lengths]), all_of([of.first for of in lengths])
    key = {"count": count, "total": total, "gaps": gaps}[sort]
    order = np.lexsort((first, length, -total, -key))[:top]
    place = first[order, None] + np.arange(LONGEST)
    within = np.arange(LONGEST) < length[order, None]
    names = trace.slices.name[rows[np.where(within, place, first[order, None])]]
    return Sequences(
        length=length[order].astype(np.int32),
        names=np.where(within, names, -1).astype(np.int32),
        count=count[order],
        total_ns=total[order],
        gaps_ns=gaps[order],
        first=rows[first[order]],
        found=len(count),
        absent=_absent(trace, rows, len(count), operator),
    )


def _absent(trace: Trace, rows: Int32s, found: int, operator: str | None) -> str:
    if found:
        return ""
    if not len(trace.rows(Kind.KERNEL)):
        return "The trace holds no kernels."
    if not len(rows):
        return f"No kernel was launched under {operator!r}, as far as the trace tells."
    return "No two kernels in a row came twice."
