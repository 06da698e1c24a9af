import json
from urllib.parse import urlencode

import pytest

from gpuboard import limits
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.serve.data import text as routes
from gpuboard.store.store import Store
from gpuboard.summaries.tensor import encode_strings, encode_tensor
from gpuboard.summaries.text import encode

START = 1_700_000_000.0


def table(tag, shape, cells):
    value = Summary.Value(tag=tag, tensor=encode_strings(cells, shape))
    value.metadata.plugin_data.plugin_name = "text"
    return value


def numbers(tag):
    value = Summary.Value(tag=tag, tensor=encode_tensor([1.0, 2.0]))
    value.metadata.plugin_data.plugin_name = "text"
    return value


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("texts")
    with EventFileWriter(logdir / "a") as writer:
        for step in range(5):
            words = f"**step {step}** lost <b>{step / 8}</b>\nsame"
            writer.add_value(encode("note", words), step, wall_time=START + step)
        writer.add_value(encode("args", '{"lr": 1e-3, "sizes": [1, 2]}'), 0, wall_time=START)
        writer.add_value(table("list", [3], [b"*x*", b"y", b"quux"]), 0, wall_time=START)
        writer.add_value(
            table("deep", [2, 2, 3], [b"%d" % i for i in range(12)]), 0, wall_time=START
        )
        writer.add_value(table("none", [0, 4], []), 0, wall_time=START)
        writer.add_value(table("plain", [], [b"caf\xe9"]), 0, wall_time=START)
        writer.add_value(numbers("numbers"), 4, wall_time=START + 99)
    with EventFileWriter(logdir / "b") as writer:
        writer.add_value(encode("note", "**step 9** lost nothing"), 9, wall_time=START + 50)
    store = Store(logdir)
    store.refresh()
    return store


@pytest.fixture
def client(serve, store):
    return serve(store=store, routes=[(f"/{path}", route) for path, route in routes.ROUTES])


def ref_of(store, tag, place=0, run="a"):
    values = store.values(store.find_run(run).id, tag)
    return f"{values.file[place]}-{values.offset[place]}"


@pytest.fixture
def ask(client, store):
    def get(path, tag, place=0, **query):
        query = {"run": 0, "tag": tag, "ref": ref_of(store, tag, place)} | query
        return client.authorised(f"/api/v1/text{path}?{urlencode(query)}")

    return get


@pytest.fixture
def search(client):
    def post(pattern, **fields):
        body = json.dumps({"runs": "0-9", "pattern": pattern} | fields).encode()
        return client.authorised("/api/v1/text/search", "POST", body=body)

    return post


def json_of(answer):
    assert answer.status == 200, answer.text
    return json.loads(answer.body)


def refusal(answer, status):
    assert answer.status == status
    return json.loads(answer.body)["error"]["message"]


NOTE = "note/text_summary"


def test_markdown_comes_as_sanitised_html(ask):
    (cell,) = json_of(ask("", NOTE))["cells"]

    assert cell == {
        "kind": "html",
        "content": "<p><strong>step 0</strong> lost &lt;b&gt;0.0&lt;/b&gt;\nsame</p>\n",
    }


def test_text_comes_as_it_was_logged_if_asked_for(ask):
    (cell,) = json_of(ask("", NOTE, markdown=0))["cells"]

    assert cell == {"kind": "text", "content": "**step 0** lost <b>0.0</b>\nsame"}


def test_json_is_set_in_lines(ask):
    tag = "args/text_summary"

    assert json_of(ask("", tag))["cells"] == [
        {"kind": "json", "content": '{\n  "lr": 1e-3,\n  "sizes": [1, 2]\n}'}
    ]
    assert json_of(ask("", tag, markdown=0))["cells"][0]["kind"] == "text"


def test_a_tensor_becomes_a_table(ask):
    reply = json_of(ask("", "list"))

    assert (reply["shape"], reply["rows"], reply["columns"]) == ([3], 3, 1)
    assert [cell["content"] for cell in reply["cells"]] == [
        "<p><em>x</em></p>\n",
        "<p>y</p>\n",
        "<p>quux</p>\n",
    ]


def test_of_a_tensor_of_more_dimensions_the_first_slice_is_shown(ask):
    reply = json_of(ask("", "deep", markdown=0))

    assert (reply["shape"], reply["rows"], reply["columns"]) == ([2, 2, 3], 2, 3)
    assert [cell["content"] for cell in reply["cells"]] == list("012345")


def test_an_empty_tensor_has_no_cells(ask):
    reply = json_of(ask("", "none"))

    assert (reply["shape"], reply["rows"], reply["cells"]) == ([0, 4], 0, [])


def test_bytes_that_are_not_utf8_stay_visible(ask):
    assert json_of(ask("", "plain", markdown=0))["cells"][0]["content"] == "caf\\xe9"


