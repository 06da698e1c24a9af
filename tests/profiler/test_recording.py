"""Recording a trace from a script: with torch where it is, and with a stand-in for its profiler."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import pytest

import gpuboard
from gpuboard.errors import InputError, MissingExtraError
from gpuboard.profiler import recording
from gpuboard.profiler.recording import Schedule
from tests.profiler.slow_kineto import read_trace


def train(torch, steps, p):
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU())
    for _ in range(steps):
        model(torch.ones(4, 8)).sum().backward()
        p.step()


def test_the_recorded_steps_and_shapes_are_in_a_file_that_serve_finds(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    with gpuboard.profiler.capture(tmp_path / "exp", wait=1, warmup=1, active=2) as p:
        train(torch, 6, p)
    assert [file.name.endswith(".pt.trace.json.gz") for file in p.files] == [True]
    assert list((tmp_path / "exp").iterdir()) == p.files
    trace = read_trace(p.files[0])
    names = [trace.strings[k] for k in trace.slices.name]
    assert sum(name.startswith("ProfilerStep#") for name in names) == 2
    assert "aten::linear" in names
    assert any(trace.text(k) == "[[4, 8], [8, 8], [8]]" for k in trace.operators.dims)
    assert len(trace.memory.time)


def test_what_was_recorded_is_written_when_the_script_fails(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    def failing() -> None:
        with gpuboard.profiler.capture(tmp_path, wait=0, warmup=1, active=50) as p:
            train(torch, 5, p)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert len(list(tmp_path.glob("*.pt.trace.json.gz"))) == 1


def test_every_cycle_becomes_one_file(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    with gpuboard.profiler.capture(tmp_path, wait=0, warmup=1, active=1, repeat=2) as p:
        train(torch, 8, p)
    assert len(p.files) == 2


def test_an_existing_profile_takes_the_handler(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    handler = gpuboard.profiler.trace_handler(tmp_path / "own")
    with torch.profiler.profile(on_trace_ready=handler):
        torch.ones(3).sum()
    assert len(list((tmp_path / "own").glob("*.pt.trace.json.gz"))) == 1


def test_ranks_that_are_not_asked_for_record_nothing(tmp_path, monkeypatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("RANK", "3")
    with gpuboard.profiler.capture(tmp_path, wait=0, warmup=1, active=1, ranks=[0]) as p:
        train(torch, 3, p)
    assert p.files == []
    assert list(tmp_path.iterdir()) == []


def test_the_rank_stands_in_the_name_of_the_file(tmp_path, monkeypatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("RANK", "3")
    with gpuboard.profiler.capture(tmp_path, wait=0, warmup=1, active=1) as p:
        train(torch, 3, p)
    assert p.files[0].name.startswith("rank3_")


def test_a_full_disk_is_logged_and_training_goes_on(tmp_path, caplog) -> None:
    class Full:
        def export_chrome_trace(self, path: str) -> None:
            Path(path).write_text("{")
            raise OSError(28, "No space left on device")

    recording.trace_handler(tmp_path)(Full())
    assert "No space left" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_schedule_that_records_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least one step"):
        Schedule(active=0)
    with pytest.raises(InputError, match="warmup is -1"):
        Schedule(warmup=-1)


def test_without_torch_the_command_that_installs_it_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        gpuboard.profiler.capture(tmp_path)


def test_the_name_of_the_package_costs_no_torch() -> None:
    code = "import gpuboard, sys; gpuboard.profiler; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


class _Recorded:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def __enter__(self):
        self.calls.append("begin")
        return self

    def step(self) -> None:
        self.calls.append("step")

    def __exit__(self, *_: object) -> None:
        self.calls.append("end")


@pytest.fixture
def recorded(monkeypatch):
    made: dict[str, object] = {}

    def fake(logdir, **options):
        made.update(logdir=logdir, options=options, capture=_Recorded())
        return made["capture"]

    made["patch"] = lambda module: monkeypatch.setattr(module, "capture", fake)
    return made


def fake_module(monkeypatch, name: str, **members: object) -> None:
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def fresh(monkeypatch, name: str):
    monkeypatch.delitem(sys.modules, name, raising=False)
    return __import__(name, fromlist=["CaptureCallback"])


def test_lightnings_callback_records_the_steps_of_fit(monkeypatch, recorded) -> None:
    fake_module(monkeypatch, "lightning")
    fake_module(monkeypatch, "lightning.pytorch")
    fake_module(monkeypatch, "lightning.pytorch.callbacks", Callback=object)
    module = fresh(monkeypatch, "gpuboard.profiler.lightning")
    recorded["patch"](module)
    callback = module.CaptureCallback(active=2)
    trainer = types.SimpleNamespace(log_dir="runs/a", default_root_dir=".")
    callback.on_train_start(trainer, None)
    callback.on_train_batch_end(trainer, None, None, None, 0)
    callback.on_exception(trainer, None, ValueError())
    callback.on_train_end(trainer, None)
    assert recorded["capture"].calls == ["begin", "step", "end"]
    assert recorded["logdir"] == "runs/a"
    assert recorded["options"] == {"active": 2}


def test_hugging_faces_callback_records_the_steps_of_train(monkeypatch, recorded) -> None:
    fake_module(monkeypatch, "transformers", TrainerCallback=object)
    module = fresh(monkeypatch, "gpuboard.profiler.transformers")
    recorded["patch"](module)
    callback = module.CaptureCallback()
    args = types.SimpleNamespace(logging_dir=None, output_dir="out")
    callback.on_train_begin(args, None, None)
    callback.on_step_end(args, None, None)
    callback.on_train_end(args, None, None)
    assert recorded["capture"].calls == ["begin", "step", "end"]
    assert recorded["logdir"] == "out"


@pytest.mark.parametrize("name", ["lightning", "transformers"])
def test_a_callback_without_its_framework_says_what_to_install(monkeypatch, name) -> None:
    for package in ("lightning.pytorch.callbacks", "pytorch_lightning.callbacks", "transformers"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match="pip install"):
        fresh(monkeypatch, f"gpuboard.profiler.{name}")
