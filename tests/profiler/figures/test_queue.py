from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from gpuboard.profiler.figures.launches import join
from gpuboard.profiler.figures.queue import QUEUE_CAPACITY, queues
from tests.profiler.figures.events import call, kernel
from tests.profiler.figures.real_traces import real_trace
from tests.profiler.slow_kineto import trace_of


def of_stream(found, stream=0):
    own = slice(found.first[stream], found.first[stream + 1])
    return list(zip((found.time[own] // 1000).tolist(), found.length[own].tolist(), strict=True))


def test_a_launch_waits_from_its_call_to_its_start():
    trace = trace_of([call(1, 0), call(2, 10), kernel(1, 20, 30), kernel(2, 60, 5)])

    found = queues(trace, join(trace))

    assert of_stream(found) == [(0, 1), (10, 2), (20, 1), (60, 0)]
    assert found.launches.tolist() == [2]
    assert found.max_length.tolist() == [2]
    assert found.mean_length[0] == pytest.approx((10 * 1 + 10 * 2 + 40 * 1) / 60)
    assert found.median_length.tolist() == [1]
    assert found.span_ns.tolist() == [60_000]
    assert found.full_ns.tolist() == [0]


def test_streams_have_queues_of_their_own():
    trace = trace_of([call(1, 0), call(2, 10), kernel(1, 20, 30), kernel(2, 60, 5, stream=20)])

    found = queues(trace, join(trace))

    assert len(found) == 2
    assert [trace.tracks[t].stream for t in found.track] == [7, 20]
    assert of_stream(found, 1) == [(10, 1), (60, 0)]


def test_a_graph_is_one_launch_of_each_stream_it_runs_on():
    graph = call(1, 0, name="cudaGraphLaunch")
    trace = trace_of([graph, kernel(1, 10), kernel(1, 30), kernel(1, 15, stream=20)])

    found = queues(trace, join(trace))

    assert of_stream(found, 0) == [(0, 1), (10, 0)]
    assert of_stream(found, 1) == [(0, 1), (15, 0)]
    assert found.launches.tolist() == [1, 1]


def test_time_with_a_full_queue_is_measured():
    n = QUEUE_CAPACITY
    calls = [call(k + 1, k, 1) for k in range(n)]
    trace = trace_of([*calls, *[kernel(k + 1, n + 100 + 10 * k, 9) for k in range(n)]])

    found = queues(trace, join(trace))

    assert found.max_length.tolist() == [n]
    assert found.full_ns.tolist() == [101_000]


def test_launches_before_their_call_and_work_without_one_are_left_out_and_counted():
    trace = trace_of([call(1, 100), kernel(1, 50), kernel(9, 70), call(2, 200), kernel(2, 210)])

    found = queues(trace, join(trace))

    assert (found.early, found.unjoined) == (1, 1)
    assert of_stream(found) == [(200, 1), (210, 0)]


def test_without_calls_the_reason_is_said():
    trace = trace_of([kernel(1, 0)])

    found = queues(trace, join(trace))

    assert len(found) == 0
    assert "no calls" in found.absent


@pytest.mark.parametrize(
    "file",
    [
        "hta/negative_queue_length_values_check/rank0.json.gz",
        "hta/trace_diff/test/test.json.gz",
        "tracelens/b200/eager_trace.json.gz",
    ],
)
def test_lengths_of_a_real_trace_are_those_of_a_walk_over_all_events(file):
    trace = real_trace(file)
    launches = join(trace)
    events = defaultdict(list)
    seen = set()
    for row, own in zip(trace.work.row, launches.call, strict=True):
        track = int(trace.slices.track[row])
        if own >= 0 and (track, own) not in seen:
            seen.add((track, own))
            events[track] += [(int(trace.slices.start[own]), 1), (int(trace.slices.start[row]), -1)]

    found = queues(trace, launches)

    assert found.track.tolist() == sorted(events)
    assert found.length.min() == 0
    for stream, track in enumerate(found.track.tolist()):
        changes, length = {}, 0
        for time, change in sorted(events[track]):
            length += change
            changes[time] = length
        own = slice(found.first[stream], found.first[stream + 1])
        assert (
            dict(zip(found.time[own].tolist(), found.length[own].tolist(), strict=True)) == changes
        )
        assert found.max_length[stream] == np.max(list(changes.values()))
