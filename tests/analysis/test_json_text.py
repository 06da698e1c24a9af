import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis.json_text import pretty_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(st.lists(VALUES) | st.dictionaries(st.text(max_size=5), VALUES), st.sampled_from([None, 4]))
def test_what_is_shown_means_the_same(value, indent):
    text = json.dumps(value, indent=indent)

    shown = pretty_json(text)

    assert shown is not None
    assert json.dumps(json.loads(shown)) == json.dumps(value)


def test_names_stand_on_lines_of_their_own_and_short_lists_on_one():
    text = '{"lr":1e-05,"sizes":[1,2,3],"none":{},"deep":{"a":[{"b":1.10}],"text":"a,b: [c]"}}'

    assert pretty_json(text) == (
        '{\n  "lr": 1e-05,\n  "sizes": [1, 2, 3],\n  "none": {},\n  "deep": {\n'
        '    "a": [\n      {\n        "b": 1.10\n      }\n    ],\n    "text": "a,b: [c]"\n  }\n}'
    )


def test_digits_stay_as_they_are():
    text = '{"a": 0.1000, "b": 12345678901234567890123, "c": 1E400}'

    assert pretty_json(text) == text.replace("{", "{\n  ").replace(", ", ",\n  ").replace(
        "}", "\n}"
    )


def test_a_name_that_stands_twice_is_shown_twice():
    assert pretty_json('{"a": 1, "a": 2}') == '{\n  "a": 1,\n  "a": 2\n}'


@pytest.mark.parametrize(
    "text", ["", "3", '"a"', "{a: 1}", "{", '{"a": 1} more', "# [x]", "[x](http://y)", "[" * 9999]
)
def test_other_text_is_left_alone(text):
    assert pretty_json(text) is None


def test_what_is_nested_too_deep_is_left_alone():
    assert pretty_json("[" * 40 + "]" * 40) is not None
    assert pretty_json("[" * 41 + "]" * 41) is None
