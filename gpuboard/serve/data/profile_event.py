"""Answer what the timeline asks of one event, and of the arrows between events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.errors import InputError
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.data.profile_timeline import WindowRoute
from gpuboard.serve.profiles import LoadedTrace

if TYPE_CHECKING:
    from gpuboard.profiler.timeline.levels import Timeline
    from gpuboard.profiler.timeline.links import Arrow
    from gpuboard.profiler.traces.trace import Int64s, Trace
    from gpuboard.serve.routes import DataRoute

MAX_ARROWS = 400
FEW_ARROWS = 100  # in a view: more would hide what they lie on
MAX_FACT_CHARACTERS = 20_000


class EventRoute(TraceRoute):
    """`GET api/v1/timeline/event?trace=&row=&step=`: everything about one slice.

    With `step=1` or `step=-1` it is about the next or the last one on the same line.
    """

    async def get(self) -> None:
        """Answer with its fields, the slices around it and what it is tied to."""
        loaded = await self.loaded()
        row, step = self.whole("row"), self.whole("step", 0)
        self.reply_json(await self.run(_event, loaded, row, step))


class ArgumentsRoute(TraceRoute):
    """`GET api/v1/timeline/arguments?trace=&row=`: one event as its file has it."""

    async def get(self) -> None:
        """Answer with all of its arguments, read from the file again."""
        loaded = await self.loaded()
        self.reply_json(await self.run(_arguments, loaded, self.whole("row")))


class ArrowsRoute(WindowRoute):
    """`GET api/v1/timeline/arrows?trace=&t0=&t1=&lanes=`: arrows of a window, where few."""

    async def get(self) -> None:
        """Answer with columns; "too_many" where they would hide what they lie on."""
        loaded = await self.loaded()
        window, lanes = self.window(loaded), self.lanes(loaded)
        self.reply_json(await self.run(_arrows_in_view, loaded, window, lanes))


def _event(loaded: LoadedTrace, row: int, step: int) -> dict[str, Any]:
    from gpuboard.profiler.timeline import links as ties
    from gpuboard.profiler.timeline.facts import facts_of

    trace, timeline = loaded.trace, loaded.timeline
    if not 0 <= row < len(trace.slices):
        raise InputError(f"row: got {row}, expected 0 to {len(trace.slices) - 1}")
    row = _beside(timeline, row, step)
    call, operator = (of(trace, loaded.links, row) for of in (ties.call_of, ties.operator_of))
    arrows = ties.arrows_of(timeline, loaded.links, row, MAX_ARROWS)
    launched = [arrow.target for arrow in arrows if arrow.label == "launch" and arrow.source == row]
    slices = trace.slices
    return {
        **brief(timeline, row),
        "exact_start": str(int(slices.start[row])),
        "exact_duration": str(int(slices.dur[row])),
        "is_suspect": bool(slices.suspect[row]),
        "category": trace.categories[slices.category[row]],
        "kind": _kind_name(trace, row),
        "offset": str(int(slices.offset[row])),
        "facts": [
            {"name": fact.name, "value": _shown(fact.value), "unit": fact.unit}
            for fact in facts_of(trace, row)
        ],
        "above": [brief(timeline, one) for one in ties.above(timeline, row)],
        "call": None if call < 0 else brief(timeline, call),
        "operator": None if operator < 0 else brief(timeline, operator),
        "launched": [brief(timeline, one) for one in launched[:50]],
        "launched_total": len(launched),
        "arrows": _arrow_columns(timeline, arrows),
    }


def _arguments(loaded: LoadedTrace, row: int) -> dict[str, Any]:
    """Return the arguments as texts; Chrome's JSON alone has an event to read again."""
    from gpuboard.profiler.traces.kineto_event import read_event

    trace = loaded.trace
    if not 0 <= row < len(trace.slices):
        raise InputError(f"row: got {row}, expected 0 to {len(trace.slices) - 1}")
    if trace.origin.format not in ("kineto", "chrome"):
        return {"row": row, "arguments": [], "absent": f"{trace.origin.format} keeps no more"}
    event = read_event(Path(trace.origin.file), int(trace.slices.offset[row]))
    args = event.get("args")
    found = args if isinstance(args, dict) else {}
    return {
        "row": row,
        "arguments": [{"name": str(name), "value": _text(value)} for name, value in found.items()],
        "absent": "" if found else "the event has no arguments",
    }


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text[:MAX_FACT_CHARACTERS]


def _beside(timeline: Timeline, row: int, step: int) -> int:
    """Return the slice `step` places further on the same lane, at its ends the last one."""
    if not step:
        return row
    lane = int(timeline.lane_of(np.array([row], np.int32))[0])
    low, high = (int(at) for at in timeline.rows.lane_start[lane : lane + 2])
    at = low + int(np.flatnonzero(timeline.rows.order[low:high] == row)[0])
    return int(timeline.rows.order[min(max(at + step, low), high - 1)])


def brief(timeline: Timeline, row: int) -> dict[str, Any]:
    """Return what names a slice and tells where it lies."""
    trace = timeline.trace
    return {
        "row": row,
        "name": trace.text(int(trace.slices.name[row]))[:MAX_FACT_CHARACTERS],
        "start": int(trace.slices.start[row]) - timeline.start,
        "duration": int(timeline.rows.dur[row]),
        "track": int(trace.slices.track[row]),
        "lane": int(timeline.lane_of(np.array([row], np.int32))[0]),
    }


def _kind_name(trace: Trace, row: int) -> str:
    from gpuboard.profiler.traces.trace import Kind

    return Kind(int(trace.slices.kind[row])).name.lower().replace("_", " ")


def _shown(value: object) -> object:
    if isinstance(value, tuple):
        return " × ".join(str(one) for one in value)
    if isinstance(value, str):
        return value[:MAX_FACT_CHARACTERS]
    return str(value) if isinstance(value, int) and abs(value) >= 1 << 53 else value


def _arrow_columns(timeline: Timeline, arrows: Sequence[Arrow]) -> dict[str, Any]:
    rows = np.array([[arrow.source, arrow.target] for arrow in arrows], np.int32).reshape(-1, 2)
    lanes = np.where(rows >= 0, timeline.lane_of(np.maximum(rows, 0)), -1)
    first = timeline.first_lane
    source_track = np.array([arrow.source_track for arrow in arrows], np.int64)
    target_track = np.array([arrow.target_track for arrow in arrows], np.int64)
    return {
        "label": [arrow.label for arrow in arrows],
        "source": rows[:, 0],
        "target": rows[:, 1],
        "source_time": [arrow.source_time - timeline.start for arrow in arrows],
        "target_time": [arrow.target_time - timeline.start for arrow in arrows],
        "source_lane": np.where(lanes[:, 0] < 0, first[source_track], lanes[:, 0]),
        "target_lane": np.where(lanes[:, 1] < 0, first[target_track], lanes[:, 1]),
    }


def _arrows_in_view(loaded: LoadedTrace, window: tuple[int, int], lanes: Int64s) -> dict[str, Any]:
    from gpuboard.profiler.timeline.links import arrows_in

    timeline = loaded.timeline
    tracks = np.unique(np.searchsorted(timeline.first_lane, lanes, "right") - 1)
    arrows = arrows_in(timeline, loaded.links, window, tracks, FEW_ARROWS)
    if arrows is None:
        return {"too_many": True, **_arrow_columns(timeline, [])}
    return {"too_many": False, **_arrow_columns(timeline, arrows)}


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/timeline/event", EventRoute),
    (r"api/v1/timeline/arguments", ArgumentsRoute),
    (r"api/v1/timeline/arrows", ArrowsRoute),
)
