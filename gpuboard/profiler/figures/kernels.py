"""Sum up kernels: how often, how long, how full the GPU, on tensor cores or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.figures.grouping import group, sums, weighted_mean
from gpuboard.profiler.figures.kernel_classes import KernelClass, classes_of
from gpuboard.profiler.figures.launches import Launches, join
from gpuboard.profiler.figures.tensor_cores import (
    TensorCores,
    tensor_cores_of,
    without_tensor_cores,
)
from gpuboard.profiler.traces.trace import (
    Bools,
    DeviceWork,
    Float64s,
    Int32s,
    Int64s,
    Kind,
    Trace,
    UInt8s,
)

By = Literal["name", "operator", "launch", "stream", "device"]

SHORT_NS = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class KernelTable:
    """Kernels by name, and by what else was asked for, longest in sum first; shape (g,).

    Attributes:
        name: A string of the trace.
        kind: `Kind`: a kernel, or a copy or fill if those were asked for.
        kernel_class: `KernelClass`.
        tensor_cores: `TensorCores`.
        operator: Name of the operator that launched it, a string of the trace; -1 where unknown or
            not asked for. The columns that follow are -1 likewise.
        grid: Blocks, shape (g, 3). `block`: threads of a block, shape (g, 3).
        count: How often it ran.
        total_ns: Sum of its durations; `min_ns`, `max_ns` of a single one.
        mean_ns: Their mean.
        share: `total_ns` by that of all rows, 0-1.
        blocks_per_sm: Mean by duration, NaN where the file does not say.
        occupancy: Estimated achieved occupancy in percent, mean by duration, NaN likewise.
        first: Row of the first and `longest` of the longest run, to find it in the timeline.
        suspects: Runs whose duration can't be true; they count nowhere.
        tensor_share: Part of the time of kernels that is spent in those that use tensor cores, and
            `unknown_share` in those of which nobody can tell, 0-1; NaN without kernels.
        no_tensor_cores: Which GPU of the trace has none, "" if all have or may have some.
        absent: Why there are no rows, "" if there are.
    """

    name: Int32s
    kind: UInt8s
    kernel_class: UInt8s
    tensor_cores: UInt8s
    operator: Int32s
    device: Int32s
    stream: Int64s
    grid: Int32s
    block: Int32s
    registers: Int32s
    shared_memory: Int32s
    count: Int64s
    total_ns: Int64s
    mean_ns: Float64s
    min_ns: Int64s
    max_ns: Int64s
    share: Float64s
    blocks_per_sm: Float64s
    occupancy: Float64s
    first: Int32s
    longest: Int32s
    suspects: int
    tensor_share: float
    unknown_share: float
    no_tensor_cores: str = ""
    absent: str = ""

    def __len__(self) -> int:
        return len(self.name)


def kernels(
    trace: Trace,
    by: Sequence[By] = ("name",),
    *,
    launches: Launches | None = None,
    kinds: Sequence[Kind] = (Kind.KERNEL,),
    window: tuple[int, int] | None = None,
) -> KernelTable:
    """Sum up the work of devices.

    Args:
        trace: As read.
        launches: Of that trace; found if it is not given and operators are asked for.
        by: "name", and any of "operator", "launch" (grid, block, registers, shared memory),
            "stream" and "device".
        kinds: `Kind.KERNEL`, and `Kind.MEMCPY`, `Kind.MEMSET` to have copies and fills as well.
        window: Only work that begins in [start, end), ns.
    """
    slices, rows = trace.slices, trace.work.row
    chosen = np.isin(slices.kind[rows], tuple(kinds))
    if window is not None:
        chosen &= (slices.start[rows] >= window[0]) & (slices.start[rows] < window[1])
    suspects = int(np.count_nonzero(chosen & slices.suspect[rows]))
    at = np.flatnonzero(chosen & ~slices.suspect[rows])
    keys = _keys(trace, launches, at, by)
    groups = group(slices.name[rows[at]], slices.kind[rows[at]], *keys.values())
    number, n = groups.number, len(groups)
    dur = slices.dur[rows[at]]
    times = sums(number, n, dur)
    names = slices.name[rows[at]][groups.first]
    used = tensor_cores_of(trace, names)
    kind = slices.kind[rows[at]][groups.first]
    is_kernel = kind == Kind.KERNEL
    used = np.where(is_kernel, used, TensorCores.NOT_USED).astype(np.uint8)
    classes = np.where(is_kernel, classes_of(trace, names), KernelClass.COPY).astype(np.uint8)
    columns: dict[str, npt.NDArray[Any]] = {
        "name": names,
        "kind": kind,
        "kernel_class": classes,
        "tensor_cores": used,
        **{key: _shown(trace.work, keys, key, groups.first) for key in _COLUMNS},
        "count": times.count,
        "total_ns": times.total,
        "mean_ns": times.total / np.maximum(times.count, 1),
        "min_ns": times.least,
        "max_ns": times.greatest,
        "share": times.total / max(int(times.total.sum()), 1),
        "blocks_per_sm": _mean(trace.work.blocks_per_sm, at, number, n, dur),
        "occupancy": _mean(trace.work.occupancy, at, number, n, dur),
        "first": rows[at][groups.first],
        "longest": rows[at][_longest(number, n, dur)],
    }
    order = np.lexsort((-times.count, -times.total))
    return KernelTable(
        **{key: column[order] for key, column in columns.items()},
        suspects=suspects,
        tensor_share=_share(times.total, is_kernel, used == TensorCores.USED),
        unknown_share=_share(times.total, is_kernel, used == TensorCores.UNKNOWN),
        no_tensor_cores=" ".join(
            dict.fromkeys(filter(None, map(without_tensor_cores, trace.devices)))
        ),
        absent=_absent(trace, n),
    )


_COLUMNS = ("operator", "device", "stream", "grid", "block", "registers", "shared_memory")


def _keys(
    trace: Trace, launches: Launches | None, at: Int64s, by: Sequence[By]
) -> dict[str, npt.NDArray[Any]]:
    work, keys = trace.work, dict[str, npt.NDArray[Any]]()
    if "operator" in by:
        launches = join(trace) if launches is None else launches
        keys["operator"] = launches.label[at]
    for name in ("device", "stream"):
        if name in by:
            keys[name] = getattr(work, name)[at]
    if "launch" in by:
        for name in ("grid", "block", "registers", "shared_memory"):
            keys[name] = getattr(work, name)[at]
    return keys


def _shown(
    work: DeviceWork, keys: dict[str, npt.NDArray[Any]], name: str, first: Int64s
) -> npt.NDArray[Any]:
    if name in keys:
        return keys[name][first]
    like = work.launcher if name == "operator" else getattr(work, name)
    return np.full((len(first), *like.shape[1:]), -1, like.dtype)


def _mean(
    column: npt.NDArray[np.float32], at: Int64s, number: Int32s, n: int, dur: Int64s
) -> Float64s:
    return weighted_mean(number, n, column[at].astype(np.float64), dur)


def _longest(number: Int32s, n: int, dur: Int64s) -> Int64s:
    """Return where each group's longest run is, the first of equals."""
    order = np.lexsort((-np.arange(len(dur)), dur))
    found = np.zeros(n, np.int64)
    found[number[order]] = order
    return found


