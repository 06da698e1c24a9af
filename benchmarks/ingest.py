"""Time from files to queryable columns: gpuboard, RustBoard and TensorBoard's Python loader.

Every reader runs in a fresh process, the readers in turn, on files that lie in the page cache.
A figure is the time in which the process reads all files, its start and imports left out:
gpuboard by its own clock around `Store.refresh`, RustBoard by the line that it logs at the end of
its load cycle, the Python loader around `EventAccumulator.Reload` on logs a twentieth as long.
gpuboard keeps every point and tests both checksums; RustBoard by default keeps 1,000 points a
tag and tests the lengths' checksums alone, and is run a second time told to keep all.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.logs import SHAPES, Shape, build

_GPUBOARD = """
import json, sys, time
from pathlib import Path
from gpuboard.eventlog.warm import warm
from gpuboard.store import ingest
from gpuboard.store.store import Store
warm()
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
before = peak()
store = Store(Path(sys.argv[1]))
start = time.perf_counter()
store.refresh()
seconds = time.perf_counter() - start
runs = store.catalogue().runs
print(json.dumps({"seconds": seconds, "events": sum(run.events for run in runs),
                  "points": sum(run.points for run in runs), "peak": peak(), "before": before}))
"""
_PYTHON = """
import json, os, sys, time
from pathlib import Path
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator, TENSORS
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
before = peak()
start = time.perf_counter()
folders = sorted({str(path.parent) for path in Path(sys.argv[1]).rglob("*tfevents*")})
kept = [EventAccumulator(folder) for folder in folders]
for one in kept:
    one.Reload()
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "peak": peak(), "before": before}))
"""
_LOAD_CYCLE = re.compile(r"Finished load cycle \(([\d.]+)(\w*s)\)")
_SECONDS = {"s": 1.0, "ms": 1e-3, "ns": 1e-9}  # what is left is microseconds, spelt either way
_KEEP_ALL = "scalars=1000000000"
# The Python loader takes a minute a million events; its rate does not depend on the length.
_PYTHON_SHARE = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One reader's one pass over one log directory."""

    seconds: float
    events: int
    bytes: int
    peak_bytes: int
    grown_bytes: int


def read_with_gpuboard(shape: Shape, folder: Path) -> Reading:
    """Read with gpuboard's store in a fresh process."""
    found = _run_python(_GPUBOARD, folder)
    if found["events"] != shape.events:
        raise RuntimeError(f"{folder}: read {found['events']} events, wrote {shape.events}")
    return _reading(found, shape, folder)


def read_with_python(shape: Shape, folder: Path) -> Reading:
    """Read with the loader that TensorBoard uses where its data server is missing."""
    return _reading(_run_python(_PYTHON, folder), shape, folder)


def read_with_rust(shape: Shape, folder: Path, *options: str) -> Reading:
    """Read with TensorBoard's data server."""
    import tensorboard_data_server

    with tempfile.TemporaryDirectory() as place:
        command = [
            tensorboard_data_server.server_binary(),
            *("--logdir", str(folder), "--reload", "once", "--verbose"),
            *("--port", "0", "--port-file", f"{place}/port", *options),
        ]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            try:
                seconds = _load_cycle(server.stderr or ())
                peak = _peak_of(server.pid)
            finally:
                server.kill()
    found = {"seconds": seconds, "peak": peak, "before": 0}
    return _reading(found, shape, folder)


def _load_cycle(lines: Iterable[str]) -> float:
    for line in lines:
        match = _LOAD_CYCLE.search(line)
        if match:
            return float(match[1]) * _SECONDS.get(match[2], 1e-6)
    raise RuntimeError("the data server ended without a load cycle")


def _peak_of(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+)", status)
    return int(match[1]) * 1024 if match else 0


def _run_python(program: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _reading(found: dict[str, Any], shape: Shape, folder: Path) -> Reading:
    files = folder.rglob("*tfevents*")
    return Reading(
        seconds=found["seconds"],
        events=shape.events,
        bytes=sum(path.stat().st_size for path in files),
        peak_bytes=found["peak"],
        grown_bytes=found["peak"] - found["before"],
    )


def measure(shape: Shape, root: Path, rounds: int) -> dict[str, Any]:
    """Return medians of every reader on one shape, and the ratios between them."""
    folder = build(shape, root)
    short = dataclasses.replace(shape, steps=max(1, shape.steps // _PYTHON_SHARE))
    short_folder = build(short, root)
    readers: dict[str, Callable[[], Reading]] = {
        "gpuboard": lambda: read_with_gpuboard(shape, folder),
        "rustboard": lambda: read_with_rust(shape, folder),
        "rustboard keeping all": lambda: read_with_rust(
            shape, folder, "--samples-per-plugin", _KEEP_ALL
        ),
    }
    readers["gpuboard"]()  # compiles and fills the page cache
    taken: dict[str, list[Reading]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            taken[name].append(read())
    taken["python"] = [read_with_python(short, short_folder)]
    figures = {name: _summary(readings) for name, readings in taken.items()}
    return {"events": shape.events, "readers": figures, "ratios": _ratios(figures)}


def _summary(readings: list[Reading]) -> dict[str, float]:
    seconds = statistics.median(r.seconds for r in readings)
    events, size = readings[0].events, readings[0].bytes
    return {
        "seconds": round(seconds, 4),
        "events_per_s": round(events / seconds),
        "mb_per_s": round(size / 1e6 / seconds, 1),
        "peak_mb": round(statistics.median(r.peak_bytes for r in readings) / 1e6, 1),
        "bytes_per_event": round(statistics.median(r.grown_bytes for r in readings) / events, 1),
    }


def _ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    ours = figures["gpuboard"]
    ratios = {
        f"events/s over {name}": round(ours["events_per_s"] / other["events_per_s"], 1)
        for name, other in figures.items()
        if name != "gpuboard"
    }
    keeping_all = figures["rustboard keeping all"]["bytes_per_event"]
    ratios["memory an event, rustboard keeping all over gpuboard"] = round(
        keeping_all / max(ours["bytes_per_event"], 0.1), 1
    )
    return ratios


def run(names: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Return figures for the named shapes."""
    shapes = {name: measure(SHAPES[name], root, rounds) for name in names}
    return {"cores": os.cpu_count(), "rounds": rounds, "shapes": shapes}


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = [f"{figures['cores']} cores, medians of {figures['rounds']} rounds"]
    for name, shape in figures["shapes"].items():
        lines.append(f"\n{name}: {shape['events']:,} events")
        for reader, row in shape["readers"].items():
            lines.append(
                f"  {reader:<22} {row['seconds']:>8.3f} s {row['events_per_s']:>12,} events/s "
                f"{row['mb_per_s']:>8.1f} MB/s  peak {row['peak_mb']:>7.1f} MB "
                f"({row['bytes_per_event']:.0f} B an event over the empty process)"
            )
        lines += [f"  {ratio:>6.1f} x {what}" for what, ratio in shape["ratios"].items()]
    return "\n".join(lines)
