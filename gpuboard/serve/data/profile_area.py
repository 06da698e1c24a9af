"""Answer what the timeline asks of whole windows: sums, clocks of several traces, a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard import limits
from gpuboard.errors import InputError
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.data.profile_timeline import NAME_CHARACTERS, WindowRoute
from gpuboard.serve.profiles import LoadedTrace

if TYPE_CHECKING:
    from gpuboard.profiler.traces.trace import Int64s
    from gpuboard.serve.routes import DataRoute

MAX_SUM_ROWS = 1_000


class AreaRoute(WindowRoute):
    """`GET api/v1/timeline/area?trace=&t0=&t1=&lanes=`: what lies in a part of the timeline."""

    async def get(self) -> None:
        """Answer with sums by name and by track."""
        loaded = await self.loaded()
        self.reply_json(await self.run(_area, loaded, self.window(loaded), self.lanes(loaded)))


class AlignRoute(TraceRoute):
    """`GET api/v1/timeline/align?traces=a,b&how=clock`: put several traces on one clock."""

    async def get(self) -> None:
        """Answer with what to add to the times of each, and on what that rests."""
        ids = self.get_query_argument("traces", "").split(",")
        most = limits.MAX_TIMELINE_TRACES.value
        if not 1 <= len(ids) <= most:
            raise InputError(f"traces: got {len(ids)}, expected 1 to {most} ids with commas")
        how = self.get_query_argument("how", "clock")
        if how not in ("clock", "collective", "start"):
            raise InputError(f'how: got {how[:80]!r}, expected "clock", "collective" or "start"')
        loaded = [await self.loaded_id(trace_id) for trace_id in ids]
        self.reply_json(await self.run(_align, loaded, how))


class SaveRoute(WindowRoute):
    """`GET api/v1/timeline/save?trace=&t0=&t1=`: a window as Chrome JSON, for other viewers."""

    async def get(self) -> None:
        """Answer with a file."""
        loaded = await self.loaded()
        body = await self.run(_save, loaded, self.window(loaded))
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", loaded.entry.place)[-80:].split(".pt.trace")[0]
        name = f"{stem or 'trace'}.window.json"
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.reply_bytes(body, "application/json; charset=UTF-8")


def _area(loaded: LoadedTrace, window: tuple[int, int], lanes: Int64s) -> dict[str, Any]:
    from gpuboard.profiler.timeline.area import sums

    timeline, texts = loaded.timeline, loaded.trace.strings
    found = sums(timeline, *window, np.unique(lanes))
    names = found.names
    shown = slice(0, MAX_SUM_ROWS)
    return {
        "t0": window[0] - timeline.start,
        "t1": window[1] - timeline.start,
        "slices": int(names.count.sum()),
        "distinct": len(names.name),
        "busy": found.busy_any,
        "name": [texts[number][:NAME_CHARACTERS] for number in names.name[shown]],
        "count": names.count[shown],
        "total": names.total[shown],
        "least": names.least[shown],
        "most": names.most[shown],
        "tracks": {"track": found.tracks, "busy": found.busy},
    }


def _align(loaded: Sequence[LoadedTrace], how: str) -> dict[str, Any]:
    from gpuboard.profiler.timeline.align import align

    found = align([one.trace for one in loaded], how)
    starts = [one.timeline.start for one in loaded]
    return {
        "traces": [one.entry.id for one in loaded],
        "offset": [
            shift + start - starts[0] for shift, start in zip(found.shift, starts, strict=True)
        ],
        "how": found.how,
        "note": found.note,
    }


def _save(loaded: LoadedTrace, window: tuple[int, int]) -> bytes:
    from gpuboard.profiler.timeline.window_export import window_json

    return window_json(loaded.timeline, *window)


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/timeline/area", AreaRoute),
    (r"api/v1/timeline/align", AlignRoute),
    (r"api/v1/timeline/save", SaveRoute),
)
