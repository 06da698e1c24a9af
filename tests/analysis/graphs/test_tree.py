import numpy as np

from gpuboard.analysis.graphs.tree import NODE, SCOPE, SERIES, plant
from gpuboard.summaries.graphs import graph_def
from tests.graph_maker import Maker, gpt


def tree_of(*rows, constants=False):
    """Return the tree of nodes given as (name, op, *inputs)."""
    m = Maker()
    for name, op, *inputs in rows:
        m.op(name, op, *inputs)
    return plant(graph_def.from_message(m.graph), constants=constants)


def layers(count, op="Mul"):
    for k in range(count):
        source = f"net/layer_{k - 1}/b" if k else "x"
        yield (f"net/layer_{k}/a", op, source)
        yield (f"net/layer_{k}/b", "Add", f"net/layer_{k}/a")


def test_scopes_come_from_the_paths_of_nodes_and_parents_come_first():
    tree = tree_of(("x", "In"), ("a/b/c", "Add", "x"), ("a/b/d", "Mul", "a/b/c"), ("a/e", "Sub"))

    assert tree.keys == ("", "x", "a", "a/b", "a/b/c", "a/b/d", "a/e")
    assert tree.form.tolist() == [SCOPE, NODE, SCOPE, SCOPE, NODE, NODE, NODE]
    assert tree.parent.tolist() == [-1, 0, 0, 2, 3, 3, 2]


def test_the_nodes_below_an_item_lie_side_by_side():
    tree = tree_of(("x", "In"), ("a/b/c", "Add"), ("y", "In"), ("a/b/d", "Mul"), ("a/e", "Sub"))

    below = {
        key: {tree.graph.names[k] for k in tree.nodes_below(i)} for i, key in enumerate(tree.keys)
    }

    assert below["a/b"] == {"a/b/c", "a/b/d"}
    assert below["a"] == {"a/b/c", "a/b/d", "a/e"}
    assert below[""] == {"x", "a/b/c", "y", "a/b/d", "a/e"}


def test_a_scope_of_one_node_is_that_node():
    tree = tree_of(("x", "In"), ("a/b/c", "Add", "x"))

    assert tree.keys == ("", "x", "a/b/c")
    assert tree.labels == ("", "x", "a/b/c")


def test_constants_are_left_out_unless_they_are_wanted():
    m = Maker()
    m.constant("one")
    m.op("sum", "Add", "one", "one")
    graph = graph_def.from_message(m.graph)

    assert plant(graph).keys == ("", "sum")
    assert plant(graph, constants=True).keys == ("", "one", "sum")
    assert plant(graph).item_of.tolist() == [-1, 1]


def test_repeated_layers_become_one_series():
    tree = tree_of(("x", "In"), *layers(4))
    series = tree.position["net/layer[0–3]"]

    assert tree.form[series] == SERIES
    assert [tree.keys[k] for k in tree.children[series]] == [f"net/layer_{k}" for k in range(4)]
    assert tree.parent[series] == tree.position["net"]


def test_a_layer_that_differs_is_no_member():
    rows = [*layers(5)]
    rows[4] = (rows[4][0], "Div", *rows[4][2:])  # in layer_2

    tree = tree_of(("x", "In"), *rows)

    assert not (tree.form == SERIES).any()


def test_equal_structure_has_an_equal_number():
    tree = tree_of(("x", "In"), *layers(2), ("other/a", "Mul", "x"), ("other/b", "Div", "other/a"))
    number = {key: int(tree.structure[i]) for i, key in enumerate(tree.keys)}

    assert number["net/layer_0"] == number["net/layer_1"] != number["other"]
    assert tree.alike[tree.position["net/layer_0"]] == 0
    assert tree.alike[tree.position["other"]] == -1


def test_equal_nodes_connected_otherwise_are_another_structure():
    tree = tree_of(
        ("x", "In"),
        ("p/a", "Mul", "x"), ("p/b", "Add", "p/a"),
        ("q/a", "Mul", "q/b"), ("q/b", "Add", "x"),
    )  # fmt: skip

    assert tree.structure[tree.position["p"]] != tree.structure[tree.position["q"]]


def test_totals_add_up_what_is_known():
    tree = tree_of(("a/x", "In"), ("a/y", "In"), ("b/x", "In"), ("b/y", "In"))
    totals = tree.totals(np.array([1.0, np.nan, np.nan, np.nan]))

    assert totals[tree.position["a"]] == 1.0
    assert totals[0] == 1.0
    assert np.isnan(totals[tree.position["b"]])


def test_keys_are_unique_even_if_a_node_is_called_like_a_series():
    tree = tree_of(("x", "In"), *layers(3), ("net/layer[0–2]", "Odd"))

    assert len(set(tree.keys)) == len(tree)
    assert "net/layer[0–2] (2)" in tree.position


def test_every_node_of_a_large_model_has_its_place():
    tree = plant(graph_def.from_message(gpt(6, 3)), constants=True)

    assert sorted(tree.order.tolist()) == list(range(len(tree.graph)))
    assert (tree.node[tree.item_of] == np.arange(len(tree.graph))).all()
    assert (tree.parent[1:] < np.arange(1, len(tree))).all()
