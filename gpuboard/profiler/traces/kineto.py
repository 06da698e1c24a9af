"""Read traces of PyTorch's profiler (Kineto), and any other in Chrome's JSON, in one pass."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.profiler.traces import scan, scan_state, scan_tables, scan_texts
from gpuboard.profiler.traces.assemble import assemble
from gpuboard.profiler.traces.categories import kind_of
from gpuboard.profiler.traces.kineto_columns import Columns
from gpuboard.profiler.traces.kineto_head import parsed
from gpuboard.profiler.traces.kineto_parts import Scanned, parts_of
from gpuboard.profiler.traces.kineto_stream import Piece, Stream
from gpuboard.profiler.traces.scan_vectors import PADDING
from gpuboard.profiler.traces.trace import Trace
from gpuboard.profiler.traces.watch import Watch

_BEFORE = 256 << 10  # room for an event that began in the piece before
_REPORT_EVERY_S = 0.05
_SHOWN = 40


def read_kineto(
    file: Path,
    *,
    progress: Callable[[float], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Trace:
    """Read a trace in Chrome's JSON, plain or gzip, whatever is wrong with it.

    Args:
        file: Told apart by its first bytes, not by its name.
        progress: Told about every 50 ms which fraction is done.
        cancelled: Asked as often whether to end.

    Returns:
        What the file holds; where it is broken, all but the broken events, with a problem each.

    Raises:
        DataError: The file cannot be read, or is no such trace.
        ReadingCancelledError: `cancelled` said so.
    """
    scanned = _Scanner(file, Watch(progress, cancelled)).run()
    return assemble(parts_of(scanned))


class _Scanner:
    """One pass over one file."""

    def __init__(self, file: Path, watch: Watch) -> None:
        self.file = file
        self.watch = watch
        self.state = np.zeros(scan_state.STATE_PLACES, np.int64)
        self.state[scan_state.LONGEST] = limits.MAX_TRACE_TEXT_BYTES.value
        self.columns = Columns()
        self.known = scan_state.make_known(scan_tables.TABLE_OF_KIND)
        self.texts = scan_texts.make_texts(
            1024, 1 << 16, limits.MAX_TRACE_TEXTS.value, limits.MAX_TRACE_TEXTS_BYTES.value,
            secrets.randbits(62),
        )  # fmt: skip
        self.tracks = scan_state.make_tracks(limits.MAX_TRACE_TRACKS.value)
        self.notes = scan_state.make_notes(limits.MAX_PROBLEMS_PER_FILE.value)
        self.categories: list[int] = []
        self.members: dict[str, Any] = {}
        self.fraction = 0.0
        self.has_more = False
        self.reported = 0.0

    def run(self) -> Scanned:
        """Scan the whole file."""
        stream = Stream(
            self.file, before=_BEFORE, behind=PADDING, most=limits.MAX_TRACE_BYTES.value
        )
        rest = np.zeros(0, np.uint8)
        offset = 0
        with stream:
            for piece in stream:
                data, start, end = _joined(rest, piece)
                self.fraction = piece.fraction
                position = self._scan(data, start, end, offset - start)
                rest = data[position:end].copy()
                offset += position - start
                self.state[scan_state.GIVE_UP] = len(rest) > limits.MAX_TRACE_EVENT_BYTES.value
                self._report()
                if max(self.columns.rows) > limits.MAX_TRACE_EVENTS.value:
                    self.has_more = True
                    break
        self.state[scan_state.IS_LAST] = 1
        data = np.concatenate([rest, np.zeros(PADDING, np.uint8)])
        self._scan(data, 0, len(rest), offset)
        self._check_was_trace(offset + len(rest))
        return Scanned(
            file=self.file, state=self.state, columns=self.columns, texts=self.texts,
            tracks=self.tracks, phases=self.known.phases, notes=self.notes,
            categories=self.categories, members=self.members,
            size=offset + len(rest), cut=stream.problem, has_more=self.has_more,
        )  # fmt: skip

    def _scan(self, data: np.ndarray[Any, Any], position: int, end: int, base: int) -> int:
        """Scan what is there and return where to go on with more bytes."""
        while True:
            position = scan.scan(
                data, position, end, base, self.state, scan_tables.KEYS, self.known,
                scan_tables.LISTS, self.columns.blocks, self.texts, self.tracks, self.notes,
            )  # fmt: skip
            wanted = int(self.state[scan_state.WANTS])
            if wanted == scan_state.BYTES:
                return position
            if wanted == scan_state.NO_TRACE:
                raise self._no_trace(bytes(data[position : min(position + _SHOWN, end)]))
            if wanted == scan_state.TEXT_ROOM:
                self.texts = scan_texts.grow_texts(self.texts)
            elif wanted == scan_state.ROW_ROOM:
                self._flush(int(self.state[scan_state.ARGUMENT]))
            elif wanted == scan_state.NEW_CATEGORY:
                self._add_category(int(self.state[scan_state.ARGUMENT]))
            else:
                self._add_member(data)

    def _flush(self, table: int) -> None:
        if table == scan_tables.SLICES:
            self.state[scan_state.SLICES_BEFORE] += self.columns.blocks.rows[table]
        self.columns.flush(table, self.fraction)

    def _add_category(self, text: int) -> None:
        number = len(self.categories)
        if number >= _MOST_CATEGORIES:
            number = _MOST_CATEGORIES - 1
        else:
            self.categories.append(text)
            start, end = self.texts.start[text : text + 2]
            name = bytes(self.texts.text[start:end]).decode("utf-8", "replace")
            self.known.kinds[number] = int(kind_of(name))
        self.texts.category[text] = number

    def _add_member(self, data: np.ndarray[Any, Any]) -> None:
        places = self.state[
            [scan_state.KEY_AT, scan_state.KEY_END, scan_state.VALUE_AT, scan_state.VALUE_END]
        ]
        first, key_end, value_at, value_end = places.tolist()
        key = str(parsed(b'"' + bytes(data[first:key_end]) + b'"'))
        self.members[key] = parsed(bytes(data[value_at:value_end]))

    def _report(self) -> None:
        now = time.monotonic()
        if now - self.reported > _REPORT_EVERY_S:
            self.reported = now
            self.watch.at(self.fraction)

    def _check_was_trace(self, size: int) -> None:
        if self.state[scan_state.WAS_LISTED]:
            return
        if self.state[scan_state.MODE] == scan_state.BEGIN:
            found = "has nothing but blanks" if size else "is empty"
            raise DataError(f"{self.file} {found}, expected a trace in JSON")
        found = ", ".join(list(self.members)[:5]) or "no member that can be read"
        raise DataError(
            f"{self.file} is a JSON object with {found}, expected a trace: an object with "
            '"traceEvents", or a list of events'
        )

    def _no_trace(self, start: bytes) -> DataError:
        return DataError(
            f"{self.file} begins with {start!r}, expected a trace in JSON, which begins with "
            "'{' or '[', or such a file in gzip"
        )


_MOST_CATEGORIES = 256


def _joined(rest: np.ndarray[Any, Any], piece: Piece) -> tuple[np.ndarray[Any, Any], int, int]:
    """Put what is left of the last piece in front of the next."""
    data, start, end = piece.bytes, piece.start - len(rest), piece.end
    if start < 0:
        data = np.concatenate([rest, data[piece.start : end + PADDING]])
        start, end = 0, len(rest) + end - piece.start
    else:
        data[start : piece.start] = rest
    data[end : end + PADDING] = 0
    return data, start, end
