"""Hold what a parser found, in the order of the file, until `assemble` makes a `Trace` of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces.trace import Device, Origin, Place
from gpuboard.store.columns import Problem

Column = npt.NDArray[Any]

# The columns of each table and what stands in them where the file says nothing.
SLICES: Mapping[str, npt.DTypeLike] = {
    "start": np.int64,
    "dur": np.int64,
    "track": np.int32,
    "name": np.int32,
    "kind": np.uint8,
    "category": np.uint8,
    "offset": np.int64,
}
WORK: Mapping[str, npt.DTypeLike] = {
    "row": np.int32,
    "correlation": np.int64,
    "external": np.int64,
    "device": np.int32,
    "stream": np.int64,
    "context": np.int32,
    "grid": np.int32,
    "block": np.int32,
    "registers": np.int32,
    "shared_memory": np.int32,
    "blocks_per_sm": np.float32,
    "warps_per_sm": np.float32,
    "occupancy": np.float32,
    "bytes": np.int64,
    "bandwidth": np.float32,
    "graph": np.int64,
    "graph_node": np.int64,
    "queued": np.int64,
    "launcher": np.int32,
}
CALLS: Mapping[str, npt.DTypeLike] = {
    "row": np.int32,
    "correlation": np.int64,
    "external": np.int64,
}
OPERATORS: Mapping[str, npt.DTypeLike] = {
    "row": np.int32,
    "external": np.int64,
    "sequence": np.int64,
    "forward_thread": np.int64,
    "dims": np.int32,
    "types": np.int32,
    "strides": np.int32,
    "concrete": np.int32,
    "stack": np.int32,
    "module": np.int32,
    "flops": np.int64,
}
PYTHON: Mapping[str, npt.DTypeLike] = {
    "row": np.int32,
    "id": np.int64,
    "parent": np.int64,
    "module": np.int64,
}
COLLECTIVES: Mapping[str, npt.DTypeLike] = {
    "row": np.int32,
    "collective": np.int32,
    "elements_in": np.int64,
    "elements_out": np.int64,
    "dtype": np.int32,
    "group_size": np.int32,
    "group": np.int32,
    "group_label": np.int32,
    "group_ranks": np.int32,
    "rank": np.int32,
    "source": np.int32,
    "target": np.int32,
    "sequence": np.int64,
}
SYNCS: Mapping[str, npt.DTypeLike] = {
    "row": np.int32,
    "sync": np.int32,
    "stream": np.int64,
    "correlation": np.int64,
    "awaited_stream": np.int64,
    "awaited_correlation": np.int64,
}
MEMORY: Mapping[str, npt.DTypeLike] = {
    "time": np.int64,
    "track": np.int32,
    "address": np.int64,
    "bytes": np.int64,
    "allocated": np.int64,
    "reserved": np.int64,
    "device_type": np.int32,
    "device": np.int32,
}
# Both ends of arrows as the file has them: phase 0 begins, 1 passes by, 2 ends.
FLOW_ENDS: Mapping[str, npt.DTypeLike] = {
    "label": np.int32,
    "id": np.int64,
    "phase": np.uint8,
    "time": np.int64,
    "track": np.int32,
}
COUNTERS: Mapping[str, npt.DTypeLike] = {
    "name": np.int32,
    "key": np.int32,
    "track": np.int32,
    "time": np.int64,
    "value": np.float64,
}
INSTANTS: Mapping[str, npt.DTypeLike] = {"time": np.int64, "track": np.int32, "name": np.int32}

WIDE = ("grid", "block")  # columns of three numbers


def filled(
    spec: Mapping[str, npt.DTypeLike], columns: Mapping[str, Column], n: int
) -> dict[str, Column]:
    """Return all columns of `spec` with `n` rows; those not given say "not in the file"."""
    table = {}
    for name, dtype in spec.items():
        shape = (n, 3) if name in WIDE else (n,)
        if name in columns:
            column = np.asarray(columns[name], dtype)
            if column.shape != shape:
                raise ValueError(f"column {name!r} has shape {column.shape}, expected {shape}")
            table[name] = column
        else:
            missing = np.nan if np.issubdtype(np.dtype(dtype), np.floating) else -1
            table[name] = np.full(shape, missing).astype(dtype)
    return table


@dataclasses.dataclass(slots=True)
class RawTrack:
    """A track as a parser met it; what `assemble` turns into a `Track`."""

    process: str
    thread: str
    process_label: str = ""
    thread_label: str = ""
    order: int = 0
    place: Place | None = None  # None: told by the kinds of the slices that lie on it
    device: int = -1
    stream: int = -1


@dataclasses.dataclass(slots=True)
class Parts:
    """What one file holds, in file order; each table has the columns of its specification above.

    A column that a format does not know may be left out. `row` counts the slices in file order.
    """

    origin: Origin
    strings: list[str]
    categories: list[str]
    tracks: list[RawTrack]
    slices: dict[str, Column]
    work: dict[str, Column] = dataclasses.field(default_factory=dict)
    calls: dict[str, Column] = dataclasses.field(default_factory=dict)
    operators: dict[str, Column] = dataclasses.field(default_factory=dict)
    python: dict[str, Column] = dataclasses.field(default_factory=dict)
    collectives: dict[str, Column] = dataclasses.field(default_factory=dict)
    syncs: dict[str, Column] = dataclasses.field(default_factory=dict)
    memory: dict[str, Column] = dataclasses.field(default_factory=dict)
    flow_ends: dict[str, Column] = dataclasses.field(default_factory=dict)
    counters: dict[str, Column] = dataclasses.field(default_factory=dict)
    instants: dict[str, Column] = dataclasses.field(default_factory=dict)
    devices: tuple[Device, ...] = ()
    problems: list[Problem] = dataclasses.field(default_factory=list)
    problem_counts: dict[str, int] = dataclasses.field(default_factory=dict)
