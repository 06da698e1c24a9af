"""Decode RunMetadata: what each node of a graph cost in one step, and graphs that come with it.

Source of the format: tensorflow/core/framework/step_stats.proto. Times of a node are microseconds
from the first to the last thing that was done for it; where several devices tell of one node, as a
GPU and its streams do, the longest counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.graph_pb2 import NodeExecStats, RunMetadata
from gpuboard.summaries.graphs.attributes import dtype_name, shape_of
from gpuboard.summaries.graphs.graph import Graph, Int32s, Tensor, interned
from gpuboard.summaries.graphs.graph_def import check_size, from_message, merged

Float64s = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Costs:
    """What nodes cost in one step.

    Attributes:
        names: Name of each node, shape (k,); a node has one row.
        time_us: Microseconds, NaN where no time was logged, shape (k,).
        memory_bytes: Bytes that it asked for, NaN where none were logged, shape (k,).
        devices: Different devices.
        device: Index into `devices` of where it took longest, int32, shape (k,).
        outputs: Tensors that it made, in order of their slots.
    """

    names: tuple[str, ...]
    time_us: Float64s
    memory_bytes: Float64s
    devices: tuple[str, ...]
    device: Int32s
    outputs: tuple[tuple[Tensor, ...], ...]


@dataclasses.dataclass(slots=True)
class _Node:
    time_us: float = np.nan
    memory_bytes: float = np.nan
    device: str = ""
    outputs: tuple[Tensor, ...] = ()


def decode(data: bytes) -> Costs:
    """Return what the nodes of one step cost.

    Raises:
        DataError: The bytes are no RunMetadata, or too many.
    """
    found: dict[str, _Node] = {}
    for device in _parsed(data).step_stats.dev_stats:
        on_device: dict[str, _Node] = {}
        for stats in device.node_stats:
            name = stats.node_name.partition(":")[0]
            _add(on_device.setdefault(name, _Node(device=device.device)), stats)
        for name, node in on_device.items():
            known = found.setdefault(name, node)
            if known is not node:
                _merge(known, node)
    devices, places = interned(node.device for node in found.values())
    return Costs(
        names=tuple(found),
        time_us=np.array([node.time_us for node in found.values()], np.float64),
        memory_bytes=np.array([node.memory_bytes for node in found.values()], np.float64),
        devices=devices,
        device=places,
        outputs=tuple(node.outputs for node in found.values()),
    )


def decode_graph(data: bytes) -> Graph | None:
    """Return the graph that comes with RunMetadata, None when none does.

    TensorFlow 2 logs the functions of a step this way: before optimisation where it is there.

    Raises:
        DataError: The bytes are no RunMetadata, or the graph passes a limit.
    """
    message = _parsed(data)
    graphs = [
        each.pre_optimization_graph
        if each.pre_optimization_graph.node or each.pre_optimization_graph.library.function
        else merged(each.partition_graphs)
        for each in message.function_graphs
    ] or list(message.partition_graphs)
    whole = merged(graphs)
    return from_message(whole) if whole.node or whole.library.function else None


def aligned(costs: Costs, names: Sequence[str]) -> tuple[Float64s, Float64s, list[str]]:
    """Return times, bytes and devices in the order of `names`: NaN, NaN and "" where unknown."""
    row = {name: place for place, name in enumerate(costs.names)}
    places = np.array([row.get(name, -1) for name in names], np.int64)
    time = np.append(costs.time_us, np.nan)[places]
    memory = np.append(costs.memory_bytes, np.nan)[places]
    return time, memory, [costs.devices[costs.device[p]] if p >= 0 else "" for p in places]


def _parsed(data: bytes) -> RunMetadata:
    check_size(len(data))
    try:
        return RunMetadata.FromString(data)
    except DecodeError as error:
        raise DataError(f"{len(data):,} bytes that are no RunMetadata") from error


def _add(node: _Node, stats: NodeExecStats) -> None:
    time = _time_us(stats)
    node.time_us = time if np.isnan(node.time_us) else node.time_us + max(time, 0.0)
    asked = _bytes(stats)
    if not np.isnan(asked):
        node.memory_bytes = float(np.nansum([node.memory_bytes, asked]))
    if stats.output and not node.outputs:
        slots = sorted(stats.output, key=lambda output: output.slot)
        made = [each.tensor_description for each in slots]
        node.outputs = tuple(Tensor(dtype_name(t.dtype), shape_of(t.shape)) for t in made)


def _time_us(stats: NodeExecStats) -> float:
    nanos = stats.all_end_rel_nanos or stats.op_end_rel_nanos
    micros = stats.all_end_rel_micros or stats.op_end_rel_micros
    time = nanos / 1e3 if nanos else float(micros)
    return time if time > 0 or stats.all_start_micros else np.nan


def _bytes(stats: NodeExecStats) -> float:
    asked = [used.total_bytes for used in stats.memory if used.total_bytes > 0]
    if asked:
        return float(sum(asked))
    made = [each.tensor_description.allocation_description for each in stats.output]
    sizes = [each.requested_bytes or each.allocated_bytes for each in made]
    return float(sum(sizes)) if any(sizes) else np.nan


def _merge(known: _Node, node: _Node) -> None:
    if not known.time_us >= node.time_us:  # also when the known one is NaN
        known.time_us, known.device = node.time_us, node.device
    known.memory_bytes = float(np.fmax(known.memory_bytes, node.memory_bytes))
    known.outputs = known.outputs or node.outputs
