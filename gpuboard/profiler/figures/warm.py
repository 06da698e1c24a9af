"""Have the kernels behind tables, queues, sequences and flame graphs compiled."""

from __future__ import annotations

from gpuboard.profiler.figures.cuda_graphs import cuda_graphs
from gpuboard.profiler.figures.flame import flame
from gpuboard.profiler.figures.kernels import kernels
from gpuboard.profiler.figures.launch_statistics import launch_statistics
from gpuboard.profiler.figures.launches import join
from gpuboard.profiler.figures.nesting import nest
from gpuboard.profiler.figures.operators import operators
from gpuboard.profiler.figures.queue import queues
from gpuboard.profiler.figures.sequences import sequences
from gpuboard.profiler.traces.trace import Trace


def warm_tables(trace: Trace) -> None:
    """Make every table of a trace, best a tiny one: an operator, a call and two kernels."""
    nesting = nest(trace)
    launches = join(trace, nesting)
    operators(trace, ("name", "shapes", "stack"), nesting=nesting, launches=launches)
    kernels(trace, ("name", "operator", "launch"), launches=launches)
    launch_statistics(trace, launches)
    queues(trace, launches)
    sequences(trace, launches, nesting)
    cuda_graphs(trace, launches)
    flame(trace, nesting, launches)
