"""Sum up operators: how often, how long on the host, how long on the device, on tensor cores."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.figures.backward import join_backward
from gpuboard.profiler.figures.grouping import group, sums
from gpuboard.profiler.figures.launches import Launches, join
from gpuboard.profiler.figures.nesting import Nesting, nearest, nest
from gpuboard.profiler.figures.stacks import Stacks, stacks_of
from gpuboard.profiler.figures.tensor_cores import TensorCores, is_eligible, tensor_cores_of
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace

By = Literal["name", "shapes", "stack"]

# Marks of steps, data loaders and optimizers.
_RANGE = re.compile(
    r"ProfilerStep#|enumerate\(DataLoader\)#|Optimizer\.|(Distributed)?DataParallel\.forward$"
)


@dataclasses.dataclass(frozen=True, slots=True)
class OperatorTable:
    """Operators by name, and by shapes or call stack if asked for; columns of shape (g,).

    Those with most device time of their own come first, then those with most time on the host.
    An operator within another one of its group adds nothing to the totals, which it is part of.

    Attributes:
        name: A string of the trace.
        shapes: Shapes of the inputs, JSON text, a string of the trace; -1 unless grouped by it.
        stack: Index into `stacks`; -1 unless grouped by it, or without one.
        stacks: Call stacks, outermost frame first, frames parted by newlines.
        calls: How often it was called.
        host_self_ns: On the host, without operators and calls of the runtime under it.
        host_total_ns: On the host in all.
        device_self_ns: Sum of the durations of the kernels, copies and fills that it launched
            itself; work that runs at the same time on two streams counts twice.
        device_total_ns: With those of the operators under it.
        device_work: How many kernels, copies and fills it launched itself.
        tensor_self_ns: Part of `device_self_ns` in kernels that use tensor cores.
        tensor_total_ns: Part of `device_total_ns`.
        unknown_self_ns: Part of `device_self_ns` in kernels of which nobody can tell.
        eligible: Whether it multiplies matrices, or holds operators that do, and so could use them.
        backward_host_ns: Time on the host of the backward operators that belong to it and to the
            operators under it; -1 where the file does not pair them.
        backward_device_ns: Likewise on the device.
        first: Row of the first call, to find it in the timeline; -1 without a slice.
        outside_ns: Device time of work that no operator launched, as far as the trace tells.
        host_absent: Why there are no times of the host, "" if there are.
        backward_absent: Why no backward operators are paired, "" if some are.
        absent: Why there are no operators, "" if there are.
    """

    name: Int32s
    shapes: Int32s
    stack: Int32s
    stacks: tuple[str, ...]
    calls: Int64s
    host_self_ns: Int64s
    host_total_ns: Int64s
    device_self_ns: Int64s
    device_total_ns: Int64s
    device_work: Int64s
    tensor_self_ns: Int64s
    tensor_total_ns: Int64s
    unknown_self_ns: Int64s
    eligible: Bools
    backward_host_ns: Int64s
    backward_device_ns: Int64s
    first: Int32s
    outside_ns: int
    host_absent: str = ""
    backward_absent: str = ""
    absent: str = ""

    def __len__(self) -> int:
        return len(self.name)


def operators(
    trace: Trace,
    by: Sequence[By] = ("name",),
    *,
    nesting: Nesting | None = None,
    launches: Launches | None = None,
    window: tuple[int, int] | None = None,
) -> OperatorTable:
    """Sum up the operators of the host.

    Host self = duration - union of the operators and runtime calls directly under it, as PyTorch's
    own tables count since 1.8. Device times are sums over `Launches.operator`; impossible durations
    are left out. Where the file has no operators but names launchers (XPlane), those are listed
    without times of the host.

    Args:
        trace: As read.
        nesting: Of that trace; found if it is not given, as `launches` are.
        launches: Of that trace.
        by: ("name",), ("name", "shapes"), ("name", "stack") or all three.
        window: Only operators that begin in [start, end), ns; their work belongs to them wherever
            it ran.
    """
    nesting = nest(trace) if nesting is None else nesting
    launches = join(trace, nesting) if launches is None else launches
    rows = _operators(trace)
    if not len(rows):
        return _launchers(trace, launches)
    each = _each(trace, nesting, launches, rows)
    chosen = np.ones(len(rows), np.bool_)
    if window is not None:
        start = trace.slices.start[rows]
        chosen = (start >= window[0]) & (start < window[1])
    keys = _keys(trace, nesting, rows, by)
    return _table(trace, each, chosen, keys)


def _operators(trace: Trace) -> Int32s:
    """Return the rows of operators without the ranges that profilers of 2021 wrote among them."""
    rows = trace.rows(Kind.OPERATOR)
    groups = group(trace.slices.name[rows])
    names = trace.slices.name[rows[groups.first]].tolist()
    ranges = np.array([bool(_RANGE.match(trace.text(name))) for name in names], np.bool_)
    return rows[~ranges[groups.number]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Each:
    """Figures of every single operator, in the order of rows; times in ns."""

    rows: Int32s
    parent: Int32s  # place of the operator around it, -1 for none
    host_self: Int64s
    device: Int64s
    work: Int64s
    tensor: Int64s
    unknown: Int64s
    eligible: Int64s
    backward_host: Int64s
    backward_device: Int64s
    outside: int
    backward_absent: str


def _each(trace: Trace, nesting: Nesting, launches: Launches, rows: Int32s) -> _Each:
    slices = trace.slices
    place = np.full(len(slices) + 1, -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    is_operator = slices.kind == Kind.OPERATOR
    above = np.append(nearest(nesting, is_operator), -1)[nesting.parent]
    parent = place[above[rows]]
    work = _device_work(trace, launches, place, len(rows))
    device_total = _with_below(parent, work["device"])
    pairs = join_backward(trace, above.astype(np.int32))
    forward, backward = place[pairs.forward], place[pairs.backward]
    return _Each(
        rows=rows,
        parent=parent,
        host_self=_host_self(trace, nesting)[rows],
        eligible=_eligible(trace, rows),
        backward_host=sums(forward, len(rows), slices.dur[pairs.backward]).total,
        backward_device=sums(forward, len(rows), device_total[backward]).total,
        backward_absent=pairs.absent,
        **work,
    )


def _host_self(trace: Trace, nesting: Nesting) -> Int64s:
    """Return what operators and calls leave of each slice; other kinds hide none of theirs."""
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.nesting_kernels import own_time

    slices = trace.slices
    counts = (slices.kind == Kind.OPERATOR) | (slices.kind == Kind.CALL)
    above = np.append(nearest(nesting, counts), -1)[nesting.parent].astype(np.int32)
    end = slices.start + slices.dur
    return own_time(frozen(slices.start), frozen(end), frozen(above), frozen(counts))


def _device_work(trace: Trace, launches: Launches, place: Int32s, n: int) -> dict[str, Any]:
    rows = trace.work.row
    counted = ~trace.slices.suspect[rows]
    owner = np.where(counted, place[launches.operator], -1).astype(np.int32)
    kernels = trace.slices.kind[rows] == Kind.KERNEL
    used = tensor_cores_of(trace, trace.slices.name[rows])

    def sum_of(which: Bools) -> Int64s:
        return sums(np.where(which, owner, -1).astype(np.int32), n, launches.device_ns).total

    all_work = sums(owner, n, launches.device_ns)
    return {
        "device": all_work.total,
        "work": all_work.count,
        "tensor": sum_of(kernels & (used == TensorCores.USED)),
        "unknown": sum_of(kernels & (used == TensorCores.UNKNOWN)),
        "outside": int(launches.device_ns[counted & (owner < 0)].sum()),
    }


def _eligible(trace: Trace, rows: Int32s) -> Int64s:
    groups = group(trace.slices.name[rows])
    names = trace.slices.name[rows[groups.first]].tolist()
    answers = np.array([is_eligible(trace.text(name)) for name in names], np.int64)
    return answers[groups.number]


def _with_below(parent: Int32s, column: Int64s) -> Int64s:
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.call_tree_kernels import add_up

    return add_up(frozen(parent), frozen(column))


@dataclasses.dataclass(frozen=True, slots=True)
class _Keys:
    shapes: Int32s
    stack: Int32s
    stacks: tuple[str, ...]


def _keys(trace: Trace, nesting: Nesting, rows: Int32s, by: Sequence[By]) -> _Keys:
    shapes = np.full(len(rows), -1, np.int32)
    stacks = Stacks(shapes, ())
    if "stack" in by:
        stacks = stacks_of(trace, nesting, rows)
    if "shapes" in by:
        at = np.searchsorted(trace.operators.row, rows)
        known = np.append(trace.operators.row, -1)[at] == rows
        shapes = np.where(known, np.append(trace.operators.dims, -1)[at], -1).astype(np.int32)
    return _Keys(shapes, stacks.number, stacks.texts)


def _table(trace: Trace, each: _Each, chosen: Bools, keys: _Keys) -> OperatorTable:
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.operator_kernels import outermost

    at = np.flatnonzero(chosen)
    names = trace.slices.name[each.rows[at]]
    groups = group(names, keys.shapes[at], keys.stack[at])
    number = np.full(len(each.rows), -1, np.int32)
    number[at] = groups.number
    top = outermost(frozen(each.parent), frozen(number), len(groups))
    on_top = np.where(top, number, -1).astype(np.int32)

    def own(column: Int64s) -> Int64s:
        return sums(number, len(groups), column).total

    def total(column: Int64s) -> Int64s:
        return sums(on_top, len(groups), _with_below(each.parent, column)).total

    paired = not each.backward_absent
    unpaired = np.full(len(groups), -1, np.int64)
    columns = _sorted(
        {
            "name": names[groups.first],
            "shapes": keys.shapes[at][groups.first],
            "stack": keys.stack[at][groups.first],
            "calls": np.bincount(groups.number, minlength=len(groups)),
            "host_self_ns": own(each.host_self),
            "host_total_ns": sums(on_top, len(groups), trace.slices.dur[each.rows]).total,
            "device_self_ns": own(each.device),
            "device_total_ns": total(each.device),
            "device_work": own(each.work),
            "tensor_self_ns": own(each.tensor),
            "tensor_total_ns": total(each.tensor),
            "unknown_self_ns": own(each.unknown),
            "eligible": total(each.eligible) > 0,
            "backward_host_ns": total(each.backward_host) if paired else unpaired,
            "backward_device_ns": total(each.backward_device) if paired else unpaired,
            "first": each.rows[at][groups.first],
        }
    )
    return OperatorTable(
        **columns,
        stacks=keys.stacks,
        outside_ns=each.outside,
        host_absent="",
        backward_absent=each.backward_absent,
        absent="",
    )


def _launchers(trace: Trace, launches: Launches) -> OperatorTable:
    """Return the table of launchers that the file names with the work, without the host."""
    counted = (launches.label >= 0) & ~trace.slices.suspect[trace.work.row]
    at = np.flatnonzero(counted)
    names = launches.label[at]
    groups = group(names)
    device = sums(groups.number, len(groups), launches.device_ns[at])
    used = tensor_cores_of(trace, trace.slices.name[trace.work.row[at]])
    used = np.where(trace.slices.kind[trace.work.row[at]] == Kind.KERNEL, used, 255)

    def part(answer: TensorCores) -> Int64s:
        own = np.where(used == answer, groups.number, -1).astype(np.int32)
        return sums(own, len(groups), launches.device_ns[at]).total

    unknown = np.full(len(groups), -1, np.int64)
    no_row = np.full(len(groups), -1, np.int32)
    texts = [trace.text(name) for name in names[groups.first].tolist()]
    why = "The trace holds no operators of the host."
    columns = _sorted(
        {
            "name": names[groups.first],
            "shapes": no_row,
            "stack": no_row,
            "calls": unknown,
            "host_self_ns": unknown,
            "host_total_ns": unknown,
            "device_self_ns": device.total,
            "device_total_ns": device.total,
            "device_work": device.count,
            "tensor_self_ns": part(TensorCores.USED),
            "tensor_total_ns": part(TensorCores.USED),
            "unknown_self_ns": part(TensorCores.UNKNOWN),
            "eligible": np.array([is_eligible(text) for text in texts], np.bool_),
            "backward_host_ns": unknown,
            "backward_device_ns": unknown,
            "first": no_row,
        }
    )
    return OperatorTable(
        **columns,
        stacks=(),
        outside_ns=int(launches.device_ns[~counted & ~trace.slices.suspect[trace.work.row]].sum()),
        host_absent=why,
        backward_absent=why,
        absent="" if len(groups) else why,
    )


def _sorted(columns: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    order = np.lexsort((-columns["host_self_ns"], -columns["device_self_ns"]))
    return {name: column[order] for name, column in columns.items()}
