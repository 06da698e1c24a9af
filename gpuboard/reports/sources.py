"""Find the traces that a person names, and read those that belong together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gpuboard.errors import DataError, GpuboardError, NotFoundError
from gpuboard.profiler.traces.trace import Trace
from gpuboard.profiler.traces.watch import ReadingCancelledError
from gpuboard.reports.text import safe

Progress = Callable[[float, str], None]
IsCancelled = Callable[[], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Files that may be looked at together.

    Attributes:
        name: Of the job, or of the file.
        is_job: Whether they were recorded together, as far as their names say.
    """

    name: str
    files: tuple[Path, ...]
    is_job: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Loaded:
    """A job that was read.

    Attributes:
        unread: File and sentence of each that could not be.
    """

    name: str
    traces: tuple[Trace, ...]
    unread: tuple[tuple[str, str], ...]


def find_sources(paths: Sequence[Path]) -> tuple[Source, ...]:
    """Return what to read: the jobs of each folder, and files, those of one folder together.

    Raises:
        NotFoundError: A path does not exist, or a folder holds no trace.
    """
    from gpuboard.profiler.traces.job import find_jobs

    found: list[Source] = []
    beside: dict[Path, list[Path]] = {}
    for path in paths:
        if path.is_dir():
            jobs = find_jobs(path)
            if not jobs:
                raise NotFoundError(
                    f"{path}: no traces in it; expected *.pt.trace.json(.gz), *.xplane.pb, or an "
                    "export of Nsight Systems to SQLite"
                )
            for job in jobs:
                found += [
                    Source(
                        _named(path, job.name, span.name),
                        tuple(member.file for member in span.members),
                        is_job=True,
                    )
                    for span in job.spans
                ]
        elif path.exists():
            beside.setdefault(path.parent, []).append(path)
        else:
            raise NotFoundError(f"{path}: there is no such file or folder")
    files = [Source(_together(own), tuple(own), is_job=False) for own in beside.values()]
    return (*files, *found)


def load(source: Source, progress: Progress, cancelled: IsCancelled) -> Iterator[Loaded]:
    """Read a source, and yield it in one piece if its traces are of one job, else one by one.

    Args:
        source: What to read.
        progress: Told how far it is from 0 to 1, and which file is read.
        cancelled: Says whether to end.

    Raises:
        ReadingCancelledError: `cancelled` said so.
    """
    read = _read(source.files, progress, cancelled)
    if source.is_job or len(source.files) == 1:
        found = list(read)
        traces = tuple(one for one in found if isinstance(one, Trace))
        yield Loaded(source.name, traces, tuple(one for one in found if isinstance(one, tuple)))
        return
    kept: list[Trace] = []
    unread: list[tuple[str, str]] = []
    for one in read:
        if isinstance(one, tuple):
            unread.append(one)
            continue
        kept.append(one)
        if not _may_be_ranks(kept):
            # Those before are not kept in memory for the sake of those that follow.
            yield from (Loaded(trace.origin.file, (trace,), ()) for trace in kept)
            kept.clear()
            yield from map(_alone, read)
    if kept:
        name = source.name if len(kept) > 1 else kept[0].origin.file
        yield Loaded(name, tuple(kept), ())
    yield from map(_alone, unread)


def _alone(one: Trace | tuple[str, str]) -> Loaded:
    if isinstance(one, tuple):
        return Loaded(one[0], (), (one,))
    return Loaded(one.origin.file, (one,), ())


def _may_be_ranks(traces: Sequence[Trace]) -> bool:
    from gpuboard.profiler.advice.ranks import are_ranks_of_one_job

    if len(traces) == 1:
        return traces[0].origin.rank is not None
    return are_ranks_of_one_job(traces)


def _read(
    files: Sequence[Path], progress: Progress, cancelled: IsCancelled
) -> Iterator[Trace | tuple[str, str]]:
    """Yield each trace, or file and sentence where there is none to be had."""
    from gpuboard.profiler.traces.read import read_trace

    sizes = [_size(file) for file in files]
    whole, done = max(1, sum(sizes)), 0
    for file, size in zip(files, sizes, strict=True):

        def tell(share: float, done: int = done, size: int = size, file: Path = file) -> None:
            progress((done + share * size) / whole, file.name)

        tell(0.0)
        try:
            trace = read_trace(file, progress=tell, cancelled=cancelled)
        except ReadingCancelledError:
            raise
        except (GpuboardError, OSError) as error:
            yield str(file), str(error)
        else:
            yield trace
        done += size


def nothing_read(unread: Sequence[tuple[str, str]]) -> DataError:
    """Return the error for a command of whose files none could be read."""
    first = safe(unread[0][1])
    if len(unread) == 1:
        return NothingReadError(first)
    return NothingReadError(f"none of {len(unread):,} files could be read; the first: {first}")


class NothingReadError(DataError):
    """None of the files of a command could be read."""

    exit_code = 2


def _size(file: Path) -> int:
    try:
        return max(1, file.stat().st_size)
    except OSError:
        return 1


def _named(folder: Path, job: str, span: str) -> str:
    name = str(folder) if job == "." else str(folder / job)
    return f"{name}, {span}" if span else name


def _together(files: Sequence[Path]) -> str:
    return str(files[0]) if len(files) == 1 else str(files[0].parent)
