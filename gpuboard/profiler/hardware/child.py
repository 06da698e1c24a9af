"""Sample in a process of its own, so that whatever the driver does ends this process alone.

It reads one line of settings from its standard input, sends frames (see `wire`) to its standard
output, and ends when its input does: when whoever started it is gone.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import select
import sys
import time
from collections.abc import Callable

from gpuboard.clock import Clock, SystemClock
from gpuboard.profiler.hardware import wire
from gpuboard.profiler.hardware.devices import Devices
from gpuboard.profiler.hardware.gpus import Gpus
from gpuboard.profiler.hardware.host import HostReader
from gpuboard.profiler.hardware.metrics import SLOW
from gpuboard.profiler.hardware.samples import Batch, DeviceInfo, Instant, Status
from gpuboard.profiler.hardware.ticks import Ticks
from gpuboard.profiler.nvml import SENTENCES, Nvml, NvmlState

# Exit code that asks for a new process: the driver was updated under the loaded library.
NEW_PROCESS_WANTED = 75
# Starting the driver may take long where no process keeps it awake.
START_PATIENCE_S = 90.0
PATIENCE_S = 30.0
# After a fault of our own the GPUs are left alone for so long.
_TRY_AGAIN_S = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What is sampled, and how.

    Attributes:
        with_gpu: Whether GPUs are read.
        nvml_module: The binding of NVIDIA's library.
        training_pid: First process of a training, or None.
        devices: Devices known from an earlier process; they keep their numbers.
    """

    period_s: float = 1.0
    with_gpu: bool = True
    nvml_module: str = "pynvml"
    training_pid: int | None = None
    patience_s: float = PATIENCE_S
    devices: tuple[DeviceInfo, ...] = ()

    def to_line(self) -> bytes:
        """Return the settings as one line."""
        return json.dumps(dataclasses.asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Settings:
        """Return the settings of a line."""
        row = json.loads(line)
        row["devices"] = tuple(DeviceInfo(**one) for one in row["devices"])
        return cls(**row)


class Child:
    """Samples host and GPUs, one tick at a time.

    Args:
        settings: What is sampled.
        send: Takes each frame.
        clock: Where the time comes from.
    """

    def __init__(
        self, settings: Settings, send: Callable[[bytes], None], clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._send = send
        self._clock = clock or SystemClock()
        self._devices = Devices()
        for device in settings.devices:
            self._devices.put(device)
        self._sent_version = -1
        self._sent_status: Status | None = None
        self._host = HostReader(self._devices, settings.training_pid)
        self._gpus = self._fresh_gpus() if settings.with_gpu else None
        self._gpus_at = 0.0
        self._began = self._now()
        self._ticks = Ticks(settings.period_s, self._began)
        self._cpu_before = time.process_time()
        self._failure = ""

    @property
    def wants_new_process(self) -> bool:
        """Whether only a new process can go on."""
        return self._gpus is not None and self._gpus.wants_new_process

    def deadline(self) -> float:
        """Return the monotonic time of the next tick."""
        return self._ticks.deadline(self._clock.monotonic())

    def tick(self) -> None:
        """Sample once and send what was found; the host first, since the driver may hang."""
        at = self._now()
        paces, is_cut = self._ticks.begin(at)
        if is_cut:
            self._host.forget()
        batch = Batch()
        self._host.read(paces, at, batch)
        self._send_found(batch)
        if self._failure and at.monotonic >= self._gpus_at:
            self._gpus, self._failure = self._fresh_gpus(), ""
        if self._gpus is not None:
            self._beat(START_PATIENCE_S if self._gpus.state != NvmlState.READY else 0.0)
            self._read_gpus(self._gpus, paces, batch, is_cut=is_cut)
            self._send_found(batch)
        self._beat(0.0)
        self._send_status(paces)

    def close(self) -> None:
        """Let the driver go."""
        if self._gpus is not None:
            self._gpus.close()

    def _fresh_gpus(self) -> Gpus:
        return Gpus(Nvml(self._settings.nvml_module), self._devices)

    def _now(self) -> Instant:
        return Instant(self._clock.wall(), self._clock.monotonic())

    def _read_gpus(self, gpus: Gpus, paces: frozenset[str], batch: Batch, *, is_cut: bool) -> None:
        try:
            if is_cut:
                gpus.forget()
            gpus.tick(paces, self._now(), batch)
            self._send_reports(gpus, paces)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  # the border: host metrics go on without GPUs
            self._failure = f"{type(error).__name__}: {error}"
            self._gpus_at = self._clock.monotonic() + _TRY_AGAIN_S
            gpus.close()
            self._gpus = None

    def _send_found(self, batch: Batch) -> None:
        if self._devices.version != self._sent_version:
            self._send(wire.json_frame(wire.DEVICES, self._devices.rows()))
            self._sent_version = self._devices.version
        if len(batch):
            self._send(wire.samples_frame(batch.taken()))

    def _send_reports(self, gpus: Gpus, paces: frozenset[str]) -> None:
        for event in gpus.reported():
            self._send(wire.json_frame(wire.EVENT, event))
        if SLOW in paces:
            self._send(wire.json_frame(wire.PROCESSES, gpus.processes()))

    def _beat(self, patience_s: float) -> None:
        self._send(wire.json_frame(wire.BEAT, patience_s or self._settings.patience_s))

    def _send_status(self, paces: frozenset[str]) -> None:
        status = self._status()
        still = dataclasses.replace(status, cpu_fraction=0.0, missed_ticks=0)
        if SLOW in paces or still != self._sent_status:
            self._sent_status = still
            self._send(wire.json_frame(wire.STATUS, status))

    def _status(self) -> Status:
        gpus = self._gpus
        state, sentence = NvmlState.OFF, SENTENCES[NvmlState.OFF]
        if gpus is not None:
            state, sentence = gpus.state, gpus.sentence
        elif self._failure:
            state = NvmlState.FAILED
            sentence = f"Reading the GPUs failed in gpuboard itself: {self._failure}"
        passed = self._clock.monotonic() - self._began.monotonic
        return Status(
            state,
            sentence,
            driver=gpus.driver if gpus else "",
            host=platform.node(),
            absent=(*self._host.absent(), *(gpus.absent() if gpus else ())),
            lost=gpus.lost() if gpus else (),
            gaps=tuple(self._ticks.gaps),
            missed_ticks=self._ticks.missed,
            cpu_fraction=(time.process_time() - self._cpu_before) / passed if passed > 0 else 0.0,
            notes=gpus.notes() if gpus else (),
        )


def main() -> int:
    """Sample until the standard input ends; return the exit code."""
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not come between the frames
    settings = Settings.from_line(sys.stdin.buffer.readline())
    parent = os.getppid()

    def send(frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            view = view[os.write(out, view) :]

    child = Child(settings, send)
    try:
        while os.getppid() == parent:
            child.tick()
            if child.wants_new_process:
                return NEW_PROCESS_WANTED
            if not _wait(child.deadline()):
                break
    except BrokenPipeError:
        return 0
    child.close()
    return 0


def _wait(deadline: float) -> bool:
    """Sleep until a monotonic time; return False when the input has ended."""
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([0], [], [], left)
        if ready and not os.read(0, 4096):
            return False
    return True
