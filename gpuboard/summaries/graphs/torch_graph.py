"""Read what PyTorch's `SummaryWriter.add_graph` leaves unsaid in the GraphDef that it writes.

A traced graph is a GraphDef of `aten::` and `prim::` operations. Parameters are `prim::GetAttr`
nodes without a shape, and numbers are nodes `prim::Constant` whose attribute reads
"{ value : 0.1}".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpuboard.eventlog.proto.graph_pb2 import NodeDef
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs.graph import Node, Tensor

_LISTS = frozenset({"prim::ListConstruct", "prim::TupleConstruct"})
_VALUE = re.compile(r"value\s*:\s*(-?\d{1,18})\s*[,}]")
_LOOKED_AT = 200  # nodes from which a graph is told to be torch's


def is_torch(nodes: Sequence[NodeDef]) -> bool:
    """Return whether a GraphDef holds a traced graph of PyTorch."""
    return any(
        node.op == "IO Node" or node.op.startswith(("aten::", "prim::"))
        for node in nodes[:_LOOKED_AT]
    )


def finish_torch(nodes: Sequence[Node], messages: Sequence[NodeDef]) -> None:
    """Tell parameters and constants apart from operations, and work out shapes of parameters.

    A shape is worked out only where it follows from the shapes around it: weights and biases of
    linear layers and of batch and layer norms.
    """
    by_name = {node.name: node for node in nodes}
    for node in nodes:
        if node.op == "prim::GetAttr":
            node.kind = model.PARAMETER
        elif node.op in _LISTS and _are_constant(node, by_name):
            node.kind = model.CONSTANT
    numbers = {
        node.name: int(found[1])
        for node, message in zip(nodes, messages, strict=False)
        if node.op == "prim::Constant"
        and (found := _VALUE.search(message.attr["attr"].s.decode("utf-8", "replace")))
    }
    for node in nodes:
        for place, shape in _parameter_shapes(node, by_name, numbers).items():
            _give(by_name.get(node.inputs[place][0]), shape)


def _are_constant(node: Node, by_name: dict[str, Node]) -> bool:
    sources = (by_name.get(name) for name, _, _ in node.inputs)
    return all(source is not None and source.kind == model.CONSTANT for source in sources)


def _parameter_shapes(
    node: Node, by_name: dict[str, Node], numbers: dict[str, int]
) -> dict[int, tuple[int, ...]]:
    """Return shapes of parameters by their place among a node's inputs."""
    if not node.outputs or node.outputs[0].shape is None or len(node.inputs) < 2:
        return {}
    out = node.outputs[0].shape
    if node.op == "aten::linear" and out:
        source = by_name.get(node.inputs[0][0])
        entry = source.outputs[0].shape if source is not None and source.outputs else None
        found: dict[int, tuple[int, ...]] = {1: (out[-1], entry[-1])} if entry else {}
        return found | ({2: (out[-1],)} if len(node.inputs) > 2 else {})
    if node.op == "aten::batch_norm" and len(out) > 1:
        return dict.fromkeys(range(1, min(5, len(node.inputs))), (out[1],))
    if node.op == "aten::layer_norm" and len(node.inputs) > 3:
        axes = by_name.get(node.inputs[1][0])
        sizes = [numbers.get(name) for name, _, _ in axes.inputs] if axes is not None else []
        known = tuple(size for size in sizes if size is not None)
        return {2: known, 3: known} if known and len(known) == len(sizes) else {}
    return {}


def _give(node: Node | None, shape: tuple[int, ...]) -> None:
    if node is None or node.op != "prim::GetAttr" or node.outputs:
        return
    node.outputs = [Tensor("", shape)]
    leaf = node.name.rsplit("/", 1)[-1]
    if not leaf.startswith("running_") and min(shape) >= 0:  # statistics are not trained
        node.parameters = node.outputs[0].elements
