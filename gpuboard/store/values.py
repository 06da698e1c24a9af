"""Say where the heavy values of a tag lie, and fetch one of them from its file."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gpuboard.errors import DataError
from gpuboard.store.columns import Float64s, Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class Values:
    """Every heavy value of one tag of one run, in file order; the values themselves stay on disk.

    Attributes:
        run: Number of the run.
        tag: Name of the tag, as the catalogue has it.
        kind: What the values are: "image", "histogram" ...
        content: What the plugin that wrote the tag keeps in its metadata.
        wall_time: Seconds since the epoch, shape (n,).
        step: Exact steps as logged, shape (n,).
        offset: First byte of each value in its file, shape (n,).
        length: Its size in bytes, shape (n,).
        form: Which field carries it: a value kind of `gpuboard.eventlog.scan`, int8, shape (n,).
        file: Index into `files`, int32, shape (n,).
        files: The files of the run, in the order in which they were written.
        places: The same files relative to the log directory, as the health page names them.
        writer_start: As in `gpuboard.store.columns.Series`.
        purge_step: As in `gpuboard.store.columns.Series`.
    """

    run: int
    tag: str
    kind: str
    content: bytes
    wall_time: Float64s
    step: Int64s
    offset: Int64s
    length: Int64s
    form: npt.NDArray[np.int8]
    file: npt.NDArray[np.int32]
    files: tuple[Path, ...]
    places: tuple[str, ...]
    writer_start: Int64s
    purge_step: Int64s

    def __len__(self) -> int:
        return len(self.step)


def read(values: Values, place: int) -> bytes:
    """Return the bytes of one value: a `Summary.Value`, or the message of a graph.

    Raises:
        DataError: The file is no longer what it was when it was read.
    """
    path = values.files[values.file[place]]
    where = f"{values.places[values.file[place]]} at byte {values.offset[place]}"
    length = int(values.length[place])
    try:
        data = _read_at(path, int(values.offset[place]), length)
    except OSError as error:
        raise DataError(f"{where}: {error.strerror or error}") from error
    if len(data) != length:
        raise DataError(
            f"{where}: the file ends after {len(data)} of {length} bytes; it was cut or replaced "
            "and will be read anew"
        )
    return data


def _read_at(path: Path, offset: int, length: int) -> bytes:
    # Opened without waiting: a pipe in place of the file must not hold a thread for good.
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(0, "it is no longer a regular file")
        return os.pread(file, length, offset)
    finally:
        os.close(file)
