"""Time from a trace file to columns and figures: gpuboard and what else reads Kineto traces.

Every reader runs in a fresh process, the readers in turn, on files that lie in the page cache; its
imports (gpuboard's compiled kernels among them) are left out of its time and stand in its peak.
What gpuboard does not need is installed, where that works, into an environment of its own beside
the traces, never into this one; of what does not, a sentence says so.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import statistics
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from benchmarks.trace_files import build

SIZES = (1_000_000, 5_000_000)
# Readers of a minute or more a million events, and of gigabytes of memory.
_SLOW_UP_TO = 1_000_000
_PATIENCE_S = 1800

_MEASURE = """
import json, resource, sys, time
def tell(parts):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"parts": parts, "peak": usage.ru_maxrss * 1024}))
def timed(fn):
    wall, cpu = time.perf_counter(), time.process_time()
    result = fn()
    return result, [time.perf_counter() - wall, time.process_time() - cpu]
path = sys.argv[1]
"""
_GPUBOARD = """
import tempfile
from pathlib import Path
from gpuboard.profiler.traces.kineto import read_kineto
with tempfile.NamedTemporaryFile(suffix=".json") as tiny:
    tiny.write(b'[{"ph": "X", "ts": 1, "dur": 1, "cat": "kernel"}, {"ph": "C", "ts": 1}]')
    tiny.flush()
    few = read_kineto(Path(tiny.name))
    try:
        from gpuboard.profiler.figures.overview import overview
        overview(few)
    except ImportError:
        overview = None
trace, columns = timed(lambda: read_kineto(Path(path)))
parts = {"columns": columns}
if overview is not None:
    _, figures = timed(lambda: overview(trace))
    parts["overview"] = figures
tell(parts)
"""
_JSON = """
import gzip
load = lambda: json.load((gzip.open if path.endswith(".gz") else open)(path, "rb"))
_, whole = timed(load)
tell({"objects": whole})
"""
_MSGSPEC = """
import gzip, msgspec
from typing import Any
class Event(msgspec.Struct, gc=False):
    ph: str = ""
    name: str = ""
    cat: str = ""
    pid: int | str = 0
    tid: int | str = 0
    ts: float = 0
    dur: float = 0
    args: dict[str, Any] = {}
class Trace(msgspec.Struct):
    traceEvents: list[Event]
load = lambda: msgspec.json.decode(
    (gzip.open if path.endswith(".gz") else open)(path, "rb").read(), type=Trace)
_, whole = timed(load)
tell({"objects": whole})
"""
_TENSORBOARD = """
import logging, tempfile
from torch_tb_profiler import utils
from torch_tb_profiler.profiler.data import RunProfileData
logging.disable(logging.CRITICAL)
with tempfile.TemporaryDirectory() as folder:
    data, whole = timed(lambda: RunProfileData.parse("worker", "1", path, folder))
    _, views = timed(data.process)
