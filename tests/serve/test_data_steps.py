import json

import pytest

from gpuboard.errors import DataError, InputError, NotFoundError
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.serve import wire
from gpuboard.serve.values import BAD_VALUE, decoded, place_of, refs_of
from gpuboard.store.store import Store
from gpuboard.summaries.tensor import encode_strings

START = 1_700_000_000.0


def text(tag, words):
    value = Summary.Value(tag=tag, tensor=encode_strings([words.encode()], (1,)))
    value.metadata.plugin_data.plugin_name = "text"
    return value


def log(run, texts, *, start=START, purge_step=None):
    with EventFileWriter(run, purge_step=purge_step) as writer:
        for k, (tag, step, words) in enumerate(texts):
            writer.add_value(text(tag, words), step, wall_time=start + k)


@pytest.fixture
def store(tmp_path):
    log(tmp_path / "a", [("note", 0, "one"), ("other", 0, "x"), ("note", 5, "two")])
    log(tmp_path / "b", [("note", 2**60, "far")])
    log(tmp_path / "c", [("other", 1, "y")])
    store = Store(tmp_path)
    store.refresh()
    return store


def words_of(value):
    return value.tensor.string_val[0].decode()


def run_id(store, name):
    return store.find_run(name).id


def test_every_value_can_be_read_back(store):
    values = store.values(run_id(store, "a"), "note")

    assert values.step.tolist() == [0, 5]
    assert values.kind == "text"
    assert [decoded(store, values, i, words_of) for i in range(2)] == ["one", "two"]


def test_a_ref_names_a_value_and_goes_on_naming_it_when_the_file_grows(store, tmp_path):
    run = run_id(store, "a")
    before = store.values(run, "note")
    refs = refs_of(before, before.step.argsort())
    log(tmp_path / "a", [("note", 9, "three")], start=START + 100)
    store.refresh()

    after = store.values(run, "note")

    assert [decoded(store, after, place_of(after, ref), words_of) for ref in refs] == ["one", "two"]


@pytest.mark.parametrize("ref", ["", "1", "x-1", "0--1", "0-1 ", "٣-١"])
def test_what_is_no_ref_is_told(store, ref):
    with pytest.raises(InputError):
        place_of(store.values(run_id(store, "a"), "note"), ref)


def test_a_ref_that_is_gone_is_not_found(store):
    with pytest.raises(NotFoundError):
        place_of(store.values(run_id(store, "a"), "note"), "0-1")


def test_a_value_that_cannot_be_decoded_becomes_a_row_once(store):
    values = store.values(run_id(store, "a"), "note")

    def decode(value):
        raise DataError("no good")

    version = store.version
    for _ in range(3):
        with pytest.raises(DataError):
            decoded(store, values, 1, decode)

    (problem,) = store.problems()
    assert (problem.kind, problem.offset) == (BAD_VALUE, values.offset[1])
    assert problem.file.startswith("a/events.out")
    assert "step 5" in problem.message
    assert "no good" in problem.message
    assert store.version == version + 1


def test_a_file_that_was_cut_is_told_and_not_read_beyond_its_end(store):
    values = store.values(run_id(store, "a"), "note")
    path = values.files[0]
    path.write_bytes(path.read_bytes()[: int(values.offset[1]) + 3])

    with pytest.raises(DataError, match="ends after 3 of"):
        decoded(store, values, 1, words_of)


def test_a_pipe_in_place_of_the_file_does_not_hold_the_reader(store):
    import os

    values = store.values(run_id(store, "a"), "note")
    values.files[0].unlink()
    os.mkfifo(values.files[0])

    with pytest.raises(DataError, match="regular file"):
        decoded(store, values, 0, words_of)


def test_a_restart_supersedes_what_it_overwrites(tmp_path):
    log(tmp_path / "r", [("note", step, f"old {step}") for step in range(4)])
    log(tmp_path / "r", [("note", step, f"new {step}") for step in (2, 3)], start=START + 100)
    store = Store(tmp_path)
    store.refresh()
    from gpuboard.analysis.steps import standing

    values = store.values(0, "note")
    found = [decoded(store, values, int(i), words_of) for i in standing(values)]

    assert found == ["old 0", "old 1", "new 2", "new 3"]


def test_values_that_one_file_logged_at_one_step_all_stand(tmp_path):
    log(tmp_path / "r", [("note", 7, "b"), ("note", 0, "a"), ("note", 7, "c")])
    store = Store(tmp_path)
    store.refresh()
    from gpuboard.analysis.steps import standing

    values = store.values(0, "note")
    found = [decoded(store, values, int(i), words_of) for i in standing(values)]

    assert found == ["a", "b", "c"]


def test_ids_are_written_as_ranges():
    assert wire.id_ranges([]) == ""
    assert wire.id_ranges([5, 0, 1, 2, 7]) == "0-2,5,7"


def test_the_steps_of_a_run_come_with_their_refs(store, serve_data):
    ask = serve_data(store)

    status, body = ask(f"/api/v1/steps?run={run_id(store, 'a')}&tag=note")

    assert status == 200
    found = json.loads(body)
    assert (found["step"], found["kind"], found["tag"]) == ([0, 5], "text", "note")
    assert found["wall_time"] == [START, START + 2]
    assert len(set(found["ref"])) == 2


def test_many_runs_are_answered_at_once_and_far_steps_are_exact(store, serve_data):
    status, body = serve_data(store)("/api/v1/steps", {"tag": "note", "runs": "0-9"})

    assert status == 200
    steps = {row["run"]: row["step"] for row in json.loads(body)["runs"]}
    assert steps == {run_id(store, "a"): [0, 5], run_id(store, "b"): [str(2**60)]}


def test_tags_come_with_the_runs_that_have_them(store, serve_data):
    ask = serve_data(store)

    found = json.loads(ask("/api/v1/values?kind=text")[1])
    searched = json.loads(ask("/api/v1/values?kind=text&q=^n&limit=0")[1])

    ids = {name: run_id(store, name) for name in "abc"}
    assert found["tags"] == [
        {"tag": "note", "runs": wire.id_ranges([ids["a"], ids["b"]])},
        {"tag": "other", "runs": wire.id_ranges([ids["a"], ids["c"]])},
    ]
    assert (searched["total"], searched["tags"]) == (1, [])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("steps?run=0", 400),
        ("steps?tag=note", 400),
        ("steps?run=x&tag=note", 400),
        ("steps?run=99&tag=note", 404),
        ("steps?run=0&tag=none", 404),
        ("values?kind=text&q=(", 400),
    ],
)
def test_what_cannot_be_asked_is_told(store, serve_data, path, status):
    assert serve_data(store)(f"/api/v1/{path}")[0] == status
