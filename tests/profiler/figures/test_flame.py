from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.figures.flame import REST, flame
from gpuboard.profiler.figures.flame_export import collapsed, speedscope
from gpuboard.profiler.figures.launches import join
from gpuboard.profiler.figures.nesting import nest
from gpuboard.profiler.traces.trace import Kind
from tests.profiler.figures.events import call, kernel, launched, note, op, python
from tests.profiler.figures.real_traces import real_trace
from tests.profiler.slow_kineto import trace_of


def flame_of(trace, **more):
    nesting = nest(trace)
    return flame(trace, nesting, join(trace, nesting), **more)


def paths(found, column="host_self_ns", unit=1000):
    """Return a column by path."""
    made = {-1: ""}
    for node, (parent, name) in enumerate(zip(found.parent, found.name, strict=True)):
        made[node] = f"{made[int(parent)]};{found.names[name]}".strip(";")
    return {made[k]: int(v) // unit for k, v in enumerate(getattr(found, column))}


def check_sums(found):
    for kind in ("host", "device"):
        own, total = getattr(found, f"{kind}_self_ns"), getattr(found, f"{kind}_total_ns")
        below = np.zeros(len(found), np.int64)
        inner = found.parent >= 0
        np.add.at(below, found.parent[inner], total[inner])
        assert (own + below == total).all()
    assert (found.parent < np.arange(len(found))).all()


def test_calls_with_the_same_names_above_become_one_node():
    trace = trace_of(
        [
            python("f", 0, 100), op("mm", 10, 20), *launched(1, 15, dur=30), op("mm", 50, 20),
            python("g", 200, 10), op("mm", 202, 5),
        ]
    )  # fmt: skip

    found = flame_of(trace)

    assert paths(found) == {
        "f": 60, "f;mm": 35, "f;mm;cudaLaunchKernel": 5, "g": 5, "g;mm": 5,
    }  # fmt: skip
    assert paths(found, "host_total_ns") == {
        "f": 100, "f;mm": 40, "f;mm;cudaLaunchKernel": 5, "g": 10, "g;mm": 5,
    }  # fmt: skip
    assert paths(found, "count", 1) == {
        "f": 1, "f;mm": 2, "f;mm;cudaLaunchKernel": 1, "g": 1, "g;mm": 1,
    }  # fmt: skip
    assert paths(found, "device_total_ns")["f"] == 30
    assert paths(found, "device_self_ns")["f;mm;cudaLaunchKernel"] == 30
    assert (found.nodes, found.outside_ns, found.absent) == (5, 0, "")


def test_only_chosen_kinds_take_part_and_others_are_looked_through():
    trace = trace_of([python("f", 0, 100), note("n", 5, 50), op("mm", 10, 20), *launched(1, 15)])

    found = flame_of(trace, kinds=(Kind.PYTHON, Kind.OPERATOR))

    assert paths(found) == {"f": 80, "f;mm": 20}
    assert paths(found, "device_self_ns") == {"f": 0, "f;mm": 10}


def test_threads_can_stand_at_the_top():
    trace = trace_of([op("a", 0, 10, tid=1), op("a", 0, 20, tid=2)])

    assert paths(flame_of(trace)) == {"a": 30}
    assert paths(flame_of(trace, threads=True)) == {
        "thread 1": 0, "thread 1;a": 10, "thread 2": 0, "thread 2;a": 20,
    }  # fmt: skip
    assert paths(flame_of(trace, tracks=[0])) == {"a": 10}


def test_steps_and_addresses_do_not_part_what_is_the_same():
    trace = trace_of(
        [
            note("ProfilerStep#1", 0, 100), python("<built-in method run at 0x7f1>", 10, 5),
            note("ProfilerStep#2", 100, 100), python("<built-in method run at 0x7e2>", 110, 5),
        ]
    )  # fmt: skip

    assert paths(flame_of(trace)) == {"<built-in method run>": 10}


def test_a_window_cuts_slices_and_takes_the_work_of_its_calls():
    trace = trace_of([op("a", 0, 100), *launched(1, 10, dur=7), *launched(2, 60, dur=9)])

    found = flame_of(trace, window=(50_000, 80_000))

    assert paths(found) == {"a": 25, "a;cudaLaunchKernel": 5}
    assert paths(found, "device_total_ns")["a"] == 9
    check_sums(found)


def test_frames_of_call_stack_texts_stand_above_operators():
    trace = trace_of(
        [
            op("mm", 0, 10, **{"Call stack": "b.py(2): g;a.py(1): f"}), op("inner", 2, 5),
            op("mm", 20, 10, **{"Call stack": "a.py(1): f"}), op("bare", 40, 3),
        ]
    )  # fmt: skip

    assert paths(flame_of(trace), "host_total_ns") == {
        "a.py(1): f": 20, "a.py(1): f;b.py(2): g": 10, "a.py(1): f;b.py(2): g;mm": 10,
        "a.py(1): f;b.py(2): g;mm;inner": 5, "a.py(1): f;mm": 10, "bare": 3,
    }  # fmt: skip


def test_small_nodes_are_put_together_beside_what_is_kept():
    trace = trace_of(
        [python("f", 0, 100), op("big", 0, 50), op("small", 60, 3), op("tiny", 70, 2),
         python("g", 200, 1)]
    )  # fmt: skip

    found = flame_of(trace, limit=2)

    assert paths(found, "host_total_ns") == {"f": 100, "f;big": 50, f"f;{REST}": 5, REST: 1}
    assert found.is_rest.tolist() == [False, False, True, True]
    assert paths(found, "count", 1)[f"f;{REST}"] == 2
    assert found.nodes == 5
    check_sums(found)


def test_device_time_may_decide_what_is_small():
    trace = trace_of([op("long", 0, 100), op("busy", 200, 10), call(1, 202), kernel(1, 300, 50)])

    found = flame_of(trace, limit=2, weight="device")

    assert set(paths(found)) == {"busy", "busy;cudaLaunchKernel", REST}


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(0, 12)), max_size=20)
)
def test_totals_add_up_whatever_overlaps(spans):
    trace = trace_of([op(*span) for span in spans])

    check_sums(flame_of(trace))
    check_sums(flame_of(trace, limit=3, window=(3_000, 20_000)))


