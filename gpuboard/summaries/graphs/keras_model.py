"""Decode a Keras model as `model.to_json()` writes it: layers as nodes, nested models as scopes.

Keras 2 names the inputs of a layer as [[layer, call, output, keywords], ...] for each call; Keras 3
as serialised arguments in which tensors carry a "keras_history" and a shape.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs.attributes import as_attribute
from gpuboard.summaries.graphs.graph import Attribute, Graph, GraphBuilder, Node, Tensor
from gpuboard.summaries.graphs.keras_layers import output_shape, parameters_of, shape_from

_MODELS = frozenset({"Functional", "Model", "Sequential"})
_MAX_ATTRIBUTES = 200

Layer = Mapping[str, Any]
Source = tuple[str, int]  # name of a node, number of its output


def decode(text: bytes) -> Graph:
    """Return the conceptual graph of a model.

    Raises:
        DataError: The text is no JSON of a Keras model, or passes a limit.
    """
    if len(text) > limits.MAX_GRAPH_BYTES.value:
        raise DataError(
            f"a model of {len(text):,} bytes, at most {limits.MAX_GRAPH_BYTES.value:,} are decoded"
        )
    try:
        message = json.loads(text)
        if isinstance(message, str):  # some writers encode twice
            message = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{len(text):,} bytes that are no JSON of a Keras model") from error
    decoder = _Decoder()
    try:
        decoder.model(_layer(message), "", [], 0)
    except RecursionError as error:
        raise DataError("the model's JSON is nested too deeply") from error
    return decoder.builder.build(decoder.attributes)


def _layer(found: object) -> Layer:
    if not isinstance(found, dict) or not isinstance(found.get("config"), dict | list):
        raise DataError("no Keras model: expected an object with class_name and config")
    return found


class _Decoder:
    def __init__(self) -> None:
        self.builder = GraphBuilder("keras")
        self.layers: list[Layer] = []
        self.shapes: dict[str, tuple[int, ...] | None] = {}

    def attributes(self, number: int) -> tuple[Attribute, ...]:
        config = self.layers[number].get("config")
        if not isinstance(config, dict):
            return ()
        names = sorted(config, key=str)[:_MAX_ATTRIBUTES]
        return tuple(as_attribute(str(name), [_plain(config[name])]) for name in names)

    def model(self, layer: Layer, path: str, inputs: Sequence[Source], depth: int) -> list[Source]:
        """Add the layers of a model and return where its outputs come from."""
        if depth > limits.MAX_GRAPH_DEPTH.value:
            raise DataError(f"models nested deeper than {limits.MAX_GRAPH_DEPTH.value}")
        config = layer["config"]
        layers = config.get("layers", []) if isinstance(config, dict) else config
        if not isinstance(layers, list):
            raise DataError("no Keras model: its layers are no list")
        found = [_layer(one) for one in layers]
        if layer.get("class_name") == "Sequential" or not isinstance(config, dict):
            return self._sequential(found, path, inputs, depth)
        return self._functional(found, config, path, inputs, depth)

    def _sequential(
        self, layers: Sequence[Layer], path: str, inputs: Sequence[Source], depth: int
    ) -> list[Source]:
        last = list(inputs)
        for place, layer in enumerate(layers):
            if layer.get("class_name") == "InputLayer" and last:
                continue  # what it stands for is outside, and drawn there
            last = self._add(layer, f"{path}{_name(layer, place)}", last, depth)
        return last

    def _functional(
        self,
        layers: Sequence[Layer],
        config: Mapping[str, Any],
        path: str,
        inputs: Sequence[Source],
        depth: int,
    ) -> list[Source]:
        outputs: dict[str, list[Source]] = {}
        entries = [name for name, _ in _references(config.get("input_layers"))]
        pending = {_name(layer, place): layer for place, layer in enumerate(layers)}
        for name, source in zip(entries, inputs, strict=False):
            if name in pending:  # inside a model, its inputs are what it is called with
                outputs[name] = [source]
                del pending[name]
        for name, layer in _in_order(pending):
            sources = [
                outputs[source][min(port, len(outputs[source]) - 1)]
                if outputs.get(source)
                else (path + source, port)
                for source, port in _inputs(layer)
            ]
            outputs[name] = self._add(layer, path + name, sources, depth)
        wanted = _references(config.get("output_layers"))
        found = [
            outputs[name][min(port, len(outputs[name]) - 1)]
            for name, port in wanted
            if outputs.get(name)
        ]
        return found or [source for ends in list(outputs.values())[-1:] for source in ends]

    def _add(self, layer: Layer, name: str, sources: list[Source], depth: int) -> list[Source]:
        class_name = str(layer.get("class_name", "Layer"))
        config = layer["config"]
        if class_name in _MODELS or (isinstance(config, dict) and "layers" in config):
            return self.model(layer, f"{name}/", sources, depth + 1)
        entry = shape_from(layer, [self.shapes.get(source) for source, _ in sources])
        out = output_shape(layer, entry)
        self.shapes[name] = out
        dtype = _dtype(config)
        parameters = parameters_of(layer, entry)
        self.builder.add(
            Node(
                name,
                class_name,
                model.INPUT if class_name == "InputLayer" else model.OPERATION,
                [(source, port, False) for source, port in sources],
                [Tensor(dtype, out)] if out is not None else [],
                parameters=parameters,
                parameter_bytes=4 * parameters,
            )
        )
        self.layers.append(layer)
        return [(name, 0)]


def _name(layer: Layer, place: int) -> str:
    config = layer["config"]
    name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return str(name or f"{layer.get('class_name', 'layer')}_{place}").replace("/", "|")


def _dtype(config: object) -> str:
    dtype = config.get("dtype") if isinstance(config, dict) else None
    if isinstance(dtype, dict):  # a policy of Keras 3
        inner = dtype.get("config")
        dtype = inner.get("name") if isinstance(inner, dict) else None
    return dtype if isinstance(dtype, str) else ""


def _in_order(layers: Mapping[str, Layer]) -> Iterator[tuple[str, Layer]]:
    """Yield layers so that each comes behind those that feed it, as far as there is no circle."""
    waits_for = dict.fromkeys(layers, 0)
    feeds: dict[str, list[str]] = {name: [] for name in layers}
    for name, layer in layers.items():
        for source in {source for source, _ in _inputs(layer)} & layers.keys() - {name}:
            waits_for[name] += 1
            feeds[source].append(name)
    done: set[str] = set()
    for first in sorted(layers, key=lambda name: waits_for[name] > 0):  # of a circle, any
        ready = deque([first])
        while ready:
            name = ready.popleft()
            if name in done:
                continue
            done.add(name)
            yield name, layers[name]
            for fed in feeds[name]:
                waits_for[fed] -= 1
                if waits_for[fed] == 0:
                    ready.append(fed)


def _references(found: object) -> list[Source]:
    """Return [["input_1", 0, 0], ...] or one such triple as names with the number of an output."""
    if not isinstance(found, list):
        return []
    if len(found) == 3 and isinstance(found[0], str) and isinstance(found[1], int):
        found = [found]
    return [
        (each[0].replace("/", "|"), each[2] if isinstance(each[2], int) else 0)
        for each in found
        if isinstance(each, list) and len(each) >= 3 and isinstance(each[0], str)
    ]


def _inputs(layer: Layer) -> list[Source]:
    """Return what a layer is called with, over all of its calls, each source once."""
    found: dict[Source, None] = {}
    stack = [layer.get("inbound_nodes")]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            if len(item) >= 3 and isinstance(item[0], str) and isinstance(item[1], int):
                found.update(dict.fromkeys(_references([item])))
                stack.extend(part for part in item[3:] if isinstance(part, dict))
            else:
                stack.extend(reversed(item))
        elif isinstance(item, dict):
            config = item.get("config")
            if item.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
                found.update(dict.fromkeys(_references([config.get("keras_history")])))
            else:
                stack.extend(reversed(list(item.values())))
    return list(found)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("class_name"), str):
        return str(value["class_name"])
    return json.dumps(value)[: 2 * limits.MAX_ATTRIBUTE_CHARACTERS.value]
