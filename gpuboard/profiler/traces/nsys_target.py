"""Know whom the numbers in an export of Nsight Systems stand for: processes, devices, texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from gpuboard.profiler.traces.collect import Collector
from gpuboard.profiler.traces.nsys_tables import Database, distinct, unsigned_parts
from gpuboard.profiler.traces.parts import RawTrack
from gpuboard.profiler.traces.trace import Device, Int64s, Place

_MOST_ROWS = 10_000_000
_FEW_ROWS = 100_000
_WARNING = 2  # ENUM_DIAGNOSTIC_SEVERITY_LEVEL: 1 information, 2 warning, 3 error
_MOST_DIAGNOSTICS = 20
_LONGEST_TEXT = 1_000
_UNKNOWN = -1
_PROCESS = 24  # bits of a serialised id below the process
_FACTS = ("EXPORT_PRODUCT_VERSION", "EXPORT_PRODUCT_NAME", "EXPORT_SCHEMA_VERSION")


class Target:
    """What the file says about the machine, and the tracks that its numbers become."""

    def __init__(self, database: Database, collected: Collector) -> None:
        """Read the small tables.

        Raises:
            TableError: One of them is damaged.
        """
        self._database, self._collected = database, collected
        self._tracks: dict[tuple[object, ...], int] = {}
        self._processes: dict[int, int] = {}
        self._read_texts()
        self._process_names = {
            _whole(pid): str(name) for pid, name in self._rows("PROCESSES", "pid", "name")
        }
        names = self._rows("ThreadNames", "globalTid", "nameId")
        text_of = dict(zip(self._text_ids.tolist(), self._text_values, strict=True))
        self._thread_names = {_whole(tid): text_of.get(_whole(name), "") for tid, name in names}
        self._physical = {
            (_whole(pid), _whole(cuda)): _whole(gpu)
            for gpu, cuda, pid in self._rows("TARGET_INFO_CUDA_DEVICE", "gpuId", "cudaId", "pid")
        }
        collected.devices += self._devices()

    def texts(self, ids: Int64s, change: Callable[[str], str] = str) -> Int64s:
        """Return the string of each registered text; `change` is called once for each."""
        return _each([ids], lambda text: self._text(text, change))

    def _text(self, text: int, change: Callable[[str], str]) -> int:
        at = int(np.searchsorted(self._text_ids, text))
        number = self._collected.strings.number
        if at < len(self._text_ids) and self._text_ids[at] == text:
            return number(change(self._text_values[at]))
        return number("unnamed" if text < 0 else f"text {text}")

    def named(self, columns: Sequence[Int64s], name: Callable[..., str]) -> Int64s:
        """Return a string for each row of columns; `name` is called once for each that differs."""
        return _each(columns, lambda *row: self._collected.strings.number(name(*row)))

    def correlation(self, ids: Int64s, correlation: Int64s) -> Int64s:
        """Return the number of each launch, with its process in the upper half if not the first.

        Args:
            ids: Serialised ids of processes or threads.
            correlation: As CUPTI counts them in each process.
        """
        process = np.where(ids == _UNKNOWN, _UNKNOWN, unsigned_parts(ids)[0])
        upper = _each([process], self._process)
        return np.where(correlation < 0, -1, upper << 32 | correlation)

    def devices(self, ids: Int64s, device: Int64s) -> Int64s:
        """Return the device of the machine for each number that a process knows it by."""
        if not self._physical:
            return device
        process, _ = unsigned_parts(ids)
        return _each([process, device], self._device)

    def threads(self, ids: Int64s, label: str = "") -> Int64s:
        """Return the track of each thread; one with a label is a second track beside it."""
        return _each([ids], lambda number: self._thread(number, label))

    def streams(self, ids: Int64s, device: Int64s, context: Int64s, stream: Int64s) -> Int64s:
        """Return the track of each stream: one of each process, device and context."""
        process, _ = unsigned_parts(ids)
        return _each([process, device, context, stream], self._stream)

    def metric_tracks(self, types: Int64s) -> Int64s:
        """Return the track of the counters of each device, which is in the type's low byte."""
        return _each([types & 0xFF], self._metric_track)

    def metric_names(self) -> dict[tuple[int, int], str]:
        """Return the names of counters by type and number."""
        table = "TARGET_INFO_GPU_METRICS"
        found = self._rows(table, "typeId", "metricId", "metricName")
        return {(_whole(sort), _whole(number)): str(name) for sort, number, name in found}

    def base(self) -> int | None:
        """Return when the session began, nanoseconds since the epoch."""
        for (start,) in self._rows("TARGET_INFO_SESSION_START_TIME", "utcEpochNs"):
            return _whole(start) if _whole(start) > 0 else None
        return None

    def host(self) -> str:
        """Return the name of the machine."""
        found = self._rows("TARGET_INFO_SYSTEM_ENV", "name", "value")
        return next((str(value) for name, value in found if name == "Hostname"), "")

    def facts(self) -> dict[str, str]:
        """Return which version exported the file; what it tells of the environment is not shown."""
        found = self._rows("META_DATA_EXPORT", "name", "value")
        return {str(name): str(value)[:_LONGEST_TEXT] for name, value in found if name in _FACTS}

    def note_diagnostics(self) -> None:
        """Note what the profiler itself complains about."""
        found = self._rows("DIAGNOSTIC_EVENT", "severity", "text")
        severe = [str(text) for severity, text in found if _whole(severity) >= _WARNING]
        for text in list(dict.fromkeys(severe))[:_MOST_DIAGNOSTICS]:
            message = f"the profiler wrote: {text[:_LONGEST_TEXT]}"
            self._collected.note("profiler_warning", message, times=severe.count(text))

    def _rows(self, table: str, *columns: str) -> Iterable[tuple[object, ...]]:
        if not self._database.has(table, *columns):
            return []
        return self._database.rows(table, *columns, room=_FEW_ROWS)

    def _read_texts(self) -> None:
        self._text_ids = np.empty(0, np.int64)
        self._text_values: list[str] = []
        if not self._database.has("StringIds", "id", "value"):
            return
        rows = self._database.rows("StringIds", "id", "value", room=_MOST_ROWS)
        ids = np.array([_whole(number) for number, _ in rows], np.int64)
        order = np.argsort(ids, kind="stable")
        self._text_ids = ids[order]
        self._text_values = ["" if rows[k][1] is None else str(rows[k][1]) for k in order]

    def _process(self, process: int) -> int:
        # The oldest exports name no process beside kernels: all are taken for the first one's.
        return (
            0 if process == _UNKNOWN else self._processes.setdefault(process, len(self._processes))
        )

    def _device(self, process: int, device: int) -> int:
        return self._physical.get((process, device), device)

    def _track(self, key: tuple[object, ...], make: Callable[[], RawTrack]) -> int:
        if key not in self._tracks:
            self._tracks[key] = self._collected.track(make())
        return self._tracks[key]

    def _thread(self, number: int, label: str) -> int:
        process, thread = (str((number >> _PROCESS) & 0xFFFFFF), str(number & 0xFFFFFF))
        if number == _UNKNOWN:
            process, thread = "", "unknown"
        name = self._thread_names.get(number, "")
        shown = " ".join(part for part in (name, f"({label})" if label else "") if part)
        return self._track(
            ("thread", number, label),
            lambda: RawTrack(
                process=process,
                thread=f"{thread} {label}".rstrip(),
                process_label=self._process_names.get(int(process or _UNKNOWN), ""),
                thread_label=shown,
                order=len(self._tracks),
                place=Place.OTHER if label in ("CUDA memory", "profiler overhead") else Place.HOST,
            ),
        )

    def _stream(self, process: int, device: int, context: int, stream: int) -> int:
        return self._track(
            ("stream", process, device, context, stream),
            lambda: RawTrack(
                process=f"GPU {device}",
                thread=f"stream {stream}" if stream >= 0 else "no stream",
                process_label=self._process_names.get(process, ""),
                thread_label=f"stream {stream}" if stream >= 0 else "all streams",
                order=stream,
                place=Place.STREAM,
                device=device,
                stream=stream,
            ),
        )

    def _metric_track(self, device: int) -> int:
        return self._track(
            ("metrics", device),
            lambda: RawTrack(
                process=f"GPU {device}",
                thread="metrics",
                thread_label="GPU metrics",
                place=Place.DEVICE_NOTE,
                device=device,
            ),
        )

    def _devices(self) -> list[Device]:
        table, names = "TARGET_INFO_GPU", ("id", "name", *_DEVICE)
        known = [name for name in names if name in self._database.columns.get(table, ())]
        if "id" not in known:
            return []
        devices = []
        for row in self._database.rows(table, *known, room=1_000):
            about = dict(zip(known, row, strict=True))
            devices.append(_device(_whole(about["id"]), str(about.get("name") or ""), about))
        return devices