tell({"objects": whole, "overview": views})
"""
_HTA = """
import logging
from hta.common.trace_parser import parse_trace_dataframe
from hta.configs.parser_config import ParserConfig
logging.disable(logging.CRITICAL)
_, whole = timed(lambda: parse_trace_dataframe(path, ParserConfig.get_default_cfg()))
tell({"columns": whole})
"""
_REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "traces"
_PACKAGES = (
    ("--no-deps", "torch-tb-profiler==0.4.3", "traceinsight==0.6.1", "msgspec>=0.19"),
    ("pandas<3", "psutil", "pyyaml", "networkx", "plotly", "pydot"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Reader:
    """One way to read a trace.

    Attributes:
        name: As it stands in the figures.
        program: What measures it.
        is_ours: Whether it runs in gpuboard's own environment.
        is_slow: Whether it is left out of large traces.
    """

    name: str
    program: str
    is_ours: bool = False
    is_slow: bool = False


READERS = (
    Reader("gpuboard", _GPUBOARD, is_ours=True),
    Reader("json.load", _JSON, is_ours=True, is_slow=True),
    Reader("msgspec", _MSGSPEC, is_slow=True),
    Reader("torch-tb-profiler", _TENSORBOARD, is_slow=True),
    Reader("HTA", _HTA, is_slow=True),
)


def run(
    names: list[str], root: Path, rounds: int, sizes: tuple[int, ...] = SIZES
) -> dict[str, Any]:
    """Return figures of every reader on traces of each size, plain and gzip."""
    del names
    rivals = _environment(root / "trace-readers")
    traces = {}
    for events in sizes:
        for packed in (False, True):
            file = build(events, root, packed=packed)
            traces[file.name] = measure(file, events, rounds, rivals)
    if (real := largest_real()) is not None:
        traces[real.name] = measure(real, count_events(real), rounds, rivals)
    return {"cores": os.cpu_count(), "rounds": rounds, "traces": traces}


def largest_real() -> Path | None:
    """Return the largest real trace beside the checkout, None where there is none."""
    files = sorted(_REAL.rglob("*.json.gz"), key=lambda file: file.stat().st_size)
    return files[-1] if files else None


def count_events(file: Path) -> int:
    """Return how many events a trace in JSON holds."""
    with gzip.open(file, "rt", encoding="utf-8", errors="replace") as text:
        root = json.load(text)
    return len(root if isinstance(root, list) else root["traceEvents"])


def measure(file: Path, events: int, rounds: int, rivals: Path | None) -> dict[str, Any]:
    """Return medians of every reader on one file, and the ratios between them."""
    taken: dict[str, list[dict[str, Any]]] = {}
    missing: dict[str, str] = {}
    for turn in range(rounds):
        for reader in READERS:
            if reader.name in missing or (reader.is_slow and turn):
                continue
            why = _why_not(reader, events, rivals)
            answer = why or _measured(reader, file, rivals)
            if isinstance(answer, str):
                missing[reader.name] = answer
            else:
                taken.setdefault(reader.name, []).append(answer)
    figures = {name: _summary(rows, events, file) for name, rows in taken.items()}
    return {
        "events": events,
        "bytes": file.stat().st_size,
        "readers": figures,
        "left out": missing,
        "ratios": _ratios(figures),
    }


def _why_not(reader: Reader, events: int, rivals: Path | None) -> str:
    if reader.is_slow and events > _SLOW_UP_TO:
        return f"takes minutes or gigabytes on more than {_SLOW_UP_TO:,} events"
    if not reader.is_ours and rivals is None:
        return "could not be installed here"
    return ""


def _measured(reader: Reader, file: Path, rivals: Path | None) -> dict[str, Any] | str:
    python = sys.executable if reader.is_ours else str(rivals)
    command = [python, "-c", _MEASURE + reader.program, str(file)]
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {_PATIENCE_S} s"
    except subprocess.CalledProcessError as error:
        return f"failed: {error.stderr.strip().splitlines()[-1][:200] if error.stderr else error}"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _summary(rows: list[dict[str, Any]], events: int, file: Path) -> dict[str, Any]:
    parts = {
        part: {
            "wall_s": round(statistics.median(row["parts"][part][0] for row in rows), 3),
            "cpu_s": round(statistics.median(row["parts"][part][1] for row in rows), 3),
        }
        for part in rows[0]["parts"]
    }
    wall = sum(part["wall_s"] for part in parts.values())
    return {
        "parts": parts,
        "wall_s": round(wall, 3),
        "cpu_s": round(sum(part["cpu_s"] for part in parts.values()), 3),
        "events_per_s": round(events / wall),
        "mb_per_s": round(file.stat().st_size / 1e6 / wall, 1),
        "peak_mb": round(statistics.median(row["peak"] for row in rows) / 1e6, 1),
    }


def _ratios(figures: dict[str, dict[str, Any]]) -> dict[str, float]:
    ours = figures.get("gpuboard")
    if ours is None:
        return {}
    ratios = {}
    for name, other in figures.items():
        if name != "gpuboard":
            ratios[f"wall of {name} over gpuboard"] = round(other["wall_s"] / ours["wall_s"], 1)
            ratios[f"cpu of {name} over gpuboard"] = round(other["cpu_s"] / ours["cpu_s"], 1)
            ratios[f"peak of {name} over gpuboard"] = round(other["peak_mb"] / ours["peak_mb"], 1)
    return ratios


def _environment(folder: Path) -> Path | None:
    """Return the Python of an environment with the other readers, None when there can be none."""
    python = folder / "bin" / "python"
    finished = folder / "finished"
    if finished.exists():
        return python
    venv.create(folder, with_pip=True, clear=True)
    for packages in _PACKAGES:
        command = [python, "-m", "pip", "install", "--quiet", *packages]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            return None
    finished.touch()
    return python


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = [f"{figures['cores']} cores, medians of {figures['rounds']} rounds, others run once"]
    for name, trace in figures["traces"].items():
        lines.append(f"\n{name}: {trace['events']:,} events, {trace['bytes'] / 1e6:,.1f} MB")
        for reader, row in trace["readers"].items():
            parts = ", ".join(f"{part} {t['wall_s']:.2f} s" for part, t in row["parts"].items())
            lines.append(
                f"  {reader:<18} {row['wall_s']:>8.2f} s (CPU {row['cpu_s']:.2f} s) "
                f"{row['events_per_s']:>10,} events/s  peak {row['peak_mb']:>8,.1f} MB  ({parts})"
            )
        lines += [f"  {reader:<18} {why}" for reader, why in trace["left out"].items()]
        lines += [f"  {ratio:>6.1f} x {what}" for what, ratio in trace["ratios"].items()]
    return "\n".join(lines)
