"""Read the profiles of TensorFlow, JAX and PyTorch/XLA: XPlane files.

The file is one `XSpace`: planes (field 1), then errors 2, warnings 3 and hostnames 4. A plane is a
device, or the threads of the host; its lines are threads or streams. Planes are read one by one, so
no more than the largest lies in memory.

| in the file | in the trace |
|---|---|
| threads of /host:CPU | `OPERATOR`, `PYTHON` ("$file.py:12 f"), `CALL`, `ANNOTATION` |
| streams of /device:GPU:N, "Stream #134(Compute)" | `KERNEL`, `MEMCPY`, `MEMSET` |
| its other lines: "XLA Ops", "TensorFlow Name Scope" | `MODEL_OP` |
| "Steps" and "XLA Modules", or `group_id` where a device has none | `MODEL_STEP` |
| lines of other devices, such as TPUs | `ACCELERATOR`, and the same lines over them |
| events with an address and an allocator | memory events, not slices |

Times are picoseconds since the line's own time 0. Starts and ends are both cut down to whole
nanoseconds, and a duration is their difference: events that touch still touch, nested ones stay
nested, and sums are off by less than a nanosecond for each run of touching events.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from gpuboard import limits
from gpuboard.errors import DataError, LimitError
from gpuboard.profiler.traces.assemble import assemble
from gpuboard.profiler.traces.collect import Collector
from gpuboard.profiler.traces.parts import Parts
from gpuboard.profiler.traces.trace import Origin, Trace
from gpuboard.profiler.traces.watch import IsCancelled, Progress, Watch
from gpuboard.profiler.traces.xplane_columns import PlaneColumns
from gpuboard.profiler.traces.xplane_plane import Plane

_PLANES, _ERRORS, _WARNINGS, _HOSTS = 1, 2, 3, 4
_BLOCK = 2  # the wire type of all of them
_PIECE = 16 << 20
_LONGEST_TEXT = 1 << 16
# Nanoseconds that must count from 1970: as time since a start they would be three years.
_SURELY_EPOCH = 10**17
_GZIP = b"\x1f\x8b"
# Reading the bytes of a plane is little of the work on it.
_OF_BYTES = 0.2


def read_xplane(
    file: Path, *, progress: Progress | None = None, cancelled: IsCancelled | None = None
) -> Trace:
    """Read an XPlane file, plain or gzip.

    What is damaged is left out and noted: an event, an entry, the rest of a line or of the file.

    Args:
        file: Where it lies.
        progress: Told how far it is, from 0 to 1.
        cancelled: Says whether to end.

    Raises:
        DataError: Nothing in the file can be shown.
        LimitError: It is larger than any such file can be.
        OSError: It cannot be opened or read.
    """
    return assemble(_Reader(file, Watch(progress, cancelled)).parts())


class _Reader:
    def __init__(self, file: Path, watch: Watch) -> None:
        self._file, self._watch = file, watch
        self._size = file.stat().st_size
        self._collected = Collector(str(file))
        self._columns = PlaneColumns(self._collected)
        self._facts: dict[str, str] = {}
        self._host, self._started = "", 0
        self._events = self._planes = self._untimed = 0

    def parts(self) -> Parts:
        self._check_size(self._size)
        with self._open() as stream:
            for offset, field, data in self._fields(stream):
                self._take(offset, field, data)
        self._columns.done()
        for track in self._collected.tracks:
            track.process_label = self._host
        if not self._planes or not (self._events or self._collected.devices):
            raise DataError(
                f"{self._file}: no event of a profile could be read from its {self._size:,} bytes; "
                "expected an XPlane file (.xplane.pb) as TensorFlow, JAX and PyTorch/XLA write it. "
                f"If it is one, it is damaged: {self._collected.first_problem() or 'it is cut'}; "
                "copy it again from where it was recorded"
            )
        return self._with_base(self._collected.parts(Origin(str(self._file), "xplane")))

    def _with_base(self, parts: Parts) -> Parts:
        """Let time 0 be where the recording begins, if the file counts from 1970."""
        starts = self._columns.start_times
        base = self._started or None
        if starts and min(starts) >= _SURELY_EPOCH:
            base = min(starts)
            for table, column in (
                (parts.slices, "start"),
                (parts.memory, "time"),
                (parts.flow_ends, "time"),
            ):
                table[column] = table[column] - base
        if self._untimed:
            self._facts["events without time"] = str(self._untimed)
        parts.origin = Origin(
            file=str(self._file),
            format="xplane",
            bytes=self._size,
            events=self._events,
            base=base,
            host=self._host,
            facts=self._facts,
        )
        return parts

    def _take(self, offset: int, field: int, data: bytes) -> None:
        if field == _PLANES:
            self._take_plane(offset, data)
            return
        text = data[:_LONGEST_TEXT].decode("utf-8", "replace")
        if field == _HOSTS:
            self._host = self._host or text
        elif field in (_ERRORS, _WARNINGS):
            kind = "profiler_error" if field == _ERRORS else "profiler_warning"
            self._collected.note(kind, f"the profiler wrote: {text}", offset=offset)

    def _take_plane(self, offset: int, data: bytes) -> None:
        room = max(limits.MAX_TRACE_EVENTS.value - self._events, 0)
        done = offset / max(self._size, 1)
        share = len(data) / max(self._size, 1)
        watch = Watch(
            lambda part: self._watch.at(done + share * (_OF_BYTES + (1 - _OF_BYTES) * part))
        )
        plane = Plane(data, offset, room=room, watch=watch)
        self._planes += 1
        self._events += len(plane)
        self._untimed += plane.damage.untimed
        self._note_damage(plane, offset)
        for name, value in plane.stats.items():
            if name == "profile_start_time" and isinstance(value, int):
                self._started = value if 0 < value < 2**63 else 0
        if plane.name.startswith("Task"):
            self._facts |= {name: str(value)[:1000] for name, value in plane.stats.items()}
        self._columns.add(plane)

    def _note_damage(self, plane: Plane, offset: int) -> None:
        damage, note = plane.damage, self._collected.note
        if damage.messages:
            note(
                "damaged_message",
                f"{damage.messages:,} events or names of {plane.name!r} do not follow the format; "
                "they are left out",
                offset=offset,
                times=damage.messages,
            )
        if damage.broken_at >= 0:
            note(
                "damaged_plane",
                f"{plane.name!r} breaks off or is damaged at byte {offset + damage.broken_at:,}; "
                "what stands before is shown",
                offset=offset + damage.broken_at,
            )
        if damage.too_many:
            note(
                "many_events",
                f"{damage.too_many:,} events of {plane.name!r} are not shown: of one trace at most "
                f"{limits.MAX_TRACE_EVENTS.value:,} are",
                offset=offset,
                times=damage.too_many,
            )

    def _fields(self, stream: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
        """Yield where the data of each field of the file begins, its number, and the data."""
        position = 0
        while True:
            try:
                key, position = _varint(stream, position)
            except EOFError:
                return
            field, wire = key >> 3, key & 7
            if wire != _BLOCK:
                self._note_end(position, f"a field of the wire type {wire}")
                return
            try:
                length, position = _varint(stream, position)
            except EOFError:
                self._note_end(position, "the end of the file")
                return
            data = self._data(stream, length)
            self._check_size(position + len(data))
            yield position, field, data
            position += len(data)
            if len(data) < length:
                self._note_end(position, f"the end of the file, {length - len(data):,} bytes early")
                return

    def _data(self, stream: BinaryIO, length: int) -> bytes:
        """Read so many bytes, or as many as there are; room is set aside as they come."""
        pieces, left = [], length
        try:
            while left and (piece := stream.read(min(left, _PIECE))):
                pieces.append(piece)
                left -= len(piece)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            pass  # a gzip file that is cut or damaged: what came before is shown
        return b"".join(pieces)

    def _note_end(self, position: int, found: str) -> None:
        self._collected.note(
            "damaged_file",
            f"at byte {position:,} there is {found} where a plane was to follow; what stands "
            "before is shown",
            offset=position,
        )

    def _check_size(self, size: int) -> None:
        most = limits.MAX_XPLANE_BYTES.value
        if size > most:
            raise LimitError(
                f"{self._file}: {size:,} bytes, but no XPlane file has more than {most:,} "
                f"({limits.MAX_XPLANE_BYTES.name}); is it one?"
            )

    def _open(self) -> BinaryIO:
        with self._file.open("rb") as stream:
            is_packed = stream.read(2) == _GZIP
        return cast("BinaryIO", gzip.open(self._file)) if is_packed else self._file.open("rb")


def _varint(stream: BinaryIO, position: int) -> tuple[int, int]:
    """Read a base-128 number, and return it with the position behind it.

    Raises:
        EOFError: The file ends before it does, or it is longer than any number.
    """
    number = 0
    for shift in range(0, 64, 7):
        try:
            byte = stream.read(1)
        except (zlib.error, gzip.BadGzipFile) as error:
            raise EOFError from error
        if not byte:
            break
        position += 1
        number |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return number, position
    raise EOFError
