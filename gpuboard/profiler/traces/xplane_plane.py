"""Read one plane of an XPlane file: a device, or the threads of the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from gpuboard.profiler.traces.parts import Column
from gpuboard.profiler.traces.proto.xplane_pb2 import EventMetadata, PlaneHead, Stat
from gpuboard.profiler.traces.trace import Int64s
from gpuboard.profiler.traces.watch import Watch

# What is kept of the stats of events, by their names in the file; the slot is the place here.
SLOTS = (
    "correlation_id", "kernel_details", "memcpy_details", "memset_details", "tf_op", "hlo_op",
    "annotation", "group_id", "context_id", "flops", "bytes_accessed", "addr", "bytes_allocated",
    "bytes_reserved", "bytes_available", "allocation_bytes", "allocator_name", "_p", "_pt", "_c",
    "_ct", "cuda_graph_id", "cuda_graph_node_id", "step_num",
)  # fmt: skip
_SLOT = {name: slot for slot, name in enumerate(SLOTS)}

# Fields of XPlane: its lines, and what is decoded by protobuf's own library.
_LINES, _HEAD = 3, (2, 4, 5, 6)
_LARGEST_TABLE = 1 << 22
_NONE = np.empty(0, np.int64)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A thread or stream as the plane names it; `timestamp` is its time 0 in nanoseconds."""

    id: int
    name: str
    timestamp: int


@dataclasses.dataclass(slots=True)
class Damage:
    """What was wrong with a plane: damaged messages, untimed events, and where it breaks off."""

    messages: int = 0
    untimed: int = 0
    too_many: int = 0
    broken_at: int = -1


