"""Write a window of a trace as Chrome JSON, for viewers such as ui.perfetto.dev."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np

from gpuboard.errors import LimitError
from gpuboard.limits import MAX_WINDOW_EVENTS
from gpuboard.profiler.timeline.facts import facts_of
from gpuboard.profiler.timeline.levels import Timeline
from gpuboard.profiler.traces.trace import Int64s, Trace

MAX_DETAILED = 100_000  # with more slices, what is known beyond name and time is left out


def window_json(timeline: Timeline, t0: int, t1: int) -> bytes:
    """Return all slices, arrows, counters and points in time that touch a window.

    Times keep their nanoseconds: Chrome's unit is the microsecond, written with three decimals.

    Raises:
        LimitError: The window holds more than `limits.MAX_WINDOW_EVENTS` slices.
    """
    trace = timeline.trace
    start = trace.slices.start
    rows = np.flatnonzero((start < t1) & (start + timeline.rows.dur >= t0))
    if len(rows) > MAX_WINDOW_EVENTS.value:
        raise LimitError(
            f"the window holds {len(rows)} events, at most {MAX_WINDOW_EVENTS.value} are written "
            f"({MAX_WINDOW_EVENTS.name}); zoom in"
        )
    writer = _Writer(timeline)
    events = [
        *writer.names(),
        *writer.slices(rows),
        *writer.flows(t0, t1),
        *writer.counters(t0, t1),
        *writer.instants(t0, t1),
    ]
    return (_head(trace, t0, t1) + ",\n".join(events) + "\n]}\n").encode("utf-8", "replace")


def microseconds(ns: int) -> str:
    """Write nanoseconds as microseconds without loss."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    return f"{sign}{ns // 1000}.{ns % 1000:03d}"


def _head(trace: Trace, t0: int, t1: int) -> str:
    origin = trace.origin
    facts: dict[str, object] = {
        "displayTimeUnit": "ns",
        "writtenBy": "gpuboard",
        "window": {"from_ns": str(t0), "to_ns": str(t1)},
    }
    if origin.base is not None:
        facts["baseTimeNanoseconds"] = origin.base
    if origin.rank is not None:
        facts["distributedInfo"] = {
            "rank": origin.rank,
            "world_size": origin.world_size,
            "backend": origin.backend,
        }
    facts["deviceProperties"] = [
        {"id": device.id, "name": device.name, "totalGlobalMem": device.memory}
        for device in trace.devices
    ]
    return json.dumps(facts)[:-1] + ', "traceEvents": [\n'


class _Writer:
    """Write events line by line; processes and tracks get small numbers, as viewers want them."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._trace = trace = timeline.trace
        numbers: dict[str, int] = {}
        self._processes = numbers
        # Two tracks can have one thread, such as a stream and what is laid over it.
        self._ids = [
            f'"pid":{numbers.setdefault(track.process, len(numbers) + 1)},"tid":{number}'
            for number, track in enumerate(trace.tracks, 1)
        ]

    def names(self) -> Iterator[str]:
        """Yield what processes and tracks are called, and their order."""
        trace = self._trace
        labels = {track.process: track.process_label for track in trace.tracks}
        for process, number in self._processes.items():
            name = labels[process] or process
            yield self._note("process_name", f'"pid":{number}', {"name": name})
            yield self._note("process_sort_index", f'"pid":{number}', {"sort_index": number})
        for number, track in enumerate(trace.tracks):
            name = track.thread_label or track.thread
            yield self._note("thread_name", self._ids[number], {"name": name})
            yield self._note("thread_sort_index", self._ids[number], {"sort_index": number})

    def _note(self, name: str, ids: str, args: dict[str, object]) -> str:
        return f'{{"ph":"M","name":"{name}",{ids},"args":{json.dumps(args)}}}'

    def slices(self, rows: Int64s) -> Iterator[str]:
        """Yield whole slices."""
        trace = self._trace
        table = trace.slices
        names = _Quoted(trace.strings)
        categories = [json.dumps(word) for word in trace.categories]
        is_detailed = len(rows) <= MAX_DETAILED
        columns = (table.start, self._timeline.rows.dur, table.track, table.name, table.category)
        cells = zip(rows.tolist(), *(column[rows].tolist() for column in columns), strict=True)
        for row, start, dur, track, name, category in cells:
            args = ""
            if is_detailed:
                facts = {fact.name: fact.value for fact in facts_of(trace, row)}
                args = f',"args":{json.dumps(facts)}' if facts else ""
            yield (
                f'{{"ph":"X","cat":{categories[category]},"name":{names[name]},{self._ids[track]},'
                f'"ts":{microseconds(start)},"dur":{microseconds(dur)}{args}}}'
            )

    def flows(self, t0: int, t1: int) -> Iterator[str]:
        """Yield both ends of arrows that lie wholly in the window."""
        flows = self._trace.flows
        inside = (flows.source_time >= t0) & (flows.target_time <= t1)
        names = _Quoted(self._trace.strings)
        for at in np.flatnonzero(inside)[: MAX_WINDOW_EVENTS.value].tolist():
            name = names[int(flows.label[at])]
            start = f'"id":{at},"cat":{name},"name":{name}'
            source, target = (
                f'{self._ids[int(track)]},"ts":{microseconds(int(time))}'
                for track, time in (
                    (flows.source_track[at], flows.source_time[at]),
                    (flows.target_track[at], flows.target_time[at]),
                )
            )
            yield f'{{"ph":"s",{start},{source}}}'
            yield f'{{"ph":"f","bp":"e",{start},{target}}}'

    def counters(self, t0: int, t1: int) -> Iterator[str]:
        """Yield the values of counters."""
        counters = self._trace.counters
        for at in _within(counters.time, t0, t1):
            name, value_name = counters.names[counters.series[at]]
            ids = self._ids[counters.tracks[counters.series[at]]].partition(",")[0]
            value = float(counters.value[at])
            if not np.isfinite(value):
                continue
            yield (
                f'{{"ph":"C","name":{json.dumps(name)},{ids},'
                f'"ts":{microseconds(int(counters.time[at]))},'
                f'"args":{json.dumps({value_name or "value": value})}}}'
            )

    def instants(self, t0: int, t1: int) -> Iterator[str]:
        """Yield points in time, those of memory with their bytes."""
        trace = self._trace
        names = _Quoted(trace.strings)
        instants, memory = trace.instants, trace.memory
        for at in _within(instants.time, t0, t1):
            yield self._instant(names[int(instants.name[at])], instants, at, "{}")
        for at in _within(memory.time, t0, t1):
            args = {
                "Addr": int(memory.address[at]),
                "Bytes": int(memory.bytes[at]),
                "Total Allocated": int(memory.allocated[at]),
                "Total Reserved": int(memory.reserved[at]),
                "Device Type": int(memory.device_type[at]),
                "Device Id": int(memory.device[at]),
            }
            yield self._instant('"[memory]"', memory, at, json.dumps(args))

    def _instant(self, name: str, table: object, at: int, args: str) -> str:
        track, time = int(table.track[at]), int(table.time[at])  # type: ignore[attr-defined]
        return (
            f'{{"ph":"i","s":"t","name":{name},{self._ids[track]},'
            f'"ts":{microseconds(time)},"args":{args}}}'
        )


class _Quoted:
    """Write each text as JSON once."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._written: dict[int, str] = {-1: '""'}

    def __getitem__(self, number: int) -> str:
        written = self._written.get(number)
        if written is None:
            written = self._written[number] = json.dumps(self._texts[number], ensure_ascii=False)
        return written


def _within(time: Int64s, t0: int, t1: int) -> Iterable[int]:
    found: list[int] = np.flatnonzero((time >= t0) & (time <= t1)).tolist()
    return found
