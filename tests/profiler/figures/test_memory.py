"""Test curves of memory, blocks, and sums by operator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpuboard.profiler.figures.memory import (
    NO_EVENTS,
    innermost,
    mean_fragmentation,
    memory,
    memory_by_operator,
)
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.figures.events import op, slice_of
from tests.profiler.real import real_trace
from tests.profiler.slow_kineto import trace_of


def event(
    time: float, size: int, address: int = -1, allocated: int = -1, reserved: int = -1, *,
    device: int = 0, kind: int = 1, tid: int = 1,
) -> dict[str, Any]:  # fmt: skip
    args = {"Bytes": size, "Device Type": kind, "Device Id": device}
    named = {"Addr": address, "Total Allocated": allocated, "Total Reserved": reserved}
    args |= {name: value for name, value in named.items() if value >= 0}
    return {"ph": "i", "s": "t", "cat": "cpu_instant_event", "name": "[memory]", "pid": 1,
            "tid": tid, "ts": time, "args": args}  # fmt: skip


def made() -> Trace:
    """Outer operator 0-100 with inner 10-50: it allocates a and frees it, the outer b and c."""
    return trace_of(
        [
            op("outer", 0, 100), op("inner", 10, 40), op("later", 200, 50),
            event(5, 100, 1, 1100, 2000), event(20, 300, 2, 1400, 2000),
            event(30, -300, 2, 1100, 2000), event(60, 50, 2, 1150, 1500),
            event(220, -100, 1, 1050, 1500), event(230, -40, 9, 1010, 1500),
        ]
    )  # fmt: skip


def test_a_curve_has_peak_reserve_and_what_was_given_back() -> None:
    curve = memory(made()).curves[0]

    assert curve.label == "device 0"
    assert (curve.peak, curve.peak_time, curve.peak_reserved) == (1400, 20_000, 2000)
    assert (curve.allocations, curve.frees, curve.given_back) == (3, 3, 1)
    assert curve.peak_fragmentation == pytest.approx(0.3)
    assert curve.fragmentation.tolist() == [900, 600, 900, 350, 450, 490]
    weights = np.diff([5, 20, 30, 60, 220, 230])
    expected = (curve.fragmentation[:-1] * weights).sum() / (curve.reserved[:-1] * weights).sum()
    assert mean_fragmentation(curve) == pytest.approx(expected)


def test_without_totals_a_curve_counts_from_its_beginning() -> None:
    curve = memory(trace_of([event(1, 10), event(2, 20), event(3, -10)])).curves[0]

    assert curve.from_zero
    assert curve.allocated.tolist() == [10, 30, 20]
    assert (curve.peak, curve.peak_reserved) == (30, -1)
    assert np.isnan(curve.peak_fragmentation)


def test_devices_have_curves_of_their_own_and_the_host_comes_last() -> None:
    events = [event(1, 10, kind=0, device=-1), event(2, 20, device=1), event(3, 30, device=0)]
    found = memory(trace_of(events))

    assert [curve.label for curve in found.curves] == ["device 0", "device 1", "host"]


def test_blocks_last_from_allocation_to_free_of_their_address() -> None:
    blocks = memory(made()).blocks

    assert blocks.bytes.tolist() == [100, 300, 50, 40]
    assert blocks.start.tolist() == [5_000, 20_000, 60_000, -1]
    assert blocks.end.tolist() == [220_000, 30_000, -1, 230_000]
    assert blocks.lifetime.tolist() == [215_000, 10_000, -1, -1]
    assert blocks.alive(25_000, 1, 0).tolist() == [True, True, False, True]
    assert blocks.alive(25_000, 1, 1).tolist() == [False] * 4


def test_an_address_on_two_devices_is_two_blocks() -> None:
    events = [event(1, 10, 7, device=0), event(2, 20, 7, device=1), event(3, -10, 7, device=0)]
    blocks = memory(trace_of(events)).blocks

    assert blocks.bytes.tolist() == [10, 20]
    assert blocks.end.tolist() == [3_000, -1]


def test_operators_are_summed_alone_and_with_all_under_them() -> None:
    trace = made()
    found = memory(trace)
    table = memory_by_operator(trace, found, found.curves[0])

    rows = {
        trace.text(int(name)): values
        for name, *values in zip(
            table.name,
            table.calls,
            table.increase,
            table.own_increase,
            table.allocations,
            table.own_allocations,
            table.allocated,
            table.own_allocated,
            strict=True,
        )
    }
    assert rows["outer"] == [1, 150, 150, 3, 2, 450, 150]
    assert rows["inner"] == [1, 0, 0, 1, 1, 300, 300]
    assert rows["later"] == [1, -140, -140, 0, 0, 0, 0]


def test_the_innermost_slice_still_runs_at_its_end() -> None:
    trace = trace_of([op("a", 0, 10), op("b", 10, 10), slice_of("cpu_op", "c", 12, 2)])
    times = np.array([10, 13, 14, 15, 20, 21], np.int64) * 1000
    rows = innermost(trace, None, np.zeros(6, np.int32), times)

    names = [trace.text(int(trace.slices.name[row])) if row >= 0 else "" for row in rows]
    assert names == ["b", "c", "c", "b", "b", ""]


def test_failed_allocations_are_counted() -> None:
    failed = event(5, 100) | {"name": "[OutOfMemory]"}
    assert memory(trace_of([event(1, 5), failed])).out_of_memory == 1


def test_a_trace_without_allocations_says_how_to_get_them() -> None:
    found = memory(trace_of([op("a", 0, 1)]))

    assert found.absent == NO_EVENTS
    assert found.curves == ()
    assert len(found.blocks) == 0


def test_a_real_curve_is_the_sum_of_its_events() -> None:
    path = "tracelens/h100/Falconsai_nsfw_image_detection__1016002.json.gz"
    trace = real_trace(path)
    found = memory(trace)
    curve = found.curves[0]

    assert len(curve.time) == 572
    events = trace.memory.bytes[trace.memory.device_type == 1]
    assert np.array_equal(np.diff(curve.allocated), events[1:])
    assert curve.peak == curve.allocated.max() == 231_332_864
    assert len(found.blocks) == 310  # each of 620 events belongs to a pair
    assert (found.blocks.lifetime >= 0).sum() == 310
