import json
import struct

import numpy as np
import pytest

from gpuboard.analysis import pr_curves as analysis
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.store.store import Store
from gpuboard.summaries import pr_curve
from gpuboard.summaries.tensor import encode_tensor

RNG = np.random.default_rng(0)


def some_curve():
    scores = RNG.random(500)
    return pr_curve.encode("pr", RNG.random(500) < scores, scores, 21)


@pytest.fixture
def logged(tmp_path):
    curves = {"a": [some_curve() for _ in range(3)], "b": [some_curve()]}
    for run, values in curves.items():
        with EventFileWriter(tmp_path / run) as writer:
            for step, value in enumerate(values):
                writer.add_value(value, 10 * step)
    bad = Summary.Value(tag="pr", tensor=encode_tensor(np.zeros((2, 2))))
    bad.metadata.CopyFrom(some_curve().metadata)
    with EventFileWriter(tmp_path / "bad") as writer:
        writer.add_value(bad, 7)
    store = Store(tmp_path)
    store.refresh()
    return store, curves


def columns_of(body):
    (length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + length])
    at, columns = 4 + length, {}
    for column in header["columns"]:
        found = np.frombuffer(body, column["type"], int(np.prod(column["shape"])), at)
        columns[column["name"]] = found
        at += -(-found.nbytes // 8) * 8
    assert at == len(body)
    return header, columns


def test_curves_of_several_runs_come_at_the_steps_that_were_named(logged, serve_data):
    store, curves = logged
    ask = serve_data(store)
    a, b = store.find_run("a").id, store.find_run("b").id
    steps = json.loads(ask("/api/v1/steps", {"tag": "pr", "runs": f"{a},{b}"})[1])["runs"]
    refs = {row["run"]: row["ref"] for row in steps}

    status, body = ask(
        "/api/v1/pr_curves", {"tag": "pr", "values": [[b, refs[b][0]], [a, refs[a][1]]]}
    )

    header, columns = columns_of(body)
    assert status == 200
    for k, (run, value) in enumerate([(b, curves["b"][0]), (a, curves["a"][1])]):
        row, expected = header["curves"][k], pr_curve.decode(value)
        assert (row["run"], row["n"]) == (run, 21)
        part = slice(21 * k, 21 * k + 21)
        for name in ("threshold", "precision", "recall", "tp", "fp", "tn", "fn"):
            np.testing.assert_array_equal(columns[name][part], getattr(expected, name))
        assert row["average_precision"] == analysis.average_precision(expected)


def test_a_value_of_another_shape_is_told_beside_the_others(logged, serve_data):
    store, _ = logged
    ask = serve_data(store)
    bad, b = store.find_run("bad").id, store.find_run("b").id
    refs = {}
    for run in (bad, b):
        refs[run] = json.loads(ask(f"/api/v1/steps?run={run}&tag=pr")[1])["ref"][0]

    _, body = ask("/api/v1/pr_curves", {"tag": "pr", "values": [[bad, refs[bad]], [b, refs[b]]]})

    header, columns = columns_of(body)
    assert [row["n"] for row in header["curves"]] == [0, 21]
    assert "[2, 2]" in header["curves"][0]["error"]
    assert len(columns["recall"]) == 21
    assert [problem.kind for problem in store.problems()] == ["bad_value"]


def test_the_past_has_a_summary_of_every_step(logged, serve_data):
    store, curves = logged

    _, body = serve_data(store)(f"/api/v1/pr_curves/history?run={store.find_run('a').id}&tag=pr")

    found = json.loads(body)
    decoded = [pr_curve.decode(value) for value in curves["a"]]
    assert found["step"] == [0, 10, 20]
    assert found["average_precision"] == [analysis.average_precision(c) for c in decoded]
    assert found["roc_area"] == [analysis.roc_area(c) for c in decoded]


@pytest.mark.parametrize(
    "values", [None, "x", [[0]], [["0", "0-1"]], [[True, "0-1"]], [[0, 1]], [[0, "0-1"]] * 1001]
)
def test_what_names_no_values_is_refused(logged, serve_data, values):
    store, _ = logged

    assert serve_data(store)("/api/v1/pr_curves", {"tag": "pr", "values": values})[0] == 400
