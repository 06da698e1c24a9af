"""Read a Chrome trace slowly and plainly, with exact decimals: what the fast reader must equal.

`trace_of` also makes the small traces that tests of analyses need: give it events as dictionaries.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from gpuboard.profiler.traces import parts as spec
from gpuboard.profiler.traces.assemble import assemble
from gpuboard.profiler.traces.categories import kind_of
from gpuboard.profiler.traces.parts import Parts, RawTrack
from gpuboard.profiler.traces.trace import Device, Group, Kind, Origin, Trace

_PHASES = {"s": 0, "t": 1, "f": 2}


class _Table:
    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in columns}
        self.spec = columns

    def add(self, **values: Any) -> None:
        for name, column in self.columns.items():
            missing = np.nan if np.issubdtype(np.dtype(self.spec[name]), np.floating) else -1
            if name in spec.WIDE:
                missing = (-1, -1, -1)
            value = values.get(name)
            column.append(missing if value is None else value)

    def done(self) -> dict[str, np.ndarray]:
        return {
            name: np.array(column, self.spec[name]).reshape((-1, 3) if name in spec.WIDE else (-1,))
            for name, column in self.columns.items()
        }


def nanoseconds(value: object) -> int:
    """Return microseconds as integer nanoseconds, cut towards zero as `refcalc` does."""
    return int(Decimal(str(value)) * 1000)


def read_trace(path: Path | str) -> Trace:
    """Read a trace file, plain or gzip."""
    path = Path(path)
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf8", "replace")
    root = json.loads(text, parse_float=Decimal, strict=False)
    events, meta = (root, {}) if isinstance(root, list) else (root["traceEvents"], root)
    return trace_of(events, meta, file=str(path), size=path.stat().st_size)


def trace_of(
    events: Sequence[Mapping[str, Any]],
    meta: Mapping[str, Any] | None = None,
    *,
    file: str = "made.json",
    size: int = 0,
) -> Trace:
    """Return the trace of Chrome events (microseconds) and of the root's other members."""
    return assemble(parts_of(events, meta or {}, file=file, size=size))


def parts_of(events, meta, *, file="made.json", size=0) -> Parts:
    strings: dict[str, int] = {}
    categories: dict[str, int] = {}
    tracks: dict[tuple[str, str], int] = {}
    labels: dict[tuple[str, str, str], Any] = {}

    def text(value: Any) -> int | None:
        return None if value is None else strings.setdefault(str(value), len(strings))

    def raw(value: Any) -> int | None:
        if value is None:
            return None
        return text(value if isinstance(value, str) else json.dumps(value, default=str))

    def track(event: Mapping[str, Any]) -> int:
        key = str(event.get("pid", "")), str(event.get("tid", ""))
        return tracks.setdefault(key, len(tracks))

    tables = {
        name: _Table(getattr(spec, name))
        for name in (
            "SLICES", "WORK", "CALLS", "OPERATORS", "PYTHON", "COLLECTIVES", "SYNCS", "MEMORY",
            "FLOW_ENDS", "COUNTERS", "INSTANTS",
        )
    }  # fmt: skip
    phases = Counter(str(event.get("ph")) for event in events)
    open_slices: dict[int, list[int]] = {}
    rows = 0
    for event in events:
        phase, args = event.get("ph"), event.get("args") or {}
        name, category = event.get("name", ""), event.get("cat")
        if phase == "M":
            value = args.get("name", args.get("labels", args.get("sort_index")))
            labels[str(event.get("pid", "")), str(event.get("tid", "")), name] = value
            continue
        time = nanoseconds(event.get("ts", 0))
        if phase in _PHASES:
            tables["FLOW_ENDS"].add(
                label=text(category), id=_int(event.get("id")), phase=_PHASES[phase], time=time,
                track=track(event),
            )  # fmt: skip
        elif phase == "C":
            for key, value in args.items():
                tables["COUNTERS"].add(
                    name=text(name), key=text(key), track=track(event), time=time, value=value
                )
        elif phase in ("i", "I", "R"):
            if name == "[memory]":
                tables["MEMORY"].add(
                    time=time, track=track(event), address=_int(args.get("Addr")),
                    bytes=_int(args.get("Bytes")), allocated=_int(args.get("Total Allocated")),
                    reserved=_int(args.get("Total Reserved")),
                    device_type=_int(args.get("Device Type")), device=_int(args.get("Device Id")),
                )  # fmt: skip
            else:
                tables["INSTANTS"].add(time=time, track=track(event), name=text(name))
        elif phase == "B":
            open_slices.setdefault(track(event), []).append(rows)
            _slice(tables, event, args, rows, time, 0, text, raw, track, categories)
            rows += 1
        elif phase == "E":
            stack = open_slices.get(track(event))
            if stack:
                at = stack.pop()
                tables["SLICES"].columns["dur"][at] = time - tables["SLICES"].columns["start"][at]
        elif phase == "X":
            dur = nanoseconds(event.get("dur", 0))
            _slice(tables, event, args, rows, time, dur, text, raw, track, categories)
            rows += 1
    distributed = meta.get("distributedInfo") or {}
    facts = {
        key: str(value) for key, value in meta.items()
        if key not in ("traceEvents", "deviceProperties", "distributedInfo")
    }  # fmt: skip
    base = meta.get("baseTimeNanoseconds")
    origin = Origin(
        file=file,
        format="kineto" if "schemaVersion" in meta or "deviceProperties" in meta else "chrome",
        bytes=size,
        events=len(events),
        phases=dict(phases),
        base=None if base is None else int(base),
        rank=distributed.get("rank"),
        world_size=distributed.get("world_size"),
        backend=distributed.get("backend", ""),
        host=meta.get("host_name", ""),
        groups=tuple(
            Group(str(g.get("pg_name", "")), g.get("pg_desc", ""), g.get("backend_config", ""),
                  tuple(g.get("ranks") or ()))
            for g in distributed.get("pg_config") or ()
            if isinstance(g, dict)
        ),
        facts=facts,
    )  # fmt: skip
    made = []
    for (pid, tid), _ in sorted(tracks.items(), key=lambda item: item[1]):
        made.append(
            RawTrack(
                pid, tid,
                process_label=str(labels.get((pid, tid, "process_name"))
                                  or _any(labels, pid, "process_name")),
                thread_label=str(labels.get((pid, tid, "thread_name")) or ""),
                order=int(labels.get((pid, tid, "thread_sort_index")) or 0),
            )
        )  # fmt: skip
    return Parts(
        origin=origin,
        strings=list(strings),
        categories=list(categories),
        tracks=made,
        slices=tables["SLICES"].done(),
        work=tables["WORK"].done(),
        calls=tables["CALLS"].done(),
        operators=tables["OPERATORS"].done(),
        python=tables["PYTHON"].done(),
        collectives=tables["COLLECTIVES"].done(),
        syncs=tables["SYNCS"].done(),
        memory=tables["MEMORY"].done(),
        flow_ends=tables["FLOW_ENDS"].done(),
        counters=tables["COUNTERS"].done(),
        instants=tables["INSTANTS"].done(),
        devices=tuple(
            Device(
                id=d.get("id", k), name=d.get("name", ""), memory=d.get("totalGlobalMem", 0),
                compute_major=d.get("computeMajor", 0), compute_minor=d.get("computeMinor", 0),
                sms=d.get("numSms", 0), threads_per_sm=d.get("maxThreadsPerMultiprocessor", 0),
                warp_size=d.get("warpSize", 0), registers_per_sm=d.get("regsPerMultiprocessor", 0),
                shared_memory_per_sm=d.get("sharedMemPerMultiprocessor", 0),
            )
            for k, d in enumerate(meta.get("deviceProperties") or ())
        ),
    )  # fmt: skip


