"""Leave the numbers of large tensors out of a serialised message before it is decoded.

A frozen graph or an ONNX file holds all weights of its model; a picture of the graph needs none.
This walks the protobuf wire format and copies everything but long content of tensors, so memory
stays small however large the model is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpuboard import limits
from gpuboard.errors import DataError

# What to do with a length-delimited field: walk into it by this schema, or leave it out when long.
DROP = "drop"
Schema = Mapping[int, Any]
SHORT_BYTES = 1024
MAX_DEPTH = 32
_LONGEST_NUMBER = 10
_WINDOW = 1 << 16

_TENSOR: Schema = dict.fromkeys((4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17), DROP)
_LIST: Schema = {8: _TENSOR}
_ATTRIBUTE_ENTRY: Schema = {2: {1: _LIST, 8: _TENSOR}}
_NODE: Schema = {5: _ATTRIBUTE_ENTRY}
GRAPH_DEF: Schema = {1: _NODE, 2: {1: {3: _NODE}}}
META_GRAPH: Schema = {2: GRAPH_DEF}
SAVED_MODEL: Schema = {2: META_GRAPH}

_ONNX_TENSOR: Schema = dict.fromkeys((4, 5, 6, 7, 9, 10, 11), DROP)
_ONNX_ATTRIBUTE: dict[int, Any] = {5: _ONNX_TENSOR, 10: _ONNX_TENSOR}
_ONNX_NODE: Schema = {5: _ONNX_ATTRIBUTE}
_ONNX_GRAPH: Schema = {1: _ONNX_NODE, 5: _ONNX_TENSOR, 15: {1: _ONNX_TENSOR, 2: _ONNX_TENSOR}}
_ONNX_ATTRIBUTE |= {6: _ONNX_GRAPH, 11: _ONNX_GRAPH}
ONNX: Schema = {7: _ONNX_GRAPH, 25: {7: _ONNX_NODE}}


class Stretch:
    """Bytes that are fetched as they are needed, such as those of a file of many gigabytes.

    A file is read with `pread` and not mapped: one that is cut meanwhile ends in an error here,
    where a mapping would end the process.
    """

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        """Take how many bytes there are, and what returns so many of them from a place on."""
        self._size = size
        self._fetch = fetch
        self._start = 0
        self._near = b""

    def __len__(self) -> int:
        return self._size

    def near(self, position: int) -> tuple[bytes, int]:
        """Return some bytes and where in them `position` is; at least a number's length follows."""
        place = position - self._start
        if not 0 <= place <= len(self._near) - _LONGEST_NUMBER:
            count = min(_WINDOW, self._size - position)
            if self._start + len(self._near) < self._size or place < 0:
                self._near, self._start = self.piece(position, position + count), position
                place = 0
        return self._near, place

    def piece(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` to `stop`.

        Raises:
            DataError: They are not there (any more).
        """
        if self._start <= start and stop <= self._start + len(self._near):
            return self._near[start - self._start : stop - self._start]
        data = self._fetch(start, stop - start)
        if len(data) != stop - start:
            raise DataError(f"the file ends at byte {start + len(data):,} of {self._size:,}")
        return data


def stretch_of(data: bytes) -> Stretch:
    """Return bytes in memory as a stretch."""
    return Stretch(len(data), lambda start, count: data[start : start + count])


Data = bytes | Stretch


def whole(data: Data) -> bytes:
    """Return all bytes."""
    return data if isinstance(data, bytes) else data.piece(0, len(data))


def thinned(data: Data, schema: Schema, *, least: int = 1 << 20) -> bytes:
    """Return a serialised message without the long fields that `schema` calls DROP.

    Args:
        data: The message.
        schema: Sub-schema or DROP by field number; all other fields are copied.
        least: Fewer bytes are returned as they are.

    Raises:
        DataError: The bytes do not follow the wire format, or are more than the limit even so.
    """
    if len(data) < least:
        return whole(data)
    parts = _Parts()
    source = stretch_of(data) if isinstance(data, bytes) else data
    _walk(source, (0, len(data)), schema, parts, 0)
    return parts.joined()


class _Parts:
    """Pieces of a message, no more of them than are decoded."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._room = limits.MAX_GRAPH_BYTES.value

    def add(self, source: Stretch, start: int, stop: int) -> None:
        self._room -= stop - start
        if self._room < 0:
            raise DataError(
                f"the graph takes more than {limits.MAX_GRAPH_BYTES.value:,} bytes without its "
                f"weights ({limits.MAX_GRAPH_BYTES.name})"
            )
        if stop > start:
            self._pieces.append(source.piece(start, stop))

    def add_message(self, key: int, body: bytes) -> None:
        self._room -= len(body)
        self._pieces += (_encoded(key), _encoded(len(body)), body)

    def joined(self) -> bytes:
        return b"".join(self._pieces)


def _walk(
    source: Stretch, span: tuple[int, int], schema: Schema, parts: _Parts, depth: int
) -> None:
    if depth > MAX_DEPTH:
        raise DataError(f"messages nested deeper than {MAX_DEPTH}")
    position, end = span
    copied = position  # everything from here to the current field is copied in one piece
    while position < end:
        begin = position
        key, position = _varint(source, position, end)
        wire = key & 7
        if wire != 2:
            position = _skip(source, wire, position, end)
            continue
        length, position = _varint(source, position, end)
        if length > end - position:
            raise DataError(f"a field of {length:,} bytes where {end - position:,} are left")
        rule = schema.get(key >> 3)
        if rule is None or length <= SHORT_BYTES:
            position += length
            continue
        parts.add(source, copied, begin)
        if rule is not DROP:
            inner = _Parts()
            _walk(source, (position, position + length), rule, inner, depth + 1)
            parts.add_message(key, inner.joined())
        position += length
        copied = position
    parts.add(source, copied, end)


def _varint(source: Stretch, position: int, end: int) -> tuple[int, int]:
    near, place = source.near(position)
    value = shift = 0
    while position < end and shift < 70:
        byte = near[place]
        place += 1
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise DataError(f"a number that does not end at byte {position:,}")


def _skip(source: Stretch, wire: int, position: int, end: int) -> int:
    if wire == 0:
        return _varint(source, position, end)[1]
    size = {1: 8, 5: 4}.get(wire)
    if size is None or position + size > end:
        raise DataError(f"a field of wire type {wire} at byte {position:,}")
    return position + size


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