class Plane:
    """The events of one plane as columns, in the order of the file.

    Attributes:
        name: Such as "/device:GPU:0".
        lines: Threads or streams.
        stats: What the plane says of itself: numbers or texts by name.
        metadata: What the events of one name share, by the number in `metadata_of`.
        metadata_of: Number of the metadata of each event, int64, shape (n,).
        offset_ps: Picoseconds since the line's time 0; `dur_ps` likewise; int64, shape (n,).
        at: Byte in the file at which each event begins, -1 for one that is damaged or has no place
            in time, int64, shape (n,).
        line: Index into `lines`, ascending, int32, shape (n,).
        damage: What was wrong.
    """

    def __init__(self, data: bytes, offset: int, *, room: int, watch: Watch) -> None:
        """Read a plane.

        Args:
            data: The bytes of one plane.
            offset: Where in the file they begin.
            room: At most so many events are read.
            watch: Asked between lines.
        """
        self._data = np.frombuffer(data, np.uint8)
        self.damage = Damage()
        field, at, length = self._spans()
        self._read_head(data, field, at, length)
        is_line = field == _LINES
        self._read_lines(at[is_line], at[is_line] + length[is_line], room, watch)
        self.at[self.at >= 0] += offset
        self._stat_names = {
            number: _text(about.name) for number, about in self._head.stat_metadata.items()
        }
        self.stats: Mapping[str, int | float | str] = {
            self._stat_names.get(stat.metadata_id, ""): self._value(stat)
            for stat in self._head.stats
        }
        self._name_events()

    def __len__(self) -> int:
        return len(self.at)

    def numbers(self, name: str) -> tuple[Int64s, Int64s]:
        """Return which events have a stat, and its value as an integer; those of the event last.

        A text counts as the number that it ends with, as "$$5" does; one without is left out.
        """
        event, form, value, length = self._found(name)
        out = value.copy()
        is_double = form == self._scan.DOUBLE
        if is_double.any():
            out[is_double] = _whole(value[is_double])
        is_text = (form == self._scan.TEXT) | (form == self._scan.REFERENCE)
        if is_text.any():
            texts = form[is_text], value[is_text], length[is_text]
            out[is_text] = self._map_texts(*texts, _trailing_number)
        shared_events, shared = self._shared(name, _as_number)
        return np.append(shared_events, event), np.append(shared, out)

    def texts(self, name: str, number: Callable[[str], int]) -> tuple[Int64s, Int64s]:
        """Return which events have a stat that is a text, and the number of it.

        Args:
            name: Of the stat.
            number: Gives the number, -1 for a text that says nothing; called once for each text.
        """
        event, form, value, length = self._found(name)
        is_text = (form == self._scan.TEXT) | (form == self._scan.REFERENCE)
        if not is_text.all():
            event, form, value, length = (c[is_text] for c in (event, form, value, length))
        own = self._map_texts(form, value, length, number)
        shared_events, shared = self._shared(
            name, lambda value: number(value) if isinstance(value, str) else -1
        )
        return np.append(shared_events, event), np.append(shared, own)

    def _found(self, name: str) -> tuple[Column, Column, Column, Column]:
        """Return event, form, value and length of each stat of a name."""
        stats, slot = self._stats, _SLOT[name]
        part = slice(stats.bounds[slot], self._ends[slot])
        columns = (stats.event[part], stats.form[part], stats.value[part], stats.length[part])
        is_whole = columns[0] >= 0
        if is_whole.all():
            return columns
        event, form, value, length = (column[is_whole] for column in columns)
        return event, form, value, length

    def _spans(self) -> tuple[Int64s, Int64s, Int64s]:
        from gpuboard.profiler.traces import xplane_scan

        self._scan = xplane_scan
        data = self._data
        n, broken = xplane_scan.spans(data, 0, len(data), _NONE, _NONE, _NONE)
        field, at, length = (np.empty(n, np.int64) for _ in range(3))
        xplane_scan.spans(data, 0, len(data), field, at, length)
        self.damage.broken_at = int(broken)
        return field, at, length

    def _read_head(self, data: bytes, field: Int64s, at: Int64s, length: Int64s) -> None:
        """Decode everything but the lines; a damaged entry costs itself alone."""
        pieces = [
            _block(int(field[k]), data[at[k] : at[k] + length[k]])
            for k in np.flatnonzero(np.isin(field, _HEAD))
        ]
        try:
            self._head = PlaneHead.FromString(b"".join(pieces))
        except DecodeError:
            self._head = PlaneHead()
            for piece in pieces:
                try:
                    self._head.MergeFrom(PlaneHead.FromString(piece))
                except DecodeError:
                    self.damage.messages += 1
        self.name = _text(self._head.name)

    def _slot_of(self) -> npt.NDArray[np.int8]:
        names = self._head.stat_metadata
        wanted = {
            number: _SLOT[_text(about.name)]
            for number, about in names.items()
            if 0 <= number < _LARGEST_TABLE and _text(about.name) in _SLOT
        }
        table = np.full(max(wanted, default=-1) + 1, -1, np.int8)
        for number, slot in wanted.items():
            table[number] = slot
        return table

    def _read_lines(self, start: Int64s, end: Int64s, room: int, watch: Watch) -> None:
        scan, data, slot_of = self._scan, self._data, self._slot_of()
        counts = np.zeros(scan.COUNT_PLACES, np.int64)
        of_slot = np.zeros(len(SLOTS), np.int64)
        for k in range(len(start)):
            scan.count_line(data, start[k], end[k], slot_of, counts, of_slot)
        self.damage.too_many = max(int(counts[scan.EVENTS]) - room, 0)
        events = np.empty((min(counts[scan.EVENTS], room), scan.EVENT_COLUMNS), np.int64)
        self._stats = scan.make_stats(of_slot)
        self._ends = self._stats.bounds[:-1].copy()
        counts[:] = 0
        counts[scan.BROKEN_AT] = -1
        self.lines: list[Line] = []
        bounds = [0]
        for k in range(len(start)):
            watch.at(k / len(start))
            head = np.zeros(scan.HEAD_PLACES, np.int64)
            scan.scan_line(
                data, start[k], end[k], slot_of, head, counts, events, self._ends, *self._stats[:4]
            )
            self.lines.append(self._line(head))
            bounds.append(int(counts[scan.EVENTS]))
        self._take_counts(counts)
        events = events[: counts[scan.EVENTS]]
        self._metadata = events[:, scan.METADATA]
        self.offset_ps, self.dur_ps = events[:, scan.OFFSET_PS], events[:, scan.DUR_PS]
        self.at = events[:, scan.AT].copy()
        self.line = np.repeat(np.arange(len(self.lines), dtype=np.int32), np.diff(bounds))

    def _take_counts(self, counts: Int64s) -> None:
        self.damage.messages += int(counts[self._scan.DAMAGED])
        self.damage.untimed = int(counts[self._scan.UNTIMED])
        if counts[self._scan.BROKEN_AT] >= 0 and self.damage.broken_at < 0:
            self.damage.broken_at = int(counts[self._scan.BROKEN_AT])

    def _line(self, head: Int64s) -> Line:
        scan = self._scan
        name = self._slice(head[scan.NAME_AT], head[scan.NAME_LENGTH])
        display = self._slice(head[scan.DISPLAY_AT], head[scan.DISPLAY_LENGTH])
        return Line(int(head[scan.LINE_ID]), name or display, int(head[scan.TIMESTAMP]))

    def _slice(self, at: np.int64, length: np.int64) -> str:
        return _text(self._data[at : at + length].tobytes())

    def _map_texts(
        self, form: Column, value: Column, length: Column, number: Callable[[str], int]
    ) -> Int64s:
        """Return `number` of each text, called once for each that differs."""
        out = np.empty(len(form), np.int64)
        is_reference = form == self._scan.REFERENCE
        if is_reference.any():
            references, inverse = _numbered(value[is_reference])
            known = [number(self._stat_names.get(int(k), "")) for k in references]
            out[is_reference] = np.array(known, np.int64)[inverse]
        if not is_reference.all():
            out[~is_reference] = self._map_own(value[~is_reference], length[~is_reference], number)
        return out

    def _map_own(self, at: Column, length: Column, number: Callable[[str], int]) -> Int64s:
        hashes = np.empty(len(at), np.int64)
        self._scan.hash_texts(self._data, at, length, hashes)
        _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
        if self._scan.same_texts(self._data, at, length, first[inverse]) >= 0:
            # Two texts of one hash: nobody but a forger gets here, so it may take its time.
            texts = zip(at, length, strict=True)
            return np.array([number(self._slice(a, n)) for a, n in texts], np.int64)
        known = np.array([number(self._slice(at[k], length[k])) for k in first], np.int64)
        return known[inverse]

    def _name_events(self) -> None:
        """Number the metadata that events refer to."""
        ids, inverse = _numbered(self._metadata)
        self.metadata_of = inverse
        known = self._head.event_metadata
        self.metadata: Sequence[EventMetadata] = [
            known[k] if k in known else EventMetadata(id=k, name=b"event %d" % k)
            for k in ids.tolist()
        ]
        self._shared_stats: dict[str, dict[int, int | float | str]] = {}
        for k, about in enumerate(self.metadata):
            for stat in about.stats:
                name = self._stat_names.get(stat.metadata_id, "")
                if name in _SLOT:
                    self._shared_stats.setdefault(name, {})[k] = self._value(stat)

    def _shared(
        self, name: str, number: Callable[[int | float | str], int]
    ) -> tuple[Int64s, Int64s]:
        """Return the events whose metadata has a stat, and its number."""
        found = self._shared_stats.get(name)
        if not found:
            return _NONE, _NONE
        table = np.full(len(self.metadata), -1, np.int64)
        for k, value in found.items():
            table[k] = number(value)
        values = table[self.metadata_of]
        events = np.flatnonzero(values != -1)
        return events, values[events]

    def _value(self, stat: Stat) -> int | float | str:
        which = stat.WhichOneof("value")
        if which == "ref_value":
            return self._stat_names.get(stat.ref_value, "")
        if which in ("str_value", "bytes_value"):
            return _text(getattr(stat, which))
        return 0 if which is None else getattr(stat, which)


