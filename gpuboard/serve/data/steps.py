"""Say at which steps a tag has values that are read when somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpuboard.serve import fields, wire
from gpuboard.serve.routes import DataRoute
from gpuboard.serve.values import refs_of, run_argument, tag_argument
from gpuboard.store.store import natural_key

if TYPE_CHECKING:
    from gpuboard.store.store import Store
    from gpuboard.store.values import Values


class StepsRoute(DataRoute):
    """`GET` and `POST api/v1/steps`: the steps of a tag's values, and what addresses call them."""

    async def get(self) -> None:
        """Answer for one run."""
        run, tag = run_argument(self), tag_argument(self)
        self.reply_json(await self.run(_of_run, self.context.store, run, tag))

    async def post(self) -> None:
        """Answer for those of many runs that have the tag."""
        body = self.json_body()
        tag, ids = fields.text(body, "tag", None), fields.run_ids(body.get("runs"))
        self.reply_json(await self.run(_of_runs, self.context.store, tag, ids))


class ValuesRoute(DataRoute):
    """`GET api/v1/values?kind=&q=&limit=`: tags of one kind, each with the runs that have it."""

    async def get(self) -> None:
        """Answer with the first tags that match and how many there are."""
        kind = self.get_query_argument("kind", "")
        pattern = self.get_query_argument("q", None, strip=False) or None
        limit = fields.limit(self.get_query_argument("limit", None))
        self.reply_json(await self.run(_tags, self.context.store, kind, pattern, limit))


def _tags(store: Store, kind: str, pattern: str | None, limit: int) -> dict[str, Any]:
    from gpuboard.analysis.patterns import compiled, searched

    catalogue = store.catalogue()
    runs: dict[str, list[int]] = {}
    for run in catalogue.runs:
        for info in run.tags.values():
            if info.kind == kind:
                runs.setdefault(info.tag, []).append(run.id)
    tags = sorted(runs, key=natural_key)
    if pattern:
        found = searched(compiled(pattern), tags)
        tags = [tag for tag, match in zip(tags, found, strict=True) if match is not None]
    return {
        "version": catalogue.version,
        "total": len(tags),
        "tags": [{"tag": tag, "runs": wire.id_ranges(runs[tag])} for tag in tags[:limit]],
    }


def _of_run(store: Store, run: int, tag: str) -> dict[str, Any]:
    version = store.version
    return {"version": version, **_columns(store.values(run, tag))}


def _of_runs(store: Store, tag: str, ids: list[int]) -> dict[str, Any]:
    version = store.version
    return {"version": version, "runs": [_columns(v) for v in store.values_many(ids, tag)]}


def _columns(values: Values) -> dict[str, Any]:
    from gpuboard.analysis.steps import standing

    places = standing(values)
    return {
        "run": values.run,
        "tag": values.tag,
        "kind": values.kind,
        "step": wire.exact(values.step[places]),
        "wall_time": values.wall_time[places],
        "ref": refs_of(values, places),
    }


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/steps", StepsRoute),
    (r"api/v1/values", ValuesRoute),
)
