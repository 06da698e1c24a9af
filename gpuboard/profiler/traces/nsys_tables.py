"""Open an SQLite file that nobody vouches for, and read its tables as columns."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import numpy as np

from gpuboard.errors import DataError
from gpuboard.profiler.traces.trace import Float64s, Int64s
from gpuboard.profiler.traces.watch import ReadingCancelledError, Watch

_ROWS = 1 << 16
_LONGEST_TEXT = 16 << 20
# Steps of SQLite's machine between two looks at whether to end: about every millisecond.
_STEPS = 50_000

Columns = dict[str, Int64s]


class TableError(Exception):
    """A table cannot be read to its end; the text says why."""


class Database:
    """A file that is only read: nothing in it is run but plain tables are read.

    Attributes:
        columns: Names of the columns of each table, by its name.
    """

    def __init__(self, file: Path, watch: Watch) -> None:
        """Open a file.

        Raises:
            DataError: It is no SQLite file, or its list of tables is damaged.
        """
        self._file, self._watch = file, watch
        address = f"file:{quote(str(file.resolve()))}?mode=ro&immutable=1"
        try:
            self._connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            self._prepare()
            self.columns = self._tables()
        except sqlite3.Error as error:
            self._check_cancelled()
            raise DataError(f"{file}: SQLite cannot read it ({error}); export it again") from error

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def has(self, table: str, *columns: str) -> bool:
        """Say whether there is a table that has these columns."""
        return set(columns) <= self.columns.get(table, frozenset())

    def numbers(
        self, table: str, columns: Sequence[str], *, room: int, part: tuple[float, float] = (0, 0)
    ) -> Columns:
        """Return integer columns, as many rows as there is room for; NULL and text count as -1.

        Args:
            table: Its name.
            columns: Those that the table has are returned.
            room: At most so many rows.
            part: From which to which fraction of the work this is.

        Raises:
            TableError: The table is damaged.
            ReadingCancelledError: Nobody waits any more.
        """
        names = [name for name in columns if name in self.columns[table]]
        with self._errors():
            pieces = list(self._pieces(table, names, room, part))
        data = np.concatenate(pieces) if pieces else np.empty((0, len(names)), np.int64)
        return {name: np.ascontiguousarray(data[:, k]) for k, name in enumerate(names)}

    def reals(self, table: str, column: str, *, room: int) -> Float64s:
        """Return a column as float64; what is no number counts as 0."""
        query = f'SELECT CAST("{column}" AS REAL) FROM "{table}" LIMIT {room:d}'  # noqa: S608
        with self._errors():
            rows = self._connection.execute(query)
            values = (0.0 if value is None else value for (value,) in rows)
            return np.fromiter(values, np.float64)

    def rows(self, table: str, *columns: str, room: int) -> list[tuple[object, ...]]:
        """Return rows as they are."""
        chosen = ", ".join(f'"{column}"' for column in columns)
        with self._errors():
            query = f'SELECT {chosen} FROM "{table}" LIMIT {room:d}'  # noqa: S608
            return self._connection.execute(query).fetchall()

    def count(self, table: str) -> int:
        """Return how many rows a table has, 0 where there is none."""
        if table not in self.columns:
            return 0
        with self._errors():
            query = f'SELECT COUNT(*) FROM "{table}"'  # noqa: S608 - a name out of a fixed list
            (count,) = self._connection.execute(query).fetchone()
        return int(count)

    def _prepare(self) -> None:
        connection = self._connection
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_TEXT)
        connection.set_progress_handler(lambda: self._watch.is_cancelled, _STEPS)
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {pragma}")

    def _tables(self) -> dict[str, frozenset[str]]:
        """Return the plain tables: views and virtual tables would run what the file says."""
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
        found = self._connection.execute(query).fetchall()
        plain = [n for n, sql in found if isinstance(sql, str) and sql.upper().startswith(_PLAIN)]
        tables = {}
        for name in plain:
            about = self._connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
            tables[name] = frozenset(column for (column,) in about)
        return tables

    def _pieces(
        self, table: str, names: list[str], room: int, part: tuple[float, float]
    ) -> Iterator[Int64s]:
        total = min(self.count(table), room)
        chosen = ", ".join(f'IFNULL("{name}", -1)' for name in names)
        rows = self._connection.execute(f'SELECT {chosen} FROM "{table}" LIMIT {room:d}')  # noqa: S608
        done = 0
        while batch := rows.fetchmany(_ROWS):
            yield _as_integers(batch).reshape(-1, len(names))
            done += len(batch)
            self._watch.at(part[0] + (part[1] - part[0]) * min(done / max(total, 1), 1.0))

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self._check_cancelled()
            raise TableError(str(error)) from error

    def _check_cancelled(self) -> None:
        if self._watch.is_cancelled:
            raise ReadingCancelledError("reading the trace was cancelled")


_PLAIN = "CREATE TABLE"


def _as_integers(rows: list[tuple[object, ...]]) -> Int64s:
    cells = itertools.chain.from_iterable(rows)
    try:
        return np.fromiter(cells, np.int64, len(rows) * len(rows[0]))
    except (TypeError, ValueError, OverflowError):
        # A column that holds what no export does.
        return np.fromiter(
            (_integer(cell) for row in rows for cell in row), np.int64, len(rows) * len(rows[0])
        )


def _integer(cell: object) -> int:
    if isinstance(cell, int):
        return cell
    if isinstance(cell, float) and abs(cell) < 2**62:
        return int(cell)
    return -1


def unsigned_parts(serialized: Int64s) -> tuple[Int64s, Int64s]:
    """Return process and thread of Nsight Systems' serialised ids: 24 bits each."""
    return (serialized >> 24) & 0xFFFFFF, serialized & 0xFFFFFF


def distinct(columns: Sequence[Int64s]) -> tuple[list[list[int]], Int64s]:
    """Return the rows of some columns that differ, and the place among them of each row.

    `numpy.unique` over two dimensions sorts bytes, ten times slower than numbers.
    """
    place = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        if len(column) and column.min() != column.max():
            values, number = np.unique(column, return_inverse=True)
            place = place * len(values) + number.reshape(-1)
            place = np.unique(place, return_inverse=True)[1].reshape(-1)
    first = np.empty(int(place.max()) + 1 if len(place) else 0, np.int64)
    first[place[::-1]] = np.arange(len(place))[::-1]
    return np.stack([column[first] for column in columns], axis=1).tolist(), place
