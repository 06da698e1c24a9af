"""Check the callbacks of trainers with stand-ins for their base classes.

None of these packages is needed here: only what their documentation promises is stood in for.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import sys
import types

import numpy as np
import pytest

from gpuboard import SummaryWriter
from gpuboard.errors import MissingExtraError
from gpuboard.summaries import hparams as hparams_format
from tests.writer import reading_back as back


def module(monkeypatch, name: str, **members: object) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(members)
    monkeypatch.setitem(sys.modules, name, made)
    return made


def fresh(monkeypatch, name: str) -> types.ModuleType:
    """Import a module of ours anew, beside the stand-ins."""
    monkeypatch.delitem(sys.modules, name, raising=False)
    made = importlib.import_module(name)
    monkeypatch.delitem(sys.modules, name)
    return made


def summaries(folder):
    return [
        value
        for path in back.files(folder)
        for event in back.events(path)
        for value in event.summary.value
    ]


def numbers(folder) -> dict[str, list[tuple[int, float]]]:
    return {
        tag: [(step, round(value, 6)) for step, _, value in column]
        for tag, column in back.points(folder).items()
    }


def hparams_of(folder) -> dict[str, object]:
    (start,) = (v for v in summaries(folder) if v.tag == hparams_format.START_TAG)
    return hparams_format.decode_start(start.metadata.plugin_data.content)


def end_of(folder) -> str:
    (end,) = (v for v in summaries(folder) if v.tag == hparams_format.END_TAG)
    return hparams_format.decode_end(end.metadata.plugin_data.content).status


# Lightning.


class Rank:
    """The rank of this process, for the stand-in of `rank_zero_only`."""

    rank = 0


def rank_zero_only(function):
    def wrapped(*args, **more):
        return function(*args, **more) if Rank.rank == 0 else None

    return wrapped


class Dummy:
    def __getattr__(self, name):
        return lambda *args, **more: None


def rank_zero_experiment(function):
    return lambda self: function(self) if Rank.rank == 0 else Dummy()


class Logger:
    """Stands for `lightning.pytorch.loggers.Logger`."""


def lightning_modules(monkeypatch, package: str) -> None:
    parts = package.split(".")
    for k in range(len(parts)):
        module(monkeypatch, ".".join(parts[: k + 1]), __path__=[])
    module(monkeypatch, f"{package}.loggers", __path__=[])
    module(monkeypatch, f"{package}.utilities", __path__=[])
    module(
        monkeypatch,
        f"{package}.loggers.logger",
        Logger=Logger,
        rank_zero_experiment=rank_zero_experiment,
    )
    module(monkeypatch, f"{package}.utilities.rank_zero", rank_zero_only=rank_zero_only)


@pytest.fixture(params=["lightning.pytorch", "pytorch_lightning"])
def lightning(request, monkeypatch):
    for name in ("lightning", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    lightning_modules(monkeypatch, request.param)
    monkeypatch.setattr(Rank, "rank", 0)
    return fresh(monkeypatch, "gpuboard.writer.lightning")


def test_a_lightning_run_is_logged(tmp_path, lightning):
    logger = lightning.GpuboardLogger(tmp_path, "net")
    params = argparse.Namespace(lr=0.1, optimiser={"name": "sgd", "nesterov": True}, layers=[1, 2])

    logger.log_hyperparams(params, {"best": 0.5})
    logger.log_metrics({"loss": np.float32(0.25), "both": {"a": 1.0, "b": 2.0}}, 3)
    logger.experiment.add_text("note", "words")
    logger.save()
    logger.finalize("success")

    assert isinstance(logger, Logger)
    assert (logger.name, logger.version) == ("net", 0)
    assert logger.save_dir == str(tmp_path)
    assert logger.root_dir == str(tmp_path / "net")
    run = tmp_path / "net" / "version_0"
    assert logger.log_dir == str(run)
    assert numbers(tmp_path) == {
        "best": [(0, 0.5)],
        "loss": [(3, 0.25)],
        "both": [(3, 1.0), (3, 2.0)],
    }
    assert hparams_of(run) == {
        "lr": 0.1,
        "optimiser/name": "sgd",
        "optimiser/nesterov": True,
        "layers": "[1, 2]",
    }
    assert end_of(run) == "success"


def test_a_lightning_run_that_failed_says_so_and_may_go_on(tmp_path, lightning):
    logger = lightning.GpuboardLogger(tmp_path, None, "mine")
    logger.log_metrics({"loss": 1.0}, 1)
    logger.finalize("failed")
    logger.log_metrics({"test": 2.0}, 1)
    logger.save()

    assert end_of(tmp_path / "mine") == "failure"
    assert set(numbers(tmp_path / "mine")) == {"loss", "test"}
    logger.finalize("success")


def test_a_logger_can_be_copied_into_another_process(tmp_path, lightning):
    logger = lightning.GpuboardLogger(tmp_path, "net")
    logger.log_metrics({"loss": 1.0}, 1)

    twin = copy.deepcopy(logger)
    twin.log_metrics({"loss": 2.0}, 2)
    for one in (logger, twin):
        one.finalize("success")

    assert twin.log_dir == logger.log_dir
    assert numbers(tmp_path / "net" / "version_0") == {"loss": [(1, 1.0), (2, 2.0)]}


def test_versions_count_on(tmp_path, lightning):
    for taken in ("version_3", "version_x", "other"):
        (tmp_path / "net" / taken).mkdir(parents=True)

    logger = lightning.GpuboardLogger(tmp_path, "net")

    assert logger.version == 4
    assert list(tmp_path.rglob("*tfevents*")) == [], "nothing is made before something is logged"


def test_only_the_first_process_writes(tmp_path, lightning, monkeypatch):
    monkeypatch.setattr(Rank, "rank", 1)
    logger = lightning.GpuboardLogger(tmp_path)

    logger.log_hyperparams({"lr": 1})
    logger.log_metrics({"loss": 1.0}, 1)
    logger.experiment.add_scalar("loss", 1.0, 1)
    logger.save()
    logger.finalize("success")

    assert list(tmp_path.iterdir()) == []


def test_the_graph_is_logged_when_asked_for(tmp_path, lightning, monkeypatch):
    drawn = []
    monkeypatch.setattr(SummaryWriter, "add_graph", lambda self, *given: drawn.append(given))
    model = types.SimpleNamespace(example_input_array="example")
    bare = types.SimpleNamespace(example_input_array=None)

    lightning.GpuboardLogger(tmp_path).log_graph(model)
    asked = lightning.GpuboardLogger(tmp_path, log_graph=True)
    asked.log_graph(bare)
    asked.log_graph(model)
    asked.log_graph(model, "other")

    assert drawn == [(model, "example"), (model, "other")]
    asked.finalize("success")


# Hugging Face.


class Arguments:
    def __init__(self, folder):
        self.output_dir = str(folder)

    def to_json_string(self):
        return json.dumps({"lr": 0.1})

    def to_sanitized_dict(self):
        return {"lr": 0.1, "steps": 10, "fp16": False, "tags": "['a']", "none": None}


def state(step=0, *, first=True, trial=None):
    return types.SimpleNamespace(global_step=step, is_world_process_zero=first, trial_name=trial)


@pytest.fixture
def transformers(monkeypatch):
    module(monkeypatch, "transformers", TrainerCallback=type("TrainerCallback", (), {}))
    return fresh(monkeypatch, "gpuboard.writer.transformers")


def test_a_trainer_is_logged(tmp_path, transformers, caplog):
    arguments = Arguments(tmp_path)
    config = types.SimpleNamespace(to_json_string=lambda: "{}")
    callback = transformers.GpuboardCallback()

    callback.on_train_begin(arguments, state(), None, model=types.SimpleNamespace(config=config))
    for step in (1, 2):
        logs = {"loss": 0.5, "eval_loss": np.float64(0.25), "odd": [1, 2], "epoch": step}
        callback.on_log(arguments, state(step), None, logs=logs)
    callback.on_log(arguments, state(2), None, logs={"train_loss": 0.75, "note": "words"})
    callback.on_train_end(arguments, state(2), None)
    callback.on_log(arguments, state(3), None, logs={"test_acc": 1})
    callback.on_train_end(arguments, state(3), None)

    (run,) = (tmp_path / "runs").iterdir()
    assert numbers(run) == {
        "train/loss": [(1, 0.5), (2, 0.5)],
        "eval/loss": [(1, 0.25), (2, 0.25)],
        "train/epoch": [(1, 1.0), (2, 2.0)],
        "train/train_loss": [(2, 0.75)],
        "test/acc": [(3, 1.0)],
    }
    texts = {
        value.tag for value in summaries(run) if value.metadata.plugin_data.plugin_name == "text"
    }
    assert texts == {f"{t}/text_summary" for t in ("args", "model_config", "train/note")}
    assert hparams_of(run) == {"lr": 0.1, "steps": 10, "fp16": False, "tags": "['a']"}
    assert [m for m in caplog.messages if "train/odd" in m] == caplog.messages
    assert len(caplog.messages) == 1


def test_other_processes_of_a_trainer_write_nothing(tmp_path, transformers):
    callback = transformers.GpuboardCallback(model_stats_steps=1)

    callback.on_train_begin(Arguments(tmp_path), state(first=False), None)
    callback.on_log(Arguments(tmp_path), state(1, first=False), None, logs={"loss": 1})
    callback.on_pre_optimizer_step(Arguments(tmp_path), state(1, first=False), None)
    callback.on_train_end(Arguments(tmp_path), state(1, first=False), None)

    assert list(tmp_path.iterdir()) == []


def test_each_trial_of_a_search_is_a_run(tmp_path, transformers):
    callback = transformers.GpuboardCallback()
    for trial in ("a", "b"):
        callback.on_train_begin(Arguments(tmp_path), state(trial=trial), None)
        callback.on_log(Arguments(tmp_path), state(1), None, logs={"loss": 1.0})
    callback.on_train_end(Arguments(tmp_path), state(1), None)

    for trial in ("a", "b"):
        assert numbers(tmp_path / "runs" / trial) == {"train/loss": [(1, 1.0)]}


def test_figures_of_the_model_are_logged_every_few_steps(tmp_path, transformers, monkeypatch):
    logged = []
    monkeypatch.setattr(SummaryWriter, "add_model_stats", lambda self, *given: logged.append(given))
    callback = transformers.GpuboardCallback(tmp_path, model_stats_steps=5)
    off = transformers.GpuboardCallback(tmp_path)
    for step in range(11):
        for one in (callback, off):
            one.on_pre_optimizer_step(Arguments(tmp_path), state(step), None, model="model")

    assert logged == [("model", 0), ("model", 5), ("model", 10)]
    callback.on_train_end(None, state(), None)


# Keras.


class KerasCallback:
    model = None


class Weight:
    path = "dense/kernel"

    def numpy(self):
        return np.arange(4.0)


@pytest.fixture
def keras(monkeypatch):
    callbacks = module(monkeypatch, "keras.callbacks", Callback=KerasCallback)
    module(monkeypatch, "keras", callbacks=callbacks, __path__=[])
    return fresh(monkeypatch, "gpuboard.writer.keras")


def fit(callback, epochs=2, batches=3):
    rate = types.SimpleNamespace(numpy=lambda: np.float32(0.5))
    optimizer = types.SimpleNamespace(learning_rate=rate)
    callback.model = types.SimpleNamespace(optimizer=optimizer, weights=[Weight()])
    callback.on_train_begin()
    for epoch in range(epochs):
        for batch in range(batches):
            callback.on_train_batch_end(batch, {"loss": float(batch)})
        callback.on_test_end({"loss": 9.0})
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 2.0})
    callback.on_train_end()


def test_a_fit_is_logged_as_keras_logs_it(tmp_path, keras):
    callback = keras.GpuboardCallback(tmp_path, histogram_freq=2)
    fit(callback)
    callback.on_test_end({"loss": 3.0})

    assert numbers(tmp_path / "train") == {
        "epoch_loss": [(0, 1.0), (1, 1.0)],
        "epoch_learning_rate": [(0, 0.5), (1, 0.5)],
    }
    assert numbers(tmp_path / "validation") == {
        "epoch_loss": [(0, 2.0), (1, 2.0)],
        "evaluation_loss": [(6, 3.0)],
    }
    histograms = [v.tag for v in summaries(tmp_path) if v.WhichOneof("value") == "histo"]
    assert histograms == ["dense/kernel/histogram"]


@pytest.mark.parametrize(("every", "steps"), [("batch", range(6)), (2, range(0, 6, 2))])
def test_batches_are_logged_when_asked_for(tmp_path, keras, every, steps):
    fit(keras.GpuboardCallback(tmp_path, update_freq=every))

    assert [step for step, _ in numbers(tmp_path / "train")["batch_loss"]] == list(steps)


def test_a_frequency_that_is_not_understood_is_refused(tmp_path, keras):
    with pytest.raises(ValueError, match="expected 'epoch', 'batch' or a number"):
        keras.GpuboardCallback(tmp_path, update_freq="often")


def test_a_model_without_an_optimizer_has_no_rate(tmp_path, keras):
    callback = keras.GpuboardCallback(tmp_path)
    callback.model = types.SimpleNamespace(weights=[])
    callback.on_epoch_end(0, {"loss": 1.0})
    callback.on_train_end()

    assert set(numbers(tmp_path)) == {"epoch_loss"}


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("lightning", ["lightning", "pytorch_lightning"]),
        ("transformers", ["transformers"]),
        ("keras", ["keras"]),
    ],
)
def test_without_its_package_a_callback_says_what_to_install(monkeypatch, name, packages):
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingExtraError, match=f"pip install {name}"):
        fresh(monkeypatch, f"gpuboard.writer.{name}")
