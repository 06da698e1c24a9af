import json

import pytest

from gpuboard import limits
from gpuboard.errors import InputError, LimitError
from gpuboard.serve.view_layout import checked_id, checked_layout, checked_title

CARD = {"id": "card1", "kind": "note", "title": "T", "width": 4, "height": 3, "spec": {"text": "x"}}
LAYOUT = {"cards": [CARD], "follow": True, "runs": "all", "settings": {"x": "wall"}}


def test_a_layout_is_kept_as_it_is():
    assert json.loads(checked_layout(LAYOUT).as_json()) == LAYOUT


def test_what_a_layout_does_not_need_is_left_out():
    found = json.loads(checked_layout({**LAYOUT, "more": 1, "cards": [{**CARD, "x": 2}]}).as_json())

    assert found == LAYOUT


def test_an_empty_layout_has_usual_values():
    found = checked_layout({})

    assert (found.cards, found.follow, found.runs, found.settings) == ((), False, "", {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cards": {}}, "layout.cards: "),
        ({"cards": ["x"]}, r"layout.cards\[0\]: .*expected an object"),
        ({"cards": [{**CARD, "kind": "No!"}]}, r"layout.cards\[0\].kind"),
        ({"cards": [{**CARD, "kind": 3}]}, r"layout.cards\[0\].kind"),
        ({"cards": [{**CARD, "id": "../x"}]}, "letters, digits"),
        ({"cards": [{**CARD, "width": 13}]}, r"width: got '13', expected 1 to 12"),
        ({"cards": [{**CARD, "width": 0}]}, "width"),
        ({"cards": [{**CARD, "height": 2.5}]}, "height"),
        ({"cards": [{**CARD, "height": True}]}, "height"),
        ({"cards": [{**CARD, "title": "x" * 301}]}, "301 characters"),
        ({"cards": [{**CARD, "spec": []}]}, "spec"),
        ({"follow": 1}, "layout.follow"),
        ({"runs": None}, "layout.runs"),
        ({"runs": "x" * 30_001}, "layout.runs"),
        ({"settings": "x"}, "layout.settings"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    with pytest.raises(InputError, match=message):
        checked_layout({**LAYOUT, **change})


@pytest.mark.parametrize("found", [None, [], "x", 3])
def test_a_layout_is_an_object(found):
    with pytest.raises(InputError, match="layout"):
        checked_layout(found)


def test_a_view_holds_so_many_cards():
    most = limits.MAX_VIEW_CARDS.value

    assert len(checked_layout({"cards": [CARD] * most}).cards) == most
    with pytest.raises(LimitError, match=limits.MAX_VIEW_CARDS.name):
        checked_layout({"cards": [CARD] * (most + 1)})


def test_a_layout_that_is_too_large_is_refused():
    card = {**CARD, "spec": {"text": "é" * (limits.MAX_VIEW_BYTES.value // 2)}}

    with pytest.raises(LimitError, match=limits.MAX_VIEW_BYTES.name):
        checked_layout({"cards": [card]}).as_json()


def test_half_a_surrogate_does_no_harm():
    card = {**CARD, "spec": {"text": "\ud800"}}

    assert checked_layout({"cards": [card]}).as_json()


@pytest.mark.parametrize("text", ["abc", "a" * 41, "a/b/c", "a b c", "", "äöüß", "abcd\n"])
def test_the_name_of_a_view_in_addresses_is_plain(text):
    with pytest.raises(InputError, match="view: "):
        checked_id(text)


@pytest.mark.parametrize("found", [None, "", "   ", 3, "x" * 301])
def test_a_view_has_a_title(found):
    with pytest.raises(InputError, match="title"):
        checked_title(found)


def test_white_space_around_a_title_is_left_out():
    assert checked_title("  a b ") == "a b"
