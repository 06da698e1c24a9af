"""Declare every hardware metric once: its name, unit, source, pace and what it needs.

To add one, add a line. A metric of more than one source uses the first that the device answers.
"""

from __future__ import annotations

import dataclasses

from gpuboard.profiler.hardware.sources import (
    ALL_LINKS,
    COUNTER,
    CUMULATIVE,
    Buffered,
    Call,
    Field,
    Gpm,
    Host,
    Source,
    Told,
)

# What a metric is measured on.
GPU, LINK, HOST, CORE, TRAINING = "gpu", "link", "host", "core", "training"

# How often it is asked, by what asking costs: at every tick, every few, or once a minute.
TICK, SLOW, RARE = "tick", "slow", "rare"
SECONDS_OF_PACE = {TICK: 0.0, SLOW: 10.0, RARE: 60.0}

_VOLTA, _AMPERE, _HOPPER = 5, 7, 9
_MIB = 1 / (1 << 20)
_GIB = 1 / (1 << 30)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One number that is watched over time.

    Attributes:
        on: What it is measured on, `GPU`, `LINK`, `HOST`, `CORE` or `TRAINING`.
        title: Its name, which with the unit makes the tag.
        sources: Where it comes from, best first.
        help: What it says, in a sentence.
        pace: How often it is asked.
        refresh_s: How often its source gets a new value; asking faster repeats the last.
        needs: Oldest architecture that has it, a key of `nvml.ARCHITECTURES`; 0 for any.
    """

    on: str
    title: str
    unit: str
    sources: tuple[Source, ...]
    help: str
    pace: str = TICK
    refresh_s: float = 0.1
    needs: int = 0

    @property
    def name(self) -> str:
        """Return title and unit, such as "power (W)"."""
        return f"{self.title} ({self.unit})"

    @property
    def kind(self) -> str:
        """Return "gauge", "counter" or "cumulative", as its best source has it."""
        return self.sources[0].kind

    def tag(self, place: str) -> str:
        """Return the tag of this metric at a place such as "gpu/0"."""
        return f"{place}/{self.name}"


_THROTTLES = (
    ("power cap", 0x4, "the power limit"),
    ("software thermal limit", 0x20, "the driver's temperature limit"),
    ("hardware thermal limit", 0x40, "the chip's temperature limit, at half speed or less"),
    ("power brake", 0x80, "a signal from the power supply"),
    ("hardware slowdown", 0x8, "any hardware slowdown"),
    ("sync boost", 0x10, "the slowest GPU of its group"),
    ("application clocks", 0x2, "clocks that somebody set"),
)
_VIOLATIONS = (
    ("power", 0),
    ("temperature", 1),
    ("sync boost", 2),
    ("board limit", 3),
    ("reliability", 5),
)


def _throttle(title: str, mask: int, why: str) -> Metric:
    sources = (
        Call("nvmlDeviceGetCurrentClocksEventReasons", mask=mask, bits=64),
        Call("nvmlDeviceGetCurrentClocksThrottleReasons", mask=mask, bits=64),
    )
    words = f"100 while clocks are held back by {why}, else 0; its mean is the share of time."
    return Metric(GPU, f"throttled by {title}", "%", sources, words)


def _lost(title: str, policy: int) -> Metric:
    # Nanoseconds held back per second, as a percentage.
    source = Call(
        "nvmlDeviceGetViolationStatus",
        (policy,),
        "violationTime",
        bits=64,
        kind=COUNTER,
        scale=1e-7,
    )
    words = f"Share of time in which clocks were below what they could be, because of {title}."
    return Metric(GPU, f"time lost to {title}", "%", (source,), words, SLOW)


def _ecc(title: str, error: int, counter: int, since: str) -> Metric:
    source = Call("nvmlDeviceGetTotalEccErrors", (error, counter), bits=64, kind=CUMULATIVE)
    return Metric(GPU, title, "errors", (source,), f"Memory errors {since}.", SLOW, 1.0)


def _rows(title: str, place: int, words: str) -> Metric:
    source = Call("nvmlDeviceGetRemappedRows", (), place, kind=CUMULATIVE)
    return Metric(GPU, title, "rows", (source,), words, RARE, 1.0, _AMPERE)


def _gpm(title: str, metric_id: int, words: str) -> Metric:
    return Metric(GPU, title, "%", (Gpm(metric_id),), words, TICK, 0.1, _HOPPER)


def _clock(title: str, kind: int, words: str) -> Metric:
    return Metric(GPU, title, "MHz", (Call("nvmlDeviceGetClockInfo", (kind,)),), words)


def _memory(title: str, pick: str, words: str) -> Metric:
    call = Call("nvmlDeviceGetMemoryInfo", (), pick, bits=64, scale=_MIB)
    return Metric(GPU, title, "MiB", (call,), words)


def _engine(title: str, sampling_type: int, function: str) -> Metric:
    words = f"Share of time in which the {title} was at work."
    return Metric(GPU, title, "%", (Call(function, (), 0),), words, SLOW, 0.2)


_BUSY = "nvmlDeviceGetUtilizationRates"
GPU_METRICS: tuple[Metric, ...] = (
    Metric(
        GPU,
        "utilisation",
        "%",
        (Buffered(1), Call(_BUSY, (), "gpu")),
        "Share of time in which at least one kernel ran, however small: 100 % does not mean full.",
        refresh_s=1 / 6,
    ),
    Metric(
        GPU,
        "memory utilisation",
        "%",
        (Buffered(2), Call(_BUSY, (), "memory")),
        "Share of time in which memory was read or written.",
        refresh_s=1 / 6,
    ),
    _gpm("SM activity", 2, "Share of the processors (SMs) that were busy: how full the GPU is."),
    _gpm("SM occupancy", 3, "Resident warps, as a share of what would fit."),
    _gpm("tensor activity", 5, "Share of time in which tensor cores were at work."),
    _gpm("memory bandwidth", 10, "Bytes moved to and from memory, as a share of the maximum."),
    _gpm("FP64 activity", 11, "Share of time with double precision outside tensor cores."),
    _gpm("FP32 activity", 12, "Share of time with single precision outside tensor cores."),
    _gpm("FP16 activity", 13, "Share of time with half precision outside tensor cores."),
    _memory("memory used", "used", "Memory that processes and the driver hold."),
    _memory("memory free", "free", "Memory that can still be had."),
    Metric(
        GPU,
        "power",
        "W",
        (
            Field(83, kind=COUNTER, scale=1e-3),
            Call("nvmlDeviceGetTotalEnergyConsumption", bits=64, kind=COUNTER, scale=1e-3),
            Field(186, scale=1e-3),
            Call("nvmlDeviceGetPowerUsage", scale=1e-3),
        ),
        "Mean power since the last sample, from the energy counter where there is one (Volta on).",
    ),
    Metric(
        GPU,
        "peak power",
        "W",
        (Buffered(0, "max", scale=1e-3),),
        "Largest of the driver's own power samples since the last.",
        refresh_s=0.02,
    ),
    Metric(
        GPU,
        "power limit",
        "W",
        (Call("nvmlDeviceGetEnforcedPowerLimit", scale=1e-3),),
        "Power above which clocks are lowered.",
        RARE,
    ),
    Metric(
        GPU,
        "energy",
        "kJ",
        (
            Field(83, kind=CUMULATIVE, scale=1e-6),
            Call("nvmlDeviceGetTotalEnergyConsumption", bits=64, kind=CUMULATIVE, scale=1e-6),
        ),
        "Energy taken since the driver was loaded.",
        SLOW,
        needs=_VOLTA,
    ),
    Metric(
        GPU,
        "temperature",
        "°C",
        (Call("nvmlDeviceGetTemperature", (0,)),),
        "Temperature of the chip.",
        refresh_s=1.0,
    ),
    Metric(
        GPU,
        "memory temperature",
        "°C",
        (Field(82),),
        "Temperature of the memory (HBM).",
        refresh_s=1.0,
    ),
    Metric(GPU, "fan", "%", (Call("nvmlDeviceGetFanSpeed"),), "Fan, of its maximum.", SLOW, 1.0),
    _clock("SM clock", 1, "Clock of the processors."),
    _clock("memory clock", 2, "Clock of the memory."),
    Metric(
        GPU,
        "highest SM clock",
        "MHz",
        (Call("nvmlDeviceGetMaxClockInfo", (1,)),),
        "Clock that the processors can reach.",
        RARE,
    ),
    Metric(
        GPU,
        "performance state",
        "P",
        (Call("nvmlDeviceGetPerformanceState"),),
        "0 is the fastest, 15 the most sparing; 32 means unknown.",
        SLOW,
    ),
    *(_throttle(*row) for row in _THROTTLES),
    *(_lost(*row) for row in _VIOLATIONS),
    Metric(
        GPU,
        "PCIe received",
        "MiB/s",
        (Gpm(21), Field(198, kind=COUNTER, scale=_MIB)),
        "Bytes that came to the GPU over PCIe.",
    ),
    Metric(
        GPU,
        "PCIe sent",
        "MiB/s",
        (Gpm(20), Field(197, kind=COUNTER, scale=_MIB)),
        "Bytes that the GPU sent over PCIe.",
    ),
    Metric(
        GPU,
        "PCIe generation",
        "gen",
        (Call("nvmlDeviceGetCurrPcieLinkGeneration"),),
        "Generation that the link runs at; it falls while the GPU idles.",
        SLOW,
    ),
    Metric(
        GPU,
        "PCIe width",
        "lanes",
        (Call("nvmlDeviceGetCurrPcieLinkWidth"),),
        "Lanes in use.",
        SLOW,
    ),
    Metric(
        GPU,
        "PCIe replays",
        "replays",
        (Call("nvmlDeviceGetPcieReplayCounter", kind=CUMULATIVE),),
        "Packets sent again: a bad slot or riser when it grows.",
        SLOW,
    ),
    Metric(
        GPU,
        "NVLink received",
        "MiB/s",
        (Gpm(60), Field(139, ALL_LINKS, COUNTER, 1 / 1024)),
        "Bytes that came over all NVLinks.",
        needs=_VOLTA,
    ),
    Metric(
        GPU,
        "NVLink sent",
        "MiB/s",
        (Gpm(61), Field(138, ALL_LINKS, COUNTER, 1 / 1024)),
        "Bytes sent over all NVLinks.",
        needs=_VOLTA,
    ),
    _engine("encoder", 3, "nvmlDeviceGetEncoderUtilization"),
    _engine("decoder", 4, "nvmlDeviceGetDecoderUtilization"),
    _ecc("corrected memory errors", 0, 0, "that ECC mended since the driver was loaded"),
    _ecc("uncorrected memory errors", 1, 0, "that ECC could not mend since the driver was loaded"),
    _ecc("corrected memory errors ever", 0, 1, "that ECC mended in the GPU's life"),
    _ecc("uncorrected memory errors ever", 1, 1, "that ECC could not mend in the GPU's life"),
    _rows("remapped rows, corrected", 0, "Memory rows replaced after mended errors."),
    _rows("remapped rows, uncorrected", 1, "Memory rows replaced after errors beyond mending."),
    _rows("remapping pending", 2, "1 when a reset is needed to replace a row."),
    _rows("remapping failed", 3, "1 when spare rows ran out: the GPU should be exchanged."),
    Metric(
        GPU,
        "Xid",
        "code",
        (Told("nvmlEventSetWait"),),
        "Code of an error that the driver reported, at the time it was seen.",
    ),
    Metric(
        GPU,
        "processes",
        "count",
        (Told("nvmlDeviceGetComputeRunningProcesses"),),
        "Processes that hold memory of the GPU.",
        SLOW,
    ),
)

LINK_METRICS: tuple[Metric, ...] = (
    Metric(
        LINK,
        "received",
        "MiB/s",
        (Field(139, None, COUNTER, 1 / 1024), Field(204, None, COUNTER, _MIB)),
        "Bytes of payload that came over one NVLink.",
        needs=_VOLTA,
    ),
    Metric(
        LINK,
        "sent",
        "MiB/s",
        (Field(138, None, COUNTER, 1 / 1024), Field(202, None, COUNTER, _MIB)),
        "Bytes of payload sent over one NVLink.",
        needs=_VOLTA,
    ),
)


def _host(title: str, unit: str, source: Host, words: str, pace: str = TICK) -> Metric:
    return Metric(HOST, title, unit, (source,), words, pace, 0.01)


def _training(title: str, unit: str, source: Host, words: str) -> Metric:
    return Metric(TRAINING, title, unit, (source,), words, SLOW, 0.01)


HOST_METRICS: tuple[Metric, ...] = (
    _host("cpu", "%", Host("cpu"), "Share of all cores' time that was not idle."),
    _host("load", "processes", Host("load"), "Processes that run or wait, mean of a minute."),
    _host("memory used", "MiB", Host("memory_used", scale=_MIB), "Memory that is not available."),
    _host("memory free", "MiB", Host("memory_free", scale=_MIB), "Memory that can still be had."),
    _host("swap used", "MiB", Host("swap_used", scale=_MIB), "Memory moved to disk.", SLOW),
    _host("disk read", "MiB/s", Host("disk_read", COUNTER, _MIB), "Bytes read from all disks."),
    _host("disk written", "MiB/s", Host("disk_written", COUNTER, _MIB), "Bytes written to disks."),
    _host("network received", "MiB/s", Host("net_in", COUNTER, _MIB), "Bytes, loopback left out."),
    _host("network sent", "MiB/s", Host("net_out", COUNTER, _MIB), "Bytes, loopback left out."),
    Metric(
        CORE,
        "busy",
        "%",
        (Host("core"),),
        "Share of one core's time that was not idle.",
        SLOW,
        0.01,
    ),
    _training("cpu", "%", Host("cpu"), "CPU time of the training's processes; 100 is one core."),
    _training("main cpu", "%", Host("main_cpu"), "CPU time of its first process."),
    _training("workers cpu", "%", Host("workers_cpu"), "CPU time of data-loader workers together."),
    _training(
        "busiest worker cpu",
        "%",
        Host("worker_cpu"),
        "CPU time of the busiest: near 100, it limits.",
    ),
    _training("workers", "count", Host("workers"), "Python processes below the first one."),
    _training("processes", "count", Host("processes"), "All processes of the training."),
    _training(
        "memory used",
        "MiB",
        Host("memory", scale=_MIB),
        "Resident memory of all; pages that they share count in each.",
    ),
    _training("read", "MiB/s", Host("read", COUNTER, _MIB), "Bytes read from storage."),
    _training("written", "MiB/s", Host("written", COUNTER, _MIB), "Bytes written to storage."),
)

# The place of a metric here is its number in `Samples.metric`.
METRICS: tuple[Metric, ...] = (*GPU_METRICS, *LINK_METRICS, *HOST_METRICS)
NUMBER_OF: dict[Metric, int] = {metric: place for place, metric in enumerate(METRICS)}


def find(on: str, title: str) -> Metric:
    """Return the metric of a title; KeyError when none is declared."""
    for metric in METRICS:
        if metric.on == on and metric.title == title:
            return metric
    raise KeyError(f"no metric {title!r} is declared on {on!r}")
