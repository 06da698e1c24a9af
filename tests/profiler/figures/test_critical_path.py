"""The longest path through a window, against a published graph and against paths drawn by hand."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.figures.critical_path import CLASSES, critical_path, without
from gpuboard.profiler.figures.path_graph import Edge
from gpuboard.profiler.traces.trace import Kind
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of

US = 1000


def op(name, ts, dur, tid=1, cat="cpu_op", **args):
    return {"ph": "X", "cat": cat, "name": name, "pid": 1, "tid": tid, "ts": ts, "dur": dur,
            "args": args}  # fmt: skip


def call(name, ts, dur, correlation, tid=1):
    return op(name, ts, dur, tid, "cuda_runtime", correlation=correlation)


def kernel(name, ts, dur, correlation, stream=7):
    return {"ph": "X", "cat": "kernel", "name": name, "pid": 0, "tid": stream, "ts": ts,
            "dur": dur,
            "args": {"correlation": correlation, "device": 0, "stream": stream}}  # fmt: skip


def by_class(path):
    return {name: ns for name, ns in zip(CLASSES, path.class_ns.tolist(), strict=True) if ns}


def rows_named(trace, text):
    return [r for r in trace.rows(Kind.ANNOTATION).tolist()
            if text in trace.strings[trace.slices.name[r]]]  # fmt: skip


def test_the_published_path_of_simple_add_is_met_node_for_node() -> None:
    file = "benchmark_result_493459_1694039959_trace.json.gz"
    trace = read_trace(real(f"hta/critical_path/simple_add/{file}"))
    row = rows_named(trace, "measure|forward")[1]
    start = int(trace.slices.start[row])
    path = critical_path(trace, start, start + int(trace.slices.dur[row]), gaps=False)
    assert len(path.nodes) == 315
    assert len(path.edges) == 314
    assert len(path.rows) == 159
    graph = path.graph
    launch = graph.weight[(graph.edge == Edge.LAUNCH) & (graph.weight > 0)]
    queue = graph.weight[(graph.edge == Edge.QUEUE) & (graph.weight > 0)]
    assert 27 * US in launch
    assert 7 * US in queue


def test_a_host_bound_window_has_the_host_on_its_path() -> None:
    events = []
    for k in range(10):
        events += [
            op("aten::mm", k * 100, 90),
            call("cudaLaunchKernel", k * 100 + 40, 10, k + 1),
            kernel("gemm", k * 100 + 55, 5, k + 1),
        ]
    path = critical_path(trace_of(events), 0, 1000 * US)
    assert by_class(path) == {"host": 990 * US}
    assert without(path, "compute") == 0.0
    assert without(path, "host") > 0.9


def test_a_device_bound_window_has_the_kernels_on_its_path() -> None:
    events = [op("train", 0, 130)]
    for k in range(10):
        events.append(call("cudaLaunchKernel", k * 10, 5, k + 1))
        events.append(kernel("gemm", 20 + k * 100, 98, k + 1))
    events.append(call("cudaDeviceSynchronize", 120, 900, 99))
    path = critical_path(trace_of(events), 0, 2000 * US)
    found = by_class(path)
    assert found["compute"] == 980 * US
    assert found["between kernels"] == 18 * US
    assert found["launch"] == 20 * US
    # Without the kernels the host's own 120 us and its launching remain.
    assert 0.8 < without(path, "compute") < 0.99


def test_a_kernel_that_waits_for_another_stream_waits_for_its_event() -> None:
    events = [
        op("step", 0, 100),
        call("cudaLaunchKernel", 10, 5, 1),
        kernel("slow", 20, 500, 1, stream=7),
        call("cudaEventRecord", 20, 2, 2),
        call("cudaStreamWaitEvent", 25, 2, 3),
        {"ph": "X", "cat": "cuda_sync", "name": "Stream Wait Event", "pid": 0, "tid": 20, "ts": 26,
         "dur": 1, "args": {"cuda_sync_kind": "Stream Wait Event", "stream": 20, "correlation": 3,
                            "wait_on_stream": 7, "wait_on_cuda_event_record_corr_id": 2}},
        call("cudaLaunchKernel", 30, 5, 4),
        kernel("after", 530, 100, 4, stream=20),
    ]  # fmt: skip
    path = critical_path(trace_of(events), 0, 1000 * US)
    assert by_class(path)["compute"] == 600 * US


def test_time_in_the_loader_of_batches_is_its_own_class() -> None:
    events = []
    for k in range(5):
        t = k * 200
        name = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"
        events.append(op(name, t, 150, cat="user_annotation"))
        events.append(op("aten::stack", t + 10, 120))
        events.append(op("aten::mm", t + 160, 30))
    path = critical_path(trace_of(events), 0, 1000 * US)
    assert by_class(path)["data loading"] >= 5 * 120 * US
    assert without(path, "data loading") > 0.5


def test_a_gap_in_which_another_thread_works_is_waiting_for_it() -> None:
    events = [
        op("forward", 0, 100, tid=1),
        op("backward", 120, 500, tid=2),
        op("optimizer", 640, 60, tid=1),
    ]
    path = critical_path(trace_of(events), 0, 1000 * US)
    assert len(path.rows) == 3
    assert path.length_ns == 700 * US
    assert (path.graph.edge[path.edges] == Edge.THREAD).sum() == 2


def test_device_work_before_its_call_is_counted_and_never_loops() -> None:
    events = [op("a", 0, 50), call("cudaLaunchKernel", 20, 10, 1), kernel("k", 5, 10, 1)]
    path = critical_path(trace_of(events), 0, 100 * US)
    assert path.graph.skewed == 1
    assert path.length_ns == 50 * US


def test_work_launched_before_the_window_still_holds_up_its_stream() -> None:
    events = [
        call("cudaLaunchKernel", 0, 5, 1),
        kernel("earlier", 10, 500, 1),
        op("step", 100, 20),
        call("cudaLaunchKernel", 105, 5, 2),
        kernel("later", 512, 100, 2),
    ]
    path = critical_path(trace_of(events), 100 * US, 1000 * US)
    assert by_class(path) == {"compute": 600 * US, "between kernels": 2 * US}


def test_late_work_waits_for_the_stream_that_was_busy_until_then() -> None:
    events = [op("step", 0, 60)]
    events += [call("cudaLaunchKernel", 10, 5, 1), kernel("ncclAllReduce", 20, 400, 1, stream=20)]
    events += [call("cudaLaunchKernel", 20, 5, 2), kernel("gemm", 422, 100, 2, stream=7)]
    path = critical_path(trace_of(events), 0, 1000 * US)
    found = by_class(path)
    assert found["communication"] == 400 * US
    assert found["compute"] == 100 * US
    assert without(path, "communication") > 0.6


def test_a_copy_from_pageable_memory_holds_up_its_call() -> None:
    events = [
        op("aten::to", 0, 520),
        call("cudaMemcpyAsync", 5, 505, 1),
        {"ph": "X", "cat": "gpu_memcpy", "name": "Memcpy HtoD (Pageable -> Device)", "pid": 0,
         "tid": 7, "ts": 10, "dur": 490, "args": {"correlation": 1, "device": 0, "stream": 7}},
    ]  # fmt: skip
    assert by_class(critical_path(trace_of(events), 0, 1000 * US))["copy"] == 490 * US


def test_a_launch_into_a_full_queue_waits_for_the_device() -> None:
    events, number = [op("train", 0, 15_010)], 1200
    for k in range(number):
        # The device takes 50 us a kernel, the host 5, until it has to wait for room.
        ts = k * 5 if k < 1000 else 5_000 + (k - 1000) * 50
        events.append(call("cudaLaunchKernel", ts, 4 if k < 1000 else 49, k + 1))
        events.append(kernel("gemm", 10 + k * 50, 49, k + 1))
    path = critical_path(trace_of(events), 0, 10**9)
    assert by_class(path)["compute"] > 0.9 * number * 49 * US
    assert without(path, "compute") > 0.7


def test_an_empty_window_says_so() -> None:
    path = critical_path(trace_of([kernel("k", 5, 10, 1)]), 50 * US, 100 * US)
    assert path.absent
    assert path.length_ns == 0
    assert without(path, "compute") == 0.0
    assert np.array_equal(path.edges, [])
