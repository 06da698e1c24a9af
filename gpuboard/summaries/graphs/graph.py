"""Hold the graph of a model as columns, whatever wrote it: TensorFlow, PyTorch, Keras or ONNX.

A node is a number from 0 to n - 1. Its name is a path of scopes with "/" between them; an edge
goes from a node to one that lists it among its inputs. Decoders live in `graph_def`, `keras_model`
and `onnx_model`; all of them fill a `GraphBuilder`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.errors import DataError

T = TypeVar("T")
Int8s = npt.NDArray[np.int8]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# What a node is, for a reader of the picture.
OPERATION, PARAMETER, CONSTANT, INPUT, OUTPUT, SUMMARY, CALL = range(7)
KIND_NAMES = ("operation", "parameter", "constant", "input", "output", "summary", "call")

FUNCTIONS = "functions"  # the scope that holds the bodies of functions
UNKNOWN = -1  # a dimension that is not known
MAX_NAME_CHARACTERS = 4_000
MAX_COUNT = 1 << 45  # of parameters of one node, and of their bytes
MAX_OUTPUTS = 64  # of one node; further ones are counted in a note


@dataclasses.dataclass(frozen=True, slots=True)
class Tensor:
    """What is known of a tensor: "" or None for what is not."""

    dtype: str
    shape: tuple[int, ...] | None

    @property
    def text(self) -> str:
        """The tensor in words, such as "float32 1×3×32×32", "" when nothing is known."""
        return " ".join(part for part in (self.dtype, self.dims) if part)

    @property
    def dims(self) -> str:
        """The shape in words: "1×3×?", "scalar", or "" when it is not known."""
        if self.shape is None:
            return ""
        return "×".join("?" if size < 0 else str(size) for size in self.shape) or "scalar"

    @property
    def elements(self) -> int:
        """Number of elements, 0 when the shape is not known whole."""
        if self.shape is None or any(size < 0 for size in self.shape):
            return 0
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a node as text; `is_cut` says that the log holds more than is shown."""

    name: str
    text: str
    is_cut: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """The graph of one model.

    Attributes:
        source: "tensorflow", "torch", "keras" or "onnx".
        names: Path of each node, unique.
        ops: Different operations.
        op: Index into `ops`, int32, shape (n,).
        kind: OPERATION ... CALL, int8, shape (n,).
        devices: Different devices, "" for none.
        device: Index into `devices`, int32, shape (n,).
        clusters: Different XLA clusters, "" for none.
        cluster: Index into `clusters`, int32, shape (n,).
        input_start: Inputs of node k are `input_node[input_start[k]:input_start[k + 1]]`.
        input_node: Where each input comes from, int32, shape (m,).
        input_port: Which output of that node it takes, int32, shape (m,).
        is_control: Whether an input only says "after", shape (m,).
        output_start: Outputs of node k are `tensors[output[output_start[k]:output_start[k + 1]]]`.
        output: Index into `tensors`, int32.
        tensors: Different tensors.
        parameters: Trained numbers that a node holds, int64, shape (n,).
        parameter_bytes: What they take, int64, shape (n,).
        functions: Names of the functions that nodes call.
        calls: Index into `functions`, -1 for none, int32, shape (n,).
        attributes: Answers all attributes of a node.
        notes: What was left out, in sentences.
    """

    source: str
    names: tuple[str, ...]
    ops: tuple[str, ...]
    op: Int32s
    kind: Int8s
    devices: tuple[str, ...]
    device: Int32s
    clusters: tuple[str, ...]
    cluster: Int32s
    input_start: Int64s
    input_node: Int32s
    input_port: Int32s
    is_control: Bools
    output_start: Int64s
    output: Int32s
    tensors: tuple[Tensor, ...]
    parameters: Int64s
    parameter_bytes: Int64s
    functions: tuple[str, ...]
    calls: Int32s
    attributes: Callable[[int], tuple[Attribute, ...]]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def outputs(self, node: int) -> list[Tensor]:
        """Return the tensors that a node makes."""
        span = slice(self.output_start[node], self.output_start[node + 1])
        return [self.tensors[k] for k in self.output[span]]

    def shape_text(self, node: int) -> str:
        """Return the shape of a node's first output, "" when it is not known."""
        start, stop = self.output_start[node], self.output_start[node + 1]
        return self.tensors[self.output[start]].dims if stop > start else ""


@dataclasses.dataclass(slots=True)
class Node:
    """One node on its way into a `GraphBuilder`; inputs are (name, output, is_control)."""

    name: str
    op: str
    kind: int = OPERATION
    inputs: list[tuple[str, int, bool]] = dataclasses.field(default_factory=list)
    outputs: list[Tensor] = dataclasses.field(default_factory=list)
    device: str = ""
    cluster: str = ""
    parameters: int = 0
    parameter_bytes: int = 0
    calls: str = ""


