from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from gpuboard.profiler.figures.launch_statistics import (
    delay_histogram,
    launch_statistics,
    shares_call,
)
from gpuboard.profiler.figures.launches import Link, join
from gpuboard.profiler.figures.nesting import nest
from gpuboard.profiler.traces.trace import Kind
from tests.profiler.figures.events import call, kernel, note, op
from tests.profiler.figures.real_traces import real_trace
from tests.profiler.real import real
from tests.profiler.slow_kineto import trace_of


def names(trace, rows):
    return [trace.text(trace.slices.name[row]) if row >= 0 else None for row in rows]


def test_work_finds_its_call_and_the_innermost_operator_around_it():
    trace = trace_of([op("outer", 0, 100), op("inner", 10, 50), call(4, 20, 5), kernel(4, 40)])

    launches = join(trace)

    assert names(trace, launches.call) == ["cudaLaunchKernel"]
    assert names(trace, launches.operator) == ["inner"]
    assert launches.link.tolist() == [Link.NESTED]
    assert launches.call_ns.tolist() == [5_000]
    assert launches.device_ns.tolist() == [10_000]
    assert launches.delay_ns.tolist() == [15_000]
    assert launches.early == 0
    assert launches.absent == ""


def test_one_call_may_launch_a_graph_of_many_kernels():
    graph = call(9, 20, 5, name="cudaGraphLaunch")
    trace = trace_of([op("run", 0, 100), graph, *[kernel(9, 30 + 20 * k) for k in range(3)]])

    launches = join(trace)

    assert names(trace, launches.call) == ["cudaGraphLaunch"] * 3
    assert names(trace, launches.operator) == ["run"] * 3
    assert shares_call(launches).all()


def test_an_external_id_leads_to_an_operator_of_another_thread_that_was_running():
    trace = trace_of(
        [op("elsewhere", 0, 100, external=3, tid=2), call(4, 20), kernel(4, 40, external=3)]
    )

    launches = join(trace)

    assert names(trace, launches.operator) == ["elsewhere"]
    assert launches.link.tolist() == [Link.EXTERNAL]


def test_an_external_id_of_an_operator_long_over_is_not_believed():
    trace = trace_of([op("over", 0, 10, external=3, tid=2), call(4, 20), kernel(4, 40, external=3)])

    assert join(trace).operator.tolist() == [-1]


def test_an_external_id_stands_in_for_a_call_that_is_not_in_the_file():
    trace = trace_of([op("early", 0, 10, external=3), kernel(4, 40, external=3),
                      op("later", 50, 10, external=5), kernel(6, 40, external=5)])  # fmt: skip

    launches = join(trace)

    assert names(trace, launches.operator) == ["early", None]
    assert np.isnan(launches.delay_ns).all()
    assert launches.call_ns.tolist() == [-1, -1]


def test_nesting_is_believed_over_ids_that_were_numbered_independently():
    trace = trace_of([op("wrong", 0, 100, external=3, tid=2), op("right", 10, 50, external=8),
                      call(4, 20), kernel(4, 40, external=3)])  # fmt: skip

    assert names(trace, join(trace).operator) == ["right"]


def test_an_annotation_stands_in_where_there_is_no_operator():
    trace = trace_of([note("Optimizer.step#SGD.step", 0, 100), call(4, 20), kernel(4, 40)])

    launches = join(trace)

    assert names(trace, launches.operator) == ["Optimizer.step#SGD.step"]
    assert launches.link.tolist() == [Link.ANNOTATION]


def test_of_calls_with_one_correlation_the_latest_before_the_work_counts():
    trace = trace_of([call(4, 0, tid=1), call(4, 100, tid=2), call(4, 200, tid=1),
                      kernel(4, 50), kernel(4, 150), kernel(4, 300)])  # fmt: skip

    launches = join(trace)

    assert (trace.slices.start[launches.call] // 1000).tolist() == [0, 100, 200]


def test_work_that_starts_before_its_call_is_counted_as_a_difference_of_clocks():
    trace = trace_of([call(4, 100), kernel(4, 40), call(5, 200), kernel(5, 203)])

    launches = join(trace)

    assert launches.early == 1
    assert launches.delay_ns.tolist() == [-65_000, -2_000]


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([op("a", 0, 1)], "no work"),
        ([op("a", 0, 1), kernel(4, 3)], "no calls"),
        ([call(3, 0), kernel(4, 3)], "correlation"),
        ([call(0, 0), kernel(0, 3)], "correlation"),
    ],
)
def test_what_is_missing_is_said(events, word):
    trace = trace_of(events)

    launches = join(trace)

    assert word in launches.absent
    assert launch_statistics(trace, launches).absent == launches.absent
    assert not launches.joined.any()


