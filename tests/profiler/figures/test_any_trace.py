"""Hold what must be true of tables of any trace, however odd."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.profiler.figures.cuda_graphs import cuda_graphs
from gpuboard.profiler.figures.flame import flame
from gpuboard.profiler.figures.kernels import kernels
from gpuboard.profiler.figures.launch_statistics import delay_histogram, launch_statistics
from gpuboard.profiler.figures.launches import join
from gpuboard.profiler.figures.nesting import nest
from gpuboard.profiler.figures.operators import operators
from gpuboard.profiler.figures.queue import queues
from gpuboard.profiler.figures.sequences import sequences
from gpuboard.profiler.traces.trace import Kind
from tests.profiler.figures.events import call, kernel, note, op, python, slice_of
from tests.profiler.slow_kineto import trace_of

times = st.integers(0, 60)
lasts = st.sampled_from([0, 1, 3, 10, 40, -5, 10**13])
numbers = st.integers(-1, 6)
threads = st.integers(1, 2)
names = st.sampled_from(["a", "b", "ProfilerStep#1", "nccl:x", ""])
events = st.one_of(
    st.builds(op, names, times, lasts, numbers, threads),
    st.builds(note, names, times, lasts, threads),
    st.builds(python, names, times, lasts, threads),
    st.builds(call, numbers, times, lasts, threads, st.sampled_from(["f", "cudaGraphLaunch"])),
    st.builds(kernel, numbers, times, lasts, names, st.integers(7, 8), numbers),
    st.builds(slice_of, st.sampled_from(["gpu_memcpy", "overhead", "?"]), names, times, lasts),
)


@settings(max_examples=150)
@given(st.lists(events, max_size=25))
def test_device_time_is_told_exactly_once(made):
    trace = trace_of(made)
    nesting = nest(trace)
    launches = join(trace, nesting)
    counted = ~trace.slices.suspect[trace.work.row]
    whole = launches.device_ns[counted].sum()

    by_operator = operators(trace, ("name", "shapes", "stack"), nesting=nesting, launches=launches)
    by_kernel = kernels(
        trace,
        ("name", "operator", "launch", "stream", "device"),
        launches=launches,
        kinds=(Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET),
    )
    tree = flame(trace, nesting, launches, limit=5)
    graphs = cuda_graphs(trace, launches)

    assert by_operator.device_self_ns.sum() + by_operator.outside_ns == whole
    assert by_kernel.total_ns.sum() == whole
    assert tree.device_total_ns[tree.parent < 0].sum() + tree.outside_ns == whole
    assert graphs.device_ns <= whole
    assert (by_operator.device_total_ns >= by_operator.device_self_ns).all()


@settings(max_examples=150)
@given(st.lists(events, max_size=25))
def test_every_launch_is_counted_once_or_said_to_be_left_out(made):
    trace = trace_of(made)
    nesting = nest(trace)
    launches = join(trace, nesting)

    statistics = launch_statistics(trace, launches)
    waiting = queues(trace, launches)
    found = sequences(trace, launches, nesting)

    suspects = np.count_nonzero(trace.slices.suspect[trace.work.row] & launches.joined)
    told = statistics.count.sum() + statistics.in_graphs + statistics.unjoined + suspects
    assert told == len(trace.work.row)
    assert delay_histogram(launches)[1].sum() == np.count_nonzero(launches.joined)
    assert (waiting.length >= 0).all()
    assert (waiting.length[waiting.first[1:] - 1] == 0).all()
    assert bool(len(found)) == (not found.absent)
