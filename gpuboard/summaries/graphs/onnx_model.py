"""Decode an ONNX model: its nodes and weights become a graph whose edges are named values.

Source of the format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Weights are skipped,
not loaded: of an initializer only name, shape and dtype are kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.onnx_pb2 import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
)
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs.attributes import DTYPE_BYTES, as_attribute, bytes_text
from gpuboard.summaries.graphs.graph import UNKNOWN, Attribute, Graph, GraphBuilder, Node, Tensor
from gpuboard.summaries.graphs.graph_def import check_size
from gpuboard.summaries.graphs.wire_thin import ONNX, Data, thinned

# onnx.proto, TensorProto.DataType.
DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    8: "string", 9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64",
    14: "complex64", 15: "complex128", 16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz",
    19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4_e2m1",
}  # fmt: skip
_LEAST_WEIGHT = 16


def decode(data: Data) -> Graph:
    """Return the graph of a serialised ONNX model.

    Args:
        data: The bytes of an .onnx file; may be a stretch of a file.

    Raises:
        DataError: The bytes are no ONNX model, it has no graph, or it passes a limit.
    """
    thin = thinned(data, ONNX)
    check_size(len(thin))
    try:
        message = ModelProto.FromString(thin)
    except DecodeError as error:
        raise DataError(f"{len(data):,} bytes that are no ONNX model") from error
    if not message.graph.node:
        raise DataError("no ONNX model: it has no nodes")
    decoder = _Decoder()
    decoder.graph(message.graph, _Scope("", None), is_top=True)
    for function in message.functions:
        decoder.function(function)
    return decoder.builder.build(decoder.attributes)


@dataclasses.dataclass(slots=True)
class _Scope:
    """The names of values in one graph: where each comes from, and what is known of it."""

    prefix: str
    outer: _Scope | None
    sources: dict[str, tuple[str, int]] = dataclasses.field(default_factory=dict)
    tensors: dict[str, Tensor] = dataclasses.field(default_factory=dict)

    def find(self, value: str) -> tuple[str, int] | None:
        scope: _Scope | None = self
        while scope is not None:
            if value in scope.sources:
                return scope.sources[value]
            scope = scope.outer
        return None


class _Decoder:
    def __init__(self) -> None:
        self.builder = GraphBuilder("onnx")
        self.messages: list[Any] = []
        self.functions: set[str] = set()
        self.depth = 0

    def attributes(self, number: int) -> tuple[Attribute, ...]:
        return _attributes(self.messages[number])

    def graph(self, graph: GraphProto, scope: _Scope, *, is_top: bool = False) -> None:
        self.depth += 1
        if self.depth > limits.MAX_GRAPH_DEPTH.value:
            raise DataError(f"graphs nested deeper than {limits.MAX_GRAPH_DEPTH.value}")
        for info in (*graph.value_info, *graph.input, *graph.output):
            scope.tensors[info.name] = _tensor_of(info)
        names = _node_names(graph.node)
        # Weights stand where they are used, so that a layer shows what it holds.
        self._initializers(graph, scope, _first_users(graph.node, names))
        for info in graph.input:
            if info.name not in scope.sources:
                self._add(scope, info.name, _input(scope.prefix + info.name, info), info)
        for node, name in zip(graph.node, names, strict=True):
            self._sources(node, scope.prefix + name, scope)
        for node, name in zip(graph.node, names, strict=True):
            self._node(node, name, scope)
        if is_top:
            for info in graph.output:
                self._output(info, scope)
        self.depth -= 1

    def function(self, function: FunctionProto) -> None:
        scope = _Scope(f"{model.FUNCTIONS}/{function.name}/", None)
        for name in function.input:
            self._add(scope, name, Node(scope.prefix + name, "Input", model.INPUT), None)
        names = _node_names(function.node)
        for node, name in zip(function.node, names, strict=True):
            self._sources(node, scope.prefix + name, scope)
        for node, name in zip(function.node, names, strict=True):
            self._node(node, name, scope)

    def _add(self, scope: _Scope, value: str, node: Node, message: Any) -> None:  # noqa: ANN401
        while self.builder.has(node.name):
            node.name += "'"
        scope.sources[value] = (node.name, 0)
        self.builder.add(node)
        self.messages.append(message)

    def _initializers(self, graph: GraphProto, scope: _Scope, users: dict[str, str]) -> None:
        for weight in graph.initializer:
            folder = _folder(weight.name, users.get(weight.name, ""))
            node = _weight(scope.prefix + folder + weight.name, weight)
            self._add(scope, weight.name, node, weight)

    def _sources(self, node: NodeProto, name: str, scope: _Scope) -> None:
        for port, value in enumerate(node.output):
            if value:
                scope.sources[value] = (name, port)

    def _node(self, node: NodeProto, name: str, scope: _Scope) -> None:
        own = scope.prefix + name
        found = [scope.find(value) for value in node.input if value]
        held = _constant(node)
        trained = held if held is not None and _kind(held) == model.PARAMETER else None
        self.builder.add(
            Node(
                name=own,
                op=node.op_type,
                kind=_kind(held),
                inputs=[(*source, False) for source in found if source is not None],
                outputs=_outputs(node, scope, held),
                parameters=0 if trained is None else trained.elements,
                parameter_bytes=0 if trained is None else _bytes(trained),
            )
        )
        self.messages.append(node)
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(
                attribute.graphs
            ):
                # Scopes of "a" and the node "a" are told apart by `unique_paths`.
                self.graph(inner, _Scope(f"{own}/{attribute.name}/", scope))

    def _output(self, info: ValueInfoProto, scope: _Scope) -> None:
        source = scope.sources.get(info.name)
        name = info.name
        while self.builder.has(name):
            name += " (output)"
        inputs = [] if source is None else [(*source, False)]
        self.builder.add(Node(name, "Output", model.OUTPUT, inputs, [_tensor_of(info)]))
        self.messages.append(info)


def _node_names(nodes: Iterable[NodeProto]) -> list[str]:
    """Return a name for each node, unique in its graph: many exporters leave names empty."""
    taken: dict[str, int] = {}
    names: list[str] = []
    for node in nodes:
        base = node.name.strip("/") or node.op_type or "node"
        count = taken.get(base, 0)
        taken[base] = count + 1
        name = base if count == 0 else f"{base}_{count}"
        while count and name in taken:
            taken[base] += 1
            name = f"{base}_{taken[base] - 1}"
        taken.setdefault(name, 1)
        names.append(name)
    return names


def _first_users(nodes: Sequence[NodeProto], names: Sequence[str]) -> dict[str, str]:
    users: dict[str, str] = {}
    for node, name in zip(nodes, names, strict=True):
        for value in node.input:
            users.setdefault(value, name)
    return users


def _folder(weight: str, user: str) -> str:
    """Return the scope of a weight: that of the node which uses it first, unless it has its own."""
    if "/" in weight or "/" not in user:
        return ""
    return user.rpartition("/")[0] + "/"


def _weight(name: str, tensor: TensorProto) -> Node:
    about = _about(tensor)
    is_weight = _is_weight(about)
    return Node(
        name,
        "Initializer",
        model.PARAMETER if is_weight else model.CONSTANT,
        outputs=[about],
        parameters=about.elements if is_weight else 0,
        parameter_bytes=_bytes(about) if is_weight else 0,
    )


def _about(tensor: TensorProto) -> Tensor:
    dims = tuple(size if size >= 0 else UNKNOWN for size in tensor.dims)
    return Tensor(DTYPES.get(tensor.data_type, ""), dims)


def _is_weight(tensor: Tensor) -> bool:
    """Return whether an initializer was trained: floats, and not a single one."""
    return "float" in tensor.dtype and bool(tensor.shape)


def _bytes(tensor: Tensor) -> int:
    return tensor.elements * DTYPE_BYTES.get(tensor.dtype, 1)


def _constant(node: NodeProto) -> Tensor | None:
    """Return the tensor of a node "Constant", None for other nodes."""
    if node.op_type != "Constant":
        return None
    for attribute in node.attribute:
        if attribute.HasField("t"):
            return _about(attribute.t)
    return Tensor("", None)


def _kind(held: Tensor | None) -> int:
    if held is None:
        return model.OPERATION
    is_weight = _is_weight(held) and held.elements >= _LEAST_WEIGHT  # few floats are settings
    return model.PARAMETER if is_weight else model.CONSTANT


def _outputs(node: NodeProto, scope: _Scope, held: Tensor | None) -> list[Tensor]:
    if held is not None:
        return [held]
    found = [scope.tensors.get(value, Tensor("", None)) for value in node.output]
    return found if any(tensor.text for tensor in found) else []


def _input(name: str, info: ValueInfoProto) -> Node:
    return Node(name, "Input", model.INPUT, outputs=[_tensor_of(info)])


def _tensor_of(info: ValueInfoProto) -> Tensor:
    which = info.type.WhichOneof("value")
    if which not in ("tensor_type", "sparse_tensor_type"):
        return Tensor("", None)
    about = getattr(info.type, which)
    dtype = DTYPES.get(about.elem_type, "")
    if not about.HasField("shape"):
        return Tensor(dtype, None)
    sizes = (
        dim.dim_value if dim.WhichOneof("value") == "dim_value" else UNKNOWN
        for dim in about.shape.dim
    )
    return Tensor(dtype, tuple(size if size >= 0 else UNKNOWN for size in sizes))


def _attributes(message: Any) -> tuple[Attribute, ...]:  # noqa: ANN401 - one of four messages
    if isinstance(message, TensorProto):
        return (as_attribute("values", [_stored(message)]),)
    if isinstance(message, ValueInfoProto):
        return _dimensions(message)
    if not isinstance(message, NodeProto):
        return ()
    found = [_attribute(attribute) for attribute in message.attribute[:500]]
    if message.domain:
        found.append(Attribute("domain", message.domain[:200]))
    if message.doc_string:
        found.append(as_attribute("description", [message.doc_string]))
    return tuple(sorted(found, key=lambda attribute: attribute.name))


def _stored(tensor: TensorProto) -> str:
    if tensor.data_location == 1 or tensor.external_data:
        return "in a file of their own"
    return "in the file of the model"


def _dimensions(info: ValueInfoProto) -> tuple[Attribute, ...]:
    named = [
        f"{place}: {dim.dim_param}"
        for place, dim in enumerate(info.type.tensor_type.shape.dim[:64])
        if dim.dim_param
    ]
    return (as_attribute("named dimensions", named),) if named else ()


def _attribute(attribute: AttributeProto) -> Attribute:
    for field, value in attribute.ListFields():
        if field.name in ("name", "type", "doc_string"):
            continue
        if field.name == "t":
            return as_attribute(attribute.name, [_about(value).text])
        if field.name in ("g", "graphs"):
            return as_attribute(attribute.name, ["a graph, shown as a scope below this node"])
        items = value if field.is_repeated else [value]
        shown = as_attribute(attribute.name, (_item(item) for item in items))
        if not field.is_repeated:
            return shown
        return dataclasses.replace(shown, text=f"[{shown.text}{'' if shown.is_cut else ']'}")
    return Attribute(attribute.name, "")


def _item(item: object) -> str:
    if isinstance(item, bytes):
        return bytes_text(item)
    if isinstance(item, TensorProto):
        return _about(item).text
    return f"{item:g}" if isinstance(item, float) else str(item)
