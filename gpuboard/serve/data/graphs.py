"""Answer what the Graphs page asks for: their list, pictures, nodes and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpuboard.errors import InputError
from gpuboard.serve import fields
from gpuboard.serve.data.graph_sources import Entry, Loaded, Parts, graphs_of
from gpuboard.serve.routes import DataRoute

if TYPE_CHECKING:
    from gpuboard.analysis.graphs.costs import ItemCosts
    from gpuboard.analysis.graphs.picture import Extras
    from gpuboard.analysis.graphs.tree import Float64s, Tree
    from gpuboard.analysis.graphs.view import Options
    from gpuboard.store.store import Store

MAX_FOUND = 200
MAX_KEYS = 20_000

_parts = Parts()


class GraphsRoute(DataRoute):
    """`GET api/v1/graphs`: all graphs that can be shown."""

    async def get(self) -> None:
        """Answer with one column for each fact."""
        self.reply_json(await self.run(_entries, self.context.store))


class LayoutRoute(DataRoute):
    """`POST api/v1/graph/layout`: boxes and lines for what is open."""

    async def post(self) -> None:
        """Answer with columns in pixels at natural size."""
        self.reply_json(await self.run(_picture, self.context.store, self.json_body()))


class NodeRoute(DataRoute):
    """`GET api/v1/graph/node?graph=&key=`: everything about one node or scope."""

    async def get(self) -> None:
        """Answer with its attributes, ties and costs."""
        ask = _Ask(self)
        self.reply_json(await self.run(_card, self.context.store, ask))


class SearchRoute(DataRoute):
    """`GET api/v1/graph/search?graph=&q=&regex=`: nodes and scopes by name or operation."""

    async def get(self) -> None:
        """Answer with the first that match, and how many there are."""
        ask = _Ask(self)
        text = self.get_query_argument("q", "", strip=False)
        is_regex = self.get_query_argument("regex", "0") == "1"
        limit = min(fields.limit(self.get_query_argument("limit", None)), MAX_FOUND)
        self.reply_json(await self.run(_search, self.context.store, ask, text, is_regex, limit))


class TableRoute(DataRoute):
    """`GET api/v1/graph/table?graph=`: all nodes as columns."""

    async def get(self) -> None:
        """Answer with what each makes, holds and costs."""
        self.reply_json(await self.run(_table, self.context.store, _Ask(self)))


class UploadRoute(DataRoute):
    """`POST api/v1/graph/upload?name=&size=&at=`: a graph file, in pieces that fit a request."""

    async def post(self) -> None:
        """Answer with how much has arrived, and with the graph's id once all of it has."""
        name = self.get_query_argument("name", "", strip=False)[-200:]
        size, at = (_whole(self, field) for field in ("size", "at"))
        body = self.request.body
        self.reply_json(await self.run(_upload, self.context.store, name, size, at, body))


class _Ask:
    """What a request's query says of a graph: which one, of what profile, and with constants."""

    def __init__(self, route: DataRoute) -> None:
        self.graph = route.get_query_argument("graph", "")
        self.profile = route.get_query_argument("profile", "")
        self.constants = route.get_query_argument("constants", "0") == "1"
        self.key = route.get_query_argument("key", "", strip=False)


