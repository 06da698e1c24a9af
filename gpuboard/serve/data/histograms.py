"""Answer what the Histograms page asks for: a picture of many steps, or the buckets of one."""

from __future__ import annotations

import dataclasses
import math
import re
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.analysis.histogram_request import Extent, HistogramRequest
from gpuboard.analysis.request import one_of
from gpuboard.errors import DataError, InputError, NotFoundError
from gpuboard.serve import fields, wire
from gpuboard.serve.column_reply import Column, encode
from gpuboard.serve.routes import DataRoute
from gpuboard.serve.values import decoded, place_of, refs_of, run_argument, tag_argument

if TYPE_CHECKING:
    from gpuboard.analysis.histogram_digest import Digest, DigestCache, Facts
    from gpuboard.analysis.histograms import Rows
    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.store.store import Store
    from gpuboard.store.values import Values
    from gpuboard.summaries.histogram import Histogram

DIGEST_BYTES = 32 << 20
FORMATS = ("json", "csv")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What a request names besides the picture itself.

    Attributes:
        runs: One run, or the runs that are laid over each other.
        at: The chosen step is the last one at or before it; None for the last of all.
        ref: The chosen value itself, where it is known; "" otherwise.
        since: `state` of the reply that the page already shows, "" without any.
    """

    tag: str
    runs: Sequence[int]
    at: float | None
    ref: str
    since: str


@dataclasses.dataclass(frozen=True, slots=True)
class Logged:
    """What one run logged under a tag.

    Attributes:
        places: The values that stand, by step.
        origin: Wall time of the run's first event.
    """

    values: Values
    places: npt.NDArray[np.int64]
    origin: float


class HistogramsRoute(DataRoute):
    """`POST api/v1/histograms`: one picture of a tag's histograms, as binary columns."""

    async def post(self) -> None:
        """Answer 204 where nothing was logged since the page asked last."""
        body = self.json_body()
        request, asked = _request(body), _asked(body)
        answer = await self.run(_picture, self.context.store, request, asked)
        if answer is None:
            self.set_status(204)
            self.finish()
        else:
            self.reply_bytes(answer)


class HistogramRoute(DataRoute):
    """`GET api/v1/histogram`: the buckets of one histogram, exactly as they were logged."""

    async def get(self) -> None:
        """Answer with JSON or CSV."""
        run, tag, ref = run_argument(self), tag_argument(self), self.get_query_argument("ref", "")
        kind = self.get_query_argument("format", "json")
        one_of("format", kind, FORMATS)
        found = await self.run(_buckets, self.context.store, run, tag, ref)
        if kind == "json":
            self.reply_json(found)
            return
        name = _UNSAFE.sub("_", f"{tag}-{found['step']}")[:120]
        self.set_header("Content-Disposition", f'attachment; filename="{name}.csv"')
        self.reply_bytes(_as_csv(found), "text/csv; charset=UTF-8")


def _request(body: Mapping[str, Any]) -> HistogramRequest:
    found = body.get("range", "all")
    scale: str | Extent | None = found if isinstance(found, str) else fields.window(body, "range")
    return HistogramRequest(
        mode=fields.text(body, "mode", "ridge"),
        axis=fields.text(body, "x", "step"),
        bins=fields.integer(body, "bins", 100),
        rows=fields.integer(body, "rows", 60),
        width=fields.integer(body, "width", 320),
        scale="all" if scale is None else scale,
    )


def _asked(body: Mapping[str, Any]) -> Asked:
    ids = fields.run_ids(body["runs"]) if "runs" in body else [fields.integer(body, "run", -1)]
    most = limits.MAX_HISTOGRAM_ROWS.value
    if len(ids) > most:
        raise InputError(f"runs: got {len(ids)}, expected at most {most}")
    if len(ids) != 1 and body.get("mode") != "runs":
        raise InputError(f'runs: got {len(ids)}, expected one run but in the mode "runs"')
    return Asked(
        tag=fields.text(body, "tag", None),
        runs=ids,
        at=None if body.get("at") is None else fields.number(body, "at", None),
        ref=fields.text(body, "ref", ""),
        since=fields.text(body, "since", ""),
    )


def _picture(store: Store, request: HistogramRequest, asked: Asked) -> bytes | None:
    logged = _logged(store, asked)
    state = " ".join(_state(one.values) for one in logged)
    if asked.since == state:
        return None
    if request.mode == "runs":
        return _runs(store, request, asked, logged, state)
    return _one_run(store, request, asked, logged[0], state)


