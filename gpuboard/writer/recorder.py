"""Hold the event files of one run: made, filled, flushed and closed together."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gpuboard.eventlog.scalar_records import ScalarSeries
from gpuboard.writer.file_writer import FileWriter

if TYPE_CHECKING:
    from gpuboard.eventlog.proto.event_pb2 import Event, Summary

BYTES_OF_A_VALUE = 1000  # what a summary without an array takes while it waits


class Recorder:
    """What all `add_*` methods share.

    Attributes:
        log_dir: Directory of the run.
        purge_step: Tell readers that what was logged before, at this step and later, is void.
        file_writer: Writes the run's own file, None when closed.
        all_writers: That one and those of `add_scalars`, by directory; None when closed.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        """Make the run's directory and its event file.

        Args:
            log_dir: Directory of the run; `runs/DATE_TIME_HOST` followed by `comment` if not given.
            comment: Put at the end of that name.
            purge_step: For a run that goes on from a checkpoint in the same directory: points at
                this step and later, of the files before, are superseded.
            max_queue: Values that may wait to be written at the most. Taken for compatibility:
                they are written within a twentieth of a second, however many there are.
            flush_secs: Seconds after which values are written at the latest.
            filename_suffix: Put at the end of the names of event files.

        Raises:
            OSError: The directory or the file cannot be made.
        """
        if not log_dir:
            now = datetime.datetime.now().astimezone().strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")  # noqa: PTH118
        self.log_dir = log_dir
        self.purge_step = purge_step
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        self.file_writer: FileWriter | None = None
        self.all_writers: dict[str, FileWriter] | None = None
        self._get_file_writer()

    def _get_file_writer(self) -> FileWriter:
        """Return the writer of the run's own file; a closed one is replaced by a new file."""
        if self.file_writer is not None:
            return self.file_writer
        made = self._new_file(self.log_dir)
        self.file_writer, self.all_writers = made, {made.get_logdir(): made}
        # What `add_scalar` looks up: series by tag, and where their points go.
        self._series: dict[str, ScalarSeries] = {}
        self._waiting = made.waiting
        if self.purge_step is not None:
            self._purge(made, self.purge_step)
            self.purge_step = None
        return made

    def _new_file(self, folder: str | os.PathLike[str]) -> FileWriter:
        return FileWriter(folder, self.max_queue, self.flush_secs, self.filename_suffix)

    @staticmethod
    def _purge(file: FileWriter, step: int) -> None:
        from gpuboard.eventlog.proto.event_pb2 import Event, SessionLog

        file.add_event(Event(file_version="brain.Event:2"), step)
        file.add_event(Event(session_log=SessionLog(status=SessionLog.START)), step)

    def get_logdir(self) -> str | os.PathLike[str]:
        """Return the directory in which event files are written."""
        return self.log_dir

    def flush(self) -> None:
        """Hand everything that was logged to the operating system; return when it has taken it.

        Raises:
            OSError: The disk did not take something since the last call; that is lost.
            DataError: Something could not be encoded since the last call; that is lost.
        """
        self._of_all(FileWriter.flush)

    def close(self) -> None:
        """Flush and close all files; what is logged afterwards goes to a new one.

        Raises:
            OSError: As for `flush`.
            DataError: As for `flush`.
        """
        files = self.all_writers
        if files is None:
            return
        # Empty, so that `add_scalar` asks for a file.
        self._series = {}
        try:
            self._of_all(FileWriter.close)
        finally:
            self.file_writer = self.all_writers = None

    def _of_all(self, act: Callable[[FileWriter], None]) -> None:
        """Do the same to all files, and raise what failed first."""
        errors: list[Exception] = []
        for file in tuple((self.all_writers or {}).values()):
            try:
                act(file)
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
        if errors:
            raise errors[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What went wrong in the block is worth more than that the disk is full.
        with contextlib.suppress(*(() if kind is None else (Exception,))):
            self.close()

    def __del__(self) -> None:
        for file in tuple((getattr(self, "all_writers", None) or {}).values()):
            file.abandon()

    def _add(
        self,
        make_values: Callable[[], Sequence[Summary.Value]],
        step: int | None,
        walltime: float | None,
        nbytes: int = BYTES_OF_A_VALUE,
    ) -> None:
        def make_event() -> Event:
            from gpuboard.eventlog.proto.event_pb2 import Event, Summary

            return Event(summary=Summary(value=make_values()))

        self._get_file_writer().put(make_event, step, walltime, nbytes)