def test_statistics_count_short_slow_late_and_early_launches_by_name():
    trace = trace_of(
        [
            call(1, 0, 20), kernel(1, 30, 10, "a"),  # short
            call(2, 100, 5), kernel(2, 110, 10, "a"),
            call(3, 200, 60), kernel(3, 400, 100, "a"),  # slow call, late
            call(4, 500, 5), kernel(4, 490, 10, "b"),  # before its call
            call(5, 600, 5, name="cudaGraphLaunch"), kernel(5, 610, 1, "b"), kernel(5, 620, 1, "b"),
            kernel(6, 700, 10, "b"),
        ]
    )  # fmt: skip

    table = launch_statistics(trace, join(trace))

    assert [trace.text(n) for n in table.name] == ["a", "b"]
    assert table.count.tolist() == [3, 1]
    assert table.device_ns.tolist() == [120_000, 10_000]
    assert table.call_ns.tolist() == [85_000, 5_000]
    assert table.delay_ns.tolist() == [10_000 + 5_000 + 140_000, 0]
    assert table.short.tolist() == [1, 0]
    assert table.slow_calls.tolist() == [1, 0]
    assert table.late.tolist() == [1, 0]
    assert table.early.tolist() == [0, 1]
    assert (table.in_graphs, table.unjoined) == (2, 1)


def test_delays_are_counted_in_buckets_of_powers_of_two():
    trace = trace_of([call(1, 0), kernel(1, 2), call(2, 100), kernel(2, 106.5), call(3, 200),
                      kernel(3, 10_000_000)])  # fmt: skip

    edges, counts = delay_histogram(join(trace))

    assert counts.sum() == 3
    assert (counts[0], counts[1], counts[-1]) == (1, 1, 1)
    assert edges[1] == 1_000


@pytest.mark.parametrize(
    ("file", "joined", "operators"),
    [
        ("hta/nccl_parser_config/nccl_data.json.gz", 3774, 3774),
        ("tracelens/b200/eager_trace.json.gz", 929, 927),
        ("hta/negative_queue_length_values_check/rank0.json.gz", 6875, 6785),
        ("hta/triton_example/triton_example.json.gz", 1, 1),
        ("tracelens/inference/vllm_decode_full/graph_execution.json.gz", 434, 13),
        ("tracelens/mi210/gpu_only_trace/gpu_only_trace.json.gz", 562, 0),
    ],
)
def test_real_traces_are_joined(file, joined, operators):
    trace = real_trace(file)

    launches = join(trace, nest(trace))

    assert np.count_nonzero(launches.joined) == joined
    assert np.count_nonzero(launches.link == Link.NESTED) == operators
    assert (launches.link != Link.EXTERNAL).all()
    assert launches.early == 0
    kinds = trace.slices.kind[launches.call[launches.joined]]
    assert (kinds == Kind.CALL).all()


def test_ids_agree_with_nesting_on_every_kernel_of_a_recent_trace():
    trace = real_trace("hta/ns_resolution_trace/rank-0.Apr_03_18_51_38.1102.pt.trace.json.gz")

    launches = join(trace)

    external = dict(zip(trace.operators.row, trace.operators.external, strict=True))
    assert [external[row] for row in launches.operator] == trace.work.external.tolist()


def test_delays_of_a_real_trace_are_those_of_its_text():
    path = real("hta/triton_example/triton_example.json.gz")
    trace = real_trace("hta/triton_example/triton_example.json.gz")
    events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    (work,) = [e for e in events if e.get("cat") == "kernel"]
    (launch,) = [
        e for e in events
        if e.get("cat", "").startswith("cuda_")
        and e["args"].get("correlation") == work["args"]["correlation"]
    ]  # fmt: skip

    delay = join(trace).delay_ns[0]

    assert delay == pytest.approx((work["ts"] - launch["ts"] - launch["dur"]) * 1000, abs=2)
