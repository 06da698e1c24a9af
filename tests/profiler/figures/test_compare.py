"""Test differences of two recordings."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from gpuboard.profiler.figures.compare import Comparison, Difference, Recording, Status, compare
from gpuboard.profiler.traces.trace import Kind, Trace
from tests.profiler.figures.events import launched, note, op
from tests.profiler.figures.test_memory import event
from tests.profiler.real import real_trace
from tests.profiler.slow_kineto import trace_of


def rows(table: Difference) -> dict[str, tuple[Any, ...]]:
    return {
        name: (Status(status).name, *count, *time)
        for name, status, count, time in zip(
            table.name,
            table.status.tolist(),
            table.count.T.tolist(),
            table.time_ns.T.tolist(),
            strict=True,
        )
    }


def of(*sides: Trace | list[Trace]) -> Comparison:
    before, after = ([side] if isinstance(side, Trace) else side for side in sides)
    return compare([Recording(one) for one in before], [Recording(one) for one in after])


def recording(*kernels: tuple[str, float], steps: int = 0, operator: str = "aten::mm") -> Trace:
    marks = [note(f"ProfilerStep#{k}", 1000 * k, 1000) for k in range(steps)]
    events = []
    for k, (name, dur) in enumerate(kernels):
        at = 1000 * k if steps else 50 * k
        events += [op(operator, at, 30), *launched(k + 1, at + 5, name, dur)]
    return trace_of([*marks, *events])


def test_kernels_that_came_went_and_changed_are_told_apart() -> None:
    before = recording(("a", 10), ("b", 5), ("b", 5), ("c", 1), ("d", 4))
    after = recording(("a", 30), ("b", 5), ("e", 2), ("d", 2), ("d", 2))
    found = of(before, after)

    assert found.per == "recording"
    assert rows(found.kernels) == {
        "a": ("UNCHANGED", 1, 1, 10_000, 30_000),
        "b": ("FEWER", 2, 1, 10_000, 5_000),
        "c": ("REMOVED", 1, 0, 1_000, 0),
        "d": ("MORE", 1, 2, 4_000, 4_000),
        "e": ("ADDED", 0, 1, 0, 2_000),
    }
    assert found.kernels.name[:2] == ("a", "b")  # largest change first
    assert found.kernels.change_ns[0] == 20_000
    assert found.kernels.ratio[0] == 3
    assert np.isinf(found.kernels.ratio[found.kernels.name.index("e")])
    assert found.kernels.of(Status.ADDED, Status.REMOVED).sum() == 2


def test_recordings_of_unlike_length_are_compared_by_step() -> None:
    before = recording(("a", 10), ("a", 20), steps=2)
    found = of(before, recording(("a", 10), ("a", 20), ("a", 30), ("a", 40), steps=4))

    assert found.per == "step"
    assert rows(found.kernels) == {"a": ("UNCHANGED", 1, 1, 15_000, 25_000)}
    assert rows(found.operators)["aten::mm"] == ("UNCHANGED", 1, 1, 30_000, 30_000)
    figures = {one.name: (one.before, one.after) for one in found.figures}
    assert figures["step"] == (1_000_000, 1_000_000)
    assert figures["computation"] == (15_000, 25_000)
    assert figures["kernels"] == (1, 1)
    parts = {one.name: (one.before, one.after) for one in found.parts}
    assert parts["compute"] == (15_000, 25_000)
    assert sum(before for before, _ in parts.values()) == pytest.approx(1_000_000)


def test_groups_of_ranks_are_compared_by_their_means() -> None:
    before = [recording(("a", 10)), recording(("a", 30))]
    found = of(before, [recording(("a", 10)), recording(("b", 30))])

    assert rows(found.kernels) == {
        "a": ("FEWER", 1, 0.5, 20_000, 5_000),
        "b": ("ADDED", 0, 0.5, 0, 15_000),
    }


def test_device_work_is_compared_by_the_operator_that_launched_it() -> None:
    found = of(recording(("a", 10)), recording(("b", 12), operator="aten::linear"))

    assert rows(found.operator_kernels) == {
        "aten::linear": ("ADDED", 0, 1, 0, 12_000),
        "aten::mm": ("REMOVED", 1, 0, 10_000, 0),
    }


def test_classes_are_compared() -> None:
    found = of(recording(("ampere_sgemm", 10)), recording(("ncclDevKernel_AllReduce", 12)))

    assert rows(found.classes) == {
        "comm": ("ADDED", 0, 1, 0, 12_000),
        "compute": ("REMOVED", 1, 0, 10_000, 0),
    }
    assert set(found.kernel_classes.name) == {"gemm", "communication"}


def test_figures_that_one_side_lacks_are_no_zeros() -> None:
    with_memory = trace_of([event(1, 10, 1, 100, 200), event(2, -10, 1, 90, 200)])
    found = of(recording(("a", 1)), with_memory)
    figures = {one.name: one for one in found.figures}

    assert figures["allocated at peak"].before is None
    assert figures["allocated at peak"].after == 100
    assert figures["allocated at peak"].change is None
    assert figures["computation"].after is None


def test_what_no_side_has_is_said() -> None:
    found = of(trace_of([]), trace_of([]))

    assert found.kernels.absent
    assert found.operators.absent
    assert found.figures == ()


def test_a_recording_equals_itself() -> None:
    trace = real_trace("hta/trace_diff/control/control.json.gz")
    found = of(trace, trace)

    for table in (found.kernels, found.operators, found.operator_kernels, found.classes):
        assert set(table.status.tolist()) == {Status.UNCHANGED}
        assert not table.change_ns.any()


def test_real_recordings_differ_as_counting_their_names_tells() -> None:
    sides = [real_trace(f"hta/trace_diff/{name}/{name}.json.gz") for name in ("control", "test")]
    found = of(*sides)
    table = rows(found.kernels)

    assert found.per == "step"
    assert found.devices == (("NVIDIA A100-PG509-200",), ("Tesla V100-SXM2-16GB",))
    names = [_names(trace) for trace in sides]
    assert {n for n, row in table.items() if row[0] == "ADDED"} <= names[1].keys() - names[0].keys()
    assert {n for n, row in table.items() if row[0] == "REMOVED"} <= (
        names[0].keys() - names[1].keys()
    )
    # Copies within the device are what the V100 does so much more of.
    assert table["Memcpy DtoD (Device -> Device)"][0] == "MORE"
    assert found.kernels.name[0] == "Memcpy DtoD (Device -> Device)"
    total = sum(row[4] - row[3] for row in table.values())
    assert total == pytest.approx(found.classes.change_ns.sum())


def _names(trace: Trace) -> Counter[str]:
    work = np.isin(trace.slices.kind, (Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET))
    return Counter(trace.strings[name] for name in trace.slices.name[work].tolist())
