import json

import numpy as np
import pytest

from gpuboard.analysis.graphs.card import card, search, summary, table
from gpuboard.analysis.graphs.costs import NONE, SEVERAL, common, item_costs
from gpuboard.analysis.graphs.picture import Extras, Trace, picture
from gpuboard.analysis.graphs.trace import reached
from gpuboard.analysis.graphs.tree import plant
from gpuboard.analysis.graphs.view import Options
from gpuboard.errors import InputError, NotFoundError
from gpuboard.serve.routes import encode_json
from gpuboard.summaries.graphs import costs as graph_costs
from gpuboard.summaries.graphs import graph_def
from gpuboard.summaries.graphs.attributes import as_attribute
from tests.graph_maker import CPU, GPU, Maker, gpt, run_metadata

MESSAGE = gpt(4, 3)
TREE = plant(graph_def.from_message(MESSAGE))
COSTS = graph_costs.decode(run_metadata(MESSAGE).SerializeToString())
PARAMETERS = TREE.totals(TREE.graph.parameters)
OPEN = Options(open=frozenset({"decoder", "decoder/layer[0–3]"}))


def drawn(options=OPEN, **extras):
    return picture(TREE, PARAMETERS, options, Extras(**extras))


def column(found, name):
    return dict(zip(found["boxes"]["key"], list(found["boxes"][name]), strict=True))


def test_a_picture_is_json_with_columns_of_one_length():
    found = json.loads(encode_json(drawn(costs=COSTS)))
    boxes, lines, pairs = found["boxes"], found["lines"], found["pairs"]

    assert {len(values) for values in boxes.values()} == {len(boxes["key"])}
    count = len(lines["tail"])
    assert len(lines["start"]) == count + 1
    assert len(lines["points"]) == 2 * lines["start"][-1]
    assert {len(lines[name]) for name in ("head", "tensors", "control", "label")} == {count}
    assert len(pairs["start"]) == len(pairs["source"]) + 1
    assert found["open"] == ["decoder", "decoder/layer[0–3]"]


def test_scopes_alike_have_one_colour_and_others_none():
    structure = column(drawn(), "structure")

    assert structure["decoder/layer_0"] == structure["decoder/layer_3"] >= 0
    assert structure["final_norm"] >= 0
    assert structure["final_norm"] != structure["decoder/layer_0"]
    assert structure["embed"] == structure["input/tokens"] == -1


def test_costs_of_scopes_are_the_sums_of_their_nodes():
    found = column(drawn(costs=COSTS), "time_us")
    wanted = dict(zip(COSTS.names, COSTS.time_us.tolist(), strict=True))

    assert found["decoder"] == sum(t for name, t in wanted.items() if name.startswith("decoder/"))
    assert found["head/logits"] == wanted["head/logits"]


def test_a_device_that_does_not_count_takes_its_costs_away():
    found = column(drawn(costs=COSTS, without=[GPU]), "time_us")

    assert found["decoder"] is None
    assert found["input/tokens"] is not None


def test_boxes_name_their_device_or_say_that_there_are_several():
    found = drawn(costs=COSTS)
    number = column(found, "device")

    assert found["devices"] == [CPU, GPU]
    assert number["decoder"] == 1
    assert number["input/tokens"] == 0
    assert number[""] == SEVERAL


def test_a_trace_marks_what_the_node_depends_on():
    found = drawn(trace=Trace("decoder/layer_1/ln_1"))
    traced = dict(zip(found["boxes"]["key"], found["traced"], strict=True))

    assert traced["decoder/layer_0"]
    assert traced["embed"]
    assert not traced["decoder/layer_2"]
    assert not traced["loss"]


def test_a_trace_of_outputs_marks_what_depends_on_the_node():
    found = drawn(trace=Trace("decoder/layer_1/ln_1", "outputs"))
    traced = dict(zip(found["boxes"]["key"], found["traced"], strict=True))

    assert traced["loss"]
    assert not traced["decoder/layer_0"]


def test_a_trace_of_nothing_is_an_input_error():
    with pytest.raises(InputError, match="trace"):
        drawn(trace=Trace("nowhere"))


def test_sick_tensors_show_on_every_box_around_them():
    found = drawn(health={"decoder/layer_2/ln_1/Mean": (3, 1)})

    assert column(found, "nan")["decoder/layer_2"] == 3
    assert column(found, "infinite")["decoder"] == 1
    assert column(found, "nan")["decoder/layer_1"] is None


def test_without_a_choice_the_graph_opens_as_suits_a_screen():
    found = picture(TREE, PARAMETERS, Options(), Extras(), first=True)

    assert "decoder" in found["open"]
    assert len(found["boxes"]["key"]) <= 31


def test_what_opens_at_first_heeds_what_the_user_chose():
    ungrouped = Options(ungrouped=frozenset({"decoder/layer[0–3]"}))

    found = picture(TREE, PARAMETERS, ungrouped, Extras(), first=True)

    assert "decoder/layer_1" in found["boxes"]["key"]


def test_lines_are_labelled_by_the_shape_of_their_tensor():
    found = drawn(Options())
    keys = found["boxes"]["key"]
    labels = {
        (keys[a], keys[b]): text
        for a, b, text in zip(
            found["lines"]["tail"], found["lines"]["head"], found["lines"]["label"], strict=True
        )
    }

    assert labels["final_norm", "head/logits"] == "8×128×768"
    assert labels["mask/causal", "decoder"] == "12 tensors"