def test_work_outside_of_the_tree_is_told():
    trace = trace_of([op("a", 0, 10), kernel(5, 20, 7)])

    assert flame_of(trace).outside_ns == 7_000


def test_an_empty_host_is_said():
    found = flame_of(trace_of([kernel(1, 0)]))

    assert len(found) == 0
    assert "no slices of the host" in found.absent
    assert collapsed(found) == ""


def test_collapsed_text_has_one_line_for_each_node_with_time():
    trace = trace_of([python("f;x", 0, 100), op("mm", 10, 20), op("nothing", 50, 0)])

    assert collapsed(flame_of(trace)) == "f,x 80\nf,x;mm 20\n"


def test_speedscope_gets_samples_that_add_up():
    trace = trace_of([python("f", 0, 100), op("mm", 10, 20), *launched(1, 12, dur=30)])

    document = json.loads(speedscope(flame_of(trace), "run", "device"))

    (profile,) = document["profiles"]
    frames = [frame["name"] for frame in document["shared"]["frames"]]
    assert [[frames[k] for k in sample] for sample in profile["samples"]] == [
        ["f", "mm", "cudaLaunchKernel"]
    ]
    assert profile["weights"] == [30_000]
    assert profile["endValue"] == 30_000


@pytest.mark.parametrize(
    "file",
    [
        "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz",
        "tracelens/mi300/resnet_act_checkpoint.json.gz",
    ],
)
def test_all_host_and_device_time_of_a_real_trace_is_in_the_graph(file):
    trace = real_trace(file)
    nesting = nest(trace)
    launches = join(trace, nesting)

    found = flame(trace, nesting, launches)

    check_sums(found)
    counted = ~trace.slices.suspect[trace.work.row]
    top = found.parent < 0
    device = found.device_total_ns[top].sum() + found.outside_ns
    assert device == launches.device_ns[counted].sum()
    small = flame(trace, nesting, launches, limit=20)
    assert small.host_total_ns[small.parent < 0].sum() == found.host_total_ns[top].sum()
    assert len(small) <= 41