_DEVICE = (
    "totalMemory", "memoryBandwidth", "clockRate", "smCount", "computeMajor", "computeMinor",
    "maxShmemPerSm", "maxRegistersPerSm", "threadsPerWarp", "maxWarpsPerSm",
)  # fmt: skip


def _device(number: int, name: str, about: dict[str, object]) -> Device:
    def whole(column: str) -> int:
        return max(_whole(about.get(column)), 0)

    warp = whole("threadsPerWarp")
    return Device(
        id=number,
        name=name,
        memory=whole("totalMemory"),
        compute_major=whole("computeMajor"),
        compute_minor=whole("computeMinor"),
        sms=whole("smCount"),
        threads_per_sm=whole("maxWarpsPerSm") * warp,
        warp_size=warp,
        registers_per_sm=whole("maxRegistersPerSm"),
        shared_memory_per_sm=whole("maxShmemPerSm"),
        clock=float(whole("clockRate")),
        bandwidth=float(whole("memoryBandwidth")),
        vendor="NVIDIA",
    )


def _each(columns: Sequence[Int64s], number: Callable[..., int]) -> Int64s:
    """Return a number for each row of columns; `number` is called once for each that differs."""
    rows, place = distinct(columns)
    return np.array([number(*row) for row in rows], np.int64)[place]


def _whole(cell: object) -> int:
    return cell if isinstance(cell, int) else -1
