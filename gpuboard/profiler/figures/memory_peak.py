"""Tell who held the memory at its peak, and what allocating from the driver cost."""

from __future__ import annotations

import dataclasses
import re
from typing import Literal, TypeAlias

import numpy as np

from gpuboard.profiler.figures.device_time import named
from gpuboard.profiler.figures.memory import NO_ADDRESSES, Memory, MemoryCurve
from gpuboard.profiler.figures.modules import forward_of
from gpuboard.profiler.figures.nesting import Nesting, nearest, nest
from gpuboard.profiler.figures.steps import Steps
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace

Holder: TypeAlias = Literal["operator", "module", "stack"]

MODULE = re.compile(r"nn\.Module: ")
BEFORE = "allocated before the recording"
NOBODY = "outside of every operator"
_FRAMES = 16  # innermost Python functions that tell stacks apart


@dataclasses.dataclass(frozen=True, slots=True)
class PeakHolders:
    """Who had allocated what was in use at a time; columns of shape (u,), most bytes first.

    Attributes:
        label: Name of the operator or module, or functions of the stack from the outside in; what
            was allocated in the backward pass of a module is apart, as "... (backward)".
        bytes: Allocated by it and still in use.
        blocks: How many pieces; -1 for what the trace does not show piece by piece.
        absent: Why there is nothing, "" where there is.
    """

    label: tuple[str, ...]
    bytes: Int64s
    blocks: Int64s
    absent: str = ""


def peak_holders(
    trace: Trace,
    found: Memory,
    curve: MemoryCurve,
    by: Holder = "operator",
    *,
    time: int | None = None,
    nesting: Nesting | None = None,
) -> PeakHolders:
    """Group the blocks in use at the peak by what allocated them.

    What was in use beyond all blocks that the recording shows was allocated before it and not freed
    in it: `allocated - sum of blocks`. Needs "Addr" of memory events; for modules and stacks also
    Python functions (with_stack=True).

    Args:
        trace: Of which `found` is.
        found: Its memory.
        curve: Of the device.
        by: Innermost operator, innermost module, or stack of Python functions.
        time: Another time than that of the peak.
        nesting: Of the trace, if it is there already.
    """
    time = curve.peak_time if time is None else time
    alive = np.flatnonzero(found.blocks.alive(time, curve.device_type, curve.device))
    if found.absent or not len(found.blocks):
        none = np.empty(0, np.int64)
        return PeakHolders((), none, none, found.absent or NO_ADDRESSES)
    event = found.blocks.start_event[alive]
    labels, which = _labels(trace, found, by, event, nesting)
    size = np.zeros(len(labels), np.int64)
    np.add.at(size, which, found.blocks.bytes[alive])
    count = np.bincount(which, minlength=len(labels)).astype(np.int64)
    at = int(np.searchsorted(curve.time, time, "right")) - 1
    hidden = int(curve.allocated[at]) - int(size.sum()) if at >= 0 and not curve.from_zero else 0
    if hidden > 0:
        place = labels.index(BEFORE)
        size[place] += hidden
        count[place] = -1
    kept = np.flatnonzero(size > 0)
    order = kept[np.argsort(-size[kept], kind="stable")]
    return PeakHolders(tuple(labels[k] for k in order.tolist()), size[order], count[order])


