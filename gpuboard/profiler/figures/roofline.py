"""Set what operators achieved against what the device can do: roofline and FLOPs utilisation."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from gpuboard.profiler.figures.device_time import named
from gpuboard.profiler.figures.peaks import Peak, peak_of
from gpuboard.profiler.figures.steps import Steps
from gpuboard.profiler.figures.work_amount import WorkAmount
from gpuboard.profiler.figures.work_formulas import MATRIX_FAMILIES
from gpuboard.profiler.traces.trace import Bools, Device, Float64s, Trace, UInt8s

# Kernels that multiply fp32 on matrix units as TF32: cuBLAS, CUTLASS (16x8x8 tiles) and cuDNN.
TF32 = re.compile(r"tf32|s1688gemm|s1688fprop|s1688dgrad|s1688wgrad|tensorop_s1688", re.IGNORECASE)
BOUNDS = ("unknown", "memory", "compute")


@dataclasses.dataclass(frozen=True, slots=True)
class Roofline:
    """Each row of a `WorkAmount` against the peaks of the device; columns of shape (u,).

    Attributes:
        peak: What the device can do.
        dtype: Short name of the type in which it was computed: "tf32" where kernels say so.
        matrix: Whether matrix units are for it.
        intensity: Operations a byte; infinite where nothing is moved.
        flop_rate: Achieved, operations a second; NaN without time, likewise `byte_rate`.
        byte_rate: Achieved, bytes a second, of those that had to be moved at least.
        attainable: Operations a second at that intensity: min(peak, intensity x bandwidth).
        bound: 0 unknown, 1 memory, 2 compute: which side of the ridge it lies on; see `BOUNDS`.
        share: Of what is attainable there, 0 to 1; for those that compute nothing, of the
            bandwidth. Above 1 where data stayed in a cache, or where an algorithm such as
            Winograd's takes fewer operations than the plain one that is counted.
        lost_ns: Time that would be saved at the roof: time x (1 - share), not below 0.
        absent: Why there is nothing, "" where there is.
    """

    peak: Peak
    dtype: tuple[str, ...]
    matrix: Bools
    intensity: Float64s
    flop_rate: Float64s
    byte_rate: Float64s
    attainable: Float64s
    bound: UInt8s
    share: Float64s
    lost_ns: Float64s
    absent: str = ""


def roofline(trace: Trace, amount: WorkAmount, peak: Peak | None = None) -> Roofline:
    """Compare what each operator achieved with the roof at its arithmetic intensity.

    The model is that of Williams, Waterman and Patterson (2009): performance is at most
    min(peak of the units, intensity x bandwidth); the ridge, where both meet, parts what memory
    bounds from what computing bounds. Products, convolutions and attention are set against the
    peak of matrix units, all else against that of the others.

    Needs shapes of inputs and a known device; "host" time is no basis for it.

    Args:
        trace: Whose kernels tell whether products of fp32 are rounded to TF32.
        amount: Of that trace.
        peak: Of the device; by default that of the trace's device that worked most.
    """
    peak = peak_of(device_of(trace)) if peak is None else peak
    absent = amount.absent or peak.absent
    if amount.basis != "device":
        absent = absent or "operators ran on the host alone, for which no peaks are known"
    dtype = _computed_in(trace, amount)
    matrix = np.array([family in MATRIX_FAMILIES for family in amount.family], np.bool_)
    flops = amount.flops.astype(np.float64)
    moved = amount.bytes.astype(np.float64)
    seconds = amount.time_ns / 1e9
    with np.errstate(divide="ignore", invalid="ignore"):
        intensity = np.where(moved > 0, flops / moved, np.inf)
        flop_rate = np.where(seconds > 0, flops * amount.calls / seconds, np.nan)
        byte_rate = np.where(seconds > 0, moved * amount.calls / seconds, np.nan)
        tops = _peaks(peak, dtype, matrix)
        bandwidth = peak.bandwidth or np.nan
        # min() of a NaN is NaN, but what computes nothing needs no peak of computing.
        attainable = np.fmin(tops, np.where(np.isinf(intensity), np.inf, intensity * bandwidth))
        of_memory = byte_rate / bandwidth
        share = np.where(flops > 0, flop_rate / attainable, of_memory)
    known = np.isfinite(share) if not absent else np.zeros(len(share), np.bool_)
    by_memory = (flops == 0) | ~(intensity * bandwidth >= tops)
    bound = np.where(known, np.where(by_memory, 1, 2), 0).astype(np.uint8)
    return Roofline(
        peak=peak,
        dtype=dtype,
        matrix=matrix,
        intensity=intensity,
        flop_rate=flop_rate,
        byte_rate=byte_rate,
        attainable=attainable,
        bound=bound,
        share=np.where(known, share, np.nan),
        lost_ns=np.where(known, amount.time_ns * np.clip(1 - share, 0, 1), np.nan),
        absent=absent,
    )


def device_of(trace: Trace) -> Device:
    """Return the device on which most time was spent, as the file describes it."""
    if not trace.devices:
        return Device(id=-1)
    busy = np.zeros(max(int(trace.work.device.max(initial=0)), 0) + 1, np.int64)
    known = (trace.work.device >= 0) & ~trace.slices.suspect[trace.work.row]
    np.add.at(busy, trace.work.device[known], trace.slices.dur[trace.work.row[known]])
    used = int(busy.argmax())
    return next((one for one in trace.devices if one.id == used), trace.devices[0])


def _peaks(peak: Peak, dtype: Sequence[str], matrix: Bools) -> Float64s:
    found = [peak.of(one, on_matrix_units=bool(on)) for one, on in zip(dtype, matrix, strict=True)]
    return np.array(found, np.float64)


def _computed_in(trace: Trace, amount: WorkAmount) -> tuple[str, ...]:
    """Return the type of each row, "tf32" for those of fp32 whose kernels say so."""
    known = np.flatnonzero(amount.work_key >= 0)
    names = trace.slices.name[trace.work.row[known]]
    rounded = named(trace, names, TF32)[names] if len(names) else np.zeros(0, np.bool_)
    with_tf32 = np.zeros(len(amount.dtype), np.bool_)
    with_tf32[amount.work_key[known[rounded]]] = True
    return tuple(
        "tf32" if dtype == "fp32" and tf32 else dtype
        for dtype, tf32 in zip(amount.dtype, with_tf32.tolist(), strict=True)
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Utilisation:
    """FLOPs of the model against the peak, step by step; columns of shape (m,).

    Attributes:
        step: Names of the steps; one, the whole recording, where there are no steps.
        flops: Of products, convolutions and attention that the step launched.
        step_ns: Length of the step.
        utilisation: Time that these FLOPs take at the peaks of their types / length of the step, 0
            to 1. What was computed twice (activation checkpointing) counts twice, so that it is
            then what is called hardware FLOPs utilisation.
        counted_share: Device time under operators whose work is known / all, 0 to 1: where it is
            low the utilisation is a lower bound.
        absent: Why there is nothing, "" where there is.
    """

    step: tuple[str, ...]
    flops: Float64s
    step_ns: Float64s
    utilisation: Float64s
    counted_share: float
    absent: str = ""

    @property
    def overall(self) -> float:
        """Utilisation over all steps together, NaN where it is not known."""
        total = float(self.step_ns.sum())
        return float((self.utilisation * self.step_ns).sum()) / total if total else float("nan")


def utilisation(trace: Trace, amount: WorkAmount, roof: Roofline, steps: Steps) -> Utilisation:
    """Compute model FLOPs utilisation (MFU) of each step.

    `sum over types (FLOPs / peak of matrix units) / step time`, with one type the definition of
    Chowdhery et al. (PaLM, 2022, appendix B). A call belongs to the step in which it began on the
    host.
    """
    names, start, end = steps.name, steps.start, steps.end
    if not len(steps) and len(trace.slices):
        names = ("whole recording",)
        start = trace.slices.start.min(keepdims=True)
        end = (trace.slices.start + trace.slices.dur).max(keepdims=True)
    began = trace.slices.start[amount.call_row]
    at = np.searchsorted(start, began, "right") - 1
    inside = (at >= 0) & roof.matrix[amount.call_key]
    inside[inside] &= began[inside] < end[at[inside]]
    keys, place = amount.call_key[inside], at[inside]
    flops = amount.flops.astype(np.float64)
    tops = _peaks(roof.peak, roof.dtype, roof.matrix)
    seconds = np.bincount(place, (flops / tops)[keys], len(start))
    length = (end - start).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(length > 0, seconds * 1e9 / length, np.nan)
    return Utilisation(
        step=names,
        flops=np.bincount(place, flops[keys], len(start)).astype(np.float64),
        step_ns=length,
        utilisation=np.full(len(start), np.nan) if roof.absent else share,
        counted_share=amount.known_share,
        absent=roof.absent or ("" if inside.any() else "no step launched work that is counted"),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class FamilyRoof:
    """What operators of one family achieved together.

    Attributes:
        calls: How many; `time_ns` of them all; `flops` and `bytes` likewise.
        share: Of what is attainable, weighted by time, NaN where it is not known.
    """

    family: str
    calls: int
    time_ns: int
    flops: int
    bytes: int
    share: float


def by_family(amount: WorkAmount, roof: Roofline) -> tuple[FamilyRoof, ...]:
    """Sum a roofline by family of operators, most time first."""
    groups: dict[str, list[int]] = {}
    for place, family in enumerate(amount.family):
        groups.setdefault(family, []).append(place)
    found = [_family(amount, roof, family, np.array(rows)) for family, rows in groups.items()]
    return tuple(sorted(found, key=lambda one: -one.time_ns))


def _family(amount: WorkAmount, roof: Roofline, family: str, rows: np.ndarray) -> FamilyRoof:
    known = rows[np.isfinite(roof.share[rows])]
    time = amount.time_ns[known]
    share = float((roof.share[known] * time).sum() / time.sum()) if time.sum() else float("nan")
    calls = amount.calls[rows]
    return FamilyRoof(
        family=family,
        calls=int(calls.sum()),
        time_ns=int(amount.time_ns[rows].sum()),
        flops=int((amount.flops[rows].astype(object) * calls).sum()),
        bytes=int((amount.bytes[rows].astype(object) * calls).sum()),
        share=share,
    )
