"""Read the machine and the process tree of a training, by psutil."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections.abc import Callable, Collection, Iterator
from typing import Any

from gpuboard.profiler.hardware import metrics
from gpuboard.profiler.hardware.counters import Rate
from gpuboard.profiler.hardware.devices import Devices
from gpuboard.profiler.hardware.metrics import NUMBER_OF, Metric
from gpuboard.profiler.hardware.samples import Absent, Batch, DeviceInfo, Instant
from gpuboard.profiler.hardware.sources import COUNTER, Host

_NOT_THERE = "this system does not say"


class HostReader:
    """The machine's own metrics, and those of a training where its process is known.

    Args:
        devices: Where devices get their numbers.
        training_pid: First process of the training, or None.
    """

    def __init__(self, devices: Devices, training_pid: int | None = None) -> None:
        self._devices = devices
        self._rates: dict[tuple[Metric, int], Rate] = {}
        self._absent: dict[tuple[Metric, int], str] = {}
        self._host = devices.put(DeviceInfo("host", "host", metrics.HOST, platform.node()))
        self._cores = _Cores(devices)
        self._training = _Training(devices, training_pid) if training_pid else None
        self._has_cpu = False

    def read(self, paces: Collection[str], at: Instant, out: Batch) -> None:
        """Read what is due into a batch; never raises for what the system does not offer."""
        for number, on, ask in self._asked(paces, at):
            for metric in metrics.HOST_METRICS:
                if metric.on == on and metric.pace in paces:
                    self._put(metric, number, ask, at, out)
        if metrics.SLOW in paces:
            self._cores.read(at, out)

    def forget(self) -> None:
        """Work out no growth across what came before: there was a gap."""
        for rate in self._rates.values():
            rate.forget()
        self._has_cpu = False
        self._cores.forget()

    def absent(self) -> Iterator[Absent]:
        """Yield what this system does not offer, with reasons."""
        for (metric, number), reason in self._absent.items():
            yield Absent(NUMBER_OF[metric], number, reason)

    def _asked(
        self, paces: Collection[str], at: Instant
    ) -> Iterator[tuple[int, str, Callable[[str], float | None]]]:
        if self._host is not None:
            yield self._host, metrics.HOST, self._ask_host
        if self._training is not None and metrics.SLOW in paces:
            self._training.look(at)
            if self._training.number is not None:
                yield self._training.number, metrics.TRAINING, self._training.values.get

    def _put(
        self,
        metric: Metric,
        number: int,
        ask: Callable[[str], float | None],
        at: Instant,
        out: Batch,
    ) -> None:
        source = metric.sources[0]
        if not isinstance(source, Host):
            return
        value, reason = _tried(ask, source.key)
        if reason:
            self._absent[metric, number] = reason
            return
        self._absent.pop((metric, number), None)
        if value is not None and source.kind == COUNTER and metric.on == metrics.HOST:
            value = self._rates.setdefault((metric, number), Rate()).step(value, at.monotonic)
        if value is not None:
            out.add(at.wall, metric, number, value * source.scale)

    def _ask_host(self, key: str) -> float | None:
        if key != "cpu":
            return _HOST[key]()
        import psutil

        value, had_cpu = psutil.cpu_percent(None), self._has_cpu
        self._has_cpu = True
        return float(value) if had_cpu else None


def _tried(ask: Callable[[str], float | None], key: str) -> tuple[float | None, str]:
    import psutil

    try:
        return ask(key), ""
    except (OSError, NotImplementedError, AttributeError, KeyError, RuntimeError) as error:
        return None, f"{_NOT_THERE}: {error}"
    except psutil.Error as error:
        return None, f"{_NOT_THERE}: {error}"


def _memory(name: str) -> Callable[[], float]:
    def ask() -> float:
        import psutil

        memory = psutil.virtual_memory()
        return float(memory.available if name == "free" else memory.total - memory.available)

    return ask


def _swap() -> float:
    import psutil

    return float(psutil.swap_memory().used)


def _disk(name: str) -> Callable[[], float]:
    def ask() -> float:
        import psutil

        counters = psutil.disk_io_counters()
        if counters is None:
            raise OSError("no disks are listed")
        return float(getattr(counters, name))

    return ask


def _network(name: str) -> Callable[[], float]:
    def ask() -> float:
        import psutil

        per_card = psutil.net_io_counters(pernic=True)
        return float(sum(getattr(c, name) for card, c in per_card.items() if card != "lo"))

    return ask


_HOST: dict[str, Callable[[], float]] = {
    "load": lambda: os.getloadavg()[0],
    "memory_used": _memory("used"),
    "memory_free": _memory("free"),
    "swap_used": _swap,
    "disk_read": _disk("read_bytes"),
    "disk_written": _disk("write_bytes"),
    "net_in": _network("bytes_recv"),
    "net_out": _network("bytes_sent"),
}


class _Cores:
    """The cores of the machine, each a device."""

    _BUSY = metrics.find(metrics.CORE, "busy")

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._numbers: list[int | None] = []
        self._is_fresh = True

    def read(self, at: Instant, out: Batch) -> None:
        import psutil

        values = psutil.cpu_percent(None, percpu=True)
        for core in range(len(self._numbers), len(values)):
            made = DeviceInfo(f"core {core}", f"host/core {core}", metrics.CORE, f"Core {core}")
            self._numbers.append(self._devices.put(made))
        if not self._is_fresh:
            for number, value in zip(self._numbers, values, strict=False):
                if number is not None:
                    out.add(at.wall, self._BUSY, number, float(value))
        self._is_fresh = False

    def forget(self) -> None:
        self._is_fresh = True


@dataclasses.dataclass(slots=True)
class _Usage:
    """What one process of the training used; rates by monotonic time."""

    process: Any
    cpu: Rate = dataclasses.field(default_factory=Rate)
    read: Rate = dataclasses.field(default_factory=Rate)
    written: Rate = dataclasses.field(default_factory=Rate)


class _Training:
    """The tree of processes below the first one of a training."""

    def __init__(self, devices: Devices, pid: int) -> None:
        self._pid = pid
        made = DeviceInfo("training", "training", metrics.TRAINING, f"process {pid}")
        self.number = devices.put(made)
        self._usage: dict[tuple[int, float], _Usage] = {}
        self._root: Any = None
        self.values: dict[str, float] = {}

    def look(self, at: Instant) -> None:
        """Take in the whole tree anew; `values` has its sums, none when it has ended."""
        import psutil

        self.values = {}
        try:
            if self._root is None:
                self._root = psutil.Process(self._pid)
            tree = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return
        alive = {(one.pid, one.create_time()): one for one in tree if one.is_running()}
        self._usage = {key: self._usage.get(key) or _Usage(one) for key, one in alive.items()}
        rows = [self._row(usage, at) for usage in self._usage.values()]
        self._sum([row for row in rows if row])

    def _row(self, usage: _Usage, at: Instant) -> dict[str, float]:
        import psutil

        process = usage.process
        row: dict[str, float] = {"is_main": float(process.pid == self._pid)}
        try:
            with process.oneshot():
                times = process.cpu_times()
                row["memory"] = float(process.memory_info().rss)
                row["is_python"] = float("python" in process.name() or "pt_" in process.name())
            _keep(row, "cpu", usage.cpu.step(100 * (times.user + times.system), at.monotonic))
            counters = process.io_counters()
            _keep(row, "read", usage.read.step(counters.read_bytes, at.monotonic))
            _keep(row, "written", usage.written.step(counters.write_bytes, at.monotonic))
        except (psutil.Error, AttributeError, OSError):
            return row
        return row

    def _sum(self, rows: list[dict[str, float]]) -> None:
        workers = [r for r in rows if not r["is_main"] and r.get("is_python")]
        worker_cpu = [r["cpu"] for r in workers if "cpu" in r]
        self.values = {
            "processes": float(len(rows)),
            "workers": float(len(workers)),
            "memory": sum(r.get("memory", 0.0) for r in rows),
        }
        for key in ("cpu", "read", "written"):
            found = [r[key] for r in rows if key in r]
            if found:
                self.values[key] = sum(found)
        for row in rows:
            if row["is_main"] and "cpu" in row:
                self.values["main_cpu"] = row["cpu"]
        if worker_cpu:
            self.values["workers_cpu"] = sum(worker_cpu)
            self.values["worker_cpu"] = max(worker_cpu)


def _keep(row: dict[str, float], key: str, value: float | None) -> None:
    if value is not None:
        row[key] = value