class GraphBuilder:
    """Take nodes one by one and return them as columns; inputs may name nodes that come later."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.nodes: list[Node] = []
        self.notes: list[str] = []
        self._number: dict[str, int] = {}
        self._edges = 0

    def add(self, node: Node) -> int:
        """Take a node and return its number.

        Raises:
            DataError: The graph has more nodes or inputs than the limits allow.
        """
        number = len(self.nodes)
        self._edges += len(node.inputs)
        for count, limit in (
            (number + 1, limits.MAX_GRAPH_NODES),
            (self._edges, limits.MAX_GRAPH_EDGES),
        ):
            if count > limit.value:
                raise DataError(
                    f"the graph has more than {limit.value:,} {limit.name.rsplit('_', 1)[1]} "
                    f"({limit.name}); log a part of the model"
                )
        # Inputs name nodes as the log does, so that is what they are found by.
        self._number.setdefault(node.name, number)
        self.nodes.append(node)
        return number

    def has(self, name: str) -> bool:
        """Return whether a node of this name has been taken."""
        return name in self._number

    def build(self, attributes: Callable[[int], tuple[Attribute, ...]]) -> Graph:
        """Return the graph.

        Args:
            attributes: Answers the attributes of the node of a number.

        Raises:
            DataError: There is no node.
        """
        if not self.nodes:
            raise DataError("the graph has no nodes")
        ops, op = interned(node.op for node in self.nodes)
        devices, device = interned(node.device for node in self.nodes)
        clusters, cluster = interned(node.cluster for node in self.nodes)
        functions, calls = interned((node.calls for node in self.nodes), empty=-1)
        edges = self._inputs()
        tensors, output = interned(out for node in self.nodes for out in node.outputs[:MAX_OUTPUTS])
        counts = [min(len(node.outputs), MAX_OUTPUTS) for node in self.nodes]
        return Graph(
            source=self.source,
            names=unique_paths([node.name for node in self.nodes]),
            ops=ops,
            op=op,
            kind=np.array([node.kind for node in self.nodes], np.int8),
            devices=devices,
            device=device,
            clusters=clusters,
            cluster=cluster,
            input_start=edges[0],
            input_node=edges[1],
            input_port=edges[2],
            is_control=edges[3],
            output_start=starts(counts),
            output=output,
            tensors=tensors,
            parameters=_counts(node.parameters for node in self.nodes),
            parameter_bytes=_counts(node.parameter_bytes for node in self.nodes),
            functions=functions,
            calls=calls,
            attributes=attributes,
            notes=tuple(self.notes),
        )

    def _inputs(self) -> tuple[Int64s, Int32s, Int32s, Bools]:
        counts: list[int] = []
        found: list[tuple[int, int, bool]] = []
        missing = 0
        for node in self.nodes:
            before = len(found)
            for name, port, is_control in node.inputs:
                source = self._number.get(name)
                if source is None:
                    missing += 1
                else:
                    found.append((source, port, is_control))
            counts.append(len(found) - before)
        if missing and self.source != "torch":  # its graphs name modules, which are no nodes
            self.notes.append(f"{missing:,} inputs name nodes that the graph does not hold")
        sources, ports, controls = zip(*found, strict=True) if found else ((), (), ())
        return (
            starts(counts),
            np.array(sources, np.int32),
            np.array(ports, np.int32),
            np.array(controls, np.bool_),
        )


def interned(items: Iterable[T], *, empty: int = 0) -> tuple[tuple[T, ...], Int32s]:
    """Return different items in order of appearance, and for each item its place among them.

    Args:
        items: Anything that can be a key.
        empty: With -1, the empty text is no item of its own: its place is -1.
    """
    numbers: dict[T, int] = {}
    places = [
        -1 if empty < 0 and item == "" else numbers.setdefault(item, len(numbers)) for item in items
    ]
    return tuple(numbers), np.array(places, np.int32)


def starts(counts: Sequence[int]) -> Int64s:
    """Return where each of several runs of so many items starts, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(counts, np.int64))])


def _counts(counts: Iterable[int]) -> Int64s:
    # A log may claim any shape; sums of these still fit.
    return np.array([min(count, MAX_COUNT) for count in counts], np.int64)


def unique_paths(names: Sequence[str]) -> tuple[str, ...]:
    """Return one path for each name: no empty parts, no two alike, none that is also a scope.

    A node "a" beside "a/b" becomes "a/(a)", as readers of TensorBoard know it; of nodes of one
    name, the second gets " (2)" behind it.
    """
    paths = [_path(name, number) for number, name in enumerate(names)]
    scopes = {path[:end] for path in set(paths) for end in _slashes(path)}
    taken: set[str] = set()
    copies: dict[str, int] = {}
    found: list[str] = []
    for path in paths:
        own = f"{path}/({path.rsplit('/', 1)[-1]})" if path in scopes else path
        unique = own
        while unique in taken or (unique != own and unique in scopes):
            copies[own] = copies.get(own, 1) + 1
            unique = f"{own} ({copies[own]})"
        taken.add(unique)
        found.append(unique)
    return tuple(found)


def _path(name: str, number: int) -> str:
    parts = [part for part in name[:MAX_NAME_CHARACTERS].split("/") if part]
    deepest = limits.MAX_GRAPH_DEPTH.value
    if len(parts) > deepest:
        parts = [*parts[: deepest - 1], "|".join(parts[deepest - 1 :])]
    return "/".join(parts) or f"unnamed {number}"


def _slashes(path: str) -> list[int]:
    return [place for place, character in enumerate(path) if character == "/"]
