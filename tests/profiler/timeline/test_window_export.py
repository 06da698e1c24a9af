from __future__ import annotations

import json

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.errors import LimitError
from gpuboard.profiler.timeline import window_export
from gpuboard.profiler.timeline.window_export import microseconds, window_json
from tests.profiler.real import real
from tests.profiler.slow_kineto import read_trace, trace_of
from tests.profiler.timeline.maker import event, launching, timeline_of


def slices_of(trace):
    table = trace.slices
    names = [trace.text(int(n)) for n in table.name]
    words = [trace.categories[c] for c in table.category]
    return sorted(zip(table.start.tolist(), table.dur.tolist(), names, words, strict=True))


def read_back(body, tmp_path):
    path = tmp_path / "window.json"
    path.write_bytes(body)
    return read_trace(path)


def test_a_window_holds_what_touches_it_and_nothing_else(tmp_path):
    timeline = timeline_of(launching())

    again = read_back(window_json(timeline, 41_000, 57_000), tmp_path)

    assert [name for _, _, name, _ in slices_of(again)] == [
        "step", "gemm", "aten::add", "cudaLaunchKernel",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    ["param/dlrm_8ranks/worker0_step_12.1694128201545.pt.trace.json.gz",
     "hta/cupti_profiler/benchmark_result_924719_1679055439_trace.json.gz"],
)  # fmt: skip
def test_a_whole_real_trace_comes_back_to_the_nanosecond(path, tmp_path):
    trace = read_trace(real(path))
    timeline = timeline_of(trace)

    again = read_back(window_json(timeline, timeline.start, timeline.end), tmp_path)

    assert slices_of(again) == slices_of(trace)
    assert len(again.flows.id) == len(trace.flows.id)
    assert np.array_equal(np.sort(again.counters.value), np.sort(trace.counters.value))


def test_names_of_processes_and_threads_go_along():
    found = json.loads(window_json(timeline_of(launching()), 0, 100_000))

    notes = [e for e in found["traceEvents"] if e["ph"] == "M"]
    assert {e["name"] for e in notes} == {
        "process_name", "process_sort_index", "thread_name", "thread_sort_index",
    }  # fmt: skip
    assert all(isinstance(e["pid"], int) for e in found["traceEvents"])


def test_names_with_quotes_and_control_marks_stay_whole(tmp_path):
    name = 'a "quoted" \\ name\n\u202e'
    timeline = timeline_of(trace_of([event(name, 0, 1)]))

    again = read_back(window_json(timeline, 0, 1000), tmp_path)

    assert slices_of(again)[0][2] == name


def test_too_large_a_window_is_refused_by_name(monkeypatch):
    few = limits.Limit("max_window_events", 3, "")
    monkeypatch.setattr(window_export, "MAX_WINDOW_EVENTS", few)

    with pytest.raises(LimitError, match=r"holds 7 events, at most 3 .*max_window_events"):
        window_json(timeline_of(launching()), 0, 100_000)


@pytest.mark.parametrize(("ns", "text"), [(0, "0.000"), (1_234_567, "1234.567"), (-5, "-0.005")])
def test_nanoseconds_are_written_without_loss(ns, text):
    assert microseconds(ns) == text
