import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs.graph import GraphBuilder, Node, Tensor, unique_paths


def built(*nodes):
    builder = GraphBuilder("tensorflow")
    for node in nodes:
        builder.add(node)
    return builder.build(lambda number: ())


def test_inputs_may_name_nodes_that_come_later():
    graph = built(Node("b", "Add", inputs=[("a", 1, False)]), Node("a", "Const"))

    assert graph.input_node.tolist() == [1]
    assert graph.input_port.tolist() == [1]
    assert graph.input_start.tolist() == [0, 1, 1]


def test_an_input_that_is_not_there_is_left_out_and_counted():
    graph = built(Node("b", "Add", inputs=[("gone", 0, False), ("b", 0, True)]))

    assert graph.input_node.tolist() == [0]
    assert graph.is_control.tolist() == [True]
    assert graph.notes == ("1 inputs name nodes that the graph does not hold",)


def test_equal_operations_devices_and_tensors_are_kept_once():
    some = Tensor("float32", (2, 3))
    graph = built(
        Node("a", "Mul", device="gpu", outputs=[some]), Node("b", "Mul", outputs=[some, some])
    )

    assert graph.ops == ("Mul",)
    assert graph.devices == ("gpu", "")
    assert graph.tensors == (some,)
    assert [tensor.text for tensor in graph.outputs(1)] == ["float32 2×3"] * 2


def test_a_node_that_is_also_a_scope_gets_a_place_inside_it():
    assert unique_paths(["a", "a/b", "/c//d"]) == ("a/(a)", "a/b", "c/d")


def test_names_that_occur_twice_are_told_apart():
    assert unique_paths(["x", "x", "x (2)", ""]) == ("x", "x (2)", "x (2) (2)", "unnamed 3")


@given(st.lists(st.text("ab/() 2", max_size=6), max_size=30))
def test_paths_are_unique_and_no_path_is_a_scope_of_another(names):
    paths = unique_paths(names)

    assert len(set(paths)) == len(names)
    assert all(all(part for part in path.split("/")) for path in paths)
    assert not any(other.startswith(path + "/") for path in paths for other in paths)


def test_a_path_deeper_than_the_limit_ends_in_one_part():
    (path,) = unique_paths(["/".join("abc" * 100)])

    assert path.count("/") == limits.MAX_GRAPH_DEPTH.value - 1


@pytest.mark.parametrize(
    ("tensor", "text", "elements"),
    [
        (Tensor("float32", (2, 3)), "float32 2×3", 6),
        (Tensor("", (model.UNKNOWN, 3)), "?×3", 0),
        (Tensor("int64", ()), "int64 scalar", 1),
        (Tensor("int64", None), "int64", 0),
        (Tensor("", None), "", 0),
    ],
)
def test_tensors_are_written_as_people_read_them(tensor, text, elements):
    assert tensor.text == text
    assert tensor.elements == elements


def test_a_graph_without_nodes_is_an_error():
    with pytest.raises(DataError, match="no nodes"):
        built()


def test_too_many_inputs_are_refused(monkeypatch):
    monkeypatch.setattr(
        model.limits, "MAX_GRAPH_EDGES", limits.Limit("max_graph_edges", 2, "for this test")
    )

    with pytest.raises(DataError, match="more than 2 edges"):
        built(Node("a", "Add", inputs=[("a", 0, False)] * 3))


def test_counts_beyond_reason_still_fit_their_column():
    graph = built(Node("a", "Const", parameters=10**40, parameter_bytes=10**40))

    assert graph.parameters.tolist() == [model.MAX_COUNT]
