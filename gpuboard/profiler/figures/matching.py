"""Match the collectives of several ranks: which kernel of one belongs to which of another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gpuboard.profiler.figures.collectives import Collective, CollectiveTable, bus_factors
from gpuboard.profiler.traces.trace import Bools, Float64s, Int32s, Int64s, Trace, UInt8s

ONE_RANK = "waiting is seen only where traces of several ranks of one job are looked at together"
NO_MATCH = "no collective was found in the traces of two ranks or more"
# Ends of a collective differ by microseconds; clocks that differ less are left as they are.
TRUSTED_NS = 100_000
_PASSES = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Clocks:
    """How the clocks of the ranks were set against each other.

    Attributes:
        origin: Nanoseconds to add to a rank's times to bring them on the common clock, shape (r,).
        estimated: Of it, what was estimated from ends of collectives, shape (r,).
        spread_ns: Median over collectives of last end - first end, as the files have them;
            `left_ns` after the estimate.
        how: In words.
    """

    origin: Int64s
    estimated: Int64s
    spread_ns: float
    left_ns: float
    how: str


@dataclasses.dataclass(frozen=True, slots=True)
class Matched:
    """Collectives over ranks: m of them, r ranks, by their first start.

    Attributes:
        rank: Of each column, shape (r,).
        collective: `Collective`, shape (m,).
        group: Name of the group, "" where unknown, shape (m,).
        group_size: -1 unknown, shape (m,).
        bytes: Of the message, as `CollectiveTable.bytes`, shape (m,).
        present: Which ranks took part as far as the traces show, shape (m, r).
        entry: Row in each rank's `CollectiveTable`, -1 absent, shape (m, r).
        start: On the common clock, shape (m, r); `end` likewise; 0 where absent.
        latency_ns: Shortest duration over ranks: the time that the transfer itself took, since all
            longer ones waited for somebody, shape (m,).
        waiting_ns: Duration - latency, shape (m, r).
        start_skew_ns: Last start - first start, shape (m,); `end_skew_ns` likewise.
        last: Column of the rank that started last, shape (m,).
        algorithm_gbs: bytes / latency, 10^9 bytes a second, NaN unknown, shape (m,).
        bus_gbs: Comparable with the bandwidth of links, see `bus_factor`, shape (m,).
        unmatched: Collectives of each rank that no other has, shape (r,).
        clocks: How times were made comparable.
        how: What they were matched by.
        absent: Why there is nothing, "" where there is.
    """

    rank: tuple[int, ...]
    collective: UInt8s
    group: tuple[str, ...]
    group_size: Int64s
    bytes: Int64s
    present: Bools
    entry: Int32s
    start: Int64s
    end: Int64s
    latency_ns: Int64s
    waiting_ns: Int64s
    start_skew_ns: Int64s
    end_skew_ns: Int64s
    last: Int32s
    algorithm_gbs: Float64s
    bus_gbs: Float64s
    unmatched: Int64s
    clocks: Clocks
    how: str
    absent: str = ""

    def __len__(self) -> int:
        return len(self.latency_ns)

    @property
    def duration(self) -> Int64s:
        """Of each rank's kernel, 0 where absent, shape (m, r)."""
        return self.end - self.start


def ranks_in(traces: Sequence[Trace]) -> tuple[int, ...]:
    """Return the rank of each trace as files say, or its place unless all say different ones."""
    told = [trace.origin.rank for trace in traces]
    ranks = tuple(rank for rank in told if rank is not None)
    if len(ranks) < len(told) or len(set(ranks)) < len(ranks):
        return tuple(range(len(traces)))
    return ranks