def _labels(
    trace: Trace, found: Memory, by: Holder, event: Int64s, nesting: Nesting | None
) -> tuple[list[str], Int64s]:
    """Return labels, those of nobody and of before last, and which of them each event has."""
    if by == "stack":
        texts, which = _stacks(trace, np.where(event >= 0, found.slice[event], -1), nesting)
    else:
        row, behind = np.where(event >= 0, found.owner[event], -1), np.zeros(len(event), np.bool_)
        if by == "module":
            around = np.where(event >= 0, found.slice[event], -1)
            row, behind = _modules(trace, around, nesting)
        name = 2 * np.where(row >= 0, trace.slices.name[row], -1).astype(np.int64) + behind
        names, which = np.unique(name, return_inverse=True)
        texts = [trace.text(n // 2) + " (backward)" * (n % 2) for n in names.tolist()]
        which = np.where(row >= 0, which, -1)
    nobody = {"operator": NOBODY, "module": "outside of every module"}.get(by, "no Python function")
    labels = [*texts, nobody, BEFORE]
    which = np.where(which >= 0, which, len(texts))
    return labels, np.where(event >= 0, which, len(texts) + 1)


def _modules(trace: Trace, row: Int32s | Int64s, nesting: Nesting | None) -> tuple[Int64s, Bools]:
    """Return the module around each slice, or around its forward operator, and which it is."""
    nesting = nest(trace) if nesting is None else nesting
    functions = trace.rows(Kind.PYTHON)
    is_module = named(trace, trace.slices.name[functions], MODULE)
    marked = (trace.slices.kind == Kind.PYTHON) & is_module[trace.slices.name]
    near = nearest(nesting, marked)
    around = np.where(row >= 0, near[row], -1)
    forward = forward_of(trace, nesting)[0]
    origin = np.where((row >= 0) & (around < 0), forward[row], -1)
    behind = np.where(origin >= 0, near[origin], -1)
    return np.where(behind >= 0, behind, around), behind >= 0


def _stacks(
    trace: Trace, row: Int32s | Int64s, nesting: Nesting | None
) -> tuple[list[str], Int64s]:
    """Return texts of the distinct stacks of Python functions, and that of each row or -1."""
    nesting = nest(trace) if nesting is None else nesting
    near = nearest(nesting, trace.slices.kind == Kind.PYTHON)
    frame = np.where(row >= 0, near[row], -1)
    levels = []
    for _ in range(_FRAMES):
        levels.append(np.where(frame >= 0, trace.slices.name[frame], -1))
        parent = np.where(frame >= 0, nesting.parent[frame], -1)
        frame = np.where(parent >= 0, near[parent], -1)
    names = np.stack(levels[::-1], axis=1)
    distinct, which = np.unique(names, axis=0, return_inverse=True)
    texts = [
        "\n".join(trace.text(number) for number in stack if number >= 0)
        for stack in distinct.tolist()
    ]
    which = which.reshape(-1)
    return texts, np.where(levels[0] >= 0, which, -1)


# Calls into the driver by which allocators get memory, and by which they give it back.
_GETS = re.compile(r"(?:cuda|hip)Malloc\w*|(?:cu|hip)Mem(?:Alloc|Create|Map)\w*")
_GIVES = re.compile(r"(?:cuda|hip)(?:Host)?Free\w*|(?:cu|hip)Mem(?:Free|Release|Unmap)\w*")


@dataclasses.dataclass(frozen=True, slots=True)
class DriverCalls:
    """Calls by which memory was got from the driver or given back; columns of shape (u,).

    Attributes:
        name: Of the call, a string, most time first.
        calls: How many; `time_ns` how long on the host.
        step_calls: How many within steps; `step_time_ns` how long. In a steady run there are none:
            each makes the host, and often the device, wait.
        retries: How often the allocator got nothing, gave back what it had cached and asked again:
            a call that gets memory, then calls that give back, then one that gets memory, within
            one slice of a thread.
        absent: Why nothing is known, "" where it is.
    """

    name: Int32s
    calls: Int64s
    time_ns: Int64s
    step_calls: Int64s
    step_time_ns: Int64s
    retries: int
    absent: str = ""


def driver_calls(
    trace: Trace, steps: Steps | None = None, nesting: Nesting | None = None
) -> DriverCalls:
    """Count calls that allocate and free device memory, and the time they took.

    Needs calls of the runtime (ProfilerActivity.CUDA). None at all is what a steady run has: then
    the table is empty and `absent` too.
    """
    calls, slices = trace.calls.row, trace.slices
    gets = named(trace, slices.name[calls], _GETS)
    gives = named(trace, slices.name[calls], _GIVES)
    rows = calls[(gets | gives)[slices.name[calls]]]
    names, place = np.unique(slices.name[rows], return_inverse=True)
    inside = _in_steps(slices.start[rows], steps)
    dur = slices.dur[rows]
    times = np.zeros((2, len(names)), np.int64)
    np.add.at(times[0], place, dur)
    np.add.at(times[1], place[inside], dur[inside])
    order = np.argsort(-times[0], kind="stable")
    return DriverCalls(
        name=names[order].astype(np.int32),
        calls=np.bincount(place, minlength=len(names))[order].astype(np.int64),
        time_ns=times[0, order],
        step_calls=np.bincount(place[inside], minlength=len(names))[order].astype(np.int64),
        step_time_ns=times[1, order],
        retries=_retries(trace, rows, gets[slices.name[rows]], nesting),
        absent="" if len(calls) else "the trace holds no calls into the CUDA or HIP runtime",
    )


def _in_steps(time: Int64s, steps: Steps | None) -> np.ndarray:
    if steps is None or not len(steps):
        return np.zeros(len(time), np.bool_)
    at = np.searchsorted(steps.start, time, "right") - 1
    return (at >= 0) & (time < steps.end[at])


def _retries(trace: Trace, rows: Int32s, gets: np.ndarray, nesting: Nesting | None) -> int:
    if not len(rows) or gets.all():
        return 0
    nesting = nest(trace) if nesting is None else nesting
    # Rows are sorted by track and time; runs of one sort within one slice count as one.
    place = np.stack([trace.slices.track[rows], nesting.parent[rows]], axis=1)
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (place[1:] != place[:-1]).any(axis=1)
    turn = fresh.copy()
    turn[1:] |= gets[1:] != gets[:-1]
    runs = np.flatnonzero(turn)
    kind, first = gets[runs], fresh[runs]
    return int(np.count_nonzero(kind[:-2] & ~kind[1:-1] & kind[2:] & ~first[1:-1] & ~first[2:]))
