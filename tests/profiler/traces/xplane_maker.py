"""Make XPlane files byte by byte, without the messages that the reader uses."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

Value = int | float | str | bytes


@dataclasses.dataclass(frozen=True)
class Ref:
    """A text that stands once among the names of stats."""

    text: str


@dataclasses.dataclass(frozen=True)
class Unsigned:
    number: int


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def _entry(field: int, key: int, body: bytes) -> bytes:
    """Return an entry of a map, whose value repeats its key."""
    return block(field, number(1, key) + block(2, number(1, key) + body))


class Plane:
    """A plane that is being made; names get their numbers as they come."""

    def __init__(self, name: str, **stats: Value | Ref | Unsigned) -> None:
        self.name = name
        self._stats_of_plane = stats
        self._events: dict[str, int] = {}
        self._about: dict[str, bytes] = {}
        self._stats: dict[str, int] = {}
        self._lines: list[bytes] = []
        self._rows: list[bytes] = []
        self._head = b""

    def line(self, name: str, *, number_of: int = 1, timestamp: int = 0) -> Plane:
        self._flush()
        self._head = number(1, number_of) + block(2, name) + number(3, timestamp)
        return self

    def event(
        self, name: str, offset_ps: int, dur_ps: int, **stats: Value | Ref | Unsigned
    ) -> Plane:
        body = number(1, self.event_number(name)) + number(2, offset_ps) + number(3, dur_ps)
        self._rows.append(block(4, body + self._some(stats)))
        return self

    def raw_event(self, body: bytes) -> Plane:
        self._rows.append(block(4, body))
        return self

    def about(self, name: str, display_name: str = "", **stats: Value | Ref | Unsigned) -> Plane:
        """Say what all events of a name share."""
        self.event_number(name)
        shared = block(4, display_name) if display_name else b""
        self._about[name] = shared + b"".join(
            block(5, self._stat(key, value)) for key, value in stats.items()
        )
        return self

    def event_number(self, name: str) -> int:
        return self._events.setdefault(name, len(self._events) + 1)

    def done(self) -> bytes:
        own = b"".join(
            block(6, self._stat(key, value)) for key, value in self._stats_of_plane.items()
        )
        self._flush()
        lines = b"".join(block(3, line) for line in self._lines)
        events = b"".join(
            block(
                4,
                number(1, k) + block(2, number(1, k) + block(2, name) + self._about.get(name, b"")),
            )
            for name, k in self._events.items()
        )
        stats = b"".join(_entry(5, k, block(2, name)) for name, k in self._stats.items())
        return number(1, 0) + block(2, self.name) + lines + events + stats + own

    def _flush(self) -> None:
        if self._head:
            self._lines.append(self._head + b"".join(self._rows))
        self._head, self._rows = b"", []

    def _some(self, stats: dict[str, Value | Ref | Unsigned]) -> bytes:
        return b"".join(block(4, self._stat(key, value)) for key, value in stats.items())

    def _stat(self, name: str, value: Value | Ref | Unsigned) -> bytes:
        head = number(1, self._stats.setdefault(name, len(self._stats) + 1))
        if isinstance(value, Ref):
            return head + number(7, self._stats.setdefault(value.text, len(self._stats) + 1))
        if isinstance(value, Unsigned):
            return head + number(3, value.number)
        if isinstance(value, int):
            return head + number(4, value)
        if isinstance(value, float):
            return head + varint(2 << 3 | 1) + struct.pack("<d", value)
        return head + block(6 if isinstance(value, bytes) else 5, value)


def space(*planes: Plane, host: str = "box", errors: tuple[str, ...] = ()) -> bytes:
    """Return the bytes of a whole file."""
    return (
        b"".join(block(1, plane.done()) for plane in planes)
        + b"".join(block(2, error) for error in errors)
        + block(4, host)
    )


def write(path: Path, *planes: Plane, **rest: object) -> Path:
    path.write_bytes(space(*planes, **rest))
    return path