def _logged(store: Store, asked: Asked) -> list[Logged]:
    from gpuboard.analysis.steps import standing

    found = store.values_many(asked.runs, asked.tag)
    if not found:
        where = "none of the runs" if len(asked.runs) > 1 else f"run {asked.runs[0]}"
        raise NotFoundError(f"tag: {where} has histograms named {asked.tag[:200]!r}")
    start = {run.id: run.start for run in store.catalogue().runs}
    return [
        Logged(values, standing(values), _origin(start.get(values.run, math.nan), values))
        for values in found
    ]


def _origin(start: float, values: Values) -> float:
    return start if math.isfinite(start) else float(values.wall_time[0])


def _state(values: Values) -> str:
    last = f"{values.file[-1]}-{values.offset[-1]}" if len(values) else ""
    return f"{values.run}:{len(values)}:{last}"


def _one_run(
    store: Store, request: HistogramRequest, asked: Asked, logged: Logged, state: str
) -> bytes:
    from gpuboard.analysis import histograms
    from gpuboard.analysis.histogram_digest import thinned

    values, decode_one = logged.values, _Decoder(store, logged.values)
    places = thinned(values, logged.places)
    digest = _digests(store).get(values, places, decode_one)
    window = histograms.shown_range(request.scale, [digest])
    axis, x_all = histograms.axis_of(values, logged.places, request.axis, logged.origin)
    x = x_all[np.isin(logged.places, places)]
    drawn = (values, places, x, digest, request, window, decode_one)
    rows: Rows | None = None
    columns: dict[str, Column] = {}
    if request.mode in ("ridge", "overlay"):
        rows = histograms.lines(*drawn)
    elif request.mode == "heat":
        rows = histograms.columns(*drawn)
    elif request.mode == "bands":
        bands = histograms.bands(x, digest, request.width)
        columns = {"x": bands.x, "quantile": bands.quantile}
    chosen, counts = _chosen(store, logged, asked, request, window)
    row = np.flatnonzero(logged.places == chosen.pop("place"))
    header: dict[str, Any] = {
        "version": store.version,
        "state": state,
        "run": values.run,
        "tag": values.tag,
        "mode": request.mode,
        "x": axis,
        "x_extent": [float(x_all.min()), float(x_all.max())],
        "range": window,
        "extent": _extents([digest]),
        "steps": len(logged.places),
        "read": len(places),
        "unreadable": int((~digest.is_read).sum()),
        "chosen": {**chosen, "x": float(x_all[row[0]]) if len(row) else None},
    }
    if rows is not None:
        header["step"] = wire.exact(values.step[rows.place])
        header["last_step"] = wire.exact(values.step[rows.last])
        columns = _row_columns(values, rows)
    return encode(header, {**columns, "chosen": counts})


def _runs(
    store: Store, request: HistogramRequest, asked: Asked, logged: Sequence[Logged], state: str
) -> bytes:
    """Return the chosen histogram of each run on common bins.

    The range "all" holds all steps of all runs; "robust" fits the chosen histograms alone, as
    other steps of other runs say little about them.
    """
    from gpuboard.analysis import histograms
    from gpuboard.analysis.histogram_digest import of_stack, thinned

    chosen = [_one(store, one, asked) for one in logged]
    stack = histograms.stacked_or_empty([histogram for _, histogram in chosen])
    shown = of_stack(stack)
    if request.scale == "all":
        cache = _digests(store)
        digests = [
            cache.get(one.values, thinned(one.values, one.places), _Decoder(store, one.values))
            for one in logged
        ]
    else:
        digests = [shown]
    window = histograms.shown_range(request.scale, digests)
    header: dict[str, Any] = {
        "version": store.version,
        "state": state,
        "tag": asked.tag,
        "mode": request.mode,
        "range": window,
        "extent": _extents(digests),
        "rows": [
            {**about, **(_speakable(shown.facts(row)) if histogram else {})}
            for row, (about, histogram) in enumerate(chosen)
        ],
    }
    for row in header["rows"]:
        del row["place"]
    return encode(header, {"count": histograms.binned_stack(stack, request.bins, window)})


def _row_columns(values: Values, rows: Rows) -> dict[str, Column]:
    columns: dict[str, Column] = {
        "x": rows.x,
        "wall_time": values.wall_time[rows.place],
        "count": rows.count,
        "total": rows.total,
    }
    return {**columns, "edge": rows.edge} if len(rows.edge) else columns


