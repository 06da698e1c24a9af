"""Say what had to wait for what: the graph through which the longest path of a window goes.

Nodes are the starts and the ends of slices; an edge says that its target could not come before its
source, and how long it took from there. The edges, after Holistic Trace Analysis: a thread does one
thing after the other; work of a device starts after its launching call and after what its stream
did before; a blocking call ends after the work it waited for; a stream that waits for an event
starts after the work before that event.
"""

from __future__ import annotations

import dataclasses
import enum
import re

import numpy as np

from gpuboard.profiler.figures.launches import Launches, join
from gpuboard.profiler.traces.trace import (
    Bools,
    Float64s,
    Int32s,
    Int64s,
    Kind,
    Place,
    Trace,
    UInt8s,
)

_BLOCKING = re.compile(
    r"^(cuda|hip)(Device|Stream|Event)Synchronize|^(cu|hip)(Ctx|Stream|Event)Synchronize"
    r"|^(cuda|hip)EventQuery|^(cuda|hip)Memcpy(2D|ToSymbol|FromSymbol)?$"
)
_COPY = re.compile(r"^(cuda|hip)Mem(cpy|set)")
# Shorter pauses are the usual ones between two kernels, or two operators.
PAUSE_NS = 20_000
_DATA_LOADING = ("enumerate(DataLoader)#", "enumerate(DataPipe)#")
FULL_QUEUE = 900
_STEP = "ProfilerStep#"  # an operator in the dialect of 2021
_STREAM_WAIT = "Stream Wait Event"


class Edge(enum.IntEnum):
    """Why the target of an edge could not come earlier."""

    HOST = 0  # the thread was busy with the owner
    GAP = 1  # the thread was between two outermost slices
    LAUNCH = 2  # from the call until the device began
    WORK = 3  # the device was busy with the owner
    QUEUE = 4  # from the end of what the stream did before until it went on
    SYNC = 5  # had to wait for other work; costs nothing by itself
    THREAD = 6  # another thread had to come first


@dataclasses.dataclass(frozen=True, slots=True)
class PathGraph:
    """What had to wait for what.

    Attributes:
        source: Node of each edge, shape (m,): `2 * row` is the start of a slice, `2 * row + 1` its
            end; `target` likewise.
        weight: Nanoseconds that the edge took, shape (m,).
        edge: `Edge`, shape (m,).
        owner: Row of the slice that was running meanwhile, -1 where there was none, shape (m,).
        time: When each node was, shape (2 * slices,).
        skewed: Edges that would lead back in time; left out.
    """

    source: Int64s
    target: Int64s
    weight: Float64s
    edge: UInt8s
    owner: Int32s
    time: Int64s
    skewed: int


def path_graph(
    trace: Trace, start: int, end: int, *, gaps: bool = True, launches: Launches | None = None
) -> PathGraph:
    """Return the graph of what the host did from `start` to `end`, and of all it launched.

    Args:
        trace: Operators and calls of the host and work of devices become nodes.
        start: Nanoseconds, on the trace's clock.
        end: Nanoseconds; what begins later on the host is left out, as is what takes no time.
        gaps: A thread's time between two outermost slices counts as its own work, or as waiting for
            the thread that was last busy; and late work waits for what another stream did until
            then. If False neither is done, as in Holistic Trace Analysis.
        launches: What `join` found, where it is known already.
    """
    call = (join(trace) if launches is None else launches).call
    builder = _Builder(trace, call, start, end, gaps=gaps)
    builder.add_host()
    builder.add_stream_waits()
    builder.add_work()
    builder.add_blocking_calls()
    return builder.graph()


def loading_rows(trace: Trace) -> Int32s:
    """Return the rows of the ranges in which a thread fetches its next batch."""
    rows = trace.rows(Kind.ANNOTATION, Kind.OPERATOR)
    names = trace.slices.name[rows]
    named = np.zeros(len(trace.strings), np.bool_)
    for number in np.unique(names).tolist():
        named[number] = trace.strings[number].startswith(_DATA_LOADING)
    return rows[named[names]]


