import json

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.serve.data import numerics
from gpuboard.store.store import Store
from gpuboard.summaries import histogram


@pytest.fixture
def store(tmp_path):
    with EventFileWriter(tmp_path / "bad") as writer:
        for step in range(50):
            writer.add_scalar("loss", float("nan") if step >= 30 else 1.0 / (step + 1), step)
            writer.add_value(histogram.encode("weights/x", np.full(9, 2.5)), step)
        writer.add_value(Summary.Value(tag="weights/x", histo={"bucket": [1.0, 2.0]}), 99)
    with EventFileWriter(tmp_path / "good") as writer:
        for step in range(50):
            writer.add_scalar("loss", 1.0 - step / 50, step)
    store = Store(tmp_path)
    store.refresh()
    return store


def rows(reply):
    columns = reply["findings"]
    names = ("rule", "run", "tag", "kind", "step")
    return set(zip(*(columns[name] for name in names), strict=True))


def test_trouble_is_found_in_scalars_and_histograms(store, serve_data):
    bad = store.find_run("bad").id

    status, body = serve_data(store)("/api/v1/numerics", {"runs": "0-9", "start": 0})

    reply = json.loads(body)
    assert (status, reply["done"], reply["total"]) == (200, 3, 3)
    assert ("nan", bad, "loss", "scalar", 30) in rows(reply)
    assert ("stuck", bad, "weights/x", "histogram", 0) in rows(reply)
    assert {run for _, run, *_ in rows(reply)} == {bad}


def test_a_histogram_that_cannot_be_read_is_a_health_row_and_the_rest_is_checked(store, serve_data):
    serve_data(store)("/api/v1/numerics", {"runs": "0-9", "start": 0})

    assert [problem.kind for problem in store.problems()] == ["bad_value"]


def test_only_the_wanted_runs_are_checked(store, serve_data):
    good = store.find_run("good").id

    _, body = serve_data(store)("/api/v1/numerics", {"runs": str(good), "start": 0})

    assert json.loads(body)["total"] == 1
    assert rows(json.loads(body)) == set()


def test_an_answer_covers_what_its_time_allows_and_the_next_goes_on(store, serve_data, monkeypatch):
    monkeypatch.setattr(numerics, "BUDGET_S", 0.0)
    ask = serve_data(store)

    replies = [
        json.loads(ask("/api/v1/numerics", {"runs": "0-9", "start": start})[1])
        for start in range(3)
    ]

    assert [reply["done"] for reply in replies] == [1, 2, 3]
    assert ("nan", store.find_run("bad").id, "loss", "scalar", 30) in set.union(*map(rows, replies))


def test_what_is_known_is_not_computed_again_until_the_tag_grows(store, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(numerics, "_check", lambda store, run, info: calls.append(info.tag) or [])
    numerics._part(store, [0, 1], 0)
    numerics._part(store, [0, 1], 0)
    assert len(calls) == 3

    with EventFileWriter(tmp_path / "good") as writer:
        writer.add_scalar("loss", 0.0, 50)
    store.refresh()
    numerics._part(store, [0, 1], 0)

    assert len(calls) == 4


def test_a_place_before_the_first_is_refused(store, serve_data):
    assert serve_data(store)("/api/v1/numerics", {"runs": "0", "start": -1})[0] == 400


def test_every_rule_has_a_definition(store, serve_data):
    _, body = serve_data(store)("/api/v1/numerics/rules")

    rules = json.loads(body)["rules"]
    assert len({rule["name"] for rule in rules}) == len(rules) >= 9
    assert all(len(rule["definition"]) > 40 for rule in rules)
    assert {rule["severity"] for rule in rules} == {"bad", "warn"}
