import pytest

from gpuboard.analysis.graphs.series import find_series


def series(labels, pairs=(), structure=None):
    children = [list(range(1, len(labels) + 1)), *[[] for _ in labels]]
    names = ["", *labels]
    kinds = [0, *(structure or [7] * len(labels))]
    found = find_series(children, names, {0: list(pairs)}, kinds)
    return [(repeat.label, [names[k] for k in repeat.members]) for repeat in found]


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        (["layer_0", "layer_1", "layer_2"], "layer[0–2]"),
        (["block[3]", "block[4]", "block[5]"], "block[3–5]"),
        (["h9", "h10", "h11"], "h[9–11]"),
        (["dense", "dense_1", "dense_2"], "dense[0–2]"),
    ],
)
def test_names_that_count_on_are_one_series(labels, label):
    assert series(labels) == [(label, labels)]


def test_members_stand_in_order_of_their_numbers():
    assert series(["a_10", "a_9", "a_11"]) == [("a[9–11]", ["a_9", "a_10", "a_11"])]


@pytest.mark.parametrize(
    "labels",
    [["a_0", "a_1"], ["a_0", "a_2", "a_4"], ["0", "1", "2"], ["a_0", "b_1", "c_2"], []],
)
def test_too_few_gaps_and_other_names_are_none(labels):
    assert series(labels) == []


def test_a_gap_parts_two_series():
    labels = ["a_0", "a_1", "a_2", "a_7", "a_8", "a_9"]

    assert [label for label, _ in series(labels)] == ["a[0–2]", "a[7–9]"]


def test_another_structure_is_no_member():
    assert series(["a_0", "a_1", "a_2", "a_3"], structure=[1, 1, 1, 2]) == [
        ("a[0–2]", ["a_0", "a_1", "a_2"])
    ]


def test_a_series_with_something_between_its_members_would_make_a_circle():
    labels = ["a_0", "a_1", "a_2", "between"]

    assert series(labels, [(1, 2), (2, 3)]) == [("a[0–2]", labels[:3])]
    assert series(labels, [(1, 4), (4, 2)]) == []


def test_two_series_that_alternate_are_not_both_grouped():
    labels = ["a_0", "a_1", "a_2", "b_0", "b_1", "b_2"]
    chain = [(1, 4), (4, 2), (2, 5), (5, 3), (3, 6)]

    assert series(labels, chain) == []
