"""How much memory reading takes, in a process of its own: hostile files stay under a cap."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

MIB = 1 << 20
_READ = """
import resource, sys
from pathlib import Path
from gpuboard.errors import GpuboardError
from gpuboard.profiler.traces.kineto import read_kineto

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

read_kineto(Path(sys.argv[1]))
before = peak()
try:
    trace = read_kineto(Path(sys.argv[2]))
    print(peak() - before, len(trace.slices), sum(trace.problem_counts.values()))
except GpuboardError as error:
    print(peak() - before, 0, 1)
"""
_TINY = {"traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 1, "ts": 1,
                          "dur": 1, "args": {"External id": 1}}]}  # fmt: skip
_EVENT = b'{"ph":"X","cat":"cpu_op","name":"aten::mm","pid":1,"tid":1,"ts":%d.5,"dur":0.25}'


def one_string() -> Iterator[bytes]:
    """Yield an event with a string of 256 MiB."""
    yield b'{"traceEvents":[' + _EVENT % 1 + b',{"ph":"X","name":"'
    for _ in range(256):
        yield b"x" * MIB
    yield b'","pid":1,"tid":1,"ts":1,"dur":1},' + _EVENT % 2 + b"]}"


def deep() -> Iterator[bytes]:
    """Yield an event whose arguments nest 64 million levels deep."""
    yield b'{"traceEvents":[' + _EVENT % 1 + b',{"ph":"X","ts":1,"dur":1,"args":'
    for _ in range(64):
        yield b"[" * MIB
    yield b"]}]}"


def long_number() -> Iterator[bytes]:
    """Yield an event whose time has 64 million digits."""
    yield b'{"traceEvents":[' + _EVENT % 1 + b',{"ph":"X","name":"a","dur":1,"ts":'
    for _ in range(64):
        yield b"9" * MIB
    yield b"}," + _EVENT % 2 + b"]}"


def no_event() -> Iterator[bytes]:
    """Yield 128 MiB of blanks behind the head."""
    yield b'{"traceEvents":['
    for _ in range(128):
        yield b" " * MIB
    yield _EVENT % 1 + b"]}"


def growth(folder: Path, pieces: Iterator[bytes], *, packed: bool) -> tuple[int, int, int]:
    tiny, file = folder / "tiny.json", folder / ("trace.json.gz" if packed else "trace.json")
    tiny.write_text(json.dumps(_TINY))
    with gzip.open(file, "wb", 1) if packed else file.open("wb") as stream:
        for piece in pieces:
            stream.write(piece)
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(tiny), str(file)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    mib, slices, problems = map(int, done.stdout.split())
    return mib, slices, problems


@pytest.mark.slow
@pytest.mark.parametrize("pieces", [one_string, deep, long_number, no_event])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_hostile_file_takes_no_more_memory_than_an_event_may(
    tmp_path: Path, pieces: Callable[[], Iterator[bytes]], packed: bool
) -> None:
    mib, slices, problems = growth(tmp_path, pieces(), packed=packed)
    assert mib < 128
    assert slices >= 1
    assert problems >= (pieces is not no_event)


def test_reading_an_operator_takes_at_most_two_hundred_bytes(tmp_path: Path) -> None:
    def events() -> Iterator[bytes]:
        yield b'{"traceEvents":['
        for k in range(200_000):
            yield _EVENT % k + b","
        yield _EVENT % 9 + b"]}"

    mib, slices, _ = growth(tmp_path, events(), packed=False)
    assert slices == 200_001
    assert mib * MIB < 200 * slices
