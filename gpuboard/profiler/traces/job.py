"""Find the traces below a log directory, and which of them were recorded together.

| files | job |
|---|---|
| `worker.1623143089861.pt.trace.json.gz` | all such of one folder: workers and their spans |
| `rank3.json.gz`, `trace_rank-3.json` | all of one folder whose names tell a rank |
| `plugins/profile/RUN/HOST.xplane.pb` | the hosts of RUN; their `HOST.trace.json.gz` hold less |
| other `.json`, `.json.gz` and `.sqlite` that are traces | each alone |
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from gpuboard import limits
from gpuboard.eventlog.discovery import Blocked, FoundFile, is_event_file, walk
from gpuboard.profiler.traces.job_names import TraceName, is_candidate, trace_name
from gpuboard.profiler.traces.job_peek import rank_inside, trace_format
from gpuboard.profiler.traces.sniff import Format
from gpuboard.store.store import natural_key

# Looking into a packed file takes a millisecond.
_MOST_OPENED = 512


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One trace: what one process did during one recording.

    Attributes:
        format: As it seems; reading tells for sure.
        worker: What its name calls the process.
        rank: As its name or its first bytes have it, None where neither does.
        bytes: Size of the file.
        modified: Seconds since the epoch.
    """

    file: Path
    format: Format
    worker: str
    rank: int | None
    bytes: int
    modified: float


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """What the processes of a job recorded at one time.

    Attributes:
        name: "" where the job has no other.
        time: When it was recorded, seconds since the epoch, None where the names do not say.
        members: By rank, then by worker.
    """

    name: str
    time: float | None
    members: tuple[Member, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """Traces that were recorded together.

    Attributes:
        name: Path of their folder, or of the only file, relative to the log directory.
        run: The run of the event log that it lies in, "." if it lies in none.
        spans: In order of time.
    """

    name: str
    run: str
    spans: tuple[Span, ...]

    @property
    def members(self) -> tuple[Member, ...]:
        """The members of all spans."""
        return tuple(member for span in self.spans for member in span.members)


def find_jobs(logdir: Path) -> tuple[Job, ...]:
    """Return the jobs below a log directory in natural order; a single file is a job of one."""
    return search(logdir)[0]


def search(logdir: Path) -> tuple[tuple[Job, ...], tuple[Blocked, ...]]:
    """Return the jobs below a log directory, and the places that could not be searched."""
    if logdir.is_file():
        return _only(logdir), ()
    runs: set[str] = set()
    found: list[FoundFile] = []
    blocked: list[Blocked] = []
    for item in walk(logdir, lambda name: is_event_file(name) or is_candidate(name)):
        if isinstance(item, Blocked):
            blocked.append(item)
        elif is_event_file(item.path.name):
            runs.add(item.run)
        else:
            found.append(item)
    if len(found) > limits.MAX_TRACE_JOBS.value:
        reason = (
            f"more than {limits.MAX_TRACE_JOBS.value:,} files that may be traces "
            f"({limits.MAX_TRACE_JOBS.name}); further ones are not shown"
        )
        blocked.append(Blocked(".", reason))
        del found[limits.MAX_TRACE_JOBS.value :]
    jobs = [job for folder in _by_folder(found) for job in _jobs(folder, runs)]
    return tuple(sorted(jobs, key=lambda job: natural_key(job.name))), tuple(blocked)


@dataclasses.dataclass(frozen=True, slots=True)
class _Named:
    file: FoundFile
    name: TraceName
    format: Format


def _only(file: Path) -> tuple[Job, ...]:
    status = file.stat()
    name = trace_name(file.name)
    member = Member(
        file=file,
        format=trace_format(file, status.st_size, status.st_mtime_ns) or name.format,
        worker=name.worker,
        rank=name.rank,
        bytes=status.st_size,
        modified=status.st_mtime,
    )
    return (Job(file.name, ".", (Span("", name.time, (member,)),)),)


def _by_folder(found: Iterable[FoundFile]) -> Iterable[list[FoundFile]]:
    folders: dict[str, list[FoundFile]] = {}
    for file in found:
        folders.setdefault(file.run, []).append(file)
    return folders.values()


def _jobs(files: list[FoundFile], runs: set[str]) -> list[Job]:
    """Return the jobs of one folder."""
    named = [n for n in map(_named, _without_twins(files)) if n is not None]
    together = [n for n in named if n.name.is_of_job or n.name.rank is not None]
    alone = [n for n in named if not (n.name.is_of_job or n.name.rank is not None)]
    folder = files[0].run
    run = _run_of(folder, runs)
    jobs = [Job(_path(n), run, (_span("", [n]),)) for n in alone]
    if together:
        jobs.append(Job(folder, run, _spans(together)))
    return jobs


def _named(file: FoundFile) -> _Named | None:
    name = trace_name(file.path.name)
    form = name.format
    if not name.is_of_job:
        seen = trace_format(file.path, file.size, int(file.modified * 1e9))
        if seen is None:
            return None
        form = seen
    return _Named(file, name, form)


def _without_twins(files: list[FoundFile]) -> list[FoundFile]:
    """Leave out the JSON of what lies beside it as XPlane: it is cut after a million events."""
    hosts = {f.path.name.partition(".xplane.pb")[0] for f in files if ".xplane.pb" in f.path.name}
    if not hosts:
        return files
    twins = {f"{host}.trace.json" for host in hosts} | {"perfetto_trace.json"}
    return [f for f in files if f.path.name.removesuffix(".gz") not in twins]


def _path(named: _Named) -> str:
    folder = named.file.run
    return named.file.path.name if folder == "." else f"{folder}/{named.file.path.name}"


def _run_of(folder: str, runs: set[str]) -> str:
    """Return the nearest run that a folder is, or lies in."""
    for place in (PurePosixPath(folder), *PurePosixPath(folder).parents):
        if str(place) in runs:
            return str(place)
    return "."


def _spans(named: list[_Named]) -> tuple[Span, ...]:
    """Sort the traces of a job into spans: by step if all tell one, else each worker's in order."""
    steps = {n.name.step for n in named}
    spans: dict[int, list[_Named]] = {}
    if None not in steps:
        for n in named:
            spans.setdefault(n.name.step or 0, []).append(n)
        names = {step: f"step {step}" for step in spans}
    else:
        workers: dict[str, list[_Named]] = {}
        for n in sorted(named, key=lambda n: (n.name.time or 0.0, n.file.path.name)):
            workers.setdefault(n.name.worker, []).append(n)
        for own in workers.values():
            for number, n in enumerate(own):
                spans.setdefault(number, []).append(n)
        names = {number: str(number + 1) for number in spans}
    if len(spans) == 1:
        names = dict.fromkeys(spans, "")
    return tuple(_span(names[key], spans[key]) for key in sorted(spans))


def _span(name: str, named: list[_Named]) -> Span:
    times = [n.name.time for n in named if n.name.time is not None]
    members = [_member(n, is_alone=len(named) == 1 or len(named) > _MOST_OPENED) for n in named]
    members.sort(key=lambda m: (m.rank is None, m.rank or 0, natural_key(m.worker)))
    return Span(name, min(times, default=None), tuple(members))


def _member(named: _Named, *, is_alone: bool) -> Member:
    file, rank = named.file, named.name.rank
    if rank is None and not is_alone and named.format == "json":
        rank = rank_inside(file.path, file.size, int(file.modified * 1e9))
    return Member(file.path, named.format, named.name.worker, rank, file.size, file.modified)
