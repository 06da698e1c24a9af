"""Parse the bytes of one summary value."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary


def parse(data: bytes) -> Summary.Value:
    """Return a summary value.

    Raises:
        DataError: The bytes are none.
    """
    try:
        return Summary.Value.FromString(data)
    except DecodeError as error:
        raise DataError(f"{len(data)} bytes that are no Summary.Value") from error
