"""Keep what is to be written to one event file, and write it when asked."""

from __future__ import annotations

import collections
import functools
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.scalar_records import ScalarSeries, encode_scalars, frame
from gpuboard.writer.background import BACKGROUND, LINGER_S
from gpuboard.writer.event_file import EventFile
from gpuboard.writer.numbers import DeviceNumber, read_device_numbers

if TYPE_CHECKING:
    from gpuboard.eventlog.proto.event_pb2 import Event

_log = logging.getLogger("gpuboard")

# Encoded at once: more would leave the processor's cache.
_BATCH = 2048
# A point waits as four entries: series, value, step and wall time. They are appended by one call of
# `extend`, which other threads cannot come between. A tuple for each would be one more object that
# the garbage collector looks through again and again.
FIELDS = 4
_ENTRY_BYTES = 32
MAX_ENTRIES = limits.MAX_QUEUED_BYTES.value // _ENTRY_BYTES

MakeEvent = Callable[[], "Event"]


class _Job:
    """A value that still has to be encoded, and how many bytes it keeps in memory meanwhile."""

    __slots__ = ("make_event", "nbytes", "step", "wall_time")

    def __init__(
        self, make_event: MakeEvent, step: int | None, wall_time: float, nbytes: int
    ) -> None:
        self.make_event = make_event
        self.step = step
        self.wall_time = wall_time
        self.nbytes = nbytes


