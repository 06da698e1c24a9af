import csv
import gc
import io
import json
import math

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.serve import api, trials
from gpuboard.summaries.hparams import (
    Experiment,
    HParamInfo,
    MetricInfo,
    encode_described,
)
from tests.trial_maker import lightning, log, read

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def store(tmp_path):
    for k in range(4):
        hparams = {"lr": 0.1 * k, "seed": float(k % 2), "opt": HOSTILE if k == 3 else "adam"}
        curve = [1.0, math.nan] if k == 1 else [1.0, 0.5 - 0.1 * k]
        log(tmp_path / f"t{k}", hparams, status="success", val__loss=curve)
    lightning(tmp_path / "version_0", "lr: 7\nmodel: {width: 32}\n", val_loss=[0.25])
    return read(tmp_path)


@pytest.fixture
def ask(store, serve_data):
    send = serve_data(store)

    def post(path="trials", **body):
        status, reply = send(f"/api/v1/{path}", body)
        return status, json.loads(reply) if reply else None

    return post


def by_name(columns):
    return {column["name"]: column for column in columns}


def test_trials_are_columns(ask):
    status, reply = ask(metrics=[{"tag": "val/loss", "how": "min"}])

    columns = by_name(reply["hparams"])
    assert (status, reply["trials"]) == (200, 5)
    assert reply["name"] == ["t0", "t1", "t2", "t3", "version_0"]
    assert reply["status"] == ["success"] * 4 + ["running"]
    np.testing.assert_allclose(columns["lr"]["values"], [0, 0.1, 0.2, 0.3, 7])
    assert columns["opt"]["words"] == [HOSTILE, "adam"]
    assert columns["opt"]["index"] == [1, 1, 1, 0, -1]
    assert columns["model.width"]["values"] == [None, None, None, None, 32]
    (metric,) = reply["metrics"]
    assert metric["name"] == "val/loss (min)"
    np.testing.assert_allclose(metric["values"][:4], [0.5, 1, 0.3, 0.2])
    assert metric["values"][4] is None


def test_nan_is_told_apart_from_nothing(ask):
    _, reply = ask(metrics=[{"tag": "val/loss"}])

    assert reply["metrics"][0]["values"][1] == "NaN"
    assert reply["metrics"][0]["values"][4] is None


def test_metrics_are_chosen_when_nobody_names_any(ask):
    _, reply = ask()

    assert [m["tag"] for m in reply["metrics"]] == ["val/loss", "val_loss"]
    assert reply["known_metrics"][0] == {
        "group": "",
        "tag": "val/loss",
        "trials": 4,
        "goal": "min",
    }


def test_an_experiment_names_metrics_and_titles(tmp_path, serve_data):
    experiment = Experiment(
        (HParamInfo("units", display_name="Units"),), (MetricInfo("acc", "validation", "Accuracy"),)
    )
    log(tmp_path, extra=[encode_described(experiment)])
    log(tmp_path / "run-0", {"units": 16.0, "late": 1.0}, loss=[1.0])
    log(tmp_path / "run-0" / "validation", acc=[0.75])

    _, reply = serve_data(read(tmp_path))("/api/v1/trials", {})

    reply = json.loads(reply)
    (metric,) = reply["metrics"]
    assert (metric["display"], metric["group"], metric["values"]) == (
        "Accuracy",
        "validation",
        [0.75],
    )
    assert by_name(reply["hparams"])["units"]["display"] == "Units"
    assert "late" in by_name(reply["hparams"])


def test_trials_are_folded_over_their_seeds(ask):
    _, reply = ask(metrics=[{"tag": "val/loss", "how": "min"}], fold=["seed", "lr"], stat="max")

    assert reply["size"] == [3, 1, 1]
    assert reply["name"] == ["t0 +2", "t3", "version_0"]
    assert reply["members"][0] == [0, 1, 2]
    np.testing.assert_allclose(reply["metrics"][0]["values"][:2], [1, 0.2])
    assert reply["metrics"][0]["count"] == [3, 1, 0]


def test_nothing_is_sent_again_until_something_has_changed(ask, store, tmp_path):
    _, first = ask()

    assert ask(since=first["etag"]) == (204, None)
    store.touch()
    assert ask(since=first["etag"]) == (204, None)
    log(tmp_path / "later", {"lr": 1.0})
    store.refresh()

    status, again = ask(since=first["etag"])
    assert (status, again["trials"]) == (200, 6)


