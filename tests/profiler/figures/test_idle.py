"""Test why devices were idle, against a plain walk over every moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpuboard.profiler.figures.idle import Cause, idle_time, longest, stream_gaps
from tests.profiler.figures.test_steps import launch, note
from tests.profiler.real import expected, real
from tests.profiler.slow_kineto import read_trace, trace_of


def call(name: str, start: float, dur: float, tid: int = 1) -> dict[str, Any]:
    return {"ph": "X", "cat": "cuda_runtime", "name": name, "ts": start, "dur": dur, "pid": 1,
            "tid": tid, "args": {"correlation": 0}}  # fmt: skip


LOADER = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"


def causes(events: list[dict[str, Any]], **settings_: Any) -> dict[str, int]:
    figures = idle_time(trace_of(events), **settings_).figures()
    return {name: ns // 1000 for name, ns in figures.items() if ns}


def test_nothing_queued_is_what_the_host_did_meanwhile() -> None:
    events = [
        *launch(0, 5, 10, 1),
        call("cudaStreamSynchronize", 16, 4),
        note(LOADER, 30, 20),
        *launch(60, 70, 5, 2),
    ]
    # The gap from 15 to 70: the call of the next work begins at 60.
    assert causes(events) == {"sync": 4, "data_loader": 20, "host": 21, "launch": 10}


def test_waiting_of_a_thread_that_launches_nothing_is_not_waiting_of_the_run() -> None:
    events = [*launch(0, 5, 10, 1), call("cudaStreamSynchronize", 16, 30, tid=9)]
    assert causes([*events, *launch(60, 70, 5, 2)]) == {"host": 45, "launch": 10}


def test_work_that_was_queued_in_time_pauses_shortly_or_waits() -> None:
    short = [*launch(0, 5, 10, 1), *launch(6, 20, 5, 2)]
    assert causes(short) == {"between": 5}
    long = [*launch(0, 5, 10, 1), *launch(6, 40, 5, 2)]
    assert causes(long) == {"queued": 25}
    assert causes(long, kernel_gap_ns=25_000) == {"between": 25}


def test_a_launch_explains_only_so_much_of_a_gap() -> None:
    events = [*launch(0, 5, 10, 1), *launch(14, 60, 5, 2)]  # the call returns at 16
    assert causes(events) == {"launch": 21, "queued": 24}


def test_work_of_unknown_launch_says_unknown() -> None:
    events = [*launch(0, 5, 10, 1), launch(0, 40, 5, 2)[1]]
    assert causes(events) == {"unknown": 25}


def test_the_ends_of_a_window_are_idle_time_too() -> None:
    events = [*launch(10, 20, 10, 1), note(LOADER, 40, 10)]
    found = causes(events, window=(0, 60_000))
    assert found == {"host": 10 + 20, "launch": 10, "data_loader": 10}


def test_devices_and_streams_are_looked_at_apart() -> None:
    events = [*launch(0, 5, 10, 1), *launch(30, 40, 5, 2), *launch(16, 20, 10, 3)]
    events[-1] |= {"tid": 9, "args": {"device": 0, "stream": 9, "correlation": 3}}
    trace = trace_of(events)
    assert sum(idle_time(trace).figures().values()) == 15_000
    of_seven = idle_time(trace, select=trace.work.stream == 7)
    assert sum(of_seven.figures().values()) == 25_000
    assert idle_time(trace, device=3).absent


def test_a_trace_without_device_work_says_why() -> None:
    assert "no kernel" in idle_time(trace_of([note("a", 0, 1)])).absent
    assert len(stream_gaps(trace_of([])).device) == 0


works = st.lists(
    st.tuples(
        st.integers(0, 200), st.integers(0, 6), st.integers(0, 60), st.integers(1, 20),
        st.booleans(),
    ),
    min_size=1, max_size=7,
)  # fmt: skip
hosts = st.lists(st.tuples(st.booleans(), st.integers(0, 200), st.integers(1, 40)), max_size=4)


@settings(deadline=None, max_examples=150)
@given(works, hosts)
def test_each_idle_moment_has_the_cause_that_a_walk_finds(
    rows: list[tuple[int, int, int, int, bool]], spans: list[tuple[bool, int, int]]
) -> None:
    events, placed = [], []
    for number, (begun, took, wait, dur, known) in enumerate(rows, 1):
        one = launch(begun, begun + wait, dur, number)
        one[0]["dur"] = took
        events += one if known else one[1:]
        placed.append((begun + wait, begun + wait + dur, begun, begun + took, known))
    for loads, start, dur in spans:
        waiting = call("cudaDeviceSynchronize", start, dur)
        events.append(note(LOADER, start, dur) if loads else waiting)
    events.append({**call("cudaLaunchKernel", 500, 1), "args": {"correlation": 900}})
    anyone = any(known for *_, known in placed)
    trace = trace_of(events)
    assume(not trace.slices.suspect.any())
    found = idle_time(trace, (-10_000, 320_000))
    got = dict.fromkeys(Cause, 0)
    for t in range(-10, 320):
        if any(s <= t < e for s, e, *_ in placed):
            continue
        gap_start = max([e for _, e, *_ in placed if e <= t], default=-10)
        later = sorted((one for one in placed if one[0] > t), key=lambda one: one[0])
        got[_cause(t, gap_start, later, spans, anyone=anyone)] += 1000
    starts = [s for s, *_ in placed]
    if len(set(starts)) == len(starts):
        assert found.figures() == {cause.name.lower(): ns for cause, ns in got.items()}
    assert sum(found.figures().values()) == sum(got.values())


def _cause(
    t: int, gap_start: int, later: list[Any], spans: list[tuple[bool, int, int]], *, anyone: bool
) -> Cause:
    """Return the cause of one idle moment as the definition says."""
    if later:
        start, _, begun, returned, known = later[0]
        if not known:
            return Cause.UNKNOWN
        if t >= begun:
            if returned <= gap_start:
                return Cause.BETWEEN if start - gap_start <= 10 else Cause.QUEUED
            return Cause.LAUNCH if t < max(returned, gap_start) + 20 else Cause.QUEUED
    if any(loads and s <= t < s + d for loads, s, d in spans):
        return Cause.DATA_LOADER
    if anyone and any(not loads and s <= t < s + d for loads, s, d in spans):
        return Cause.SYNC
    return Cause.HOST


def test_pauses_of_streams_are_sorted_as_hta_sorts_them() -> None:
    events = [
        *launch(0, 5, 10, 1),  # ends at 15
        *launch(6, 15.02, 10, 2),  # 20 ns later: of the kernels; ends at 25.02
        *launch(7, 40, 5, 3),  # called before: other
        *launch(50, 60, 5, 4),  # called after: of the host
        launch(0, 70, 5, 9)[1],  # its call unknown: other
    ]
    found = stream_gaps(trace_of(events))
    assert found.works.tolist() == [5]
    assert found.kernel_wait_ns.tolist() == [20]
    assert found.host_wait_ns.tolist() == [15_000]
    assert found.other_ns.tolist() == [14_980 + 5_000]
    assert stream_gaps(trace_of(events), delay_ns=15_000).other_ns.tolist() == [0]


@pytest.mark.parametrize(
    "path", ["tracelens/b200/eager_trace.json.gz", "hta/trace_diff/control/control.json.gz"]
)
def test_causes_of_real_traces_sum_up_to_the_idle_time(path: str) -> None:
    trace = read_trace(real(path))
    found = idle_time(trace)
    assert sum(found.figures().values()) == expected()[path]["idle_ns"]
    start, end, cause = longest(found, 5)
    assert (np.diff(end - start) <= 0).all()
    assert (end - start)[0] == max(
        (part.end - part.start).max() for part in found.by_cause if len(part)
    )
    assert set(cause.tolist()) <= set(Cause)
