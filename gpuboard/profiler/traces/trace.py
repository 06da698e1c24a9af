"""Define the one model of a profiler trace: columns that every parser yields and analyses read.

All times are integer nanoseconds on the trace's own clock. What spans time is a row of `Slices`;
what only some kinds of slices have (launch grids, shapes, collectives) stands in side tables whose
`row` column points into `Slices`. -1 means "not in the file" in every integer column, NaN in every
float column; text is a number of `Trace.strings`.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from gpuboard.store.columns import Problem

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
UInt8s = npt.NDArray[np.uint8]
Float64s = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


class Kind(enum.IntEnum):
    """What a slice is, whatever its profiler calls it."""

    OTHER = 0
    OPERATOR = 1  # an operator of the framework on the host
    ANNOTATION = 2  # a range that a person or the framework named, on the host
    PYTHON = 3  # a Python function
    CALL = 4  # a call into the CUDA or HIP runtime or driver
    KERNEL = 5  # a kernel on a GPU
    MEMCPY = 6
    MEMSET = 7
    DEVICE_ANNOTATION = 8  # a host range as it was carried out on the device
    SYNC = 9  # waiting for an event, a stream or the device, seen on the device's side
    OVERHEAD = 10  # what the profiler itself did
    SPAN = 11  # the whole recording, or a part of it
    ACCELERATOR = 12  # work on a chip that is no GPU, such as MTIA, HPU or a TPU
    MODEL_OP = 13  # an operator of XLA or TensorFlow as laid over device time
    MODEL_STEP = 14  # a step or module of XLA as laid over device time


DEVICE_WORK = (Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET)


class Place(enum.IntEnum):
    """Where a track's slices ran."""

    HOST = 0  # a thread
    STREAM = 1  # a queue of work on a device
    DEVICE_NOTE = 2  # what is laid over device time: annotations, operators of XLA
    OTHER = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Track:
    """One line of the timeline: a thread of the host or a stream of a device.

    Attributes:
        process: Name or number of the process as in the file, "" when there is none.
        thread: Name or number of the thread or stream as in the file.
        process_label: What the file calls the process, "" when it does not say.
        thread_label: What the file calls the thread, "" when it does not say.
        device: Number of the device, -1 on the host.
        stream: Number of the stream, -1 on the host.
        order: Where the file wants it among its siblings.
    """

    process: str
    thread: str
    place: Place
    process_label: str = ""
    thread_label: str = ""
    device: int = -1
    stream: int = -1
    order: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Slices:
    """Everything that spans time, sorted by track, then start, then longest first, then file order.

    Attributes:
        start: Nanoseconds, shape (n,).
        dur: Nanoseconds, never negative, shape (n,).
        track: Index into `Trace.tracks`, ascending, shape (n,).
        name: Index into `Trace.strings`, shape (n,).
        kind: `Kind`, shape (n,).
        category: Index into `Trace.categories`, the word in the file, shape (n,).
        offset: Where in the (uncompressed) file the event begins, or the row of its table, -1 where
            there is no such place, shape (n,).
        suspect: Durations that cannot be true; left out of sums, clipped in unions, shape (n,).
    """

    start: Int64s
    dur: Int64s
    track: Int32s
    name: Int32s
    kind: UInt8s
    category: UInt8s
    offset: Int64s
    suspect: Bools

    def __len__(self) -> int:
        return len(self.start)


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceWork:
    """What is known of kernels, copies and fills, by ascending `row`; all of shape (k,).

    Attributes:
        correlation: Joins the work with the call that launched it.
        external: Joins it with the operator that was running then.
        grid: Blocks in x, y, z, shape (k, 3).
        block: Threads of a block in x, y, z, shape (k, 3).
        registers: Of a thread.
        shared_memory: Bytes of a block.
        occupancy: Estimated achieved occupancy in percent.
        bytes: Copied or filled.
        bandwidth: GB/s.
        graph: CUDA graph that it belongs to, and `graph_node` within it.
        queued: When it was put into the queue, nanoseconds.
        launcher: Name of the framework operator that XPlane gives for it, a string.
    """

    row: Int32s
    correlation: Int64s
    external: Int64s
    device: Int32s
    stream: Int64s
    context: Int32s
    grid: Int32s
    block: Int32s
    registers: Int32s
    shared_memory: Int32s
    blocks_per_sm: Float32s
    warps_per_sm: Float32s
    occupancy: Float32s
    bytes: Int64s
    bandwidth: Float32s
    graph: Int64s
    graph_node: Int64s
    queued: Int64s
    launcher: Int32s