class FileWriter:
    """One event file and what waits to be written to it; safe to use from any thread.

    Attributes:
        waiting: Points in order: series, value, step, wall time. Whoever appends here calls
            `BACKGROUND.wake()` while `BACKGROUND.is_asleep`, and `drain()` when there are more
            than `MAX_ENTRIES`. A job takes the place of a series.
        linger_s: So long may a value wait to be joined by others.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        """Make the file.

        Args:
            log_dir: Directory of the run, made where it is missing.
            max_queue: Values that may wait before they are written. They never wait for long
                enough to be many, so this is only there for those who give it.
            flush_secs: Seconds after which values are written at the latest.
            filename_suffix: Put at the end of the file's name.

        Raises:
            OSError: The directory or the file cannot be made.
        """
        del max_queue
        self._folder = Path(log_dir)
        self._suffix = filename_suffix
        self.linger_s = max(0.0, min(LINGER_S, flush_secs))
        self.waiting: collections.deque[Any] = collections.deque()
        self._be_fresh()
        self._open()
        BACKGROUND.add(self)

    def _be_fresh(self) -> None:
        self._lock = threading.RLock()
        # Its own lock: who puts something in must not wait for who is writing. A signal handler
        # may drain in the middle of `put`, so it can be taken again.
        self._counting = threading.RLock()
        self._drained_by: int | None = None
        self._waiting_bytes = 0
        self._file: EventFile | None = None
        self._lost = 0
        self._error: Exception | None = None
        self._has_warned = False
        self._is_closed = False
        self._is_abandoned = False

    def get_logdir(self) -> str:
        """Return the directory in which the file lies."""
        return str(self._folder)

    @property
    def path(self) -> Path | None:
        """Where the file lies; None when this process has not written to it."""
        return self._file.path if self._file is not None else None

    # What goes in.

    def put(
        self, make_event: MakeEvent, step: int | None, wall_time: float | None, nbytes: int
    ) -> None:
        """Have an event made, dated and written.

        Args:
            make_event: Makes the event, in another thread; what it needs must not change.
            step: Any int64, None for none.
            wall_time: Seconds since the epoch, now if not given.
            nbytes: Memory that it needs until then.
        """
        self._check_open()
        at = time.time() if wall_time is None else float(wall_time)
        job = _Job(make_event, None if step is None else checked_step(step), at, nbytes)
        if self._waiting_bytes and self._waiting_bytes + nbytes > limits.MAX_QUEUED_BYTES.value:
            self.drain()
        with self._counting:
            self._waiting_bytes += nbytes
        self.waiting.extend((job, None, None, None))
        if BACKGROUND.is_asleep:
            BACKGROUND.wake()

    def put_point(
        self,
        series: ScalarSeries,
        value: float | DeviceNumber,
        step: int | None,
        wall_time: float | None,
    ) -> None:
        """Have a scalar point written.

        Args:
            series: Tag and form.
            value: The number, or where it will be.
            step: Any int64, None for none.
            wall_time: Seconds since the epoch, now if not given.
        """
        self._check_open()
        at = time.time() if wall_time is None else float(wall_time)
        self.waiting.extend((series, value, 0 if step is None else checked_step(step), at))
        if BACKGROUND.is_asleep:
            BACKGROUND.wake()
        if len(self.waiting) > MAX_ENTRIES:
            self.drain()

    def add_event(
        self,
        event: Any,  # noqa: ANN401
        step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Append an event message, of this package's or of TensorBoard's classes, as it is now.

        Args:
            event: The message; its wall time is replaced.
            step: Any int64; None keeps the event's own.
            walltime: Seconds since the epoch, now if not given.
        """
        content: bytes = event.SerializeToString()
        self.put(lambda: _event_of(content), step, walltime, len(content))

    def add_summary(
        self,
        summary: Any,  # noqa: ANN401
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Append a summary message, of this package's or of TensorBoard's classes, as it is now."""
        content: bytes = summary.SerializeToString()
        self.put(lambda: _summary_event(content), global_step, walltime, len(content))

    # What goes out.

    def flush(self) -> None:
        """Hand everything to the operating system; return when it has taken it.

        Raises:
            OSError: The disk did not take something since the last call; that is lost.
            DataError: Something could not be encoded since the last call; that is lost.
        """
        self.drain()
        with self._lock:
            lost, error = self._lost, self._error
            self._lost, self._error, self._has_warned = 0, None, False
        if error is not None:
            raise self._loss(lost, error) from error

    def close(self) -> None:
        """Write what waits and close the file.

        Raises:
            OSError: As for `flush`.
            DataError: As for `flush`.
        """
        try:
            self.flush()
        finally:
            self._finish()

    def _finish(self) -> None:
        BACKGROUND.remove(self)
        with self._lock:
            self._is_closed = True
            file, self._file = self._file, None
            if file is not None:
                file.close()

    def _finish_quietly(self) -> None:
        try:
            self._finish()
        except OSError as error:
            self._note_loss(error, 0)

    def abandon(self) -> None:
        """Be told that nobody holds this writer any more: it is closed when the thread next runs.

        Nothing else may happen here: garbage is collected in the middle of anything.
        """
        self._is_abandoned = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError(f"the event file in {self._folder} has been closed")

    def has_waiting(self) -> bool:
        """Say whether there is anything to write."""
        return bool(self.waiting) or self._is_abandoned

    def is_drained_here(self) -> bool:
        """Say whether the calling thread is in the middle of writing."""
        return self._drained_by == threading.get_ident()

    def forget(self) -> None:
        """Become a fresh writer after a fork: what waits, and the file, are the parent's."""
        self.waiting.clear()
        file = self._file
        self._be_fresh()
        if file is not None:
            file.close()

    def drain(self, patience_s: float = -1) -> None:
        """Write what waits now, unless another thread keeps doing so for longer than this."""
        if self.is_drained_here() or not self._lock.acquire(timeout=patience_s):
            return
        try:
            self._drained_by = threading.get_ident()
            remaining = len(self.waiting) // FIELDS
            while remaining > 0:
                count = min(remaining, _BATCH)
                remaining -= count
                self._write(self._take(count))
            if self._is_abandoned and not self.waiting:
                self._finish_quietly()
        finally:
            self._drained_by = None
            self._lock.release()
        BACKGROUND.after_drain()

    def _take(self, count: int) -> list[Any]:
        popleft = self.waiting.popleft
        return [popleft() for _ in range(count * FIELDS)]

    def _write(self, batch: list[Any]) -> None:
        """Write points and jobs, `FIELDS` entries each, in their order."""
        start = 0
        for place, job in enumerate(batch[::FIELDS]):
            if not isinstance(job, _Job):
                continue
            self._write_points(batch[start * FIELDS : place * FIELDS])
            start = place + 1
            with self._counting:
                self._waiting_bytes -= job.nbytes
            self._write_records(functools.partial(_record_of, job), 1)
        self._write_points(batch[start * FIELDS :])

    def _write_points(self, entries: list[Any]) -> None:
        if not entries:
            return
        columns = [entries[field::FIELDS] for field in range(FIELDS)]
        late = [k for k, value in enumerate(columns[1]) if type(value) is not float]
        if late:
            columns = self._with_read(columns, late)
        if columns[0]:
            self._write_records(lambda: encode_scalars(*columns), len(columns[0]))

    def _with_read(self, columns: list[list[Any]], late: list[int]) -> list[list[Any]]:
        """Return points with their numbers fetched from GPUs; without these where that fails."""
        try:
            values = read_device_numbers([columns[1][k] for k in late])
        except Exception as error:  # noqa: BLE001 - a GPU fails in many ways, training goes on
            self._note_loss(error, len(late))
            kept = sorted(set(range(len(columns[0]))).difference(late))
            return [[column[k] for k in kept] for column in columns]
        for place, value in zip(late, values, strict=True):
            columns[1][place] = value
        return columns

    def _write_records(self, encode: Callable[[], bytes | bytearray], count: int) -> None:
        try:
            records = encode()
            file = self._file or self._open()
            file.write(records)
        except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
            self._note_loss(error, count)

    def _open(self) -> EventFile:
        from gpuboard.eventlog.proto.event_pb2 import Event, SourceMetadata

        now = time.time()
        file = EventFile(self._folder, self._suffix, now)
        source = SourceMetadata(writer="gpuboard.SummaryWriter")
        header = Event(wall_time=now, file_version="brain.Event:2", source_metadata=source)
        try:
            file.write(frame(header.SerializeToString()))
        except OSError:
            file.close()
            raise
        self._file = file
        return file

    # What got lost.

    def _note_loss(self, error: Exception, count: int) -> None:
        self._lost += count
        self._error = self._error or error
        if not self._has_warned:
            self._has_warned = True
            _log.warning(
                "%s: %s. What cannot be written is lost; training goes on, later values are tried "
                "again, and flush() and close() will raise this error.",
                self.path or self._folder,
                error,
            )

    def _loss(self, lost: int, error: Exception) -> Exception:
        place = str(self.path or self._folder)
        if isinstance(error, OSError):
            reason = f"{error.strerror}; {lost:,} values that were logged are lost"
            return OSError(error.errno, reason, place)
        return DataError(f"{place}: {lost:,} values that were logged are lost: {error}")


def checked_step(step: Any) -> int:  # noqa: ANN401
    """Return a step as an integer.

    Raises:
        ValueError: It does not fit into 64 bits, or is no number.
    """
    number = int(step)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"step {number} does not fit into 64 bits")
    return number


def _record_of(job: _Job) -> bytes:
    event = job.make_event()
    event.wall_time = job.wall_time
    if job.step is not None:
        event.step = job.step
    return frame(event.SerializeToString())


def _event_of(content: bytes) -> Event:
    from gpuboard.eventlog.proto.event_pb2 import Event

    return Event.FromString(content)


def _summary_event(content: bytes) -> Event:
    from gpuboard.eventlog.proto.event_pb2 import Event, Summary

    return Event(summary=Summary.FromString(content))
