"""Test what collectives of a rank say of themselves, and how fast they were."""

from __future__ import annotations

import csv
import math
from typing import Any

import pytest

from gpuboard.profiler.figures.collectives import (
    NO_COLLECTIVES,
    Collective,
    Told,
    bus_factor,
    collective_named,
    collectives,
    ranks_of,
    summary,
)
from tests.profiler.figures.events import call, kernel, note, op, slice_of
from tests.profiler.real import real, real_trace
from tests.profiler.slow_kineto import trace_of

NAMES = {
    "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<4096ul>)": "all-reduce",
    "ncclKernel_AllGather_RING_LL_Sum_int8_t(ncclDevComm*, unsigned long, ncclWork*)": "all-gather",
    "ncclDevKernel_ReduceScatter_Sum_bf16_RING_LL": "reduce-scatter",
    "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t(ncclWorkElem)": "point-to-point",
    "nccl:_all_gather_base": "all-gather",
    "nccl:reduce_scatter_tensor_coalesced": "reduce-scatter",
    "gloo:all_to_all": "all-to-all",
    "broadcast": "broadcast",
    "_reduce_scatter_base": "reduce-scatter",
    "reduce": "reduce",
    "gather": "gather",
    "barrier": "barrier",
    "ncclDevKernel_Generic_4(ncclDevKernelArgsStorage<4096ul>)": "other",
}


@pytest.mark.parametrize("name", NAMES)
def test_collectives_are_told_by_their_names(name: str) -> None:
    assert collective_named(name).label == NAMES[name]


@pytest.mark.parametrize(
    ("collective", "factor"),
    [
        (Collective.ALL_REDUCE, 14 / 8), (Collective.ALL_GATHER, 7 / 8),
        (Collective.REDUCE_SCATTER, 7 / 8), (Collective.ALL_TO_ALL, 7 / 8),
        (Collective.BROADCAST, 1), (Collective.POINT_TO_POINT, 1),
    ],
)  # fmt: skip
def test_bus_bandwidth_is_that_of_nccl_tests(collective: Collective, factor: float) -> None:
    assert bus_factor(collective, 8) == factor


def test_bus_bandwidth_of_unknown_ranks_is_unknown() -> None:
    assert math.isnan(bus_factor(Collective.ALL_REDUCE, -1))


def facts(name: str, sent: int, got: int, **more: Any) -> dict[str, Any]:
    return {"Collective name": name, "In msg nelems": sent, "Out msg nelems": got,
            "dtype": "BFloat16", "Group size": 4, "Process Group Name": "7",
            "Process Group Ranks": "[0, 1, 2, 3]", **more}  # fmt: skip


def nccl(number: int, start: float, dur: float, name: str = "ncclDevKernel_X", **args: Any) -> Any:
    return kernel(number, start, dur, name, 20, **args)


def test_arguments_of_the_kernel_tell_everything() -> None:
    more = {"Seq": 5}
    trace = trace_of([nccl(1, 100, 10, **facts("allreduce", 1000, 1000, **more))])
    table = collectives(trace)

    assert table.collective.tolist() == [Collective.ALL_REDUCE]
    assert table.told.tolist() == [Told.KERNEL]
    assert (table.elements[0], table.bytes[0], table.sequence[0]) == (1000, 2000, 5)
    assert trace.text(int(table.group[0])) == "7"
    # 2000 bytes in 10 us; 2 x 3/4 of it over each link.
    assert table.algorithm_gbs[0] == pytest.approx(0.2)
    assert table.bus_gbs[0] == pytest.approx(0.3)


def test_the_message_of_an_all_gather_is_its_output_and_of_a_reduce_scatter_its_input() -> None:
    trace = trace_of(
        [
            nccl(1, 100, 10, **facts("_allgather_base", 100, 400)),
            nccl(2, 200, 10, **facts("_reduce_scatter_base", 400, 100)),
        ]
    )
    assert collectives(trace).bytes.tolist() == [800, 800]


def test_the_operator_around_the_launch_tells_what_the_kernel_does_not() -> None:
    record = slice_of("cpu_op", "record_param_comms", 0, 50, **facts("broadcast", 64, 64))
    trace = trace_of([record, note("nccl:broadcast", 5, 40), call(1, 10), nccl(1, 100, 10)])
    table = collectives(trace)

    assert table.told.tolist() == [Told.OPERATOR]
    assert table.collective.tolist() == [Collective.BROADCAST]
    assert table.bytes.tolist() == [128]


