"""Read the whole of one event again, with all of its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gpuboard import limits
from gpuboard.errors import DataError, NotFoundError
from gpuboard.profiler.traces.kineto_head import parsed
from gpuboard.profiler.traces.kineto_stream import Stream
from gpuboard.profiler.traces.scan_json import composite_end
from gpuboard.profiler.traces.scan_vectors import PADDING

_FIRST_LOOK = 1 << 16


def read_event(file: Path, offset: int) -> dict[str, Any]:
    """Return an event as the file has it, numbers as `Decimal` where they have a fraction.

    Args:
        file: A trace in Chrome's JSON, plain or gzip; of gzip all before the event is inflated.
        offset: Where the event begins in the uncompressed file, from `Slices.offset`.

    Raises:
        NotFoundError: No event begins there.
        DataError: The file cannot be read.
    """
    if offset < 0:
        raise NotFoundError(f"{file}: this slice has no place in the file")
    most = limits.MAX_TRACE_EVENT_BYTES.value
    room = min(_FIRST_LOOK, most)
    while True:
        data = _bytes_at(file, offset, room)
        if data[:1] != b"{":
            raise NotFoundError(
                f"{file} has no event at byte {offset:,}: found {data[:20]!r}, expected '{{'"
            )
        padded = np.frombuffer(data + bytes(PADDING), np.uint8)
        end = int(composite_end(padded, 0, len(data)))
        if end > 0:
            break
        if len(data) < room or room >= most:
            raise DataError(f"{file}: the event at byte {offset:,} is not whole")
        room = min(room * 16, most)
    event = parsed(data[:end])
    return event if isinstance(event, dict) else {"text": event}


def _bytes_at(file: Path, offset: int, n: int) -> bytes:
    with Stream(file, before=0, behind=0, most=limits.MAX_TRACE_BYTES.value) as stream:
        if not stream.is_compressed:
            return stream.bytes_at(offset, n)
        kept = bytearray()
        passed = 0
        for piece in stream:
            first = piece.start + max(offset - passed, 0)
            passed += piece.end - piece.start
            kept += bytes(piece.bytes[first : piece.end])
            if len(kept) >= n:
                break
    return bytes(kept[:n])
