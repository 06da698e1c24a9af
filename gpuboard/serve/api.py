"""Answer what pages and scripts ask for: columns of runs, tags, points and charts.

`docs/http-api.md` describes every route with an example. Whatever computes runs in the thread
pool, and what needs compiled code is imported there: the first page does not wait for it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

import gpuboard
from gpuboard import device
from gpuboard.analysis.cache import ColumnCache
from gpuboard.analysis.listing import Listing
from gpuboard.analysis.request import CurveRequest, Source, one_of
from gpuboard.errors import InputError, NotFoundError
from gpuboard.serve import fields, wire
from gpuboard.serve.replies import Replies
from gpuboard.serve.routes import DataRoute
from gpuboard.store.columns import Catalogue, Series
from gpuboard.store.store import natural_key

if TYPE_CHECKING:
    from gpuboard.analysis.hparams import HParams
    from gpuboard.store.store import Store

SMOOTHED_BYTES = 512 << 20
REPLY_BYTES = 64 << 20
VIEWS = ("all", "current")

_CONTENT_TYPES = {
    "json": "application/json; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8",
    "parquet": "application/vnd.apache.parquet",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of one store from one request to the next."""

    smoothed: ColumnCache = dataclasses.field(default_factory=lambda: ColumnCache(SMOOTHED_BYTES))
    replies: Replies = dataclasses.field(default_factory=lambda: Replies(REPLY_BYTES))
    listing: Listing = dataclasses.field(default_factory=Listing)


_memories: weakref.WeakKeyDictionary[Any, Memory] = weakref.WeakKeyDictionary()


def memory_of(store: Store) -> Memory:
    """Return what is kept of `store`; it goes when the store goes."""
    return _memories.setdefault(store, Memory())


class StatusRoute(DataRoute):
    """`GET api/v1/status`: how far reading has come, and on what device work is done."""

    def get(self) -> None:
        """Answer from memory; this is what a page asks first."""
        store = self.context.store
        progress, processor = store.progress(), device.probe()
        self.reply_json(
            {
                "version": store.version,
                **dataclasses.asdict(progress),
                "events": sum(run.events for run in store.catalogue().runs),
                "problems": len(store.problems()),
                "logdir": str(store.logdir),
                "device": {"label": processor.label, "reason": processor.reason},
                "gpuboard": gpuboard.__version__,
            }
        )


class RunsRoute(DataRoute):
    """`GET api/v1/runs`: all runs as columns, in natural order of their names."""

    async def get(self) -> None:
        """Answer with one list for each column."""
        self.reply_json(await self.run(_run_columns, self.context.store))


class TagsRoute(DataRoute):
    """`GET api/v1/tags?kind=&q=&limit=`: tags of all runs, searched here and not in the page."""

    async def get(self) -> None:
        """Answer with the first tags that match and how many there are."""
        kind = self.get_query_argument("kind", None) or None
        pattern = self.get_query_argument("q", None, strip=False) or None
        limit = fields.limit(self.get_query_argument("limit", None))
        self.reply_json(await self.run(_tag_rows, self.context.store, kind, pattern, limit))


class CurvesRoute(DataRoute):
    """`POST api/v1/curves`: all lines of one chart, thinned to its pixels, as binary columns."""

    async def post(self) -> None:
        """Answer 204 where none of the runs has changed since the page asked last."""
        body = self.json_body()
        tag, ids = fields.text(body, "tag", None), fields.run_ids(body.get("runs"))
        request, since = fields.curve_request(body), fields.since(body)
        answer = await self.run(_chart, self.context.store, tag, ids, request, since)
        if answer is None:
            self.set_status(204)
            self.finish()
        else:
            self.reply_bytes(answer)


class AtRoute(DataRoute):
    """`POST api/v1/at`: what every run has at one x, or between two."""

    async def post(self) -> None:
        """Answer with columns, one entry for each run that has the tag."""
        body = self.json_body()
        tag, ids = fields.text(body, "tag", None), fields.run_ids(body.get("runs"))
        fields.point_fields(body)
        self.reply_json(await self.run(_point_columns, self.context.store, tag, ids, body))


