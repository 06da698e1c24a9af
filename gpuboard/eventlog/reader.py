"""Read an event file piece by piece, resuming where the last reading stopped.

Whole records are scanned (see `gpuboard.eventlog.scan`); what is unfinished at the end of the file
is read again when the file has changed. A file that was replaced, shrunk or rewritten in place
is read anew from its start.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from gpuboard import limits
from gpuboard.eventlog import framing, packing, salvage, scan
from gpuboard.eventlog.blocks import RefBlock, ScalarBlock, ScalarColumns, pack_scalars
from gpuboard.eventlog.proto.event_pb2 import SessionLog, TaggedRunMetadata
from gpuboard.eventlog.tags import GRAPH_TAG, LOG_TAG, META_GRAPH_TAG, TagNames

CHUNK_BYTES = 2 << 20
# A writer that says nothing for so long is not about to fill the zeros it left.
PATIENCE_S = 600.0
_FOOTPRINT_BYTES = 64

Bytes = npt.NDArray[np.uint8]
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at one place of a file; `kind` is a key of `MEANING`."""

    offset: int
    kind: str
    detail: str = ""


MEANING = {
    "damaged_record": "the payload does not match its checksum; this record was skipped, "
    "reading went on behind it",
    "malformed_event": "the record is intact but is no Event message; it was skipped, "
    "reading went on behind it",
    "long_tag": f"a tag name is longer than {limits.MAX_TAG_BYTES.value:,} bytes; "
    "this value was skipped",
    "no_wall_time": "the wall time is not a number; the points were kept, "
    "they have no place on a time axis",
    "damaged_length": "a record's length does not match its checksum",
    "unwritten": "the file holds zeros where records should be, as after a crash or an "
    "unfinished copy",
    "unfinished": "the last record is cut short, as after a crash; it is read once it is whole",
    "bad_metadata": "a tag's metadata is no SummaryMetadata message; the values were kept",
    "bad_message": "the message inside an event could not be decoded; it was skipped",
    "replaced": "the file was replaced or rewritten while it was watched; it was read anew",
    "unreadable": "the file could not be read",
    "deleted": "the file is gone; what was read from it is kept until the server restarts",
}
_NOTE_KINDS = {
    scan.BAD_CHECKSUM: "damaged_record",
    scan.BAD_EVENT: "malformed_event",
    scan.LONG_TAG: "long_tag",
    scan.NO_TIME: "no_wall_time",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """What one piece of a file held.

    Attributes:
        scalars: Scalar points, grouped by tag, None when there were none.
        refs: References to heavy values, None when there were none.
        findings: What was wrong, with file offsets.
        findings_total: How many there were; the list is capped.
        events: Whole events, including those that hold no value.
        first_time: Wall time of the first event, NaN without any.
        last_time: Latest wall time, NaN without any.
        purge_step: Step of a session start, None without one.
        end: Offset behind the last byte that was taken in.
    """

    scalars: ScalarBlock | None
    refs: RefBlock | None
    findings: tuple[Finding, ...]
    findings_total: int
    events: int
    first_time: float
    last_time: float
    purge_step: int | None
    end: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Chunk:
    data: Bytes
    start: int
    end: int
    base: int  # offset in the file of data[0]
    damage: tuple[Finding, ...] = ()  # what lies before it


class _Lender(Generic[T]):
    """Lends things that are large and needed for moments only: fresh memory costs page faults."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._spare: list[T] = []
        self._lock = threading.Lock()

    def take(self) -> T:
        """Return one that nobody else uses."""
        with self._lock:
            if self._spare:
                return self._spare.pop()
        return self._make()

    def put_back(self, thing: T) -> None:
        """Lend it to the next one who asks."""
        with self._lock:
            self._spare.append(thing)


_outputs = _Lender(lambda: scan.make_output(scalars=1 << 12, refs=1 << 9))
_buffers = _Lender(lambda: np.empty(CHUNK_BYTES, np.uint8))
_rooms = _Lender(packing.Room)


class _Scratch:
    """A tag table and output columns that one scan at a time may use."""

    def __init__(self) -> None:
        self.table = scan.make_tag_table()
        self.out = _outputs.take()
        self.clear()
        self.rename: npt.NDArray[np.int32] = np.empty(0, np.int32)

    def clear(self) -> None:
        """Forget what an earlier scan found."""
        self.out.counts[:] = 0
        self.out.times[:] = np.nan

    def fit(self, scalars: int) -> None:
        """Make room for so many scalars before a scan starts."""
        if len(self.out.step) < scalars:
            self.out = scan.make_output(scalars, max(len(self.out.ref_step), scalars // 8))

    def grow(self) -> None:
        """Double what the last scan found full."""
        self.table, self.out = scan.make_room(self.table, self.out)

    def number_tags(self, names: TagNames) -> None:
        """Give tags that are new to this table their number in the run."""
        known, tags = len(self.rename), int(self.table.size[0])
        if tags == known:
            return
        start = self.table.start
        fresh = [
            names.intern(self.table.names[start[t] : start[t + 1]].tobytes())
            for t in range(known, tags)
        ]
        self.rename = np.append(self.rename, np.array(fresh, np.int32))


class _Samples:
    """A byte here and there of what was read, to notice a file rewritten between its ends.

    They are taken from memory while it is at hand: from each piece of the file up to 128. Of the
    pieces few stay: when there are too many, every second one goes, and of those to come as many.
    """

    _OF_PIECE, _PIECES = 64, 32

    def __init__(self) -> None:
        self._kept: list[tuple[int, int, bytes]] = []
        self._seen = 0
        self._every = 1

    def add(self, data: Bytes, end: int, base: int) -> None:
        """Take samples of `data[:end]`, which stands at `base` in the file."""
        self._seen += 1
        if self._seen % self._every:
            return
        step = end // self._OF_PIECE or 1
        self._kept.append((base + step // 2, step, data[step // 2 : end : step].tobytes()))
        if len(self._kept) > self._PIECES:
            self._every *= 2
            del self._kept[::2]

    def match(self, descriptor: int) -> bool:
        """Tell whether the file still holds them."""
        return all(
            os.pread(descriptor, 1, at + k * step) == kept[k : k + 1]
            for at, step, kept in self._kept
            for k in range(len(kept))
        )


class LogFile:
    """One event file that may be growing: knows how far it was read and what is pending there.

    Only one thread at a time may call `read`; the scans it submits may run in parallel.

    Attributes:
        offset: Everything before this byte was taken in.
        pending: Trouble at `offset` that may yet resolve itself, None when there is none.
        restarts: How often the file was found replaced and was read anew.
    """

    def __init__(self, path: Path, names: TagNames) -> None:
        self.path = path
        self.names = names
        self.offset = 0
        self.size = 0
        self.modified = 0.0
        self.pending: Finding | None = None
        self.restarts = 0
        self._identity: tuple[int, int] | None = None
        self._footprint: tuple[int, bytes, bytes] = (0, b"", b"")
        self._damage_start: int | None = None
        self._damage: tuple[Finding, ...] = ()  # passed over, and not yet told
        self._last_chunk: int | None = None  # where it started, until what ends it was judged
        self._samples = _Samples()
        self._judged_cut = (-1, -1)
        self._spare: list[_Scratch] = []
        self._lock = threading.Lock()

    def read(
        self,
        now: float,
        submit: Callable[[Callable[[_Chunk], Piece], _Chunk], Future[Piece]] | None = None,
        ahead: int = 3,
    ) -> Iterator[Piece]:
        """Yield what the file holds beyond what was read before, in file order.

        Args:
            now: Wall time in seconds, to judge how long the file has been at rest.
            submit: Runs scans elsewhere; without it each runs at once in this thread.
            ahead: How many scans may be under way at a time.

        Raises:
            OSError: The file cannot be opened or read; what was yielded stands, call again.
        """
        with self.path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            self._notice_replacement(file.fileno(), status)
            self.size, self.modified = status.st_size, status.st_mtime
            self.pending = None
            at_rest = now - status.st_mtime > PATIENCE_S
            chunks = self._chunks(file.fileno(), status.st_size, at_rest)
            if submit is None:
                yield from map(self._scan_chunk, chunks)
            else:
                yield from self._scan_elsewhere(chunks, submit, ahead)
            self._remember(file.fileno())
            # Ten thousand files at rest need no tables; a growing one soon has its tags again.
            self._spare.clear()

    def _scan_elsewhere(
        self,
        chunks: Iterator[_Chunk],
        submit: Callable[[Callable[[_Chunk], Piece], _Chunk], Future[Piece]],
        ahead: int,
    ) -> Iterator[Piece]:
        waiting: collections.deque[Future[Piece]] = collections.deque()
        failure: OSError | None = None
        try:
            for chunk in chunks:
                waiting.append(submit(self._scan_chunk, chunk))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
        except OSError as error:
            failure = error
        # Even if the next read failed: `offset` is behind all that was handed out.
        while waiting:
            yield waiting.popleft().result()
        if failure is not None:
            raise failure

    def _notice_replacement(self, descriptor: int, status: os.stat_result) -> None:
        identity = (status.st_dev, status.st_ino)
        at, head, tail = self._footprint
        is_other = self._identity not in (None, identity) or status.st_size < self.offset
        if not is_other and at:
            is_other = (
                os.pread(descriptor, len(head), 0) != head
                or os.pread(descriptor, len(tail), at - len(tail)) != tail
            )
        # A growing file would cost too much to compare; one that was written to without growing
        # may have been rewritten between its ends.
        if not is_other and status.st_size == self.size and status.st_mtime != self.modified:
            is_other = not self._samples.match(descriptor)
        if is_other:
            self.restarts += 1
            self._forget()
        self._identity = identity

    def _forget(self) -> None:
        self.offset = 0
        self._damage_start = None
        self._damage = ()
        self._last_chunk = None
        self._judged_cut = (-1, -1)
        self._samples = _Samples()
        self._footprint = (0, b"", b"")
        self._spare.clear()

    def _remember(self, descriptor: int) -> None:
        head = os.pread(descriptor, min(_FOOTPRINT_BYTES, self.offset), 0)
        behind = self.offset if self._damage_start is None else self._damage_start
        start = max(0, behind - _FOOTPRINT_BYTES)
        # Damaged bytes belong to the footprint too: a repaired file is read anew.
        stop = min(self.offset, behind + _FOOTPRINT_BYTES)
        tail = os.pread(descriptor, stop - start, start)
        self._footprint = (start + len(tail), head, tail)

    def _chunks(self, descriptor: int, size: int, at_rest: bool) -> Iterator[_Chunk]:
        """Yield buffers with the boundaries of the whole records in them, moving `offset` on."""
        room = CHUNK_BYTES
        while self.offset < size:
            data = _buffers.take() if room == CHUNK_BYTES else np.empty(room, np.uint8)
            filled = _fill(data[: size - self.offset].data, descriptor, self.offset)
            room = CHUNK_BYTES
            if filled == 0:
                break
            if self._damage_start is not None:
                self._search(data, filled, size)
                if self._damage_start is not None and self._is_spent(size):
                    break
                continue
            end, reason = framing.walk(data, 0, filled, limits.MAX_RECORD_BYTES.value)
            if end > 0:
                yield self._chunk(data, end)
            elif reason != framing.CUT:
                if not self._passes_over(descriptor, data[:filled], reason, size, at_rest):
                    break
            else:
                room = _bytes_of_record(data, filled)
                if room > size - self.offset:
                    if not (at_rest and self._goes_on_behind_cut(descriptor, size)):
                        self._wait_for_rest(size - self.offset, at_rest)
                        break
                    room = CHUNK_BYTES
        if self._damage:
            damage, self._damage = self._damage, ()
            yield _Chunk(np.empty(0, np.uint8), 0, 0, self.offset, damage)

    def _chunk(self, data: Bytes, end: int) -> _Chunk:
        """Return the whole records at `offset` and move on behind them."""
        chunk = _Chunk(data, 0, end, self.offset, self._damage)
        self._samples.add(data, end, self.offset)
        self._damage = ()
        self._last_chunk = self.offset
        self.offset += end
        return chunk

    def _passes_over(
        self, descriptor: int, data: Bytes, reason: int, size: int, at_rest: bool
    ) -> bool:
        """Get past what is no record; False when that has to be waited for."""
        if self._goes_on_inside(descriptor, size):
            return True
        if reason == framing.ZEROS:
            return self._skip_zeros(data, len(data), size, at_rest)
        self._damage_start = self.offset
        self.offset += 1
        return True

    def _search(self, data: Bytes, filled: int, size: int) -> None:
        """Move `offset` to the next believable record behind damage; say what was passed over."""
        start = self._damage_start
        assert start is not None  # noqa: S101  only called while there is damage
        found = framing.find_record(data, 0, filled, limits.MAX_RECORD_BYTES.value)
        self.offset += found
        if filled - found < framing.HEADER_BYTES:
            lost = f"{size - start:,} bytes up to the end of the file could not be read"
            self.pending = Finding(start, "damaged_length", lost)
            return
        self.pending = None
        self._damage_start = None
        lost = f"{self.offset - start:,} bytes were skipped, reading went on at {self.offset:,}"
        self._damage += (Finding(start, "damaged_length", lost),)

    def _goes_on_inside(self, descriptor: int, size: int) -> bool:
        """Move `offset` back to what the record before it has swallowed; False if it has not.

        The scan of that record finds and tells that it is damaged.
        """
        if self._last_chunk is None:
            return False
        read = functools.partial(_read, descriptor)
        found = salvage.find_swallowed(read, self._last_chunk, self.offset, size)
        self._last_chunk = None
        if found is not None:
            self.offset = found
        return found is not None

    def _goes_on_behind_cut(self, descriptor: int, size: int) -> bool:
        """Move `offset` on into a record that will never be whole; False if it may be, once."""
        if self._judged_cut == (self.offset, size):
            return False
        if size - self.offset < framing.HEADER_BYTES:
            return self._goes_on_inside(descriptor, size)
        found = salvage.find_behind_cut(functools.partial(_read, descriptor), self.offset, size)
        self._judged_cut = self.offset, size
        if found is None:
            return False
        detail = f"it states more bytes than follow; reading went on at {found:,}"
        self._damage += (Finding(self.offset, "damaged_record", detail),)
        self.offset = found
        return True

    def _is_spent(self, size: int) -> bool:
        return size - self.offset < framing.HEADER_BYTES

    def _wait_for_rest(self, unfinished: int, at_rest: bool) -> None:
        if at_rest:
            self.pending = Finding(self.offset, "unfinished", f"{unfinished:,} bytes of it so far")

    def _skip_zeros(self, data: Bytes, filled: int, size: int, at_rest: bool) -> bool:
        """Decide what zeros at `offset` mean; True when reading is to go on behind them."""
        if not at_rest:
            return False
        zeros = framing.count_zeros(data, 0, filled)
        if zeros == size - self.offset:
            detail = f"{zeros:,} zero bytes up to the end; read once something is written there"
            self.pending = Finding(self.offset, "unwritten", detail)
            return False
        self._damage_start = self.offset
        self.offset += max(1, zeros - framing.HEADER_BYTES)
        return True

    def _scan_chunk(self, chunk: _Chunk) -> Piece:
        scratch = self._borrow()
        try:
            return self._scan_with(scratch, chunk)
        finally:
            _outputs.put_back(scratch.out)
            if len(chunk.data) == CHUNK_BYTES:
                _buffers.put_back(chunk.data)
            with self._lock:
                self._spare.append(scratch)

    def _borrow(self) -> _Scratch:
        with self._lock:
            if not self._spare:
                return _Scratch()
            scratch = self._spare.pop()
        scratch.out = _outputs.take()
        scratch.clear()
        return scratch

    def _scan_with(self, scratch: _Scratch, chunk: _Chunk) -> Piece:
        # An event with one scalar takes some 54 bytes; a guess too low costs one more round.
        scratch.fit((chunk.end - chunk.start) // 40)
        position = chunk.start
        while True:
            position = scan.scan(
                chunk.data,
                position,
                chunk.end,
                chunk.base,
                limits.MAX_TAG_BYTES.value,
                scratch.table,
                scratch.out,
            )
            if position == chunk.end:
                break
            scratch.grow()
        return self._piece(scratch, chunk)

    def _piece(self, scratch: _Scratch, chunk: _Chunk) -> Piece:
        out = scratch.out
        scratch.number_tags(self.names)
        findings = [*chunk.damage, *_notes(out)]
        findings += self._describe(scratch, chunk)
        refs, purge_step = self._refs(scratch, chunk, findings)
        return Piece(
            scalars=_scalar_block(scratch, len(self.names)),
            refs=refs,
            findings=tuple(findings),
            findings_total=len(findings)
            + max(0, int(out.counts[scan.N_NOTES]) - len(out.note_offset)),
            events=int(out.counts[scan.N_EVENTS]),
            first_time=float(out.times[scan.FIRST_TIME]),
            last_time=float(out.times[scan.LAST_TIME]),
            purge_step=purge_step,
            end=chunk.base + chunk.end,
        )

    def _describe(self, scratch: _Scratch, chunk: _Chunk) -> list[Finding]:
        out = scratch.out
        findings = []
        for k in range(int(out.counts[scan.N_DESCRIPTIONS])):
            start, length = int(out.described_start[k]), int(out.described_length[k])
            number = int(scratch.rename[out.described_tag[k]])
            if not self.names.describe(number, chunk.data[start : start + length].tobytes()):
                findings.append(Finding(chunk.base + start, "bad_metadata"))
        return findings

    def _refs(
        self, scratch: _Scratch, chunk: _Chunk, findings: list[Finding]
    ) -> tuple[RefBlock | None, int | None]:
        """Return the references of a scan, and the step of a session start among them."""
        out = scratch.out
        n = int(out.counts[scan.N_REFS])
        if n == 0:
            return None, None
        tag = np.full(n, -1, np.int32)
        in_summary = out.ref_tag[:n] >= 0
        tag[in_summary] = scratch.rename[out.ref_tag[:n][in_summary]]
        purge_step = None
        for k in np.flatnonzero(~in_summary):
            start = int(out.ref_offset[k]) - chunk.base
            body = chunk.data[start : start + int(out.ref_length[k])]
            try:
                name = _name_of_event(int(out.ref_kind[k]), body)
            except DecodeError:
                findings.append(Finding(int(out.ref_offset[k]), "bad_message"))
                continue
            if name is not None:
                tag[k] = self.names.intern(name)
            elif purge_step is None and _is_session_start(int(out.ref_kind[k]), body):
                purge_step = int(out.ref_step[k])
        kept = tag >= 0
        block = RefBlock(
            tag=tag[kept],
            kind=out.ref_kind[:n][kept],
            wall_time=out.ref_wall_time[:n][kept],
            step=out.ref_step[:n][kept],
            offset=out.ref_offset[:n][kept],
            length=out.ref_length[:n][kept],
        )
        return block if len(block) else None, purge_step


def _fill(room: memoryview, descriptor: int, offset: int) -> int:
    """Read until `room` is full or the file ends, since one call may return less; say how much."""
    filled = 0
    while filled < len(room):
        count = os.preadv(descriptor, [room[filled:]], offset + filled)
        if count == 0:
            break
        filled += count
    return filled


def _read(descriptor: int, offset: int, length: int) -> Bytes:
    data = np.empty(length, np.uint8)
    return data[: _fill(data.data, descriptor, offset)]


def _bytes_of_record(data: Bytes, filled: int) -> int:
    if filled < framing.HEADER_BYTES:
        return framing.HEADER_BYTES
    return framing.HEADER_BYTES + framing.length_at(data, 0) + framing.FOOTER_BYTES


def _notes(out: scan.Output) -> list[Finding]:
    n = min(int(out.counts[scan.N_NOTES]), len(out.note_offset))
    return [Finding(int(out.note_offset[k]), _NOTE_KINDS[int(out.note_kind[k])]) for k in range(n)]


def _scalar_block(scratch: _Scratch, tags: int) -> ScalarBlock | None:
    out = scratch.out
    n = int(out.counts[scan.N_SCALARS])
    if n == 0:
        return None
    room = _rooms.take()
    try:
        return _packed(out, n, scratch.rename, tags, room)
    finally:
        _rooms.put_back(room)


def _packed(
    out: scan.Output, n: int, rename: npt.NDArray[np.int32], tags: int, room: packing.Room
) -> ScalarBlock:
    time, step, value = room.columns(n)
    columns = ScalarColumns(time.view(np.float64), step.view(np.int64), value.view(np.float64))
    stop = np.zeros(tags + 1, np.int64)
    scan.group(
        out.tag[:n], rename, out.wall_time[:n], out.step[:n], out.value[:n], stop,
        (columns.wall_time, columns.step, columns.value),
    )  # fmt: skip
    tag = np.flatnonzero(np.diff(stop, prepend=0)[:-1]).astype(np.int32)
    return pack_scalars(tag, np.append(0, stop[tag]), columns, room)


def _name_of_event(kind: int, body: Bytes) -> bytes | None:
    """Return the tag of a value that stands outside any summary, None when it has none."""
    if kind == scan.GRAPH:
        return GRAPH_TAG
    if kind == scan.META_GRAPH:
        return META_GRAPH_TAG
    if kind == scan.LOG_MESSAGE:
        return LOG_TAG
    if kind == scan.RUN_METADATA:
        return TaggedRunMetadata.FromString(body.tobytes()).tag.encode()
    SessionLog.FromString(body.tobytes())
    return None


def _is_session_start(kind: int, body: Bytes) -> bool:
    return kind == scan.SESSION and (
        SessionLog.FromString(body.tobytes()).status == SessionLog.START
    )
