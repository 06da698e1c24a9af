"""Test who held memory at its peak, and calls for memory of the driver."""

from __future__ import annotations

import pytest

from gpuboard.profiler.figures.memory import memory
from gpuboard.profiler.figures.memory_peak import (
    BEFORE,
    NO_ADDRESSES,
    NOBODY,
    driver_calls,
    peak_holders,
)
from gpuboard.profiler.figures.steps import find_steps
from tests.profiler.figures.events import call, note, op, python
from tests.profiler.figures.test_memory import event
from tests.profiler.real import real_trace
from tests.profiler.slow_kineto import trace_of


def made():
    return trace_of(
        [
            python("train.py(1): step", 0, 300), python("nn.Module: Linear_0", 10, 90),
            op("aten::addmm", 20, 30), op("aten::empty", 25, 5), op("aten::relu", 110, 20),
            event(27, 100, 1, 1100), event(115, 200, 2, 1300), event(150, 300, 3, 1600),
            event(160, -300, 3, 1300), event(170, -64, 4, 1236),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("operator", {BEFORE: 1000, NOBODY: 300, "aten::relu": 200, "aten::empty": 100}),
        ("module", {BEFORE: 1000, "outside of every module": 500, "nn.Module: Linear_0": 100}),
        (
            "stack",
            {BEFORE: 1000, "train.py(1): step": 500, "train.py(1): step\nnn.Module: Linear_0": 100},
        ),
    ],
)
def test_holders_sum_up_to_the_peak(by, expected) -> None:
    trace = made()
    found = memory(trace)
    holders = peak_holders(trace, found, found.curves[0], by)

    assert dict(zip(holders.label, holders.bytes.tolist(), strict=True)) == expected
    assert holders.bytes.sum() == found.curves[0].peak


def test_gradients_are_held_by_the_module_of_their_forward_operator() -> None:
    numbers = {"Sequence number": 3}
    trace = trace_of(
        [
            python("nn.Module: Linear_0", 0, 50), op("aten::mm", 5, 20, **numbers),
            op("MmBackward0", 100, 20, tid=2, **numbers, **{"Fwd thread id": 1}),
            event(10, 100, 1, 100), event(110, 30, 2, 130, tid=2),
        ]
    )  # fmt: skip
    found = memory(trace)
    holders = peak_holders(trace, found, found.curves[0], "module")

    assert dict(zip(holders.label, holders.bytes.tolist(), strict=True)) == {
        "nn.Module: Linear_0": 100,
        "nn.Module: Linear_0 (backward)": 30,
    }


def test_holders_at_another_time_are_those_of_that_time() -> None:
    trace = made()
    found = memory(trace)
    holders = peak_holders(trace, found, found.curves[0], time=120_000)

    assert NOBODY not in holders.label
    assert holders.bytes.sum() == 1300


def test_without_addresses_nobody_is_named() -> None:
    trace = trace_of([event(1, 10)])
    found = memory(trace)

    assert peak_holders(trace, found, found.curves[0]).absent == NO_ADDRESSES


def test_real_holders_sum_up_to_the_real_peak() -> None:
    path = "tracelens/mi300/gaunernst_bert-small-uncased__1016001.json.gz"
    trace = real_trace(path)
    found = memory(trace)
    for by in ("operator", "module", "stack"):
        holders = peak_holders(trace, found, found.curves[0], by)
        assert holders.bytes.sum() == found.curves[0].peak == 146_394_112


def test_calls_for_memory_are_counted_within_steps_and_without() -> None:
    trace = trace_of(
        [
            note("ProfilerStep#1", 100, 100), call(1, 10, 5, name="cudaMalloc"),
            call(2, 110, 7, name="cudaMalloc"), call(3, 120, 50, name="cudaFree"),
            call(4, 180, 5),
        ]
    )  # fmt: skip
    found = driver_calls(trace, find_steps(trace))

    assert [trace.text(int(name)) for name in found.name] == ["cudaFree", "cudaMalloc"]
    assert found.calls.tolist() == [1, 2]
    assert found.time_ns.tolist() == [50_000, 12_000]
    assert found.step_calls.tolist() == [1, 1]
    assert found.step_time_ns.tolist() == [50_000, 7_000]
    assert found.retries == 0


def test_getting_giving_back_and_getting_again_in_one_slice_is_a_retry() -> None:
    again = [
        op("aten::empty", 0, 100), call(1, 1, name="cudaMalloc"), call(2, 10, name="cudaFree"),
        call(3, 20, name="cudaFree"), call(4, 30, name="cudaMalloc"),
        op("aten::empty", 200, 50), call(5, 210, name="cudaMalloc"),
    ]  # fmt: skip
    apart = [
        op("aten::empty", 0, 20), call(1, 1, name="cudaMalloc"),
        op("aten::resize_", 30, 20), call(2, 31, name="cudaFree"),
        op("aten::empty", 60, 20), call(3, 61, name="cudaMalloc"),
    ]  # fmt: skip

    assert driver_calls(trace_of(again)).retries == 1
    assert driver_calls(trace_of(apart)).retries == 0


def test_a_trace_without_calls_says_so() -> None:
    assert driver_calls(trace_of([op("a", 0, 1)])).absent
    assert not driver_calls(trace_of([call(1, 0)])).absent
