"""Decode a GraphDef: the graph of TensorFlow, and the traced graph that PyTorch writes as one.

Sources of the format: tensorflow/core/framework/{graph,node_def,function}.proto and
torch/utils/tensorboard/_pytorch_graph.py. An input is "node", "node:2" (its third output), "^node"
(control only) or, in a function body, "node:name:2".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from google.protobuf.message import DecodeError

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.graph_pb2 import (
    FunctionDef,
    GraphDef,
    MetaGraphDef,
    NodeDef,
    OpDef,
)
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs.attributes import (
    DTYPE_BYTES,
    as_attribute,
    attributes_of,
    bytes_text,
    dtype_name,
    shape_of,
)
from gpuboard.summaries.graphs.graph import Attribute, Graph, GraphBuilder, Node, Tensor
from gpuboard.summaries.graphs.torch_graph import finish_torch, is_torch
from gpuboard.summaries.graphs.wire_thin import GRAPH_DEF, META_GRAPH, Data, thinned

_VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable"})
_CONSTANTS = frozenset({"Const", "HostConst", "prim::Constant"})
_INPUTS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg", "Arg"})
_OUTPUTS = frozenset({"_Retval", "Retval"})
_SUMMARY = re.compile(r"(?:Scalar|Histogram|Image|Audio|Tensor|Merge|Write\w*)Summary(?:V\d)?\Z")
_DTYPE_ATTRIBUTES = ("dtype", "T", "DstT", "output_type", "out_type")
_LEAST_WEIGHT = 16  # a constant of fewer floats is a setting, not a trained weight
_MAX_NODE_ATTRIBUTES = 500


def decode(data: Data) -> Graph:
    """Return the graph of a serialised GraphDef.

    Raises:
        DataError: The bytes are no GraphDef, it is empty, or it passes a limit.
    """
    return from_message(parse(data))


def decode_meta(data: Data) -> Graph:
    """Return the graph of a serialised MetaGraphDef, as `decode` does."""
    thin = thinned(data, META_GRAPH)
    check_size(len(thin))
    try:
        return from_message(MetaGraphDef.FromString(thin).graph_def)
    except DecodeError as error:
        raise DataError(f"{len(data):,} bytes that are no MetaGraphDef") from error


def parse(data: Data) -> GraphDef:
    """Return the message, without the numbers of large tensors.

    Raises:
        DataError: The bytes are no GraphDef, or too many.
    """
    thin = thinned(data, GRAPH_DEF)
    check_size(len(thin))
    try:
        return GraphDef.FromString(thin)
    except DecodeError as error:
        raise DataError(f"{len(data):,} bytes that are no GraphDef") from error


def check_size(size: int) -> None:
    """Refuse a graph beyond `limits.MAX_GRAPH_BYTES`.

    Raises:
        DataError: It is larger.
    """
    if size > limits.MAX_GRAPH_BYTES.value:
        raise DataError(
            f"the graph takes {size:,} bytes, at most {limits.MAX_GRAPH_BYTES.value:,} are decoded "
            f"({limits.MAX_GRAPH_BYTES.name}); log it without its weights"
        )


def from_message(message: GraphDef) -> Graph:
    """Return the graph of a GraphDef; the message must not be changed afterwards.

    Raises:
        DataError: It is empty or passes a limit.
    """
    source = _source(message.node)
    builder = GraphBuilder(source)
    kept: list[NodeDef | None] = []
    functions = {function.signature.name for function in message.library.function}
    made = {node.name for node in message.node if "parameters" in node.attr}
    for node in message.node:
        taken = _node(node, functions)
        if source == "onnx" and node.op == "Variable":
            _as_end(taken, made)
        builder.add(taken)
        kept.append(node)
    for function in message.library.function:
        _add_function(builder, kept, function, functions)
    if source == "torch":
        finish_torch(builder.nodes, message.node)

    def attributes(number: int) -> tuple[Attribute, ...]:
        node = kept[number]
        return () if node is None else _attributes(node)

    return builder.build(attributes)


def _source(nodes: Sequence[NodeDef]) -> str:
    """Return who wrote a graph; of `add_onnx_graph` no node has an attribute but "parameters"."""
    if is_torch(nodes):
        return "torch"
    is_onnx = any("parameters" in node.attr for node in nodes) and all(
        node.op == "Variable" or list(node.attr) == ["parameters"] for node in nodes
    )
    return "onnx" if is_onnx else "tensorflow"


def _as_end(node: Node, made: set[str]) -> None:
    """Make a "Variable" of `add_onnx_graph` what it is: an input or, by its name, an output."""
    node.parameters = node.parameter_bytes = 0
    node.kind, node.op = model.INPUT, "Input"
    if node.name in made:
        node.kind, node.op = model.OUTPUT, "Output"
        node.inputs = [(node.name, 0, False)]
        node.name += " (output)"


def _attributes(node: NodeDef) -> tuple[Attribute, ...]:
    if len(node.attr) > _MAX_NODE_ATTRIBUTES:
        return (as_attribute("attributes", [f"{len(node.attr):,}, too many to show"]),)
    return attributes_of(node.attr)


def _node(node: NodeDef, functions: set[str], prefix: str = "") -> Node:
    outputs = _outputs(node)
    kind = _kind(node, outputs)
    calls = _called(node, functions)
    held = _held(node, kind)
    return Node(
        name=prefix + node.name,
        op=node.op,
        kind=model.CALL if calls and kind == model.OPERATION else kind,
        inputs=[_input(text, prefix) for text in node.input],
        outputs=outputs or ([held] if held is not None else []),
        device=node.device,
        cluster=_text_of(node, "_XlaCluster") or _text_of(node, "_xla_compile_id"),
        parameters=0 if held is None else held.elements,
        parameter_bytes=0 if held is None else held.elements * DTYPE_BYTES.get(held.dtype, 0),
        calls=calls,
    )


def _kind(node: NodeDef, outputs: Sequence[Tensor]) -> int:
    op = node.op
    if op in _VARIABLES or op == "Parameter":
        return model.PARAMETER
    if op in _CONSTANTS:
        return model.PARAMETER if _is_weight(node) else model.CONSTANT
    if op in _INPUTS:
        return model.INPUT
    if op in _OUTPUTS:
        return model.OUTPUT
    if op == "IO Node":
        return model.INPUT if outputs and not node.input else model.OUTPUT
    return model.SUMMARY if _SUMMARY.match(op) else model.OPERATION


def _is_weight(node: NodeDef) -> bool:
    """Return whether a constant is a weight of a frozen graph: floats, and not just a few."""
    if node.op != "Const" or "value" not in node.attr:
        return False
    tensor = _constant(node)
    return "float" in tensor.dtype and tensor.elements >= _LEAST_WEIGHT


def _constant(node: NodeDef) -> Tensor:
    tensor = node.attr["value"].tensor
    return Tensor(dtype_name(tensor.dtype), shape_of(tensor.tensor_shape))


def _held(node: NodeDef, kind: int) -> Tensor | None:
    """Return the tensor that a parameter holds, None for other nodes."""
    if kind != model.PARAMETER:
        return None
    if node.op == "Const":
        return _constant(node)
    if "shape" in node.attr and "dtype" in node.attr:
        return Tensor(dtype_name(node.attr["dtype"].type), shape_of(node.attr["shape"].shape))
    outputs = _outputs(node)
    return outputs[0] if outputs else None


def _outputs(node: NodeDef) -> list[Tensor]:
    dtype = ""
    for name in _DTYPE_ATTRIBUTES:
        if name in node.attr and node.attr[name].WhichOneof("value") == "type":
            dtype = dtype_name(node.attr[name].type)
            break
    for name in ("_output_shapes", "output_shapes"):
        if name in node.attr and node.attr[name].list.shape:
            shapes = node.attr[name].list.shape[: model.MAX_OUTPUTS]
            return [Tensor(dtype, shape_of(shape)) for shape in shapes]
    if "shape" in node.attr and node.attr["shape"].WhichOneof("value") == "shape":
        return [Tensor(dtype, shape_of(node.attr["shape"].shape))]
    if node.op == "Const" and "value" in node.attr:
        return [_constant(node)]
    return []


def _called(node: NodeDef, functions: set[str]) -> str:
    if node.op in functions:
        return node.op
    if not functions:
        return ""
    for name in ("f", "body", "then_branch", "branches"):
        if name in node.attr:
            value = node.attr[name]
            found = value.func.name or (value.list.func[0].name if value.list.func else "")
            if found in functions:
                return str(found)
    return ""


def _input(text: str, prefix: str) -> tuple[str, int, bool]:
    is_control = text.startswith("^")
    name, _, rest = text.removeprefix("^").partition(":")
    port = rest.rpartition(":")[2]
    return prefix + name, int(port) if port.isdigit() and len(port) < 9 else 0, is_control


def _text_of(node: NodeDef, attribute: str) -> str:
    return bytes_text(node.attr[attribute].s) if attribute in node.attr else ""


def _add_function(
    builder: GraphBuilder,
    kept: list[NodeDef | None],
    function: FunctionDef,
    functions: set[str],
) -> None:
    prefix = f"{model.FUNCTIONS}/{function.signature.name}/"
    for argument in function.signature.input_arg:
        builder.add(Node(prefix + argument.name, "_Arg", model.INPUT, outputs=_argument(argument)))
        kept.append(None)
    for node in function.node_def:
        builder.add(_node(node, functions, prefix))
        kept.append(node)
    for name, source in sorted(function.ret.items()):
        own = name if not builder.has(prefix + name) else f"return {name}"
        builder.add(Node(prefix + own, "_Retval", model.OUTPUT, [_input(source, prefix)]))
        kept.append(None)


def _argument(argument: OpDef.ArgDef) -> list[Tensor]:
    return [Tensor(dtype_name(argument.type), None)] if argument.type else []


def merged(messages: Iterable[GraphDef]) -> GraphDef:
    """Return one GraphDef that holds the nodes and functions of several, each name once."""
    whole = GraphDef()
    nodes: set[str] = set()
    functions: set[str] = set()
    for message in messages:
        for node in message.node:
            if node.name not in nodes:
                nodes.add(node.name)
                whole.node.append(node)
        for function in message.library.function:
            if function.signature.name not in functions:
                functions.add(function.signature.name)
                whole.library.function.append(function)
    return whole
