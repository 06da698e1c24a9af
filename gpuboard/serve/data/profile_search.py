"""Answer searches of the timeline: counts, the next hit, where hits lie in a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_event import brief
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.data.profile_timeline import MAX_PIXELS, NAME_CHARACTERS, WindowRoute
from gpuboard.serve.profiles import LoadedTrace

if TYPE_CHECKING:
    from gpuboard.profiler.timeline.search import Hits
    from gpuboard.profiler.traces.trace import Int64s, Trace
    from gpuboard.serve.routes import DataRoute

MAX_NAMES = 5_000  # names of hits that a page is told, to light up marks
MAX_PLACES = 8_000  # of hits in a view


class SearchRoute(WindowRoute):
    """`GET api/v1/timeline/search?trace=&q=&regex=&bins=`: which slices have such a name."""

    async def get(self) -> None:
        """Answer with how many there are, their names and where in the trace they lie."""
        loaded = await self.loaded()
        ask = _Query(self)
        bins = min(max(self.whole("bins", 200), 1), MAX_PIXELS)
        self.reply_json(await self.run(_search, loaded, ask, bins))


class NextHitRoute(WindowRoute):
    """`GET api/v1/timeline/hit?trace=&q=&regex=&time=&row=&back=`: the hit after a time."""

    async def get(self) -> None:
        """Answer with where it lies, null where nothing was found."""
        loaded = await self.loaded()
        ask, time, row = _Query(self), self.whole("time", 0), self.whole("row", -1)
        is_back = self.get_query_argument("back", "0") == "1"
        self.reply_json(await self.run(_next_hit, loaded, ask, time, row, is_back))


class HitsRoute(WindowRoute):
    """`GET api/v1/timeline/hits?trace=&q=&regex=&t0=&t1=&px=&lanes=`: where hits lie in a view."""

    async def get(self) -> None:
        """Answer with columns: line of the view, part of the window."""
        loaded = await self.loaded()
        ask = _Query(self), self.window(loaded), self.pixels(), self.lanes(loaded)
        self.reply_bytes(await self.run(_hits_in_view, loaded, *ask))


class _Query:
    """What a request looks for in names."""

    def __init__(self, route: TraceRoute) -> None:
        self.text = route.get_query_argument("q", "", strip=False)
        self.is_regex = route.get_query_argument("regex", "0") == "1"

    def hits(self, loaded: LoadedTrace) -> Hits:
        return loaded.recent(("search", self.text, self.is_regex), self._find)

    def _find(self, trace: Trace) -> Hits:
        from gpuboard.profiler.timeline.search import find, used_names

        used = used_names(trace)
        if not self.text:
            return find(trace, used[:0])
        matches = [at for at, name in enumerate(self._matching(trace, used.tolist())) if name]
        return find(trace, used[matches])

    def _matching(self, trace: Trace, used: Sequence[int]) -> Sequence[bool]:
        from gpuboard.analysis.patterns import compiled, searched

        names = [trace.strings[number] for number in used]
        if self.is_regex:
            return [match is not None for match in searched(compiled(self.text), names)]
        wanted = self.text.casefold()
        return [wanted in name.casefold() for name in names]


def _search(loaded: LoadedTrace, ask: _Query, bins: int) -> dict[str, Any]:
    from gpuboard.profiler.timeline.search import spread

    hits, timeline = ask.hits(loaded), loaded.timeline
    texts = loaded.trace.strings
    names = hits.names[:MAX_NAMES]
    return {
        "count": len(hits),
        "distinct": len(hits.names),
        "names": [texts[number][:NAME_CHARACTERS] for number in names],
        "spread": spread(hits, timeline.start, timeline.end, bins),
    }


def _next_hit(
    loaded: LoadedTrace,
    ask: _Query,
    time: int,
    row: int,
    is_back: bool,
) -> dict[str, Any] | None:
    from gpuboard.profiler.timeline.search import next_hit

    hits, timeline = ask.hits(loaded), loaded.timeline
    if not len(hits):
        return None
    place = next_hit(hits, time + timeline.start, row, back=is_back)
    return {**brief(timeline, int(hits.rows[place])), "place": place + 1, "count": len(hits)}


def _hits_in_view(
    loaded: LoadedTrace, ask: _Query, window: tuple[int, int], pixels: int, lanes: Int64s
) -> bytes:
    from gpuboard.profiler.timeline.search import shown_hits

    hits = ask.hits(loaded)
    line, x = shown_hits(loaded.timeline, hits, window, pixels, lanes, MAX_PLACES)
    return encode({"count": len(hits)}, {"line": line, "x": x})


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/timeline/search", SearchRoute),
    (r"api/v1/timeline/hit", NextHitRoute),
    (r"api/v1/timeline/hits", HitsRoute),
)
