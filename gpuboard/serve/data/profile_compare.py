"""Answer what the Compare tab asks: what differs between two traces, or two groups of ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.serve.data.profile_distributed import SeveralRoute
from gpuboard.serve.profiles import LoadedTrace
from gpuboard.serve.rank_figures import memory_of
from gpuboard.serve.trace_figures import steps_of

if TYPE_CHECKING:
    from gpuboard.profiler.figures.compare import Comparison, Difference, Figure, Recording
    from gpuboard.serve.routes import DataRoute

MAX_ROWS = 1_000
MAX_STEPS = 2_000
NAME_CHARACTERS = 1_000
TABLES = ("classes", "kernel_classes", "kernels", "operators", "operator_kernels")


class CompareRoute(SeveralRoute):
    """`GET api/v1/profile/compare?before=a,b&after=c,d`: what differs."""

    async def get(self) -> None:
        """Answer with a sentence, figures, and tables by name: the largest changes first."""
        before, after = await self.several("before"), await self.several("after")
        self.reply_json(await self.run(_compare, before, after))


def _compare(before: Sequence[LoadedTrace], after: Sequence[LoadedTrace]) -> dict[str, Any]:
    from gpuboard.profiler.advice.comparison import headline

    found = _comparison(before, after)
    told = headline(found)
    return {
        "text": told.text,
        "ratio": told.ratio,
        "caution": told.caution,
        "per": found.per,
        "devices": found.devices,
        "figures": [_figure(one) for one in found.figures],
        "parts": [_figure(one) for one in found.parts],
        "tables": {name: _table(getattr(found, name)) for name in TABLES},
        "steps": [_steps(side) for side in (before, after)],
    }


def _comparison(before: Sequence[LoadedTrace], after: Sequence[LoadedTrace]) -> Comparison:
    from gpuboard.profiler.figures.compare import compare

    key = ("compared", *(tuple((one.entry.id, one.mark) for one in s) for s in (before, after)))
    sides = [[_recording(one) for one in side] for side in (before, after)]
    return before[0].recent(key, lambda _: compare(*sides))


def _recording(loaded: LoadedTrace) -> Recording:
    from gpuboard.profiler.figures.compare import Recording

    return Recording(loaded.trace, steps_of(loaded), loaded.launches, memory_of(loaded))


def _figure(one: Figure) -> dict[str, Any]:
    return {"name": one.name, "unit": one.unit, "before": one.before, "after": one.after}


def _table(found: Difference) -> dict[str, Any]:
    from gpuboard.profiler.figures.compare import Status

    kept = slice(0, MAX_ROWS)
    return {
        "total": len(found.name),
        "name": [name[:NAME_CHARACTERS] for name in found.name[kept]],
        "status": [Status(one).name.lower() for one in found.status[kept].tolist()],
        "count_before": found.count[0, kept],
        "count_after": found.count[1, kept],
        "before": found.time_ns[0, kept],
        "after": found.time_ns[1, kept],
        "all_before": float(found.time_ns[0].sum()),
        "all_after": float(found.time_ns[1].sum()),
        "absent": found.absent,
    }


def _steps(side: Sequence[LoadedTrace]) -> dict[str, Any]:
    """Return the steps of the first trace of a side, and how long each took on average."""
    steps = [steps_of(one) for one in side]
    first = steps[0]
    count = min((len(one) for one in steps), default=0)
    lengths = [(one.end - one.start)[:count] for one in steps]
    mean = np.mean(lengths, axis=0)[:MAX_STEPS] if count else np.empty(0)
    return {"name": list(first.name[: len(mean)]), "ns": mean, "source": first.source}


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = ((r"api/v1/profile/compare", CompareRoute),)
