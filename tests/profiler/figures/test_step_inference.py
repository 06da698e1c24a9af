"""Test steps that are told by repetition against made loops and against marked real ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from gpuboard.profiler.figures.step_inference import infer_steps
from gpuboard.profiler.figures.steps import find_steps
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.figures.test_steps import launch, note
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of


def loop(rounds: list[list[str]], *, gap: float = 50) -> Trace:
    """Return a trace that launches the kernels of each round, 10 us each."""
    events: list[dict[str, Any]] = []
    time, number = 0.0, 0
    for names in rounds:
        for name in names:
            number += 1
            events += launch(time, time + 5, 8, number, name=name)
            time += 10
        time += gap
    return trace_of(events)


LAYERS = [f"layer_{k}" for k in range(8)]
STEP = ["embed", *LAYERS * 6, "loss", *LAYERS[::-1] * 6, "adam", "clip", "log"]


def test_rounds_of_kernels_are_steps_and_layers_are_not() -> None:
    found = infer_steps(loop([STEP] * 9))
    assert len(found.start) == 9
    assert np.diff(found.start).tolist() == [(len(STEP) * 10 + 50) * 1000] * 8
    assert "'embed'" in found.how
    assert found.device is None


def test_warm_up_and_evaluation_are_no_steps() -> None:
    warm_up = ["tune_0", "tune_1", "embed", *LAYERS]
    evaluation = ["embed", *LAYERS * 2, "metric"]
    found = infer_steps(loop([warm_up, *[STEP] * 4, evaluation, *[STEP] * 4]))
    assert len(found.start) in (7, 8)
    assert np.median(found.end - found.start) == (len(STEP) * 10 + 50) * 1000


def test_a_round_that_was_cut_off_is_no_step() -> None:
    assert len(infer_steps(loop([*[STEP] * 5, STEP[:20]])).start) == 5


def test_rounds_that_vary_a_little_are_still_steps() -> None:
    rounds = [[*STEP, *["item"] * (k % 3)] for k in range(8)]
    assert len(infer_steps(loop(rounds)).start) == 8


def test_work_without_launches_is_told_by_its_own_times() -> None:
    trace = loop([STEP] * 5)
    calls = dataclasses.replace(trace.calls, correlation=trace.calls.correlation * 0)
    found = infer_steps(dataclasses.replace(trace, calls=calls))
    assert (len(found.start), found.device) == (5, 0)


def test_operators_tell_the_steps_of_a_run_without_devices() -> None:
    names = ["aten::mm", "aten::relu", "aten::add", "aten::sum", "aten::sgd", "aten::mm"] * 6
    trace = trace_of([note(name, 10 * k, 5, cat="cpu_op") for k, name in enumerate(names)])
    found = infer_steps(trace)
    assert "operators" in found.how
    assert len(found.start) in (5, 6)
    assert set(np.diff(found.start).tolist()) == {60_000}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__", "data loader"),
        ("Optimizer.step#SGD.step", "optimizer"),
        ("Optimizer.zero_grad#SGD.zero_grad", "zero_grad"),
        ("## zero_grad ##", "zero_grad"),
    ],
)
def test_what_pytorch_records_once_a_step_tells_steps(name: str, what: str) -> None:
    events = []
    for k in range(4):
        events += [note(name, 100 * k, 10), note("aten::mm", 100 * k + 20, 10, cat="cpu_op"),
                   note("aten::add", 100 * k + 40, 10, cat="cpu_op")]  # fmt: skip
    found = infer_steps(trace_of(events))
    assert what in found.how
    assert len(found.start) >= 3
    assert (np.diff(found.start) == 100_000).all()


def test_a_trace_without_repetition_has_no_steps_and_says_so() -> None:
    found = infer_steps(loop([[f"kernel_{k}" for k in range(60)]]))
    assert len(found.start) == 0
    assert "no sequence of kernels or operators repeats" in found.how
    assert len(infer_steps(trace_of([])).start) == 0


def test_the_layers_of_one_pass_are_no_steps() -> None:
    once = [f"once_{k}" for k in range(16)]
    assert len(infer_steps(loop([[*once, *LAYERS * 20]])).start) == 0


@pytest.mark.parametrize(
    "path",
    [
        "hta/nccl_parser_config/nccl_data.json.gz",
        "hta/trace_diff/control/control.json.gz",
        "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143566756.pt.trace.json.gz",
        "tracelens/mi300/resnet_act_checkpoint.json.gz",
    ],
)
def test_inferred_steps_of_real_traces_are_near_the_marked_ones(path: str) -> None:
    trace = read_trace(real(path))
    marked, inferred = find_steps(trace), infer_steps(trace)
    assert len(inferred.start) == len(marked)
    lasted = (marked.end - marked.start)[1:-1]
    assert (abs((inferred.end - inferred.start)[1:-1] - lasted) < 0.02 * lasted).all()


def test_kernels_alone_tell_the_steps_of_a_real_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpuboard.profiler.figures.step_inference._ANCHORS", ())
    trace = read_trace(real("hta/trace_diff/control/control.json.gz"))
    marked, inferred = find_steps(trace), infer_steps(trace)
    assert "kernels" in inferred.how
    lasted = (marked.end - marked.start)[1:-1]
    assert (abs((inferred.end - inferred.start)[1:-1] - lasted) < 0.02 * lasted).all()


def test_a_real_trace_without_marks_has_steps_of_its_data_loader() -> None:
    path = "kineto_tb_plugin/resnet50_autograd_api_num_workers_0.pt.trace.json.gz"
    steps = find_steps(read_trace(real(path)))
    assert (steps.source, len(steps)) == ("inferred", 5)
    assert "data loader" in steps.how
