"""Answer what the Flame tab asks: the tree of merged calls, its export, and where a call was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gpuboard import limits
from gpuboard.errors import InputError
from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_tables import TableRoute
from gpuboard.serve.profiles import LoadedTrace

if TYPE_CHECKING:
    from gpuboard.profiler.figures.call_tree import CallTree
    from gpuboard.profiler.figures.flame import Flame
    from gpuboard.profiler.traces.trace import Bools, Trace
    from gpuboard.serve.routes import DataRoute

NAME_CHARACTERS = 400
SHOWN_NODES = 20_000

Weight = Literal["host", "device"]


class FlameRequest:
    """Which flame graph is wanted."""

    def __init__(self, route: TableRoute, loaded: LoadedTrace) -> None:
        self.window = route.window(loaded)
        self.weight: Weight = (
            "device" if route.choice("weight", ("host", "device")) == "device" else "host"
        )
        self.threads = route.get_query_argument("threads", "0") == "1"
        self.track = route.whole("track", -1)
        self.limit = min(max(route.whole("limit", SHOWN_NODES), 100), limits.MAX_FLAME_NODES.value)
        if self.track >= len(loaded.trace.tracks):
            raise InputError(
                f"track: got {self.track}, expected one below {len(loaded.trace.tracks)}"
            )

    @property
    def tracks(self) -> tuple[int, ...] | None:
        """The only threads to look at, None for all."""
        return (self.track,) if self.track >= 0 else None

    @property
    def key(self) -> tuple[Any, ...]:
        """What results are kept under."""
        return self.window, self.weight, self.threads, self.track, self.limit


class FlameRoute(TableRoute):
    """`GET api/v1/profile/flame?trace=&weight=&t0=&t1=&threads=&track=&limit=`: merged calls."""

    async def get(self) -> None:
        """Answer with columns of nodes, or with `format` as a file for other viewers."""
        loaded = await self.loaded()
        ask = FlameRequest(self, loaded)
        form = self.choice("format", ("columns", "collapsed", "speedscope"))
        if form == "columns":
            self.reply_bytes(await self.run(_columns, loaded, ask))
            return
        name, text = await self.run(_file, loaded, ask, form)
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        kind = "application/json" if form == "speedscope" else "text/plain; charset=UTF-8"
        self.reply_bytes(text.encode("utf-8", "replace"), kind)


class FlamePlaceRoute(TableRoute):
    """`GET api/v1/profile/flame_place?...&node=`: where a node of that flame graph first ran."""

    async def get(self) -> None:
        """Answer with a slice, null where no slice stands behind the node."""
        loaded = await self.loaded()
        ask = FlameRequest(self, loaded)
        self.reply_json(await self.run(_place, loaded, ask, self.whole("node")))


def _flame(loaded: LoadedTrace, ask: FlameRequest, limit: int) -> Flame:
    def make(trace: Trace) -> Flame:
        from gpuboard.profiler.figures.flame import flame

        return flame(
            trace,
            loaded.nesting,
            loaded.launches,
            window=ask.window,
            tracks=ask.tracks,
            threads=ask.threads,
            weight=ask.weight,
            limit=limit,
        )

    return loaded.recent(("flame", *ask.key, limit), make)


def _columns(loaded: LoadedTrace, ask: FlameRequest) -> bytes:
    found = _flame(loaded, ask, ask.limit)
    used, name = np.unique(found.name, return_inverse=True)
    is_host = ask.weight == "host"
    header = {
        "weight": ask.weight,
        "names": [found.names[n][:NAME_CHARACTERS] for n in used.tolist()],
        "nodes": found.nodes,
        "outside_ns": found.outside_ns,
        "absent": found.absent,
        "tracks": _threads(loaded),
    }
    columns: dict[str, Any] = {
        "parent": found.parent,
        "name": name.reshape(-1).astype(np.int32),
        "self_ns": (found.host_self_ns if is_host else found.device_self_ns).astype(np.float64),
        "total_ns": (found.host_total_ns if is_host else found.device_total_ns).astype(np.float64),
        "other_ns": (found.device_total_ns if is_host else found.host_total_ns).astype(np.float64),
        "count": found.count.astype(np.float64),
        "is_rest": found.is_rest.astype(np.uint8),
    }
    return encode(header, columns)


def _threads(loaded: LoadedTrace) -> list[dict[str, Any]]:
    """Return the threads of the host, those with most slices first."""
    from gpuboard.profiler.traces.trace import Place

    trace = loaded.trace
    sizes = np.diff(trace.track_start)
    order = np.argsort(-sizes, kind="stable").tolist()
    return [
        {
            "track": number,
            "label": (trace.tracks[number].thread_label or f"thread {trace.tracks[number].thread}")[
                :80
            ],
            "slices": int(sizes[number]),
        }
        for number in order
        if trace.tracks[number].place is Place.HOST and sizes[number]
    ][:50]


def _file(loaded: LoadedTrace, ask: FlameRequest, form: str) -> tuple[str, str]:
    from gpuboard.profiler.figures.flame_export import collapsed, speedscope

    found = _flame(loaded, ask, limits.MAX_FLAME_NODES.value)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", loaded.entry.place)[-80:].split(".pt.trace")[0]
    stem = stem or "trace"
    if form == "speedscope":
        return f"{stem}.speedscope.json", speedscope(found, loaded.entry.place, ask.weight)
    return f"{stem}.collapsed.txt", collapsed(found, ask.weight)


def _place(loaded: LoadedTrace, ask: FlameRequest, node: int) -> dict[str, Any] | None:
    found = _flame(loaded, ask, ask.limit)
    if not 0 <= node < len(found):
        raise InputError(f"node: got {node}, expected 0 to {len(found) - 1}")
    tree = loaded.recent(("call tree", *ask.key[:4]), lambda trace: _tree(loaded, trace, ask))
    rows = np.flatnonzero(_under(tree, _node_of(tree, found, node)))
    if not len(rows):
        return None
    slices = loaded.trace.slices
    row = int(rows[np.argmin(slices.start[rows])])
    return {
        "row": row,
        "start": int(slices.start[row]) - loaded.timeline.start,
        "dur": int(slices.dur[row]),
        "calls": len(rows),
    }


def _tree(loaded: LoadedTrace, trace: Trace, ask: FlameRequest) -> CallTree:
    from gpuboard.profiler.figures.call_tree import merge_calls
    from gpuboard.profiler.figures.flame import KINDS

    marked = np.isin(trace.slices.kind, KINDS)
    if ask.window is not None:
        end = trace.slices.start + trace.slices.dur
        marked &= (trace.slices.start < ask.window[1]) & (end > ask.window[0])
    if ask.tracks is not None:
        marked &= np.isin(trace.slices.track, ask.tracks)
    return merge_calls(trace, loaded.nesting, marked, threads=ask.threads, stacks=True)


def _node_of(tree: CallTree, found: Flame, node: int) -> int:
    """Return the node of the tree that a node of the flame graph stands for, by its path."""
    path = []
    while node >= 0:
        path.append(found.names[found.name[node]])
        node = int(found.parent[node])
    numbers = {name: number for number, name in enumerate(tree.names)}
    at = -1
    for name in reversed(path):
        if name not in numbers:
            return -1
        below = np.flatnonzero((tree.parent == at) & (tree.name == numbers[name]))
        if not len(below):
            return -1
        at = int(below[0])
    return at


def _under(tree: CallTree, node: int) -> Bools:
    """Tell which slices are merged in a node; in one without slices, in those below it."""
    own: Bools = tree.node == node
    if node < 0 or own.any():
        return own if node >= 0 else np.zeros(len(tree.node), np.bool_)
    below = np.zeros(len(tree) + 1, np.bool_)
    below[node] = True
    for number, parent in enumerate(tree.parent.tolist()[node + 1 :], node + 1):
        below[number] = parent >= 0 and below[parent]
    found: Bools = below[tree.node]
    return found


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/profile/flame", FlameRoute),
    (r"api/v1/profile/flame_place", FlamePlaceRoute),
)
