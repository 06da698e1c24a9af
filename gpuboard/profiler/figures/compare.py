"""Compare two recordings, or two groups of ranks: what came, what went, what takes longer."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from gpuboard.profiler.figures.breakdown import time_breakdown
from gpuboard.profiler.figures.device_time import DeviceTime, WorkClass, device_time, work_classes
from gpuboard.profiler.figures.kernel_classes import KernelClass, classes_of
from gpuboard.profiler.figures.launches import Launches, join
from gpuboard.profiler.figures.memory import HOST_TYPE, Memory, memory
from gpuboard.profiler.figures.steps import Steps, find_steps, step_of_work
from gpuboard.profiler.traces.trace import Bools, Float64s, Int32s, Int64s, Kind, Trace, UInt8s


class Status(enum.IntEnum):
    """How often something happened after, against before."""

    UNCHANGED = 0
    MORE = 1
    FEWER = 2
    ADDED = 3
    REMOVED = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Recording:
    """One trace of a side, with tables that were computed already; those not given are computed."""

    trace: Trace
    steps: Steps | None = None
    launches: Launches | None = None
    memory: Memory | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Two sides by name, largest change of time first; columns of shape (u,).

    Counts and times are means over the traces of a side; "per" is "step" where both sides have
    steps, and only what they hold counts then, otherwise "recording".

    Attributes:
        name: Of what is compared.
        status: `Status`, by count.
        count: Before and after, shape (2, u).
        time_ns: Before and after, shape (2, u).
        per: What they are of.
        absent: Why there is nothing, "" where there is.
    """

    name: tuple[str, ...]
    status: UInt8s
    count: Float64s
    time_ns: Float64s
    per: str
    absent: str = ""

    @property
    def change_ns(self) -> Float64s:
        """Time after - time before, shape (u,)."""
        change: Float64s = self.time_ns[1] - self.time_ns[0]
        return change

    @property
    def ratio(self) -> Float64s:
        """Time after / time before, shape (u,); infinite for what was not there."""
        before, after = self.time_ns
        ratio: Float64s = np.divide(
            after, before, out=np.full(len(before), np.inf), where=before > 0
        )
        return ratio

    def of(self, *wanted: Status) -> Bools:
        """Tell which rows have one of these states, shape (u,)."""
        return np.isin(self.status, wanted)


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One number of both sides, mean over the traces of each; None where a side does not have it.

    Attributes:
        name: Such as "exposed communication".
        unit: "ns", "bytes" or "".
    """

    name: str
    unit: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        """After - before, None where a side does not have it."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides.

    Attributes:
        figures: Steps, device time by class, memory.
        parts: What a mean step went into, by `breakdown.PARTS`, which sum up to it; () unless by
            step.
        classes: Device work by class: compute, comm, memcpy, memset.
        kernel_classes: Device work by what kernels are for: gemm, elementwise, ...
        kernels: Device work by name.
        operators: Operators by name, time on the host with all that runs under them.
        operator_kernels: Device work by name of the innermost operator that launched it.
        per: "step" where both sides have steps, else "recording".
        devices: Names of the devices of both sides: times of unlike devices differ for that alone.
    """

    figures: tuple[Figure, ...]
    parts: tuple[Figure, ...]
    classes: Difference
    kernel_classes: Difference
    kernels: Difference
    operators: Difference
    operator_kernels: Difference
    per: str
    devices: tuple[tuple[str, ...], tuple[str, ...]]


def compare(before: Sequence[Recording], after: Sequence[Recording]) -> Comparison:
    """Compare two sides of one or more traces each.

    Counts and sums of durations are taken by name over all traces of a side and divided by their
    number, and by that of their steps where both sides have steps. Suspect durations are left out.
    """
    steps = [[_steps_of(one) for one in side] for side in (before, after)]
    by_step = all(side and all(len(one) for one in side) for side in steps)
    sides = [
        [_ready(one, found if by_step else None) for one, found in zip(side, its, strict=True)]
        for side, its in zip((before, after), steps, strict=True)
    ]
    per = "step" if by_step else "recording"

    def difference(tally: Callable[[_Ready], _Tally], absent: str) -> Difference:
        return _difference([[tally(one) for one in side] for side in sides], per, absent)

    no_work = "neither side holds work of a device"
    return Comparison(
        figures=_figures([[_of_one(one) for one in side] for side in sides]),
        parts=_figures([[_parts(one) for one in side] for side in sides]),
        classes=difference(_classes, no_work),
        kernel_classes=difference(_kernel_classes, no_work),
        kernels=difference(_kernels, no_work),
        operators=difference(_operators, "neither side holds operators"),
        operator_kernels=difference(_operator_kernels, no_work),
        per=per,
        devices=(_devices(sides[0]), _devices(sides[1])),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Ready:
    """One trace with what every table of it needs.

    Attributes:
        steps: None where the whole recording is looked at.
        work: Rows of `trace.work` that count, `dur` their durations, `label` who launched them.
        share: Of how many steps, or of the one recording.
    """

    trace: Trace
    steps: Steps | None
    memory: Memory
    work: Int64s
    dur: Int64s
    label: Int32s
    share: int


def _steps_of(one: Recording) -> Steps:
    return find_steps(one.trace) if one.steps is None else one.steps


def _ready(one: Recording, steps: Steps | None) -> _Ready:
    trace = one.trace
    launches = join(trace) if one.launches is None else one.launches
    kept = np.ones(len(trace.work.row), np.bool_)
    if steps is not None:
        kept = step_of_work(trace, steps) >= 0
    work = np.flatnonzero(kept)
    row = trace.work.row[work]
    return _Ready(
        trace=trace,
        steps=steps,
        memory=memory(trace) if one.memory is None else one.memory,
        work=work,
        dur=np.where(trace.slices.suspect[row], 0, trace.slices.dur[row]),
        label=launches.label[work],
        share=1 if steps is None else len(steps),
    )


def _devices(side: Sequence[_Ready]) -> tuple[str, ...]:
    return tuple(sorted({device.name for one in side for device in one.trace.devices}))


@dataclasses.dataclass(frozen=True, slots=True)
class _Tally:
    """Counts and times by name, of one trace, for each of its `share`s of a step or recording."""

    name: tuple[str, ...]
    count: Int64s
    time: Int64s
    share: int


def _tally(names: Iterable[str], place: Int32s | Int64s, dur: Int64s, share: int) -> _Tally:
    labels = tuple(names)
    time = np.zeros(len(labels), np.int64)
    np.add.at(time, place, dur)
    return _Tally(labels, np.bincount(place, minlength=len(labels)).astype(np.int64), time, share)


def _classes(one: _Ready) -> _Tally:
    names = (each.name.lower() for each in WorkClass)
    return _tally(names, work_classes(one.trace)[one.work].astype(np.int64), one.dur, one.share)


def _kernel_classes(one: _Ready) -> _Tally:
    trace = one.trace
    row = trace.work.row[one.work]
    kinds = classes_of(trace, trace.slices.name[row])
    kinds = np.where(trace.slices.kind[row] == Kind.KERNEL, kinds, KernelClass.COPY)
    names = (each.name.lower() for each in KernelClass)
    return _tally(names, kinds.astype(np.int64), one.dur, one.share)


def _kernels(one: _Ready) -> _Tally:
    names = one.trace.slices.name[one.trace.work.row[one.work]]
    return _named(one.trace, names, one.dur, one.share)


def _operator_kernels(one: _Ready) -> _Tally:
    return _named(one.trace, one.label, one.dur, one.share)


def _operators(one: _Ready) -> _Tally:
    slices = one.trace.slices
    rows = np.flatnonzero(slices.kind == Kind.OPERATOR)
    if one.steps is not None:
        at = np.searchsorted(one.steps.start, slices.start[rows], "right") - 1
        inside = at >= 0
        inside[inside] &= slices.start[rows[inside]] < one.steps.end[at[inside]]
        rows = rows[inside]
    return _named(one.trace, slices.name[rows], slices.dur[rows], one.share)


def _named(trace: Trace, names: Int32s, dur: Int64s, share: int) -> _Tally:
    numbers, place = np.unique(names, return_inverse=True)
    texts = (trace.text(number) or "no operator" for number in numbers.tolist())
    return _tally(texts, place, dur, share)


def _difference(sides: Sequence[Sequence[_Tally]], per: str, absent: str) -> Difference:
    place: dict[str, int] = {}
    for side in sides:
        for tally in side:
            for name in tally.name:
                place.setdefault(name, len(place))
    count, time = np.zeros((2, len(place))), np.zeros((2, len(place)))
    for number, side in enumerate(sides):
        for tally in side:
            at = np.array([place[name] for name in tally.name], np.int64)
            weight = 1 / (tally.share * len(side))
            np.add.at(count[number], at, tally.count * weight)
            np.add.at(time[number], at, tally.time * weight)
    happened = np.flatnonzero(count.any(axis=0))
    order = happened[np.argsort(-np.abs(time[1] - time[0])[happened], kind="stable")]
    names = tuple(place)
    return Difference(
        name=tuple(names[k] for k in order.tolist()),
        status=_status(count[:, order]),
        count=count[:, order],
        time_ns=time[:, order],
        per=per,
        absent="" if len(order) else absent,
    )


def _status(count: Float64s) -> UInt8s:
    before, after = count
    same = np.isclose(before, after, rtol=1e-9, atol=0)
    status = np.select(
        [same, before == 0, after == 0, after > before],
        [Status.UNCHANGED, Status.ADDED, Status.REMOVED, Status.MORE],
        Status.FEWER,
    )
    return status.astype(np.uint8)


def _figures(found: Sequence[Sequence[dict[str, float]]]) -> tuple[Figure, ...]:
    units = {"kernels": "", "allocated at peak": "bytes", "reserved at peak": "bytes"}
    names = [name for side in found for one in side for name in one]
    return tuple(
        Figure(name, units.get(name, "ns"), *(_mean(side, name) for side in found))
        for name in dict.fromkeys(names)
    )


def _parts(one: _Ready) -> dict[str, float]:
    """Return the mean of each part of a step, {} without steps or device work."""
    if one.steps is None:
        return {}
    split = time_breakdown(one.trace, one.steps)
    if split.absent:
        return {}
    return dict(zip(split.parts, split.mean_ns.tolist(), strict=True))


def _mean(side: Sequence[dict[str, float]], name: str) -> float | None:
    values = [one[name] for one in side if name in one]
    return float(np.mean(values)) if values else None


def _of_one(one: _Ready) -> dict[str, float]:
    """Return the figures of one trace that it has."""
    figures: dict[str, float] = {}
    window = None
    if one.steps is not None:
        window = int(one.steps.start[0]), int(one.steps.span_end[-1])
        figures["step"] = float((one.steps.end - one.steps.start).mean())
    time = device_time(one.trace, window, repaired=True)
    if not time.absent:
        figures |= {name: value / one.share for name, value in _times(time).items()}
    on_device = [curve for curve in one.memory.curves if curve.device_type != HOST_TYPE]
    if on_device:
        figures["allocated at peak"] = float(max(curve.peak for curve in on_device))
        reserved = max(curve.peak_reserved for curve in on_device)
        figures |= {"reserved at peak": float(reserved)} if reserved >= 0 else {}
    return figures


def _times(time: DeviceTime) -> dict[str, float]:
    return {
        "device busy": time.busy_ns,
        "device idle": time.idle_ns,
        "computation": time.compute.union_ns,
        "communication": time.comm.union_ns,
        "exposed communication": time.exposed_comm_ns,
        "exposed copies and fills": time.exposed_mem_ns,
        "kernels": time.compute.n + time.comm.n,
    }
