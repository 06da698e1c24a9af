"""Write small traces, and run the command on them as a person would."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from gpuboard.reports import command

STEP_US, KERNEL_US = 1_000, 400


def events(steps: int = 3, kernel: str = "sgemm", operator: str = "aten::mm") -> list[dict]:
    """Return steps with one operator, one call and one kernel that the host waits for."""
    found: list[dict[str, Any]] = []
    for k in range(steps):
        at = 10_000 + k * STEP_US

        def add(name: str, cat: str, start: float, dur: float, tid: Any = 1, **args: Any) -> None:
            found.append(
                {"ph": "X", "name": name, "cat": cat, "ts": start, "dur": dur,
                 "pid": 0 if tid == 7 else 1, "tid": tid, "args": args}
            )  # fmt: skip

        add(f"ProfilerStep#{k}", "user_annotation", at, STEP_US)
        add(operator, "cpu_op", at + 100, 50, **{"External id": k + 1})
        add("cudaLaunchKernel", "cuda_runtime", at + 110, 10, correlation=k + 1)
        add(kernel, "kernel", at + 200, KERNEL_US, tid=7, device=0, stream=7, correlation=k + 1)
    return found


def write(path: Path, listed: list[dict] | None = None, **root: Any) -> Path:
    """Write a trace of PyTorch's."""
    content = {"schemaVersion": 1, **root, "traceEvents": events() if listed is None else listed}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


class Outcome:
    """What the command printed."""

    def __init__(self, out: str, err: str) -> None:
        self.out, self.err = out, err

    @property
    def json(self) -> dict[str, Any]:
        """The object on standard output, which holds nothing else."""
        return json.loads(self.out)


def profile(*paths: Path, **wish: Any) -> Outcome:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    command.profile(command.Wish(tuple(paths), **wish), out, err)
    return Outcome(out.getvalue(), err.getvalue())