def test_what_passes_the_cap_of_cells_is_listed_without_values(ask, monkeypatch):
    monkeypatch.setattr(limits, "MAX_TRIAL_CELLS", limits.Limit("c", 10, ""))

    _, reply = ask(hparams=["seed"])

    sent = {name for name, column in by_name(reply["hparams"]).items() if "kind" in column}
    with_values = {n for n, c in by_name(reply["hparams"]).items() if "values" in c or "index" in c}
    assert sent == {"lr", "model.width", "opt", "seed"}
    assert with_values == {"seed", "lr"}


def test_just_the_columns_and_rows_that_were_asked_for_are_written(store, serve_data):
    body = {
        "metrics": [{"tag": "val/loss", "key": "mine"}],
        "columns": ["m:mine", "name", "h:opt"],
        "rows": "3,1",
        "format": "csv",
    }

    status, text = serve_data(store)("/api/v1/trials/export", body)

    rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
    assert status == 200
    assert rows[0] == ["val/loss", "trial", "opt"]
    assert [row[1:] for row in rows[1:]] == [["t3", HOSTILE], ["t1", "adam"]]
    assert float(rows[1][0]) == pytest.approx(0.2)
    assert rows[2][0] == "nan"


@pytest.mark.parametrize("form", ["csv", "json", "latex"])
def test_a_whole_table_is_written_in_every_format(store, serve_data, form):
    status, text = serve_data(store)("/api/v1/trials/export", {"format": form, "fold": ["seed"]})

    assert status == 200
    assert b"model.width" in text
    assert b"std" in text


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("trials", {"metrics": "x"}, 400, "metrics"),
        ("trials", {"metrics": [3]}, 400, "metrics"),
        ("trials", {"metrics": [{"how": "last"}]}, 400, "tag"),
        ("trials", {"metrics": [{"tag": "a", "how": "x"}]}, 400, "metrics.how"),
        ("trials", {"metrics": [{"tag": "a", "amount": 0.5}]}, 400, "amount"),
        ("trials", {"metrics": [{"tag": "a"}] * 51}, 413, "max_trial_metrics"),
        ("trials", {"fold": "seed"}, 400, "fold"),
        ("trials", {"stat": "x"}, 400, "stat"),
        ("trials", {"since": 3}, 400, "since"),
        ("trials", {"hparams": [1]}, 400, "hparams"),
        ("trials/export", {"format": "xls"}, 400, "format"),
        ("trials/export", {"columns": ["h:nothing"]}, 400, "h:nothing"),
        ("trials/export", {"rows": "x"}, 400, "runs"),
        ("trials/importance", {}, 400, "metric"),
        ("trials/importance", {"metric": {"tag": "a"}, "rows": 3}, 400, "runs"),
    ],
)
def test_wrong_requests_name_the_field(ask, path, body, status, words):
    found, reply = ask(path, **body)

    assert found == status
    assert words in reply["error"]["message"]


def test_importance_answers_after_a_while(tmp_path, serve_data):
    rng = np.random.default_rng(0)
    for k in range(30):
        lr = float(rng.uniform())
        log(tmp_path / f"t{k}", {"lr": lr, "noise": float(rng.uniform())}, loss=[lr])
    send = serve_data(read(tmp_path))
    body = {"metric": {"tag": "loss"}}

    reply = {"state": "running"}
    seen = 0
    while reply["state"] == "running" and seen < 100:
        status, text = send("/api/v1/trials/importance", body)
        reply, seen = json.loads(text), seen + 1

    assert (status, reply["state"], reply["trials"]) == (200, "done", 30)
    assert reply["hparams"][0]["name"] == "lr"
    assert reply["r2"] > 0.5
    assert reply["curves"][0]["name"] == "lr"
    # the rows that pass a filter are looked at alone
    _, text = send("/api/v1/trials/importance", body | {"rows": "0-4"})
    assert json.loads(text)["trials"] == 5


def test_files_beside_the_runs_reach_other_pages_too(store):
    columns = api._hparam_columns(store)

    at = columns["run"].index(store.find_run("version_0").id)
    assert columns["hparams"]["lr"][at] == 7
    assert columns["hparams"]["model.width"][at] == 32


def test_a_board_without_trials_has_none(tmp_path, serve_data):
    log(tmp_path / "a", loss=[1.0])

    _, text = serve_data(read(tmp_path))("/api/v1/trials", {"fold": []})

    reply = json.loads(text)
    assert (reply["trials"], reply["run"], reply["hparams"]) == (0, [], [])


def test_what_is_kept_goes_with_its_store(tmp_path):
    log(tmp_path / "a", {"lr": 1.0})
    store = read(tmp_path)

    assert trials.memory_of(store) is trials.memory_of(store)
    before = len(trials._memories)
    del store
    gc.collect()

    assert len(trials._memories) < before
