"""Tell which ranks make the others wait, and for how long."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gpuboard.profiler.figures.collectives import CollectiveTable
from gpuboard.profiler.figures.device_time import device_time
from gpuboard.profiler.figures.matching import Matched
from gpuboard.profiler.figures.steps import Steps
from gpuboard.profiler.traces.trace import Int64s, Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Stragglers:
    """What each rank did with its time, and what it cost the others; columns of shape (r,), ns.

    Attributes:
        rank: Of each row.
        window_ns: From the first start to the last end of work on its devices.
        computing_ns: Covered by computation.
        communicating_ns: Covered by communication; of it `overlapped_ns` while it computed too, and
            `exposed_ns` while it did not.
        copying_ns: Covered by copies and fills while nothing was computed or communicated.
        idle_ns: The rest of the window.
        transferring_ns: Of all matched collectives, the time that the quickest rank took.
        waiting_ns: Of all matched collectives, what this rank took longer than the quickest.
        last: How many collectives it started last.
        caused_ns: What the others waited for it: over collectives that it started last, the sum
            over the other ranks of its start - their start, their duration at most.
        gain_ns: What all would gain if it came no later than the next to last: over collectives
            that it started last, its start - that of the one before it.
        collectives: How many were matched.
        absent: Why waiting is not known, "" where it is.
    """

    rank: tuple[int, ...]
    window_ns: Int64s
    computing_ns: Int64s
    communicating_ns: Int64s
    overlapped_ns: Int64s
    exposed_ns: Int64s
    copying_ns: Int64s
    idle_ns: Int64s
    transferring_ns: Int64s
    waiting_ns: Int64s
    last: Int64s
    caused_ns: Int64s
    gain_ns: Int64s
    collectives: int
    absent: str = ""

    @property
    def worst(self) -> tuple[int, ...]:
        """Ranks that made others wait, most waiting first."""
        order = np.argsort(-self.caused_ns, kind="stable")
        return tuple(self.rank[k] for k in order.tolist() if self.caused_ns[k] > 0)


def stragglers(traces: Sequence[Trace], matched: Matched) -> Stragglers:
    """Sum over all matched collectives who waited, and for whom.

    A rank waits in a collective from its own start until the last rank has started: that one is the
    cause. Needs traces of several ranks with kernels of NCCL or RCCL.
    """
    times = [device_time(trace, repaired=True) for trace in traces]
    present = matched.present
    caused, gain = _blame(matched)
    by_rank = np.bincount(matched.last, minlength=len(traces)).astype(np.int64)

    def column(values: Sequence[int]) -> Int64s:
        return np.array(values, np.int64)

    return Stragglers(
        rank=matched.rank,
        window_ns=column([one.window_ns for one in times]),
        computing_ns=column([one.compute.union_ns for one in times]),
        communicating_ns=column([one.comm.union_ns for one in times]),
        overlapped_ns=column([one.compute_comm_overlap_ns for one in times]),
        exposed_ns=column([one.exposed_comm_ns for one in times]),
        copying_ns=column([one.exposed_mem_ns for one in times]),
        idle_ns=column([one.idle_ns for one in times]),
        transferring_ns=np.where(present, matched.latency_ns[:, None], 0).sum(axis=0),
        waiting_ns=matched.waiting_ns.sum(axis=0),
        last=by_rank,
        caused_ns=caused,
        gain_ns=gain,
        collectives=len(matched),
        absent=matched.absent,
    )


def _blame(matched: Matched) -> tuple[Int64s, Int64s]:
    caused = np.zeros(len(matched.rank), np.int64)
    gain = np.zeros(len(matched.rank), np.int64)
    if not len(matched):
        return caused, gain
    least = np.iinfo(np.int64).min
    start = np.where(matched.present, matched.start, least)
    latest = start.max(axis=1)
    late = np.where(matched.present, latest[:, None] - start, 0)
    np.add.at(caused, matched.last, np.minimum(late, matched.duration).sum(axis=1))
    start[np.arange(len(start)), matched.last] = least
    second = start.max(axis=1)
    known = second > least
    np.add.at(gain, matched.last[known], (latest - second)[known])
    return caused, gain


@dataclasses.dataclass(frozen=True, slots=True)
class LateStarters:
    """Ranks that started the most uneven collective last.

    Attributes:
        rank: Candidates, those most often found first; `times` in how many steps each.
        kernel: Name of the kernel that was compared, "" where there is none; `stream` likewise.
        absent: Why there is nothing, "" where there is.
    """

    rank: tuple[int, ...]
    times: tuple[int, ...]
    kernel: str
    stream: int
    absent: str = ""


def late_starters(
    traces: Sequence[Trace],
    tables: Sequence[CollectiveTable],
    matched: Matched,
    steps: Sequence[Steps] = (),
    *,
    candidates: int = 2,
    least_share: float = 0.01,
) -> LateStarters:
    """Find potential stragglers by the rule of Holistic Trace Analysis.

    Of kernels of communication that last long enough, take the last one of each name and stream in
    each step on each rank; choose the name and stream whose durations differ most over ranks
    (standard deviation, mean over steps); the ranks that start it latest are suspects. Unlike
    `stragglers` it always names somebody, and looks at one collective of a step only.

    Args:
        traces: Of the ranks.
        tables: Collectives of each.
        matched: What they have in common; of it only ranks and clocks are used.
        steps: Of each trace; without them the recording is one step.
        candidates: How many ranks of a step are suspects.
        least_share: Of a mean step, that a kernel lasts at least.
    """
    found = _long_kernels(traces, tables, matched, steps, least_share)
    if not found:
        return LateStarters((), (), "", -1, matched.absent or "no kernel of communication is long")
    groups: dict[tuple[str, int], dict[int, dict[int, tuple[int, int]]]] = {}
    for (rank, step, name, stream), value in found.items():
        groups.setdefault((name, stream), {}).setdefault(step, {})[rank] = value
    spread = {key: _mean_deviation(by_step) for key, by_step in groups.items()}
    name, stream = max(spread, key=lambda key: spread[key])
    count: dict[int, int] = {}
    for by_rank in groups[name, stream].values():
        latest = sorted(by_rank, key=lambda rank: -by_rank[rank][0])[:candidates]
        for rank in latest:
            count[rank] = count.get(rank, 0) + 1
    order = sorted(count, key=lambda rank: (-count[rank], rank))
    return LateStarters(tuple(order), tuple(count[rank] for rank in order), name, stream)


def _mean_deviation(by_step: dict[int, dict[int, tuple[int, int]]]) -> float:
    deviations = [
        float(np.std([length for _, length in by_rank.values()], ddof=1))
        for by_rank in by_step.values()
        if len(by_rank) > 1
    ]
    return float(np.mean(deviations)) if deviations else -1.0


def _long_kernels(
    traces: Sequence[Trace],
    tables: Sequence[CollectiveTable],
    matched: Matched,
    steps: Sequence[Steps],
    least_share: float,
) -> dict[tuple[int, int, str, int], tuple[int, int]]:
    """Return start and duration of the last long kernel by rank, step, name and stream."""
    bounds = [
        (int(t.slices.start.min()) + o, int((t.slices.start + t.slices.dur).max()) + o)
        for t, o in zip(traces, matched.clocks.origin.tolist(), strict=True)
        if len(t.slices)
    ]
    count = max((len(one) for one in steps), default=0) or 1
    if not bounds:
        return {}
    mean = (max(end for _, end in bounds) - min(start for start, _ in bounds)) / count
    last: dict[tuple[int, int, str, int], tuple[int, int]] = {}
    for number, (trace, table) in enumerate(zip(traces, tables, strict=True)):
        step = np.zeros(len(table), np.int64)
        if number < len(steps) and len(steps[number]):
            step = np.searchsorted(steps[number].span_end, table.start, "right")
            step = np.minimum(step, len(steps[number]) - 1)
        kept = np.flatnonzero(table.duration >= mean * least_share)
        names = trace.slices.name[table.row[kept]]
        tracks = trace.slices.track[table.row[kept]]
        keys = np.stack([step[kept], names, tracks], axis=1)
        distinct, at = np.unique(keys[::-1], axis=0, return_index=True)
        origin = int(matched.clocks.origin[number])
        for (where, name, track), place in zip(distinct.tolist(), at.tolist(), strict=True):
            entry = kept[len(kept) - 1 - place]
            key = (matched.rank[number], where, trace.text(name), trace.tracks[track].stream)
            last[key] = int(table.start[entry]) + origin, int(table.duration[entry])
    return last
