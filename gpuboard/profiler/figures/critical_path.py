"""Find what a window of a trace waited for from begin to end, and what speeding it up gains.

The critical path is the longest path through the graph of `path_graph`; nothing that is not on it
makes the window shorter by becoming faster. A what-if makes some edges of the graph shorter, finds
the longest path again and compares.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.figures.device_time import WorkClass, work_classes
from gpuboard.profiler.figures.launches import Launches
from gpuboard.profiler.figures.path_graph import Edge, PathGraph, loading_rows, path_graph
from gpuboard.profiler.traces.trace import Bools, Float64s, Int64s, Trace, UInt8s

CLASSES = (
    "host",
    "data loading",
    "launch",
    "compute",
    "communication",
    "copy",
    "between kernels",
    "synchronisation",
)


@dataclasses.dataclass(frozen=True, slots=True)
class CriticalPath:
    """The longest path through a window.

    Attributes:
        graph: What had to wait for what.
        edges: Numbers of the edges of the path, in order, shape (k,).
        nodes: Nodes of the path, in order, shape (k + 1,) or (0,).
        rows: Rows of the slices it passes, ascending, shape (r,).
        length_ns: Sum of the edges' weights.
        edge_class: Index into `CLASSES` of every edge of the graph, shape (m,).
        class_ns: Time on the path by class, shape (len(CLASSES),).
        place: Number of each node among those that edges touch, shape (2 * slices,).
        absent: Why there is no path, "" where there is one.
    """

    graph: PathGraph
    edges: Int64s
    nodes: Int64s
    rows: Int64s
    length_ns: int
    edge_class: UInt8s
    class_ns: Float64s
    place: Int64s
    absent: str = ""


def critical_path(
    trace: Trace, start: int, end: int, *, gaps: bool = True, launches: Launches | None = None
) -> CriticalPath:
    """Find the critical path of what the host did from `start` to `end` and of what it launched.

    Needs operators or runtime calls; work of devices joins in by correlation.

    Args:
        trace: The trace.
        start: Nanoseconds.
        end: Nanoseconds.
        gaps: See `path_graph`.
        launches: What `join` found, where it is known already.
    """
    graph = path_graph(trace, start, end, gaps=gaps, launches=launches)
    place = _places(graph)
    edges, length = _longest(graph, place, graph.weight)
    nodes = np.concatenate([graph.source[edges[:1]], graph.target[edges]])
    edge_class = _classes(trace, graph)
    return CriticalPath(
        graph=graph,
        edges=edges,
        nodes=nodes,
        rows=np.unique(nodes // 2),
        length_ns=int(length),
        edge_class=edge_class,
        class_ns=np.bincount(
            edge_class[edges], weights=graph.weight[edges], minlength=len(CLASSES)
        ).astype(np.float64),
        place=place,
        absent="" if len(edges) else "no operator or runtime call of the host lies in this window",
    )


def what_if(
    path: CriticalPath, factor: Float64s | None = None, removed: Bools | None = None
) -> float:
    """Return which share of the path's length would be saved.

    Args:
        path: The path as it was.
        factor: Of every edge's weight, shape (m,): 0 for what vanishes.
        removed: Which edges would no longer hold anything up, shape (m,).
    """
    if not path.length_ns:
        return 0.0
    weight = path.graph.weight if factor is None else path.graph.weight * factor
    _, length = _longest(path.graph, path.place, weight, removed)
    return max(0.0, 1 - length / path.length_ns)


def without(path: CriticalPath, *names: str) -> float:
    """Return which share of the path's length would be saved if some of `CLASSES` took no time."""
    gone = np.isin(path.edge_class, [CLASSES.index(name) for name in names])
    return what_if(path, np.where(gone, 0.0, 1.0))


def unsynchronised(path: CriticalPath) -> float:
    """Return which share of the path's length would be saved if the host never waited for work."""
    return what_if(path, removed=path.graph.edge == Edge.SYNC)


def _places(graph: PathGraph) -> Int64s:
    """Number the nodes that edges touch, so that a short window of a long trace stays cheap."""
    touched = np.zeros(len(graph.time), np.bool_)
    touched[graph.source] = touched[graph.target] = True
    places: Int64s = np.cumsum(touched) - 1
    return places


def _longest(
    graph: PathGraph, place: Int64s, weight: Float64s, removed: Bools | None = None
) -> tuple[Int64s, float]:
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.path_kernels import longest_path

    source, target = graph.source, graph.target
    kept = None if removed is None else np.flatnonzero(~removed)
    if kept is not None:
        source, target, weight = source[kept], target[kept], weight[kept]
    if not len(source):
        return np.empty(0, np.int64), 0.0
    edges, reached, _ = longest_path(
        int(place[-1]) + 1, frozen(place[source]), frozen(place[target]), frozen(weight)
    )
    return edges if kept is None else kept[edges], float(reached.max())


def _classes(trace: Trace, graph: PathGraph) -> UInt8s:
    """Return what each edge spends its time on."""
    of_edge = np.zeros(len(Edge), np.uint8)
    of_edge[Edge.LAUNCH] = CLASSES.index("launch")
    of_edge[Edge.QUEUE] = CLASSES.index("between kernels")
    of_edge[Edge.SYNC] = CLASSES.index("synchronisation")
    found: UInt8s = of_edge[graph.edge]
    of_work = np.full(len(trace.slices), CLASSES.index("compute"), np.uint8)
    names = {
        WorkClass.COMM: "communication",
        WorkClass.MEMCPY: "copy",
        WorkClass.MEMSET: "copy",
    }
    classes = work_classes(trace)
    for work_class, name in names.items():
        of_work[trace.work.row[classes == work_class]] = CLASSES.index(name)
    work = graph.edge == Edge.WORK
    found[work] = of_work[graph.owner[work]]
    _mark_data_loading(trace, graph, found)
    return found


def _mark_data_loading(trace: Trace, graph: PathGraph, found: UInt8s) -> None:
    """Mark host edges that lie in a range in which the main thread fetches its next batch."""
    rows = loading_rows(trace)
    if not len(rows):
        return
    slices = trace.slices
    host = np.flatnonzero((graph.edge == Edge.HOST) | (graph.edge == Edge.GAP))
    begins, ends = graph.time[graph.source[host]], graph.time[graph.target[host]]
    track = slices.track[graph.target[host] // 2]
    for number in np.unique(slices.track[rows]):
        mine = rows[slices.track[rows] == number]
        at = np.searchsorted(slices.start[mine], begins, "right") - 1
        span = mine[np.maximum(at, 0)]
        inside = (at >= 0) & (track == number) & (ends <= slices.start[span] + slices.dur[span])
        found[host[inside]] = CLASSES.index("data loading")
