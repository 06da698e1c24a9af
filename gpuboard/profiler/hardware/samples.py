"""Hold hardware samples as columns, and what they were measured on."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.hardware.metrics import METRICS, NUMBER_OF, Metric


@dataclasses.dataclass(frozen=True, slots=True)
class Samples:
    """Values in the order in which they were taken.

    Attributes:
        wall_time: float64, seconds since the epoch.
        metric: int32, place in `metrics.METRICS`.
        device: int32, place in the devices that come with the samples.
        value: float64, always finite: what is not there is absent, never 0 or NaN.
    """

    wall_time: npt.NDArray[np.float64]
    metric: npt.NDArray[np.int32]
    device: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.wall_time)

    @staticmethod
    def joined(parts: list[Samples]) -> Samples:
        """Return parts one after another as one."""
        return Samples(
            np.concatenate([part.wall_time for part in parts] or [np.empty(0)]),
            np.concatenate([part.metric for part in parts] or [np.empty(0, np.int32)]),
            np.concatenate([part.device for part in parts] or [np.empty(0, np.int32)]),
            np.concatenate([part.value for part in parts] or [np.empty(0)]),
        )

    def of(self, metric: Metric, device: int) -> tuple[npt.NDArray[np.float64], ...]:
        """Return the wall times and values of one metric on one device."""
        rows = (self.metric == NUMBER_OF[metric]) & (self.device == device)
        return self.wall_time[rows], self.value[rows]


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What samples were measured on: a GPU, a slice of one, a link, a core, the host.

    Attributes:
        key: What it is known by for ever: the UUID of a GPU or slice.
        place: Start of its tags, such as "gpu/0", "gpu/0:1" (slice) or "gpu/0/nvlink 3".
        on: Which metrics it has, see `metrics`.
        name: What it calls itself.
        parent: Place in the devices of the GPU that it is part of, or -1.
        is_mig: Whether it is a slice of a GPU.
        memory_mib: Its memory, or 0 when not known.
        architecture: Name of the GPU's generation, or "".
    """

    key: str
    place: str
    on: str
    name: str = ""
    parent: int = -1
    is_mig: bool = False
    memory_mib: int = 0
    architecture: str = ""

    def tags(self) -> dict[int, str]:
        """Return the tag of each metric of this device, by the metric's number."""
        return {
            n: metric.tag(self.place) for n, metric in enumerate(METRICS) if metric.on == self.on
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Absent:
    """A metric that a device does not have, and why."""

    metric: int
    device: int
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """A device that no longer answers.

    Attributes:
        since: Wall time, seconds.
    """

    device: int
    since: float
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class DriverEvent:
    """Something that the driver reported by itself, such as an Xid."""

    wall_time: float
    device: int
    code: int
    words: str


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without samples: the machine slept, or the sampler was stopped."""

    start: float
    end: float


@dataclasses.dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that holds memory of a GPU.

    Attributes:
        device: Place in the devices.
        kind: "C" computes, "G" draws, "C+G" both.
        memory_mib: Memory of the GPU, None when the driver does not say.
        sm_percent: Share of time of its kernels since the last look, None when not known.
        started: When it was created, wall time, None when it cannot be seen from here.
        container: Id of its container, or "".
    """

    device: int
    pid: int
    kind: str
    memory_mib: float | None = None
    sm_percent: float | None = None
    memory_percent: float | None = None
    encoder_percent: float | None = None
    decoder_percent: float | None = None
    user: str = ""
    command: str = ""
    container: str = ""
    started: float | None = None
    host_memory_mib: float | None = None
    cpu_percent: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """How the sampling goes.

    Attributes:
        state: One of `nvml.NvmlState`.
        sentence: Why the GPUs are dark and what to do, or that they are being read.
        missed_ticks: Ticks left out because the one before took too long.
        cpu_fraction: CPU time of the sampling process per second.
        dropped: Samples thrown away because nobody took them.
        restarts: How often the sampling process had to be started again.
    """

    state: str
    sentence: str
    driver: str = ""
    host: str = ""
    absent: tuple[Absent, ...] = ()
    lost: tuple[Lost, ...] = ()
    gaps: tuple[Gap, ...] = ()
    missed_ticks: int = 0
    cpu_fraction: float = 0.0
    dropped: int = 0
    restarts: int = 0
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks: `wall` for stamps, `monotonic` for differences."""

    wall: float
    monotonic: float


class Batch:
    """Collects the samples of one tick."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, int, int, float]] = []

    def add(self, wall: float, metric: Metric, device: int, value: float) -> None:
        """Add one value."""
        self._rows.append((wall, NUMBER_OF[metric], device, value))

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._rows)

    def taken(self) -> Samples:
        """Return the samples so far, and start anew."""
        rows, self._rows = self._rows, []
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        return Samples(
            np.array(columns[0], np.float64),
            np.array(columns[1], np.int32),
            np.array(columns[2], np.int32),
            np.array(columns[3], np.float64),
        )
