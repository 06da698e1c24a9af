"""Read a trace file of any format; its first bytes tell which, whatever its name."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from gpuboard.errors import DataError, InputError, NotFoundError
from gpuboard.profiler.traces import cache as kept
from gpuboard.profiler.traces.sniff import Format, sniff
from gpuboard.profiler.traces.trace import Trace
from gpuboard.profiler.traces.watch import Watch


def read_trace(
    path: Path,
    *,
    progress: Callable[[float], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
    cache: bool = True,
) -> Trace:
    """Read a trace: Chrome's JSON as PyTorch writes it, XPlane, or Nsight Systems' SQLite.

    Args:
        path: The file, plain or (but for SQLite) gzip.
        progress: Told how far it is, from 0 to 1.
        cancelled: Says whether to end.
        cache: Whether to look for the columns of an earlier reading, and to keep them.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is a folder or the like.
        DataError: It is none of these formats, or nothing in it can be read; the text says what it
            is and what to do.
        ReadingCancelledError: `cancelled` said so.
    """
    path = Path(path)
    _check(path)
    key = kept.key_of(path) if cache else None
    trace = None if key is None else kept.load(key)
    if trace is None:
        trace = _reader(sniff(path))(path, progress=progress, cancelled=cancelled)
        if key is not None:
            kept.save(path, key, trace)
    Watch(progress, cancelled).at(1.0)
    return trace


def _check(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: there is no such file") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: a folder; name one of the traces in it")
    if not stat.S_ISREG(mode):
        # Reading from a pipe or a device might never end.
        raise InputError(f"{path}: no regular file; copy the trace into one")


def _reader(form: Format) -> Callable[..., Trace]:
    """Return what reads a format; compiled readers are loaded when first needed."""
    if form == "json":
        from gpuboard.profiler.traces.kineto import read_kineto

        return read_kineto
    if form == "xplane":
        from gpuboard.profiler.traces.xplane import read_xplane

        return read_xplane
    from gpuboard.profiler.traces.nsys import read_nsys

    return read_nsys
