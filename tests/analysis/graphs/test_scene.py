import itertools

import numpy as np
import pytest

from gpuboard.analysis.graphs.scene import compose
from gpuboard.analysis.graphs.tree import plant
from gpuboard.analysis.graphs.view import Options
from gpuboard.summaries.graphs import graph_def
from tests.graph_maker import Maker, gpt

TREE = plant(graph_def.from_message(gpt(4, 3)))
PARAMETERS = TREE.totals(TREE.graph.parameters)
EVERYTHING = frozenset(key for key, below in zip(TREE.keys, TREE.children, strict=True) if below)
SOME = frozenset({"decoder", "decoder/layer[0–3]", "decoder/layer_1", "decoder/layer_1/attention"})


def scene(open_=EVERYTHING, tree=TREE, **more):
    return compose(tree, Options(open=open_, **more), tree.totals(tree.graph.parameters))


def key(found, box, tree=TREE):
    return tree.keys[found.view.item[box]]


@pytest.mark.parametrize("open_", [frozenset(), SOME, EVERYTHING])
def test_siblings_never_overlap_and_lie_inside_their_scope(open_):
    found = scene(open_)
    right, bottom = found.x + found.width, found.y + found.height
    parent = found.view.parent

    for box in range(1, len(found.view)):
        around = parent[box]
        assert found.x[box] >= found.x[around] - 1e-6
        assert found.y[box] >= found.y[around] - 1e-6
        assert right[box] <= right[around] + 1e-6
        assert bottom[box] <= bottom[around] + 1e-6
    for around in np.unique(parent[1:]):
        for a, b in itertools.combinations(np.flatnonzero(parent == around).tolist(), 2):
            assert (
                right[a] <= found.x[b]
                or right[b] <= found.x[a]
                or (bottom[a] <= found.y[b] or bottom[b] <= found.y[a])
            )


@pytest.mark.parametrize("open_", [frozenset(), SOME, EVERYTHING])
def test_lines_end_on_the_borders_of_boxes(open_):
    found = scene(open_)

    for line in range(len(found.line_tail)):
        points = found.points[found.line_start[line] : found.line_start[line + 1]]
        tail, head = found.line_tail[line], found.line_head[line]
        enters = found.view.parent[head] == tail
        leaves = found.view.parent[tail] == head
        start = found.y[tail] + (0 if enters else found.height[tail])
        end = found.y[head] + (found.height[head] if leaves else 0)
        assert points[0][1] == pytest.approx(start)
        assert points[-1][1] == pytest.approx(end)
        for box, x in ((tail, points[0][0]), (head, points[-1][0])):
            assert found.x[box] - 1e-6 <= x <= found.x[box] + found.width[box] + 1e-6


def test_the_pieces_of_a_line_meet_in_the_borders_they_pass():
    found = scene(SOME)
    ends = {
        (int(head), round(x, 3), round(y, 3))
        for head, (x, y) in zip(
            found.line_head, found.points[found.line_start[1:] - 1], strict=True
        )
    }
    met = entering = 0
    for line, first in enumerate(found.line_start[:-1]):
        tail, head = int(found.line_tail[line]), int(found.line_head[line])
        if found.view.parent[head] == tail and tail:
            entering += 1
            x, y = found.points[first]
            met += (tail, round(x, 3), round(y, 3)) in ends

    assert entering == met > 0


def test_what_would_fan_out_to_very_many_ends_at_the_border():
    tree = plant(graph_def.from_message(gpt(9, 1)))
    found = scene(frozenset({"decoder", "decoder/layer[0–8]"}), tree)
    boxes = {key(found, box, tree): box for box in range(len(found.view))}
    series = boxes["decoder/layer[0–8]"]
    pairs = np.flatnonzero(found.view.source == boxes["mask/causal"])
    lines = {
        int(k)
        for p in pairs
        for k in found.pair_line[found.pair_start[p] : found.pair_start[p + 1]]
    }

    assert len(pairs) == 9
    assert {int(found.line_head[k]) for k in lines} == {boxes["decoder"], series}


def test_a_pair_names_all_pieces_of_its_line_in_order():
    found = scene(SOME)
    boxes = {key(found, box): box for box in range(len(found.view))}
    source, target = boxes["decoder/layer_1/ln_1"], boxes["decoder/layer_1/attention/q"]
    pair = np.flatnonzero((found.view.source == source) & (found.view.target == target))[0]
    lines = found.pair_line[found.pair_start[pair] : found.pair_start[pair + 1]]
    attention = boxes["decoder/layer_1/attention"]

    assert [(found.line_tail[k], found.line_head[k]) for k in lines] == [
        (source, attention),
        (attention, target),
    ]


def test_a_line_is_as_thick_as_all_that_run_through_it():
    found = scene(frozenset())
    boxes = {key(found, box): box for box in range(len(found.view))}
    line = np.flatnonzero(
        (found.line_tail == boxes["mask/causal"]) & (found.line_head == boxes["decoder"])
    )

    assert found.line_tensors[line].tolist() == [4 * 3]


def test_what_is_set_apart_has_no_lines_and_stands_on_the_right():
    found = scene(frozenset(), apart=frozenset({"embed"}))
    box = next(b for b in range(len(found.view)) if key(found, b) == "embed")
    others = [b for b in range(1, len(found.view)) if b != box]

    assert box not in found.line_tail
    assert box not in found.line_head
    assert found.x[box] > max(found.x[b] + found.width[b] for b in others)


def test_lines_that_only_say_after_are_told_apart():
    m = Maker()
    m.op("a", "One")
    m.op("b", "Two", "^a")
    m.op("c", "Three", "b")

    found = scene(frozenset(), plant(graph_def.from_message(m.graph)))

    assert found.line_control.tolist() == [True, False]


def test_the_same_choice_gives_the_same_picture():
    first, second = scene(SOME), scene(SOME)

    assert (first.points == second.points).all()
    assert (first.x == second.x).all()


def test_a_graph_of_unconnected_nodes_has_a_picture():
    m = Maker()
    for k in range(5):
        m.op("abcde"[k], f"Kind{k}")

    found = scene(frozenset(), plant(graph_def.from_message(m.graph)))

    assert len(found.line_tail) == 0
    assert len(set(found.x.tolist())) == 5
