"""Turn an ONNX model into the graph that TensorBoard shows, as PyTorch's writer does."""

from __future__ import annotations

import os
from pathlib import Path

from gpuboard.eventlog.proto.event_pb2 import TensorShapeProto
from gpuboard.eventlog.proto.graph_pb2 import AttrValue, GraphDef, NodeDef, VersionDef
from gpuboard.eventlog.proto.onnx_pb2 import GraphProto, ModelProto, NodeProto, ValueInfoProto
from gpuboard.summaries.graphs.wire_thin import ONNX, thinned

PRODUCER = 22  # version of the graph format that other writers of TensorBoard's graphs claim


def graph_of_onnx(path: str | os.PathLike[str]) -> bytes:
    """Return the graph of an ONNX file as a serialised GraphDef, its weights left out.

    Raises:
        OSError: The file cannot be read.
        DataError: It is no ONNX model.
    """
    model = ModelProto.FromString(thinned(Path(path).read_bytes(), ONNX))
    nodes = _nodes(model.graph)
    return GraphDef(node=nodes, versions=VersionDef(producer=PRODUCER)).SerializeToString()


def _nodes(graph: GraphProto) -> list[NodeDef]:
    ends = [_variable(value) for value in (*graph.input, *graph.output)]
    return [*ends, *(_operation(node) for node in graph.node)]


def _variable(value: ValueInfoProto) -> NodeDef:
    tensor = value.type.tensor_type
    sizes = [TensorShapeProto.Dim(size=dim.dim_value) for dim in tensor.shape.dim]
    about = {
        "dtype": AttrValue(type=tensor.elem_type),
        "shape": AttrValue(shape=TensorShapeProto(dim=sizes)),
    }
    return NodeDef(name=value.name, op="Variable", attr=about)


def _operation(node: NodeProto) -> NodeDef:
    """Return a node under the name of its first output, by which others refer to it."""
    texts = (
        " = ".join(str(content) for _, content in attribute.ListFields())
        for attribute in node.attribute
    )
    return NodeDef(
        name=node.output[0] if node.output else node.name,
        op=node.op_type,
        input=list(node.input),
        attr={"parameters": AttrValue(s=", ".join(texts).encode())},
    )