def match(traces: Sequence[Trace], tables: Sequence[CollectiveTable]) -> Matched:
    """Match collectives by group and sequence number, or by order where these are missing.

    Without numbers the k-th collective of a sort in a group on one rank is the k-th of that sort on
    all others, so that recordings must begin at the same step. Only what two ranks or more have is
    kept. Clocks: see `Clocks.how`; all times of the result are on the common clock.
    """
    ranks = ranks_in(traces)
    owner, keys, numbered = _keys(traces, tables)
    if len(keys):
        distinct, which = np.unique(keys, axis=0, return_inverse=True)
        which = which.reshape(-1)
    else:
        distinct, which = keys, np.empty(0, np.int64)
    entry = np.full((len(distinct), len(traces)), -1, np.int32)
    place = np.concatenate([np.arange(len(table)) for table in tables] or [np.empty(0, np.int64)])
    entry[which, owner] = place
    shared = (entry >= 0).sum(axis=1) > 1
    unmatched = (entry[~shared] >= 0).sum(axis=0)
    entry = entry[shared]
    present = entry >= 0
    start = _taken(entry, [table.start for table in tables])
    end = _taken(entry, [table.end for table in tables])
    clocks = _clocks(traces, end, present)
    start = np.where(present, start + clocks.origin, 0)
    end = np.where(present, end + clocks.origin, 0)
    order = np.argsort(np.where(present, start, _FAR).min(axis=1, initial=_FAR), kind="stable")
    return _measured(
        traces, tables, ranks, entry[order], start[order], end[order], clocks, unmatched,
        "group and sequence number" if numbered else "order of collectives of a sort",
    )  # fmt: skip


_FAR = np.iinfo(np.int64).max


def _keys(
    traces: Sequence[Trace], tables: Sequence[CollectiveTable]
) -> tuple[Int64s, Int64s, bool]:
    """Return rank and key of each collective of all ranks, and whether most have numbers.

    A key is the group, the sort, the number in the group, the peers, and a count of equal ones.
    """
    groups: dict[tuple[str, str], int] = {}
    parts = []
    for number, (trace, table) in enumerate(zip(traces, tables, strict=True)):
        pairs = np.stack([table.group, table.group_ranks], axis=1)
        distinct, which = np.unique(pairs, axis=0, return_inverse=True)
        names = [
            groups.setdefault((trace.text(name), trace.text(ranks)), len(groups))
            for name, ranks in distinct.tolist()
        ]
        group = np.array(names, np.int64)[which.reshape(-1)] if names else np.empty(0, np.int64)
        between = table.collective == Collective.POINT_TO_POINT
        columns = [
            np.full(len(table), number), group, table.collective, table.sequence,
            np.where(between, table.source, -1), np.where(between, table.target, -1),
        ]  # fmt: skip
        parts.append(np.stack([column.astype(np.int64) for column in columns], axis=1))
    rows = np.concatenate(parts) if parts else np.empty((0, 6), np.int64)
    numbered = bool(len(rows)) and bool((rows[:, 3] >= 0).mean() > 0.5)
    again = _ordinals(rows)
    return rows[:, 0], np.column_stack([rows[:, 1:], again]), numbered


