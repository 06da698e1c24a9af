"""Sample and record at once: what a training script or `gpuboard monitor` starts."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType

from gpuboard.profiler.hardware.recorder import Recorder
from gpuboard.profiler.hardware.sampler import Sampler
from gpuboard.profiler.hardware.samples import DeviceInfo, Samples, Status

_DESCRIBE_EVERY_S = 60.0


class Monitor:
    """Watches this machine and records it below a log directory until it is stopped.

    ```python
    with Monitor("runs", training_pid=os.getpid()):
        train()
    ```

    Args:
        logdir: The log directory.
        period_s: Seconds between samples.
        with_gpu: Whether GPUs are read.
        training_pid: First process of a training whose tree is watched too, or None.
        host: Name of the run, this host's if None.

    Raises:
        gpuboard.errors.InputError: Another process records this host there.
    """

    def __init__(
        self,
        logdir: str | Path,
        *,
        period_s: float = 1.0,
        with_gpu: bool = True,
        training_pid: int | None = None,
        host: str | None = None,
    ) -> None:
        self.recorder = Recorder(Path(logdir), host)
        self.sampler = Sampler(
            period_s=period_s,
            with_gpu=with_gpu,
            training_pid=training_pid,
            listener=self._take,
        )
        self._describe_at = 0.0
        self._owner = os.getpid()

    def start(self) -> Monitor:
        """Begin to sample."""
        self.sampler.start()
        return self

    def stop(self) -> None:
        """End the sampling process and close the files."""
        if os.getpid() != self._owner:
            return  # a forked copy: sampling and files belong to the original
        self.sampler.stop()
        self.recorder.describe(self.sampler.devices(), self.sampler.status())
        self.recorder.close()

    def status(self) -> Status:
        """Return how the sampling goes."""
        return self.sampler.status()

    def __enter__(self) -> Monitor:
        """Begin to sample."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the sampling process and close the files."""
        self.stop()

    def _take(self, samples: Samples, devices: tuple[DeviceInfo, ...]) -> None:
        self.recorder(samples, devices)
        if (now := time.monotonic()) >= self._describe_at:
            self.recorder.describe(devices, self.sampler.status())
            self._describe_at = now + _DESCRIBE_EVERY_S
