"""Keep what people put together in the browser, such as views, in one small SQLite file.

The log directory is read only to gpuboard, so the file lies in the user's cache folder, one for all
log directories, unless the environment variable `GPUBOARD_KEEP` says otherwise:

| `GPUBOARD_KEEP` | where |
|---|---|
| not set | `gpuboard/kept.sqlite` in the user's cache folder |
| `logdir` | `.gpuboard/kept.sqlite` in the log directory, for all who can write there |
| a folder | `kept.sqlite` in that folder |
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gpuboard import limits
from gpuboard.errors import GpuboardError, LimitError, NotFoundError
from gpuboard.folders import cache_folder

log = logging.getLogger(__name__)

KEEP = "GPUBOARD_KEEP"
FILE_NAME = "kept.sqlite"
VERSION = 1
BUSY_S = 5.0  # another process may be writing

_TABLE = """
CREATE TABLE IF NOT EXISTS view (
  logdir TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, cards INTEGER NOT NULL,
  changed REAL NOT NULL, revision INTEGER NOT NULL, layout TEXT NOT NULL,
  PRIMARY KEY (logdir, id)
) WITHOUT ROWID
"""
_LIST = """
SELECT id, title, cards, changed, revision FROM view WHERE logdir = ? ORDER BY changed DESC, id
"""
_ONE = """
SELECT id, title, cards, changed, revision, layout FROM view WHERE logdir = ? AND id = ?
"""


class KeepingError(GpuboardError):
    """The file cannot be read or written; nothing was changed."""


class ChangedMeanwhileError(GpuboardError):
    """Somebody else has saved the same view since it was read."""

    http_status = 409


@dataclasses.dataclass(frozen=True, slots=True)
class ViewInfo:
    """What a list of views shows of one.

    Attributes:
        cards: How many cards it holds.
        changed: When it was saved last, seconds since the epoch.
        revision: How often it was saved; a save names the revision that it is based on.
    """

    id: str
    title: str
    cards: int
    changed: float
    revision: int


def place_of(logdir: Path, environment: dict[str, str] | None = None) -> Path:
    """Return where the file of a log directory lies, see the module's own text."""
    env = dict(os.environ) if environment is None else environment
    wish = env.get(KEEP, "")
    if wish == "logdir":
        return logdir / ".gpuboard" / FILE_NAME
    return (Path(wish).expanduser() if wish else cache_folder(env)) / FILE_NAME