def _one(store: Store, logged: Logged, asked: Asked) -> tuple[dict[str, Any], Histogram | None]:
    """Return what names the chosen value, and its histogram; an "error" where it is bad."""
    from gpuboard.summaries.histogram import decode

    values = logged.values
    place = place_of(values, asked.ref) if asked.ref else _place_at(logged, asked.at)
    about = {
        "run": values.run,
        "place": place,
        "ref": refs_of(values, np.array([place]))[0],
        "step": wire.exact(values.step[place : place + 1])[0],
        "wall_time": float(values.wall_time[place]),
    }
    try:
        return about, decoded(store, values, place, decode)
    except DataError as error:
        return {**about, "error": str(error)}, None


def _chosen(
    store: Store, logged: Logged, asked: Asked, request: HistogramRequest, window: Extent
) -> tuple[dict[str, Any], Column]:
    """Return what is known of the chosen histogram, and its counts, zeros where it is bad."""
    from gpuboard.analysis.histogram_digest import of_stack
    from gpuboard.analysis.histograms import binned_stack, stacked_or_empty

    about, histogram = _one(store, logged, asked)
    stack = stacked_or_empty([histogram])
    facts = _speakable(of_stack(stack).facts(0)) if histogram else {}
    return {**about, **facts}, binned_stack(stack, request.bins, window)[0]


def _speakable(facts: Facts) -> dict[str, Any]:
    return {
        "min": facts.minimum,
        "max": facts.maximum,
        "num": facts.num,
        "total": facts.total,
        "mean": facts.mean,
        "std": facts.std,
        "is_exact": facts.is_exact,
        "quantiles": list(facts.quantiles),
    }


def _place_at(logged: Logged, at: float | None) -> int:
    """Return the last place at or before a step, the first one where all come later."""
    places = logged.places
    if at is None:
        return int(places[-1])
    before = int(np.searchsorted(logged.values.step[places], at, side="right"))
    return int(places[max(before - 1, 0)])


def _extents(digests: Sequence[Digest]) -> dict[str, Extent]:
    from gpuboard.analysis.histograms import shown_range

    return {name: shown_range(name, digests) for name in ("all", "robust")}


class _Decoder:
    """Decode single values, with a row of the health page for each that is bad."""

    def __init__(self, store: Store, values: Values) -> None:
        self._store = store
        self._values = values

    def __call__(self, place: int) -> Histogram | None:
        from gpuboard.summaries.histogram import decode

        try:
            return decoded(self._store, self._values, place, decode)
        except DataError:
            return None


def _buckets(store: Store, run: int, tag: str, ref: str) -> dict[str, Any]:
    from gpuboard.analysis.steps import standing
    from gpuboard.summaries.histogram import decode

    values = store.values(run, tag)
    place = place_of(values, ref) if ref else int(standing(values)[-1])

    def with_missing(value: Summary.Value) -> tuple[Histogram, float]:
        found = decode(value)
        return found, found.missing

    histogram, missing = decoded(store, values, place, with_missing)
    return {
        "run": run,
        "tag": tag,
        "ref": refs_of(values, np.array([place]))[0],
        "step": wire.exact(values.step[place : place + 1])[0],
        "wall_time": float(values.wall_time[place]),
        "min": histogram.minimum,
        "max": histogram.maximum,
        "num": histogram.num,
        "missing": missing,
        "sum": histogram.sum,
        "sum_squares": histogram.sum_squares,
        "left": histogram.left,
        "right": histogram.right,
        "count": histogram.count,
    }


def _as_csv(found: Mapping[str, Any]) -> bytes:
    columns = (found[name].tolist() for name in ("left", "right", "count"))
    lines = [f"{left!r},{right!r},{count!r}" for left, right, count in zip(*columns, strict=True)]
    return "\n".join(["left,right,count", *lines, ""]).encode()


_caches: weakref.WeakKeyDictionary[Any, DigestCache] = weakref.WeakKeyDictionary()


def _digests(store: Store) -> DigestCache:
    from gpuboard.analysis.histogram_digest import DigestCache

    return _caches.setdefault(store, DigestCache(DIGEST_BYTES))


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/histograms", HistogramsRoute),
    (r"api/v1/histogram", HistogramRoute),
)
