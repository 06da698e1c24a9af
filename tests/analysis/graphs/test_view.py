import pytest

from gpuboard import limits
from gpuboard.analysis.graphs.first import first_open
from gpuboard.analysis.graphs.tree import plant
from gpuboard.analysis.graphs.view import Options, view
from gpuboard.errors import LimitError
from gpuboard.summaries.graphs import graph_def
from tests.graph_maker import Maker, gpt

TREE = plant(graph_def.from_message(gpt(4, 3)))


def shown(options, tree=TREE):
    found = view(tree, options)
    return [tree.keys[k] for k in found.item.tolist()[1:]], found


def pairs(found, tree=TREE):
    keys = [tree.keys[k] for k in found.item.tolist()]
    return {
        (keys[a], keys[b]): n
        for a, b, n in zip(
            found.source.tolist(), found.target.tolist(), found.tensors.tolist(), strict=True
        )
    }


def test_closed_everything_shows_the_top_level():
    keys, _ = shown(Options())

    assert keys == [
        "input/tokens", "embed", "mask/causal", "decoder", "final_norm", "head/logits", "loss",
    ]  # fmt: skip


def test_an_open_scope_shows_its_members_behind_itself():
    keys, found = shown(Options(open=frozenset({"decoder", "decoder/layer[0–3]"})))
    place = keys.index("decoder")

    assert keys[place : place + 3] == ["decoder", "decoder/layer[0–3]", "decoder/layer_0"]
    assert found.depth[place + 3] == 2
    assert found.parent[place + 3] == place + 2


def test_members_of_an_ungrouped_series_stand_on_their_own():
    keys, _ = shown(
        Options(open=frozenset({"decoder"}), ungrouped=frozenset({"decoder/layer[0–3]"}))
    )

    assert "decoder/layer[0–3]" not in keys
    assert keys[keys.index("decoder") + 1] == "decoder/layer_0"


def test_a_pair_counts_the_tensors_between_two_boxes():
    _, found = shown(Options())

    assert pairs(found)["mask/causal", "decoder"] == 4 * 3
    assert pairs(found)["embed", "head/logits"] == 1  # the table is used again


def test_nothing_inside_a_closed_box_is_a_pair():
    _, found = shown(Options())

    assert all(a != b for a, b in pairs(found))
    assert (found.box_of[TREE.order] >= 0).all()


def test_a_key_inside_a_closed_scope_opens_nothing():
    keys, _ = shown(Options(open=frozenset({"decoder/layer_0"})))

    assert "decoder/layer_0/ln_1" not in keys


def many():
    m = Maker()
    m.op("seed", "Seed")
    for k in range(12):
        m.op(f"op{chr(97 + k)}", f"Kind{k}", "seed")
    m.op("saver", "NoOp", *[f"^op{chr(97 + k)}" for k in range(12)])
    return plant(graph_def.from_message(m.graph))


def apart(options):
    keys, found = shown(options, many())
    return {key for key, one in zip(keys, found.is_apart[1:].tolist(), strict=True) if one}


def test_what_feeds_very_many_and_what_gathers_them_is_set_apart():
    assert apart(Options()) == {"seed", "saver"}


def test_the_user_has_the_last_word():
    assert apart(Options(kept=frozenset({"seed"}), apart=frozenset({"opa"}))) == {"saver", "opa"}


def test_too_many_boxes_are_refused_by_name(monkeypatch):
    few = limits.Limit("max_graph_boxes", 5, "for this test")
    monkeypatch.setattr("gpuboard.analysis.graphs.view.limits.MAX_GRAPH_BOXES", few)

    with pytest.raises(LimitError, match="max_graph_boxes"):
        view(TREE, Options())


def test_a_graph_opens_with_what_one_screen_shows():
    found = first_open(TREE, TREE.totals(TREE.graph.parameters))

    assert "decoder" in found
    assert not any("layer" in key for key in found)
