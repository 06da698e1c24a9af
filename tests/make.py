"""Build records, events and log directories by hand, without the code under test.

Payloads are serialised events. The wire helpers write what no protobuf library would.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import google_crc32c
import numpy as np

from gpuboard.eventlog.proto.event_pb2 import (
    Event,
    HistogramProto,
    SessionLog,
    SourceMetadata,
    Summary,
    SummaryMetadata,
    TaggedRunMetadata,
    TensorProto,
)

FILE_NAME = "events.out.tfevents.1700000000.host.1.0"
START_TIME = 1_700_000_000.0

# TensorFlow's DataType numbers with NumPy's name for the layout of `tensor_content`.
DTYPES = {
    "float32": (1, "<f4"),
    "float64": (2, "<f8"),
    "int32": (3, "<i4"),
    "uint8": (4, "u1"),
    "int16": (5, "<i2"),
    "int8": (6, "i1"),
    "int64": (9, "<i8"),
    "bool": (10, "?"),
    "bfloat16": (14, None),
    "uint16": (17, "<u2"),
    "float16": (19, "<f2"),
    "uint32": (22, "<u4"),
    "uint64": (23, "<u8"),
}
_LIST_FIELD = {
    "float32": 5,
    "float64": 6,
    "int32": 7,
    "uint8": 7,
    "int16": 7,
    "int8": 7,
    "uint16": 7,
    "int64": 10,
    "bool": 11,
    "bfloat16": 13,
    "float16": 13,
    "uint32": 16,
    "uint64": 17,
}


# Records.


def masked_crc(data: bytes) -> int:
    """Return the checksum of the record format, from an independent CRC-32C."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def record(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    checksums = struct.pack("<I", masked_crc(length)), struct.pack("<I", masked_crc(payload))
    return length + checksums[0] + payload + checksums[1]


def records(payloads: Iterable[bytes]) -> bytes:
    return b"".join(record(payload) for payload in payloads)


def boundaries(payloads: Iterable[bytes]) -> list[int]:
    """Return where each record starts, and behind the last one where it ends."""
    ends = [0]
    for payload in payloads:
        ends.append(ends[-1] + 16 + len(payload))
    return ends


def column(data: bytes) -> np.ndarray:
    """Return bytes as the writable uint8 array that kernels are compiled for."""
    return np.frombuffer(bytearray(data), np.uint8) if data else np.empty(0, np.uint8)


