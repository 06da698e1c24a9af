"""Tell the format of a trace file from its first bytes, and what a file is that is no trace."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Literal

from gpuboard.errors import DataError

Format = Literal["json", "xplane", "nsys"]

_HEAD = 64 << 10
_GZIP, _SQLITE, _BOM = b"\x1f\x8b", b"SQLite format 3\x00", b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_EXPORT = "export it with `nsys export --type sqlite FILE.nsys-rep` and open the .sqlite file"

# What other files begin with: what they are, and what to do.
_STRANGERS: tuple[tuple[bytes, str, str], ...] = (
    (b"(\xb5/\xfd", "compressed with zstd", "unpack it with `unzstd FILE`"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it with `unxz FILE`"),
    (b"BZh", "compressed with bzip2", "unpack it with `bunzip2 FILE`"),
    (b"\x04\x22\x4d\x18", "compressed with lz4", "unpack it with `unlz4 FILE`"),
    (b"PK\x03\x04", "a zip archive", "unpack it and open the trace in it"),
    (b"\x89HDF\r\n", "an HDF5 file", f"if it comes from Nsight Systems, {_EXPORT}"),
    (b"PAR1", "a Parquet file", f"if it comes from Nsight Systems, {_EXPORT}"),
    (b"ARROW1", "an Arrow file", f"if it comes from Nsight Systems, {_EXPORT}"),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (b"NVR", "a report of Nsight Compute", "of NVIDIA's tools, Nsight Systems' reports are read"),
)
_BY_SUFFIX = {
    ".nsys-rep": ("a report of Nsight Systems in its own format", _EXPORT),
    ".qdrep": ("a report of Nsight Systems in its own format", _EXPORT),
    ".ncu-rep": ("a report of Nsight Compute", "Nsight Systems' reports are read, not this"),
}

# Keys of XSpace: planes, errors, warnings, hostnames; of XPlane: id, name, lines, two maps, stats.
_XSPACE, _XPLANE, _NAME = (0x0A, 0x12, 0x1A, 0x22), (0x08, 0x12, 0x1A, 0x22, 0x2A, 0x32), 0x12
_ENOUGH_FIELDS, _ENOUGH_BYTES = 64, 1024
# Keys that packets of Perfetto begin with: timestamp, clock, sequence, trusted uid, and others.
_PERFETTO = (0x40, 0x50, 0x18, 0x58, 0x68, 0x1A, 0x0A)


def sniff(path: Path) -> Format:
    """Tell the format of a file from its first bytes.

    Raises:
        DataError: None that can be read; the text says what it is and what to do.
    """
    head, is_packed = _first_bytes(path)
    if not head:
        raise DataError(
            f"{path}: the file is empty; the recording has not been written, or copying it failed"
        )
    if head.startswith(_SQLITE):
        if is_packed:
            raise DataError(f"{path}: an SQLite file packed by gzip; unpack it with `gunzip FILE`")
        return "nsys"
    text = head.removeprefix(_BOM).lstrip(_SPACE)
    if text[:1] in (b"{", b"["):
        return "json"
    if _is_xspace(head):
        return "xplane"
    raise DataError(f"{path}: {_stranger(path, head, text)}")


def _first_bytes(path: Path) -> tuple[bytes, bool]:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        if not head.startswith(_GZIP):
            return head, False
        with gzip.open(path) as unpacked:
            return unpacked.read(_HEAD), True
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        # The reader of JSON shows what can be unpacked of a file that is cut.
        part = _unpacked(path)
        if part:
            return part, True
        raise DataError(
            f"{path}: it begins as gzip does, but cannot be unpacked ({error}); copy it again"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as stream:
        packed = stream.read(_HEAD)
    try:
        return zlib.decompressobj(31).decompress(packed, _HEAD)
    except zlib.error:
        return b""


def _stranger(path: Path, head: bytes, text: bytes) -> str:
    """Return what a file is that cannot be read, and what to do."""
    for magic, what, remedy in _STRANGERS:
        if head.startswith(magic):
            return f"{what}; {remedy}"
    if path.suffix in _BY_SUFFIX:
        return "; ".join(_BY_SUFFIX[path.suffix])
    if text.startswith(b"<"):
        return "a web page; the trace it was made of is what can be opened"
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        return (
            "a Python pickle, such as a snapshot of memory; these are never opened, since they can "
            "hold code that would run"
        )
    if _is_perfetto(head):
        return (
            "a trace in Perfetto's own format; of PyTorch, save the profile with "
            "`prof.export_chrome_trace(FILE)` instead"
        )
    shown = head[:16].decode("ascii", "replace").encode("ascii", "backslashreplace").decode()
    return (
        f"it begins with {shown!r}, which no trace does; expected Chrome's JSON (PyTorch: "
        "`prof.export_chrome_trace`), an XPlane file (.xplane.pb) or an export of Nsight Systems "
        "(.sqlite)"
    )


def _is_xspace(head: bytes) -> bool:
    """Say whether bytes begin with a plane: its fields 1 to 6, among which a name that is text.

    Perfetto's files begin with the same byte, but the packets in them have other fields.
    """
    first = _field(head, 0)
    if first is None or first[0] not in _XSPACE:
        return False
    position, end = first[1], min(first[2], len(head))
    seen = 0
    while position < end and seen < _ENOUGH_FIELDS:
        found = _field(head, position)
        if found is None or found[0] not in _XPLANE:
            return seen > 0 and position > _ENOUGH_BYTES
        key, start, position = found
        seen += 1
        if key == _NAME:
            name = head[start : min(position, end)]
            return name.isascii() and name.decode().isprintable()
    return seen > 0


def _is_perfetto(head: bytes) -> bool:
    first = _field(head, 0)
    return (
        first is not None
        and first[0] == 0x0A
        and head[first[1] : first[1] + 1] != b""
        and (head[first[1]] in _PERFETTO)
    )


def _field(data: bytes, position: int) -> tuple[int, int, int] | None:
    """Return key, begin and end of the field at a place, None where there is none."""
    if position >= len(data):
        return None
    key, wire = data[position], data[position] & 7
    if wire not in (0, 2):
        return None
    number, shift = 0, 0
    position += 1
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return (key, position, position + (number if wire == 2 else 0))
        shift += 7
    return None
