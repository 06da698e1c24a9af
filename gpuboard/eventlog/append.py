"""Write event files that every reader of TensorBoard's format understands."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from pathlib import Path
from types import TracebackType

import numpy as np

from gpuboard.clock import Clock, SystemClock
from gpuboard.eventlog.proto.event_pb2 import Event, SessionLog, Summary
from gpuboard.eventlog.scalar_records import frame

__all__ = ["EventFileWriter", "frame"]


class EventFileWriter:
    """Appends events to a new file of a run directory; safe to use from any thread.

    Args:
        run: Directory of the run, made when it is missing.
        purge_step: Tell readers that earlier points at this step and later are void.
        clock: Where wall times come from.
    """

    _serials = itertools.count(1)

    def __init__(
        self, run: Path, *, purge_step: int | None = None, clock: Clock | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        run.mkdir(parents=True, exist_ok=True)
        now = self._clock.wall()
        # Padded, since files opened within a second are told apart by the order of their names.
        serial = f"{os.getpid()}.{next(EventFileWriter._serials):06d}"
        self.path = run / f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{serial}"
        self._file = self.path.open("xb")
        self.add(Event(wall_time=now, file_version="brain.Event:2"))
        if purge_step is not None:
            start = SessionLog(status=SessionLog.START)
            self.add(Event(wall_time=now, step=purge_step, session_log=start))

    def add(self, event: Event) -> None:
        """Append one event as it is."""
        record = frame(event.SerializeToString())
        with self._lock:
            self._file.write(record)

    def add_scalar(
        self, tag: str, value: float, step: int, *, wall_time: float | None = None
    ) -> None:
        """Append one scalar point, in the form that PyTorch writes.

        Args:
            tag: Name of the series; the part before the first "/" groups charts.
            value: Kept as float32.
            step: Any int64.
            wall_time: Seconds since the epoch, now if not given.
        """
        with np.errstate(over="ignore"):
            number = float(np.float32(value))
        self.add_value(Summary.Value(tag=tag, simple_value=number), step, wall_time=wall_time)

    def add_value(
        self, value: Summary.Value, step: int = 0, *, wall_time: float | None = None
    ) -> None:
        """Append a summary value of any kind.

        Args:
            value: Tag, content and metadata.
            step: Any int64.
            wall_time: Seconds since the epoch, now if not given.
        """
        time = self._clock.wall() if wall_time is None else wall_time
        self.add(Event(wall_time=time, step=step, summary=Summary(value=[value])))

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        with self._lock:
            self._file.flush()

    def close(self) -> None:
        """Flush and close the file."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> EventFileWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
