"""Test that the overview holds all figures, and that its JSON is what programs are promised."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gpuboard.profiler.figures.overview import contract, overview
from tests.profiler.figures.test_device_time import work
from tests.profiler.figures.test_steps import PLUGIN, launch, note
from tests.profiler.real import expected, real
from tests.profiler.slow_kineto import read_trace, trace_of

KEYS = [
    "file", "format", "events", "rank", "world_size", "devices", "gpu", "window_ns", "busy_ns",
    "idle_ns", "compute_comm_overlap_ns", "exposed_comm_ns", "exposed_mem_ns", "streams",
    "same_stream_overlaps", "steps", "problems",
]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [PLUGIN, "hta/trace_diff/test/test.json.gz", "hta/cpu_only/rank-34.Jul_15_10_52_41.1074"
     ".pt.trace.json.gz", "tracelens/b200/eager_trace.json.gz"],
)  # fmt: skip
def test_the_contract_holds_the_exact_figures_of_real_traces(path: str) -> None:
    entry = json.loads(json.dumps(contract(overview(read_trace(real(path))))))
    assert list(entry) == KEYS
    golden = expected()[path]
    for name in set(KEYS) & set(golden) - {"file"}:
        assert entry[name] == golden[name], name
    for name in set(KEYS[7:13]) - set(golden):
        assert entry[name] is None
    for step in entry["steps"]:
        assert sum(step["breakdown"].values()) == step["dur_ns"]


def test_steps_of_a_run_without_devices_are_split_by_roles() -> None:
    trace = trace_of([note("ProfilerStep#1", 0, 50), note("aten::mm", 10, 10, cat="cpu_op")])
    entry = contract(overview(trace))
    assert entry["steps"][0]["breakdown"]["cpu_op"] == 10_000
    assert entry["gpu"]["compute"]["n"] == 0


def test_suspect_durations_are_repaired_beside_the_raw_figures() -> None:
    trace = trace_of([work(10 * k, 1_000 if k == 1 else 5) for k in range(8)])
    found = overview(trace)
    assert found.time is found.repaired
    assert found.span == (0, 75_000)
    entry = contract(found)
    assert entry["gpu"]["compute"]["sum_ns"] == 1_035_000
    assert entry["repaired"]["gpu"]["compute"]["sum_ns"] == 35_000
    assert entry["repaired"]["suspects"] == 1
    assert entry["problems"][0]["kind"] == "impossible_duration"


def test_devices_stand_apart_with_what_the_file_says_of_them() -> None:
    meta = {"deviceProperties": [{"id": 0, "name": "A"}, {"id": 1, "name": "B"}],
            "distributedInfo": {"rank": 3, "world_size": 8}}  # fmt: skip
    events = [note("ProfilerStep#1", 0, 100), *launch(5, 10, 30, 1), *launch(6, 20, 40, 2)]
    events[-1] |= {"pid": 1, "args": {"device": 1, "stream": 7, "correlation": 2}}
    found = overview(trace_of(events, meta))
    assert [one.about.name for one in found.devices if one.about] == ["A", "B"]
    assert [one.time.busy_ns for one in found.devices] == [30_000, 40_000]
    assert [one.parts.row(0)["compute"] for one in found.devices] == [30_000, 40_000]
    assert found.parts.row(0)["compute"] == found.time.busy_ns == 50_000
    assert found.host_busy_ns == 100_000
    entry = contract(found)
    assert (entry["rank"], entry["world_size"], entry["devices"]) == (3, 8, ["A", "B"])


def test_an_empty_trace_has_an_overview_that_says_what_is_absent() -> None:
    found = overview(trace_of([]))
    assert (found.span, found.devices, found.repaired) == (None, (), None)
    for part in (found.raw, found.temporal, found.steps, found.roles, found.parts, found.idle):
        assert part.absent
    assert contract(found)["steps"] == []


def test_one_device_is_the_whole() -> None:
    found = overview(read_trace(real(PLUGIN)))
    assert np.array_equal(found.devices[0].parts.ns, found.parts.ns)
    assert found.plugin_roles is found.roles
