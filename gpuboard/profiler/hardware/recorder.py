"""Record hardware samples as ordinary runs, beside the losses that they explain.

`LOGDIR/hardware/HOST` has every sample that says something new, `.../per_minute` and `.../per_hour`
the least, mean and largest of each minute and hour, under the same tags with a suffix. When the
first grow beyond their cap the oldest files go; what they said stays in the other two. Many hosts
may record into one shared directory, each into its own run.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from pathlib import Path
from types import TracebackType

from gpuboard.clock import Clock, SystemClock
from gpuboard.errors import InputError
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.limits import MAX_HARDWARE_RECORD_BYTES
from gpuboard.profiler.hardware.holding import Holding
from gpuboard.profiler.hardware.run_files import RunFiles
from gpuboard.profiler.hardware.samples import DeviceInfo, Samples, Status
from gpuboard.profiler.hardware.thinning import Point, Thinning

FOLDER = "hardware"
MINUTES, HOURS = "per_minute", "per_hour"
_FILES_PER_CAP = 64
# Minutes take a quarter of the room; hours are so few (under 1 MB a day) that they all stay.
_SHARE_OF_MINUTES = 4
_GAP_S = 5.0
_DT_STRING = 7


class Recorder:
    """Writes samples below a log directory; give it to a `Sampler` as its listener.

    Args:
        logdir: The log directory.
        host: Name of the run, this host's if None.
        cap_bytes: Room for the samples of this host.
        clock: Where the time comes from.

    Attributes:
        run: The directory of the run.

    Raises:
        InputError: Another process records this host there.
    """

    def __init__(
        self,
        logdir: Path,
        host: str | None = None,
        *,
        cap_bytes: int = MAX_HARDWARE_RECORD_BYTES.value,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.run = logdir / FOLDER / run_name(host or socket.gethostname())
        self._lock = _locked(self.run)
        minute_cap = cap_bytes // _SHARE_OF_MINUTES
        raw_cap = cap_bytes - minute_cap
        self._raw = self._files(self.run, raw_cap, clock)
        self._minutes = self._files(self.run / MINUTES, minute_cap, clock)
        self._hours = self._files(self.run / HOURS, None, clock)
        self._holding = Holding(_GAP_S)
        self._thinning = ((Thinning(60.0), self._minutes), (Thinning(3600.0), self._hours))
        self._tags: dict[int, dict[int, str]] = {}
        self._described = ""

    def __call__(self, samples: Samples, devices: tuple[DeviceInfo, ...]) -> None:
        """Append samples; a disk that does not take them is left alone for a while."""
        points = self._points(samples, devices)
        self._raw.write(self._holding.take(points))
        for thinning, files in self._thinning:
            files.write(thinning.take(points))

    def describe(self, devices: tuple[DeviceInfo, ...], status: Status) -> None:
        """Write down what the devices are, once until that changes."""
        words = description(devices, status)
        if words != self._described:
            self._described = words
            self._raw.add(_text("hardware", words))

    @property
    def problem(self) -> str:
        """Return why nothing is written at present, or ""."""
        return self._raw.problem or self._minutes.problem or self._hours.problem

    @property
    def dropped(self) -> int:
        """Return how many points could not be written."""
        return self._raw.dropped + self._minutes.dropped + self._hours.dropped

    def close(self) -> None:
        """Write what is held back and close the files."""
        self._raw.write(self._holding.rest())
        for thinning, files in self._thinning:
            files.write(thinning.rest())
            files.close()
        self._raw.close()
        os.close(self._lock)

    def __enter__(self) -> Recorder:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self.close()

    @staticmethod
    def _files(run: Path, cap: int | None, clock: Clock) -> RunFiles:
        file_bytes = max(1, (cap or MAX_HARDWARE_RECORD_BYTES.value) // _FILES_PER_CAP)
        return RunFiles(run, file_bytes=file_bytes, cap_bytes=cap, clock=clock)

    def _points(self, samples: Samples, devices: tuple[DeviceInfo, ...]) -> list[Point]:
        rows = zip(
            samples.wall_time.tolist(),
            samples.device.tolist(),
            samples.metric.tolist(),
            samples.value.tolist(),
            strict=True,
        )
        return [(wall, self._tag(device, metric, devices), v) for wall, device, metric, v in rows]

    def _tag(self, device: int, metric: int, devices: tuple[DeviceInfo, ...]) -> str:
        if device not in self._tags:
            self._tags[device] = devices[device].tags()
        return self._tags[device][metric]


def run_name(host: str) -> str:
    """Return a host's name as the name of a folder."""
    return re.sub(r"[^\w.-]", "_", host).lstrip(".") or "host"


def description(devices: tuple[DeviceInfo, ...], status: Status) -> str:
    """Return a Markdown table of the GPUs of a host, and why they are dark where they are."""
    lines = [f"**{status.host}** driver {status.driver or 'none'}. {status.sentence}", ""]
    gpus = [device for device in devices if device.memory_mib or device.architecture]
    if gpus:
        lines += ["| place | name | memory (MiB) | architecture | UUID |", "|---|---|---|---|---|"]
    lines += [
        f"| {gpu.place} | {gpu.name} | {gpu.memory_mib} | {gpu.architecture} | {gpu.key} |"
        for gpu in gpus
    ]
    return "\n".join(lines)


def _text(tag: str, words: str) -> Summary.Value:
    """Return a text as TensorBoard's text plugin keeps it."""
    value = Summary.Value(tag=f"{tag}/text_summary")
    value.metadata.plugin_data.plugin_name = "text"
    value.tensor.dtype = _DT_STRING
    value.tensor.tensor_shape.dim.add().size = 1
    value.tensor.string_val.append(words.encode())
    return value


def _locked(run: Path) -> int:
    """Return an open lock, held until it is closed or this process ends."""
    run.mkdir(parents=True, exist_ok=True)
    lock = os.open(run / ".recorder", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise InputError(
            f"{run}: another process records this host already; end it, or record elsewhere"
        ) from None
    except OSError:
        return lock  # a file system without locks: two recorders would only write twice
    return lock
