"""Hold one event file open for appending, and keep it whole whatever the disk does."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections.abc import Callable
from pathlib import Path

_serials = itertools.count()


class EventFile:
    """A new event file of a directory: records are appended whole or not at all.

    Attributes:
        path: Where it lies; named as TensorBoard's writers name theirs.
    """

    def __init__(self, folder: Path, suffix: str, wall_time: float) -> None:
        """Make the file, and its directory where it is missing.

        Args:
            folder: Directory of the run.
            suffix: Put at the end of the name.
            wall_time: Seconds since the epoch; files are told apart by it.

        Raises:
            OSError: The directory or the file cannot be made.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # Padded, since files opened within a second are told apart by the order of their names.
        serial = f"{os.getpid()}.{next(_serials):06d}"
        name = f"events.out.tfevents.{int(wall_time):010d}.{socket.gethostname()}.{serial}{suffix}"
        self.path = folder / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self.path, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
        self._length = 0

    def write(self, records: bytes | bytearray) -> None:
        """Hand records to the operating system.

        Raises:
            OSError: The disk took only a part; that part has been cut off again.
        """
        try:
            self._write_all(memoryview(records))
        except BaseException:
            # Half a record would hide from other readers all that is written after it.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
            raise
        self._length += len(records)

    def _write_all(self, rest: memoryview, write: Callable[..., int] = os.write) -> None:
        while rest:
            rest = rest[write(self._descriptor, rest) :]

    def close(self) -> None:
        """Close the file.

        Raises:
            OSError: The disk reports only now that it could not keep what was written.
        """
        os.close(self._descriptor)
