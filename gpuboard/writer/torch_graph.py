"""Trace a PyTorch module into the graph that TensorBoard shows.

The trace is one flat list of operations, each with the path of the modules that it was called in,
such as "__module.encoder/__module.encoder.linear". Modules become scopes named by class and
attribute ("Net/Encoder[encoder]/Linear[linear]"), parameters the `prim::GetAttr` nodes by which
the trace reads them, and the inputs and outputs of the whole module nodes of their own.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from gpuboard.eventlog.proto.event_pb2 import TensorShapeProto
from gpuboard.eventlog.proto.graph_pb2 import (
    AttrValue,
    DeviceStepStats,
    GraphDef,
    NodeDef,
    RunMetadata,
    StepStats,
    VersionDef,
)
from gpuboard.writer.onnx_graph import PRODUCER

STATS_TAG = "step1"
_ATTRIBUTE = "prim::GetAttr"
_MODULE = "ClassType"
_ROOT = "__module"


def graph_of_module(
    module: Any,  # noqa: ANN401
    example: Any,  # noqa: ANN401
    *,
    verbose: bool = False,
    strict: bool = True,
) -> bytes:
    """Return the graph of a module as a serialised GraphDef.

    The module runs once, in evaluation mode, and is left in the mode in which it was.

    Args:
        module: A `torch.nn.Module`, or a function that TorchScript has compiled.
        example: Its input, or a tuple of its inputs.
        verbose: Print the trace.
        strict: As for `torch.jit.trace`; False where the module returns lists or dicts.

    Raises:
        RuntimeError: It cannot be traced.
    """
    torch = import_module("torch")
    with _evaluating(module):
        trace = torch.jit.trace(module, example, strict=strict)
        graph = trace.graph
        torch._C._jit_pass_inline(graph)
    if verbose:
        print(graph)
    nodes = _Reader(trace).read(graph)
    return GraphDef(node=nodes, versions=VersionDef(producer=PRODUCER)).SerializeToString()


def empty_run_metadata() -> bytes:
    """Return the statistics that go with a graph of which nothing was measured."""
    stats = StepStats(dev_stats=[DeviceStepStats(device="/device:CPU:0")])
    return RunMetadata(step_stats=stats).SerializeToString()


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:  # noqa: ANN401
    """Put all parts of a module into evaluation mode, and each back into its own."""
    parts = list(module.modules()) if hasattr(module, "modules") else []
    modes = [part.training for part in parts]
    for part in parts:
        part.training = False
    try:
        yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode


@dataclasses.dataclass(slots=True)
class _Value:
    """One value of the trace and the node that makes it."""

    op: str
    scope: str | None
    inputs: list[str]
    shape: list[int] | None
    attributes: str


class _Reader:
    """Walks a trace and names its values by the modules that they are made in."""

    def __init__(self, trace: Any) -> None:  # noqa: ANN401
        modules = trace.named_modules(prefix=_ROOT) if hasattr(trace, "named_modules") else ()
        self._names = {
            path: f"{_class_of(module)}[{path.rpartition('.')[2]}]" for path, module in modules
        }
        self._base = _class_of(trace)
        self._attribute_paths: dict[str, str] = {}
        self._values: dict[str, _Value] = {}

    def read(self, graph: Any) -> list[NodeDef]:  # noqa: ANN401
        """Return the nodes of a trace: inputs, operations and parameters, outputs."""
        self._take_inputs(graph.inputs())
        for node in graph.nodes():
            self._take(node)
        names = {own: self._full_name(own, value) for own, value in self._values.items()}
        # What a parameter is read from is a module, which is no node.
        nodes = [
            _node(names[own], value, [names[name] for name in value.inputs if name in names])
            for own, value in self._values.items()
        ]
        return [*nodes, *self._outputs(graph.outputs(), names)]

    def _take_inputs(self, inputs: Iterable[Any]) -> None:
        for value in inputs:
            if value.uses() and value.type().kind() != _MODULE:
                own = value.debugName()
                self._values[own] = _Value("IO Node", None, [], _sizes(value), "")

    def _take(self, node: Any) -> None:  # noqa: ANN401
        scope = node.scopeName()
        if node.kind() == _ATTRIBUTE:
            scope = self._attribute_scope(node)
            if node.output().type().kind() == _MODULE:
                return  # a module; the scopes tell
        for value in node.outputs():
            own = value.debugName()
            self._values[own] = _Value(
                op=node.kind(),
                scope=self._shown(scope),
                inputs=[source.debugName() for source in node.inputs()],
                shape=list(value.type().sizes()) if value.isCompleteTensor() else None,
                attributes=_attributes(node),
            )

    def _attribute_scope(self, node: Any) -> str:  # noqa: ANN401
        parent = self._attribute_paths.get(node.input().debugName())
        name = node.s("name")
        path = f"{parent}/{parent.rpartition('/')[2]}.{name}" if parent else f"{_ROOT}.{name}"
        self._attribute_paths[node.output().debugName()] = path
        return path

    def _shown(self, scope: str) -> str:
        parts = [self._names.get(part, part.rpartition(".")[2]) for part in scope.split("/")]
        return "/".join((self._base, *parts)) if any(parts) else self._base

    def _full_name(self, own: str, value: _Value) -> str:
        return f"input/{own}" if value.scope is None else f"{value.scope}/{own}"

    def _outputs(self, outputs: Iterable[Any], names: dict[str, str]) -> Iterator[NodeDef]:
        for k, value in enumerate(outputs, 1):
            source = value.debugName()
            end = _Value("IO Node", None, [], _sizes(value), "")
            yield _node(f"output/output.{k}", end, [names[source]] if source in names else [])


def _class_of(module: Any) -> str:  # noqa: ANN401
    torch = import_module("torch")
    if isinstance(module, torch.jit.TracedModule):
        return str(module._name)
    return str(getattr(module, "original_name", "Module"))


def _sizes(value: Any) -> list[int]:  # noqa: ANN401
    try:
        return list(value.type().sizes() or [])
    except RuntimeError:  # no tensor, such as a tuple
        return [1]


def _attributes(node: Any) -> str:  # noqa: ANN401
    found = {name: getattr(node, node.kindOf(name))(name) for name in node.attributeNames()}
    return str(found).replace("'", " ")  # quotes confuse TensorBoard's reader of this text


def _node(name: str, value: _Value, inputs: list[str]) -> NodeDef:
    about = {"attr": AttrValue(s=value.attributes.encode())}
    if value.shape is not None:
        dims = [TensorShapeProto.Dim(size=size) for size in value.shape]
        shapes = AttrValue.ListValue(shape=[TensorShapeProto(dim=dims)])
        about["_output_shapes"] = AttrValue(list=shapes)
    return NodeDef(name=name, op=value.op, input=inputs, attr=about)
