"""Keep the traces of one log directory: find them, read each once, remember what they add up to.

A page opens a trace by its id, which is made of its path below the log directory. Reading is a
job with progress (`Profiles.open`); every data route waits for it (`Profiles.loaded`). What a
route works out of a trace is kept with it (`LoadedTrace.derived`), computed once even when several
ask at a time, and goes with the trace: the one used longest ago when memory runs short, or the one
whose file has changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gpuboard import limits
from gpuboard.errors import GpuboardError, NotFoundError

if TYPE_CHECKING:
    from gpuboard.profiler.figures.launches import Launches
    from gpuboard.profiler.figures.nesting import Nesting
    from gpuboard.profiler.timeline.levels import Timeline
    from gpuboard.profiler.timeline.links import Links
    from gpuboard.profiler.traces.trace import Trace
    from gpuboard.serve.jobs import Job, Jobs
    from gpuboard.serve.worker import Report
    from gpuboard.store.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_AGAIN_S = 3.0
GLANCE_S = 10.0
FAILED_S = 2.0  # so long a failure is told to all who wait for the trace, before it is tried again
FIRST_GLANCE_S = 0.2
RECENT = 8  # results of searches and the like, kept for each trace
READING = 0.9  # part of the work of opening a trace


@dataclasses.dataclass(frozen=True, slots=True)
class TraceEntry:
    """One trace file that can be opened.

    Attributes:
        id: What addresses call it: the same after a restart of the server.
        job: Id of the job that it belongs to.
        job_name: What people call the job.
        run: Name of the run in whose folder it lies, "." for none.
        worker: What the file's name says of who wrote it.
        span: Which recording of the job it is, from 0.
        span_name: What the recording is called, "" where there is only one.
        rank: As the name or the beginning of the file says, None where neither does.
        place: Path below the log directory.
        bytes: Size of the file.
    """

    id: str
    job: str
    job_name: str
    run: str
    worker: str
    span: int
    span_name: str
    rank: int | None
    place: str
    bytes: int
    path: Path


class LoadedTrace:
    """A trace in memory, and what was worked out of it.

    Attributes:
        entry: Which one it is.
        trace: Its columns.
    """

    def __init__(
        self,
        entry: TraceEntry,
        trace: Trace,
        mark: Hashable,
        grown: Callable[[], object] = lambda: None,
    ) -> None:
        """Take a trace as it was read.

        Args:
            entry: Which one it is.
            trace: Its columns.
            mark: Differs once the file has changed.
            grown: Called when more memory is in use.
        """
        self.entry = entry
        self.trace = trace
        self.mark = mark
        self._grown = grown
        self._lock = threading.Lock()
        self._kept: dict[Hashable, Future[Any]] = {}
        self._recent: OrderedDict[Hashable, Any] = OrderedDict()
        self._seen: set[int] = set()
        self.bytes = _bytes_of(trace, self._seen)

    def derived(self, name: Hashable, fn: Callable[[Trace], T]) -> T:
        """Return `fn(trace)`, computed once for each name and kept as long as the trace.

        Those who ask while it is computed wait for it. What `fn` raises reaches all of them and
        is not kept. Any number of threads may ask.
        """
        with self._lock:
            known = self._kept.get(name)
            mine: Future[Any] = self._kept.setdefault(name, Future())
        if known is not None:
            found: T = known.result()
            return found
        try:
            value = fn(self.trace)
        except BaseException as error:
            with self._lock:
                del self._kept[name]
            mine.set_exception(error)
            raise
        mine.set_result(value)
        with self._lock:
            self.bytes += _bytes_of(value, self._seen)
        self._grown()
        return value

    def recent(self, name: Hashable, fn: Callable[[Trace], T]) -> T:
        """Return `fn(trace)`, kept until eight others have been asked for."""
        with self._lock:
            if name in self._recent:
                self._recent.move_to_end(name)
                known: T = self._recent[name]
                return known
        value = fn(self.trace)
        with self._lock:
            self._recent[name] = value
            while len(self._recent) > RECENT:
                self._recent.popitem(last=False)
        return value

    @property
    def nesting(self) -> Nesting:
        """Which slice lies in which."""
        from gpuboard.profiler.figures.nesting import nest

        return self.derived("nesting", nest)

    @property
    def timeline(self) -> Timeline:
        """Lanes and levels of detail."""
        from gpuboard.profiler.timeline.levels import build

        return self.derived("timeline", lambda trace: build(trace, self.nesting))

    @property
    def launches(self) -> Launches:
        """Which call launched which work."""
        from gpuboard.profiler.figures.launches import join

        return self.derived("launches", lambda trace: join(trace, self.nesting))

    @property
    def links(self) -> Links:
        """What belongs together, both ways."""
        from gpuboard.profiler.timeline.links import links

        return self.derived("links", lambda trace: links(trace, self.launches))


class Profiles:
    """The traces below one log directory; any number of threads may ask."""

    def __init__(self, logdir: Path, max_bytes: int = limits.MAX_KEPT_TRACE_BYTES.value) -> None:
        self._logdir = logdir
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, LoadedTrace] = OrderedDict()
        self._failures: dict[str, tuple[float, Hashable, GpuboardError]] = {}
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._found: tuple[float, tuple[TraceEntry, ...]] = (-1e9, ())

    def entries(self) -> tuple[TraceEntry, ...]:
        """Return all traces that can be opened, by job, recording and rank; 3 s old at most."""
        with self._looking:
            looked_at, found = self._found
            if time.monotonic() - looked_at > LOOK_AGAIN_S:
                found = tuple(find_entries(self._logdir))
                self._found = time.monotonic(), found
            return found

    def has_any(self) -> bool:
        """Return whether there were traces when it was last looked, without waiting for disks.

        The first time it waits for a moment; after that a thread looks again now and then.
        """
        looked_at = self._found[0]
        if time.monotonic() - looked_at > GLANCE_S and not self._looking.locked():
            look = threading.Thread(target=self._glance, name="gpuboard-traces", daemon=True)
            look.start()
            if looked_at < 0:
                look.join(FIRST_GLANCE_S)
        return bool(self._found[1])

    def _glance(self) -> None:
        try:
            self.entries()
        except (GpuboardError, OSError) as error:
            log.warning("traces below %s cannot be listed: %s", self._logdir, error)

    def entry(self, trace_id: str) -> TraceEntry:
        """Return the trace of an id.

        Raises:
            NotFoundError: There is none, or no longer.
        """
        for entry in self.entries():
            if entry.id == trace_id:
                return entry
        raise NotFoundError(
            f"trace: there is no trace {trace_id[:40]!r}; api/v1/profile/jobs lists those"
        )

    def kept(self, trace_id: str) -> LoadedTrace | None:
        """Return a trace that is in memory and as its file is now, None for any other."""
        with self._lock:
            loaded = self._kept.get(trace_id)
            if loaded is None:
                return None
            if _mark(loaded.entry.path) != loaded.mark:
                del self._kept[trace_id]
                return None
            self._kept.move_to_end(trace_id)
            return loaded

    def failure(self, entry: TraceEntry) -> GpuboardError | None:
        """Return why reading a trace has just failed, None where it has not, or long ago."""
        failed_at, mark, error = self._failures.get(entry.id, (-1e9, None, None))
        is_fresh = time.monotonic() - failed_at < FAILED_S and mark == _mark(entry.path)
        return error if is_fresh else None

    def open(self, jobs: Jobs, entry: TraceEntry) -> Job:
        """Return the job that reads a trace; its result is a `LoadedTrace`."""
        mark = _mark(entry.path)
        return jobs.submit(("trace", entry.id, mark), self._open, entry, mark, where="long")

    async def find(self, jobs: Jobs, trace_id: str) -> TraceEntry:
        """Return the trace of an id; disks are looked at in a thread, and only where needed.

        Raises:
            NotFoundError: There is none, or no longer.
        """
        known = next((entry for entry in self._found[1] if entry.id == trace_id), None)
        return known if known is not None else await jobs.run(self.entry, trace_id)

    async def loaded(self, jobs: Jobs, trace_id: str) -> LoadedTrace:
        """Return a trace, read first where it is not in memory.

        Raises:
            NotFoundError: There is no such trace.
            DataError: Its file cannot be read.
        """
        found = self.kept(trace_id)
        if found is None:
            entry = await self.find(jobs, trace_id)
            found = await self.open(jobs, entry).wait()
        return found

    def _open(self, report: Report, entry: TraceEntry, mark: Hashable) -> LoadedTrace:
        from gpuboard.serve.jobs import JobCancelledError

        known = self.kept(entry.id)
        if known is not None:
            return known
        try:
            return self._read(report, entry, mark)
        except JobCancelledError:
            raise
        except GpuboardError as error:
            self._failures[entry.id] = time.monotonic(), mark, error
            raise

    def _read(self, report: Report, entry: TraceEntry, mark: Hashable) -> LoadedTrace:
        trace = read(entry.path, lambda fraction: report(READING * fraction, "reading the trace"))
        report(READING, "arranging the timeline")
        loaded = LoadedTrace(entry, trace, mark, self._make_room)
        loaded.timeline  # noqa: B018 - what every page needs first
        with self._lock:
            self._kept[entry.id] = loaded
            self._kept.move_to_end(entry.id)
        self._make_room()
        return loaded

    def _make_room(self) -> None:
        with self._lock:
            while len(self._kept) > 1 and sum(t.bytes for t in self._kept.values()) > (
                self._max_bytes
            ):
                self._kept.popitem(last=False)


def read(path: Path, progress: Callable[[float], object]) -> Trace:
    """Read a trace of any format."""
    from gpuboard.profiler.traces.read import read_trace

    return read_trace(path, progress=progress)


def find_entries(logdir: Path) -> list[TraceEntry]:
    """Return the traces below a log directory, by job, recording and rank."""
    from gpuboard.profiler.traces.job import find_jobs

    return [
        TraceEntry(
            id=id_of(_place(member.file, logdir)),
            job=id_of(job.name),
            job_name=job.name,
            run=job.run,
            worker=member.worker,
            span=number,
            span_name=span.name,
            rank=member.rank,
            place=_place(member.file, logdir),
            bytes=member.bytes,
            path=member.file,
        )
        for job in find_jobs(logdir)
        for number, span in enumerate(job.spans)
        for member in span.members
    ]


def _place(file: Path, logdir: Path) -> str:
    folder = logdir.parent if logdir.is_file() else logdir
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.as_posix()


def id_of(text: str) -> str:
    """Return a short text that stands for a path in addresses."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _mark(path: Path) -> Hashable:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


def _bytes_of(value: object, seen: set[int]) -> int:
    """Return how much memory the arrays and texts in a result take, each array once."""
    if isinstance(value, np.ndarray):
        while isinstance(value.base, np.ndarray):
            value = value.base
        if id(value) in seen:
            return 0
        seen.add(id(value))
        return value.nbytes
    if isinstance(value, str):
        return 50 + len(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return sum(_bytes_of(getattr(value, f.name), seen) for f in dataclasses.fields(value))
    if isinstance(value, dict):
        return sum(_bytes_of(item, seen) for item in value.values())
    if isinstance(value, tuple | list):
        if id(value) in seen:
            return 0
        seen.add(id(value))
        return sum(_bytes_of(item, seen) for item in value)
    return 8


_all: weakref.WeakKeyDictionary[Any, Profiles] = weakref.WeakKeyDictionary()


def profiles_of(store: Store) -> Profiles:
    """Return the traces of the log directory of `store`; they go when the store goes."""
    found = _all.get(store)
    return found if found is not None else _all.setdefault(store, Profiles(store.logdir))
