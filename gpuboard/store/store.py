"""Hold every point of every run, and answer readers from snapshots while logs grow.

Nothing heavy is imported here: the compiled readers are loaded by the thread that ingests, so
that a server can answer its first page before they are there.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gpuboard import limits
from gpuboard.clock import Clock, SystemClock
from gpuboard.errors import InputError, NotFoundError
from gpuboard.store.columns import Catalogue, Problem, Progress, RunInfo, Series
from gpuboard.store.long_series import LongSeries

if TYPE_CHECKING:
    from gpuboard.store.ingest import Ingest
    from gpuboard.store.run import Run
    from gpuboard.store.values import Values

# A run that nobody wrote to for so long is shown as done.
LIVE_S = 300.0
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)", re.ASCII)


def natural_key(name: str) -> list[tuple[int, int, str, str]]:
    """Return a sort key that puts "run10" behind "run9" and "lr0.01" behind "lr0.003"."""
    parts = _NUMBER.split(name)
    # Every second part is a number.
    return [
        _number_key(part) if place % 2 else (1, 0, part, "")
        for place, part in enumerate(parts)
        if part
    ]


def _number_key(number: str) -> tuple[int, int, str, str]:
    whole, _, fraction = number.partition(".")
    # Of two whole numbers the longer one is the larger, of two fractions the later in a dictionary.
    whole = whole.lstrip("0")
    return 0, len(whole), whole, fraction


class Store:
    """All runs below a log directory; safe to read from any thread, without a lock.

    Attributes:
        logdir: The log directory.
        version: Grows with every change that a reader could see.
    """

    def __init__(self, logdir: Path, *, clock: Clock | None = None, workers: int = 0) -> None:
        if not logdir.is_dir():
            raise InputError(
                f"{logdir}: no such directory; give the directory that holds your runs"
            )
        self.logdir = logdir
        self.version = 0
        self._clock = clock or SystemClock()
        self._workers = workers
        self._runs: tuple[Run, ...] = ()
        self._infos: dict[int, RunInfo] = {}
        self._catalogue = Catalogue(-1, ())
        self._notices: tuple[Problem, ...] = ()
        self._noted: dict[str, dict[tuple[int, str], Problem]] = {}
        self._problems: tuple[int, tuple[Problem, ...]] = (-1, ())
        self._progress = Progress("starting", 0, 0, 0)
        self._lock = threading.Lock()
        self._long_series = LongSeries()
        self._ingest: Ingest | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._first_pass = threading.Event()

    # What readers ask.

    def catalogue(self) -> Catalogue:
        """Return all runs and their tags as they are now, in natural order of names."""
        version = self.version
        if self._catalogue.version == version and not self._somebody_fell_silent():
            return self._catalogue
        infos = [self._info(run) for run in self._runs]
        infos.sort(key=lambda info: natural_key(info.name))
        self._catalogue = Catalogue(version, tuple(infos))
        return self._catalogue

    def series(self, run_id: int, tag: str) -> Series:
        """Return all points of a scalar tag of one run.

        Raises:
            NotFoundError: There is no such run, or it has no such scalars.
        """
        run = self.run(run_id)
        found = self._find_series(run, tag)
        return run.series(tag) if found is None else found

    def series_many(self, run_ids: Sequence[int], tag: str) -> list[tuple[int, Series]]:
        """Return a scalar tag of those of the runs that have it."""
        runs = self._runs
        wanted = (runs[i] for i in run_ids if 0 <= i < len(runs))
        found = ((run.id, self._find_series(run, tag)) for run in wanted)
        return [(run_id, series) for run_id, series in found if series is not None]

    def _find_series(self, run: Run, tag: str) -> Series | None:
        return self._long_series.get(
            (run.id, tag), run.state(), self._clock.monotonic(), lambda: run.find_series(tag)
        )

    def run(self, run_id: int) -> Run:
        """Return a run by its number.

        Raises:
            NotFoundError: There is no run of that number.
        """
        if not 0 <= run_id < len(self._runs):
            raise NotFoundError(f"there is no run number {run_id}; there are {len(self._runs)}")
        return self._runs[run_id]

    def find_run(self, name: str) -> Run:
        """Return a run by its name.

        Raises:
            NotFoundError: There is no run of that name.
        """
        for run in self._runs:
            if run.name == name:
                return run
        known = ", ".join(sorted(run.name for run in self._runs)[:10]) or "none"
        raise NotFoundError(f"there is no run {name!r} in {self.logdir}; there are: {known}")

    def tag_content(self, run_id: int, tag: str) -> bytes:
        """Return what the plugin that wrote a tag keeps in its metadata, b"" without any."""
        return self.run(run_id).tag_content(tag)

    def values(self, run_id: int, tag: str) -> Values:
        """Return where all heavy values of one tag of one run lie, in file order.

        Raises:
            NotFoundError: There is no such run, or it has no such values.
        """
        run = self.run(run_id)
        found = run.find_values(tag, self.logdir)
        if found is None:
            raise NotFoundError(f"run {run.name!r} has no values named {tag!r}")
        return found

    def values_many(self, run_ids: Sequence[int], tag: str) -> list[Values]:
        """Return where the heavy values of a tag lie, for those of the runs that have it."""
        runs = self._runs
        found = (runs[i].find_values(tag, self.logdir) for i in run_ids if 0 <= i < len(runs))
        return [values for values in found if values is not None]

    def note(self, problem: Problem) -> None:
        """Add a row to the health page for what was found wrong when somebody looked at a value.

        What is known already is not added again; of one file, `MAX_PROBLEMS_PER_FILE` are kept.
        """
        with self._lock:
            noted = self._noted.setdefault(problem.file, {})
            key = problem.offset, problem.kind
            if key in noted or len(noted) >= limits.MAX_PROBLEMS_PER_FILE.value:
                return
            noted[key] = problem
        self.touch()

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that was wrong with what was read."""
        version, rows = self._problems
        if version != self.version:
            version = self.version
            of_runs = (problem for run in self._runs for problem in run.problems())
            with self._lock:
                noted = [problem for rows in self._noted.values() for problem in rows.values()]
            rows = (*self._notices, *of_runs, *noted)
            self._problems = version, rows
        return rows

    def progress(self) -> Progress:
        """Return how far reading has come."""
        return self._progress

    # What ingestion tells.

    def add_runs(self, names: Iterable[str]) -> list[Run]:
        """Return new runs for many names at once."""
        from gpuboard.store.run import Run

        with self._lock:
            known = len(self._runs)
            runs = [Run(known + k, name) for k, name in enumerate(names)]
            self._runs = (*self._runs, *runs)
        return runs

    def touch(self, run: Run | None = None) -> None:
        """Make a change visible: raise the version, and that of the run that changed."""
        with self._lock:
            self.version += 1
            if run is not None:
                run.version = self.version

    def set_notices(self, notices: tuple[Problem, ...]) -> None:
        """Replace the problems that belong to no run."""
        if notices != self._notices:
            self._notices = notices
            self.touch()

    def set_progress(self, progress: Progress) -> None:
        """Replace what readers see of the progress."""
        self._progress = progress

    # The life of the ingesting thread.

    def refresh(self) -> None:
        """Read all that is new, and return when it is in."""
        self._ingestion().run_once()

    def start(self, reload_interval: float) -> None:
        """Read in the background, again and again, until `stop`.

        Args:
            reload_interval: Seconds between looks at the directory; 0 reads once.
        """
        self._thread = threading.Thread(
            target=self._watch, args=(reload_interval,), name="gpuboard-ingest", daemon=True
        )
        self._thread.start()

    def wait_until_read(self, timeout: float | None = None) -> bool:
        """Return when all that lay there at the start is in, or False after `timeout` seconds."""
        return self._first_pass.wait(timeout)

    def stop(self) -> None:
        """End the background reading."""
        self._stopping.set()
        if self._ingest is not None:
            self._ingest.cancel()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _watch(self, reload_interval: float) -> None:
        ingest = self._ingestion()
        while not self._stopping.is_set():
            ingest.run_once()
            self._first_pass.set()
            self._long_series.forget(self._clock.monotonic())
            if reload_interval <= 0:
                return
            self._stopping.wait(reload_interval)

    def _ingestion(self) -> Ingest:
        if self._ingest is None:
            from gpuboard.store.ingest import Ingest

            self._ingest = Ingest(self, clock=self._clock, workers=self._workers)
        return self._ingest

    def _somebody_fell_silent(self) -> bool:
        now = self._clock.wall()
        return any(
            info.state == "live" and now - self._runs[info.id].modified() > LIVE_S
            for info in self._catalogue.runs
        )

    def _info(self, run: Run) -> RunInfo:
        known = self._infos.get(run.id)
        modified = run.modified()
        if modified < 0:
            state = "deleted"
        else:
            state = "live" if self._clock.wall() - modified <= LIVE_S else "done"
        if known is not None and known.version == run.version and known.state == state:
            return known
        version = run.version
        files, tags = run.files(), run.tags()
        starts = [f.first_time for f in files if not math.isnan(f.first_time)]
        ends = [f.last_time for f in files if not math.isnan(f.last_time)]
        info = RunInfo(
            id=run.id,
            name=run.name,
            version=version,
            tags=tags,
            files=tuple(f.name for f in files),
            start=min(starts, default=math.nan),
            end=max(ends, default=math.nan),
            events=sum(f.events for f in files),
            points=sum(tag.points for tag in tags.values()),
            bytes=sum(f.bytes for f in files),
            problems=sum(1 for _ in run.problems()),
            state=state,
        )
        self._infos[run.id] = info
        return info