def test_the_annotation_around_the_launch_tells_when_nothing_else_does() -> None:
    shapes = {"Input Dims": [[16, 4]], "Input type": ["float"]}
    around = slice_of("user_annotation", "nccl:all_to_all", 5, 40, **shapes)
    gathered = slice_of("user_annotation", "nccl:_all_gather_base", 205, 40, **shapes)
    name = "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t"
    events = [around, call(1, 10), nccl(1, 100, 10, name), gathered, call(2, 210), nccl(2, 300, 9)]
    table = collectives(trace_of(events, {"distributedInfo": {"rank": 0, "world_size": 8}}))

    assert [Collective(kind).label for kind in table.collective] == ["all-to-all", "all-gather"]
    assert table.told.tolist() == [Told.ANNOTATION] * 2
    assert table.bytes.tolist() == [256, 8 * 256]
    assert table.group_size.tolist() == [8, 8]


def test_a_kernel_alone_is_told_by_its_name() -> None:
    table = collectives(trace_of([nccl(1, 100, 10, "ncclDevKernel_AllReduce_Sum_f32")]))

    assert table.collective.tolist() == [Collective.ALL_REDUCE]
    assert table.told.tolist() == [Told.NAME]
    assert table.bytes.tolist() == [-1]
    assert math.isnan(table.bus_gbs[0])


def test_gloo_communicates_on_the_host_and_nccl_does_not() -> None:
    gloo = collectives(trace_of([note("gloo:all_reduce", 5, 40)]))
    assert (gloo.start.tolist(), gloo.duration.tolist()) == ([5_000], [40_000])

    nccl_alone = collectives(trace_of([note("nccl:all_reduce", 5, 40), op("a", 6, 1)]))
    assert nccl_alone.absent == NO_COLLECTIVES


def test_damaged_lists_of_ranks_are_no_ranks() -> None:
    assert ranks_of("[0, 3]") == (0, 3)
    assert ranks_of("[0, ...]") == ranks_of('["a"]') == ranks_of("") == ranks_of("3") == ()


def test_a_real_trace_has_its_published_collectives() -> None:
    trace = real_trace("hta/nccl_parser_config/nccl_data.json.gz")
    table = collectives(trace)

    assert len(table) == 21
    assert 2_049_000 in table.elements.tolist()
    assert set(table.told.tolist()) == {Told.KERNEL}
    assert {group.ranks for group in summary(trace, table)} == {(0, 1)}


def test_a_real_summary_equals_that_of_tracelens() -> None:
    folder = "tracelens/mi300/resnet_act_checkpoint"
    trace = real_trace(f"{folder}.json.gz")
    groups = {
        (group.collective.label.replace("-", ""), group.elements): group
        for group in summary(trace, collectives(trace))
    }

    table = real(f"{folder}_recompute_perf_report_csvs/coll_analysis.csv")
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    for row in rows:
        group = groups[row["Collective name"], int(float(row["In msg nelems"]))]
        assert group.count == int(row["operation_count"])
        assert group.total_ns / 1e3 == pytest.approx(float(row["dur_sum"]))
        assert group.least_ns / 1e3 == pytest.approx(float(row["dur_min"]))
        assert group.most_ns / 1e3 == pytest.approx(float(row["dur_max"]))
        assert group.bytes / 2**20 == pytest.approx(float(row["In msg size (MB)_first"]))


def test_bandwidths_equal_those_of_tracelens_for_a_large_model() -> None:
    table = real("tracelens/mi300/llama_70b_fsdp/nccl_analysis_report_csvs/"
                 "nccl_summary_implicit_sync.csv")  # fmt: skip
    with table.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        ranks, size = int(row["Group size"]), float(row["Full msg size (MB)"]) * 2**20
        kind = collective_named(row["Collective name"])
        elements = int(row["In msg nelems"]) * (ranks if kind == Collective.ALL_GATHER else 1)
        width = {"Float": 4, "BFloat16": 2}[row["dtype"]]
        assert elements * width == pytest.approx(size)
        best = size / float(row["comm_latency_min"]) / 1e-6 / 2**30
        assert best == pytest.approx(float(row["algo bw (GB/s)_max"]))
        assert best * bus_factor(kind, ranks) == pytest.approx(float(row["bus bw (GB/s)_max"]))
