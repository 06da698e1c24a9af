from __future__ import annotations

import math

import pytest

from gpuboard.profiler.figures.cuda_graphs import cuda_graphs
from gpuboard.profiler.figures.launches import join
from tests.profiler.figures.events import call, kernel, launched
from tests.profiler.figures.real_traces import real_trace
from tests.profiler.slow_kineto import trace_of


def graph(correlation, start, names, number=None, **more):
    args = {} if number is None else {"graph id": number}
    works = [
        kernel(correlation, start + 20 + 20 * k, 10, name, **args, **more)
        for k, name in enumerate(names)
    ]
    return [call(correlation, start, 5, name="cudaGraphLaunch"), *works]


def test_launches_and_kinds_of_graphs_are_summed_up():
    trace = trace_of(
        [*graph(1, 0, "ab"), *graph(2, 1000, "ab"), *graph(3, 2000, "ba"), *launched(4, 3000, "c")]
    )

    found = cuda_graphs(trace, join(trace))

    launches = found.launches
    assert launches.work.tolist() == [2, 2, 2]
    assert launches.device_ns.tolist() == [20_000] * 3
    assert launches.span_ns.tolist() == [30_000] * 3
    assert launches.delay_ns.tolist() == [15_000] * 3
    assert launches.kind[0] == launches.kind[1] != launches.kind[2]
    assert found.kinds.launches.tolist() == [2, 1]
    assert found.kinds.device_ns.tolist() == [40_000, 20_000]
    assert found.share == pytest.approx(6 / 7)
    assert found.in_graph.tolist() == [True] * 6 + [False]


def test_numbers_of_graphs_tell_those_apart_that_run_the_same_kernels():
    trace = trace_of([*graph(1, 0, "ab", number=3), *graph(2, 1000, "ab", number=4)])

    found = cuda_graphs(trace, join(trace))

    assert found.kinds.graph.tolist() == [3, 4]


def test_work_of_a_graph_whose_launch_is_not_in_the_file_counts():
    trace = trace_of([kernel(1, 0, 30, "a", **{"graph id": 7}), kernel(2, 50, 10, "b")])

    found = cuda_graphs(trace, join(trace))

    assert found.share == 0.75
    assert len(found.launches) == 0
    assert "no call" in found.absent


def test_launches_without_work_and_capturing_are_counted():
    trace = trace_of(
        [call(1, 0, name="cudaStreamBeginCapture"), call(2, 10, 7, name="cudaGraphInstantiate"),
         call(3, 30, name="hipGraphLaunch"), *launched(4, 50)]
    )  # fmt: skip

    found = cuda_graphs(trace, join(trace))

    assert found.empty == 1
    assert (found.capture_calls, found.capture_ns) == (2, 12_000)
    assert found.launches.graph.tolist() == [-1]
    assert len(found.kinds) == 0


@pytest.mark.parametrize(("events", "word"), [([], "no calls"), (launched(1, 0), "No CUDA graph")])
def test_what_is_missing_is_said(events, word):
    trace = trace_of(events)

    found = cuda_graphs(trace, join(trace))

    assert word in found.absent
    assert math.isnan(found.share) or found.share == 0


def test_a_real_decode_step_is_one_graph_of_421_kernels():
    trace = real_trace("tracelens/inference/vllm_decode_full/graph_execution.json.gz")

    found = cuda_graphs(trace, join(trace))

    assert found.launches.work.tolist() == [421]
    assert found.share == pytest.approx(0.969, abs=0.001)


def test_graphs_of_a_real_training_run_are_told_apart_without_numbers():
    trace = real_trace("hta/trace_diff/test/test.json.gz")

    found = cuda_graphs(trace, join(trace))

    assert found.kinds.launches.tolist() == [6, 6]
    assert sorted(found.kinds.work.tolist()) == [339, 502]


def test_capturing_graphs_is_seen_in_a_real_trace():
    folder = "tracelens/inference/vllm_decode_full/capture_traces"
    trace = real_trace(f"{folder}/graph_capture_rank_0.1773709742341309550.pt.trace.json.gz")

    found = cuda_graphs(trace, join(trace))

    assert found.capture_calls > 0
    assert found.capture_ns > 0
