"""Know what every run says of its hyperparameters, in its events or in files beside them.

Only runs that changed are read again, and files only when their size or time has changed.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from gpuboard import limits
from gpuboard.errors import DataError, NotFoundError
from gpuboard.store.columns import Problem
from gpuboard.store.side_files import Mark, mark_of, read_side_file
from gpuboard.summaries.hparams import (
    END_TAG,
    EXPERIMENT_TAG,
    START_TAG,
    End,
    Experiment,
    HParam,
    Start,
    decode_end,
    decode_experiment,
    decode_session_start,
)
from gpuboard.summaries.side_hparams import READERS

if TYPE_CHECKING:
    from gpuboard.store.columns import RunInfo
    from gpuboard.store.store import Store

T = TypeVar("T")

LOOK_S = 2.0
BAD_VALUE = "bad_value"


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """What one run says of itself.

    Attributes:
        hparams: By name; what the events say counts before what files beside them say.
        has_start: Whether its events hold the start of a session, be it without hyperparameters.
        start: What that says besides, empty where there is none.
        end: Its end, None where it has not been logged.
        experiment: What it says of the whole experiment, None where it says nothing.
        files: Names of the files beside the events that were read.
    """

    hparams: Mapping[str, HParam]
    has_start: bool = False
    start: Start = dataclasses.field(default_factory=lambda: Start({}))
    end: End | None = None
    experiment: Experiment | None = None
    files: tuple[str, ...] = ()

    @property
    def is_trial(self) -> bool:
        """Whether the run counts as a trial of its own."""
        return self.has_start or bool(self.hparams)


NO_SESSION = Session({})


@dataclasses.dataclass(slots=True)
class _Side:
    """What the files beside one run's events hold, and when they were last looked at."""

    marks: tuple[Mark | None, ...] = ()
    hparams: Mapping[str, HParam] = dataclasses.field(default_factory=dict)
    files: tuple[str, ...] = ()


class Sessions:
    """The sessions of all runs of one store; any number of threads may ask."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._looked = -float("inf")
        self._sides: dict[int, _Side] = {}
        self._known: dict[int, tuple[int, _Side, Session]] = {}
        self._lock = threading.Lock()

    def of(self, store: Store, runs: Sequence[RunInfo]) -> dict[int, Session]:
        """Return the session of each run by its id; trouble becomes a row of the health page."""
        with self._lock:
            changed = self._look(store, runs)
            found = {run.id: self._session(store, run) for run in runs}
        for run_id in changed:
            store.touch(store.run(run_id))
        return found

    def _look(self, store: Store, runs: Sequence[RunInfo]) -> list[int]:
        """Look at files beside runs that are new, and from time to time beside all others.

        Returns:
            Runs known before whose files have changed, so that others must hear of it.
        """
        now = self._now()
        is_due = now - self._looked >= LOOK_S
        if is_due:
            self._looked = now
        changed = []
        for run in runs:
            known = self._sides.get(run.id)
            if known is not None and not is_due:
                continue
            marks = tuple(mark_of(f"{store.logdir}/{run.name}/{name}") for name in READERS)
            if known is not None and known.marks == marks:
                continue
            self._sides[run.id] = _read_side(store, run, marks)
            if known is not None:
                changed.append(run.id)
        return changed

    def _session(self, store: Store, run: RunInfo) -> Session:
        side = self._sides[run.id]
        known = self._known.get(run.id)
        if known is not None and known[0] == run.version and known[1] is side:
            return known[2]
        session = _session(store, run, side)
        self._known[run.id] = run.version, side, session
        return session


def _read_side(store: Store, run: RunInfo, marks: tuple[Mark | None, ...]) -> _Side:
    found: dict[str, HParam] = {}
    files = []
    for (name, read), mark in zip(READERS.items(), marks, strict=True):
        if mark is None:
            continue
        path = store.logdir / run.name / name
        try:
            content = read_side_file(store.logdir, path, limits.MAX_SIDE_FILE_BYTES.value)
            found = {**read(content), **found}
            files.append(name)
        except DataError as error:
            place = name if run.name == "." else f"{run.name}/{name}"
            note = f"its hyperparameters are not shown: {error}"
            store.note(Problem(place, 0, BAD_VALUE, note))
    return _Side(marks, found, tuple(files))


def _session(store: Store, run: RunInfo, side: _Side) -> Session:
    start = _decoded(store, run, START_TAG, decode_session_start)
    hparams = {**side.hparams, **(start.hparams if start else {})}
    return Session(
        hparams=dict(sorted(hparams.items())),
        has_start=start is not None,
        start=start or Start({}),
        end=_decoded(store, run, END_TAG, decode_end),
        experiment=_decoded(store, run, EXPERIMENT_TAG, decode_experiment),
        files=side.files,
    )


def _decoded(store: Store, run: RunInfo, tag: str, decode: Callable[[bytes], T]) -> T | None:
    if tag not in run.tags:
        return None
    try:
        return decode(store.tag_content(run.id, tag))
    except NotFoundError:
        return None
    except DataError as error:
        place = run.name if not run.files else f"{run.name}/{run.files[0]}"
        store.note(Problem(place, 0, BAD_VALUE, str(error)))
        return None
