"""Read small files beside the event files of a run, and nothing outside the log directory."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

from gpuboard.errors import DataError

# Files that hold the hyperparameters of the run in whose folder they lie.
HPARAM_FILES = ("hparams.yaml", "config.json")


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """What tells whether a file has changed: device, inode, bytes, time of the last change."""

    device: int
    inode: int
    size: int
    modified_ns: int


def mark_of(path: str) -> Mark | None:
    """Return the mark of a file as it is now, None where there is none."""
    try:
        return _mark(os.stat(path))  # noqa: PTH116  twice as fast, for twenty thousand of them
    except (OSError, ValueError):
        return None


def read_side_file(logdir: Path, path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a file below the log directory.

    Args:
        logdir: Links may lead anywhere within it.
        path: The file, below `logdir`.
        max_bytes: Larger files are refused before anything is read.

    Raises:
        DataError: It is no regular file, it lies elsewhere, it is too large or cannot be read.
    """
    try:
        # Opened without waiting: a pipe in place of the file must not hold a thread for good.
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise DataError(error.strerror or str(error)) from error
    try:
        return _read(file, logdir, path, max_bytes)
    except OSError as error:
        raise DataError(error.strerror or str(error)) from error
    finally:
        os.close(file)


def _read(file: int, logdir: Path, path: Path, max_bytes: int) -> bytes:
    opened = os.fstat(file)
    if not stat.S_ISREG(opened.st_mode):
        raise DataError("it is no regular file")
    real = Path(os.path.realpath(path))
    # What was opened and what was checked must be one file, even if a link is turned meanwhile.
    is_same = os.path.samestat(opened, real.stat())
    if not is_same or not real.is_relative_to(os.path.realpath(logdir)):
        raise DataError("a link that leads out of the log directory; it is not followed")
    if opened.st_size > max_bytes:
        raise DataError(f"{opened.st_size:,} bytes, at most {max_bytes:,} are read")
    parts = []
    room = max_bytes + 1
    while room > 0 and (part := os.read(file, room)):
        parts.append(part)
        room -= len(part)
    if room == 0:
        raise DataError(f"more than {max_bytes:,} bytes, which are not read")
    return b"".join(parts)


def _mark(status: os.stat_result) -> Mark:
    return Mark(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
