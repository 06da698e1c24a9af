"""List the processes that hold memory of a GPU, and who they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gpuboard.limits import MAX_HARDWARE_PROCESSES
from gpuboard.profiler.hardware.samples import GpuProcess
from gpuboard.profiler.nvml import (
    FUNCTION_NOT_FOUND,
    Answer,
    DeviceLost,
    Handle,
    LibraryDown,
    Nvml,
    NvmlError,
    Unsupported,
    number,
)

_MIB = 1 / (1 << 20)
_COMMAND_CHARACTERS = 500
_LISTS = (
    ("C", "nvmlDeviceGetComputeRunningProcesses"),
    ("G", "nvmlDeviceGetGraphicsRunningProcesses"),
)
# The last 12 or more hexadecimal digits in a control group's path name a container, whichever
# program started it: docker-<id>.scope, /docker/<id>, cri-containerd-<id>, crio-<id>, libpod-<id>.
_CONTAINER = re.compile(r"(?:^|[/:-])(?:[a-z-]+-)?([0-9a-f]{64})(?:\.scope)?(?:$|[/:])")
_LXC = re.compile(r"/lxc(?:\.payload)?[./]([^/]+)")


def container_of(cgroup: str) -> str:
    """Return the id of the container in the text of /proc/PID/cgroup, or ""."""
    for line in cgroup.splitlines():
        path = line.rsplit(":", 1)[-1]
        if found := _CONTAINER.search(path) or _LXC.search(path):
            return found[1][:12] if len(found[1]) == 64 else found[1]
    return ""


class ProcessTable:
    """Asks the driver who is on a GPU and the system who that is."""

    def __init__(self, nvml: Nvml, proc: Path = Path("/proc")) -> None:
        self._nvml = nvml
        self._proc = proc
        self._since_us: dict[int, int] = {}
        self._seen: dict[int, Any] = {}

    def of(self, handle: Handle, device: int) -> list[GpuProcess]:
        """Return the processes of one GPU.

        Raises:
            NvmlError: The driver does not list them.
        """
        found: dict[int, list[Any]] = {}
        answered = False
        for kind, function in _LISTS:
            try:
                listed = self._listed(function, handle)
            except (DeviceLost, LibraryDown):
                raise
            except NvmlError as error:
                refusal = error
                continue
            answered = True
            for one in listed:
                row = found.setdefault(int(one.pid), ["", None])
                row[0] = f"{row[0]}+{kind}" if row[0] else kind
                row[1] = one.usedGpuMemory if row[1] is None else row[1]
        if not answered:
            raise refusal
        busy = self._busy(handle, device) if found else {}
        rows = [self._row(device, pid, k, m, busy.get(pid)) for pid, (k, m) in found.items()]
        return rows[: MAX_HARDWARE_PROCESSES.value]

    def end_round(self, pids: Iterable[int]) -> None:
        """Forget processes that are on no GPU any more."""
        alive = set(pids)
        self._seen = {pid: one for pid, one in self._seen.items() if pid in alive}

    def _listed(self, function: str, handle: Handle) -> Answer:
        try:
            return self._nvml.ask(function, handle)
        except Unsupported as error:
            if error.code != FUNCTION_NOT_FOUND:
                raise
            return self._nvml.ask(f"{function}_v2", handle)  # drivers before 510

    def _busy(self, handle: Handle, device: int) -> dict[int, Any]:
        """Return the newest utilisation sample of each process since the last look."""
        since = self._since_us.get(device, 0)
        try:
            samples = self._nvml.ask("nvmlDeviceGetProcessUtilization", handle, since)
        except (DeviceLost, LibraryDown):
            raise
        except NvmlError:
            return {}
        newest: dict[int, Any] = {}
        for one in samples:
            if one.timeStamp > since:
                self._since_us[device] = max(self._since_us.get(device, 0), int(one.timeStamp))
                if one.pid not in newest or one.timeStamp > newest[one.pid].timeStamp:
                    newest[one.pid] = one
        return newest

    def _row(self, device: int, pid: int, kind: str, memory: Answer, busy: Answer) -> GpuProcess:
        held = number(memory, 64)
        return GpuProcess(
            device,
            pid,
            kind,
            memory_mib=None if held is None else held * _MIB,
            sm_percent=_share(busy, "smUtil"),
            memory_percent=_share(busy, "memUtil"),
            encoder_percent=_share(busy, "encUtil"),
            decoder_percent=_share(busy, "decUtil"),
            **self._who(pid),
        )

    def _who(self, pid: int) -> dict[str, Any]:
        """Return what the system knows of a process; nothing when it is of another namespace."""
        import psutil

        try:
            process = self._seen.get(pid)
            if process is None or not process.is_running():
                process = self._seen[pid] = psutil.Process(pid)
            with process.oneshot():
                return {
                    "user": _or_empty(process.username),
                    "command": _command(process),
                    "container": self._container(pid),
                    "started": process.create_time(),
                    "host_memory_mib": process.memory_info().rss * _MIB,
                    "cpu_percent": process.cpu_percent(),
                }
        except psutil.Error:
            self._seen.pop(pid, None)
            return {}

    def _container(self, pid: int) -> str:
        try:
            return container_of((self._proc / str(pid) / "cgroup").read_text(errors="replace"))
        except OSError:
            return ""


def _share(sample: Answer, name: str) -> float | None:
    """Return a percentage; some drivers leave garbage in it, which is none."""
    value = number(getattr(sample, name, None))
    return value if value is not None and 0 <= value <= 100 else None


def _or_empty(question: Answer) -> str:
    import psutil

    try:
        return str(question())
    except (psutil.Error, KeyError):
        return ""


def _command(process: Answer) -> str:
    import psutil

    try:
        words = process.cmdline()
    except psutil.Error:
        words = []
    return (" ".join(words) or _or_empty(process.name))[:_COMMAND_CHARACTERS]
