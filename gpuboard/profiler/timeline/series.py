"""Draw values over time: counters, memory in use, and how busy each device was."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.figures.intervals import Intervals, union
from gpuboard.profiler.timeline.levels import Timeline
from gpuboard.profiler.traces.trace import Float32s, Float64s, Int64s, Place, Trace

_DEVICE_TYPES = {0: "CPU", 1: "GPU", 20: "MTIA"}


@dataclasses.dataclass(frozen=True, slots=True)
class TimeSeries:
    """Values that hold until the next one.

    Attributes:
        key: Tells it from the others of its trace.
        group: What it belongs to, such as "GPU 0 memory".
        name: What it is.
        unit: "bytes", "%" or "".
        time: Nanoseconds of the trace's clock, ascending.
        value: NaN where nothing is known.
    """

    key: str
    group: str
    name: str
    unit: str
    time: Int64s
    value: Float64s


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """A series as a window shows it: stretches, with the least and largest value of each.

    Attributes:
        x: Where each stretch begins, as a part of the window; it lasts until the next.
        low: Least value in it.
        high: Largest value in it.
    """

    x: Float32s
    low: Float32s
    high: Float32s


def series_of(trace: Trace) -> tuple[TimeSeries, ...]:
    """Return the counters of a trace and its memory in use."""
    return (*_memory(trace), *_counters(trace))


def _memory(trace: Trace) -> list[TimeSeries]:
    memory = trace.memory
    found = []
    kinds = np.unique(np.stack([memory.device_type, memory.device], axis=1), axis=0)
    for device_type, device in kinds.tolist():
        mine = (memory.device_type == device_type) & (memory.device == device)
        place = _DEVICE_TYPES.get(device_type, f"device type {device_type}")
        group = f"{place} {device} memory" if device >= 0 else f"{place} memory"
        for name in ("allocated", "reserved"):
            value = getattr(memory, name)[mine].astype(np.float64)
            if (value >= 0).any():
                value[value < 0] = np.nan
                key = f"memory/{device_type}/{device}/{name}"
                found.append(TimeSeries(key, group, name, "bytes", memory.time[mine], value))
    return found


def _counters(trace: Trace) -> list[TimeSeries]:
    counters = trace.counters
    bounds = np.searchsorted(counters.series, np.arange(len(counters.names) + 1))
    found = []
    for number, (name, value_name) in enumerate(counters.names):
        part = slice(int(bounds[number]), int(bounds[number + 1]))
        group, label = (name, value_name) if value_name else (name, name)
        time, value = counters.time[part], counters.value[part]
        found.append(TimeSeries(f"counter/{number}", group, label, "", time, value))
    return found


def device_spans(timeline: Timeline) -> dict[int, Intervals]:
    """Return when any stream of each device was at work, by number of the device."""
    trace = timeline.trace
    parts: dict[int, list[slice]] = {}
    for number, track in enumerate(trace.tracks):
        if track.place is Place.STREAM:
            bounds = trace.track_start[number : number + 2]
            parts.setdefault(track.device, []).append(slice(int(bounds[0]), int(bounds[1])))
    rows = timeline.rows
    found = {}
    for device, spans in sorted(parts.items()):
        start = np.concatenate([rows.start[part] for part in spans])
        dur = np.concatenate([rows.dur[part] for part in spans])
        if len(start):
            found[device] = union(start, start + dur)
    return found


def busy_share(spans: Intervals, t0: int, t1: int, bins: int) -> Float32s:
    """Return the busy part of each of `bins` equal parts of a window, 0 to 1."""
    edges = t0 + np.round(np.arange(bins + 1) * ((t1 - t0) / bins)).astype(np.int64)
    width = np.maximum(np.diff(edges), 1)
    return (np.diff(spans.covered_before(edges)) / width).astype(np.float32)


def drawn(series: TimeSeries, t0: int, t1: int, bins: int) -> Drawn:
    """Return a series as a window of `bins` pixels shows it."""
    time, value = series.time, series.value
    low, high = np.searchsorted(time, [t0, t1])
    low = max(int(low) - 1, 0)
    if high - low <= 2 * bins:
        x = ((np.clip(time[low:high], t0, t1) - t0) / (t1 - t0)).astype(np.float32)
        values = value[low:high].astype(np.float32)
        return Drawn(x, values, values)
    edges = np.searchsorted(time, t0 + np.arange(bins + 1) * ((t1 - t0) / bins))
    # Each stretch also shows the value that it inherits from the one before.
    first = np.maximum(edges[:-1] - 1, low)
    pairs = np.stack([first, np.maximum(edges[1:], first + 1)], axis=1).reshape(-1)
    padded = np.append(value, np.nan)
    with np.errstate(invalid="ignore"):
        least, most = np.fmin.reduceat(padded, pairs)[::2], np.fmax.reduceat(padded, pairs)[::2]
    x = (np.arange(bins) / bins).astype(np.float32)
    return Drawn(x, least.astype(np.float32), most.astype(np.float32))
