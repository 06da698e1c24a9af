"""Have every kernel of the profiler compiled before somebody waits for a trace."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from gpuboard.profiler.advice.verdict import verdict
from gpuboard.profiler.figures.overview import overview
from gpuboard.profiler.figures.warm import warm_tables
from gpuboard.profiler.timeline.warm import warm as warm_timeline
from gpuboard.profiler.traces.kineto import read_kineto
from gpuboard.profiler.traces.trace import Trace
from gpuboard.profiler.traces.xplane_warm import warm as warm_xplane


def warm() -> None:
    """Read a tiny trace and make everything of it: a minute on a fresh installation."""
    trace = _read_tiny()
    overview(trace)
    warm_tables(trace)
    verdict([trace])
    warm_timeline()
    warm_xplane()


def _read_tiny() -> Trace:
    with tempfile.TemporaryDirectory(prefix="gpuboard-warm-") as folder:
        file = Path(folder) / "tiny.json"
        file.write_text(json.dumps(_tiny()))
        return read_kineto(file)


def _tiny() -> dict[str, object]:
    """Return a trace in which an operator launches two kernels in each of two steps."""
    events: list[dict[str, object]] = []
    for step in range(2):
        at = 100 * step
        host = {"ph": "X", "pid": 1, "tid": 1}
        events += [
            {**host, "cat": "user_annotation", "name": f"ProfilerStep#{step}", "ts": at, "dur": 90},
            {**host, "cat": "cpu_op", "name": "aten::mm", "ts": at + 1, "dur": 50,
             "args": {"External id": step, "Input Dims": [[2, 2], [2, 2]]}},
        ]  # fmt: skip
        for k in range(2):
            number = 2 * step + k
            launch = {"correlation": number, "External id": step}
            events += [
                {**host, "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": at + 2 + 9 * k,
                 "dur": 5, "args": launch},
                {"ph": "X", "cat": "kernel", "name": "gemm", "pid": 0, "tid": 7,
                 "ts": at + 10 + 30 * k, "dur": 20,
                 "args": {**launch, "grid": [1, 1, 1], "block": [32, 1, 1]}},
            ]  # fmt: skip
    thread = {"pid": 1, "tid": 2, "name": "a", "ts": 1}
    events += [
        {**thread, "ph": "B"},
        {**thread, "ph": "E", "ts": 2},
        {**thread, "ph": "b", "id": 1, "cat": "c"},
        {**thread, "ph": "e", "id": 1, "cat": "c", "ts": 2},
        {**thread, "ph": "C", "args": {"value": 1.5}},
    ]
    return {"schemaVersion": 1, "traceEvents": events}
