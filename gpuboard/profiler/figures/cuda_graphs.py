"""Sum up launches of CUDA and HIP graphs and the kernels that ran in them."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from gpuboard.profiler.figures.grouping import group, sums
from gpuboard.profiler.figures.launches import Launches
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Trace

_LAUNCH = re.compile(r"(cuda|hip|cu)GraphLaunch")
_CAPTURE = re.compile(
    r"(cuda|hip|cu)(StreamBeginCapture|StreamEndCapture|GraphInstantiate|GraphExecUpdate"
    r"|GraphUpload|StreamUpdateCaptureDependencies|GraphAdd)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class GraphLaunches:
    """Every launch of a graph, in order of time; columns of shape (g,).

    Attributes:
        call: Row of the launching call.
        graph: Number of the graph in the file, -1 where it gives none.
        kind: Number of the graph by what ran: equal for launches of the same graph that ran the
            same kernels in the same order; index into `GraphKinds`.
        work: Kernels, copies and fills that ran.
        device_ns: Sum of their durations.
        span_ns: From the start of the first to the end of the last.
        call_ns: Duration of the call.
        delay_ns: From the end of the call to the first start.
    """

    call: Int32s
    graph: Int64s
    kind: Int32s
    work: Int64s
    device_ns: Int64s
    span_ns: Int64s
    call_ns: Int64s
    delay_ns: Int64s

    def __len__(self) -> int:
        return len(self.call)


@dataclasses.dataclass(frozen=True, slots=True)
class GraphKinds:
    """Graphs, longest in sum first; columns of shape (t,).

    Attributes:
        graph: Number of the graph in the file, -1 where it gives none.
        launches: How often it was launched.
        work: Kernels, copies and fills of one launch.
        device_ns: Sum of durations over all launches; `span_ns` and `call_ns` likewise.
        first: Row of the first launching call.
    """

    graph: Int64s
    launches: Int64s
    work: Int64s
    device_ns: Int64s
    span_ns: Int64s
    call_ns: Int64s
    first: Int32s

    def __len__(self) -> int:
        return len(self.graph)


@dataclasses.dataclass(frozen=True, slots=True)
class CudaGraphs:
    """What ran in graphs.

    Attributes:
        in_graph: Which work ran in a graph: its call launches one, or it carries a graph's number,
            shape of `Trace.work`.
        share: Device time in graphs by all device time, 0-1, NaN without device time.
        empty: Launches of which the trace shows no work: the profiler did not follow them.
        capture_calls: Calls that record or build graphs, and `capture_ns` their time.
        absent: Why there are no launches of graphs, "" if there are.
    """

    launches: GraphLaunches
    kinds: GraphKinds
    in_graph: Bools
    device_ns: int
    share: float
    empty: int
    capture_calls: int
    capture_ns: int
    absent: str = ""


def cuda_graphs(trace: Trace, launches: Launches) -> CudaGraphs:
    """Find graph launches by the names of calls, and what they ran by "correlation".

    Kernels whose call is missing still count to `share` if they carry "graph id" (not 0).
    """
    slices, work = trace.slices, trace.work
    calls = trace.calls.row
    is_launch = _named(trace, calls, _LAUNCH)
    place = np.full(len(slices) + 1, -1, np.int32)
    graph_calls = calls[is_launch]
    graph_calls = graph_calls[np.argsort(slices.start[graph_calls], kind="stable")]
    place[graph_calls] = np.arange(len(graph_calls), dtype=np.int32)
    owner = np.where(launches.joined, place[launches.call], -1).astype(np.int32)
    in_graph = (owner >= 0) | (work.graph > 0)
    counted = ~slices.suspect[work.row]
    table = _launches(trace, graph_calls, np.where(counted, owner, -1).astype(np.int32))
    filled = table.work > 0
    inside = int(slices.dur[work.row[in_graph & counted]].sum())
    whole = int(slices.dur[work.row[counted]].sum())
    capture = calls[_named(trace, calls, _CAPTURE)]
    return CudaGraphs(
        launches=table,
        kinds=_kinds(table, filled),
        in_graph=in_graph,
        device_ns=inside,
        share=inside / whole if whole else float("nan"),
        empty=int(np.count_nonzero(~filled)),
        capture_calls=len(capture),
        capture_ns=int(slices.dur[capture].sum()),
        absent=_absent(trace, len(graph_calls), int(np.count_nonzero(in_graph))),
    )


def _named(trace: Trace, rows: Int32s, pattern: re.Pattern[str]) -> Bools:
    groups = group(trace.slices.name[rows])
    names = trace.slices.name[rows[groups.first]].tolist()
    found = np.array([bool(pattern.match(trace.text(name))) for name in names], np.bool_)
    named: Bools = found[groups.number]
    return named


def _launches(trace: Trace, calls: Int32s, owner: Int32s) -> GraphLaunches:
    slices, work = trace.slices, trace.work
    row, n = work.row, len(calls)
    start = slices.start[row]
    starts, ends = sums(owner, n, start), sums(owner, n, start + slices.dur[row])
    devices = sums(owner, n, slices.dur[row])
    graphs = sums(owner, n, work.graph)
    span = ends.greatest - starts.least
    begun = starts.least - slices.start[calls] - slices.dur[calls]
    order = _order_of_names(trace, owner, n)
    kinds = group(graphs.greatest, devices.count, order)
    return GraphLaunches(
        call=calls,
        graph=np.where(devices.count > 0, graphs.greatest, -1),
        kind=kinds.number,
        work=devices.count,
        device_ns=devices.total,
        span_ns=span,
        call_ns=slices.dur[calls],
        delay_ns=np.where(devices.count > 0, begun, 0),
    )


def _order_of_names(trace: Trace, owner: Int32s, n: int) -> Int64s:
    """Return a number that is equal for launches whose work has the same names in order.

    Each name weighs by its place within the launch, modulo 2 to the 64th.
    """
    at = np.flatnonzero(owner >= 0)
    at = at[np.lexsort((trace.slices.start[trace.work.row[at]], owner[at]))]
    own = owner[at]
    place = np.arange(len(at)) - np.searchsorted(own, own)
    weight = np.uint64(0x9E3779B97F4A7C15) * (2 * place.astype(np.uint64) + np.uint64(1))
    weight ^= weight >> np.uint64(29)
    value = weight * (trace.slices.name[trace.work.row[at]].astype(np.uint64) + np.uint64(1))
    return sums(own, n, value.view(np.int64)).total


def _kinds(table: GraphLaunches, filled: Bools) -> GraphKinds:
    at = np.flatnonzero(filled)
    number = table.kind[at]
    n = int(number.max()) + 1 if len(at) else 0
    device, span = sums(number, n, table.device_ns[at]), sums(number, n, table.span_ns[at])
    calls = sums(number, n, table.call_ns[at])
    first = np.zeros(n, np.int64)
    first[number[::-1]] = at[::-1]
    order = np.argsort(-device.total, kind="stable")
    order = order[device.count[order] > 0]
    return GraphKinds(
        graph=table.graph[first][order],
        launches=device.count[order],
        work=table.work[first][order],
        device_ns=device.total[order],
        span_ns=span.total[order],
        call_ns=calls.total[order],
        first=table.call[first][order],
    )


def _absent(trace: Trace, launches: int, in_graph: int) -> str:
    if launches:
        return ""
    if in_graph:
        return (
            "Kernels say that they ran in a graph, but no call that launches one is in the trace."
        )
    if not len(trace.calls.row):
        return "The trace holds no calls into the CUDA or HIP runtime."
    return "No CUDA graph was launched."
