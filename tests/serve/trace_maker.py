"""Write small traces into log directories."""

from __future__ import annotations

import json

import numpy as np

from tests.profiler.timeline.maker import event, kernel

WALL = 1_700_000_000_000_000_000


def steps(count=3, shift=0.0):
    """Steps of 100 µs: an operator, its call and the kernel that it launches; microseconds."""
    events = []
    for i in range(count):
        t = shift + 100 * i
        events += [
            event(f"ProfilerStep#{i}", t, 95, cat="user_annotation"),
            event("aten::mm", t + 10, 20),
            event("cudaLaunchKernel", t + 12, 4, cat="cuda_runtime", correlation=i + 1),
            kernel("void gemm<float, 4>(int)", t + 40, 50, correlation=i + 1),
            {
                "ph": "C", "name": "queue", "pid": 7, "tid": 1, "ts": t,
                "args": {"length": int(np.sqrt(i))},
            },
        ]  # fmt: skip
    return events


def write_trace(path, events=None, **meta):
    """Write a trace file; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"schemaVersion": 1, "baseTimeNanoseconds": WALL, "deviceProperties": [], **meta}
    path.write_text(json.dumps({**facts, "traceEvents": steps() if events is None else events}))
    return path


def write_ranks(folder, count=2):
    """Write the traces of several ranks of one job, each a little later than the last."""
    return [
        write_trace(
            folder / f"rank{rank}.1700000000000.pt.trace.json",
            steps(shift=5.0 * rank),
            distributedInfo={"rank": rank, "world_size": count, "backend": "nccl"},
        )
        for rank in range(count)
    ]
