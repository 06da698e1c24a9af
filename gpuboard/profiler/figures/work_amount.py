"""Find how much each operator call computed and moved, from the shapes that the trace recorded."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np

from gpuboard.profiler.figures.device_time import WorkClass, named, work_classes
from gpuboard.profiler.figures.launches import Launches, join
from gpuboard.profiler.figures.nesting import Nesting, nearest, nest, self_time
from gpuboard.profiler.figures.shapes import read_inputs
from gpuboard.profiler.figures.work_formulas import Work
from gpuboard.profiler.figures.work_formulas_light import FORMULAS
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Trace

NO_OPERATORS = (
    "the trace holds no operators: profile with activities=[ProfilerActivity.CPU, "
    "ProfilerActivity.CUDA]"
)
NO_SHAPES = (
    "the trace holds no shapes of inputs, from which FLOPs and bytes are counted: profile with "
    "record_shapes=True"
)
NO_KNOWN = "no operator of the trace has a known formula, and readable shapes and types"


@dataclasses.dataclass(frozen=True, slots=True)
class UnknownWork:
    """Device time under operators whose amount of work is not known; most time first.

    Attributes:
        name: Of the innermost operator, a string; -1 where no operator is known, shape (v,).
        works: Kernels and copies under it, shape (v,).
        device_ns: Sum of their durations, shape (v,).
    """

    name: Int32s
    works: Int64s
    device_ns: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class WorkAmount:
    """What operators computed and moved: one row for each operator with each set of inputs.

    Attributes:
        name: Of the operator, a string, shape (u,); likewise `dims`, `types` and `concrete`, the
            texts of its inputs.
        family: Such as "matrix product", shape (u,).
        dtype: Short name of the type in which it computes, shape (u,).
        flops: Of one call, shape (u,).
        read_bytes: Of one call at least, shape (u,); likewise `written_bytes`.
        calls: How many, shape (u,).
        time_ns: Of all calls together, shape (u,); see `basis`.
        basis: "device": the sum of the durations of kernels and copies of device memory that no
            nearer known operator launched; "host": where the trace has no such work, durations of
            the operators on the host, without those of known ones in them.
        call_row: Row of each call in `trace.slices`, ascending, shape (c,), and `call_key` its row
            here.
        work_key: The row here for each row of `trace.work`, -1 where unknown, shape (k,).
        unknown: Where the rest of the device time went.
        known_share: Device time under known operators / that under all, 0 to 1, NaN without any.
        absent: Why there is nothing, "" where there is.
    """

    name: Int32s
    dims: Int32s
    types: Int32s
    concrete: Int32s
    family: tuple[str, ...]
    dtype: tuple[str, ...]
    flops: Int64s
    read_bytes: Int64s
    written_bytes: Int64s
    calls: Int64s
    time_ns: Int64s
    basis: str
    call_row: Int32s
    call_key: Int32s
    work_key: Int32s
    unknown: UnknownWork
    known_share: float
    absent: str = ""

    @property
    def bytes(self) -> Int64s:
        """Bytes that one call moves at least, shape (u,)."""
        return self.read_bytes + self.written_bytes

    @property
    def total_flops(self) -> int:
        """Operations of all calls."""
        return sum(f * c for f, c in zip(self.flops.tolist(), self.calls.tolist(), strict=True))

    @property
    def total_bytes(self) -> int:
        """Bytes that all calls move at least."""
        return sum(b * c for b, c in zip(self.bytes.tolist(), self.calls.tolist(), strict=True))


def work_amount(
    trace: Trace, nesting: Nesting | None = None, launches: Launches | None = None
) -> WorkAmount:
    """Count operations and bytes of all operator calls.

    Device work belongs to the nearest operator around its launch whose formula and inputs are
    known, so that nothing counts twice: `aten::linear` has no work of its own where `aten::addmm`
    under it launched the kernel. Calls that launched nothing do not count where the trace has
    device work; where it has none, of operators of one family in each other the innermost counts.

    Needs "Input Dims", "Input type" and, for convolutions, masks and axes, "Concrete Inputs" of
    operators (record_shapes=True). What is missing is told in `absent` and `unknown`.
    """
    nesting = nest(trace) if nesting is None else nesting
    launches = join(trace, nesting) if launches is None else launches
    keys, key_of, works = _known(trace)
    booked = _book(trace, nesting, launches, key_of, [work.family for work in works])
    used, call_key = np.unique(booked.call_key, return_inverse=True)
    rank = np.full(len(works) + 1, -1, np.int32)
    rank[used] = np.arange(len(used))
    works = [works[k] for k in used.tolist()]
    dur = np.where(trace.slices.suspect[trace.work.row], 0, trace.slices.dur[trace.work.row])
    known, all_ns = booked.work_key >= 0, int(dur[booked.counted].sum())
    work_key = rank[booked.work_key]
    if booked.basis == "device":
        time_ns = _sums(work_key[known], dur[known], len(used))
    else:
        time_ns = _sums(call_key, _own_time(trace, nesting, booked.call_row), len(used))
    return WorkAmount(
        **{name: keys[used, place] for place, name in enumerate(_KEY)},
        family=tuple(work.family for work in works),
        dtype=tuple(work.dtype for work in works),
        flops=_column(work.flops for work in works),
        read_bytes=_column(work.read_bytes for work in works),
        written_bytes=_column(work.written_bytes for work in works),
        calls=np.bincount(call_key, minlength=len(used)).astype(np.int64),
        time_ns=time_ns,
        basis=booked.basis,
        call_row=booked.call_row.astype(np.int32),
        call_key=call_key.astype(np.int32),
        work_key=work_key,
        unknown=_unknown(trace, launches, booked.counted & ~known, dur),
        known_share=float(dur[known].sum() / all_ns) if all_ns else float("nan"),
        absent=_absent(trace, len(works)),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Booked:
    """Calls that count, with their keys; the key of each device work, -1 unknown."""

    basis: str
    call_row: Int64s
    call_key: Int32s
    work_key: Int32s
    counted: Bools


def _book(
    trace: Trace, nesting: Nesting, launches: Launches, key_of: Int32s, family: Sequence[str]
) -> _Booked:
    """Give all device work to the nearest operators that are known."""
    rows = trace.operators.row[key_of >= 0]
    key_at = np.full(len(trace.slices) + 1, -1, np.int32)
    key_at[rows] = key_of[key_of >= 0]
    near = nearest(nesting, key_at[:-1] >= 0)
    owner = np.where(launches.operator >= 0, near[launches.operator], -1)
    counted = _counted(trace)
    work_key = np.where(counted, key_at[owner], -1).astype(np.int32)
    if counted.any():
        basis, call_row = "device", np.unique(owner[work_key >= 0])
    else:
        basis, call_row = "host", _innermost_of_family(nesting, key_at[:-1], family)
    return _Booked(basis, call_row.astype(np.int64), key_at[call_row], work_key, counted)


_KEY = ("name", "dims", "types", "concrete")
_MOST = (1 << 63) - 1
_INSIDE = re.compile("DtoD")


def _absent(trace: Trace, known: int) -> str:
    if not len(trace.operators.row):
        return NO_OPERATORS
    if not (trace.operators.dims >= 0).any():
        return NO_SHAPES
    return "" if known else NO_KNOWN


def _known(trace: Trace) -> tuple[Int32s, Int32s, list[Work]]:
    """Return the known sets of inputs, (u, 4); that of each operator, or -1; and their work."""
    operators = trace.operators
    names = trace.slices.name[operators.row]
    has_formula = np.zeros(len(trace.strings), np.bool_)
    has_formula[names] = True
    for number in np.flatnonzero(has_formula).tolist():
        has_formula[number] = trace.strings[number] in FORMULAS
    candidates = np.flatnonzero(has_formula[names] & (operators.dims >= 0))
    columns = (names, operators.dims, operators.types, operators.concrete)
    keys, which = _distinct([column[candidates] for column in columns], len(trace.strings))
    found = [_work(*(trace.text(number) for number in key)) for key in keys.tolist()]
    is_known = np.array([work is not None for work in found], np.bool_)
    rank = np.where(is_known, np.cumsum(is_known) - 1, -1).astype(np.int32)
    key_of = np.full(len(operators.row), -1, np.int32)
    key_of[candidates] = rank[which]
    return keys[is_known], key_of, [work for work in found if work is not None]


def _work(name: str, dims: str, types: str, concrete: str) -> Work | None:
    inputs = read_inputs(dims, types, concrete)
    work = FORMULAS[name](inputs) if inputs is not None else None
    # Sizes in a damaged file may multiply to anything.
    return work if work is not None and max(work.flops, work.bytes) < _MOST else None


def _distinct(columns: list[Int32s], strings: int) -> tuple[Int32s, Int64s]:
    """Return the distinct rows of several columns of string numbers, and which each row is."""
    which = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        _, which = np.unique(which * (strings + 1) + column + 1, return_inverse=True)
    count = int(which.max()) + 1 if len(which) else 0
    keys = np.empty((count, len(columns)), np.int32)
    for place, column in enumerate(columns):
        keys[which, place] = column
    return keys, which


def _counted(trace: Trace) -> Bools:
    """Tell which device work counts: kernels that compute, copies and fills in device memory.

    Communication has figures of its own; copies from and to the host are bound by another bus.
    """
    classes = work_classes(trace)
    counted: Bools = classes == WorkClass.COMPUTE
    copies = classes == WorkClass.MEMCPY
    names = trace.slices.name[trace.work.row]
    inside = named(trace, names[copies], _INSIDE)
    counted |= (classes == WorkClass.MEMSET) | (copies & inside[names])
    return counted


def _innermost_of_family(nesting: Nesting, key_at: Int32s, family: Sequence[str]) -> Int64s:
    """Return the rows of known operators in which no other of their family lies, ascending."""
    kept = key_at >= 0
    for one in set(family):
        of_family = np.array([*(each == one for each in family), False], np.bool_)[key_at]
        near = np.append(nearest(nesting, of_family), -1)
        around = near[nesting.parent[of_family]]
        kept[around[around >= 0]] = False
    return np.flatnonzero(kept)


def _own_time(trace: Trace, nesting: Nesting, rows: Int64s) -> Int64s:
    """Return durations of these slices without those of others of them that they hold."""
    marked = np.zeros(len(trace.slices), np.bool_)
    marked[rows] = True
    near = np.append(nearest(nesting, marked), -1)
    direct = dataclasses.replace(nesting, parent=near[nesting.parent].astype(np.int32))
    return self_time(trace, direct, marked)[rows]


def _unknown(trace: Trace, launches: Launches, which: Bools, dur: Int64s) -> UnknownWork:
    operator = launches.operator[which]
    name = np.where(operator >= 0, trace.slices.name[operator], -1)
    names, place = np.unique(name, return_inverse=True)
    time = _sums(place, dur[which], len(names))
    order = np.argsort(-time, kind="stable")
    works = np.bincount(place, minlength=len(names)).astype(np.int64)
    return UnknownWork(names[order].astype(np.int32), works[order], time[order])


def _sums(places: Int32s | Int64s, values: Int64s, size: int) -> Int64s:
    total = np.zeros(size, np.int64)
    np.add.at(total, places, values)
    return total


def _column(values: Iterable[int]) -> Int64s:
    return np.fromiter(values, np.int64)
