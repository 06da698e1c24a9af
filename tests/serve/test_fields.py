import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.analysis.request import CurveRequest, Fold, Smoothing
from gpuboard.errors import InputError
from gpuboard.serve import fields


def test_runs_are_named_by_ids_and_ranges():
    assert fields.run_ids("0-3, 104,2") == [0, 1, 2, 3, 104]
    assert fields.run_ids("") == fields.run_ids("  ") == []


@pytest.mark.parametrize(
    "text", ["a", "1-", "-1", "3-1", "1,,2", "1-2-3", "1;2", "0-99999999", "9" * 30, "٣"]
)
def test_what_names_no_runs_is_refused(text):
    with pytest.raises(InputError, match="runs: got"):
        fields.run_ids(text)


def test_overlapping_ranges_do_not_pass_the_cap_by_repetition():
    with pytest.raises(InputError, match="at most 100000 runs"):
        fields.run_ids("0-99999,0-99999,5-100005")


@given(st.sets(st.integers(0, 200)))
def test_any_ids_survive_being_written_and_read(ids):
    assert set(fields.run_ids(",".join(map(str, sorted(ids))))) == ids


def test_an_empty_body_asks_for_a_plain_chart():
    assert fields.curve_request({}) == CurveRequest()


def test_every_field_of_a_chart_is_read():
    body = {
        "x": "relative",
        "smooth": {"kind": "ema", "amount": 0.6},
        "width": 640,
        "range": [1, 2.5],
        "overwritten": True,
        "fold": {"by": "regex", "pattern": "(.*)/s", "center": "median", "band": "minmax"},
    }

    assert fields.curve_request(body) == CurveRequest(
        axis="relative",
        smoothing=Smoothing("ema", 0.6),
        width=640,
        window=(1.0, 2.5),
        overwritten=True,
        fold=Fold("(.*)/s", "median", "minmax"),
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"x": 3}, "x: got 3, expected a text"),
        ({"x": "log"}, "x: got 'log', expected one of"),
        ({"width": "320"}, "width: got '320', expected a number"),
        ({"width": True}, "width: got True, expected a number"),
        ({"width": 1.5}, "width: got 1.5, expected a whole number"),
        ({"range": [1]}, "range: got"),
        ({"range": [1, None]}, "range: got"),
        ({"range": [1, 10**400]}, "range: got 1000.*, expected a finite number"),
        ({"range": [2, 1]}, "first <= last"),
        ({"smooth": "ema"}, "smooth: got 'ema', expected an object"),
        ({"smooth": {"kind": "ema", "amount": 1}}, "smooth.amount"),
        ({"fold": {}}, "pattern: got None, expected a text"),
        ({"fold": {"by": "tag", "pattern": ""}}, "fold.by"),
        ({"overwritten": 1}, "overwritten: got 1, expected true or false"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_right(body, message):
    with pytest.raises(InputError, match=message):
        fields.curve_request(body)


def test_a_place_needs_a_number():
    with pytest.raises(InputError, match="at: got None, expected a number"):
        fields.point_fields({})
    assert fields.point_fields({"at": 3}) == ("step", 3.0, None, Smoothing())


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "9" * 20])
def test_a_limit_that_is_no_count_is_refused(text):
    with pytest.raises(InputError, match="limit: got"):
        fields.limit(text)


def test_a_limit_is_capped():
    assert fields.limit(None) == fields.limit("999999") == limits.MAX_TAGS_LISTED.value
    assert fields.limit("3") == 3


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    ),
    st.sampled_from(["x", "smooth", "width", "range", "overwritten", "fold", "since", "at", "to"]),
)
def test_no_value_of_any_field_raises_anything_but_an_input_error(value, name):
    body = {name: value}
    for read in (fields.curve_request, fields.point_fields, fields.since):
        with contextlib.suppress(InputError):
            read(body)
