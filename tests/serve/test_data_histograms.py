import csv
import io
import json
import math

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.store.store import Store
from gpuboard.summaries.histogram import encode

START = 1.7e9


def arrays(run):
    rng = np.random.default_rng(run)
    return [rng.normal(step / 10, 1 + run, 200) for step in range(30)]


def log(folder, values, steps=None, purge_step=None):
    with EventFileWriter(folder, purge_step=purge_step) as writer:
        for k, value in enumerate(values):
            step = 10 * k if steps is None else steps[k]
            writer.add_value(value, step, wall_time=START + k)


@pytest.fixture
def store(tmp_path):
    for run in range(2):
        log(tmp_path / f"run{run}", [encode("w", array, bins=50) for array in arrays(run)])
    log(tmp_path / "odd", [Summary.Value(tag="w", histo={"bucket": [1.0, 2.0]})])
    store = Store(tmp_path)
    store.refresh()
    return store


def run_id(store, name):
    return store.find_run(name).id


def decoded(body):
    length = int.from_bytes(body[:4], "little")
    header, at = json.loads(body[4 : 4 + length]), 4 + length
    columns = {}
    for column in header["columns"]:
        assert at % 8 == 0
        dtype, shape = np.dtype(column["type"]).newbyteorder("<"), column["shape"]
        count = math.prod(shape)
        columns[column["name"]] = np.frombuffer(body, dtype, count, at).reshape(shape)
        at += -(-count * dtype.itemsize // 8) * 8
    assert at == len(body)
    return header, columns


@pytest.fixture
def picture(store, serve_data):
    ask = serve_data(store)

    def get(**body):
        run = {} if "runs" in body else {"run": run_id(store, "run0")}
        status, reply = ask("/api/v1/histograms", {"tag": "w", **run, **body})
        return status, decoded(reply) if status == 200 else reply

    return get


@pytest.mark.parametrize("mode", ["ridge", "overlay"])
def test_lines_are_some_of_the_steps_on_common_bins(picture, mode):
    _, (header, columns) = picture(mode=mode, rows=4, bins=40)

    assert header["step"] == [0, 100, 190, 290]
    assert columns["count"].shape == (4, 40)
    assert columns["x"].tolist() == header["step"]
    assert columns["wall_time"].tolist() == [START, START + 10, START + 19, START + 29]
    np.testing.assert_allclose(columns["count"].sum(axis=1), 200, rtol=1e-5)
    assert header["range"] == header["extent"]["all"]
    low, high = header["range"]
    assert (low, high) == (np.min(arrays(0)), np.max(arrays(0)))


def test_the_chosen_step_is_exact_whatever_lines_are_drawn(picture):
    _, (header, columns) = picture(rows=2, at=137, bins=40)

    chosen, array = header["chosen"], arrays(0)[13]
    assert (chosen["step"], chosen["x"], chosen["wall_time"]) == (130, 130, START + 13)
    assert (chosen["min"], chosen["max"]) == (array.min(), array.max())
    assert (chosen["mean"], chosen["std"]) == pytest.approx((array.mean(), array.std()))
    assert chosen["is_exact"] is True
    counts, _ = np.histogram(array, bins=40, range=header["range"])
    assert np.abs(np.cumsum(columns["chosen"]) - np.cumsum(counts)).max() < 20


def test_a_ref_names_the_chosen_step_as_well(picture):
    _, (last, _) = picture(mode="step")
    _, (found, columns) = picture(mode="step", ref=last["chosen"]["ref"])

    assert (last["chosen"]["step"], found["chosen"]["step"]) == (290, 290)
    assert list(columns) == ["chosen"]


def test_bands_are_percentiles_of_every_step(picture):
    _, (_, columns) = picture(mode="bands")

    medians = [np.median(array) for array in arrays(0)]
    assert columns["quantile"].shape == (9, 30)
    np.testing.assert_allclose(columns["quantile"][4], medians, atol=0.25)
    assert columns["quantile"][0].tolist() == [array.min() for array in arrays(0)]


def test_a_heat_map_has_columns_with_edges(picture):
    _, (header, columns) = picture(mode="heat", width=10, bins=20)

    assert columns["count"].shape == (10, 20)
    assert columns["edge"].shape == (11,)
    assert (header["step"][0], header["last_step"][0]) == (0, 20)


def test_several_runs_come_at_one_step(picture, store):
    ids = [run_id(store, name) for name in ("run0", "run1", "odd")]

    _, (header, columns) = picture(mode="runs", runs=",".join(map(str, ids)), at=95, bins=30)

    assert [row["run"] for row in header["rows"]] == ids
    assert [row["step"] for row in header["rows"]] == [90, 90, 0]
    assert "2 counts" in header["rows"][2]["error"]
    np.testing.assert_allclose(columns["count"].sum(axis=1), [200, 200, 0], rtol=1e-5)


def test_a_fixed_range_cuts_what_lies_beyond(picture):
    _, (header, columns) = picture(range=[0, 100], rows=30)

    assert header["range"] == [0, 100]
    above = [(array > 0).sum() for array in arrays(0)]
    np.testing.assert_allclose(columns["count"].sum(axis=1), above, atol=8)
    assert columns["total"].tolist() == [200] * 30


@pytest.mark.parametrize(("axis", "first"), [("relative", 0.0), ("wall", START)])
def test_lines_are_laid_out_by_time(store, picture, axis, first):
    origin = store.catalogue().runs[run_id(store, "run0")].start if axis == "relative" else 0.0

    _, (header, columns) = picture(x=axis, rows=4)

    assert header["x"] == axis
    assert columns["x"][0] == pytest.approx((START if first == 0 else first) - origin)
    assert columns["x"][-1] - columns["x"][0] == 29


def test_nothing_new_has_no_body(picture, store, tmp_path):
    _, (header, _) = picture()

    assert picture(since=header["state"])[0] == 204

    log(tmp_path / "run0", [encode("w", [1.0])], steps=[300])
    store.refresh()
    status, (after, _) = picture(since=header["state"])
    assert (status, after["steps"]) == (200, 31)


def test_what_a_restart_superseded_is_not_drawn(picture, store, tmp_path):
    log(tmp_path / "run0", [encode("w", [7.0, 8.0])], steps=[100], purge_step=100)
    store.refresh()

    _, (header, _) = picture(rows=100)

    assert header["step"] == [*range(0, 100, 10), 100]


def test_a_bad_step_leaves_the_others_and_is_a_health_row(picture, store, tmp_path):
    log(tmp_path / "run0", [Summary.Value(tag="w", histo={"bucket": [1.0]})], steps=[300])
    store.refresh()

    _, (header, columns) = picture(rows=100)

    assert (header["unreadable"], header["steps"], len(columns["x"])) == (1, 31, 30)
    assert "0 edges for 1 counts" in header["chosen"]["error"]
    assert [problem.kind for problem in store.problems()] == ["bad_value"]


@pytest.mark.parametrize(
    ("field", "status", "word"),
    [
        ({"tag": 5}, 400, "tag"),
        ({"tag": "nothing"}, 404, "nothing"),
        ({"run": 99}, 404, "99"),
        ({"mode": "pie"}, 400, "mode"),
        ({"x": "index"}, 400, "x"),
        ({"range": "some"}, 400, "range"),
        ({"range": [1, 1]}, 400, "range"),
        ({"range": [1, "2"]}, 400, "range"),
        ({"bins": 10_000}, 400, "bins"),
        ({"ref": "9"}, 400, "ref"),
        ({"ref": "9-9"}, 404, "9-9"),
        ({"runs": "0-1"}, 400, "runs"),
        ({"runs": "0-9999", "mode": "runs"}, 400, "runs"),
    ],
)
def test_what_cannot_be_answered_is_told(store, serve_data, field, status, word):
    body = {"tag": "w", "run": run_id(store, "run0"), **field}

    found, reply = serve_data(store)("/api/v1/histograms", body)

    assert found == status
    assert word in json.loads(reply)["error"]["message"]


class TestBuckets:
    def test_they_come_exactly_as_logged(self, store, serve_data):
        run = run_id(store, "run0")

        _, body = serve_data(store)(f"/api/v1/histogram?run={run}&tag=w")

        reply, array = json.loads(body), arrays(0)[29]
        counts, edges = np.histogram(array, bins=50)
        assert (reply["step"], reply["num"], reply["missing"]) == (290, 200, 0)
        assert reply["count"] == counts.tolist()
        assert reply["left"] == edges[:-1].tolist()
        assert reply["sum"] == pytest.approx(array.sum())

    def test_csv_has_a_row_for_each_bucket(self, store, serve_data):
        run = run_id(store, "run0")

        _, body = serve_data(store)(f"/api/v1/histogram?run={run}&tag=w&format=csv")

        rows = list(csv.DictReader(io.StringIO(body.decode())))
        counts, edges = np.histogram(arrays(0)[29], bins=50)
        assert [float(row["count"]) for row in rows] == counts.tolist()
        assert [float(row["right"]) for row in rows] == edges[1:].tolist()

    def test_a_bad_one_is_told(self, store, serve_data):
        run = run_id(store, "odd")

        status, body = serve_data(store)(f"/api/v1/histogram?run={run}&tag=w")

        assert status == 422
        assert "0 edges for 2 counts" in json.loads(body)["error"]["message"]

    @pytest.mark.parametrize("query", ["", "run=0", "run=0&tag=w&format=xml", "run=0&tag=w&ref=x"])
    def test_what_cannot_be_answered_is_told(self, store, serve_data, query):
        status, _ = serve_data(store)(f"/api/v1/histogram?{query}")

        assert status == 400
