import json
import struct

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.serve.values import BAD_VALUE
from gpuboard.store.store import Store
from gpuboard.summaries.custom_scalars import LAYOUT_TAG, encode
from gpuboard.summaries.tensor import encode_strings
from tests import make

LAYOUT = {"c": {"lines": ["Multiline", ["loss/.*"]], "band": ["Margin", ["m", "lo", "hi"]]}}


def layout_event(value, step=0, wall_time=make.START_TIME):
    return make.event(step, wall_time, summary=Summary(value=[value]))


@pytest.fixture
def write(tmp_path):
    """Write a run with these scalars by tag, after a layout or other values."""

    def one(name, columns, *values):
        steps = range(max((len(c) for c in columns.values()), default=0))
        events = [make.header(), *(layout_event(value) for value in values)]
        events += [make.scalars({t: c[i] for t, c in columns.items()}, i) for i in steps]
        make.event_file(tmp_path / name, events)

    return one


@pytest.fixture
def ask(serve_data, tmp_path):
    """Serve what has been written, and answer with status and JSON, or header and columns."""

    def start():
        store = Store(tmp_path)
        store.refresh()
        send = serve_data(store)

        def request(path, body=None):
            status, reply = send(f"/api/v1/{path}", body)
            if status == 204 or path != "curves/custom" or status >= 400:
                return status, json.loads(reply) if reply else None
            (length,) = struct.unpack_from("<I", reply)
            x, y = np.frombuffer(reply, "<f8", offset=4 + length).reshape(2, -1)
            return status, (json.loads(reply[4 : 4 + length]), x, y)

        request.store = store
        return request

    return start


def lines_of(answer):
    """Return (tag, run, role, y) of each line."""
    header, _, y = answer
    ends = np.cumsum([line["n"] for line in header["lines"]])
    parts = np.split(y, ends[:-1]) if len(ends) else []
    return [
        (header["tags"][tag], line["run"], line["role"], part.tolist())
        for tag, line, part in zip(header["line_tag"], header["lines"], parts, strict=True)
    ]


def test_the_layouts_of_all_runs_are_merged(write, ask):
    write("a", {"loss/x": [1.0]}, encode(LAYOUT))
    write("b", {"loss/x": [1.0]}, encode({"c": {"more": ["Multiline", ["z"]]}, "d": {}}))

    _, found = ask()("custom_scalars")

    assert found["runs"] == 2
    assert [category["title"] for category in found["categories"]] == ["c", "d"]
    assert found["categories"][0]["charts"] == [
        {"title": "lines", "tags": ["loss/.*"], "margins": []},
        {"title": "band", "tags": [], "margins": [{"value": "m", "lower": "lo", "upper": "hi"}]},
        {"title": "more", "tags": ["z"], "margins": []},
    ]


def test_the_last_layout_of_a_run_counts(write, ask):
    write("a", {}, encode(LAYOUT), encode({"new": {}}))

    assert [c["title"] for c in ask()("custom_scalars")[1]["categories"]] == ["new"]


def test_a_layout_that_cannot_be_read_is_said_and_the_others_are_shown(write, ask):
    write("a", {}, encode(LAYOUT))
    bad = encode(LAYOUT)
    bad.tensor.CopyFrom(encode_strings([b"\x12\xff"], ()))
    write("b", {}, bad)
    request = ask()

    _, found = request("custom_scalars")

    assert [c["title"] for c in found["categories"]] == ["c"]
    (problem,) = found["problems"]
    assert problem["run"] == 1
    assert LAYOUT_TAG in problem["message"]
    assert [p.kind for p in request.store.problems()] == [BAD_VALUE]


def test_without_a_layout_there_is_none(write, ask):
    write("a", {"loss": [1.0]})

    assert ask()("custom_scalars")[1]["categories"] == []


def test_every_tag_that_begins_with_a_match_is_drawn_for_every_run(write, ask):
    write("a", {"loss/x": [1.0, 2.0], "loss/y": [3.0, 4.0], "val/loss/x": [9.0, 9.0]})
    write("b", {"loss/x": [5.0, 6.0]})

    _, answer = ask()("curves/custom", {"tags": ["loss/", "loss/y"], "runs": "0-9"})

    assert lines_of(answer) == [
        ("loss/x", 0, "line", [1, 2]),
        ("loss/x", 1, "line", [5, 6]),
        ("loss/y", 0, "line", [3, 4]),
    ]
    header = answer[0]
    assert header["tag_pattern"] == [0, 0]
    assert header["tags_total"] == 2
    assert header["x_extent"] == [0, 1]
    assert header["y_extent"] == [1, 6]


