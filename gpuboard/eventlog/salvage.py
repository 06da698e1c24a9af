"""Find the records that a damaged one took along.

Where bytes of a record are missing, the length that it states reaches into what follows. A record
in there is believed when its length and its payload match their checksums, and the records behind
it follow one another beyond the end that the outer record states. An event file that was logged as
a value ends inside its record, so it is not believed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gpuboard import limits
from gpuboard.eventlog import framing
from gpuboard.eventlog.framing import FOOTER_BYTES, HEADER_BYTES
from gpuboard.eventlog.native import Bytes, masked_crc32c

Read = Callable[[int, int], Bytes]
"""Returns so many bytes from an offset of the file on; fewer where the file ends."""

# Checksums may be taken of so many bytes for each byte of the outer record: a file made of headers
# alone would otherwise cost its size squared.
_PATIENCE = 4


def find_swallowed(read: Read, base: int, end: int, size: int) -> int | None:
    """Return where to go on inside the last record before `end`, None when that lost nothing.

    Args:
        read: Reads the file.
        base: Where a record starts; whole records lie from there to `end`.
        end: What stands there is no record.
        size: Bytes of the file.
    """
    data = read(base, min(end + HEADER_BYTES, size) - base)
    stop = end - base
    if len(data) < stop:
        return None
    start = framing.last_record(data, 0, stop)
    if _matches(data[start:stop]):
        return None
    found = _search(read, data, start + HEADER_BYTES, stop, base, size)
    return None if found is None else base + found


def find_behind_cut(read: Read, start: int, size: int) -> int | None:
    """Return where to go on inside a record that ends beyond the file, None if it is only cut.

    The records inside it must reach the end of the file to the byte.
    """
    data = read(start, size - start)
    found = _search(read, data, HEADER_BYTES, len(data), start, None)
    return None if found is None else start + found


def _search(
    read: Read, data: Bytes, position: int, stop: int, base: int, size: int | None
) -> int | None:
    """Return the first believable record of `data`; with a `size`, the last one may be cut."""
    most = limits.MAX_RECORD_BYTES.value
    budget = _PATIENCE * len(data)
    while budget > 0:
        position = framing.find_record(data, position, len(data), most)
        if position >= stop or position + HEADER_BYTES > len(data):
            return None
        length = HEADER_BYTES + framing.length_at(data, position) + FOOTER_BYTES
        budget -= length
        if position + length > len(data):
            is_sound = size is not None and _is_sound(read, base + position, length, size)
        else:
            is_sound = _matches(data[position : position + length])
        if not is_sound:
            position += 1
            continue
        behind, reason = framing.walk(data, position, len(data), most)
        is_followed = reason == framing.CUT and behind + HEADER_BYTES <= len(data)
        if behind >= stop or (size is not None and is_followed):
            return position
        position = behind
    return None


def _is_sound(read: Read, offset: int, length: int, size: int) -> bool:
    """Tell whether a record is intact, or not yet written to its end."""
    return offset + length > size or _matches(read(offset, length))


def _matches(record: Bytes) -> bool:
    payload = len(record) - HEADER_BYTES - FOOTER_BYTES
    if payload < 0:
        return False
    stated = int(np.frombuffer(record[-FOOTER_BYTES:].tobytes(), "<u4")[0])
    return int(masked_crc32c(record, HEADER_BYTES, payload)) == stated
