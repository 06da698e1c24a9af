"""Make the flame graph of the host: merged calls with their time on host and device."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from gpuboard.limits import MAX_FLAME_NODES
from gpuboard.profiler.figures.call_tree import CallTree, merge_calls
from gpuboard.profiler.figures.grouping import sums
from gpuboard.profiler.figures.launches import Launches
from gpuboard.profiler.figures.nesting import Nesting, nearest
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace

KINDS = (Kind.PYTHON, Kind.OPERATOR, Kind.ANNOTATION, Kind.CALL)
REST = "(smaller ones)"

Weight = Literal["host", "device"]


@dataclasses.dataclass(frozen=True, slots=True)
class Flame:
    """A tree of merged calls, parents before children; columns of shape (m,).

    Totals are exactly self plus the totals of all children, and those at the top add up to all.

    Attributes:
        parent: Node above, -1 at the top.
        name: Index into `names`.
        host_self_ns: Time in which nothing below it ran; `host_total_ns` with all below.
        device_self_ns: Time of work that it launched itself; `device_total_ns` with all below.
        count: How many calls were merged; of a rest, how many nodes.
        is_rest: Whether the node stands for the small nodes that its parent has besides.
        names: Texts.
        nodes: How many nodes there were before small ones were put together.
        outside_ns: Device time of work whose launch lies in no slice of the tree.
        absent: Why the tree is empty, "" if it is not.
    """

    parent: Int32s
    name: Int32s
    host_self_ns: Int64s
    host_total_ns: Int64s
    device_self_ns: Int64s
    device_total_ns: Int64s
    count: Int64s
    is_rest: Bools
    names: tuple[str, ...]
    nodes: int
    outside_ns: int
    absent: str = ""

    def __len__(self) -> int:
        return len(self.parent)


def flame(
    trace: Trace,
    nesting: Nesting,
    launches: Launches,
    *,
    kinds: Sequence[Kind] = KINDS,
    window: tuple[int, int] | None = None,
    tracks: Sequence[int] | None = None,
    threads: bool = False,
    weight: Weight = "host",
    limit: int = MAX_FLAME_NODES.value,
) -> Flame:
    """Merge the slices of the host that have the same names above them.

    Operators without Python functions above them hang under the frames of their "Call stack" text,
    where the file has some. Device time goes to the innermost slice around the launching call.

    Args:
        trace: As read.
        nesting: Of that trace.
        launches: Of that trace.
        kinds: Which slices take part.
        window: Only the part of slices in [start, end), ns, and the work of calls that begin there.
        tracks: Only these threads, indices into `Trace.tracks`; None for all.
        threads: Whether each thread is a node of its own at the top.
        weight: Which total decides what is small.
        limit: How many nodes to keep, besides one for the rest of each.
    """
    marked = _marked(trace, kinds, window, tracks)
    tree = merge_calls(trace, nesting, marked, threads=threads, stacks=True)
    host = _host_self(trace, nesting, marked & (tree.node >= 0), window)
    device, outside = _device_self(trace, nesting, launches, tree, window)
    taking = tree.node >= 0
    own = sums(tree.node, len(tree), host)
    count = np.bincount(tree.node[taking], minlength=len(tree))
    full = _built(tree, own.total, device, count, outside, _absent(taking))
    limit = min(limit, MAX_FLAME_NODES.value)
    return full if len(full) <= limit else _pruned(full, weight, limit)


def _marked(
    trace: Trace,
    kinds: Sequence[Kind],
    window: tuple[int, int] | None,
    tracks: Sequence[int] | None,
) -> Bools:
    slices = trace.slices
    wanted = np.zeros(len(Kind), np.bool_)
    wanted[list(kinds)] = True
    marked: Bools = wanted[slices.kind]
    if window is not None:
        marked &= (slices.start < window[1]) & (slices.start + slices.dur > window[0])
    if tracks is not None:
        marked &= np.isin(slices.track, list(tracks))
    return marked


def _host_self(
    trace: Trace, nesting: Nesting, marked: Bools, window: tuple[int, int] | None
) -> Int64s:
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.nesting_kernels import own_time

    start, end = trace.slices.start, trace.slices.start + trace.slices.dur
    if window is not None:
        start, end = np.clip(start, *window), np.clip(end, *window)
    above = np.append(nearest(nesting, marked), -1)[nesting.parent].astype(np.int32)
    return own_time(frozen(start), frozen(end), frozen(above), frozen(marked))


def _device_self(
    trace: Trace,
    nesting: Nesting,
    launches: Launches,
    tree: CallTree,
    window: tuple[int, int] | None,
) -> tuple[Int64s, int]:
    row = trace.work.row
    holder = np.where(launches.joined, launches.call, launches.operator)
    slices_around = np.append(nearest(nesting, tree.node >= 0), -1)[holder]
    node = np.append(tree.node, -1)[slices_around].astype(np.int32)
    counted = ~trace.slices.suspect[row]
    if window is not None:
        moment = trace.slices.start[np.where(holder >= 0, holder, row)]
        counted &= (moment >= window[0]) & (moment < window[1])
    owner = np.where(counted, node, -1).astype(np.int32)
    outside = int(launches.device_ns[counted & (node < 0)].sum())
    return sums(owner, len(tree), launches.device_ns).total, outside


def _built(
    tree: CallTree, host: Int64s, device: Int64s, count: Int64s, outside: int, absent: str
) -> Flame:
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.call_tree_kernels import add_up

    parent = frozen(tree.parent)
    return Flame(
        parent=tree.parent,
        name=tree.name,
        host_self_ns=host,
        host_total_ns=add_up(parent, frozen(host)),
        device_self_ns=device,
        device_total_ns=add_up(parent, frozen(device)),
        count=count,
        is_rest=np.zeros(len(tree), np.bool_),
        names=tree.names,
        nodes=len(tree),
        outside_ns=outside,
        absent=absent,
    )


def _pruned(full: Flame, weight: Weight, limit: int) -> Flame:
    """Keep the nodes of the greatest totals; put the others under one node for each parent kept.

    A parent's total is no less than its children's, so that of equals the earlier, which may be the
    parent, is kept.
    """
    total = full.host_total_ns if weight == "host" else full.device_total_ns
    kept = np.zeros(len(full), np.bool_)
    kept[np.argsort(-total, kind="stable")[:limit]] = True
    number = np.full(len(full) + 1, -1, np.int32)
    number[:-1][kept] = np.arange(limit, dtype=np.int32)
    cut = np.flatnonzero(~kept & (kept[full.parent] | (full.parent < 0)))
    above = number[full.parent[cut]]
    parents, rest = np.unique(above, return_inverse=True)
    of_rest: Int32s = rest.reshape(-1).astype(np.int32)

    def with_rest(column: Int64s, added: Int64s) -> Int64s:
        return np.concatenate([column[kept], added])

    def rest_of(column: Int64s) -> Int64s:
        return sums(of_rest, len(parents), column[cut]).total

    host, device = rest_of(full.host_total_ns), rest_of(full.device_total_ns)
    label = np.full(len(parents), len(full.names), np.int32)
    return Flame(
        parent=np.concatenate([number[full.parent[kept]], parents]).astype(np.int32),
        name=np.concatenate([full.name[kept], label]),
        host_self_ns=with_rest(full.host_self_ns, host),
        host_total_ns=with_rest(full.host_total_ns, host),
        device_self_ns=with_rest(full.device_self_ns, device),
        device_total_ns=with_rest(full.device_total_ns, device),
        count=with_rest(full.count, np.bincount(of_rest, minlength=len(parents))),
        is_rest=np.arange(limit + len(parents)) >= limit,
        names=(*full.names, REST),
        nodes=full.nodes,
        outside_ns=full.outside_ns,
        absent=full.absent,
    )


def _absent(taking: Bools) -> str:
    return "" if taking.any() else "The trace holds no slices of the host in this window."
