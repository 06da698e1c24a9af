import math

import numpy as np
import pytest

from gpuboard.analysis.sessions import Sessions
from gpuboard.analysis.trials import columns_of, metrics_of, trials_of
from tests.trial_maker import lightning, log, read

TIME = "1700000000.123"


def trials(tmp_path):
    store = read(tmp_path)
    runs = store.catalogue().runs
    return trials_of(runs, Sessions().of(store, runs))


def members(trial):
    return {(group, run.name) for group, run in trial.members}


def test_a_run_with_hyperparameters_is_a_trial_and_takes_the_runs_below_it(tmp_path):
    log(tmp_path / "a", {"lr": 1.0})
    log(tmp_path / "a" / "validation", loss=[1.0])
    log(tmp_path / "a" / "deep" / "er", loss=[1.0])
    log(tmp_path / "b", loss=[1.0])
    log(tmp_path / "ab", {"lr": 2.0})

    found = {trial.name: members(trial) for trial in trials(tmp_path)}

    assert found == {
        "a": {("", "a"), ("validation", "a/validation"), ("deep/er", "a/deep/er")},
        "ab": {("", "ab")},
    }


def test_a_trial_within_a_trial_is_one_of_its_own(tmp_path):
    log(tmp_path / "a", {"lr": 1.0})
    log(tmp_path / "a" / "b", {"lr": 2.0})
    log(tmp_path / "a" / "b" / "c", loss=[1.0])

    found = {trial.name: members(trial) for trial in trials(tmp_path)}

    assert found == {"a": {("", "a")}, "a/b": {("", "a/b"), ("c", "a/b/c")}}


def test_the_folder_of_pytorchs_add_hparams_and_the_run_around_it_are_one_trial(tmp_path):
    log(tmp_path / "run", loss=[1.0, 0.5])
    log(tmp_path / "run" / TIME, {"lr": 1.0}, status="success", accuracy=[0.9])
    log(tmp_path / "run" / "val", loss=[1.0])

    (trial,) = trials(tmp_path)

    assert (trial.name, trial.status, trial.hparams) == ("run", "success", {"lr": 1.0})
    assert members(trial) == {("", "run"), ("", f"run/{TIME}"), ("val", "run/val")}


def test_a_folder_of_add_hparams_with_a_name_belongs_to_the_run_around_it_too(tmp_path):
    log(tmp_path / "run", loss=[1.0])
    log(tmp_path / "run" / "final", {"lr": 1.0}, accuracy=[0.9])

    (trial,) = trials(tmp_path)

    assert trial.name == "run"
    assert set(metrics_of([trial])) == {("", "loss"), ("", "accuracy")}


def test_several_calls_of_add_hparams_in_one_run_are_several_trials(tmp_path):
    log(tmp_path / "run", loss=[1.0])
    for k in range(3):
        log(tmp_path / "run" / f"170000000{k}.5", {"lr": float(k)})

    assert [trial.hparams["lr"] for trial in trials(tmp_path)] == [0.0, 1.0, 2.0]


def test_trials_side_by_side_do_not_swallow_the_folder_above_them(tmp_path):
    log(tmp_path, loss=[1.0])
    log(tmp_path / "a", {"lr": 1.0})
    log(tmp_path / "other", loss=[1.0])

    assert [trial.name for trial in trials(tmp_path)] == ["a"]


def test_pytorchs_own_writer_makes_one_trial_a_run(tmp_path):
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    for k in range(2):
        with tensorboard.SummaryWriter(str(tmp_path / f"run{k}")) as writer:
            writer.add_scalar("loss", 0.5, 1)
            writer.add_hparams({"lr": 0.1 * k, "opt": "sgd"}, {"hparam/accuracy": 0.9})

    found = trials(tmp_path)

    assert [(trial.name, trial.status) for trial in found] == [
        ("run0", "success"),
        ("run1", "success"),
    ]
    assert metrics_of(found) == {("", "hparam/accuracy"): 2, ("", "loss"): 2}


def test_lightnings_runs_are_trials(tmp_path):
    lightning(tmp_path / "lightning_logs" / "version_0", "lr: 0.1\n", val_loss=[1.0])

    (trial,) = trials(tmp_path)

    assert (trial.name, trial.hparams) == ("lightning_logs/version_0", {"lr": 0.1})


def test_the_status_is_what_was_logged_else_whether_somebody_still_writes(tmp_path):
    log(tmp_path / "a", {"lr": 1.0}, status="failure")
    log(tmp_path / "b", {"lr": 1.0})

    assert [trial.status for trial in trials(tmp_path)] == ["failure", "running"]


def test_a_name_that_the_first_trial_lacks_is_a_column_like_all_others(tmp_path):
    log(tmp_path / "a", {"lr": 1.0, "same": "x"})
    log(tmp_path / "b", {"lr": 2.0, "same": "x", "dropout": 0.5})
    log(tmp_path / "c", {"lr": 2.0, "same": "x", "dropout": math.nan})

    columns = {column.name: column for column in columns_of(trials(tmp_path))}

    assert list(columns) == ["dropout", "lr", "same"]
    assert [column.differs for column in columns.values()] == [True, True, False]
    assert columns["dropout"].is_defined.tolist() == [False, True, True]
    np.testing.assert_array_equal(columns["dropout"].number, [np.nan, 0.5, np.nan])


def test_kinds_are_found_and_mixed_ones_become_words(tmp_path):
    log(tmp_path / "a", {"n": 1.0, "b": True, "t": "run10", "m": 2.0})
    log(tmp_path / "b", {"n": 2.0, "b": False, "t": "run9", "m": "auto"})

    columns = {column.name: column for column in columns_of(trials(tmp_path))}

    assert {name: column.kind for name, column in columns.items()} == {
        "n": "number",
        "b": "bool",
        "t": "text",
        "m": "mixed",
    }
    assert columns["t"].words == ("run9", "run10")
    assert columns["t"].index.tolist() == [1, 0]
    assert columns["m"].words == ("2", "auto")


def test_hundreds_of_columns_are_all_there(tmp_path):
    log(tmp_path / "a", {f"p{k}": float(k) for k in range(300)})

    assert [c.name for c in columns_of(trials(tmp_path))] == [f"p{k}" for k in range(300)]
