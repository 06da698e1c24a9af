"""Answer what the Modules tab asks: the tree of a model's modules, with time on host and device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.profiles import LoadedTrace
from gpuboard.serve.rank_figures import modules_of

if TYPE_CHECKING:
    from gpuboard.profiler.figures.modules import ModuleTree
    from gpuboard.profiler.traces.trace import Int64s
    from gpuboard.serve.routes import DataRoute

MAX_MODULES = 20_000
NAME_CHARACTERS = 300
COLUMNS = (
    "occurrences", "operators", "host_ns", "host_own_ns", "device_ns", "device_own_ns",
    "backward_ns", "backward_own_ns", "backward_host_ns", "backward_host_own_ns",
)  # fmt: skip


class ModulesRoute(TraceRoute):
    """`GET api/v1/profile/modules?trace=`: modules, those under each after it."""

    async def get(self) -> None:
        """Answer with columns: place in the tree, calls, times, the first call of each."""
        self.reply_bytes(await self.run(_modules, await self.loaded()))


def _modules(loaded: LoadedTrace) -> bytes:
    found = modules_of(loaded)
    kept = slice(0, MAX_MODULES)
    row = _first_calls(found)[kept]
    slices, known = loaded.trace.slices, row >= 0
    start = np.zeros(len(row), np.int64)
    start[known] = slices.start[row[known]] - loaded.timeline.start
    dur = np.full(len(row), -1, np.int64)
    dur[known] = slices.dur[row[known]]
    header: dict[str, Any] = {
        "total": len(found.name),
        "name": [name[:NAME_CHARACTERS] for name in found.name[kept]],
        "source": found.source,
        "unassigned_ns": found.unassigned_ns,
        "has_device": bool(len(loaded.trace.work.row)),
        "absent": found.absent,
        "backward_absent": found.backward_absent,
    }
    columns: dict[str, Any] = {
        "parent": found.parent[kept],
        "depth": found.depth[kept],
        "row": row.astype(np.int32),
        "start": start.astype(np.float64),
        "duration": dur.astype(np.float64),
    }
    columns |= {name: getattr(found, name)[kept].astype(np.float64) for name in COLUMNS}
    return encode(header, columns)


def _first_calls(found: ModuleTree) -> Int64s:
    """Return the row of the first slice within each module itself, mostly its call, or -1."""
    first = np.full(len(found.name), -1, np.int64)
    rows = np.flatnonzero(found.slice_node >= 0)[::-1]
    first[found.slice_node[rows]] = rows
    return first


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = ((r"api/v1/profile/modules", ModulesRoute),)
