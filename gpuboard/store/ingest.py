"""Bring what grows on disk into the store: one pass looks, reads what changed, and returns.

A file that cannot be read, or whose directory vanished, never holds up the others.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path, PurePosixPath
from typing import Protocol

from gpuboard.clock import Clock
from gpuboard.eventlog import reader
from gpuboard.eventlog.discovery import Blocked, FoundFile, discover
from gpuboard.eventlog.reader import Finding, LogFile
from gpuboard.eventlog.warm import warm
from gpuboard.store.columns import Problem, Progress
from gpuboard.store.run import FileContent, Run

_log = logging.getLogger(__name__)

# From this size on a file is scanned by all cores together; smaller ones a core each.
_SHARED_BYTES = 4 * reader.CHUNK_BYTES
_MAX_BACKOFF_S = 60.0
_PUBLISH_S = 0.25
# A series in so many pieces is slow to hand out; joining them costs as much memory again.
_MANY_BLOCKS = 64


@dataclasses.dataclass(slots=True)
class _Tracked:
    """One file on its way into the store; only one thread at a time works on it."""

    run: Run
    log: LogFile
    found: FoundFile
    content: FileContent
    seen: tuple[int, float, tuple[int, int]] | None = None  # size, mtime, identity last read
    restarts: int = 0  # of `log`, so far as `content` has followed
    failures: int = 0
    retry_at: float = 0.0


class Sink(Protocol):
    """The store as ingestion sees it: it makes runs, and is told what changed."""

    @property
    def logdir(self) -> Path:
        """Return the log directory."""

    def add_runs(self, names: Iterable[str]) -> list[Run]:
        """Return new runs, which readers see once they are touched."""

    def touch(self, run: Run | None = None) -> None:
        """Make a change visible."""

    def set_notices(self, notices: tuple[Problem, ...]) -> None:
        """Replace the problems that belong to no run."""

    def set_progress(self, progress: Progress) -> None:
        """Replace what readers see of the progress."""


class Ingest:
    """Reads event files into a store, all cores at work, the newest files first."""

    def __init__(self, store: Sink, *, clock: Clock, workers: int = 0) -> None:
        self._store = store
        self._clock = clock
        self._workers = workers or os.cpu_count() or 1
        self._files: dict[str, _Tracked] = {}
        self._runs: dict[str, Run] = {}
        self._readers = ThreadPoolExecutor(self._workers, "gpuboard-read")
        self._scanners = ThreadPoolExecutor(self._workers, "gpuboard-scan")
        self._cancelled = threading.Event()
        self._is_warm = False
        self._reported = -math.inf

    def cancel(self) -> None:
        """Let a pass that is under way end early, and take no further one."""
        self._cancelled.set()

    def run_once(self) -> None:
        """Look at the directory once and read everything that changed since the last look."""
        found, blocked = self._look()
        self._store.set_notices(tuple(Problem(b.path, 0, "blocked", b.reason) for b in blocked))
        self._mark_deleted(found, blocked)
        work = self._changed(found)
        if work and not self._is_warm:
            self._store.set_progress(self._progress("compiling"))
            warm()
            self._is_warm = True
        if work:
            self._store.set_progress(self._progress("reading"))
            # A future for each of ten thousand files would take more than what is kept of them.
            left = iter(work)
            wait([self._readers.submit(self._read_all, left) for _ in range(self._workers)])
        self._store.set_progress(self._progress("watching"))

    def _look(self) -> tuple[dict[str, FoundFile], list[Blocked]]:
        found: dict[str, FoundFile] = {}
        blocked: list[Blocked] = []
        for item in discover(self._store.logdir):
            if isinstance(item, Blocked):
                blocked.append(item)
            else:
                found[str(item.path)] = item
        return found, blocked

    def _mark_deleted(self, found: dict[str, FoundFile], blocked: list[Blocked]) -> None:
        for path in self._files.keys() - found.keys():
            tracked = self._files[path]
            if not tracked.content.is_deleted and not _is_out_of_sight(tracked, blocked):
                tracked.content = dataclasses.replace(tracked.content, is_deleted=True)
                tracked.seen = None
                self._publish(tracked)

    def _changed(self, found: dict[str, FoundFile]) -> list[_Tracked]:
        """Return the files to read, those written last in front."""
        self._add_runs(found)
        work = []
        now = self._clock.monotonic()
        for path, item in found.items():
            tracked = self._files.get(path)
            if tracked is None:
                run = self._runs[item.run]
                content = FileContent(item.path.name, modified=item.modified)
                tracked = _Tracked(run, LogFile(item.path, run.names), item, content)
                self._files[path] = tracked
            tracked.found = item
            if now >= tracked.retry_at and self._is_due(tracked):
                work.append(tracked)
        work.sort(key=lambda tracked: -tracked.found.modified)
        return work

    def _add_runs(self, found: dict[str, FoundFile]) -> None:
        names = {item.run for item in found.values()} - self._runs.keys()
        for run in self._store.add_runs(sorted(names)):
            self._runs[run.name] = run

    def _is_due(self, tracked: _Tracked) -> bool:
        found, log = tracked.found, tracked.log
        if tracked.seen != (found.size, found.modified, found.identity):
            return True
        # Unfinished bytes are judged again, once, when their writer has been silent for long.
        is_unfinished = log.offset < found.size and log.pending is None
        return is_unfinished and self._clock.wall() - found.modified > reader.PATIENCE_S

    def _read_all(self, left: Iterator[_Tracked]) -> None:
        """Read the next of the files that no other thread has taken, until none is left."""
        for tracked in left:
            self._read(tracked)

    def _read(self, tracked: _Tracked) -> None:
        """Read one file to its present end; failures are noted and tried again later."""
        found = tracked.found
        try:
            self._read_pieces(tracked)
        except OSError as error:
            self._postpone(tracked, error.strerror or str(error))
        except Exception as error:  # noqa: BLE001  the border of a job
            # Without this the pool would swallow the error.
            _log.exception("reading %s failed", found.path)
            self._postpone(tracked, f"{type(error).__name__}; the server's log says where")
        else:
            tracked.failures = 0
            tracked.retry_at = 0.0
            if not self._cancelled.is_set():
                tracked.seen = (found.size, found.modified, found.identity)
            tracked.content = dataclasses.replace(
                tracked.content,
                pending=tracked.log.pending,
                modified=tracked.log.modified,
                is_deleted=False,
            )
        self._publish(tracked)
        if len(tracked.content.scalars) > _MANY_BLOCKS:
            tracked.content = tracked.content.tidied()
            self._publish(tracked)
        self._report_progress()

    def _postpone(self, tracked: _Tracked, reason: str) -> None:
        tracked.failures += 1
        pause = min(_MAX_BACKOFF_S, 2.0 ** min(tracked.failures - 1, 10))
        tracked.retry_at = self._clock.monotonic() + pause
        trouble = Finding(tracked.log.offset, "unreadable", reason)
        tracked.content = dataclasses.replace(tracked.content, pending=trouble)

    def _read_pieces(self, tracked: _Tracked) -> None:
        log = tracked.log
        is_large = tracked.found.size - log.offset > _SHARED_BYTES
        submit = self._scanners.submit if is_large else None
        published = self._clock.monotonic()
        for piece in log.read(self._clock.wall(), submit, ahead=self._workers + 1):
            self._start_over(tracked)
            tracked.content = tracked.content.extended(piece)
            if self._clock.monotonic() - published > _PUBLISH_S:
                self._publish(tracked)
                self._report_progress()
                published = self._clock.monotonic()
            if self._cancelled.is_set():
                return
        self._start_over(tracked)

    def _start_over(self, tracked: _Tracked) -> None:
        """Forget what a replaced file held."""
        if tracked.log.restarts != tracked.restarts:
            tracked.restarts = tracked.log.restarts
            replaced = Finding(0, "replaced")
            tracked.content = FileContent(
                tracked.content.name, findings=(replaced,), findings_total=1
            )

    def _publish(self, tracked: _Tracked) -> None:
        tracked.run.put(tracked.content)
        self._store.touch(tracked.run)

    def _report_progress(self) -> None:
        # Summing over all files after each of ten thousand would take longer than reading them.
        now = self._clock.monotonic()
        if now - self._reported > _PUBLISH_S:
            self._reported = now
            self._store.set_progress(self._progress("reading"))

    def _progress(self, phase: str) -> Progress:
        files = list(self._files.values())
        return Progress(
            phase=phase,
            bytes_done=sum(min(t.log.offset, t.found.size) for t in files),
            bytes_total=sum(t.found.size for t in files if not t.content.is_deleted),
            files=len(files),
        )


def _is_out_of_sight(tracked: _Tracked, blocked: list[Blocked]) -> bool:
    """Tell whether a file that was not found may still be there, where nobody could look."""
    path = PurePosixPath(tracked.run.name) / tracked.found.path.name
    places = {str(path), *map(str, path.parents)}
    return any(b.path in places and not b.is_gone for b in blocked)
