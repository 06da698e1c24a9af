"""Answer what the timeline asks: marks of a window, one event, search, sums, series, export.

All times of requests and replies are nanoseconds from the start of the trace, so that a browser's
numbers hold them exactly; `start` of a reply to `tracks` is that start on the trace's own clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.errors import InputError
from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.data.profile_samples import sample_series
from gpuboard.serve.profiles import LoadedTrace

if TYPE_CHECKING:
    from gpuboard.profiler.timeline.series import TimeSeries
    from gpuboard.profiler.traces.trace import Int64s
    from gpuboard.serve.routes import DataRoute
    from gpuboard.store.store import Store

MAX_PIXELS = 20_000
MAX_MARKS = 60_000
NAME_CHARACTERS = 160
MAX_STEPS = 20_000

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?\Z")


class TracksRoute(TraceRoute):
    """`GET api/v1/timeline/tracks?trace=`: the lines of the timeline, series and steps."""

    async def get(self) -> None:
        """Answer with one column for each fact of a track."""
        self.reply_json(await self.run(_tracks, self.context.store, await self.loaded()))


class WindowRoute(TraceRoute):
    """Base of routes about a window of a trace."""

    def window(self, loaded: LoadedTrace) -> tuple[int, int]:
        """Return the window of the request on the trace's own clock.

        Raises:
            InputError: It has no length, or no whole numbers.
        """
        t0, t1 = self.whole("t0"), self.whole("t1")
        if t1 <= t0:
            raise InputError(f"t1: got {t1}, expected more than t0, {t0}")
        return t0 + loaded.timeline.start, t1 + loaded.timeline.start

    def pixels(self) -> int:
        """Return how wide the window is drawn, capped."""
        return min(max(self.whole("px", 1_000), 1), MAX_PIXELS)

    def lanes(self, loaded: LoadedTrace) -> Int64s:
        """Return the lanes that the request names, in its order; all by default.

        Raises:
            InputError: It is no list of ranges, or names lanes that are not there.
        """
        count = loaded.timeline.lanes
        text = self.get_query_argument("lanes", "")
        if not text:
            return np.arange(count, dtype=np.int64)
        parts = []
        total = 0
        for part in text.split(","):
            match = _RANGE.match(part)
            if match is None:
                raise InputError(f'lanes: got {part[:80]!r}, expected ranges as in "0-3,7"')
            first = int(match[1])
            last = first if match[2] is None else int(match[2])
            total += last - first + 1
            if not first <= last < count or total > 4 * count:
                raise InputError(f"lanes: got {part!r}, expected lanes from 0 to {count - 1}")
            parts.append(np.arange(first, last + 1, dtype=np.int64))
        return np.concatenate(parts)


class ViewRoute(WindowRoute):
    """`GET api/v1/timeline/view?trace=&t0=&t1=&px=&lanes=&marks=`: what shows in a window."""

    async def get(self) -> None:
        """Answer with columns of marks, by lane as asked for."""
        loaded = await self.loaded()
        most = min(max(self.whole("marks", 20_000), 100), MAX_MARKS)
        ask = self.window(loaded), self.pixels(), self.lanes(loaded), most
        self.reply_bytes(await self.run(_view, loaded, *ask))


class SeriesRoute(WindowRoute):
    """`GET api/v1/timeline/series?trace=&t0=&t1=&px=&key=...`: values over time."""

    async def get(self) -> None:
        """Answer with columns: stretches of each series with their least and largest values."""
        loaded = await self.loaded()
        keys = self.get_query_arguments("key")[:100]
        ask = self.context.store, loaded, self.window(loaded), self.pixels(), keys
        self.reply_bytes(await self.run(_series, *ask))


def _tracks(store: Store, loaded: LoadedTrace) -> dict[str, Any]:
    from gpuboard.profiler.timeline.align import base_of

    trace, timeline = loaded.trace, loaded.timeline
    base = base_of(trace)
    return {
        "trace": loaded.entry.id,
        "start": str(timeline.start),
        "span": timeline.end - timeline.start,
        # Seconds since 1970 at time 0 of the timeline.
        "wall_time": None if base is None else (base + timeline.start) / 1e9,
        "slices": len(trace.slices),
        "tracks": {
            "process": [track.process for track in trace.tracks],
            "process_label": [track.process_label for track in trace.tracks],
            "thread": [track.thread for track in trace.tracks],
            "label": [track.thread_label for track in trace.tracks],
            "place": [track.place.name.lower() for track in trace.tracks],
            "device": [track.device for track in trace.tracks],
            "stream": [str(track.stream) for track in trace.tracks],
            "slices": np.diff(trace.track_start),
            "first_lane": timeline.first_lane[:-1],
            "lanes": np.diff(timeline.first_lane),
        },
        "series": [
            {"key": one.key, "group": one.group, "name": one.name, "unit": one.unit}
            for one in _all_series(store, loaded)
        ],
        "busy": sorted(_busy_spans(loaded)),
        "steps": _steps(loaded),
        "problems": sum(trace.problem_counts.values()),
    }


def _steps(loaded: LoadedTrace) -> dict[str, Any]:
    from gpuboard.profiler.figures.steps import find_steps

    steps = loaded.derived("steps", find_steps)
    start = loaded.timeline.start
    return {
        "name": list(steps.name[:MAX_STEPS]),
        "start": steps.start[:MAX_STEPS] - start,
        "end": steps.end[:MAX_STEPS] - start,
        "source": steps.source,
        "how": steps.how,
    }


def _busy_spans(loaded: LoadedTrace) -> Mapping[int, Any]:
    from gpuboard.profiler.timeline.series import device_spans

    return loaded.derived("busy spans", lambda trace: device_spans(loaded.timeline))


def _all_series(store: Store, loaded: LoadedTrace) -> tuple[TimeSeries, ...]:
    from gpuboard.profiler.timeline.series import series_of

    own = loaded.derived("series", series_of)
    return (*own, *sample_series(store, loaded))


def _view(
    loaded: LoadedTrace, window: tuple[int, int], pixels: int, lanes: Int64s, most: int
) -> bytes:
    from gpuboard.profiler.timeline.view import view

    found = view(loaded.timeline, *window, pixels, lanes, most)
    names, name = np.unique(found.name, return_inverse=True)
    texts = loaded.trace.strings
    header = {
        "t0": window[0] - loaded.timeline.start,
        "t1": window[1] - loaded.timeline.start,
        "width": found.width,
        "names": [texts[number][:NAME_CHARACTERS] for number in names],
    }
    columns: dict[str, Any] = {
        "lane_start": found.lane_start,
        "x": found.x,
        "extent": found.extent,
        "longest": found.longest,
        "count": found.count,
        "row": found.row,
        "name": name.astype(np.int32).reshape(-1),
        "kind": loaded.trace.slices.kind[found.row],
        "share": found.share,
    }
    return encode(header, columns)


def _series(
    store: Store, loaded: LoadedTrace, window: tuple[int, int], pixels: int, keys: Sequence[str]
) -> bytes:
    from gpuboard.profiler.timeline.series import busy_share, drawn

    known = {one.key: one for one in _all_series(store, loaded)}
    spans = _busy_spans(loaded)
    sizes: list[int] = []
    columns: list[list[Any]] = [[], [], []]
    for key in keys:
        device = key.removeprefix("busy/")
        if device != key and device.lstrip("-").isdigit() and int(device) in spans:
            bins = max(pixels // 2, 1)
            share = busy_share(spans[int(device)], *window, bins)
            parts: tuple[Any, Any, Any] = (np.arange(bins) / bins, share, share)
        elif key in known:
            one = drawn(known[key], *window, pixels)
            parts = (one.x, one.low, one.high)
        else:
            parts = (np.empty(0), np.empty(0), np.empty(0))
        sizes.append(len(parts[0]))
        for column, part in zip(columns, parts, strict=True):
            column.append(part.astype(np.float32))
    joined = {
        name: np.concatenate(column) if column else np.empty(0, np.float32)
        for name, column in zip(("x", "low", "high"), columns, strict=True)
    }
    start = loaded.timeline.start
    header = {"t0": window[0] - start, "t1": window[1] - start, "sizes": sizes}
    return encode(header, joined)


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/timeline/tracks", TracksRoute),
    (r"api/v1/timeline/view", ViewRoute),
    (r"api/v1/timeline/series", SeriesRoute),
)
