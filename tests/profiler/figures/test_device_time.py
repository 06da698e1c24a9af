"""Test device time against exact figures of real traces and against single nanoseconds."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.figures.device_time import (
    WorkClass,
    device_time,
    devices_of,
    repaired_ends,
    streams_of,
    work_classes,
    work_spans,
)
from gpuboard.profiler.figures.intervals import subtract
from gpuboard.profiler.figures.steps import find_steps, step_of_work
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.real import expected, real
from tests.profiler.slow_kineto import read_trace, trace_of


def work(
    start: float, dur: float, *, cat: str = "kernel", name: str = "k", device: int = 0,
    stream: int = 7,
) -> dict[str, Any]:  # fmt: skip
    return {
        "ph": "X", "cat": cat, "name": name, "ts": start, "dur": dur, "pid": device,
        "tid": stream, "args": {"device": device, "stream": stream},
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(expected()) or ["expected.jsonl"])
def test_figures_equal_the_exact_ones_of_every_real_trace(path: str) -> None:
    figures = device_time(read_trace(real(path))).figures()
    for name, value in figures.items():
        assert value == expected()[path].get(name), name


CLASSES = {"compute": ("kernel", "gemm"), "comm": ("kernel", "ncclKernel_AllReduce"),
           "memcpy": ("gpu_memcpy", "Memcpy HtoD"), "memset": ("gpu_memset", "Memset")}  # fmt: skip
works = st.lists(
    st.tuples(
        st.sampled_from(sorted(CLASSES)), st.integers(0, 40), st.integers(0, 9),
        st.integers(0, 1), st.integers(1, 2),
    ),
    max_size=14,
)  # fmt: skip


def made(rows: Sequence[tuple[str, int, int, int, int]]) -> Trace:
    return trace_of([
        work(start, dur, cat=CLASSES[kind][0], name=CLASSES[kind][1], device=device, stream=stream)
        for kind, start, dur, device, stream in rows
    ])  # fmt: skip


@given(works, st.integers(-5, 30), st.integers(1, 30), st.sampled_from([None, 0, 1]))
def test_a_window_of_a_device_is_measured_as_by_counting(
    rows: list[tuple[str, int, int, int, int]], t0: int, length: int, device: int | None
) -> None:
    t1 = t0 + length
    found = device_time(made(rows), (t0 * 1000, t1 * 1000), device)
    rows = [row for row in rows if device in (None, row[3])]
    at = {
        kind: {t for k, s, d, *_ in rows if k == kind for t in range(s, s + d) if t0 <= t < t1}
        for kind in CLASSES
    }
    busy = set().union(*at.values())
    for kind, points in at.items():
        time = getattr(found, kind)
        cut = [max(0, min(s + d, t1) - max(s, t0)) for k, s, d, *_ in rows if k == kind]
        assert (time.sum_ns, time.union_ns) == (sum(cut) * 1000, len(points) * 1000)
    assert found.busy_ns == len(busy) * 1000
    assert found.idle_ns == (length - len(busy)) * 1000
    assert found.compute_comm_overlap_ns == len(at["compute"] & at["comm"]) * 1000
    assert found.exposed_comm_ns == len(at["comm"] - at["compute"]) * 1000
    copied = (at["memcpy"] | at["memset"]) - at["compute"] - at["comm"]
    assert found.exposed_mem_ns == len(copied) * 1000


@given(works)
def test_overlaps_in_a_stream_are_counted_as_by_comparing_pairs(
    rows: list[tuple[str, int, int, int, int]],
) -> None:
    count = 0
    for stream in {row[3:] for row in rows}:
        spans = sorted((s, s + d) for _, s, d, *queue in rows if tuple(queue) == stream)
        for at, (start, _) in enumerate(spans):
            count += any(start < end for _, end in spans[:at])
    found = device_time(made(rows))
    assert found.same_stream_overlaps == count
    assert found.streams == len({row[3:] for row in rows})


def test_a_trace_without_device_work_says_so() -> None:
    found = device_time(trace_of([{"ph": "X", "cat": "cpu_op", "name": "a", "ts": 1, "dur": 2}]))
    assert "no kernel" in found.absent
    assert found.figures()["busy_ns"] is None
    assert found.figures()["gpu"]["compute"] == {"n": 0, "sum_ns": 0, "union_ns": 0}


def test_an_impossible_duration_counts_as_written_or_is_repaired() -> None:
    trace = trace_of([work(10 * k, 1_000 if k == 1 else 5) for k in range(8)])
    assert trace.slices.suspect.sum() == 1
    raw, repaired = device_time(trace), device_time(trace, repaired=True)
    assert raw.compute.sum_ns == 1_035_000
    assert raw.busy_ns == 5_000 + 1_000_000
    assert repaired.compute.sum_ns == 35_000
    assert repaired.compute.n == 8
    assert repaired.busy_ns == 7 * 5_000 + 10_000, "the suspect one runs up to its successor"
    assert (raw.suspects, repaired.suspects) == (1, 1)
    assert raw.window_ns == 1_010_000
    assert repaired.window_ns == 75_000


def test_a_suspect_last_in_its_queue_ends_where_it_starts() -> None:
    week = 8 * 86_400 * 1e6
    trace = trace_of([work(0, 5), work(10, week), work(20, 5, stream=9)])
    assert sorted(repaired_ends(trace).tolist()) == [5_000, 10_000, 25_000]
    assert device_time(trace, repaired=True).busy_ns == 10_000


def test_devices_are_measured_apart_and_together() -> None:
    trace = trace_of([work(0, 10), work(5, 10, device=1), work(30, 5, device=1, stream=8)])
    assert devices_of(trace) == (0, 1)
    assert device_time(trace).busy_ns == 20_000
    assert [device_time(trace, device=one).busy_ns for one in (0, 1)] == [10_000, 15_000]
    assert device_time(trace, device=0).window == (0, 10_000)


def test_queues_without_numbers_are_told_by_their_tracks() -> None:
    events = [work(0, 5), work(10, 5, stream=8)]
    for event in events:
        event["args"] = {}
        event["tid"] = f"stream {event['tid']}"
    trace = trace_of(events)
    assert len(set(streams_of(trace).tolist())) == 2


def test_communication_is_told_by_the_name_of_the_kernel() -> None:
    names = ["ncclDevKernel_AllReduce", "RCCL_x", "hcclSend", "onecclReduce", "gemm", "Memcpy"]
    trace = trace_of([work(10 * k, 5, name=name) for k, name in enumerate(names)])
    assert work_classes(trace).tolist() == [WorkClass.COMM] * 4 + [WorkClass.COMPUTE] * 2


# TraceLens sums floats, whence its figures are off by up to 52 ns; it counts
# fills as computation, and looks at what a marked step launched.
TRACELENS = (
    ("h100/Falconsai_nsfw_image_detection__1016002", "_perf_report_csvs"),
    ("h100/facebook_timesformer-base-finetuned-k400__1016002", "_perf_report_csvs"),
    ("h100/gaunernst_bert-small-uncased__1016001", "_perf_report_csvs"),
    ("mi300/gaunernst_bert-small-uncased__1016001", "_perf_report_csvs"),
    ("mi210/gpu_only_trace/gpu_only_trace", "_perf_report_csvs"),
    ("inference/vllm_decode_full/graph_execution", "/../perf_csvs"),
)


@pytest.mark.parametrize(("path", "tables"), TRACELENS)
def test_figures_are_those_of_tracelens_where_it_differs_in_nothing_known(
    path: str, tables: str
) -> None:
    trace = read_trace(real(f"tracelens/{path}.json.gz"))
    folder = f"tracelens/{path}{tables}"
    if "/../" in folder:
        folder = f"tracelens/{path.rsplit('/', 1)[0]}/perf_csvs"
    with (real(folder) / "gpu_timeline.csv").open() as file:
        golden = {row["type"]: round(float(row["time ms"]) * 1e6) for row in csv.DictReader(file)}
    steps = find_steps(trace, infer=False)
    marked = steps.source == "marked"
    select = step_of_work(trace, steps) >= 0 if marked else None
    found = device_time(trace, select=select)
    spans = work_spans(trace, select=select, repaired=False)
    computed = spans.of(WorkClass.COMPUTE, WorkClass.MEMSET)
    ours = {
        "computation_time": computed.total_ns,
        "exposed_comm_time": subtract(spans.of(WorkClass.COMM), computed).total_ns,
        "exposed_memcpy_time": found.busy_ns
        - spans.of(WorkClass.COMPUTE, WorkClass.MEMSET, WorkClass.COMM).total_ns,
        "busy_time": found.busy_ns,
        "idle_time": found.idle_ns,
        "total_time": found.window_ns,
        "total_comm_time": found.comm.union_ns,
        "total_memcpy_time": found.memcpy.union_ns,
    }
    assert golden == pytest.approx(ours, abs=60)


def test_only_selected_work_is_measured() -> None:
    trace = trace_of([work(10 * k, 5) for k in range(4)])
    found = device_time(trace, select=np.array([False, True, True, False]))
    assert (found.compute.n, found.window) == (2, (10_000, 25_000))
    assert dataclasses.replace(found, window=None).window_ns == 0