def _numbered(ids: Int64s) -> tuple[Int64s, Int64s]:
    """Return the distinct ids, ascending, and the place among them of each."""
    if len(ids) and ids.min() >= 0 and ids.max() < _LARGEST_TABLE:
        is_used = np.zeros(int(ids.max()) + 1, np.bool_)
        is_used[ids] = True
        place = np.cumsum(is_used, dtype=np.int64) - 1
        return np.flatnonzero(is_used), place[ids]
    distinct, inverse = np.unique(ids, return_inverse=True)
    return distinct, inverse.reshape(-1)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _block(field: int, data: bytes) -> bytes:
    """Return a length-delimited field as it stands in a message."""
    head = bytearray((field << 3 | 2,))
    length = len(data)
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    return bytes(head) + data


def _whole(bits: Int64s) -> Int64s:
    value = np.ascontiguousarray(bits).view(np.float64)
    # What is no number, or none that an int64 holds, is unknown.
    return np.where(np.abs(value) < 2.0**62, value, -1.0).astype(np.int64)


def _as_number(value: int | float | str) -> int:
    if isinstance(value, str):
        return _trailing_number(value)
    return int(value) if abs(value) < 2**62 else -1


def _trailing_number(text: str) -> int:
    digits = text[len(text.rstrip("0123456789")) :]
    return int(digits) if 0 < len(digits) <= 18 else -1
