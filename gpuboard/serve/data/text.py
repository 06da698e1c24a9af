"""Answer what the Text page asks for: texts at a step, a search over all, and what changed."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard import limits
from gpuboard.errors import DataError, InputError
from gpuboard.serve import fields, wire
from gpuboard.serve.routes import DataRoute
from gpuboard.serve.values import decoded, place_of, refs_of, run_argument, tag_argument

if TYPE_CHECKING:
    from gpuboard.analysis.differences import Row
    from gpuboard.analysis.text_search import Find, Pattern
    from gpuboard.store.store import Store
    from gpuboard.store.values import Values
    from gpuboard.summaries.text import Texts

SEARCH_SECONDS = 3.0
_SEARCHED_AT_ONCE = 200
_RUN = re.compile(r"[0-9]{1,8}", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """What is searched for, and where; `tags` of None are all tags of texts."""

    pattern: str
    is_regex: bool
    ignore_case: bool
    runs: list[int]
    tags: frozenset[str] | None


class TextRoute(DataRoute):
    """`GET api/v1/text`: the texts of one value as sanitised HTML, or as they were logged."""

    async def get(self) -> None:
        """Answer with cells in row-major order."""
        markdown = self.get_query_argument("markdown", "1")
        if markdown not in ("0", "1"):
            raise InputError(f'markdown: got {markdown[:100]!r}, expected "0" or "1"')
        value = (run_argument(self), tag_argument(self), self.get_query_argument("ref", ""))
        self.reply_json(await self.run(_shown, self.context.store, value, markdown == "1"))


class SearchRoute(DataRoute):
    """`POST api/v1/text/search`: the texts in which a pattern occurs, the latest ones first."""

    async def post(self) -> None:
        """Answer with finds, and how much was searched."""
        body = self.json_body()
        runs, tags = fields.run_ids(body.get("runs")), _tags(body.get("tags"))
        pattern = fields.text(body, "pattern", None)
        is_regex, has_case = fields.boolean(body, "regex"), fields.boolean(body, "case")
        query = Query(pattern, is_regex, not has_case, runs, tags)
        self.reply_json(await self.run(_search, self.context.store, query))


class DifferenceRoute(DataRoute):
    """`GET api/v1/text/diff`: how the text of one value differs from that of another."""

    async def get(self) -> None:
        """Answer with lines; the second value has the run and tag of the first by default."""
        old = (run_argument(self), tag_argument(self), self.get_query_argument("ref", ""))
        to_run = self.get_query_argument("to_run", str(old[0]))
        if not _RUN.fullmatch(to_run):
            raise InputError(f"to_run: got {to_run[:100]!r}, expected an id that api/v1/runs lists")
        to_tag = self.get_query_argument("to_tag", old[1], strip=False)
        new = (int(to_run), to_tag, self.get_query_argument("to_ref", ""))
        self.reply_json(await self.run(_difference, self.context.store, old, new))


def _texts(store: Store, run: int, tag: str, ref: str) -> Texts:
    from gpuboard.summaries.text import decode

    values = store.values(run, tag)
    return decoded(store, values, place_of(values, ref), decode)


def _shown(store: Store, value: tuple[int, str, str], markdown: bool) -> dict[str, Any]:
    """Return a table: of all but the last two dimensions of a tensor it is the first one."""
    texts = _texts(store, *value)
    rows, columns = table_of(texts.shape)
    shown = min(rows, max(limits.MAX_TEXT_CELLS.value // max(columns, 1), 1))
    width = min(columns, limits.MAX_TEXT_CELLS.value)
    room = limits.MAX_TEXT_CHARACTERS.value
    cells = []
    for row in range(shown):
        for text in texts.cells[row * columns : row * columns + width]:
            cells.append(_cell(text, room, markdown))
            room = max(0, room - len(text))
    return {
        "shape": texts.shape,
        "rows": shown,
        "columns": width,
        "total": [rows, columns],
        "cells": cells,
    }


def table_of(shape: Sequence[int]) -> tuple[int, int]:
    """Return the rows and columns of what is shown of a tensor; (0, 0) if it is empty."""
    if 0 in shape:
        return 0, 0
    if len(shape) < 2:
        return (shape[0] if shape else 1), 1
    return shape[-2], shape[-1]


def _cell(text: str, room: int, markdown: bool) -> dict[str, Any]:
    from gpuboard.analysis.json_text import pretty_json
    from gpuboard.analysis.markdown import rendered

    kept = text[:room]
    cut: dict[str, Any] = {} if len(kept) == len(text) else {"characters": len(text)}
    if not markdown:
        return {"kind": "text", "content": kept, **cut}
    pretty = None if cut else pretty_json(kept)
    if pretty is not None:
        return {"kind": "json", "content": pretty}
    return {"kind": "html", "content": rendered(kept), **cut}


def _tags(found: object) -> frozenset[str] | None:
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(tag, str) for tag in found):
        raise InputError("tags: expected a list of tags, or null for all tags of texts")
    return frozenset(found)


def _search(store: Store, query: Query) -> dict[str, Any]:
    from gpuboard.analysis.text_search import checked

    version = store.version
    pattern = checked(query.pattern, is_regex=query.is_regex, ignore_case=query.ignore_case)
    columns = list(_columns(store, query))
    places = _latest_first(columns)
    chosen = places[: limits.MAX_TEXTS_SEARCHED.value]
    deadline = time.monotonic() + SEARCH_SECONDS
    hits: list[dict[str, Any]] = []
    searched = 0
    while searched < len(chosen) and len(hits) < limits.MAX_TEXT_HITS.value:
        if time.monotonic() > deadline:
            break
        part = chosen[searched : searched + _SEARCHED_AT_ONCE]
        hits += _hits(store, pattern, columns, part)
        searched += len(part)
    return {
        "version": version,
        "searched": searched,
        "total": len(places),
        "hits": hits[: limits.MAX_TEXT_HITS.value],
    }


def _columns(store: Store, query: Query) -> Iterator[Values]:
    """Yield where the texts of the wanted runs and tags lie."""
    wanted = set(query.runs)
    for run in store.catalogue().runs:
        if run.id not in wanted:
            continue
        for info in run.tags.values():
            if info.kind == "text" and (query.tags is None or info.tag in query.tags):
                yield store.values(run.id, info.tag)


def _latest_first(columns: Sequence[Values]) -> list[tuple[int, int]]:
    """Return (column, place) of all texts that stand, by the time at which they were logged."""
    from gpuboard.analysis.steps import standing

    found: list[tuple[float, int, int]] = []
    for i, values in enumerate(columns):
        places = standing(values)
        times = np.nan_to_num(values.wall_time[places], nan=-math.inf)
        found += zip(times.tolist(), [i] * len(places), places.tolist(), strict=True)
    return [(i, place) for _, i, place in sorted(found, reverse=True)]


def _hits(
    store: Store, pattern: Pattern, columns: Sequence[Values], places: Sequence[tuple[int, int]]
) -> Iterator[dict[str, Any]]:
    from gpuboard.analysis.text_search import found_in

    known: list[tuple[Values, int]] = []
    texts: list[str] = []
    for i, place in places:
        with contextlib.suppress(DataError):  # a row of the health page by now
            texts.append(_joined(store, columns[i], place))
            known.append((columns[i], place))
    for find in found_in(pattern, texts):
        yield _hit(*known[find.index], find)


def _joined(store: Store, values: Values, place: int) -> str:
    from gpuboard.summaries.text import decode

    text = "\n".join(decoded(store, values, place, decode).cells)
    return text[: limits.MAX_TEXT_CHARACTERS.value]


def _hit(values: Values, place: int, find: Find) -> dict[str, Any]:
    return {
        "run": values.run,
        "tag": values.tag,
        "step": wire.exact(values.step[place : place + 1])[0],
        "wall_time": float(values.wall_time[place]),
        "ref": refs_of(values, np.array([place]))[0],
        "count": find.count,
        "before": find.before,
        "match": find.match,
        "after": find.after,
    }


def _difference(
    store: Store, old: tuple[int, str, str], new: tuple[int, str, str]
) -> dict[str, Any]:
    from gpuboard.analysis.differences import compared

    most = limits.MAX_TEXT_CHARACTERS.value
    left, right = ("\n".join(_texts(store, *value).cells) for value in (old, new))
    found = compared(left[:most], right[:most])
    return {
        "is_complete": found.is_complete and max(len(left), len(right)) <= most,
        "removed": found.removed,
        "added": found.added,
        "rows": [_row(row) for row in found.rows],
    }


def _row(row: Row) -> list[Any]:
    """Return a line as [left, right, old pieces, new pieces]; without the last one if unchanged."""
    if row.is_same:
        return [row.left, row.right, "".join(text for text, _ in row.old)]
    return [row.left, row.right, [*map(list, row.old)], [*map(list, row.new)]]


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/text", TextRoute),
    (r"api/v1/text/search", SearchRoute),
    (r"api/v1/text/diff", DifferenceRoute),
)
