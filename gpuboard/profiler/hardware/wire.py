"""Carry samples out of the sampling process.

A frame, little-endian: one byte kind, uint32 length, payload. Kind `S` is samples, four columns one
after another (float64 wall time, int32 metric, int32 device, float64 value); all others are JSON.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from gpuboard.errors import DataError
from gpuboard.profiler.hardware.samples import (
    Absent,
    DeviceInfo,
    DriverEvent,
    Gap,
    GpuProcess,
    Lost,
    Samples,
    Status,
)

SAMPLES, DEVICES, STATUS, PROCESSES, EVENT, BEAT = b"S", b"D", b"T", b"P", b"E", b"B"
_HEAD = struct.Struct("<cI")
_ROW_BYTES = 24
_MAX_FRAME_BYTES = 64 << 20

Content: TypeAlias = Any  # a dataclass of ours, rows of one, or a plain value


def samples_frame(samples: Samples) -> bytes:
    """Return samples as a frame."""
    columns = (samples.wall_time, samples.metric, samples.device, samples.value)
    return _framed(SAMPLES, b"".join(column.tobytes() for column in columns))


def json_frame(kind: bytes, content: Content) -> bytes:
    """Return rows of one of our dataclasses, or plain values, as a frame."""
    return _framed(kind, json.dumps(_plain(content), separators=(",", ":")).encode())


def _framed(kind: bytes, payload: bytes) -> bytes:
    return _HEAD.pack(kind, len(payload)) + payload


def _plain(content: Content) -> Content:
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        return dataclasses.asdict(content)
    if isinstance(content, list | tuple):
        return [_plain(one) for one in content]
    return content


class Frames:
    """Cuts a stream of bytes, in whatever pieces it comes, into frames."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take in bytes and yield the kind and payload of each whole frame.

        Raises:
            DataError: The stream is not one of frames.
        """
        self._bytes += piece
        while len(self._bytes) >= _HEAD.size:
            kind, length = _HEAD.unpack_from(self._bytes)
            if length > _MAX_FRAME_BYTES:
                raise DataError(
                    f"the sampling process sent a frame of {length} bytes; the most is "
                    f"{_MAX_FRAME_BYTES}; it is started again"
                )
            if len(self._bytes) < _HEAD.size + length:
                return
            payload = bytes(self._bytes[_HEAD.size : _HEAD.size + length])
            del self._bytes[: _HEAD.size + length]
            yield kind, payload


def read_samples(payload: bytes) -> Samples:
    """Return the samples of a frame.

    Raises:
        DataError: The payload is no whole number of rows.
    """
    count, rest = divmod(len(payload), _ROW_BYTES)
    if rest:
        raise DataError(f"a frame of samples has {rest} bytes beyond its last row")
    metric_at, device_at, value_at = 8 * count, 12 * count, 16 * count
    return Samples(
        np.frombuffer(payload, np.float64, count),
        np.frombuffer(payload, np.int32, count, metric_at),
        np.frombuffer(payload, np.int32, count, device_at),
        np.frombuffer(payload[value_at:], np.float64, count),
    )


def read_devices(payload: bytes) -> tuple[DeviceInfo, ...]:
    """Return the devices of a frame."""
    return tuple(DeviceInfo(**row) for row in json.loads(payload))


def read_processes(payload: bytes) -> tuple[GpuProcess, ...]:
    """Return the processes of a frame."""
    return tuple(GpuProcess(**row) for row in json.loads(payload))


def read_event(payload: bytes) -> DriverEvent:
    """Return the event of a frame."""
    return DriverEvent(**json.loads(payload))


def read_status(payload: bytes) -> Status:
    """Return the status of a frame."""
    row = json.loads(payload)
    for key, kind in (("absent", Absent), ("lost", Lost), ("gaps", Gap)):
        row[key] = tuple(kind(**one) for one in row[key])
    row["notes"] = tuple(row["notes"])
    return Status(**row)
