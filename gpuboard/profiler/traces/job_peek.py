"""Look at the first bytes of files that may be traces; what was seen is remembered."""

from __future__ import annotations

import functools
import re
import sqlite3
import zlib
from pathlib import Path
from urllib.parse import quote

from gpuboard.errors import DataError
from gpuboard.profiler.traces.sniff import Format, sniff

_FIRST, _FURTHER = 1 << 10, 64 << 10
_GZIP = b"\x1f\x8b"
# Members of a trace's root, or of an event where the root is a list of them.
_TRACE = re.compile(rb'"(traceEvents|schemaVersion|deviceProperties|displayTimeUnit|ph)"\s*:')
_RANK = re.compile(rb'"rank"\s*:\s*"?(\d{1,7})\b')


@functools.lru_cache(maxsize=1 << 16)
def trace_format(file: Path, size: int, changed_ns: int) -> Format | None:
    """Return the format of a file that seems to be a trace, None if it seems to be none.

    Args:
        file: Where it lies.
        size: Of this state of it, as `changed_ns` is; what was seen of the same state is known.
        changed_ns: When it was changed last.
    """
    try:
        if file.name.endswith(".sqlite"):
            return "nsys" if is_export(file) else None
        if file.name.endswith((".json", ".json.gz")):
            return "json" if _TRACE.search(_head(file, _FIRST)) else None
        return sniff(file)
    except (DataError, OSError):
        return None


@functools.lru_cache(maxsize=1 << 16)
def rank_inside(file: Path, size: int, changed_ns: int) -> int | None:
    """Return the rank that PyTorch wrote into a trace, None if it is not among the first bytes."""
    try:
        found = _RANK.search(_head(file, _FURTHER))
    except OSError:
        return None
    return int(found[1]) if found else None


def is_export(file: Path) -> bool:
    """Say whether an SQLite file is an export of Nsight Systems."""
    address = f"file:{quote(str(file.resolve()))}?mode=ro&immutable=1"
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'StringIds'"
    try:
        connection = sqlite3.connect(address, uri=True)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            return connection.execute(query).fetchone() is not None
        finally:
            connection.close()
    except sqlite3.Error:
        return False


def _head(file: Path, size: int) -> bytes:
    with file.open("rb") as stream:
        head = stream.read(size)
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(31).decompress(head, size)
    except zlib.error:
        return b""
