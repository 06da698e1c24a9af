"""Search, sort and cut long tables of the Profile page, and write them as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuboard.errors import InputError
from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_list import TraceRoute

if TYPE_CHECKING:
    from gpuboard.serve.profiles import LoadedTrace

Column = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]

MAX_ROWS = 5_000
NAME_CHARACTERS = 400
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class TableRoute(TraceRoute):
    """Base of routes that answer one table: `q`, `regex`, `sort`, `limit`, `format`, `t0`, `t1`."""

    def asked(self) -> TableRequest:
        """Return which rows the request wants."""
        return TableRequest(
            text=self.get_query_argument("q", "", strip=False),
            is_regex=self.get_query_argument("regex", "0") == "1",
            sort=self.get_query_argument("sort", ""),
            limit=min(max(self.whole("limit", 1_000), 1), MAX_ROWS),
        )

    def window(self, loaded: LoadedTrace) -> tuple[int, int] | None:
        """Return the window of the request on the trace's own clock, None for all of the trace.

        Raises:
            InputError: It has no length, or no whole numbers.
        """
        if not self.get_query_argument("t1", ""):
            return None
        t0, t1 = self.whole("t0", 0), self.whole("t1")
        if t1 <= t0:
            raise InputError(f"t1: got {t1}, expected more than t0, {t0}")
        return t0 + loaded.timeline.start, t1 + loaded.timeline.start

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return one of some words of the query, the first by default.

        Raises:
            InputError: It is none of them.
        """
        found = self.get_query_argument(name, choices[0])
        if found not in choices:
            raise InputError(f"{name}: got {found[:80]!r}, expected {' or '.join(choices)}")
        return found

    def reply_csv(self, name: str, text: str) -> None:
        """Answer with a file."""
        self.set_header("Content-Disposition", f'attachment; filename="{name}.csv"')
        self.reply_bytes(text.encode("utf-8", "replace"), "text/csv; charset=UTF-8")


class TableRequest:
    """Which rows of a table are wanted, and in which order."""

    def __init__(self, text: str, is_regex: bool, sort: str, limit: int) -> None:
        self.text = text
        self.is_regex = is_regex
        self.sort = sort
        self.limit = limit

    def rows(
        self, names: Sequence[str], columns: Mapping[str, Column], kept: Column | None = None
    ) -> Integers:
        """Return all matching rows in order; by default in that of the table.

        Args:
            names: What the search looks at.
            columns: By which can be sorted, besides "name"; NaN comes last either way.
            kept: Rows that are wanted whatever their names, all by default.

        Raises:
            InputError: There is no such column, or the text is no regular expression.
        """
        found = np.flatnonzero(np.ones(len(names), np.bool_) if kept is None else kept)
        if self.text:
            found = found[self._matching([names[k] for k in found.tolist()])]
        return self._ordered(found, names, columns)

    def _matching(self, names: Sequence[str]) -> Column:
        from gpuboard.analysis.patterns import compiled, searched

        if self.is_regex:
            answers = [match is not None for match in searched(compiled(self.text), names)]
        else:
            wanted = self.text.casefold()
            answers = [wanted in name.casefold() for name in names]
        return np.array(answers, np.bool_)

    def _ordered(
        self, rows: Integers, names: Sequence[str], columns: Mapping[str, Column]
    ) -> Integers:
        key, is_down = self.sort.removeprefix("-"), self.sort.startswith("-")
        if not key:
            return rows
        if key == "name":
            by_name = sorted(rows.tolist(), key=lambda row: names[row], reverse=is_down)
            return np.array(by_name, np.int64)
        if key not in columns:
            known = ", ".join(["name", *columns])
            raise InputError(f"sort: got {key[:80]!r}, expected one of {known}")
        values = columns[key][rows].astype(np.float64)
        known_first = np.isnan(values)
        ranked = np.lexsort((np.where(known_first, 0, -values if is_down else values), known_first))
        return rows[ranked]


def encode_rows(
    rows: Integers,
    limit: int,
    texts: Mapping[str, Sequence[str]],
    columns: Mapping[str, Column],
    header: Mapping[str, object],
) -> bytes:
    """Return a reply with some rows of a table: texts in its header, numbers as float64 columns.

    The column "id" has the place of each row in the whole table.
    """
    shown = rows[:limit]
    names = {
        key: [found[k][:NAME_CHARACTERS] for k in shown.tolist()] for key, found in texts.items()
    }
    numbers = {key: column[shown].astype(np.float64) for key, column in columns.items()}
    return encode(
        {**header, "total": len(rows), **names}, {"id": shown.astype(np.int32), **numbers}
    )


def write_csv(
    rows: Integers, texts: Mapping[str, Sequence[str]], columns: Mapping[str, Column]
) -> str:
    """Return a table as CSV; a text that begins like a formula gets an apostrophe before it."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*texts, *columns])
    lists = [column[rows].tolist() for column in columns.values()]
    for k, row in enumerate(rows.tolist()):
        words = [_plain(found[row]) for found in texts.values()]
        writer.writerow([*words, *(_number(column[k]) for column in lists)])
    return file.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _number(value: object) -> object:
    return "" if isinstance(value, float) and math.isnan(value) else value