def _ordinals(rows: Int64s) -> Int64s:
    """Return the how-manieth of its equals each row is, in the order given."""
    count = np.zeros(len(rows), np.int64)
    if not len(rows):
        return count
    _, which = np.unique(rows, axis=0, return_inverse=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    run = which.reshape(-1)[order]
    fresh = np.concatenate([[True], run[1:] != run[:-1]])
    at = np.arange(len(rows))
    count[order] = at - np.maximum.accumulate(np.where(fresh, at, 0))
    return count


def _taken(entry: Int32s, columns: Sequence[Int64s]) -> Int64s:
    """Return the value of each rank's column at each entry, 0 where absent, shape (m, r)."""
    values = np.zeros(entry.shape, np.int64)
    for number, column in enumerate(columns):
        known = entry[:, number] >= 0
        values[known, number] = column[entry[known, number]]
    return values


def _clocks(traces: Sequence[Trace], end: Int64s, present: Bools) -> Clocks:
    """Set the clocks of ranks against each other.

    Each file's own base time is added where all have one. A collective ends nearly at once on all
    ranks, whoever was late; where ends differ by more than `TRUSTED_NS` in the median, each rank is
    shifted by the median of what its ends differ from those of the others, until nothing changes.
    """
    bases = [trace.origin.base for trace in traces]
    base = np.zeros(len(traces), np.int64)
    words = "times as the files have them"
    known = [one for one in bases if one is not None]
    if len(known) == len(traces) and len(set(known)) > 1:
        base = np.array(known, np.int64) - min(known)
        words = "base times of the files"
    spread = _spread(end + base, present)
    shift = np.zeros(len(traces), np.int64)
    if spread > TRUSTED_NS:
        shift = _shifts(end + base, present)
        words += "; shifted so that collectives end together on all ranks"
    left = _spread(end + base + shift, present)
    if spread > TRUSTED_NS and left > spread / 2:
        shift, left = np.zeros(len(traces), np.int64), spread
        words = "times as the files have them: their ends disagree, and no shift of clocks mends it"
    return Clocks(base + shift, shift, spread, left, words)


def _spread(end: Int64s, present: Bools) -> float:
    if not len(end):
        return 0.0
    last = np.where(present, end, -_FAR).max(axis=1)
    first = np.where(present, end, _FAR).min(axis=1)
    return float(np.median(last - first))


def _shifts(end: Int64s, present: Bools) -> Int64s:
    origin = int(end[present].min())
    times = np.where(present, end - origin, np.nan).astype(np.float64)
    shift = np.zeros(end.shape[1])
    for _ in range(_PASSES):
        gap = np.nanmedian(times + shift, axis=1, keepdims=True) - times - shift
        seen = present.any(axis=0)
        step = np.zeros(len(shift))
        step[seen] = np.nanmedian(gap[:, seen], axis=0)
        shift += step
        if np.abs(step).max() < 1:
            break
    first = int(np.argmax(present.any(axis=0)))
    shifts: Int64s = np.rint(shift - shift[first]).astype(np.int64)
    return shifts


def _measured(
    traces: Sequence[Trace],
    tables: Sequence[CollectiveTable],
    ranks: tuple[int, ...],
    entry: Int32s,
    start: Int64s,
    end: Int64s,
    clocks: Clocks,
    unmatched: Int64s,
    how: str,
) -> Matched:
    present = entry >= 0
    duration = end - start
    latency = np.where(present, duration, _FAR).min(axis=1, initial=_FAR)
    kind, size, group = _named(traces, tables, entry)
    moved = _taken(entry, [table.bytes for table in tables]).max(axis=1, initial=-1)
    moved = np.where(moved > 0, moved, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        algorithm = np.where((moved > 0) & (latency > 0), moved / latency, np.nan)
    return Matched(
        rank=ranks,
        collective=kind,
        group=group,
        group_size=size,
        bytes=moved,
        present=present,
        entry=entry,
        start=start,
        end=end,
        latency_ns=latency,
        waiting_ns=np.where(present, duration - latency[:, None], 0),
        start_skew_ns=_skew(start, present),
        end_skew_ns=_skew(end, present),
        last=np.where(present, start, -_FAR).argmax(axis=1).astype(np.int32),
        algorithm_gbs=algorithm,
        bus_gbs=algorithm * bus_factors(kind, size),
        unmatched=unmatched.astype(np.int64),
        clocks=clocks,
        how=how,
        absent=_absent(traces, tables, len(entry)),
    )


def _named(
    traces: Sequence[Trace], tables: Sequence[CollectiveTable], entry: Int32s
) -> tuple[UInt8s, Int64s, tuple[str, ...]]:
    """Return sort, group size and name of the group of each, as the first rank that has it says."""
    first = np.argmax(entry >= 0, axis=1)
    at = np.arange(len(entry))
    kind, size, name = (
        _taken(entry, [getattr(table, column).astype(np.int64) for table in tables])[at, first]
        for column in ("collective", "group_size", "group")
    )
    pairs = zip(first.tolist(), name.tolist(), strict=True)
    return kind.astype(np.uint8), size, tuple(traces[rank].text(number) for rank, number in pairs)


def _skew(times: Int64s, present: Bools) -> Int64s:
    last = np.where(present, times, -_FAR).max(axis=1)
    skew: Int64s = last - np.where(present, times, _FAR).min(axis=1)
    return skew


def _absent(traces: Sequence[Trace], tables: Sequence[CollectiveTable], found: int) -> str:
    if len(traces) < 2:
        return ONE_RANK
    without = [table.absent for table in tables if table.absent]
    if len(without) == len(tables):
        return without[0]
    return "" if found else NO_MATCH
