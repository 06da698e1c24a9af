"""Take the message of a graph out of the value of a summary that carries it as a string tensor.

TensorFlow 2 logs models of Keras (plugin graph_keras_model) and traces (graph_run_metadata,
graph_run_metadata_graph) as tensors of one string; older writers put RunMetadata into the event.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError

from gpuboard.errors import DataError
from gpuboard.eventlog import scan
from gpuboard.eventlog.proto.event_pb2 import Summary, TaggedRunMetadata
from gpuboard.summaries.tensor import decode_strings


def string_of(data: bytes) -> bytes:
    """Return the one string of a serialised `Summary.Value`.

    Raises:
        DataError: The bytes are no such value.
    """
    try:
        value = Summary.Value.FromString(data)
    except DecodeError as error:
        raise DataError(f"{len(data):,} bytes that are no Summary.Value") from error
    _, strings = decode_strings(value.tensor)
    if len(strings) != 1:
        raise DataError(f"a tensor of {len(strings)} strings, expected one")
    return strings[0]


def run_metadata_of(data: bytes, form: int) -> bytes:
    """Return the RunMetadata of a value.

    Args:
        data: The value: a `Summary.Value` or a `TaggedRunMetadata`.
        form: Which of them, a value kind of `gpuboard.eventlog.scan`.

    Raises:
        DataError: The bytes are none.
    """
    if form != scan.RUN_METADATA:
        return string_of(data)
    try:
        return TaggedRunMetadata.FromString(data).run_metadata
    except DecodeError as error:
        raise DataError(f"{len(data):,} bytes that are no TaggedRunMetadata") from error
