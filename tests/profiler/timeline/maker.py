"""Make small traces, and timelines with levels that real ones have only at a million slices."""

from __future__ import annotations

import pytest

from gpuboard.profiler.figures.launches import join
from gpuboard.profiler.figures.nesting import nest
from gpuboard.profiler.timeline import levels
from gpuboard.profiler.timeline.links import links
from tests.profiler.slow_kineto import trace_of


def event(name, start, dur, *, tid=1, cat="cpu_op", **args):
    """A slice; microseconds."""
    return {
        "ph": "X", "name": name, "cat": cat, "ts": start, "dur": dur, "pid": 7, "tid": tid,
        "args": args,
    }  # fmt: skip


def kernel(name, start, dur, *, stream=7, device=0, **args):
    """A kernel; microseconds."""
    return {
        "ph": "X", "name": name, "cat": "kernel", "ts": start, "dur": dur, "pid": device,
        "tid": stream, "args": {"device": device, "stream": stream, **args},
    }  # fmt: skip


def timeline_of(trace):
    return levels.build(trace, nest(trace))


def layered(trace):
    """The same with a level at every width: what is skipped for few slices is not skipped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "FEW", 0)
        patch.setattr(levels, "SHRINK", 1)
        return timeline_of(trace)


def links_of(trace):
    return links(trace, join(trace, nest(trace)))


def launching():
    """Two launches on a thread, under an operator each, and what they launch on a stream."""
    return trace_of(
        [
            event("step", 0, 100, cat="user_annotation"),
            event("aten::mm", 10, 20),
            event("cudaLaunchKernel", 12, 4, cat="cuda_runtime", correlation=5),
            event("aten::add", 40, 20),
            event("cudaLaunchKernel", 45, 4, cat="cuda_runtime", correlation=6),
            kernel("gemm", 30, 25, correlation=5),
            kernel("add", 60, 10, correlation=6),
        ]
    )
