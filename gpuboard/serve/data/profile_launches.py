"""Answer what launching costs: delays, short kernels, CUDA graphs, sequences, queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.data.profile_operators import sequence_columns
from gpuboard.serve.data.profile_tables import NAME_CHARACTERS, Column
from gpuboard.serve.profiles import LoadedTrace

if TYPE_CHECKING:
    from gpuboard.profiler.traces.trace import Int32s
    from gpuboard.serve.routes import DataRoute

MAX_LAUNCHES = 100
MAX_GRAPHS = 100
QUEUE_BINS = 600


class LaunchesRoute(TraceRoute):
    """`GET api/v1/profile/launches?trace=`: short kernels, delays, slow calls, CUDA graphs."""

    async def get(self) -> None:
        """Answer with what launching costs."""
        self.reply_json(await self.run(_launches, await self.loaded()))


class QueuesRoute(TraceRoute):
    """`GET api/v1/profile/queues?trace=`: how many launches wait for each stream over time."""

    async def get(self) -> None:
        """Answer with columns: the most that waited in each of some equal parts of the trace."""
        self.reply_bytes(await self.run(_queues, await self.loaded()))


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _launches(loaded: LoadedTrace) -> dict[str, Any]:
    from gpuboard.profiler.figures.cuda_graphs import cuda_graphs
    from gpuboard.profiler.figures.kernels import short_kernels
    from gpuboard.profiler.figures.launch_statistics import delay_histogram, launch_statistics
    from gpuboard.profiler.figures.sequences import sequences

    trace, launches = loaded.trace, loaded.launches
    statistics = loaded.derived("launch statistics", lambda _: launch_statistics(trace, launches))
    short = loaded.derived("short kernels", short_kernels)
    edges, delays = loaded.derived("delays", lambda _: delay_histogram(launches))
    graphs = loaded.derived("cuda graphs", lambda _: cuda_graphs(trace, launches))
    often = loaded.derived(
        "sequences",
        lambda _: sequences(trace, launches, loaded.nesting, top=MAX_LAUNCHES, sort="gaps"),
    )
    shown = slice(0, MAX_LAUNCHES)
    names = statistics.name[shown].tolist()
    return {
        "absent": statistics.absent,
        "total": len(statistics.name),
        "in_graphs": statistics.in_graphs,
        "unjoined": statistics.unjoined,
        "slow_call_ns": statistics.slow_call_ns,
        "late_ns": statistics.late_ns,
        "sums": {
            key: int(getattr(statistics, key).sum())
            for key in ("count", "device_ns", "call_ns", "delay_ns", "short", "slow_calls", "late",
                        "early")
        },
        "rows": {
            "name": [trace.text(n)[:NAME_CHARACTERS] for n in names],
            **{
                key: getattr(statistics, key)[shown]
                for key in ("count", "device_ns", "call_ns", "call_max_ns", "delay_ns",
                            "delay_max_ns", "short", "slow_calls", "late", "early")
            },
        },
        "short": {
            "edges": short.edges[:-1],
            "count": short.count,
            "total_ns": short.total_ns,
            "short_ns": short.short_ns,
            "short_count": short.short_count,
            "short_total_ns": short.short_total_ns,
        },
        "delays": {"edges": edges[1:-1], "count": delays},
        "graphs": {
            "absent": graphs.absent,
            "launches": len(graphs.launches),
            "share": _or_none(graphs.share),
            "device_ns": graphs.device_ns,
            "empty": graphs.empty,
            "capture_calls": graphs.capture_calls,
            "capture_ns": graphs.capture_ns,
            "kinds": {
                key: getattr(graphs.kinds, key)[:MAX_GRAPHS]
                for key in ("graph", "launches", "work", "device_ns", "span_ns", "call_ns")
            },
            "row": graphs.kinds.first[:MAX_GRAPHS],
            "start": _starts(loaded, graphs.kinds.first[:MAX_GRAPHS]),
        },
        "sequences": sequence_columns(loaded, often),
    }  # fmt: skip


def _starts(loaded: LoadedTrace, rows: Int32s) -> Column:
    return loaded.trace.slices.start[rows] - loaded.timeline.start


def _queues(loaded: LoadedTrace) -> bytes:
    from gpuboard.profiler.figures.queue import QUEUE_CAPACITY, queues

    trace, timeline = loaded.trace, loaded.timeline
    found = loaded.derived("queues", lambda trace: queues(trace, loaded.launches))
    edges = np.linspace(timeline.start, timeline.end, QUEUE_BINS + 1).astype(np.int64)
    most = np.zeros((len(found), QUEUE_BINS), np.float32)
    for number in range(len(found)):
        own = slice(int(found.first[number]), int(found.first[number + 1]))
        most[number] = _most(found.time[own], found.length[own], edges)
    tracks = [trace.tracks[n] for n in found.track.tolist()]
    header = {
        "absent": found.absent,
        "t0": 0,
        "t1": timeline.end - timeline.start,
        "bins": QUEUE_BINS,
        "capacity": QUEUE_CAPACITY,
        "early": found.early,
        "unjoined": found.unjoined,
        "device": [track.device for track in tracks],
        "stream": [str(track.stream) for track in tracks],
        "label": [(track.thread_label or f"stream {track.thread}")[:80] for track in tracks],
        "launches": found.launches,
        "max": found.max_length,
        "mean": [_or_none(value) for value in found.mean_length.tolist()],
        "median": [_or_none(value) for value in found.median_length.tolist()],
        "full_ns": found.full_ns,
        "span_ns": found.span_ns,
    }
    return encode(header, {"most": most.reshape(-1)})


def _most(time: Column, length: Column, edges: Column) -> Column:
    """Return the greatest length in each bin: that at its beginning, and all that come in it."""
    at = np.searchsorted(time, edges[:-1], "right") - 1
    first = np.where(at >= 0, length[np.maximum(at, 0)], 0).astype(np.float32)
    number = np.searchsorted(edges, time, "right") - 1
    inside = (number >= 0) & (number < len(first))
    np.maximum.at(first, number[inside], length[inside].astype(np.float32))
    return first


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/profile/launches", LaunchesRoute),
    (r"api/v1/profile/queues", QueuesRoute),
)
