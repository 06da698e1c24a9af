"""List what a rank communicated: which collective, how much, how fast."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.figures.device_time import COMMUNICATION, WorkClass, named, work_classes
from gpuboard.profiler.figures.launches import Launches, join
from gpuboard.profiler.figures.nesting import Nesting, nearest, nest
from gpuboard.profiler.figures.shapes import element_bytes, read_inputs
from gpuboard.profiler.traces.trace import Float64s, Int32s, Int64s, Kind, Trace, UInt8s

NO_COLLECTIVES = "the trace holds no collectives: no kernels of NCCL, RCCL or the like, no gloo:"


class Collective(enum.IntEnum):
    """Which collective it is."""

    OTHER = 0
    ALL_REDUCE = 1
    REDUCE_SCATTER = 2
    ALL_GATHER = 3
    ALL_TO_ALL = 4
    BROADCAST = 5
    REDUCE = 6
    GATHER = 7
    SCATTER = 8
    POINT_TO_POINT = 9
    BARRIER = 10

    @property
    def label(self) -> str:
        """Its name in words."""
        return self.name.lower().replace("_", "-")


# First match counts; underscores and case are gone from the names.
_WORDS = (
    ("allreduce", Collective.ALL_REDUCE), ("reducescatter", Collective.REDUCE_SCATTER),
    ("allgather", Collective.ALL_GATHER), ("alltoall", Collective.ALL_TO_ALL),
    ("broadcast", Collective.BROADCAST), ("sendrecv", Collective.POINT_TO_POINT),
    ("gather", Collective.GATHER), ("scatter", Collective.SCATTER),
    ("reduce", Collective.REDUCE), ("barrier", Collective.BARRIER),
    ("send", Collective.POINT_TO_POINT), ("recv", Collective.POINT_TO_POINT),
    ("isendirecv", Collective.POINT_TO_POINT),
)  # fmt: skip
_NOTE = re.compile(r"^(?:nccl|gloo|ucc|mpi|xccl|hccl):", re.IGNORECASE)
# Of libraries that communicate on the host; those of others last no longer than a launch.
_HOST = re.compile(r"^(?:gloo|mpi|ucc):", re.IGNORECASE)


class Told(enum.IntEnum):
    """Where the facts of a collective are from, best last."""

    NAME = 0  # of the kernel alone
    ANNOTATION = 1  # "nccl:..." around its launch
    OPERATOR = 2  # record_param_comms around its launch
    KERNEL = 3  # arguments of the kernel itself


@dataclasses.dataclass(frozen=True, slots=True)
class CollectiveTable:
    """What one rank communicated, by start; columns of shape (c,).

    Attributes:
        row: Of the kernel in the slices; of the annotation where a library leaves none on a device.
        start: Nanoseconds on the trace's clock, and `end`.
        collective: `Collective`.
        told: `Told`.
        group: Name of the process group, a string, -1 where unknown; `group_ranks` likewise, its
            ranks as JSON text.
        group_size: Ranks in it; the whole job's where the trace does not say; -1 unknown.
        elements: Of the message as `bytes` counts it, -1 unknown.
        dtype: Of its elements, a string, -1 unknown.
        bytes: Size of the message by NCCL-tests: of the input for all-reduce, reduce-scatter,
            broadcast, reduce, all-to-all; of the output for all-gather; -1 unknown.
        sequence: Number within the group, -1 unknown; `source` and `target` ranks of
            point-to-point ones, likewise.
        algorithm_gbs: bytes / duration, 10^9 bytes a second, NaN unknown. With waiting for other
            ranks in it: a lower bound, see `Matched` for the truth.
        bus_gbs: `algorithm_gbs` x `bus_factor`: comparable with the bandwidth of links.
        absent: Why there is nothing, "" where there is.
    """

    row: Int32s
    start: Int64s
    end: Int64s
    collective: UInt8s
    told: UInt8s
    group: Int32s
    group_ranks: Int32s
    group_size: Int32s
    elements: Int64s
    dtype: Int32s
    bytes: Int64s
    sequence: Int64s
    source: Int32s
    target: Int32s
    algorithm_gbs: Float64s
    bus_gbs: Float64s
    absent: str = ""

    def __len__(self) -> int:
        return len(self.row)

    @property
    def duration(self) -> Int64s:
        """Nanoseconds."""
        return self.end - self.start


def bus_factor(collective: int, ranks: int) -> float:
    """Return by what bus bandwidth is more than algorithm bandwidth, NaN for unknown ranks.

    From NVIDIA's nccl-tests, doc/PERFORMANCE.md: all-reduce 2 (n-1)/n; all-gather, reduce-scatter,
    all-to-all, gather, scatter (n-1)/n; broadcast, reduce, send and receive 1.
    """
    if collective in (Collective.BROADCAST, Collective.REDUCE, Collective.POINT_TO_POINT):
        return 1.0
    if ranks < 1 or collective in (Collective.OTHER, Collective.BARRIER):
        return float("nan")
    once = (ranks - 1) / ranks
    return 2 * once if collective == Collective.ALL_REDUCE else once


def bus_factors(collective: UInt8s, ranks: Int32s | Int64s) -> Float64s:
    """Return `bus_factor` of each pair, shape (c,)."""
    pairs = np.stack([collective.astype(np.int64), ranks.astype(np.int64)], axis=1)
    distinct, which = np.unique(pairs, axis=0, return_inverse=True)
    found = np.array([bus_factor(kind, n) for kind, n in distinct.tolist()], np.float64)
    factors: Float64s = found[which.reshape(-1)] if len(found) else np.empty(0)
    return factors


def collective_named(name: str) -> Collective:
    """Return which collective a name of a kernel, an operator or an argument speaks of."""
    plain = name.lower().replace("_", "")
    return next((kind for word, kind in _WORDS if word in plain), Collective.OTHER)


def collectives(
    trace: Trace, nesting: Nesting | None = None, launches: Launches | None = None
) -> CollectiveTable:
    """List the collectives of one rank.

    One row for each kernel of a communication library. What it did is told by its own arguments,
    failing these by those of record_param_comms around its launch, failing these by name and shapes
    of the annotation "nccl:..." there, failing that by its name. Without such kernels, one row for
    each annotation of a library that communicates on the host ("gloo:...").
    """
    nesting = nest(trace) if nesting is None else nesting
    launches = join(trace, nesting) if launches is None else launches
    works = np.flatnonzero(work_classes(trace) == WorkClass.COMM)
    is_host = not len(works)
    rows = _notes(trace, _HOST) if is_host else trace.work.row[works]
    call = rows if is_host else np.where(
        launches.call[works] >= 0, launches.call[works], launches.operator[works]
    )  # fmt: skip
    facts = _facts(trace, nesting, rows, call)
    start = trace.slices.start[rows]
    order = np.argsort(start, kind="stable")
    columns = {name: column[order] for name, column in facts.items()}
    start = start[order]
    dur = trace.slices.dur[rows][order]
    usable = (dur > 0) & (columns["bytes"] > 0) & ~trace.slices.suspect[rows][order]
    with np.errstate(divide="ignore", invalid="ignore"):
        algorithm = np.where(usable, columns["bytes"] / dur, np.nan)
    return CollectiveTable(
        row=rows[order],
        start=start,
        end=start + dur,
        algorithm_gbs=algorithm,
        bus_gbs=algorithm * bus_factors(columns["collective"], columns["group_size"]),
        **columns,
        absent="" if len(rows) else NO_COLLECTIVES,
    )


def _notes(trace: Trace, pattern: re.Pattern[str]) -> Int32s:
    """Return the rows of annotations on the host whose names match."""
    notes = trace.rows(Kind.ANNOTATION)
    names = trace.slices.name[notes]
    return notes[named(trace, names, pattern)[names]]


def _facts(
    trace: Trace, nesting: Nesting, rows: Int32s, call: Int32s
) -> dict[str, npt.NDArray[Any]]:
    """Return columns of what is known of each row, from the best source of each."""
    own = _entries(trace)[rows]
    entry = np.where(own >= 0, own, _entry_around(trace, nesting, call))
    note = _note_of(trace, nesting, call)
    taken = {name: _filled(getattr(trace.collectives, name), entry) for name in _TAKEN}
    kind_of = _kinds(trace)
    kind = kind_of[trace.slices.name[rows]].astype(np.int64)
    kind = np.where(note >= 0, kind_of[_filled(trace.slices.name, note)], kind)
    kind = np.where(taken["collective"] >= 0, kind_of[taken["collective"]], kind)
    told = np.where(note >= 0, Told.ANNOTATION, Told.NAME)
    told = np.where(entry >= 0, np.where(own >= 0, Told.KERNEL, Told.OPERATOR), told)
    size = np.where(taken["group_size"] > 0, taken["group_size"], trace.origin.world_size or -1)
    elements, moved = _messages(trace, taken, kind, size)
    noted, noted_bytes = _noted(trace, note, kind, size)
    return {
        "collective": kind.astype(np.uint8),
        "told": told.astype(np.uint8),
        "group": taken["group"].astype(np.int32),
        "group_ranks": taken["group_ranks"].astype(np.int32),
        "group_size": size.astype(np.int32),
        "elements": np.where(elements >= 0, elements, noted),
        "dtype": taken["dtype"].astype(np.int32),
        "bytes": np.where(moved >= 0, moved, noted_bytes),
        "sequence": taken["sequence"].astype(np.int64),
        "source": taken["source"].astype(np.int32),
        "target": taken["target"].astype(np.int32),
    }


_TAKEN = ("collective", "elements_in", "elements_out", "dtype", "group_size", "group",
          "group_ranks", "sequence", "source", "target")  # fmt: skip


def _filled(column: npt.NDArray[Any], place: Int32s | Int64s) -> Int64s:
    """Return the values at these places, -1 where a place is -1."""
    values: Int64s = np.append(column, -1).astype(np.int64)[place]
    return values


def _entries(trace: Trace) -> Int32s:
    """Return the row of `trace.collectives` for each slice, -1 where it has none."""
    at = np.full(len(trace.slices), -1, np.int32)
    at[trace.collectives.row] = np.arange(len(trace.collectives.row))
    return at


def _entry_around(trace: Trace, nesting: Nesting, call: Int32s) -> Int64s:
    """Return the row of `trace.collectives` of the operator around each call, or -1."""
    at = _entries(trace)
    on_host = (at >= 0) & np.isin(trace.slices.kind, (Kind.OPERATOR, Kind.ANNOTATION))
    return _filled(at, _filled(nearest(nesting, on_host), call))


def _kinds(trace: Trace) -> UInt8s:
    """Return the `Collective` that each string speaks of, for those that matter here."""
    kinds = np.zeros(len(trace.strings) + 1, np.uint8)
    slices = trace.slices
    wanted = np.isin(slices.kind, (Kind.KERNEL, Kind.ANNOTATION))
    numbers = np.unique(np.concatenate([slices.name[wanted], trace.collectives.collective]))
    texts = ((number, trace.text(number)) for number in numbers.tolist() if number >= 0)
    told = set(np.unique(trace.collectives.collective).tolist())
    for number, text in texts:
        if number in told or COMMUNICATION.search(text) or _NOTE.match(text):
            kinds[number] = collective_named(text)
    return kinds


def _note_of(trace: Trace, nesting: Nesting, call: Int32s) -> Int64s:
    """Return the row of the annotation "nccl:..." around each call, or -1."""
    marked = np.zeros(len(trace.slices), np.bool_)
    marked[_notes(trace, _NOTE)] = True
    return _filled(nearest(nesting, marked), call)


def _messages(
    trace: Trace, taken: dict[str, Int64s], kind: Int64s, size: Int64s
) -> tuple[Int64s, Int64s]:
    """Return elements and bytes of each message as NCCL-tests count them, -1 unknown."""
    sent, got = taken["elements_in"], taken["elements_out"]
    gathered = np.where(got > 0, got, np.where((sent >= 0) & (size > 0), sent * size, -1))
    elements = np.where(kind == Collective.ALL_GATHER, gathered, sent)
    both = np.isin(kind, (Collective.POINT_TO_POINT, Collective.SCATTER))
    elements = np.where(both, np.maximum(sent, got), elements)
    widths = np.zeros(len(trace.strings) + 1, np.int64)
    for number in np.unique(taken["dtype"]).tolist():
        widths[number] = element_bytes(trace.text(number)) if number >= 0 else 0
    width = widths[taken["dtype"]]
    return elements, np.where((elements >= 0) & (width > 0), elements * width, -1)


def _noted(trace: Trace, note: Int64s, kind: Int64s, size: Int64s) -> tuple[Int64s, Int64s]:
    """Return elements and bytes of each message by the shapes at its annotation, -1 unknown."""
    operators = trace.operators
    place = np.full(len(trace.slices), -1, np.int64)
    place[operators.row] = np.arange(len(operators.row))
    entry = _filled(place, note)
    texts = np.stack([_filled(operators.dims, entry), _filled(operators.types, entry)], axis=1)
    pairs, which = np.unique(texts, axis=0, return_inverse=True)
    found = np.full((len(pairs), 2), -1, np.int64)
    for number, (shapes, words) in enumerate(pairs.tolist()):
        inputs = read_inputs(trace.text(shapes), trace.text(words), "") if shapes >= 0 else None
        tensors = inputs.tensors if inputs else ()
        if tensors:
            found[number] = sum(t.elements for t in tensors), sum(t.bytes for t in tensors)
    values = found[which.reshape(-1)]
    times = np.where((kind == Collective.ALL_GATHER) & (size > 0), size, 1)
    scaled = np.where(values >= 0, values * times[:, None], -1)
    return scaled[:, 0], scaled[:, 1]


@dataclasses.dataclass(frozen=True, slots=True)
class CollectiveGroup:
    """Collectives of one sort, group, type and size together.

    Attributes:
        total_ns: Sum of durations; `least_ns` and `most_ns` of one.
        bytes: Of one message, -1 unknown.
        bus_gbs: Of the quickest, 10^9 bytes a second, NaN unknown.
    """

    collective: Collective
    group: str
    ranks: tuple[int, ...]
    group_size: int
    dtype: str
    elements: int
    bytes: int
    count: int
    total_ns: int
    least_ns: int
    most_ns: int
    bus_gbs: float


def summary(trace: Trace, table: CollectiveTable) -> tuple[CollectiveGroup, ...]:
    """Group the collectives of a rank by sort, group, type and size, most time first."""
    columns = (table.collective, table.group, table.group_ranks, table.group_size, table.dtype,
               table.elements, table.bytes)  # fmt: skip
    keys = np.stack([column.astype(np.int64) for column in columns], axis=1)
    distinct, which = np.unique(keys, axis=0, return_inverse=True)
    which = which.reshape(-1)
    found = []
    for number, key in enumerate(distinct.tolist()):
        mine = which == number
        dur, bus = table.duration[mine], table.bus_gbs[mine]
        known = bus[np.isfinite(bus)]
        found.append(
            CollectiveGroup(
                collective=Collective(key[0]),
                group=trace.text(key[1]),
                ranks=ranks_of(trace.text(key[2])),
                group_size=key[3],
                dtype=trace.text(key[4]),
                elements=key[5],
                bytes=key[6],
                count=len(dur),
                total_ns=int(dur.sum()),
                least_ns=int(dur.min()),
                most_ns=int(dur.max()),
                bus_gbs=float(known.max()) if len(known) else float("nan"),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.total_ns))


def ranks_of(text: str) -> tuple[int, ...]:
    """Return the ranks that a text such as "[0, 1, 2]" lists, () for what is none."""
    try:
        ranks = json.loads(text) if text else []
    except ValueError:
        return ()
    if not isinstance(ranks, list) or not all(isinstance(rank, int) for rank in ranks):
        return ()
    return tuple(ranks)