class ScalarsRoute(DataRoute):
    """`GET api/v1/scalars?run=&tag=&format=&view=`: every point of a tag, for scripts."""

    async def get(self) -> None:
        """Answer with CSV or JSON in pieces, or with a Parquet file."""
        tag = self.get_query_argument("tag", None, strip=False)
        runs = self.get_query_arguments("run", strip=False)
        kind = self.get_query_argument("format", "json")
        view = self.get_query_argument("view", "all")
        if tag is None or not runs:
            raise InputError("run and tag are needed, as in scalars?run=0&tag=loss&format=csv")
        one_of("format", kind, tuple(_CONTENT_TYPES))
        one_of("view", view, VIEWS)
        tables = await self.run(_tables, self.context.store, runs, tag, view)
        self.set_header("Content-Type", _CONTENT_TYPES[kind])
        name = _UNSAFE.sub("_", tag)[:100] or "scalars"
        self.set_header("Content-Disposition", f'attachment; filename="{name}.{kind}"')
        chunks = _encoded(tables, tag, kind)
        with contextlib.suppress(StreamClosedError):  # who asked has gone away
            while (chunk := await self.run(next, chunks, None)) is not None:
                self.write(chunk)
                await self.flush()
            await self.finish()


class HParamsRoute(DataRoute):
    """`GET api/v1/hparams`: the hyperparameters of all runs, as columns."""

    async def get(self) -> None:
        """Answer with one column for each hyperparameter, null where a run has none."""
        self.reply_json(await self.run(_hparam_columns, self.context.store))


class ProblemsRoute(DataRoute):
    """`GET api/v1/problems`: what was wrong with files, and what became of it."""

    def get(self) -> None:
        """Answer with the rows of the health page."""
        problems = self.context.store.problems()
        self.reply_json({"problems": [dataclasses.asdict(problem) for problem in problems]})


def sources_of(
    store: Store,
    catalogue: Catalogue,
    ids: Sequence[int],
    tag: str,
    hparams: Mapping[int, HParams] = {},
) -> list[Source]:
    """Return the points of `tag` of those runs that have it.

    Args:
        store: Where the points are.
        catalogue: Taken before the points are read: they may be newer, never older.
        ids: Ids of the wanted runs; ids that are not there are passed over.
        tag: Name of the tag.
        hparams: Hyperparameters by run id, where they are needed.
    """
    infos = {run.id: run for run in catalogue.runs}
    wanted = [i for i in ids if i in infos]
    return [
        Source(i, infos[i].name, infos[i].start, infos[i].version, series, hparams.get(i, {}))
        for i, series in store.series_many(wanted, tag)
        if len(series)
    ]


def _chart(
    store: Store, tag: str, ids: Sequence[int], request: CurveRequest, since: int | None
) -> bytes | None:
    catalogue = store.catalogue()
    newest = _newest(catalogue, ids)
    # Versions start anew with the server, so one from the future is one from before.
    if since is not None and newest <= since <= catalogue.version:
        return None

    by_hparams = request.fold is not None and bool(request.fold.hparams)
    hparams = hparams_of(store, catalogue) if by_hparams else {}

    def compute() -> bytes:
        from gpuboard.analysis.curves import curves

        sources = sources_of(store, catalogue, ids, tag, hparams)
        chart = curves(sources, request, tag, memory_of(store).smoothed)
        return wire.chart_bytes(chart, catalogue.version)

    # A run's hyperparameters may stand in another run, so any change may concern them.
    newest = catalogue.version if by_hparams else newest
    return memory_of(store).replies.get((tag, tuple(ids), request, newest), compute)


def hparams_of(store: Store, catalogue: Catalogue) -> dict[int, HParams]:
    """Return the hyperparameters of all runs by id; see `analysis.hparams.inherited`."""
    from gpuboard.analysis.hparams import inherited
    from gpuboard.serve.trials import sessions_of

    sessions = sessions_of(store, catalogue)
    found = inherited({run.name: sessions[run.id].hparams for run in catalogue.runs})
    return {run.id: found[run.name] for run in catalogue.runs}


