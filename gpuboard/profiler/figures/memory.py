"""Show the memory of devices over time: the curve, its peak, and who held it."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.figures.memory_blocks import Blocks, pair_blocks
from gpuboard.profiler.figures.nesting import Nesting, nearest, nest
from gpuboard.profiler.traces.trace import Float64s, Int32s, Int64s, Kind, Trace

NO_EVENTS = "the trace holds no allocations: profile with profile_memory=True"
NO_ADDRESSES = (
    "allocations carry no addresses, so that a free cannot be joined to its allocation: written by "
    "a PyTorch older than 1.11"
)
HOST_TYPE = 0


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryCurve:
    """Memory of one device over time; columns of shape (m,), one for each event, ascending in time.

    Attributes:
        device_type: 0 host, 1 CUDA or HIP; others as `c10::DeviceType`.
        device: Its number, -1 on the host.
        time: Nanoseconds.
        allocated: Bytes in tensors after the event.
        reserved: Bytes that the allocator holds of the driver, -1 where the file does not say.
        from_zero: Whether `allocated` counts from 0 at the first event because the file gives no
            totals: what was allocated before is then missing, and values may be negative.
        peak: Most bytes allocated at once, and `peak_time` when first.
        peak_reserved: Most bytes reserved at once, -1 where the file does not say.
        capacity: Bytes of the device, 0 where the file does not say.
        allocations: How many, `frees` likewise.
        given_back: How often reserved memory fell: the allocator returned segments to the driver,
            as it does when it finds none free and tries anew, or in empty_cache().
    """

    device_type: int
    device: int
    time: Int64s
    allocated: Int64s
    reserved: Int64s
    from_zero: bool
    peak: int
    peak_time: int
    peak_reserved: int
    capacity: int
    allocations: int
    frees: int
    given_back: int

    @property
    def label(self) -> str:
        """What to call the device."""
        return "host" if self.device_type == HOST_TYPE else f"device {self.device}"

    @property
    def fragmentation(self) -> Int64s:
        """Bytes reserved but not in tensors after each event, -1 where it is not known."""
        gap = self.reserved - self.allocated
        return np.where(self.reserved >= 0, np.maximum(gap, 0), -1)

    @property
    def peak_fragmentation(self) -> float:
        """Share of reserved memory in no tensor when most was allocated, 0 to 1, or NaN."""
        at = int(self.allocated.argmax())
        held = int(self.reserved[at]) if len(self.reserved) else 0
        return 1 - self.peak / held if held > 0 and not self.from_zero else float("nan")


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """Memory of all devices.

    Attributes:
        curves: One for each device that has events, devices before the host.
        owner: Row of the innermost operator around each row of `trace.memory` on its thread, -1
            where there is none, shape (e,); `slice` likewise of the innermost slice of any kind.
        blocks: Allocations with their frees.
        out_of_memory: How often an allocation failed, as the file tells it.
        absent: Why there is nothing, "" where there is.
    """

    curves: tuple[MemoryCurve, ...]
    owner: Int32s
    slice: Int32s
    blocks: Blocks
    out_of_memory: int
    absent: str = ""


def memory(trace: Trace, nesting: Nesting | None = None) -> Memory:
    """Collect allocations and frees by device, with who asked for them.

    Needs "[memory]" events (profile_memory=True): "Bytes", "Total Allocated", "Total Reserved",
    "Addr", "Device Type" and "Device Id". Each belongs to the innermost slice that runs on its
    thread at that time.
    """
    events = trace.memory
    key = _device_key(trace)
    around = innermost(trace, nesting, events.track, events.time)
    owner = around
    if len(events.time) and len(trace.slices):
        nesting = nest(trace) if nesting is None else nesting
        near = nearest(nesting, trace.slices.kind == Kind.OPERATOR)
        owner = np.where(around >= 0, near[around], -1).astype(np.int32)
    failed = [n for n, text in enumerate(trace.strings) if text == "[OutOfMemory]"]
    curves = [_curve(trace, np.flatnonzero(key == one)) for one in np.unique(key).tolist()]
    return Memory(
        curves=tuple(sorted(curves, key=lambda c: (c.device_type == HOST_TYPE, c.device))),
        owner=owner,
        slice=around,
        blocks=pair_blocks(trace, key),
        out_of_memory=int(np.isin(trace.instants.name, failed).sum()),
        absent="" if len(events.time) else NO_EVENTS,
    )


def innermost(trace: Trace, nesting: Nesting | None, track: Int32s, time: Int64s) -> Int32s:
    """Return the row of the innermost slice that runs on a track at a time, or -1.

    A slice still runs at the very end of it; of those that meet there the later one counts.
    """
    slices = trace.slices
    found = np.full(len(time), -1, np.int32)
    if not len(time) or not len(slices):
        return found
    nesting = nest(trace) if nesting is None else nesting
    for number in np.unique(track).tolist():
        mine = np.flatnonzero(track == number)
        first, last = trace.track_start[number], trace.track_start[number + 1]
        place = np.searchsorted(slices.start[first:last], time[mine], "right") - 1
        found[mine] = np.where(place >= 0, first + place, -1)
    end = slices.start + slices.dur
    over = np.flatnonzero((found >= 0) & (end[found] < time))
    while len(over):
        found[over] = nesting.parent[found[over]]
        over = over[(found[over] >= 0) & (end[found[over]] < time[over])]
    return found


def _device_key(trace: Trace) -> Int64s:
    """Return a number of the device of each memory event; all of the host's are one."""
    kind = trace.memory.device_type.astype(np.int64)
    device = np.where(kind == HOST_TYPE, -1, trace.memory.device)
    return (kind << 32) + device + 1


