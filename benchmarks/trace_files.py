"""Make the traces that are read: the same bytes every time, laid out as PyTorch's profiler does.

A training loop in which every layer calls Python functions, nested operators and a kernel: of ten
events four are Python functions, two operators; calls, kernels, arrows and allocations are the
rest, at some 300 bytes each.
"""

from __future__ import annotations

import gzip
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

_PROCESS, _THREAD, _DEVICE, _STREAM = 4242, 4242, 0, 7
_LAYERS, _FRAMES = 120, 4
_START = 4_458_676_416_431_397
_HEAD = """{
  "schemaVersion": 1,
  "deviceProperties": [
    {
      "id": 0, "name": "NVIDIA H100 80GB HBM3", "totalGlobalMem": 85018279936,
      "computeMajor": 9, "computeMinor": 0, "warpSize": 32, "numSms": 132,
      "maxThreadsPerMultiprocessor": 2048, "sharedMemPerMultiprocessor": 233472
    }
  ],
  "displayTimeUnit": "ms",
  "baseTimeNanoseconds": 1751410836000000000,
  "traceEvents": [
"""
_KERNEL = (
    "void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<c10::BFloat16>, "
    "std::array<char*, 3ul> >(int, at::native::CUDAFunctor_add<c10::BFloat16>)"
)


def build(events: int, root: Path, *, packed: bool) -> Path:
    """Write a trace of at least so many events below `root` unless it is there; return its path."""
    plain = root / f"trace-{events}.json"
    if not plain.exists():
        root.mkdir(parents=True, exist_ok=True)
        unfinished = plain.with_suffix(".part")
        with unfinished.open("w") as file:
            file.writelines(_text(events))
        unfinished.rename(plain)
    if not packed:
        return plain
    small = plain.with_suffix(".json.gz")
    if not small.exists():
        unfinished = plain.with_suffix(".gz.part")
        with plain.open("rb") as source, gzip.open(unfinished, "wb", compresslevel=1) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        unfinished.rename(small)
    return small


def _text(events: int) -> Iterator[str]:
    yield _HEAD
    written = 0
    for step in _Loop():
        yield ",\n".join(step)
        written += len(step)
        if written >= events:
            break
        yield ",\n"
    yield '\n  ],\n  "traceName": "made.json"\n}\n'


class _Loop:
    """The steps of a training loop, each a list of events."""

    def __init__(self) -> None:
        self.random = random.Random(1)  # noqa: S311 - the same trace every time
        self.time = _START
        self.free = _START  # when the stream has done all its work
        self.number = 1000
        self.allocated = 2_000_000_000

    def __iter__(self) -> Iterator[list[str]]:
        step = 0
        while True:
            begun = self.time
            events = [event for layer in range(_LAYERS) for event in self._layer(layer)]
            name, dur = f"ProfilerStep#{step}", self.time - begun
            args = f'"External id": {self.number}, "Ev Idx": {self.number}'
            events.append(_slice("user_annotation", name, _PROCESS, _THREAD, begun, dur, args))
            yield events
            step += 1

    def _layer(self, layer: int) -> Iterator[str]:
        begun = self.time
        for frame in range(_FRAMES):
            self.number += 1
            args = (
                f'"Python parent id": {self.number - frame}, "Python id": {self.number}, '
                f'"Ev Idx": {self.number}'
            )
            name = f"torch/nn/modules/module.py({1700 + 13 * frame + layer}): forward"
            dur = self._passed(90, 700)
            yield _slice("python_function", name, _PROCESS, _THREAD, self.time - dur, dur, args)
        yield from self._operator(layer, begun)
        yield from self._memory()

    def _operator(self, layer: int, begun: int) -> Iterator[str]:
        self.number += 1
        own = self.number
        args = (
            f'"External id": {own}, "Record function id": {own}, "Sequence number": {own}, '
            '"Fwd thread id": 0, "Concrete Inputs": ["", "", "1"], '
            '"Input type": ["c10::BFloat16", "c10::BFloat16", "Scalar"], '
            '"Input Strides": [[4096, 1], [4096, 1], []], '
            f'"Input Dims": [[8192, {64 * layer}], [8192, {64 * layer}], []], "Ev Idx": {own}'
        )
        at = self.time
        yield from self._launch(own)
        yield _slice("cpu_op", "aten::add", _PROCESS, _THREAD, at, self.time - at, args)
        self._passed(200, 900)
        dur = self.time - begun
        yield _slice("cpu_op", "aten::add_", _PROCESS, _THREAD, begun, dur, args)

    def _launch(self, external: int) -> Iterator[str]:
        at, dur = self.time, self._passed(3000, 9000)
        joined = f'"External id": {external}, "correlation": {self.number}'
        call = f'"cbid": 211, {joined}'
        yield _slice("cuda_runtime", "cudaLaunchKernel", _PROCESS, _THREAD, at, dur, call)
        yield _arrow("s", self.number, _PROCESS, _THREAD, at)
        start = max(self.free + 900, at + 4000)
        work = self.random.randint(2_000, 90_000)
        self.free = start + work
        args = (
            f'{joined},\n      "queued": 0, "device": {_DEVICE}, "context": 1, '
            f'"stream": {_STREAM},\n      "registers per thread": 32, "shared memory": 0, '
            f'"blocks per SM": {work / 132:.6f}, "warps per SM": {work / 33:.6f},\n'
            f'      "grid": [{work}, 1, 1], "block": [128, 1, 1], '
            '"est. achieved occupancy %": 100'
        )
        yield _slice("kernel", _KERNEL, _DEVICE, _STREAM, start, work, args)
        yield _arrow("f", self.number, _DEVICE, _STREAM, start)

    def _memory(self) -> Iterator[str]:
        size = self.random.choice([-1, 1]) * 512 * self.random.randint(1, 1 << 16)
        self.allocated = max(self.allocated + size, 0)
        yield (
            '  {\n    "ph": "i", "cat": "cpu_instant_event", "s": "t", "name": "[memory]",\n'
            f'    "pid": {_PROCESS}, "tid": {_THREAD},\n    "ts": {_microseconds(self.time)},\n'
            f'    "args": {{\n      "Total Reserved": 20000000000, '
            f'"Total Allocated": {self.allocated}, "Bytes": {size}, '
            f'"Addr": {1 << 46 | self.number << 9}, "Device Id": {_DEVICE}, "Device Type": 1\n'
            "    }\n  }"
        )

    def _passed(self, least: int, most: int) -> int:
        passed = self.random.randint(least, most)
        self.time += passed
        return passed


def _microseconds(time: int) -> str:
    return f"{time // 1000}.{time % 1000:03d}"


def _slice(cat: str, name: str, pid: int, tid: int, at: int, dur: int, args: str) -> str:
    return (
        f'  {{\n    "ph": "X", "cat": "{cat}", "name": "{name}", "pid": {pid}, "tid": {tid},\n'
        f'    "ts": {_microseconds(at)}, "dur": {_microseconds(dur)},\n'
        f'    "args": {{\n      {args}\n    }}\n  }}'
    )


def _arrow(ph: str, number: int, pid: int, tid: int, at: int) -> str:
    end = ', "bp": "e"' if ph == "f" else ""
    return (
        f'  {{\n    "ph": "{ph}", "id": {number}, "pid": {pid}, "tid": {tid}, '
        f'"ts": {_microseconds(at)},\n    "cat": "ac2g", "name": "ac2g"{end}\n  }}'
    )
