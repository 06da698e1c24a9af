"""Keep parsed traces as columns on disk, so that a trace is parsed once.

One file for each trace, in `gpuboard/traces` of the user's cache folder, unless the environment
variable `GPUBOARD_CACHE` names another folder, or says `off`:

| bytes | |
|---|---|
| 16 | magic and version |
| 8 + 4 | length of the header, little-endian, and its CRC-32 |
| header | JSON: `key`, `size` of the whole file, `columns` (name, dtype, shape, offset), `facts` |
| columns | as NumPy holds them in memory, each on a multiple of 64 bytes |

A file belongs to one state of one trace, and to one state of the readers: path, size, time of the
last change, first and last bytes and the source of this package are its key. Whatever is odd about
it, the trace is parsed anew. Columns are mapped into memory, not read; no code is ever loaded.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import mmap
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gpuboard import limits
from gpuboard.folders import cache_folder
from gpuboard.profiler.traces.cache_facts import COLUMNS, check, facts_of, tables_of, trace_from
from gpuboard.profiler.traces.trace import Trace

log = logging.getLogger(__name__)

CACHE = "GPUBOARD_CACHE"
# Smaller files are parsed in the time that it takes to look for what is kept.
SMALLEST_BYTES = 256 << 10

_MAGIC = b"gpuboard trace 1"
_HEAD = struct.Struct("<QI")
_ALIGNED = 64
_PROBE = 4096
_LONGEST_HEADER = 256 << 20
_SUFFIX = ".trace"
_STALE_S = 86_400.0


Placed = list[tuple[int, np.ndarray[Any, Any]]]


def place() -> Path | None:
    """Return the folder of the cache, None if there is to be none."""
    wish = os.environ.get(CACHE, "")
    if wish == "off":
        return None
    return Path(wish).expanduser() if wish else cache_folder() / "traces"


def key_of(file: Path) -> str | None:
    """Return what stands for this state of a file, None if nothing is to be kept of it.

    Take it before reading: a file that changes meanwhile then has another key.
    """
    if place() is None:
        return None
    try:
        return _key(file)
    except OSError:
        return None


def load(key: str) -> Trace | None:
    """Return the trace of a file as it was parsed before, None if it has to be parsed."""
    folder = place()
    if folder is None:
        return None
    kept = _path(folder, key)
    try:
        with kept.open("rb") as stream:
            trace = _read(stream.fileno(), key)
        os.utime(kept)  # what was used last goes last
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        log.info("%s cannot be used (%s); the trace is parsed anew", kept, error)
        return None
    return trace


def save(file: Path, key: str, trace: Trace) -> bool:
    """Keep a trace, and let those go that were used longest ago; say whether it is kept now.

    Args:
        file: What was read.
        key: Its `key_of` from before; if it has another one now, nothing is kept.
        trace: What it holds.
    """
    folder = place()
    if folder is None or trace.origin.bytes < SMALLEST_BYTES or key_of(file) != key:
        return False
    try:
        head, columns = _prepared(trace, key)
        if head["size"] > limits.MAX_TRACE_CACHE_BYTES.value:
            return False
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder, _path(folder, key), head, columns)
        _make_room(folder)
    except OSError as error:
        log.info("%s: this trace cannot be kept (%s)", file, error)
        return False
    return True


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}{_SUFFIX}"


def _key(file: Path) -> str:
    """Return what stands for this state of a file, as read by this version of the readers."""
    path = file.resolve()
    with path.open("rb") as stream:
        status = os.fstat(stream.fileno())
        first = stream.read(_PROBE)
        stream.seek(max(status.st_size - _PROBE, 0))
        last = stream.read(_PROBE)
    digest = hashlib.sha256(_readers().encode())
    for part in (os.fsencode(path), b"%d %d" % (status.st_size, status.st_mtime_ns), first, last):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    # The name in the trace is the one under which it was asked for.
    digest.update(str(file).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


@functools.cache
def _readers() -> str:
    """Return what stands for the source of the readers: any edit makes everything kept stale."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _prepared(trace: Trace, key: str) -> tuple[dict[str, Any], Placed]:
    """Return the header, and each column with its place behind it."""
    columns, placed, position = [], [], 0
    for name, column in tables_of(trace):
        position += -position % _ALIGNED
        columns.append([name, column.dtype.str, list(column.shape), position])
        placed.append((position, column))
        position += column.nbytes
    head = {"key": key, "size": position, "columns": columns, "facts": facts_of(trace)}
    return head, placed


def _write(folder: Path, target: Path, head: dict[str, Any], columns: Placed) -> None:
    text = json.dumps(head).encode()
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_MAGIC + _HEAD.pack(len(text), zlib.crc32(text)) + text)
            begin = _begin(len(text))
            for position, column in columns:
                stream.seek(begin + position)
                np.ascontiguousarray(column).tofile(stream)
            stream.truncate(begin + head["size"])
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _begin(header: int) -> int:
    """Return where the columns begin."""
    length = len(_MAGIC) + _HEAD.size + header
    return length + -length % _ALIGNED


def _read(handle: int, key: str) -> Trace:
    size = os.fstat(handle).st_size
    # A private copy: columns may be written to, as those of a trace that was just parsed.
    data = mmap.mmap(handle, 0, access=mmap.ACCESS_COPY)
    front = len(_MAGIC) + _HEAD.size
    if size < front or data[: len(_MAGIC)] != _MAGIC:
        raise ValueError("it begins otherwise")
    length, checksum = _HEAD.unpack(data[len(_MAGIC) : front])
    if length > min(size - front, _LONGEST_HEADER):
        raise ValueError("its header is cut")
    text = data[front : front + length]
    if zlib.crc32(text) != checksum:
        raise ValueError("its header is damaged")
    head = json.loads(text)
    begin = _begin(length)
    if head["key"] != key or begin + head["size"] != size:
        raise ValueError("it belongs to another state of the file, or is cut")
    columns = dict(_columns(data, begin, head["columns"]))
    if columns.keys() != COLUMNS:
        raise ValueError("its columns are others")
    trace = trace_from(head["facts"], columns)
    check(trace)
    return trace


def _columns(
    data: mmap.mmap, begin: int, columns: list[Any]
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    for name, kind, shape, position in columns:
        dtype = np.dtype(kind)
        if dtype.hasobject:
            raise ValueError("a column of objects")
        count = int(np.prod(shape, dtype=np.int64))
        yield name, np.frombuffer(data, dtype, count, begin + position).reshape(shape)


def _make_room(folder: Path) -> None:
    """Remove the files used longest ago until all fit, and what broken writes have left."""
    now, total = time.time(), 0
    kept = []
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            status = entry.stat(follow_symlinks=False)
            if entry.name.endswith(_SUFFIX):
                kept.append((status.st_mtime, status.st_size, entry.path))
            elif entry.name.endswith(".part") and now - status.st_mtime > _STALE_S:
                Path(entry.path).unlink()
    for _, size, path in sorted(kept, reverse=True):
        total += size
        if total > limits.MAX_TRACE_CACHE_BYTES.value:
            with contextlib.suppress(OSError):
                Path(path).unlink()