def _curve(trace: Trace, rows: Int64s) -> MemoryCurve:
    events = trace.memory
    kind = int(events.device_type[rows[0]])
    device = -1 if kind == HOST_TYPE else int(events.device[rows[0]])
    size, reserved = events.bytes[rows], events.reserved[rows]
    # The host's allocator keeps no totals: PyTorch writes 0 for both.
    from_zero = bool((events.allocated[rows] <= 0).all())
    allocated = np.cumsum(size) if from_zero else events.allocated[rows]
    if kind == HOST_TYPE and from_zero:
        reserved = np.full(len(rows), -1, np.int64)
    top = int(allocated.argmax())
    known = next((one for one in trace.devices if one.id == device and kind != HOST_TYPE), None)
    return MemoryCurve(
        device_type=kind,
        device=device,
        time=events.time[rows],
        allocated=allocated,
        reserved=reserved,
        from_zero=from_zero,
        peak=int(allocated[top]),
        peak_time=int(events.time[rows[top]]),
        peak_reserved=int(reserved.max()),
        capacity=known.memory if known else 0,
        allocations=int(np.count_nonzero(size > 0)),
        frees=int(np.count_nonzero(size < 0)),
        given_back=int(np.count_nonzero((reserved[1:] < reserved[:-1]) & (reserved[1:] >= 0))),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryByOperator:
    """What operators allocated on one device; columns of shape (u,), largest own increase first.

    Attributes:
        name: Of the operator, a string.
        calls: Of the operator, whether they allocated or not.
        increase: Bytes allocated less bytes freed while it ran, operators under it included.
        own_increase: Without operators under it.
        allocations: How many were made while it ran, operators under it included, and how many of
            them are its `own_allocations`.
        allocated: Bytes of its allocations, frees not subtracted, and `own_allocated` likewise.
        absent: Why there is nothing, "" where there is.
    """

    name: Int32s
    calls: Int64s
    increase: Int64s
    own_increase: Int64s
    allocations: Int64s
    own_allocations: Int64s
    allocated: Int64s
    own_allocated: Int64s
    absent: str = ""


def memory_by_operator(
    trace: Trace, found: Memory, curve: MemoryCurve, nesting: Nesting | None = None
) -> MemoryByOperator:
    """Sum allocations and frees of a device by operator, own and with all operators under it.

    As PyTorch's memory view did: a free counts for the operator in which it happened, not for the
    one that allocated. Where an operator calls one of the same name, its bytes count once for each.
    """
    events, slices = trace.memory, trace.slices
    mine = (events.device_type == curve.device_type) & (found.owner >= 0)
    if curve.device_type != HOST_TYPE:
        mine &= events.device == curve.device
    owner, size = found.owner[mine], events.bytes[mine]
    grown = np.maximum(size, 0)
    own = np.zeros((3, len(slices)), np.int64)
    for column, values in zip(own, (size, size > 0, grown), strict=True):
        np.add.at(column, owner, values)
    total = sums_up(nest(trace) if nesting is None else nesting, own)
    rows = np.flatnonzero(slices.kind == Kind.OPERATOR)
    names, place = np.unique(slices.name[rows], return_inverse=True)
    sums = np.zeros((6, len(names)), np.int64)
    for column, values in zip(sums, (*total[:, rows], *own[:, rows]), strict=True):
        np.add.at(column, place, values)
    calls = np.bincount(place, minlength=len(names))
    kept = np.flatnonzero((sums != 0).any(axis=0))
    kept = kept[np.argsort(-sums[3, kept], kind="stable")]
    return MemoryByOperator(
        name=names[kept].astype(np.int32),
        calls=calls[kept].astype(np.int64),
        increase=sums[0, kept],
        allocations=sums[1, kept],
        allocated=sums[2, kept],
        own_increase=sums[3, kept],
        own_allocations=sums[4, kept],
        own_allocated=sums[5, kept],
        absent=found.absent or ("" if len(kept) else "no allocation happened inside an operator"),
    )


def sums_up(nesting: Nesting, own: Int64s) -> Int64s:
    """Return each column plus those of all slices under it, shape (c, n) like `own`.

    Lanes go downwards from parents to children, so that one pass over lanes, deepest first, is
    enough.
    """
    total = own.copy()
    order = np.argsort(nesting.depth, kind="stable")
    bounds = np.searchsorted(nesting.depth[order], np.arange(int(nesting.depth.max(initial=0)) + 2))
    busy = (own != 0).any(axis=0)
    for lane in range(len(bounds) - 2, 0, -1):
        rows = order[bounds[lane] : bounds[lane + 1]]
        rows = rows[busy[rows]]
        above = nesting.parent[rows]
        rows, above = rows[above >= 0], above[above >= 0]
        busy[above] = True
        for column in total:
            np.add.at(column, above, column[rows])
    return total


def mean_fragmentation(curve: MemoryCurve) -> float:
    """Return the share of reserved memory that was in no tensor, over time, 0 to 1, or NaN."""
    length: Float64s = np.diff(curve.time).astype(np.float64)
    known = curve.reserved[:-1] > 0
    held = float((curve.reserved[:-1] * length)[known].sum())
    free = float((curve.fragmentation[:-1] * length)[known].sum())
    return free / held if held else float("nan")
