"""Split the time of each step by what it went into."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.figures.device_time import (
    WorkClass,
    named,
    work_spans,
)
from gpuboard.profiler.figures.idle import Cause, IdleTime, idle_time
from gpuboard.profiler.figures.intervals import EMPTY, Intervals, union, union_of
from gpuboard.profiler.figures.launches import calls_of
from gpuboard.profiler.figures.steps import Steps, spans, step_of_work
from gpuboard.profiler.traces.trace import Int32s, Int64s, Kind, Place, Trace

Float64s = npt.NDArray[np.float64]

ROLES = (
    "kernel", "memcpy", "memset", "communication", "runtime", "data_loader", "cpu_op", "other"
)  # fmt: skip
PARTS = (
    "compute", "exposed_comm", "exposed_mem", *(f"idle_{cause.name.lower()}" for cause in Cause)
)  # fmt: skip

_DATA_LOADER = re.compile(r"enumerate\((?:DataLoader\)#.*\.__next__$|DataPipe\)#)")
_COMMUNICATION = re.compile(r"^(?:nccl|gloo):")
_STEP = re.compile(r"^ProfilerStep#\d+$")
_TAIL = 0.8


@dataclasses.dataclass(frozen=True, slots=True)
class Breakdown:
    """The time of each of m steps, split into c parts; nanoseconds.

    Attributes:
        parts: Names of the parts, shape (c,).
        steps: Names of the steps, shape (m,).
        start: Shape (m,), as `end`.
        ns: Shape (m, c): each row sums up to the step's duration.
        absent: Why there are no figures, "" where there are.
    """

    parts: tuple[str, ...]
    steps: tuple[str, ...]
    start: Int64s
    end: Int64s
    ns: Int64s
    absent: str = ""

    @property
    def mean_ns(self) -> Float64s:
        """The mean of each part over the steps, shape (c,); empty without steps."""
        return self.ns.mean(axis=0) if len(self.ns) else np.empty(0, np.float64)

    def row(self, step: int) -> dict[str, int]:
        """Return the parts of one step by name."""
        return dict(zip(self.parts, self.ns[step].tolist(), strict=True))


def role_breakdown(trace: Trace, steps: Steps) -> Breakdown:
    """Split each step by who was at work, each instant going to the first role of `ROLES` then.

    That is: kernels, copies, fills, communication (kernels of collectives, and ranges of nccl and
    gloo on the host), calls of the runtime, fetches from a data loader, operators and ranges of the
    host, nothing of these. The definition is that of the profiler plugin of TensorBoard (see
    `plugin_steps` for its steps), which takes kernels of collectives for communication if their
    operator is one. A step lasts from `span_start` to `span_end`.
    """
    roles = _roles(trace)
    start, end = steps.span_start, steps.span_end
    covered, before = EMPTY, np.zeros(len(start), np.int64)
    columns = []
    for role in roles:
        covered = union_of([covered, role])
        within = covered.within(start, end)
        columns.append(within - before)
        before = within
    columns.append(end - start - before)
    return _breakdown(ROLES, steps, columns)


def time_breakdown(
    trace: Trace, steps: Steps, device: int | None = None, idle: IdleTime | None = None
) -> Breakdown:
    """Split each step by what the device did or waited for: `PARTS`, which sum up exactly.

    Computing; communication while nothing was computed; copies and fills while neither; and idle
    time by `gpuboard.profiler.figures.idle.Cause`. A step lasts from `span_start` to `span_end`.

    Args:
        trace: Needs device work.
        steps: As `find_steps` returns them.
        device: Number of the only device to look at, None for all of them together.
        idle: The idle time of this device over all steps, if it is known already.
    """
    start, end = steps.span_start, steps.span_end
    if idle is None:
        idle = idle_time(trace, steps.window, device)
    if idle.absent:
        return _no_breakdown(PARTS, idle.absent)
    work = work_spans(trace, device=device)
    compute = work.of(WorkClass.COMPUTE)
    working = work.of(WorkClass.COMPUTE, WorkClass.COMM)
    layers = [part.within(start, end) for part in (compute, working, work.busy)]
    columns = [layers[0], layers[1] - layers[0], layers[2] - layers[1]]
    return _breakdown(PARTS, steps, [*columns, *idle.within(start, end).T])


def plugin_steps(trace: Trace, steps: Steps) -> Steps:
    """Return steps with the spans that TensorBoard's profiler plugin gives them.

    It counts only work whose launching call lies wholly in the step, and drops steps at the end
    that launched less than 0.8 of the works of the step before, taking them for cut off. Work whose
    launch crosses the end of a step thus lengthens no step, and a short last step goes missing;
    therefore the spans of `Steps` differ in both.
    """
    step = _wholly_inside(trace, steps)
    works = np.bincount(step[step >= 0], minlength=len(steps)).astype(np.int64)
    span_start, span_end = spans(trace, step, steps.start, steps.end)
    kept = slice(0, _without_tail(works))
    return dataclasses.replace(
        steps,
        name=steps.name[kept],
        start=steps.start[kept],
        end=steps.end[kept],
        span_start=span_start[kept],
        span_end=span_end[kept],
        works=works[kept],
    )


def _wholly_inside(trace: Trace, steps: Steps) -> Int32s:
    step = step_of_work(trace, steps)
    call = calls_of(trace)
    returned = trace.slices.start[call] + trace.slices.dur[call]
    end = np.append(steps.end, np.iinfo(np.int64).min)[step]
    return np.where(returned <= end, step, -1).astype(np.int32)


def _without_tail(works: Int64s) -> int:
    """Return how many steps are left when the last ones, being cut off, are dropped."""
    kept = len(works)
    while kept > 1 and works.any() and works[kept - 1] <= _TAIL * works[kept - 2]:
        kept -= 1
    return kept


def _roles(trace: Trace) -> list[Intervals]:
    """Return what each role but the last covers, in the order of `ROLES`."""
    slices = trace.slices
    compute, comm, memcpy, memset = work_spans(trace).by_class
    on_host = np.array([track.place is Place.HOST for track in trace.tracks], np.bool_)
    rows = trace.rows(Kind.OPERATOR, Kind.ANNOTATION, Kind.PYTHON)
    rows = rows[on_host[slices.track[rows]]] if len(rows) else rows
    names = slices.name[rows]
    sort = np.zeros(len(trace.strings), np.uint8)
    for number, pattern in enumerate((_DATA_LOADER, _COMMUNICATION, _STEP), 1):
        sort[named(trace, names, pattern)] = number
    loads, communicates, works = (rows[sort[names] == number] for number in (1, 2, 0))
    return [
        compute,
        memcpy,
        memset,
        union_of([comm, _covered(trace, communicates)]),
        _covered(trace, trace.calls.row),
        _covered(trace, loads),
        _covered(trace, works),
    ]


def _covered(trace: Trace, rows: Int32s) -> Intervals:
    start = trace.slices.start[rows]
    return union(start, start + trace.slices.dur[rows])


def _breakdown(parts: tuple[str, ...], steps: Steps, columns: Sequence[Int64s]) -> Breakdown:
    if not len(steps):
        return _no_breakdown(parts, steps.absent)
    return Breakdown(parts, steps.name, steps.span_start, steps.span_end, np.stack(columns, axis=1))


def _no_breakdown(parts: tuple[str, ...], why: str) -> Breakdown:
    none = np.empty(0, np.int64)
    return Breakdown(parts, (), none, none, np.empty((0, len(parts)), np.int64), why)