def test_long_texts_and_tables_are_cut_and_say_so(ask, monkeypatch):
    monkeypatch.setattr(limits, "MAX_TEXT_CHARACTERS", limits.Limit("a", 2, "few"))
    monkeypatch.setattr(limits, "MAX_TEXT_CELLS", limits.Limit("b", 2, "few"))

    reply = json_of(ask("", "list", markdown=0))

    assert (reply["rows"], reply["total"]) == (2, [3, 1])
    assert reply["cells"] == [
        {"kind": "text", "content": "*x", "characters": 3},
        {"kind": "text", "content": "", "characters": 1},
    ]


def test_what_is_no_text_becomes_a_row_of_the_health_page(ask, store):
    assert "expected strings" in refusal(ask("", "numbers"), 422)
    assert any("text 'numbers' at step 4" in p.message for p in store.problems())


def test_a_search_finds_the_latest_first(search):
    reply = json_of(search("STEP"))

    assert [(hit["run"], hit["step"]) for hit in reply["hits"]] == [
        (1, 9),
        *((0, step) for step in (4, 3, 2, 1, 0)),
    ]
    assert reply["searched"] == reply["total"] == 12
    first = reply["hits"][0]
    assert (first["before"], first["match"], first["after"]) == ("**", "step", " 9** lost nothing")
    assert (first["count"], first["wall_time"]) == (1, START + 50)


def test_what_is_found_can_be_asked_for(search, ask):
    (hit,) = json_of(search(r"step 3\b", regex=True))["hits"]

    (cell,) = json_of(ask("", hit["tag"], run=hit["run"], ref=hit["ref"], markdown=0))["cells"]
    assert "step 3" in cell["content"]


@pytest.mark.parametrize(
    ("fields", "hits"),
    [
        ({}, 6),
        ({"runs": "1"}, 1),
        ({"runs": ""}, 0),
        ({"tags": ["args/text_summary"]}, 0),
        ({"tags": [NOTE]}, 6),
        ({"case": True}, 6),
        ({"pattern": "LOST", "case": True}, 0),
        ({"pattern": "lo.t", "regex": True}, 6),
        ({"pattern": "lo.t"}, 0),
        ({"pattern": "quux"}, 1),
    ],
)
def test_a_search_keeps_to_what_is_asked(search, fields, hits):
    assert len(json_of(search(**({"pattern": "lost"} | fields)))["hits"]) == hits


def test_a_search_that_is_cut_short_says_so(search, monkeypatch):
    monkeypatch.setattr(limits, "MAX_TEXTS_SEARCHED", limits.Limit("a", 3, "few"))

    reply = json_of(search("step"))

    assert (reply["searched"], reply["total"], len(reply["hits"])) == (3, 12, 2)


def test_a_search_ends_in_time(search, monkeypatch):
    monkeypatch.setattr(routes, "SEARCH_SECONDS", -1.0)

    assert json_of(search("step"))["searched"] == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pattern": ""}, "the pattern has 0 characters"),
        ({"pattern": "(a", "regex": True}, "not a regular expression of RE2: missing )"),
        ({"pattern": 3}, "pattern:"),
        ({"runs": "x"}, "runs:"),
        ({"tags": "note"}, "tags:"),
        ({"regex": 1}, "regex:"),
    ],
)
def test_a_search_that_makes_no_sense_is_told(search, fields, words):
    assert refusal(search(**({"pattern": "a"} | fields)), 400).startswith(words)


def test_two_steps_are_compared(ask, store):
    reply = json_of(ask("/diff", NOTE, 0, to_ref=ref_of(store, NOTE, 4)))

    assert (reply["removed"], reply["added"], reply["is_complete"]) == (1, 1, True)
    first, second = reply["rows"]
    assert ["".join(text for text, _ in first[k]) for k in (2, 3)] == [
        "**step 0** lost <b>0.0</b>",
        "**step 4** lost <b>0.5</b>",
    ]
    assert [[text for text, is_changed in first[k] if is_changed] for k in (2, 3)] == [
        ["0", "0.0"],
        ["4", "0.5"],
    ]
    assert second == [2, 2, "same"]


def test_two_runs_are_compared(ask, store):
    reply = json_of(ask("/diff", NOTE, 0, to_run=1, to_ref=ref_of(store, NOTE, run="b")))

    assert [[row[0], row[1]] for row in reply["rows"]] == [[1, 1], [2, None]]


@pytest.mark.parametrize(
    ("query", "word"),
    [({"to_run": "x", "to_ref": "0-0"}, "to_run:"), ({}, "ref:"), ({"to_ref": "1"}, "ref:")],
)
def test_a_comparison_that_makes_no_sense_is_told(ask, query, word):
    assert refusal(ask("/diff", NOTE, **query), 400).startswith(word)


def test_markdown_is_on_or_off(ask):
    assert refusal(ask("", NOTE, markdown="yes"), 400).startswith("markdown:")