def _any(labels, pid, what):
    return next((v for (p, _, w), v in labels.items() if p == pid and w == what), "")


def _int(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _float(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _slice(tables, event, args, row, time, dur, text, raw, track, categories) -> None:
    category = str(event.get("cat", ""))
    kind = kind_of(category)
    tables["SLICES"].add(
        start=time, dur=dur, track=track(event), name=text(event.get("name", "")), kind=int(kind),
        category=categories.setdefault(category, len(categories)),
    )  # fmt: skip
    external = _int(args.get("External id", args.get("external id")))
    correlation = _int(args.get("correlation"))
    if kind in (Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET):
        tables["WORK"].add(
            row=row, correlation=correlation, external=external,
            device=_int(args.get("device", event.get("pid"))),
            stream=_int(args.get("stream", event.get("tid"))),
            context=_int(args.get("context")), grid=args.get("grid"), block=args.get("block"),
            registers=_int(args.get("registers per thread")),
            shared_memory=_int(args.get("shared memory")),
            blocks_per_sm=_float(args.get("blocks per SM")),
            warps_per_sm=_float(args.get("warps per SM")),
            occupancy=_float(args.get("est. achieved occupancy %")),
            bytes=_int(args.get("bytes")), bandwidth=_float(args.get("memory bandwidth (GB/s)")),
            graph=_int(args.get("graph id")), graph_node=_int(args.get("graph node id")),
            queued=_int(args.get("queued")),
        )  # fmt: skip
    elif kind is Kind.CALL:
        tables["CALLS"].add(row=row, correlation=correlation, external=external)
    elif kind in (Kind.OPERATOR, Kind.ANNOTATION):
        tables["OPERATORS"].add(
            row=row, external=external, sequence=_int(args.get("Sequence number")),
            forward_thread=_int(args.get("Fwd thread id")),
            dims=raw(args.get("Input Dims", args.get("Input dims"))),
            types=raw(args.get("Input type")), strides=raw(args.get("Input Strides")),
            concrete=raw(args.get("Concrete Inputs")), stack=text(args.get("Call stack")),
            module=text(args.get("Module Hierarchy")), flops=_int(args.get("flops")),
        )  # fmt: skip
    elif kind is Kind.PYTHON:
        tables["PYTHON"].add(
            row=row, id=_int(args.get("Python id")), parent=_int(args.get("Python parent id")),
            module=_int(args.get("Python module id")),
        )  # fmt: skip
    elif kind is Kind.SYNC:
        tables["SYNCS"].add(
            row=row, sync=text(args.get("cuda_sync_kind")), stream=_int(args.get("stream")),
            correlation=correlation, awaited_stream=_int(args.get("wait_on_stream")),
            awaited_correlation=_int(args.get("wait_on_cuda_event_record_corr_id")),
        )  # fmt: skip
    if "Collective name" in args:
        tables["COLLECTIVES"].add(
            row=row, collective=text(args.get("Collective name")),
            elements_in=_int(args.get("In msg nelems")),
            elements_out=_int(args.get("Out msg nelems")), dtype=text(args.get("dtype")),
            group_size=_int(args.get("Group size")), group=text(args.get("Process Group Name")),
            group_label=text(args.get("Process Group Description")),
            group_ranks=raw(args.get("Process Group Ranks")), rank=_int(args.get("Rank")),
            source=_int(args.get("Src Rank")), target=_int(args.get("Dst Rank")),
            sequence=_int(args.get("Seq")),
        )  # fmt: skip
