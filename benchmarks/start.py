"""Time from the start of the process to the first page, and to all logs being read.

gpuboard and TensorBoard (with its data server) are started in turn on the same log directory;
a figure is the wall time from before the process is made.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.logs import SHAPES, build

_TOKEN = "benchmark-token-of-some-length"  # noqa: S105
_DEADLINE_S = 60.0


def run(names: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Return medians for each named shape and for an empty directory."""
    empty = root / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    folders = {"empty": empty} | {name: build(SHAPES[name], root) for name in names}
    subprocess.run([sys.executable, "-m", "gpuboard", "warm"], check=True, capture_output=True)
    return {name: _measure(folder, rounds) for name, folder in folders.items()}


def _measure(folder: Path, rounds: int) -> dict[str, Any]:
    ours = [time_gpuboard(folder) for _ in range(rounds)]
    theirs = [time_tensorboard(folder) for _ in range(rounds)]
    first, read = (statistics.median(figures) for figures in zip(*ours, strict=True))
    their_first, their_read = (statistics.median(figures) for figures in zip(*theirs, strict=True))
    return {
        "gpuboard, first page answered (s)": round(first, 3),
        "gpuboard, everything read (s)": round(read, 3),
        "tensorboard, first page answered (s)": round(their_first, 3),
        "tensorboard, all runs listed (s)": round(their_read, 3),
        "ratio of the times until the logs are there": round(their_read / read, 2),
    }


def time_gpuboard(folder: Path) -> tuple[float, float]:
    """Return seconds until the first page is answered, and until all is read."""
    port = 6390
    command = [sys.executable, "-m", "gpuboard", "serve", str(folder), "--token", _TOKEN]
    with _process([*command, "--port", str(port)]) as started:
        root = f"http://127.0.0.1:{port}"
        _wait_for(f"{root}/scalars")
        first = time.perf_counter() - started
        while json.loads(_wait_for(f"{root}/api/v1/status"))["phase"] != "watching":
            time.sleep(0.005)
        return first, time.perf_counter() - started


def time_tensorboard(folder: Path) -> tuple[float, float]:
    """Return seconds until TensorBoard's first page is answered, and until it lists all runs."""
    port = 6391
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    with _process([*command, "--port", str(port), "--load_fast", "true"]) as started:
        root = f"http://127.0.0.1:{port}"
        _wait_for(f"{root}/")
        first = time.perf_counter() - started
        runs = len({path.parent for path in folder.rglob("*tfevents*")})
        while len(json.loads(_wait_for(f"{root}/data/runs"))) < runs:
            time.sleep(0.005)
        return first, time.perf_counter() - started


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[float]:
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield started
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {_TOKEN}"})  # noqa: S310
    deadline = time.perf_counter() + _DEADLINE_S
    while time.perf_counter() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                return bytes(reply.read())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.005)
    raise TimeoutError(f"{url} was not answered within {_DEADLINE_S:.0f} s")


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = []
    for name, row in figures.items():
        lines += [name, *(f"  {what:<40} {value:>8}" for what, value in row.items())]
    return "\n".join(lines)
