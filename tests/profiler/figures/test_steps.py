"""Test which steps a trace is said to have, and how long they last with their device work."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from gpuboard.profiler.figures.breakdown import time_breakdown
from gpuboard.profiler.figures.steps import find_steps, step_of_work
from gpuboard.profiler.traces.read import read_trace as read_any
from gpuboard.profiler.traces.trace import Kind, Trace
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of

PLUGIN = "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz"


def note(
    name: str, start: float, dur: float, *, cat: str = "user_annotation", tid: int = 1
) -> dict[str, Any]:
    return {"ph": "X", "cat": cat, "name": name, "ts": start, "dur": dur, "pid": 1, "tid": tid}


def launch(
    call: float, start: float, dur: float, number: int, *, name: str = "k", tid: int = 1
) -> list[dict[str, Any]]:
    return [
        {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": call, "dur": 2,
         "pid": 1, "tid": tid, "args": {"correlation": number}},
        {"ph": "X", "cat": "kernel", "name": name, "ts": start, "dur": dur, "pid": 0, "tid": 7,
         "args": {"correlation": number, "device": 0, "stream": 7}},
    ]  # fmt: skip


def test_marked_steps_are_those_of_the_host_alone() -> None:
    trace = trace_of([
        note("ProfilerStep#4", 0, 100), note("ProfilerStep#5", 100, 100),
        note("ProfilerStep#4", 20, 120, cat="gpu_user_annotation", tid=7),
        note("ProfilerStep#5", 150, 120, cat="gpu_user_annotation", tid=7),
    ])  # fmt: skip
    steps = find_steps(trace)
    assert steps.name == ("ProfilerStep#4", "ProfilerStep#5")
    assert (steps.source, steps.start.tolist()) == ("marked", [0, 100_000])
    assert steps.absent == ""


def test_a_step_lasts_until_what_it_launched_is_done() -> None:
    trace = trace_of([
        note("ProfilerStep#1", 10, 90), note("ProfilerStep#2", 100, 100),
        note("ProfilerStep#3", 200, 100),
        *launch(5, 8, 12, 1),  # before the first step, done at 20
        *launch(20, 30, 100, 2), *launch(50, 130, 20, 3), *launch(120, 150, 10, 4),
    ])  # fmt: skip
    steps = find_steps(trace)
    assert steps.span_start.tolist() == [20_000, 150_000, 200_000]
    assert steps.span_end.tolist() == [150_000, 200_000, 300_000]
    assert steps.works.tolist() == [2, 1, 0]
    assert step_of_work(trace, steps).tolist() == [-1, 0, 0, 1]
    assert steps.window == (20_000, 300_000)


def test_work_of_another_thread_and_of_a_graph_belongs_to_the_step() -> None:
    events = [note("ProfilerStep#1", 0, 100), note("ProfilerStep#2", 100, 50)]
    events += launch(10, 20, 10, 1, tid=2)
    events += [launch(10, 40, 100, 1)[1]]  # the same call launched it
    assert find_steps(trace_of(events)).works.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("names", "source", "how"),
    [
        (["[pl][profile]run_training_batch"] * 3, "marked", "Lightning"),
        (["Train#step_num=1#", "Train#step_num=2#"], "marked", "Keras or JAX"),
        (["train", "train"], "marked", "Keras or JAX"),
        (["step 1", "step 2"], "annotated", "numbered ranges"),
        (["iteration_7", "iteration_8"], "annotated", "numbered ranges"),
        (["## train_step ##", "other"], "none", "no sequence"),
        (["train_step", "train_step"], "annotated", "each training step"),
        (["execute_context_1(888_788544)_generation_0(0)"], "annotated", "vLLM"),
        (["phase 3", "phase 4", "phase 5"], "annotated", "'phase N'"),
        (["phase 3", "phase 5", "phase 9"], "none", "no sequence"),
        (["train"], "none", "no sequence"),
        (["aten::add", "aten::mm"], "none", "no sequence"),
    ],
)
def test_steps_are_told_by_what_frameworks_and_people_write(
    names: list[str], source: str, how: str
) -> None:
    steps = find_steps(trace_of([note(name, 100 * k, 50) for k, name in enumerate(names)]))
    assert (steps.source, how in steps.how) == (source, True), steps.how
    assert len(steps) == (0 if source == "none" else len(names))


def test_a_mark_of_the_framework_goes_before_a_persons_range() -> None:
    trace = trace_of([note("step 1", 0, 100), note("ProfilerStep#7", 10, 50)])
    assert find_steps(trace).name == ("ProfilerStep#7",)


def test_ranges_within_ranges_are_no_steps_of_their_own() -> None:
    names = [("step 1", 0, 100), ("step 10", 20, 30), ("step 2", 100, 100)]
    assert find_steps(trace_of([note(*one) for one in names])).name == ("step 1", "step 2")


def steps_of_xla(line: str) -> Trace:
    """Return a trace in which a device has a line of steps or modules and a stream."""
    events = [
        note("0", 100 * k, 90, cat="gpu_user_annotation", tid=99) | {"pid": 0} for k in range(3)
    ]
    label = {"ph": "M", "name": "thread_name", "pid": 0, "tid": 99, "args": {"name": line}}
    kernel = launch(0, 110, 60, 1)[1]
    trace = trace_of([label, *events, kernel])
    kind = trace.slices.kind.copy()
    kind[kind == Kind.DEVICE_ANNOTATION] = Kind.MODEL_STEP
    return dataclasses.replace(trace, slices=dataclasses.replace(trace.slices, kind=kind))


def test_xla_lays_its_steps_over_the_device() -> None:
    steps = find_steps(steps_of_xla("Steps"))
    assert (steps.source, steps.device, len(steps)) == ("marked", 0, 3)
    assert steps.works.tolist() == [0, 1, 0], "work belongs to the step in which it ran"


def test_runs_of_an_xla_module_stand_for_steps_where_there_are_none() -> None:
    steps = find_steps(steps_of_xla("XLA Modules"))
    assert (steps.source, len(steps)) == ("annotated", 3)
    assert "module '0'" in steps.how


def test_each_device_of_an_xplane_has_the_steps_of_its_own_line() -> None:
    trace = read_any(real("xprof/GPU-multi-worker_34.83.195.179_6003.xplane.pb"))
    lasted = [
        int((steps.end - steps.start)[0])
        for steps in (find_steps(trace, device=4), find_steps(trace, device=6), find_steps(trace))
    ]
    # xprof reports the longer one; it counts ten of its microseconds of copies as computing.
    assert lasted == [19_865_491, 21_310_352, 21_310_352]
    steps = find_steps(trace)
    computed = time_breakdown(trace, steps, steps.device).row(0)["compute"]
    assert computed == pytest.approx(14_875_539, abs=11_000)


def test_an_empty_trace_has_no_steps_and_says_so() -> None:
    steps = find_steps(trace_of([]))
    assert (len(steps), steps.source, steps.window) == (0, "none", None)
    assert steps.absent
    assert find_steps(trace_of([]), infer=False).absent


def test_spans_of_a_real_trace_are_the_published_totals() -> None:
    steps = find_steps(read_trace(real(PLUGIN)))
    assert steps.name == tuple(f"ProfilerStep#{k}" for k in range(5, 11))
    spans = (steps.span_end - steps.span_start) // 1000
    assert spans.tolist() == [187948, 175153, 179733, 174564, 182172, 165983]
    assert np.array_equal(steps.works, [1516] * 6)
