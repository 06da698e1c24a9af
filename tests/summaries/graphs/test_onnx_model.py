import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.onnx_pb2 import ModelProto
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs import onnx_model
from tests.graph_maker import onnx_bytes


def edges(graph):
    return {
        (graph.names[source], graph.names[target])
        for target in range(len(graph))
        for source in graph.input_node[graph.input_start[target] : graph.input_start[target + 1]]
    }


def test_values_tie_nodes_weights_and_ends():
    graph = onnx_model.decode(onnx_bytes())

    assert ("x", "features/conv_1/Conv") in edges(graph)
    assert ("features/conv_1/w1", "features/conv_1/Conv") in edges(graph)
    assert ("features/conv_1/Conv", "features/relu_1/Relu") in edges(graph)
    assert ("head/Gemm", "y") in edges(graph)


def test_weights_are_counted_and_shapes_are_read():
    graph = onnx_model.decode(onnx_bytes())
    shapes = {name: graph.shape_text(k) for k, name in enumerate(graph.names)}

    assert graph.parameters.sum() == 16 * 3 * 9 + 16 + 32 * 16 * 9 + 320
    assert shapes["features/conv_2/Conv"] == "?×32×32×32"
    assert shapes["features/conv_1/w1"] == "16×3×3×3"


def test_attributes_become_text():
    graph = onnx_model.decode(onnx_bytes())
    node = graph.names.index("features/conv_1/Conv")

    assert [(one.name, one.text) for one in graph.attributes(node)] == [("kernel_shape", "[3, 3]")]


def test_nodes_without_names_are_told_apart_by_their_operation():
    message = ModelProto()
    message.graph.node.add(op_type="Relu", input=["x"], output=["a"])
    message.graph.node.add(op_type="Relu", input=["a"], output=["b"])
    message.graph.node.add(name="Relu_1", op_type="Relu", input=["b"], output=["c"])

    graph = onnx_model.decode(message.SerializeToString())

    assert len(set(graph.names)) == 3
    assert len(edges(graph)) == 2


def test_a_graph_inside_a_node_is_a_scope_that_sees_the_values_around_it():
    message = ModelProto()
    message.graph.node.add(name="a", op_type="Relu", input=["x"], output=["v"])
    branch = message.graph.node.add(name="if", op_type="If", input=["v"], output=["r"])
    inner = branch.attribute.add(name="then_branch", type=5).g
    inner.node.add(name="add", op_type="Add", input=["v", "v"], output=["s"])

    graph = onnx_model.decode(message.SerializeToString())

    assert ("a", "if/then_branch/add") in edges(graph)
    assert "if/(if)" in graph.names


def test_a_large_model_is_read_without_its_weights():
    message = ModelProto.FromString(onnx_bytes())
    message.graph.initializer[0].raw_data = bytes(3 << 20)

    graph = onnx_model.decode(message.SerializeToString())

    assert len(graph) == len(onnx_model.decode(onnx_bytes()))


def test_scalars_are_constants_and_not_parameters():
    message = ModelProto()
    message.graph.initializer.add(name="eps", data_type=1)
    message.graph.initializer.add(name="axes", dims=[4], data_type=7)
    message.graph.node.add(name="n", op_type="Add", input=["eps", "axes"], output=["y"])

    graph = onnx_model.decode(message.SerializeToString())
    kinds = {name: model.KIND_NAMES[graph.kind[k]] for k, name in enumerate(graph.names)}

    assert kinds == {"eps": "constant", "axes": "constant", "n": "operation"}


def test_the_onnx_package_writes_what_is_read():
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    info = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 2]) for name in ("x", "y")
    ]
    node = helper.make_node("Relu", ["x"], ["y"], name="relu")
    made = helper.make_model(helper.make_graph([node], "g", [info[0]], [info[1]]))

    graph = onnx_model.decode(made.SerializeToString())

    assert graph.ops[graph.op[graph.names.index("relu")]] == "Relu"
    assert edges(graph) == {("x", "relu"), ("relu", "y")}


@pytest.mark.parametrize("data", [b"", b"\xff\xff", b"\x3a\x7f", bytes(2 << 20)])
def test_bytes_that_are_no_model_are_an_error(data):
    with pytest.raises(DataError):
        onnx_model.decode(data)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_model_decodes_or_is_an_error(data):
    body = bytearray(onnx_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    try:
        graph = onnx_model.decode(bytes(body))
    except DataError:
        return
    for node in range(len(graph)):
        graph.attributes(node)
