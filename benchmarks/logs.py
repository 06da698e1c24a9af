"""Build the log directories that are read: the same bytes every time, from a seed.

a     1 run x 10 tags x 100,000 steps, scalars as TensorFlow 2 writes them
a_v1  the same as PyTorch writes them
b     100 runs x 20 tags x 1,000 steps, as PyTorch writes them
e     1,000 runs x 5 tags x 200 steps, as PyTorch writes them
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np

from gpuboard.eventlog.proto.event_pb2 import Event, Summary, SummaryMetadata, TensorProto

Value = Callable[[str, float], Summary.Value]
_START = 1.7e9
_FLOAT = 1
_SCALAR_CLASS = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """How many runs, tags and steps a log directory has, and how its scalars are written."""

    name: str
    runs: int
    tags: int
    steps: int
    value: Value

    @property
    def events(self) -> int:
        """Events in all files, the version event of each file included."""
        return self.runs * (self.tags * self.steps + 1)


def torch_value(tag: str, number: float) -> Summary.Value:
    """Return a scalar in PyTorch's form."""
    return Summary.Value(tag=tag, simple_value=number)


def tensorflow_value(tag: str, number: float) -> Summary.Value:
    """Return a scalar in TensorFlow 2's form: a tensor, with its metadata in every event."""
    plugin = SummaryMetadata.PluginData(plugin_name="scalars")
    tensor = TensorProto(dtype=_FLOAT, tensor_content=struct.pack("<f", number))
    tensor.tensor_shape.SetInParent()
    metadata = SummaryMetadata(plugin_data=plugin, data_class=_SCALAR_CLASS)
    return Summary.Value(tag=tag, tensor=tensor, metadata=metadata)


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("a", 1, 10, 100_000, tensorflow_value),
        Shape("a_v1", 1, 10, 100_000, torch_value),
        Shape("b", 100, 20, 1_000, torch_value),
        Shape("e", 1_000, 5, 200, torch_value),
    )
}


def record(payload: bytes) -> bytes:
    """Frame a payload; the checksums come from Google's library, not from the code under test."""
    length = struct.pack("<Q", len(payload))
    return length + _masked(length) + payload + _masked(payload)


def _masked(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def build(shape: Shape, root: Path) -> Path:
    """Write the logs of a shape below `root` unless they are there, and return their directory."""
    folder = root / f"{shape.name}-{shape.runs}x{shape.tags}x{shape.steps}"
    finished = folder / "finished"
    if finished.exists():
        return folder
    for run in range(shape.runs):
        _write_run(shape, folder / f"exp{run // 100}" / f"run{run:04d}", seed=run)
    finished.touch()
    return folder


def _write_run(shape: Shape, folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    decay = np.exp(-np.arange(shape.steps) / (shape.steps / 4))
    numbers = decay[:, None] + random.normal(0, 0.1, (shape.steps, shape.tags))
    tags = [f"group{k % 4}/metric{k}" for k in range(shape.tags)]
    with (folder / f"events.out.tfevents.{int(_START)}.host.1.0").open("wb") as file:
        version = Event(wall_time=_START, file_version="brain.Event:2")
        file.write(record(version.SerializeToString()))
        for step, row in enumerate(numbers.astype(np.float32).tolist()):
            for tag, number in zip(tags, row, strict=True):
                summary = Summary(value=[shape.value(tag, number)])
                event = Event(wall_time=_START + 0.1 * step, step=step, summary=summary)
                file.write(record(event.SerializeToString()))