def test_tags_that_no_selected_run_has_are_left_out(write, ask):
    write("a", {"loss/x": [1.0]})
    write("b", {"loss/y": [1.0]})

    header, *_ = ask()("curves/custom", {"tags": ["loss/"], "runs": "1"})[1]

    assert (header["tags"], header["tags_total"]) == (["loss/y"], 1)


@pytest.mark.parametrize("pattern", ["(", "", "(a+)+$", "a" * 501])
def test_a_pattern_that_cannot_be_used_costs_no_other(write, ask, pattern):
    write("a", {"loss/x": [1.0]})

    status, answer = ask()("curves/custom", {"tags": [pattern, "loss/x"], "runs": "0"})

    assert status == 200
    assert answer[0]["tags"] == ["loss/x"]
    (problem,) = answer[0]["problems"]
    assert problem["pattern"] == 0
    assert "regular expression" in problem["message"]


def test_more_tags_than_a_chart_shows_are_counted(write, ask, monkeypatch):
    monkeypatch.setattr(limits, "MAX_CHART_TAGS", limits.Limit("max_chart_tags", 3, ""))
    write("a", {f"t{k}": [1.0] for k in range(12)})

    header, *_ = ask()("curves/custom", {"tags": ["t"], "runs": "0"})[1]

    assert header["tags"] == ["t0", "t1", "t2"]
    assert header["tags_total"] == 12


def test_a_value_comes_with_its_band(write, ask):
    write("a", {"m": [2.0, 3.0], "lo": [1.0, 2.0], "hi": [4.0, 5.0]})
    margins = [{"value": "m", "lower": "lo", "upper": "hi"}]

    _, answer = ask()("curves/custom", {"margins": margins, "runs": "0"})

    assert lines_of(answer) == [
        ("m", 0, "low", [1, 2]),
        ("m", 0, "high", [4, 5]),
        ("m", 0, "line", [2, 3]),
    ]
    assert answer[0]["y_extent"] == [1, 5]


def test_a_margin_that_nobody_logged_is_said(write, ask):
    write("a", {"m": [2.0]})
    margins = [{"value": "m", "lower": "lo", "upper": "hi"}]

    header, *_ = ask()("curves/custom", {"margins": margins, "runs": "0"})[1]

    assert header["problems"] == [
        {"pattern": 0, "message": "no selected run has scalars named 'lo', 'hi'"}
    ]


def test_who_knows_the_newest_gets_nothing_anew(write, ask):
    write("a", {"loss/x": [1.0]})
    request = ask()
    body = {"tags": ["loss/"], "runs": "0"}
    version = request("curves/custom", body)[1][0]["version"]

    assert request("curves/custom", {**body, "since": version}) == (204, None)
    assert request("curves/custom", {**body, "since": version + 9})[0] == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "tags: "),
        ({"tags": "loss"}, "tags: "),
        ({"tags": [1]}, "tags: "),
        ({"tags": ["a"] * 101}, "101 texts"),
        ({"margins": "x"}, "margins: "),
        ({"margins": [{"value": "m"}]}, "value, lower and upper"),
        ({"tags": ["a"], "x": "up"}, "x: "),
    ],
)
def test_a_request_that_is_none_is_told_why(write, ask, body, message):
    write("a", {"loss": [1.0]})

    status, answer = ask()("curves/custom", {"runs": "0", **body})

    assert status == 400
    assert message in answer["error"]["message"]


def test_what_tags_have_at_one_place(write, ask):
    write("a", {"x": [1.0, 2.0, 3.0], "y": [4.0, 5.0, 6.0]})
    write("b", {"x": [7.0, 8.0, 9.0]})

    _, found = ask()("at/custom", {"tags": ["x", "y", "none"], "runs": "0-1", "at": 1})

    assert list(zip(found["tag"], found["run"], found["value"], found["step"], strict=True)) == [
        (0, 0, 2.0, "1"),
        (0, 1, 8.0, "1"),
        (1, 0, 5.0, "1"),
    ]


def test_without_tags_there_is_nothing_at_any_place(write, ask):
    write("a", {"x": [1.0]})

    assert ask()("at/custom", {"tags": [], "runs": "0", "at": 1}) == (200, {"tag": [], "run": []})
