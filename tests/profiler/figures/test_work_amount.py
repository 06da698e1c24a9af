"""Test how much work is found in a trace, and where it is booked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpuboard.profiler.figures.work_amount import NO_OPERATORS, NO_SHAPES, work_amount
from tests.profiler.real import real_trace
from tests.profiler.slow_kineto import trace_of


def operator(name: str, start: float, dur: float, dims: Any = None, types: Any = None) -> Any:
    args = {} if dims is None else {"Input Dims": dims, "Input type": types}
    return {"ph": "X", "cat": "cpu_op", "name": name, "ts": start, "dur": dur, "pid": 1, "tid": 1,
            "args": args}  # fmt: skip


def launched(at: float, dur: float, number: int, name: str = "k", cat: str = "kernel") -> list[Any]:
    args = {"correlation": number, "device": 0, "stream": 7}
    return [
        {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": at, "dur": 1,
         "pid": 1, "tid": 1, "args": {"correlation": number}},
        {"ph": "X", "cat": cat, "name": name, "ts": at + 100, "dur": dur, "pid": 0, "tid": 7,
         "args": args},
    ]  # fmt: skip


SHAPES = ([[3, 5], [5, 7]], ["float", "float"])


def test_work_is_booked_on_the_innermost_operator_that_is_known() -> None:
    trace = trace_of(
        [
            operator("aten::linear", 0, 20, [[3, 5], [7, 5], []], ["float", "float", ""]),
            operator("aten::mm", 2, 10, *SHAPES), *launched(4, 30, 1),
            operator("aten::mm", 50, 10, *SHAPES), *launched(52, 10, 2),
        ]
    )  # fmt: skip
    found = work_amount(trace)

    assert [trace.text(name) for name in found.name] == ["aten::mm"]
    assert found.calls.tolist() == [2]
    assert found.time_ns.tolist() == [40_000]
    assert found.total_flops == 2 * 2 * 3 * 5 * 7
    assert found.known_share == 1


def test_time_under_unknown_operators_is_told() -> None:
    trace = trace_of(
        [
            operator("my::op", 0, 10), *launched(1, 30, 1),
            operator("aten::mm", 50, 10, *SHAPES), *launched(52, 10, 2),
            *launched(90, 60, 3),
        ]
    )  # fmt: skip
    found = work_amount(trace)

    assert [trace.text(name) for name in found.unknown.name] == ["", "my::op"]
    assert found.unknown.device_ns.tolist() == [60_000, 30_000]
    assert found.known_share == pytest.approx(0.1)


def test_communication_and_copies_from_the_host_are_no_work_of_an_operator() -> None:
    trace = trace_of(
        [
            operator("aten::mm", 0, 30, *SHAPES),
            *launched(2, 10, 1),
            *launched(6, 20, 2, "ncclDevKernel_AllReduce"),
            *launched(9, 40, 3, "Memcpy HtoD (Pinned -> Device)", "gpu_memcpy"),
            *launched(12, 80, 4, "Memcpy DtoD (Device -> Device)", "gpu_memcpy"),
        ]
    )
    found = work_amount(trace)

    assert found.time_ns.tolist() == [90_000]
    assert found.work_key.tolist().count(-1) == 2


def test_without_device_work_time_on_the_host_is_the_basis() -> None:
    trace = trace_of(
        [operator("aten::matmul", 0, 20, *SHAPES), operator("aten::mm", 2, 10, *SHAPES)]
    )
    found = work_amount(trace)

    assert found.basis == "host"
    assert [trace.text(name) for name in found.name[found.calls > 0]] == ["aten::mm"]
    assert found.time_ns.sum() == 10_000


def test_what_is_missing_in_a_trace_is_said() -> None:
    assert work_amount(trace_of([])).absent == NO_OPERATORS
    assert work_amount(trace_of([operator("aten::mm", 0, 1)])).absent == NO_SHAPES
    odd = trace_of([operator("aten::mm", 0, 1, [["x"]], ["float"])])
    assert work_amount(odd).absent


def test_sizes_beyond_all_numbers_are_unknown_and_nothing_fails() -> None:
    huge = [[1 << 40, 1 << 40], [1 << 40, 1 << 40]]
    assert work_amount(trace_of([operator("aten::mm", 0, 1, huge, ["float"] * 2)])).absent


def test_a_real_model_has_the_calls_and_times_of_tracelens() -> None:
    folder = "tracelens/h100/Falconsai_nsfw_image_detection__1016002"
    trace = real_trace(f"{folder}.json.gz")
    found = work_amount(trace)
    products = {
        trace.text(int(dims)): (int(calls), int(ns))
        for name, dims, calls, ns in zip(
            found.name, found.dims, found.calls, found.time_ns, strict=True
        )
        if trace.text(int(name)) == "aten::addmm"
    }

    assert products["[[768], [788, 768], [768, 768], [], []]"] == (48, 399_136)
    assert products["[[3072], [788, 768], [768, 3072], [], []]"] == (12, 166_590)
    assert found.known_share > 0.99


def test_convolutions_of_old_traces_are_known_by_their_gradients() -> None:
    path = "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz"
    trace = real_trace(path)
    found = work_amount(trace)
    unknown = [trace.text(int(name)) for name in found.unknown.name]

    assert unknown[0] == "aten::cudnn_convolution"  # its stride is not in the file
    assert found.known_share == pytest.approx(0.79, abs=0.02)
    # Twice the forward pass of ResNet-50 (4.09 GMAC an image), 32 images, 6 steps; the first
    # convolution needs no gradient of its input.
    gradients = np.array([family == "convolution" for family in found.family])
    flops = int((found.flops * found.calls)[gradients].sum())
    assert flops == pytest.approx(2 * 2 * 4.09e9 * 32 * 6, rel=0.02)