class _Builder:
    def __init__(self, trace: Trace, call: Int32s, start: int, end: int, *, gaps: bool) -> None:
        self.trace, self.gaps = trace, gaps
        slices = trace.slices
        ends = slices.start + slices.dur
        steps = np.array([text.startswith(_STEP) for text in trace.strings], np.bool_)
        known = np.isin(slices.kind, (Kind.OPERATOR, Kind.CALL))
        if gaps:
            known[loading_rows(trace)] = True
        self.picked: Bools = (
            known
            & ~steps[slices.name]
            & (slices.start >= start)
            & (slices.start <= end)
            & (slices.dur > 0)
        )
        self.time = np.stack([slices.start, ends], axis=1).reshape(-1)
        self._parts: list[tuple[Int64s, Int64s, Float64s, UInt8s, Int32s]] = []
        known = call >= 0
        inside = known & self.picked[np.where(known, call, 0)]
        if gaps:
            # What was launched earlier still keeps the device busy.
            begun, done = slices.start[trace.work.row], ends[trace.work.row]
            inside |= (done > start) & (begun < end) & ~trace.slices.suspect[trace.work.row]
        mine = np.flatnonzero(inside)
        rows = trace.work.row[mine]
        order = np.argsort(slices.start[rows], kind="stable")
        self.work: Int32s = rows[order]
        self.call: Int32s = call[mine][order]
        self.track = slices.track[self.work]
        # When what a piece of work had to wait for on other streams was done.
        self.awaited = np.full(len(self.work), np.iinfo(np.int64).min)
        self.blocking = self._calls_named(_BLOCKING)
        # A copy from or to pageable memory ends before its call does.
        own = (
            (self.call >= 0)
            & self._calls_named(_COPY)[self.call]
            & (self.time[2 * self.work + 1] <= self.time[2 * self.call + 1])
            & (slices.dur[self.call] > PAUSE_NS)
        )
        self.copied, self.copying = self.work[own], self.call[own]
        self.freed, self.stuck = self._full_queues() if gaps else (self.work[:0], self.call[:0])
        if gaps:
            self.blocking[self.copying] = True
            self.blocking[self.stuck] = True

    def _full_queues(self) -> tuple[Int32s, Int32s]:
        """Return launching calls that a full queue held up, each with the work that made room.

        A device takes some 1,024 launches; then a call waits until an earlier one is done.
        """
        slices = self.trace.slices
        freed, stuck = [], []
        for track in np.unique(self.track):
            mine = np.flatnonzero((self.track == track) & (self.call >= 0))
            rows, calls = self.work[mine], self.call[mine]
            called = slices.start[calls]
            returned = called + slices.dur[calls]
            done = np.sort(self.time[2 * rows + 1])
            waiting = np.argsort(np.argsort(called, kind="stable")) - np.searchsorted(done, called)
            last = np.searchsorted(done, returned, "right") - 1
            held = (
                (waiting >= FULL_QUEUE)
                & (slices.dur[calls] > PAUSE_NS)
                & (last >= 0)
                & (done[np.maximum(last, 0)] > called)
            )
            by_end = rows[np.argsort(self.time[2 * rows + 1], kind="stable")]
            freed.append(by_end[last[held]])
            stuck.append(calls[held])
        if not freed:
            return self.work[:0], self.call[:0]
        return np.concatenate(freed), np.concatenate(stuck)

    def _calls_named(self, pattern: re.Pattern[str]) -> Bools:
        """Tell which slices are calls of such a name."""
        slices = self.trace.slices
        calls = np.unique(slices.name[self.trace.rows(Kind.CALL)])
        mask = np.zeros(len(self.trace.strings), np.bool_)
        mask[[k for k in calls.tolist() if pattern.match(self.trace.strings[k])]] = True
        found: Bools = mask[slices.name] & (slices.kind == Kind.CALL)
        return found

    def add(
        self, source: Int64s, target: Int64s, edge: Edge, owner: Int32s | int, *, free: bool
    ) -> None:
        """Add edges; `free` ones only say that the order must hold."""
        weight = np.zeros(len(source)) if free else (self.time[target] - self.time[source]) * 1.0
        owners = np.full(len(source), owner, np.int32) if isinstance(owner, int) else owner
        kinds = np.full(len(source), edge, np.uint8)
        self._parts.append(
            (source.astype(np.int64), target.astype(np.int64), weight, kinds, owners)
        )

    def add_host(self) -> None:
        """Chain what each thread did."""
        from gpuboard.profiler.compiled import frozen
        from gpuboard.profiler.figures.path_kernels import GAP, host_chains

        bounds = self.trace.track_start
        hosts = [k for k, track in enumerate(self.trace.tracks) if track.place is Place.HOST]
        source, target, sort, owner, waits, cut = host_chains(
            frozen(self.trace.slices.start),
            frozen(self.time[1::2]),
            frozen(self.picked),
            frozen(self.blocking),
            frozen(bounds[hosts]),
            frozen(bounds[1:][hosts]),
        )
        self.time[1::2] = cut
        weight = (self.time[target] - self.time[source]) * 1.0
        weight[waits] = 0
        gap = sort == GAP
        if self.gaps:
            self._hand_over(source, target, weight)
        else:
            weight[gap] = 0
        edge = np.where(gap, Edge.GAP, Edge.HOST).astype(np.uint8)
        self._parts.append((source, target, weight, edge, owner))

    def _hand_over(self, source: Int64s, target: Int64s, weight: Float64s) -> None:
        """Let pauses in which another thread was busy be waiting for that thread.

        A pause lies between two nodes of a thread that are not start and end of the same slice. A
        thread's first node waits for what any other thread did last before.
        """
        slices = self.trace.slices
        begins_thread = np.zeros(len(self.time), np.bool_)
        begins_thread[source] = True
        begins_thread[target] = False
        first = np.flatnonzero(begins_thread)
        pause = (weight > PAUSE_NS) & (source // 2 != target // 2)
        begins = np.concatenate(
            [self.time[source[pause]], np.full(len(first), np.iinfo(np.int64).min)]
        )
        ends = np.concatenate([target[pause], first])
        nodes = np.concatenate([first, target])
        nodes = nodes[np.argsort(self.time[nodes], kind="stable")]
        tracks = slices.track[nodes // 2]
        other = np.full(len(ends), -1, np.int64)
        for track in np.unique(tracks):
            mine = nodes[tracks == track]
            at = np.searchsorted(self.time[mine], self.time[ends], "left") - 1
            last = mine[np.maximum(at, 0)]
            found = (at >= 0) & (self.time[last] > begins) & (slices.track[ends // 2] != track)
            later = found & ((other < 0) | (self.time[last] > self.time[np.maximum(other, 0)]))
            other[later] = last[later]
        waited = other >= 0
        self.add(other[waited], ends[waited], Edge.THREAD, -1, free=False)
        weight[np.flatnonzero(pause)[waited[: int(pause.sum())]]] = 0

    def add_work(self) -> None:
        """Let work wait for its call and for its stream; the later of the two costs."""
        starts, ends = 2 * self.work.astype(np.int64), 2 * self.work.astype(np.int64) + 1
        self.add(starts, ends, Edge.WORK, self.work, free=False)
        order = np.lexsort((self.time[starts], self.track))
        before = np.full(len(order), -1, np.int64)
        same = self.track[order][1:] == self.track[order][:-1]
        before[order[1:][same]] = ends[order[:-1][same]]
        called = np.maximum(2 * self.call.astype(np.int64), 0)
        has_call = (self.call >= 0) & self.picked[self.call]
        free_at = np.where(before >= 0, self.time[np.maximum(before, 0)], self.awaited)
        launched = np.where(has_call, self.time[called], np.iinfo(np.int64).min)
        if self.gaps:
            self._await_other_streams(starts, ends, np.maximum(free_at, launched))
        idle = np.maximum(free_at, self.awaited) < launched
        self.add(called[idle], starts[idle], Edge.LAUNCH, self.call[idle], free=False)
        queue = has_call & ~idle
        self.add(called[queue], starts[queue], Edge.LAUNCH, self.call[queue], free=True)
        queued = ~idle & (before >= 0) & (free_at >= self.awaited)
        self.add(before[queued], starts[queued], Edge.QUEUE, self.work[queued], free=False)
        later = ~queued & (before >= 0)
        self.add(before[later], starts[later], Edge.QUEUE, self.work[later], free=True)

    def _await_other_streams(self, starts: Int64s, ends: Int64s, ready: Int64s) -> None:
        """Let work that began long after it could wait for what another stream did until then.

        Few traces tell what streams wait for (`enable_cuda_sync_events`); so it is inferred.
        """
        late = np.flatnonzero(self.time[starts] - np.maximum(ready, self.awaited) > PAUSE_NS)
        source = np.full(len(late), -1, np.int64)
        for track in np.unique(self.track):
            mine = ends[self.track == track]
            mine = mine[np.argsort(self.time[mine], kind="stable")]
            at = np.searchsorted(self.time[mine], self.time[starts[late]], "right") - 1
            last = mine[np.maximum(at, 0)]
            found = (at >= 0) & (self.time[last] > ready[late]) & (self.track[late] != track)
            later = found & ((source < 0) | (self.time[last] > self.time[np.maximum(source, 0)]))
            source[later] = last[later]
        known = source >= 0
        chosen = late[known]
        self.awaited[chosen] = np.maximum(self.awaited[chosen], self.time[source[known]])
        self.add(source[known], starts[chosen], Edge.QUEUE, self.work[chosen], free=False)

    def add_blocking_calls(self) -> None:
        """Let a blocking call end after the work that ended last before it, stream by stream."""
        self.add(
            2 * self.copied.astype(np.int64) + 1,
            2 * self.copying.astype(np.int64) + 1,
            Edge.SYNC,
            -1,
            free=not self.gaps,
        )
        self.add(
            2 * self.freed.astype(np.int64) + 1,
            2 * self.stuck.astype(np.int64) + 1,
            Edge.QUEUE,
            -1,
            free=False,
        )
        waits = self.blocking & self.picked
        waits[self.copying] = False
        waits[self.stuck] = False
        calls = np.flatnonzero(waits)
        if not len(calls) or not len(self.work):
            return
        for track in np.unique(self.track):
            rows = self.work[self.track == track].astype(np.int64)
            ends = np.maximum.accumulate(self.time[2 * rows + 1])
            at = np.searchsorted(ends, self.time[2 * calls + 1], "right") - 1
            known = at >= 0
            self.add(2 * rows[at[known]] + 1, 2 * calls[known] + 1, Edge.SYNC, -1, free=True)

    def add_stream_waits(self) -> None:
        """Let a stream that waits for an event go on after what was launched before that event."""
        syncs, slices, calls = self.trace.syncs, self.trace.slices, self.trace.calls
        if not len(syncs.row) or not len(self.work):
            return
        row_of = dict(zip(calls.correlation.tolist(), calls.row.tolist(), strict=True))
        stream = np.array([t.stream for t in self.trace.tracks], np.int64)[self.track]
        launched = np.where(self.call >= 0, slices.start[self.call], np.iinfo(np.int64).min)
        for k in np.flatnonzero(syncs.awaited_correlation >= 0).tolist():
            if self.trace.strings[slices.name[syncs.row[k]]] != _STREAM_WAIT:
                continue
            record = row_of.get(int(syncs.awaited_correlation[k]), -1)
            wait = row_of.get(int(syncs.correlation[k]), -1)
            if record < 0 or wait < 0:
                continue
            earlier = np.flatnonzero(
                (stream == syncs.awaited_stream[k])
                & (launched < slices.start[record])
                & (self.call >= 0)
            )
            later = np.flatnonzero((stream == syncs.stream[k]) & (launched > slices.start[wait]))
            if len(earlier) and len(later):
                first = later[np.argmin(launched[later])]
                source = 2 * int(self.work[earlier[np.argmax(launched[earlier])]]) + 1
                target = 2 * int(self.work[first])
                self.awaited[first] = max(self.awaited[first], self.time[source])
                self.add(np.array([source]), np.array([target]), Edge.SYNC, -1, free=True)

    def graph(self) -> PathGraph:
        """Return everything added, without what would lead back in time."""
        source, target, weight, edge, owner = (
            np.concatenate([part[k] for part in self._parts]) for k in range(5)
        )
        forward = self.time[target] >= self.time[source]
        return PathGraph(
            source=source[forward],
            target=target[forward],
            weight=weight[forward],
            edge=edge[forward],
            owner=owner[forward],
            time=self.time,
            skewed=int((~forward).sum()),
        )