def _hparam_columns(store: Store) -> dict[str, Any]:
    catalogue = store.catalogue()
    found = hparams_of(store, catalogue)
    names = sorted({name for hparams in found.values() for name in hparams}, key=natural_key)
    ids = [run.id for run in catalogue.runs]
    return {
        "version": catalogue.version,
        "run": ids,
        "hparams": {name: [found[i].get(name) for i in ids] for name in names},
    }


def _newest(catalogue: Catalogue, ids: Sequence[int]) -> int:
    """Return the version at which one of the wanted runs changed last, -1 without any."""
    wanted = set(ids)
    return max((run.version for run in catalogue.runs if run.id in wanted), default=-1)


def _point_columns(
    store: Store, tag: str, ids: Sequence[int], body: Mapping[str, Any]
) -> dict[str, Any]:
    from gpuboard.analysis.points import PointRequest, points_at

    axis, at, to, smoothing = fields.point_fields(body)
    sources = sources_of(store, store.catalogue(), ids, tag)
    request = PointRequest(axis, at, to, smoothing)
    return wire.point_columns(points_at(sources, request, tag, memory_of(store).smoothed))


def _tables(store: Store, runs: Sequence[str], tag: str, view: str) -> list[tuple[str, Series]]:
    """Return name and points of each run, given by id or by name.

    Raises:
        NotFoundError: There is no such run, or it has no such scalars.
    """
    names = {run.id: run.name for run in store.catalogue().runs}
    ids = {name: run for run, name in names.items()}
    tables = []
    for run in runs:
        known = int(run) if run.isascii() and run.isdigit() and len(run) < 10 else ids.get(run, -1)
        if known not in names:
            raise NotFoundError(f"run: there is no run {run[:200]!r}; api/v1/runs lists them")
        tables.append((names[known], store.series(known, tag)))
    if view == "all":
        return tables
    from gpuboard.analysis.restarts import current_series

    return [(name, current_series(series)) for name, series in tables]


def _encoded(tables: Sequence[tuple[str, Series]], tag: str, kind: str) -> Iterator[str | bytes]:
    from gpuboard.analysis.tables import csv_chunks, json_chunks, parquet_bytes

    several = len(tables) > 1
    if kind == "csv":
        return csv_chunks(tables, name_runs=several)
    if kind == "json":
        return json_chunks(tables, tag, as_list=several)
    return iter([parquet_bytes(tables, name_runs=several)])


def _run_columns(store: Store) -> dict[str, Any]:
    catalogue = store.catalogue()
    runs = catalogue.runs
    last_steps = memory_of(store).listing.last_steps(catalogue)
    return {
        "version": catalogue.version,
        "runs": {
            "id": [run.id for run in runs],
            "name": [run.name for run in runs],
            "start": [run.start for run in runs],
            "end": [run.end for run in runs],
            "last_step": wire.exact(last_steps),
            "tags": [len(run.tags) for run in runs],
            "points": [run.points for run in runs],
            "bytes": [run.bytes for run in runs],
            "files": [len(run.files) for run in runs],
            "problems": [run.problems for run in runs],
            "state": [run.state for run in runs],
        },
    }


def _tag_rows(store: Store, kind: str | None, pattern: str | None, limit: int) -> dict[str, Any]:
    catalogue = store.catalogue()
    listing = memory_of(store).listing
    rows = listing.tags(catalogue, kind=kind, pattern=pattern, limit=limit)
    columns = zip(rows.tag, rows.kind, rows.runs, rows.points, rows.description, strict=True)
    names = ("tag", "kind", "runs", "points", "description")
    return {
        "version": catalogue.version,
        "total": rows.total,
        "tags": [dict(zip(names, row, strict=True)) for row in columns],
    }


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/status", StatusRoute),
    (r"api/v1/runs", RunsRoute),
    (r"api/v1/tags", TagsRoute),
    (r"api/v1/curves", CurvesRoute),
    (r"api/v1/at", AtRoute),
    (r"api/v1/scalars", ScalarsRoute),
    (r"api/v1/hparams", HParamsRoute),
    (r"api/v1/problems", ProblemsRoute),
)
