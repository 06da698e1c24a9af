import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import TensorProto
from gpuboard.eventlog.proto.graph_pb2 import AttrValue, GraphDef, MetaGraphDef, NameAttrList
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs import graph_def
from tests.graph_maker import Maker, gpt, shape


def node_of(graph, name):
    return graph.names.index(name)


def inputs_of(graph, name):
    node = node_of(graph, name)
    span = slice(graph.input_start[node], graph.input_start[node + 1])
    return [
        (graph.names[source], port, control)
        for source, port, control in zip(
            graph.input_node[span].tolist(),
            graph.input_port[span].tolist(),
            graph.is_control[span].tolist(),
            strict=True,
        )
    ]


def text_of(graph, name, attribute):
    return {one.name: one for one in graph.attributes(node_of(graph, name))}[attribute]


def test_inputs_say_which_output_they_take_and_whether_they_only_wait():
    m = Maker()
    m.op("a", "Split")
    m.op("b", "Add", "a", "a:2", "^a")

    graph = graph_def.from_message(m.graph)

    assert inputs_of(graph, "b") == [("a", 0, False), ("a", 2, False), ("a", 0, True)]


def test_variables_and_weights_of_frozen_graphs_are_parameters_and_settings_are_not():
    m = Maker()
    m.variable("kernel", (3, 4))
    m.constant("frozen", (5, 5))
    m.constant("epsilon")

    graph = graph_def.from_message(m.graph)

    assert [model.KIND_NAMES[kind] for kind in graph.kind] == ["parameter", "parameter", "constant"]
    assert graph.parameters.tolist() == [12, 25, 0]
    assert graph.parameter_bytes.tolist() == [48, 100, 0]


def test_shapes_and_dtypes_of_outputs_are_read():
    m = Maker()
    m.op("a", "MatMul", sizes=(2, -1))

    graph = graph_def.from_message(m.graph)

    assert [tensor.text for tensor in graph.outputs(0)] == ["float32 2×?"]


def test_attributes_of_every_type_become_text():
    func = AttrValue(func=NameAttrList(name="f"))
    numbers = AttrValue(list=AttrValue.ListValue(i=[1, 2, 3]))
    m = Maker()
    m.op(
        "a",
        "Any",
        f=func,
        i=AttrValue(i=-3),
        b=AttrValue(b=True),
        x=AttrValue(f=0.1),
        t=AttrValue(type=1),
        s=AttrValue(s=b"SAME"),
        raw=AttrValue(s=b"\xff\x00"),
        numbers=numbers,
        size=AttrValue(shape=shape((1, 2))),
        few=AttrValue(tensor=TensorProto(dtype=1, tensor_shape=shape((2,)), float_val=[1, 2])),
    )

    found = {one.name: one.text for one in graph_def.from_message(m.graph).attributes(0)}

    assert found == {
        "f": "function f",
        "i": "-3",
        "b": "true",
        "x": "0.1",
        "t": "float32",
        "s": "SAME",
        "raw": "2 bytes",
        "numbers": "[1, 2, 3]",
        "size": "1×2",
        "few": "float32 2: [1, 2]",
    }


def test_a_long_attribute_is_cut_and_says_so():
    m = Maker()
    m.op("a", "Any", s=AttrValue(s=b"x" * 5_000), short=AttrValue(s=b"y"))

    graph = graph_def.from_message(m.graph)

    assert len(text_of(graph, "a", "s").text) == limits.MAX_ATTRIBUTE_CHARACTERS.value
    assert text_of(graph, "a", "s").is_cut
    assert not text_of(graph, "a", "short").is_cut


def test_the_body_of_a_function_is_a_scope_and_its_caller_is_tied_to_it():
    m = Maker()
    m.op("x", "Placeholder")
    m.op("call", "PartitionedCall", "x", f=AttrValue(func=NameAttrList(name="double")))
    function = m.graph.library.function.add()
    function.signature.name = "double"
    function.signature.input_arg.add(name="a", type=1)
    function.node_def.add(name="sum", op="AddV2", input=["a", "a"])
    function.ret["out"] = "sum:z:0"

    graph = graph_def.from_message(m.graph)

    assert graph.functions[graph.calls[node_of(graph, "call")]] == "double"
    assert model.KIND_NAMES[graph.kind[node_of(graph, "call")]] == "call"
    assert inputs_of(graph, "functions/double/sum") == [("functions/double/a", 0, False)] * 2
    assert inputs_of(graph, "functions/double/out") == [("functions/double/sum", 0, False)]


def test_a_large_model_is_read_without_its_weights():
    m = Maker()
    tensor = TensorProto(dtype=1, tensor_shape=shape((1024, 1024)), tensor_content=bytes(4 << 20))
    m.op("weights", "Const", value=AttrValue(tensor=tensor), dtype=AttrValue(type=1))
    data = m.graph.SerializeToString()

    graph = graph_def.decode(data)
    kept = graph_def.parse(data)

    assert graph.parameters.tolist() == [1 << 20]
    assert kept.ByteSize() < 1000


def test_a_graph_beyond_the_limit_is_refused(monkeypatch):
    small = limits.Limit("max_graph_bytes", 100, "for this test")
    monkeypatch.setattr(graph_def.limits, "MAX_GRAPH_BYTES", small)

    with pytest.raises(DataError, match="max_graph_bytes"):
        graph_def.decode(gpt(1, 1).SerializeToString())


def test_a_meta_graph_is_its_graph():
    data = MetaGraphDef(graph_def=gpt(1, 1)).SerializeToString()

    assert len(graph_def.decode_meta(data)) == len(gpt(1, 1).node)


def test_what_add_onnx_graph_writes_has_inputs_and_outputs():
    message = GraphDef()
    for name in ("x", "y"):
        message.node.add(name=name, op="Variable").attr["dtype"].type = 1
    message.node.add(name="y", op="Relu", input=["x"]).attr["parameters"].s = b""

    graph = graph_def.from_message(message)

    assert graph.source == "onnx"
    assert [model.KIND_NAMES[kind] for kind in graph.kind] == ["input", "output", "operation"]
    assert inputs_of(graph, "y (output)") == [("y", 0, False)]


@pytest.mark.parametrize("data", [b"\n\x03abc", b"\xff" * 40, b"", b"\x0a\x05\x0a\x01\xff"])
def test_bytes_that_are_no_graph_are_an_error_that_says_so(data):
    with pytest.raises(DataError):
        graph_def.decode(data)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_graph_decodes_or_is_an_error(data):
    body = bytearray(gpt(1, 1).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))

    try:
        graph = graph_def.decode(bytes(body[:cut]))
    except DataError:
        return
    for node in range(len(graph)):
        graph.attributes(node)