@dataclasses.dataclass(frozen=True, slots=True)
class Calls:
    """Calls into the runtime or driver (`Kind.CALL`), by ascending `row`."""

    row: Int32s
    correlation: Int64s
    external: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class Operators:
    """What is known of operators and annotations of the host, by ascending `row`.

    Attributes:
        external: Joins an operator with the calls and device work under it.
        sequence: Joins a forward operator with its backward one.
        forward_thread: Thread of the forward operator, on backward ones.
        dims: Shapes of the inputs as JSON text, a string; likewise the four that follow.
        flops: As the profiler counted.
    """

    row: Int32s
    external: Int64s
    sequence: Int64s
    forward_thread: Int64s
    dims: Int32s
    types: Int32s
    strides: Int32s
    concrete: Int32s
    stack: Int32s
    module: Int32s
    flops: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class PythonCalls:
    """Python functions (`Kind.PYTHON`), by ascending `row`."""

    row: Int32s
    id: Int64s
    parent: Int64s
    module: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class Collectives:
    """What operators and kernels of communication say of themselves, by ascending `row`.

    Attributes:
        collective: Such as "allreduce", a string.
        elements_in: Of this rank's message; `elements_out` likewise.
        dtype: A string, as `group` (name), `group_label` and `group_ranks` (JSON text) are.
        rank: Rank of this process as the operator knows it, -1 where unknown.
        sequence: Number of the collective within its group.
    """

    row: Int32s
    collective: Int32s
    elements_in: Int64s
    elements_out: Int64s
    dtype: Int32s
    group_size: Int32s
    group: Int32s
    group_label: Int32s
    group_ranks: Int32s
    rank: Int32s
    source: Int32s
    target: Int32s
    sequence: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class Syncs:
    """What slices of `Kind.SYNC` say they wait for, by ascending `row`."""

    row: Int32s
    sync: Int32s  # its sort, a string
    stream: Int64s
    correlation: Int64s
    awaited_stream: Int64s
    awaited_correlation: Int64s  # of the call that recorded the event


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryEvents:
    """Allocations and frees, by ascending time.

    Attributes:
        track: Thread that asked.
        bytes: Negative for a free.
        allocated: Bytes in use on the device afterwards; `reserved` likewise.
        device_type: 0 host, 1 CUDA (or HIP); others as `c10::DeviceType`.
    """

    time: Int64s
    track: Int32s
    address: Int64s
    bytes: Int64s
    allocated: Int64s
    reserved: Int64s
    device_type: Int32s
    device: Int32s


@dataclasses.dataclass(frozen=True, slots=True)
class Flows:
    """Arrows from one place to another, by ascending source time.

    Attributes:
        label: Such as "ac2g" (launch to device) or "fwdbwd", a string.
    """

    label: Int32s
    id: Int64s
    source_time: Int64s
    source_track: Int32s
    target_time: Int64s
    target_track: Int32s


@dataclasses.dataclass(frozen=True, slots=True)
class Counters:
    """Values over time, sorted by series, then time.

    Attributes:
        names: Of each series: (name of the counter, name of the value in it).
        tracks: Of each series: index into `Trace.tracks`.
        series: Index into `names`, ascending.
    """

    names: tuple[tuple[str, str], ...]
    tracks: tuple[int, ...]
    series: Int32s
    time: Int64s
    value: Float64s


@dataclasses.dataclass(frozen=True, slots=True)
class Instants:
    """Points in time, by ascending time."""

    time: Int64s
    track: Int32s
    name: Int32s


@dataclasses.dataclass(frozen=True, slots=True)
class Device:
    """What the file says of one device; 0 or "" where it does not.

    Attributes:
        memory: Bytes.
        compute_major: Compute capability (NVIDIA) before the dot; `compute_minor` behind.
        sms: Streaming multiprocessors, or compute units.
        threads_per_sm: At most.
        shared_memory_per_sm: Bytes.
        clock: Hz.
        bandwidth: Of the device's memory, bytes a second.
    """

    id: int
    name: str = ""
    memory: int = 0
    compute_major: int = 0
    compute_minor: int = 0
    sms: int = 0
    threads_per_sm: int = 0
    warp_size: int = 0
    registers_per_sm: int = 0
    shared_memory_per_sm: int = 0
    clock: float = 0.0
    bandwidth: float = 0.0
    vendor: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """One process group of a distributed job."""

    name: str
    label: str = ""
    backend: str = ""
    ranks: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """Where a trace comes from.

    Attributes:
        file: Path as it was given.
        format: "kineto", "chrome", "xplane" or "nsys".
        bytes: Size of the file.
        events: Entries of the file's list of events, of every phase.
        phases: How many entries there are by phase letter.
        base: Nanoseconds since the epoch at time 0 of the trace, None when the file does not say.
        rank: Of this process, None when the file does not say; likewise `world_size`.
        backend: Of the communication, such as "nccl".
        facts: Everything else the file says about itself, by name.
    """

    file: str
    format: str
    bytes: int = 0
    events: int = 0
    phases: Mapping[str, int] = dataclasses.field(default_factory=dict)
    base: int | None = None
    rank: int | None = None
    world_size: int | None = None
    backend: str = ""
    host: str = ""
    groups: tuple[Group, ...] = ()
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """One trace of one process; immutable.

    Attributes:
        strings: Every text that columns point to.
        categories: The words by which the file sorts its slices.
        track_start: Where each track begins in `slices`, with the end of the last one; shape
            (tracks + 1,).
        problems: What was wrong with the file, and what became of it.
        problem_counts: How often each kind of problem was met, also beyond those listed.
    """

    origin: Origin
    strings: tuple[str, ...]
    categories: tuple[str, ...]
    tracks: tuple[Track, ...]
    track_start: Int64s
    slices: Slices
    work: DeviceWork
    calls: Calls
    operators: Operators
    python: PythonCalls
    collectives: Collectives
    syncs: Syncs
    memory: MemoryEvents
    flows: Flows
    counters: Counters
    instants: Instants
    devices: tuple[Device, ...] = ()
    problems: tuple[Problem, ...] = ()
    problem_counts: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def rows(self, *kinds: Kind) -> Int32s:
        """Return the rows of all slices of these kinds, ascending."""
        wanted = np.zeros(len(Kind), np.bool_)
        wanted[list(kinds)] = True
        return np.flatnonzero(wanted[self.slices.kind]).astype(np.int32)

    def text(self, number: int) -> str:
        """Return the text of a string's number, "" for -1."""
        return self.strings[number] if number >= 0 else ""