# The wire format, by hand.


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, value: int | bytes) -> bytes:
    """Return a varint field, or a length-delimited one for bytes."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def fixed32(number: int, value: float) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<f", value)


def fixed64(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


# Events.


def event(step: int = 0, wall_time: float = START_TIME, **what: object) -> bytes:
    return Event(wall_time=wall_time, step=step, **what).SerializeToString()


def header(writer: str = "torch.utils.tensorboard") -> bytes:
    """Return the first event of a file."""
    source = SourceMetadata(writer=writer) if writer else None
    return event(file_version="brain.Event:2", source_metadata=source)


def session_start(step: int, wall_time: float = START_TIME) -> bytes:
    return event(step, wall_time, session_log=SessionLog(status=SessionLog.START))


def scalar(tag: str, value: float, step: int = 0, wall_time: float = START_TIME) -> bytes:
    """Return a scalar as torch's and tensorboardX's SummaryWriter write it."""
    return scalars({tag: value}, step, wall_time)


def scalars(values: Mapping[str, float], step: int = 0, wall_time: float = START_TIME) -> bytes:
    """Return one event with many scalars, as a merged summary of TensorFlow 1 has."""
    entries = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
    return event(step, wall_time, summary=Summary(value=entries))


def raw_scalar(tag: bytes, value: float, step: int = 0, wall_time: float = START_TIME) -> bytes:
    """Return a scalar whose tag may hold any bytes."""
    return raw_value(field(1, tag) + fixed32(2, value), step, wall_time)


def raw_value(entry: bytes, step: int = 0, wall_time: float = START_TIME) -> bytes:
    """Return an event around a serialised `Summary.Value`."""
    return fixed64(1, wall_time) + field(2, step) + field(5, field(1, entry))


def metadata(plugin: str, *, content: bytes = b"", data_class: int = 0, **more: str) -> bytes:
    plugin_data = SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    message = SummaryMetadata(plugin_data=plugin_data, data_class=data_class, **more)
    return message.SerializeToString()


SCALAR_METADATA = metadata("scalars", data_class=1)


def tf2_scalar(tag: str, value: float, step: int = 0, wall_time: float = START_TIME) -> bytes:
    """Return a scalar as `tf.summary.scalar` writes it: a tensor, and metadata in every event."""
    return tensor_value(tag, tensor("float32", [value]), step, wall_time, about=SCALAR_METADATA)


def tensor_value(
    tag: str,
    serialised: bytes,
    step: int = 0,
    wall_time: float = START_TIME,
    about: bytes = SCALAR_METADATA,
) -> bytes:
    entry = field(1, tag.encode()) + field(8, serialised)
    return raw_value(entry + (field(9, about) if about else b""), step, wall_time)


def tensor(
    dtype: str, numbers: Sequence[float], how: str = "content", shape: Sequence[int] = ()
) -> bytes:
    """Return a serialised TensorProto.

    Args:
        dtype: A key of `DTYPES`.
        numbers: Elements; for bfloat16 they must be exact in that type.
        how: "content" (tensor_content), "packed" or "unpacked" (a `*_val` list).
        shape: Any integers, fitting or not.
    """
    dims = b"".join(field(2, field(1, size)) for size in shape)
    head = field(1, DTYPES[dtype][0]) + field(2, dims)
    if how == "content":
        return head + field(4, content(dtype, numbers))
    place = _LIST_FIELD[dtype]
    elements = [_element(dtype, number) for number in numbers]
    if how == "packed":
        return head + field(place, b"".join(elements))
    wire = {5: 5, 6: 1}.get(place, 0)
    return head + b"".join(varint(place << 3 | wire) + element for element in elements)


def content(dtype: str, numbers: Sequence[float]) -> bytes:
    """Return numbers as `tensor_content` holds them."""
    layout = DTYPES[dtype][1]
    if layout is None:
        bits = np.array(numbers, "<f4").view("<u4") >> 16
        return bits.astype("<u2").tobytes()
    return np.array(numbers, layout).tobytes()


def _element(dtype: str, number: float) -> bytes:
    if dtype == "float32":
        return struct.pack("<f", number)
    if dtype == "float64":
        return struct.pack("<d", number)
    if dtype in {"float16", "bfloat16"}:
        return varint(int.from_bytes(content(dtype, [number]), "little"))
    return varint(int(number))


def histogram(
    tag: str, values: Sequence[float], step: int = 0, wall_time: float = START_TIME
) -> bytes:
    counts, edges = np.histogram(np.asarray(values, float), bins=8)
    histo = HistogramProto(
        min=float(np.min(values)),
        max=float(np.max(values)),
        num=len(values),
        sum=float(np.sum(values)),
        sum_squares=float(np.dot(values, values)),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.astype(float).tolist(),
    )
    return event(step, wall_time, summary=Summary(value=[Summary.Value(tag=tag, histo=histo)]))


def image(tag: str, encoded: bytes, step: int = 0, wall_time: float = START_TIME) -> bytes:
    picture = Summary.Image(height=1, width=1, colorspace=3, encoded_image_string=encoded)
    return event(step, wall_time, summary=Summary(value=[Summary.Value(tag=tag, image=picture)]))


def audio(tag: str, encoded: bytes, step: int = 0, wall_time: float = START_TIME) -> bytes:
    sound = Summary.Audio(sample_rate=8000, num_channels=1, encoded_audio_string=encoded)
    return event(step, wall_time, summary=Summary(value=[Summary.Value(tag=tag, audio=sound)]))


def text(tag: str, words: str, step: int = 0, wall_time: float = START_TIME) -> bytes:
    body = TensorProto(dtype=7, string_val=[words.encode()]).SerializeToString()
    return tensor_value(tag, body, step, wall_time, about=metadata("text"))


def graph(definition: bytes = b"\n\x03abc", wall_time: float = START_TIME) -> bytes:
    return event(0, wall_time, graph_def=definition)


def run_metadata(tag: str, body: bytes = b"", wall_time: float = START_TIME) -> bytes:
    tagged = TaggedRunMetadata(tag=tag, run_metadata=body)
    return event(0, wall_time, tagged_run_metadata=tagged)


# Files.


def event_file(run: Path, payloads: Iterable[bytes], name: str = FILE_NAME) -> Path:
    """Write events as one file of a run directory, which is made when it is missing."""
    run.mkdir(parents=True, exist_ok=True)
    path = run / name
    path.write_bytes(records(payloads))
    return path


def log_directory(root: Path, runs: Mapping[str, Iterable[bytes]]) -> Path:
    """Write one event file for each run, by name."""
    for run, payloads in runs.items():
        event_file(root / run, payloads)
    return root


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