def _share(total: Int64s, of: Bools, part: Bools) -> float:
    whole = int(total[of].sum())
    return int(total[of & part].sum()) / whole if whole else float("nan")


def _absent(trace: Trace, n: int) -> str:
    if n:
        return ""
    if not len(trace.work.row):
        return "The trace holds no work of a GPU."
    return "None of the work that was asked for is in the trace."


@dataclasses.dataclass(frozen=True, slots=True)
class ClassTable:
    """Time by class of kernel, longest first; classes without kernels are left out; shape (g,)."""

    kernel_class: UInt8s
    count: Int64s
    total_ns: Int64s
    share: Float64s


def by_class(table: KernelTable) -> ClassTable:
    """Sum up the rows of a table of kernels by their class."""
    counts = np.bincount(table.kernel_class, table.count, len(KernelClass)).astype(np.int64)
    own = table.kernel_class.astype(np.int32)
    total = sums(own, len(KernelClass), table.total_ns).total
    present = np.flatnonzero(counts)
    order = present[np.argsort(-total[present], kind="stable")]
    share = total / max(int(total.sum()), 1)
    return ClassTable(order.astype(np.uint8), counts[order], total[order], share[order])


@dataclasses.dataclass(frozen=True, slots=True)
class ShortKernels:
    """How many kernels are too short to be worth their launch.

    Attributes:
        edges: Bounds of the buckets, ns, shape (b + 1,); powers of two from 1 us, the first one
            from 0 on, the last one without end (the largest int64).
        count: Kernels from an edge up to, not including, the next, shape (b,).
        total_ns: Their time, shape (b,).
        short_count: Kernels shorter than `short_ns`, and `short_total_ns` their time.
    """

    edges: Int64s
    count: Int64s
    total_ns: Int64s
    short_ns: int
    short_count: int
    short_total_ns: int


def short_kernels(trace: Trace, short_ns: int = SHORT_NS) -> ShortKernels:
    """Count kernels by duration, and those shorter than `short_ns`: candidates for fusing."""
    rows = trace.rows(Kind.KERNEL)
    dur = trace.slices.dur[rows[~trace.slices.suspect[rows]]]
    last = np.iinfo(np.int64).max
    edges = np.concatenate([[0], 1_000 << np.arange(21, dtype=np.int64), [last]])
    bucket = (np.searchsorted(edges, dur, "right") - 1).astype(np.int32)
    found = sums(bucket, len(edges) - 1, dur)
    short = dur[dur < short_ns]
    return ShortKernels(edges, found.count, found.total, short_ns, len(short), int(short.sum()))
