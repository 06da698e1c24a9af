import json

import pytest

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.summaries.graphs import keras_model
from tests.graph_maker import keras_json


def model_of(*layers, kind="Sequential", **config):
    return {"class_name": kind, "config": {"name": "m", "layers": list(layers), **config}}


def layer(name, kind, inbound=(), **config):
    own = {"name": name, **config}
    return {"class_name": kind, "name": name, "config": own, "inbound_nodes": list(inbound)}


def decoded(message):
    return keras_model.decode(json.dumps(message).encode())


def edges(graph):
    return {
        (graph.names[source], graph.names[target])
        for target in range(len(graph))
        for source in graph.input_node[graph.input_start[target] : graph.input_start[target + 1]]
    }


def facts(graph):
    return {
        name: (graph.shape_text(k), int(graph.parameters[k])) for k, name in enumerate(graph.names)
    }


def test_a_sequential_model_is_a_chain():
    graph = decoded(
        model_of(
            layer("in", "InputLayer", batch_input_shape=[None, 8]),
            layer("a", "Dense", units=4),
            layer("b", "Dense", units=2, use_bias=False),
        )
    )

    assert edges(graph) == {("in", "a"), ("a", "b")}
    assert facts(graph) == {"in": ("?×8", 0), "a": ("?×4", 36), "b": ("?×2", 8)}


def test_a_nested_model_is_a_scope_tied_to_what_calls_it():
    graph = keras_model.decode(keras_json().encode())

    assert ("image", "encoder/conv") in edges(graph)
    assert ("encoder/conv", "encoder/pool") in edges(graph)
    assert ("encoder/flatten", "hidden") in edges(graph)
    assert ("age", "both") in edges(graph)
    assert "encoder/pixels" not in graph.names


def test_shapes_and_parameters_follow_from_the_layers():
    found = facts(keras_model.decode(keras_json().encode()))

    assert found["encoder/conv"] == ("?×28×28×16", 3 * 3 * 1 * 16 + 16)
    assert found["encoder/pool"] == ("?×14×14×16", 0)
    assert found["hidden"] == ("?×64", 14 * 14 * 16 * 64 + 64)
    assert found["logits"] == ("?×10", 650)


def test_the_arguments_of_keras_3_name_inputs_and_their_shapes():
    tensor = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 5], "dtype": "float32", "keras_history": ["in", 0, 0]},
    }
    graph = decoded(
        model_of(
            layer("in", "InputLayer", batch_shape=[None, 5]),
            layer("sum", "Add", [{"args": [[tensor, tensor]], "kwargs": {}}]),
            layer("out", "Dense", [{"args": [tensor], "kwargs": {}}], units=3),
            kind="Functional",
        )
    )

    assert edges(graph) == {("in", "sum"), ("in", "out")}
    assert facts(graph)["out"] == ("?×3", 18)


def test_a_layer_shared_by_two_inputs_has_both():
    graph = decoded(
        model_of(
            layer("a", "InputLayer"),
            layer("b", "InputLayer"),
            layer("both", "Dense", [[["a", 0, 0, {}]], [["b", 0, 0, {}]]], units=1),
            kind="Functional",
        )
    )

    assert edges(graph) == {("a", "both"), ("b", "both")}


def test_layers_in_a_circle_are_all_shown():
    graph = decoded(
        model_of(
            layer("a", "Dense", [[["b", 0, 0, {}]]]),
            layer("b", "Dense", [[["a", 0, 0, {}]]]),
            kind="Functional",
        )
    )

    assert edges(graph) == {("a", "b"), ("b", "a")}


def test_a_long_chain_in_reverse_order_is_read_in_order():
    count = 3_000
    layers = [
        layer(f"l{k}", "ReLU", [[[f"l{k - 1}", 0, 0, {}]]] if k else [], batch_input_shape=[1, 2])
        for k in reversed(range(count))
    ]

    graph = decoded(model_of(*layers, kind="Functional"))

    assert len(edges(graph)) == count - 1
    assert facts(graph)[f"l{count - 1}"] == ("1×2", 0)


def test_the_configuration_becomes_attributes():
    graph = decoded(model_of(layer("a", "Dense", units=4, activation="relu", bias=None)))

    found = {one.name: one.text for one in graph.attributes(0)}

    assert found == {"name": "a", "units": "4", "activation": "relu", "bias": "null"}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"class_name": "Sequential"}',
        b'{"config": {"layers": 3}}',
        b'{"config": {"layers": [3]}}',
        b'{"config": {"layers": []}}',
        b"[" * 100_000,
        b'{"config": {"layers": [{"config": ' * 2_000,
    ],
)
def test_text_that_is_no_model_is_an_error(text):
    with pytest.raises(DataError):
        keras_model.decode(text)


def test_models_nested_without_end_are_refused():
    message = layer("leaf", "Dense")
    for _ in range(limits.MAX_GRAPH_DEPTH.value + 2):
        message = model_of(message)

    with pytest.raises(DataError, match="nested deeper"):
        decoded(message)


@pytest.mark.parametrize("units", [-3, 10**30, "many", None, 1.5, True])
def test_a_size_that_is_none_is_not_counted(units):
    graph = decoded(model_of(layer("a", "Dense", units=units, batch_input_shape=[None, 4])))

    assert graph.parameters.tolist() == [0]