def _whole(route: DataRoute, name: str) -> int:
    text = route.get_query_argument(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise InputError(f"{name}: got {text[:80]!r}, expected a whole number from 0 on")
    return int(text)


def _entries(store: Store) -> dict[str, Any]:
    found = graphs_of(store).entries()
    return {
        "version": store.version,
        "id": [entry.id for entry in found],
        "kind": [entry.kind for entry in found],
        "run": [entry.run for entry in found],
        "place": [entry.place for entry in found],
        "tag": [entry.tag for entry in found],
    }


def _picture(store: Store, body: Mapping[str, Any]) -> dict[str, Any]:
    from gpuboard.analysis.graphs.card import summary
    from gpuboard.analysis.graphs.picture import picture

    graph_id = fields.text(body, "graph", None)
    loaded = graphs_of(store).load(graph_id)
    tree, parameters = loaded.tree(constants=fields.boolean(body, "constants"))
    entry = graphs_of(store).entry(graph_id)
    extras = _extras(store, entry, loaded, body)
    answer = picture(tree, parameters, _options(body), extras, first=body.get("open") is None)
    return {
        "graph": graph_id,
        **answer,
        "totals": summary(tree),
        "notes": list(loaded.graph.notes),
    }


def _options(body: Mapping[str, Any]) -> Options:
    from gpuboard.analysis.graphs.view import Options

    return Options(
        open=frozenset() if body.get("open") is None else _keys(body, "open"),
        ungrouped=_keys(body, "ungrouped"),
        apart=_keys(body, "apart"),
        kept=_keys(body, "kept"),
    )


def _extras(store: Store, entry: Entry, loaded: Loaded, body: Mapping[str, Any]) -> Extras:
    from gpuboard.analysis.graphs.picture import Extras, Trace

    profile = fields.text(body, "profile", "")
    trace = body.get("trace")
    if trace is not None and not isinstance(trace, dict):
        raise InputError('trace: expected {"key": ..., "direction": "inputs"} or null')
    direction = "inputs" if trace is None else fields.text(trace, "direction", "inputs")
    if direction not in ("inputs", "outputs"):
        raise InputError(f'trace.direction: got {direction[:80]!r}, expected "inputs" or "outputs"')
    return Extras(
        costs=graphs_of(store).costs(profile) if profile else loaded.costs,
        without=_keys(body, "without"),
        trace=None if trace is None else Trace(fields.text(trace, "key", None), direction),
        health=_health(store, entry),
    )


def _health(store: Store, entry: Entry) -> dict[str, tuple[int, int]]:
    from gpuboard.serve.data.graph_health import health_of

    return health_of(store, entry.run)


def _keys(body: Mapping[str, Any], name: str) -> frozenset[str]:
    found = body.get(name, [])
    is_keys = isinstance(found, list) and all(isinstance(key, str) for key in found)
    if not is_keys or len(found) > MAX_KEYS:
        raise InputError(f"{name}: expected a list of at most {MAX_KEYS:,} keys of boxes")
    return frozenset(found)


def _with_costs(store: Store, ask: _Ask) -> tuple[Tree, Float64s, ItemCosts]:
    from gpuboard.analysis.graphs.costs import item_costs

    graphs = graphs_of(store)
    loaded = graphs.load(ask.graph)
    tree, parameters = loaded.tree(constants=ask.constants)
    costs = graphs.costs(ask.profile) if ask.profile else loaded.costs
    return tree, parameters, item_costs(tree, costs)


def _card(store: Store, ask: _Ask) -> dict[str, Any]:
    from gpuboard.analysis.graphs.card import card

    tree, parameters, costs = _with_costs(store, ask)
    return card(tree, ask.key, parameters, costs)


def _search(store: Store, ask: _Ask, text: str, is_regex: bool, limit: int) -> dict[str, Any]:
    from gpuboard.analysis.graphs.card import search

    tree, _ = graphs_of(store).load(ask.graph).tree(constants=ask.constants)
    return search(tree, text, limit, is_regex=is_regex)


def _table(store: Store, ask: _Ask) -> dict[str, Any]:
    from gpuboard.analysis.graphs.card import summary, table

    tree, _, costs = _with_costs(store, ask)
    return {**table(tree, costs), "totals": summary(tree)}


def _upload(store: Store, name: str, size: int, at: int, body: bytes) -> dict[str, Any]:
    data = _parts.add(name, size, at, body)
    if data is None:
        return {"name": name, "received": at + len(body), "graph": ""}
    entry = graphs_of(store).add_upload(name, data)
    return {"name": name, "received": size, "graph": entry.id}


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    ("api/v1/graphs", GraphsRoute),
    ("api/v1/graph/layout", LayoutRoute),
    ("api/v1/graph/node", NodeRoute),
    ("api/v1/graph/search", SearchRoute),
    ("api/v1/graph/table", TableRoute),
    ("api/v1/graph/upload", UploadRoute),
)
