"""Read the exports of Nsight Systems: `nsys export --type sqlite`.

Tables are there only where they have rows, and columns have come with time; what is absent is
unknown. Of the tables (all times are nanoseconds since the session began):

| table | becomes |
|---|---|
| CUPTI_ACTIVITY_KIND_KERNEL, _MEMCPY, _MEMSET | `KERNEL`, `MEMCPY`, `MEMSET` |
| CUPTI_ACTIVITY_KIND_GRAPH_TRACE | one `KERNEL` for each launch of a whole graph |
| CUPTI_ACTIVITY_KIND_SYNCHRONIZATION | `SYNC` |
| CUPTI_ACTIVITY_KIND_RUNTIME | `CALL` |
| NVTX_EVENTS | `ANNOTATION`; marks are instants |
| CUDNN_EVENTS, CUBLAS_EVENTS | `ANNOTATION` |
| OSRT_API | `OTHER` |
| PROFILER_OVERHEAD, CUPTI_ACTIVITY_KIND_OVERHEAD | `OVERHEAD` |
| CUDA_GPU_MEMORY_USAGE_EVENTS | memory events |
| GPU_METRICS | counters |

CUPTI numbers launches anew in each process. Where a file holds several, the upper half of the
numbers of the second and later ones tells the process, so that a number is one launch.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.profiler.traces.assemble import assemble
from gpuboard.profiler.traces.collect import Collector
from gpuboard.profiler.traces.nsys_names import call_name, copy_name, fill_name, sync_name
from gpuboard.profiler.traces.nsys_tables import Columns, Database, TableError
from gpuboard.profiler.traces.nsys_target import Target
from gpuboard.profiler.traces.trace import Int64s, Kind, Origin, Trace
from gpuboard.profiler.traces.watch import IsCancelled, Progress, Watch

_CUPTI = "CUPTI_ACTIVITY_KIND_"
_RANGES, _MARKS, _DOMAINS = (59, 60), (34,), (75,)
_START_END = 60
_SPAN = ("start", "end")
_ON_DEVICE = ("deviceId", "contextId", "streamId", "correlationId", "globalPid", "graphNodeId")
_GRID = ("gridX", "gridY", "gridZ")
_BLOCK = ("blockX", "blockY", "blockZ")
_NAMES = ("demangledName", "shortName", "mangledName")
_ALLOCATION, _RELEASE = 0, 1
_LARGEST_INT32 = (1 << 31) - 1


def read_nsys(
    file: Path, *, progress: Progress | None = None, cancelled: IsCancelled | None = None
) -> Trace:
    """Read an export of Nsight Systems.

    A table that is damaged is left out and noted.

    Args:
        file: Where it lies.
        progress: Told how far it is, from 0 to 1.
        cancelled: Says whether to end.

    Raises:
        DataError: It is no such export, or is damaged as a whole.
        ReadingCancelledError: `cancelled` said so.
    """
    watch = Watch(progress, cancelled)
    with Database(file, watch) as database:
        return _Reader(file, database, watch).trace()


class _Reader:
    """Takes one table after the other."""

    def __init__(self, file: Path, database: Database, watch: Watch) -> None:
        self.file, self.database, self.watch = file, database, watch
        self.collected = Collector(str(file))
        self.rows = 0
        self.part = (0.0, 0.0)

    def trace(self) -> Trace:
        self._check()
        self.target = self._target()
        for number, (table, take) in enumerate(self._tables()):
            self.part = (number / len(self._tables()), (number + 1) / len(self._tables()))
            self.watch.at(self.part[0])
            if table in self.database.columns:
                self._take(table, take)
        return assemble(self.collected.parts(self._origin()))

    def _tables(self) -> tuple[tuple[str, Callable[[str], None]], ...]:
        return (
            (f"{_CUPTI}KERNEL", self._kernels),
            (f"{_CUPTI}MEMCPY", self._copies),
            (f"{_CUPTI}MEMSET", self._fills),
            (f"{_CUPTI}GRAPH_TRACE", self._graphs),
            (f"{_CUPTI}SYNCHRONIZATION", self._syncs),
            (f"{_CUPTI}RUNTIME", self._calls),
            ("NVTX_EVENTS", self._ranges),
            ("CUDNN_EVENTS", self._library_calls),
            ("CUBLAS_EVENTS", self._library_calls),
            ("OSRT_API", self._system_calls),
            ("PROFILER_OVERHEAD", self._overhead),
            (f"{_CUPTI}OVERHEAD", self._overhead),
            ("CUDA_GPU_MEMORY_USAGE_EVENTS", self._memory),
            ("GPU_METRICS", self._metrics),
        )

    def _check(self) -> None:
        tables = self.database.columns
        if any(table in tables for table, _ in self._tables()) or "StringIds" in tables:
            return
        if "StringTable" in tables:
            what = "a profile of nvprof, which is not read; record with Nsight Systems (`nsys`)"
        else:
            what = "expected an export of Nsight Systems (`nsys export --type sqlite`)"
        found = ", ".join(sorted(tables)[:8]) or "none"
        raise DataError(f"{self.file}: an SQLite file with the tables {found}: {what}")

    def _target(self) -> Target:
        try:
            return Target(self.database, self.collected)
        except TableError as error:
            raise DataError(f"{self.file}: SQLite cannot read it ({error})") from error

    def _take(self, table: str, take: Callable[[str], None]) -> None:
        try:
            take(table)
        except TableError as error:
            self.collected.note(
                "damaged_table",
                f"the table {table} cannot be read ({error}); it is left out; export it again",
            )

    def _read(self, table: str, *columns: str) -> Columns:
        room = max(limits.MAX_TRACE_EVENTS.value - self.rows, 0)
        found = self.database.numbers(table, columns, room=room, part=self.part)
        read = len(next(iter(found.values()), ()))
        self.rows += read
        lost = self.database.count(table) - read
        if lost > 0:
            self.collected.note(
                "many_events",
                f"{lost:,} rows of {table} are not shown: of one trace at most "
                f"{limits.MAX_TRACE_EVENTS.value:,} are",
                times=lost,
            )
        for name in columns:
            if name not in found:
                found[name] = np.full(read, -1)
        return found

    def _add(
        self, found: Columns, kind: Kind, category: str, *, track: Int64s, name: Int64s
    ) -> Int64s:
        """Add slices and return their rows."""
        first, n = self.collected.slices.rows, len(name)
        self.collected.slices.add(
            n,
            start=found["start"],
            dur=found["end"] - found["start"],
            track=track,
            name=name,
            kind=kind,
            category=self.collected.category(category),
            offset=np.arange(n),
        )
        return first + np.arange(n)

    def _work(self, found: Columns, kind: Kind, category: str, name: Int64s) -> dict[str, Int64s]:
        """Add slices of a device, and return what all tables of work have in common."""
        device = self.target.devices(found["globalPid"], found["deviceId"])
        stream = np.where(found["streamId"] > _LARGEST_INT32, -1, found["streamId"])
        track = self.target.streams(found["globalPid"], device, found["contextId"], stream)
        row = self._add(found, kind, category, track=track, name=name)
        return {
            "row": row,
            "correlation": self.target.correlation(found["globalPid"], found["correlationId"]),
            "device": device,
            "stream": stream,
            "context": _fitting(found["contextId"]),
            "graph_node": found["graphNodeId"],
        }

    def _kernels(self, table: str) -> None:
        found = self._read(
            table, *_SPAN, *_ON_DEVICE, *_NAMES, *_GRID, *_BLOCK, "registersPerThread",
            "staticSharedMemory", "dynamicSharedMemory", "graphId",
        )  # fmt: skip
        name = found["demangledName"]
        for other in _NAMES[1:]:
            name = np.where(name < 0, found[other], name)
        work = self._work(found, Kind.KERNEL, "kernel", self.target.texts(name))
        static, dynamic = found["staticSharedMemory"], found["dynamicSharedMemory"]
        self.collected.work.add(
            len(name),
            **work,
            grid=_fitting(np.stack([found[side] for side in _GRID], axis=1)),
            block=_fitting(np.stack([found[side] for side in _BLOCK], axis=1)),
            registers=_fitting(found["registersPerThread"]),
            shared_memory=_fitting(np.where((static < 0) | (dynamic < 0), -1, static + dynamic)),
            graph=found["graphId"],
        )

    def _copies(self, table: str) -> None:
        found = self._read(table, *_SPAN, *_ON_DEVICE, "bytes", "copyKind", "srcKind", "dstKind")
        kinds = [found["copyKind"], found["srcKind"], found["dstKind"]]
        name = self.target.named(kinds, copy_name)
        work = self._work(found, Kind.MEMCPY, "gpu_memcpy", name)
        self.collected.work.add(len(name), **work, bytes=found["bytes"])

    def _fills(self, table: str) -> None:
        found = self._read(table, *_SPAN, *_ON_DEVICE, "bytes", "memKind")
        name = self.target.named([found["memKind"]], fill_name)
        work = self._work(found, Kind.MEMSET, "gpu_memset", name)
        self.collected.work.add(len(name), **work, bytes=found["bytes"])

    def _graphs(self, table: str) -> None:
        found = self._read(table, *_SPAN, *_ON_DEVICE, "graphId")
        name = self.target.named([found["graphId"]], lambda graph: f"CUDA graph {graph}")
        work = self._work(found, Kind.KERNEL, "graph", name)
        self.collected.work.add(len(name), **work, graph=found["graphId"])

    def _syncs(self, table: str) -> None:
        found = self._read(table, *_SPAN, *_ON_DEVICE, "syncType")
        name = self.target.named([found["syncType"]], sync_name)
        work = self._work(found, Kind.SYNC, "cuda_sync", name)
        self.collected.syncs.add(
            len(name),
            row=work["row"],
            sync=name,
            stream=work["stream"],
            correlation=work["correlation"],
        )

    def _calls(self, table: str) -> None:
        found = self._read(table, *_SPAN, "globalTid", "correlationId", "nameId")
        name = self.target.texts(found["nameId"], call_name)
        track = self.target.threads(found["globalTid"])
        row = self._add(found, Kind.CALL, "cuda_runtime", track=track, name=name)
        correlation = self.target.correlation(found["globalTid"], found["correlationId"])
        self.collected.calls.add(len(row), row=row, correlation=correlation)

    def _ranges(self, table: str) -> None:
        found = self._read(table, *_SPAN, "eventType", "globalTid", "textId", "domainId")
        name = self._range_names(table, found["textId"])
        # The oldest exports had nothing but ranges, and no type.
        sort = np.where(found["eventType"] < 0, _RANGES[0], found["eventType"])
        is_range = np.isin(sort, _RANGES)
        is_open = is_range & (found["end"] < found["start"])
        if is_open.any():
            self.collected.note(
                "open_range",
                f"{np.count_nonzero(is_open):,} NVTX ranges never end; they are left out",
                times=int(np.count_nonzero(is_open)),
            )
        for is_chosen, label in (
            (is_range & ~is_open & (sort != _START_END), ""),
            # These need not nest, and may end on another thread: each thread has a second track.
            (is_range & ~is_open & (sort == _START_END), "start-end ranges"),
        ):
            part = {column: values[is_chosen] for column, values in found.items()}
            track = self.target.threads(part["globalTid"], label)
            self._add(part, Kind.ANNOTATION, "nvtx", track=track, name=name[is_chosen])
        is_mark = np.isin(sort, _MARKS)
        self.collected.instants.add(
            int(np.count_nonzero(is_mark)),
            time=found["start"][is_mark],
            track=self.target.threads(found["globalTid"][is_mark]),
            name=name[is_mark],
        )

    def _range_names(self, table: str, text_id: Int64s) -> Int64s:
        """Return the names of ranges: registered ones by number, others as text."""
        if not self.database.has(table, "text"):
            return self.target.texts(text_id)
        texts = self.database.rows(table, "text", room=len(text_id))
        own = [text for (text,) in texts]
        number = self.collected.strings.number
        named = [-1 if text is None else number(str(text)) for text in own]
        name = np.array(named, np.int64)
        is_registered = name < 0
        name[is_registered] = self.target.texts(text_id[is_registered])
        return name

    def _library_calls(self, table: str) -> None:
        self._host_slices(table, Kind.ANNOTATION, table.partition("_")[0].lower())

    def _system_calls(self, table: str) -> None:
        self._host_slices(table, Kind.OTHER, "osrt")

    def _overhead(self, table: str) -> None:
        self._host_slices(table, Kind.OVERHEAD, "overhead")

    def _host_slices(self, table: str, kind: Kind, category: str) -> None:
        found = self._read(table, *_SPAN, "globalTid", "nameId")
        name = self.target.texts(found["nameId"], call_name)
        label = "profiler overhead" if kind is Kind.OVERHEAD else ""
        track = self.target.threads(found["globalTid"], label)
        self._add(found, kind, category, track=track, name=name)

    def _memory(self, table: str) -> None:
        found = self._read(
            table, "start", "globalPid", "deviceId", "address", "bytes", "memoryOperationType"
        )
        operation = found["memoryOperationType"]
        is_known = np.isin(operation, (_ALLOCATION, _RELEASE))
        size = np.where(operation == _RELEASE, -found["bytes"], found["bytes"])[is_known]
        device = self.target.devices(found["globalPid"], found["deviceId"])
        self.collected.memory.add(
            int(np.count_nonzero(is_known)),
            time=found["start"][is_known],
            track=self.target.threads(found["globalPid"], "CUDA memory")[is_known],
            address=found["address"][is_known],
            bytes=size,
            device_type=1,
            device=_fitting(device[is_known]),
        )

    def _metrics(self, table: str) -> None:
        found = self._read(table, "timestamp", "typeId", "metricId")
        value = self.database.reals(table, "value", room=len(found["typeId"]))
        names = self.target.metric_names()
        pairs = [found["typeId"], found["metricId"]]
        name = self.target.named(
            pairs, lambda sort, metric: names.get((sort, metric), f"metric {metric}")
        )
        self.collected.counters.add(
            len(name),
            name=name,
            track=self.target.metric_tracks(found["typeId"]),
            time=found["timestamp"],
            value=value,
        )

    def _origin(self) -> Origin:
        self.target.note_diagnostics()
        return Origin(
            file=str(self.file),
            format="nsys",
            bytes=self.file.stat().st_size,
            events=self.rows,
            base=self.target.base(),
            host=self.target.host(),
            facts=self.target.facts(),
        )


def _fitting(column: Int64s) -> Int64s:
    """Return numbers that an int32 holds, -1 for others."""
    return np.where((column < 0) | (column > _LARGEST_INT32), -1, column)
