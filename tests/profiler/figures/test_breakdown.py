"""Test where the time of steps went, against published figures and against single moments."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.profiler.figures.breakdown import (
    PARTS,
    ROLES,
    plugin_steps,
    role_breakdown,
    time_breakdown,
)
from gpuboard.profiler.figures.steps import find_steps
from tests.profiler.figures.test_steps import PLUGIN, launch, note
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of

# Microseconds of steps 5 to 10 as the plugin publishes them beside the trace, in its order.
PUBLISHED = {
    "kernel": [98598, 98570, 98596, 98623, 98504, 98641],
    "memcpy": [1941, 1947, 1931, 1938, 1937, 1798],
    "memset": [90, 89, 91, 89, 87, 88],
    "communication": [0] * 6,
    "runtime": [2796, 2762, 2877, 2841, 2788, 3381],
    "data_loader": [69317, 57669, 61257, 56453, 62690, 48185],
    "cpu_op": [14091, 12968, 13768, 13420, 15025, 12773],
    "other": [1115, 1148, 1213, 1200, 1141, 1117],
}
MEAN = [98589, 1915, 89, 0, 2908, 59262, 13674, 1156]


def test_roles_equal_the_published_figures_to_the_microsecond() -> None:
    trace = read_trace(real(PLUGIN))
    steps = find_steps(trace)
    for taken in (steps, plugin_steps(trace, steps)):
        found = role_breakdown(trace, taken)
        for role, expected in PUBLISHED.items():
            assert (found.ns[:, ROLES.index(role)] // 1000).tolist() == expected, role
        # The plugin rounds halves up.
        assert np.floor(found.mean_ns / 1000 + 0.5).tolist() == MEAN


def test_parts_of_real_steps_sum_up_to_the_step_and_agree_with_roles() -> None:
    trace = read_trace(real("hta/trace_diff/control/control.json.gz"))
    steps = find_steps(trace)
    roles, parts = role_breakdown(trace, steps), time_breakdown(trace, steps)
    lasted = steps.span_end - steps.span_start
    assert parts.ns.sum(axis=1).tolist() == roles.ns.sum(axis=1).tolist() == lasted.tolist()
    assert parts.ns.min() >= 0
    assert parts.ns[:, 0].tolist() == roles.ns[:, 0].tolist()


def span(cat: str, name: str, start: int, dur: int, tid: int) -> dict[str, Any]:
    pid = 0 if cat in ("kernel", "gpu_memcpy", "gpu_memset") else 1
    return {"ph": "X", "cat": cat, "name": name, "ts": start, "dur": dur, "pid": pid, "tid": tid,
            "args": {"device": 0, "stream": tid}}  # fmt: skip


WHO = [
    ("kernel", "gemm", "kernel"),
    ("gpu_memcpy", "Memcpy", "memcpy"),
    ("gpu_memset", "Memset", "memset"),
    ("kernel", "ncclKernel_AllReduce", "communication"),
    ("user_annotation", "nccl:all_reduce", "communication"),
    ("cuda_runtime", "cudaLaunchKernel", "runtime"),
    ("cpu_op", "enumerate(DataLoader)#_Iter.__next__", "data_loader"),
    ("cpu_op", "aten::mm", "cpu_op"),
    ("user_annotation", "## forward ##", "cpu_op"),
]
spans = st.lists(
    st.tuples(st.integers(0, len(WHO) - 1), st.integers(0, 60), st.integers(1, 9)), max_size=14
)


@settings(deadline=None)
@given(spans)
def test_each_moment_goes_to_the_first_role_at_work(rows: list[tuple[int, int, int]]) -> None:
    marks = [note("ProfilerStep#1", 5, 25), note("ProfilerStep#2", 35, 30)]
    work = [span(*WHO[k][:2], start, dur, 100 + k) for k, start, dur in rows]
    trace = trace_of([*marks, *work])
    found = role_breakdown(trace, find_steps(trace))
    for number, (start, end) in enumerate(zip(found.start, found.end, strict=True)):
        expected = dict.fromkeys(ROLES, 0)
        for t in range(start // 1000, end // 1000):
            here = {WHO[k][2] for k, s, d in rows if s <= t < s + d}
            first = next((role for role in ROLES if role in here), "other")
            expected[first] += 1000
        assert found.row(number) == expected


def test_the_plugin_drops_a_cut_off_step_and_work_launched_across_its_end() -> None:
    events = [note(f"ProfilerStep#{k}", 100 * k, 100) for k in range(3)]
    for number, call in enumerate([10, 20, 99, 110, 120, 130, 210], 1):
        events += launch(call, call + 5, 100 if call == 99 else 3, number)
        events[-1]["args"]["stream"] = events[-1]["tid"] = 8 if call == 99 else 7
    trace = trace_of(events)
    steps = find_steps(trace)
    assert (steps.works.tolist(), steps.span_end[0]) == ([3, 3, 1], 204_000)
    taken = plugin_steps(trace, steps)
    assert taken.name == ("ProfilerStep#0", "ProfilerStep#1")
    assert (taken.works.tolist(), taken.span_end[0]) == ([2, 3], 100_000)


def test_what_is_absent_says_why() -> None:
    trace = trace_of([note("ProfilerStep#1", 0, 50), note("aten::mm", 10, 10, cat="cpu_op")])
    steps = find_steps(trace)
    assert "no kernel" in time_breakdown(trace, steps).absent
    assert role_breakdown(trace, steps).row(0)["cpu_op"] == 10_000
    empty = trace_of([])
    assert role_breakdown(empty, find_steps(empty)).absent
    assert plugin_steps(empty, find_steps(empty)).absent
    assert time_breakdown(empty, find_steps(empty)).ns.shape == (0, len(PARTS))
    assert len(role_breakdown(empty, find_steps(empty)).mean_ns) == 0


def test_devices_of_one_trace_are_split_apart_and_together() -> None:
    events = [note("ProfilerStep#1", 0, 100), *launch(5, 10, 30, 1), *launch(6, 20, 40, 2)]
    events[-1] |= {"pid": 1, "args": {"device": 1, "stream": 7, "correlation": 2}}
    trace = trace_of(events)
    steps = find_steps(trace)
    computed = [time_breakdown(trace, steps, device).row(0)["compute"] for device in (None, 0, 1)]
    assert computed == [50_000, 30_000, 40_000]
