"""Read back what a writer wrote, with the project's own reader, and run scripts that write."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from gpuboard.eventlog.proto.event_pb2 import Event
from tests.eventlog import reading
from tests.eventlog.reading import Point

ROOT = Path(__file__).resolve().parents[2]


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*tfevents*"))


def points(folder: Path) -> dict[str, list[Point]]:
    """Return all scalar points below a directory by tag, files in their order; nothing is wrong."""
    found: dict[str, list[Point]] = {}
    for path in files(folder):
        one = reading.read_file(path)
        assert one.kinds == [], path
        for tag, column in one.points.items():
            found.setdefault(tag, []).extend(column)
    return found


def steps(folder: Path) -> dict[str, list[int]]:
    return {tag: [step for step, *_ in column] for tag, column in points(folder).items()}


def events(path: Path) -> list[Event]:
    """Return all events of a file; its checksums are judged by `points`."""
    data, place, found = path.read_bytes(), 0, []
    while place < len(data):
        length = int.from_bytes(data[place : place + 8], "little")
        found.append(Event.FromString(data[place + 12 : place + 12 + length]))
        place += 16 + length
    return found


def script(folder: Path, *parts: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run the parts of a script in a process of its own, in which `folder` is known."""
    with started(folder, *parts) as process:
        out, err = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def started(folder: Path, *parts: str) -> subprocess.Popen[str]:
    head = "import sys\nfrom gpuboard import SummaryWriter\nfolder = sys.argv[1]\n"
    code = "\n".join(textwrap.dedent(part) for part in (head, *parts))
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