class Kept:
    """The views of one log directory; any number of threads and processes may share the file.

    Each call opens the file anew: a call costs less than a millisecond, and no connection has to
    be handed from thread to thread.

    Attributes:
        path: Where the file lies, whether it exists or not.
    """

    def __init__(
        self,
        path: Path,
        logdir: Path,
        *,
        on_damage: Callable[[Path], object] = lambda path: None,
    ) -> None:
        """Take where to keep.

        Args:
            path: The file; it and its folder are made with the first view.
            logdir: Which log directory the views belong to.
            on_damage: Called with the new name of a file that could not be read.
        """
        self.path = path
        self._logdir = str(logdir.resolve())
        self._on_damage = on_damage

    def views(self) -> list[ViewInfo]:
        """Return all views, the one saved last first."""
        rows = self._read(_LIST, self._logdir)
        return [ViewInfo(*row) for row in rows]

    def view(self, view_id: str) -> tuple[ViewInfo, str]:
        """Return a view and its layout as JSON.

        Raises:
            NotFoundError: There is no such view.
        """
        for *info, layout in self._read(_ONE, self._logdir, view_id):
            return ViewInfo(*info), layout
        raise NotFoundError(f"view: there is no view {view_id!r}; api/v1/views lists them")

    def put(self, view_id: str, *, title: str, cards: int, layout: str, revision: int) -> ViewInfo:
        """Save a view and return it as it is listed now.

        Args:
            view_id: Its name in addresses.
            title: What it is called.
            cards: How many cards the layout holds.
            layout: JSON.
            revision: Of the view that this one is based on, 0 for a new one.

        Raises:
            ChangedMeanwhileError: The view has another revision by now.
            LimitError: There are as many views as are kept.
        """
        with self._writing() as connection:
            now = self._revision(connection, view_id)
            if now != revision:
                what = "deleted" if now == 0 else "saved again by somebody else"
                raise ChangedMeanwhileError(f"the view has been {what}; load it anew")
            if now == 0:
                self._check_room(connection)
            info = ViewInfo(view_id, title, cards, time.time(), revision + 1)
            connection.execute(
                "INSERT OR REPLACE INTO view VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self._logdir, view_id, title, cards, info.changed, info.revision, layout),
            )
        return info

    def delete(self, view_id: str) -> None:
        """Forget a view.

        Raises:
            NotFoundError: There is no such view.
        """
        with self._writing() as connection:
            done = connection.execute(
                "DELETE FROM view WHERE logdir = ? AND id = ?", (self._logdir, view_id)
            )
            if not done.rowcount:
                raise NotFoundError(f"view: there is no view {view_id!r}; api/v1/views lists them")

    def _revision(self, connection: sqlite3.Connection, view_id: str) -> int:
        query = "SELECT revision FROM view WHERE logdir = ? AND id = ?"
        found = connection.execute(query, (self._logdir, view_id)).fetchone()
        return 0 if found is None else int(found[0])

    def _check_room(self, connection: sqlite3.Connection) -> None:
        query = "SELECT COUNT(*) FROM view WHERE logdir = ?"
        (count,) = connection.execute(query, (self._logdir,)).fetchone()
        if count >= limits.MAX_VIEWS.value:
            raise LimitError(
                f"there are {count} views of this log directory, at most {limits.MAX_VIEWS.value} "
                f"are kept ({limits.MAX_VIEWS.name}); delete one first"
            )

    def _read(self, query: str, *arguments: str) -> list[tuple[Any, ...]]:
        if not self.path.is_file():
            return []
        with self._opened() as connection:
            return connection.execute(query, arguments).fetchall()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file; one that is no database is set aside, and a new one begun."""
        try:
            connection = self._connected()
        except sqlite3.OperationalError as error:
            raise self._failure(error) from error
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            connection = self._retried()
        with contextlib.closing(connection):
            try:
                yield connection
            except sqlite3.OperationalError as error:
                raise self._failure(error) from error
            except sqlite3.DatabaseError as error:
                connection.close()
                aside = self._set_aside(error)
                raise KeepingError(
                    f"{self.path} was damaged and has been set aside as {aside.name}; try again"
                ) from error

    def _retried(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def _connected(self) -> sqlite3.Connection:
        self._make_file()
        connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise KeepingError(
                f"{self.path} was written by a newer gpuboard (its format is {version}, this one "
                f"knows {VERSION}): install that one, or set {KEEP} to another folder"
            )
        if version < VERSION:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def _make_file(self) -> None:
        """Make the file for its owner alone: SQLite itself would let others read it."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, self._mode()))
        except OSError as error:
            raise self._failure(error) from error

    def _mode(self) -> int:
        return 0o666 if self.path.parent.name == ".gpuboard" else 0o600

    def _failure(self, error: Exception) -> KeepingError:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return KeepingError(
            f"{self.path}: {reason}; set {KEEP} to a folder in which gpuboard may write"
        )

    def _set_aside(self, error: Exception) -> Path:
        aside = self.path.with_name(f"kept.damaged-{time.time_ns()}.sqlite")
        try:
            self.path.replace(aside)
            # What was to be undone in the old file must not be undone in the new one.
            self.path.with_name(f"{FILE_NAME}-journal").unlink(missing_ok=True)
        except OSError as problem:
            raise self._failure(problem) from problem
        log.warning("%s is damaged (%s): set aside as %s", self.path, error, aside.name)
        self._on_damage(aside)
        return aside
