"""Keep a sampling process alive and hand out what it samples."""

from __future__ import annotations

import collections
import dataclasses
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from gpuboard.errors import DataError
from gpuboard.limits import MAX_HARDWARE_PENDING
from gpuboard.profiler.hardware import wire
from gpuboard.profiler.hardware.child import (
    NEW_PROCESS_WANTED,
    PATIENCE_S,
    START_PATIENCE_S,
    Settings,
)
from gpuboard.profiler.hardware.process import SamplingProcess, ending
from gpuboard.profiler.hardware.restarts import Restarts
from gpuboard.profiler.hardware.samples import (
    DeviceInfo,
    DriverEvent,
    Gap,
    GpuProcess,
    Samples,
    Status,
)
from gpuboard.profiler.hardware.ticks import gap_after
from gpuboard.profiler.nvml import SENTENCES, NvmlState

log = logging.getLogger(__name__)

_POLL_S = 0.25
_MAX_EVENTS = 1_000
_MAX_GAPS = 100
_FOREIGN = "The GPUs are read by the process that started this sampler, not by this copy of it."

Listener = Callable[[Samples, tuple[DeviceInfo, ...]], None]


class Sampler:
    """Samples GPUs and host in a process of its own; safe to ask from any thread.

    A driver that hangs or crashes ends that process alone: it is started again, after a wait that
    doubles each time, and meanwhile the host is watched without the driver. After a fork, only the
    original goes on; the copy answers with what it had.

    Args:
        period_s: Seconds between samples.
        with_gpu: Whether GPUs are read.
        training_pid: First process of a training whose tree is watched too, or None.
        listener: Called in the sampler's thread with each batch and all devices so far; it must
            not block.
        patience_s: Silence for which the sampling process is taken to hang.
        nvml_module: The binding of NVIDIA's library.
        environment: Environment of the sampling process; ours if None.
    """

    def __init__(
        self,
        *,
        period_s: float = 1.0,
        with_gpu: bool = True,
        training_pid: int | None = None,
        listener: Listener | None = None,
        patience_s: float = PATIENCE_S,
        nvml_module: str = "pynvml",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        patience_s = max(patience_s, 5 * period_s)
        self._settings = Settings(period_s, with_gpu, nvml_module, training_pid, patience_s)
        self._listener = listener
        self._environment = environment
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._owner = os.getpid()
        self._restarts = Restarts()
        self._process: SamplingProcess | None = None
        self._stuck: SamplingProcess | None = None
        self._started = self._deadline = 0.0
        self._trouble: tuple[NvmlState, str] | None = None
        self._last_wall = math.inf
        self._is_new = True
        self._has_complained = False
        self._pending: collections.deque[Samples] = collections.deque()
        self._pending_rows = 0
        self._dropped = 0
        self._gaps: tuple[Gap, ...] = ()
        self._devices: tuple[DeviceInfo, ...] = ()
        self._processes: tuple[GpuProcess, ...] = ()
        self._events: collections.deque[DriverEvent] = collections.deque(maxlen=_MAX_EVENTS)
        state = NvmlState.STARTING if with_gpu else NvmlState.OFF
        self._status = Status(state, SENTENCES[state])

    def start(self) -> Sampler:
        """Begin to sample; once for each sampler."""
        self._thread = threading.Thread(target=self._run, name="gpuboard-sampler", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the sampling process; what it sampled stays to be taken."""
        if self._is_copy():
            return
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Sampler:
        """Begin to sample."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the sampling process."""
        self.stop()

    def take(self) -> Samples:
        """Return the samples since the last call; only for samplers without a listener."""
        if self._is_copy():
            return Samples.joined([])
        with self._lock:
            parts, self._pending_rows = list(self._pending), 0
            self._pending.clear()
        return Samples.joined(parts)

    def devices(self) -> tuple[DeviceInfo, ...]:
        """Return all devices so far; a device's place is its number in the samples."""
        return self._devices

    def processes(self) -> tuple[GpuProcess, ...]:
        """Return who held memory of GPUs at the last look."""
        return self._processes

    def events(self) -> tuple[DriverEvent, ...]:
        """Return the last errors that the driver reported, oldest first."""
        return tuple(self._events)

    def status(self) -> Status:
        """Return how the sampling goes, and why GPUs are dark where they are."""
        if self._is_copy():
            return dataclasses.replace(self._status, state=NvmlState.OFF, sentence=_FOREIGN)
        status, trouble = self._status, self._trouble
        state, sentence = trouble or (status.state, status.sentence)
        return dataclasses.replace(
            status,
            state=state,
            sentence=sentence,
            gaps=(*self._gaps, *status.gaps)[-_MAX_GAPS:],
            dropped=self._dropped,
            restarts=self._restarts.count,
        )

    def _is_copy(self) -> bool:
        return os.getpid() != self._owner

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._step()
                except Exception as error:  # the border: a fault must not end the watch in silence
                    log.exception("the sampler of hardware failed; it starts its process again")
                    self._start_over(f"The sampler failed in gpuboard itself: {error}")
        finally:
            if self._process is not None:
                self._process.end()

    def _start_over(self, sentence: str) -> None:
        if self._process is not None:
            self._process.end(by_force=True)
        self._fail(NvmlState.FAILED, sentence, time.monotonic() - self._started)

    def _step(self) -> None:
        if self._process is None:
            self._start_process()
        if self._process is None:
            self._stop.wait(_POLL_S)
            return
        if not self._process.with_gpu and self._settings.with_gpu and self._may_touch_driver():
            self._process.end()
            self._process = None
            return
        self._listen(self._process)

    def _may_touch_driver(self) -> bool:
        """Say whether the wait is over and no earlier process still hangs in the driver."""
        if self._stuck is not None and self._stuck.has_ended():
            self._stuck.end()
            self._stuck = None
        return self._stuck is None and self._restarts.may_touch_driver(time.monotonic())

    def _start_process(self) -> None:
        now = time.monotonic()
        with_gpu = self._settings.with_gpu and self._may_touch_driver()
        is_waiting = self._settings.with_gpu and not with_gpu
        if is_waiting and self._stuck is None and not self._restarts.wants_host_process(now):
            return
        settings = dataclasses.replace(self._settings, with_gpu=with_gpu, devices=self._devices)
        try:
            self._process = SamplingProcess(settings, self._environment)
        except OSError as error:
            self._fail(NvmlState.FAILED, f"The sampling process could not be started: {error}.", 0)
            return
        self._started, self._is_new = now, True
        self._deadline = now + START_PATIENCE_S

    def _listen(self, process: SamplingProcess) -> None:
        before = time.monotonic()
        try:
            for kind, payload in process.frames(_POLL_S):
                self._take_in(kind, payload)
        except EOFError:
            self._ended(process)
            return
        except DataError as error:
            process.end(by_force=True)
            self._fail(NvmlState.FAILED, str(error), before - self._started)
            return
        now = time.monotonic()
        # Time in which this process itself stood still says nothing about the other.
        self._deadline += max(0.0, now - before - 2 * _POLL_S)
        if now > self._deadline:
            self._hung(process)

    def _ended(self, process: SamplingProcess) -> None:
        code = process.end()
        if code == NEW_PROCESS_WANTED:
            self._process = None
            return
        where = SENTENCES[NvmlState.CRASHED] if process.with_gpu else "The host's reader crashed."
        self._fail(NvmlState.CRASHED, f"{where} ({ending(code)})", time.monotonic() - self._started)

    def _hung(self, process: SamplingProcess) -> None:
        if process.end(by_force=True) is None:
            self._stuck = process
        self._fail(NvmlState.HUNG, SENTENCES[NvmlState.HUNG], time.monotonic() - self._started)

    def _fail(self, state: NvmlState, sentence: str, lived_s: float) -> None:
        self._process = None
        self._restarts.failed(time.monotonic(), lived_s)
        if self._trouble != (state, sentence):
            log.warning("%s", sentence)
        self._trouble = (state, sentence)
        self._gaps = (*self._gaps, *self._status.gaps)[-_MAX_GAPS:]
        self._status = dataclasses.replace(self._status, gaps=())

    def _take_in(self, kind: bytes, payload: bytes) -> None:
        self._deadline = max(self._deadline, time.monotonic() + self._settings.patience_s)
        if kind == wire.SAMPLES:
            self._pass_on(wire.read_samples(payload))
        elif kind == wire.BEAT:
            self._deadline = time.monotonic() + float(payload)
        elif kind == wire.DEVICES:
            self._devices = wire.read_devices(payload)
        elif kind == wire.STATUS:
            self._take_status(wire.read_status(payload))
        elif kind == wire.PROCESSES:
            self._processes = wire.read_processes(payload)
        elif kind == wire.EVENT:
            self._events.append(wire.read_event(payload))

    def _take_status(self, status: Status) -> None:
        if self._process is not None and self._process.with_gpu == self._settings.with_gpu:
            self._trouble = None
        if status.state != self._status.state and status.state not in (NvmlState.OFF, "ready"):
            log.info("%s", status.sentence)
        self._status = status

    def _pass_on(self, samples: Samples) -> None:
        begin, end = float(samples.wall_time.min()), float(samples.wall_time.max())
        if self._is_new and begin - self._last_wall > gap_after(self._settings.period_s):
            self._gaps = (*self._gaps, Gap(self._last_wall, begin))[-_MAX_GAPS:]
        self._is_new, self._last_wall = False, end
        if self._listener is not None:
            self._tell(self._listener, samples)
            return
        with self._lock:
            self._pending.append(samples)
            self._pending_rows += len(samples)
            while self._pending_rows > MAX_HARDWARE_PENDING.value:
                oldest = self._pending.popleft()
                self._pending_rows -= len(oldest)
                self._dropped += len(oldest)

    def _tell(self, listener: Listener, samples: Samples) -> None:
        try:
            listener(samples, self._devices)
        except Exception:  # the border: what others do with samples must not end the sampling
            self._dropped += len(samples)
            if not self._has_complained:
                self._has_complained = True
                log.exception("a listener to hardware samples failed; further failures are counted")
