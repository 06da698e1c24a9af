"""Answer what the Custom scalars page asks for: the layout, and charts of several tags."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpuboard import limits
from gpuboard.errors import DataError, GpuboardError, InputError
from gpuboard.serve import fields, wire
from gpuboard.serve.api import hparams_of, memory_of, sources_of
from gpuboard.serve.routes import DataRoute

if TYPE_CHECKING:
    from gpuboard.analysis.curves import ChartCurves
    from gpuboard.analysis.custom_charts import MarginSources, TagCurves
    from gpuboard.analysis.request import CurveRequest, Source
    from gpuboard.store.columns import Catalogue
    from gpuboard.store.store import Store
    from gpuboard.summaries.custom_scalars import Layout

KIND = "custom_scalars"
MAX_CHART_LINES = 20_000  # tags times runs of one chart: beyond it the last tags are left out
Margin = tuple[str, str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What a chart shows: all tags that match, or values with their margins.

    Attributes:
        patterns: Regular expressions that tags begin with.
        margins: Names of tags: value, lower, upper.
    """

    patterns: tuple[str, ...] = ()
    margins: tuple[Margin, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Matches:
    """Tags that patterns match, in the order of the patterns.

    Attributes:
        tags: Names; those that no selected run has are left out.
        pattern: Index of the pattern that each was found by.
        total: How many there are, shown or not.
        problems: What is wrong with which pattern, by its index.
    """

    tags: list[str]
    pattern: list[int]
    total: int
    problems: dict[int, str]


class LayoutRoute(DataRoute):
    """`GET api/v1/custom_scalars`: categories and charts, merged over all runs."""

    async def get(self) -> None:
        """Answer with the layout; a run whose layout cannot be read is a problem of its own."""
        self.reply_json(await self.run(_layout, self.context.store))


class CustomCurvesRoute(DataRoute):
    """`POST api/v1/curves/custom`: all lines of a chart of several tags."""

    async def post(self) -> None:
        """Answer 204 where none of the runs has changed since the page asked last."""
        body = self.json_body()
        wanted, ids = wanted_chart(body), fields.run_ids(body.get("runs"))
        request, since = fields.curve_request(body), fields.since(body)
        answer = await self.run(_chart, self.context.store, wanted, ids, request, since)
        if answer is None:
            self.set_status(204)
            self.finish()
        else:
            self.reply_bytes(answer)


class CustomAtRoute(DataRoute):
    """`POST api/v1/at/custom`: what several tags of several runs have at one x."""

    async def post(self) -> None:
        """Answer with columns, one entry for each run and tag that has points."""
        body = self.json_body()
        tags, ids = _names(body, "tags"), fields.run_ids(body.get("runs"))
        fields.point_fields(body)
        self.reply_json(await self.run(_points, self.context.store, tags, ids, body))


def _layout(store: Store) -> dict[str, Any]:
    from gpuboard.summaries.custom_scalars import merged

    catalogue = store.catalogue()
    found, problems = [], []
    for run in catalogue.runs:
        for info in run.tags.values():
            if info.kind != KIND:
                continue
            try:
                found.append(_layout_of(store, run.id, info.tag))
            except GpuboardError as error:
                problems.append({"run": run.id, "message": str(error)})
    return {
        "version": catalogue.version,
        "runs": len(found),
        "categories": [dataclasses.asdict(category) for category in merged(found)],
        "problems": problems,
    }


def _layout_of(store: Store, run: int, tag: str) -> Layout:
    from gpuboard.analysis.steps import standing
    from gpuboard.serve.values import decoded
    from gpuboard.summaries.custom_scalars import decode

    values = store.values(run, tag)
    places = standing(values)
    if not len(places):
        raise DataError(f"run {run}: its layout was overwritten by a restart")
    return decoded(store, values, int(places[-1]), decode)


def _chart(
    store: Store, wanted: Wanted, ids: Sequence[int], request: CurveRequest, since: int | None
) -> bytes | None:
    catalogue = store.catalogue()
    infos = {run.id: run.version for run in catalogue.runs}
    newest = max((infos[i] for i in ids if i in infos), default=-1)
    if since is not None and newest <= since <= catalogue.version:
        return None
    newest = catalogue.version if request.fold is not None and request.fold.hparams else newest

    def compute() -> bytes:
        chart, more = custom_chart(store, catalogue, wanted, ids, request)
        return wire.chart_bytes(chart, catalogue.version, more)

    key = (KIND, wanted, tuple(ids), request, newest)
    return memory_of(store).replies.get(key, compute)


def custom_chart(
    store: Store,
    catalogue: Catalogue,
    wanted: Wanted,
    ids: Sequence[int],
    request: CurveRequest,
) -> tuple[ChartCurves, dict[str, object]]:
    """Return a chart of several tags, and what its header says beyond that of a chart of one tag.

    Args:
        store: Where the points are.
        catalogue: Taken before the points are read.
        wanted: Patterns or margins.
        ids: The selected runs.
        request: Axis, smoothing, window, pixels, fold.
    """
    make = _with_margins if wanted.margins else _lines
    found, more = make(store, catalogue, wanted, ids, request)
    tags = {"line_tag": found.line_tag.tolist(), "marker_tag": found.marker_tag.tolist()}
    return found.chart, {**more, **tags}


def _lines(
    store: Store,
    catalogue: Catalogue,
    wanted: Wanted,
    ids: Sequence[int],
    request: CurveRequest,
) -> tuple[TagCurves, dict[str, object]]:
    from gpuboard.analysis.custom_charts import lines_of_tags

    by_hparams = request.fold is not None and bool(request.fold.hparams)
    hparams = hparams_of(store, catalogue) if by_hparams else {}
    matches = matching(store, catalogue, wanted.patterns)
    tags: list[tuple[str, list[Source]]] = []
    pattern: list[int] = []
    lines = total = 0
    for tag, which in zip(matches.tags, matches.pattern, strict=True):
        is_full = len(tags) == limits.MAX_CHART_TAGS.value or lines >= MAX_CHART_LINES
        sources = [] if is_full else sources_of(store, catalogue, ids, tag, hparams)
        total += is_full or bool(sources)
        if not sources:
            continue
        lines += len(sources)
        tags.append((tag, sources))
        pattern.append(which)
    found = lines_of_tags(tags, request, memory_of(store).smoothed)
    problems = [{"pattern": k, "message": text} for k, text in matches.problems.items()]
    return found, {
        "tags": [tag for tag, _ in tags],
        "tag_pattern": pattern,
        "tags_total": total,
        "problems": problems,
    }


def _with_margins(
    store: Store,
    catalogue: Catalogue,
    wanted: Wanted,
    ids: Sequence[int],
    request: CurveRequest,
) -> tuple[TagCurves, dict[str, object]]:
    from gpuboard.analysis.custom_charts import MarginSources, lines_with_margins

    margins = [
        (names, MarginSources(*(sources_of(store, catalogue, ids, name) for name in names)))
        for names in wanted.margins
    ]
    found = lines_with_margins(margins, request, memory_of(store).smoothed)
    return found, {
        "tags": [value for value, _, _ in wanted.margins],
        "tag_pattern": list(range(len(margins))),
        "tags_total": len(margins),
        "problems": list(_missing(margins)) if ids else [],
    }


def _missing(
    margins: Sequence[tuple[Margin, MarginSources]],
) -> Iterator[dict[str, object]]:
    for k, (names, sources) in enumerate(margins):
        parts = zip(names, (sources.value, sources.lower, sources.upper), strict=True)
        absent = ", ".join(repr(name) for name, part in parts if not part)
        if absent:
            yield {"pattern": k, "message": f"no selected run has scalars named {absent}"}


def matching(store: Store, catalogue: Catalogue, patterns: Sequence[str]) -> Matches:
    """Return the scalar tags that begin with a match of any of the patterns, each once.

    A pattern that cannot be used is named in the answer, and the others are searched all the same.
    """
    from gpuboard.analysis.patterns import compiled, searched

    rows = memory_of(store).listing.tags(catalogue, kind="scalar", pattern=None, limit=1 << 30)
    found: dict[str, int] = {}
    problems: dict[int, str] = {}
    for k, pattern in enumerate(patterns):
        try:
            if not pattern:
                raise InputError("an empty regular expression: it would match every tag")
            matches = zip(rows.tag, searched(compiled(pattern), rows.tag), strict=True)
            # The leftmost match starts at 0 just where one at the beginning exists.
            for tag, match in matches:
                if match is not None and match.start() == 0:
                    found.setdefault(tag, k)
        except GpuboardError as error:
            problems[k] = str(error)
    return Matches(list(found), list(found.values()), len(found), problems)


def _points(
    store: Store, tags: Sequence[str], ids: Sequence[int], body: Mapping[str, Any]
) -> dict[str, Any]:
    from gpuboard.analysis.points import PointRequest, points_at

    axis, at, to, smoothing = fields.point_fields(body)
    request = PointRequest(axis, at, to, smoothing)
    catalogue, cache = store.catalogue(), memory_of(store).smoothed
    columns: dict[str, Any] = {"tag": [], "run": []}
    for k, tag in enumerate(tags):
        rows = points_at(sources_of(store, catalogue, ids, tag), request, tag, cache)
        for name, column in wire.point_columns(rows).items():
            columns.setdefault(name, []).extend(column)
        columns["tag"] += [k] * len(rows.run)
    return columns


def wanted_chart(body: Mapping[str, Any]) -> Wanted:
    """Return what a chart of several tags shows: the fields "tags" or "margins".

    Raises:
        InputError: They have the wrong type, or name too many.
    """
    margins = body.get("margins")
    if margins:
        return Wanted(margins=_margins(margins))
    return Wanted(patterns=tuple(_names(body, "tags")))


def _names(body: Mapping[str, Any], name: str) -> list[str]:
    found, most = body.get(name), limits.MAX_CHART_TAGS.value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InputError(f"{name}: got {str(found)[:80]}, expected a list of texts")
    if len(found) > most:
        raise InputError(f"{name}: got {len(found)} texts, at most {most} are taken")
    return found


def _margins(found: object) -> tuple[Margin, ...]:
    most = limits.MAX_CHART_TAGS.value
    if not isinstance(found, list) or len(found) > most:
        raise InputError(f"margins: expected a list of at most {most} objects")
    margins = []
    for one in found:
        names = (
            [one.get(key) for key in ("value", "lower", "upper")] if isinstance(one, dict) else []
        )
        if len(names) != 3 or not all(isinstance(name, str) for name in names):
            raise InputError(
                f"margins: got {str(one)[:80]}, expected an object with value, lower and upper"
            )
        margins.append((str(names[0]), str(names[1]), str(names[2])))
    return tuple(margins)


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/custom_scalars", LayoutRoute),
    (r"api/v1/curves/custom", CustomCurvesRoute),
    (r"api/v1/at/custom", CustomAtRoute),
)
