"""Write points into the event files of one run, a new file from time to time, the oldest going."""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
from collections.abc import Iterable
from pathlib import Path

from gpuboard.clock import Clock
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Event, Summary
from gpuboard.profiler.hardware.thinning import Point

log = logging.getLogger(__name__)

# After a file that could not be written, the disk is left alone for so long.
TRY_AGAIN_S = 60.0


class RunFiles:
    """The event files of one run directory.

    All values of one moment share an event. Its step is the moment in milliseconds since the
    epoch, so that the runs of several hosts line up by step too; steps only grow, whatever the
    clock does.

    Args:
        run: The directory, made with the first point.
        file_bytes: A longer file is followed by a new one.
        cap_bytes: The oldest files go when all together are longer; None keeps all.
        clock: Where the time comes from.

    Attributes:
        problem: Why nothing is written at present, or "".
        dropped: Points that could not be written.
        removed: Files that went.
    """

    def __init__(self, run: Path, *, file_bytes: int, cap_bytes: int | None, clock: Clock) -> None:
        self._run = run
        self._file_bytes = file_bytes
        self._cap = cap_bytes
        self._clock = clock
        self._writer: EventFileWriter | None = None
        self._step = 0
        self._try_at = 0.0
        self.problem = ""
        self.dropped = 0
        self.removed = 0

    def write(self, points: Iterable[Point]) -> None:
        """Append points and hand them to the operating system; never raises for the disk."""
        ordered = sorted(points, key=lambda point: point[0])
        if not ordered:
            return
        if self.problem and self._clock.monotonic() < self._try_at:
            self.dropped += len(ordered)
            return
        try:
            self._append(ordered)
            self.problem = ""
        except OSError as error:
            self._give_up(error, len(ordered))

    def add(self, value: Summary.Value) -> None:
        """Append a value of any kind at the present time; never raises for the disk."""
        try:
            writer = self._opened()
            writer.add_value(value, self._next_step(self._clock.wall()))
            writer.flush()
        except OSError as error:
            self._give_up(error, 1)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()
            self._writer = None

    def _append(self, ordered: list[Point]) -> None:
        writer = self._opened()
        for wall, group in itertools.groupby(ordered, key=lambda point: point[0]):
            values = [Summary.Value(tag=tag, simple_value=value) for _, tag, value in group]
            step = self._next_step(wall)
            writer.add(Event(wall_time=wall, step=step, summary=Summary(value=values)))
        writer.flush()
        if writer.path.stat().st_size >= self._file_bytes:
            self.close()
            self._remove_oldest()

    def _next_step(self, wall: float) -> int:
        self._step = max(self._step + 1, int(wall * 1000))
        return self._step

    def _opened(self) -> EventFileWriter:
        if self._writer is None:
            self._writer = EventFileWriter(self._run, clock=self._clock)
        return self._writer

    def _remove_oldest(self) -> None:
        if self._cap is None:
            return
        # Files of other hosts or tools in this directory are none of ours.
        mine = f"events.out.tfevents.*.{socket.gethostname()}.*"
        files = [(path, path.stat().st_size) for path in sorted(self._run.glob(mine))]
        total = sum(size for _, size in files)
        for path, size in files:
            if total <= self._cap:
                return
            path.unlink()
            total -= size
            self.removed += 1
            log.info("%s was removed: its minutes and hours stay in the runs beside it", path)

    def _give_up(self, error: OSError, points: int) -> None:
        self.close()
        self.dropped += points
        self._try_at = self._clock.monotonic() + TRY_AGAIN_S
        problem = f"{self._run} cannot be written: {error.strerror or error}"
        if problem != self.problem:
            log.warning("%s; it is tried again every minute", problem)
        self.problem = problem