def test_common_values_agree_with_a_plain_look_at_every_item():
    rng = np.random.default_rng(3)
    for _ in range(20):
        own = rng.integers(-1, 2, len(TREE.graph)).astype(np.int32)
        own[rng.random(len(own)) < 0.9] = NONE
        found = common(TREE, own).tolist()
        for item, got in enumerate(found):
            values = set(own[TREE.nodes_below(item)].tolist()) - {NONE}
            assert got == (NONE if not values else values.pop() if len(values) == 1 else SEVERAL)


def test_reached_nodes_agree_with_a_plain_walk():
    edges, nodes = TREE.edges, len(TREE.graph)
    before = {k: set() for k in range(nodes)}
    for a, b in zip(edges.source.tolist(), edges.target.tolist(), strict=True):
        before[b].add(a)
    start = TREE.graph.names.index("decoder/layer_2/attention/Concat")
    seen, front = {start}, [start]
    while front:
        new = before[front.pop()] - seen
        seen |= new
        front += new

    assert set(np.flatnonzero(reached(edges, nodes, np.array([start]))).tolist()) == seen


# Cards, search and tables.


def card_of(key, costs=COSTS):
    return card(TREE, key, PARAMETERS, item_costs(TREE, costs))


def test_the_card_of_a_node_tells_its_ties_and_attributes():
    found = card_of("decoder/layer_0/attention/head_1/QK")

    assert found["op"] == "BatchMatMulV2"
    assert found["inputs"]["name"] == [
        "decoder/layer_0/attention/q/BiasAdd",
        "decoder/layer_0/attention/k/BiasAdd",
    ]
    assert found["inputs"]["tensor"] == ["float32 8×128×768"] * 2
    assert found["outputs"]["key"] == ["decoder/layer_0/attention/head_1/Scale"]
    assert found["above"] == [
        "decoder", "decoder/layer[0–3]", "decoder/layer_0", "decoder/layer_0/attention",
        "decoder/layer_0/attention/head[0–2]", "decoder/layer_0/attention/head_1",
    ]  # fmt: skip
    assert found["time_us"] > 0
    assert found["device"] == GPU


def test_a_constant_that_is_not_drawn_is_listed_with_its_value():
    found = card_of("decoder/layer_0/ln_1/Rsqrt")
    place = found["inputs"]["name"].index("decoder/layer_0/ln_1/epsilon")

    assert found["inputs"]["key"][place] == ""
    assert "float32" in found["inputs"]["tensor"][place]


def test_the_card_of_a_scope_counts_what_it_holds():
    found = card_of("decoder/layer_0")

    assert found["alike"] == 3
    assert found["parameters"] == PARAMETERS[TREE.position["decoder/layer_0"]]
    assert {row["op"]: row["count"] for row in found["ops"]}["Softmax"] == 3
    assert found["inputs"]["name"] == ["embed/Gather", "mask/causal"]


def test_a_function_knows_who_calls_it():
    m = Maker()
    m.op("call", "twice")
    function = m.graph.library.function.add()
    function.signature.name = "twice"
    function.node_def.add(name="a", op="Add")
    function.node_def.add(name="b", op="Mul", input=["a:z:0"])
    tree = plant(graph_def.from_message(m.graph))
    found = card(
        tree, "functions/twice", tree.totals(tree.graph.parameters), item_costs(tree, None)
    )

    assert found["usages"] == ["call"]
    assert card(tree, "call", PARAMETERS, item_costs(tree, None))["calls"] == "functions/twice"


def test_a_card_of_nothing_is_not_found():
    with pytest.raises(NotFoundError, match="nowhere"):
        card_of("nowhere")


def test_search_finds_names_before_operations_and_scopes_before_nodes():
    found = search(TREE, "SOFTMAX", 5, is_regex=False)

    assert found["total"] == 4 * 3 + 1
    assert found["label"][0] == "Softmax"
    assert search(TREE, "attention", 1, is_regex=False)["form"] == ["scope"]
    assert search(TREE, r"layer_[02]/ln_1$", 9, is_regex=True)["total"] == 2


def test_search_refuses_what_could_take_forever():
    with pytest.raises(InputError):
        search(TREE, "(a+)+$", 5, is_regex=True)


def test_the_table_lists_every_node_with_its_parameters():
    found = table(TREE, item_costs(TREE, None))

    assert found["total"] == len(found["key"]) == len(TREE.order)
    assert sum(found["parameters"]) == summary(TREE)["parameters"] == PARAMETERS[0]


def test_a_parameter_without_a_logged_shape_is_counted_as_unknown():
    m = Maker()
    m.op("w/a", "prim::GetAttr", "gone")
    m.op("y", "aten::relu", "w/a")
    tree = plant(graph_def.from_message(m.graph))

    assert summary(tree)["without_shape"] == 1
    assert None in table(tree, item_costs(tree, None))["parameters"]


def test_an_attribute_is_cut_where_the_limit_says():
    assert not as_attribute("a", ["x"] * 3).is_cut
    assert as_attribute("a", ["x" * 100] * 30).is_cut
