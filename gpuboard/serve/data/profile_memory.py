"""Answer what the Memory tab asks: curves, who held memory at a time, blocks, driver calls.

Times of requests and replies are nanoseconds from the start of the trace, as on the timeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.errors import InputError
from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_timeline import WindowRoute
from gpuboard.serve.profiles import LoadedTrace
from gpuboard.serve.rank_figures import memory_of
from gpuboard.serve.trace_figures import steps_of

if TYPE_CHECKING:
    from gpuboard.profiler.figures.memory import MemoryCurve
    from gpuboard.profiler.traces.trace import Int64s
    from gpuboard.serve.routes import DataRoute

NAME_CHARACTERS = 2_000
MAX_HOLDERS = 500
MAX_OPERATORS = 2_000
MAX_BLOCKS = 2_000
MAX_CURVES = 64
MAX_STEPS = 500
HOLDERS = ("operator", "module", "stack")
SORTS = ("bytes", "lifetime", "start", "end", "address")


class MemoryRoute(WindowRoute):
    """`GET api/v1/profile/memory?trace=`: which devices have memory events, peaks, driver calls."""

    async def get(self) -> None:
        """Answer with the figures of each curve, without its points."""
        self.reply_json(await self.run(_memory, await self.loaded()))


class CurveRoute(WindowRoute):
    """Base of the routes about the memory of one device, `curve=NUMBER` in the query."""

    def curve(self, loaded: LoadedTrace) -> MemoryCurve:
        """Return the curve that the query names.

        Raises:
            InputError: There is none of that number.
        """
        curves, number = memory_of(loaded).curves, self.whole("curve", 0)
        if not 0 <= number < len(curves):
            raise InputError(f"curve: got {number}, expected less than {len(curves)}")
        return curves[number]


class PointsRoute(CurveRoute):
    """`GET api/v1/profile/memory/points?trace=&curve=&t0=&t1=&px=`: a curve in a window."""

    async def get(self) -> None:
        """Answer with columns: least and most bytes of each stretch that has events."""
        loaded = await self.loaded()
        curve = await self.run(self.curve, loaded)
        ask = self.window(loaded), self.pixels()
        self.reply_bytes(await self.run(_points, loaded, curve, *ask))


class HoldersRoute(CurveRoute):
    """`GET api/v1/profile/memory/holders?trace=&curve=&by=operator&time=`: who held memory then."""

    async def get(self) -> None:
        """Answer with labels and bytes, most first; at the peak where no time is given."""
        loaded = await self.loaded()
        curve = await self.run(self.curve, loaded)
        by = self.get_query_argument("by", "operator")
        if by not in HOLDERS:
            raise InputError(f"by: got {by[:80]!r}, expected one of {', '.join(HOLDERS)}")
        time = None
        if self.get_query_argument("time", ""):
            time = self.whole("time") + loaded.timeline.start
        self.reply_json(await self.run(_holders, loaded, curve, by, time))


class MemoryOperatorsRoute(CurveRoute):
    """`GET api/v1/profile/memory/operators?trace=&curve=`: what operators allocated."""

    async def get(self) -> None:
        """Answer with columns, by own increase."""
        loaded = await self.loaded()
        curve = await self.run(self.curve, loaded)
        self.reply_json(await self.run(_operators, loaded, curve))


class BlocksRoute(CurveRoute):
    """`GET api/v1/profile/memory/blocks?trace=&curve=&sort=-bytes&q=`: pieces of memory."""

    async def get(self) -> None:
        """Answer with columns; at most 2,000 rows, those first in the asked order."""
        loaded = await self.loaded()
        curve = await self.run(self.curve, loaded)
        sort = self.get_query_argument("sort", "-bytes")
        if sort.removeprefix("-") not in SORTS:
            raise InputError(f"sort: got {sort[:80]!r}, expected one of {', '.join(SORTS)}")
        wanted = self.get_query_argument("q", "")[:500]
        self.reply_json(await self.run(_blocks, loaded, curve, sort, wanted))


def _memory(loaded: LoadedTrace) -> dict[str, Any]:
    from gpuboard.profiler.figures.memory import mean_fragmentation
    from gpuboard.profiler.figures.memory_peak import driver_calls

    found, start = memory_of(loaded), loaded.timeline.start
    steps = steps_of(loaded)
    calls = loaded.derived("driver calls", lambda trace: driver_calls(trace, steps, loaded.nesting))
    return {
        "absent": found.absent,
        "out_of_memory": found.out_of_memory,
        "span": loaded.timeline.end - start,
        "curves": [
            {
                "label": curve.label,
                "is_host": curve.device_type == 0,
                "events": len(curve.time),
                "start": int(curve.time[0]) - start,
                "end": int(curve.time[-1]) - start,
                "peak": curve.peak,
                "peak_time": curve.peak_time - start,
                "peak_reserved": curve.peak_reserved if curve.peak_reserved > 0 else None,
                "capacity": curve.capacity or None,
                "allocations": curve.allocations,
                "frees": curve.frees,
                "given_back": curve.given_back,
                "from_zero": curve.from_zero,
                "peak_fragmentation": curve.peak_fragmentation,
                "mean_fragmentation": mean_fragmentation(curve),
            }
            for curve in found.curves[:MAX_CURVES]
        ],
        "steps": {
            "name": list(steps.name[:MAX_STEPS]),
            "start": steps.start[:MAX_STEPS] - start,
            "end": steps.end[:MAX_STEPS] - start,
        },
        "driver": {
            "name": _names(loaded, calls.name),
            "calls": calls.calls,
            "time_ns": calls.time_ns,
            "step_calls": calls.step_calls,
            "step_time_ns": calls.step_time_ns,
            "retries": calls.retries,
            "absent": calls.absent,
        },
    }


def _names(loaded: LoadedTrace, numbers: Any) -> list[str]:  # noqa: ANN401 - integer columns
    return [loaded.trace.text(number)[:NAME_CHARACTERS] for number in numbers.tolist()]


def _points(loaded: LoadedTrace, curve: MemoryCurve, window: tuple[int, int], pixels: int) -> bytes:
    """Return stretches of a window: the value at its beginning, then each stretch with events."""
    low, high = window
    first = max(int(np.searchsorted(curve.time, low, "right")) - 1, 0)
    last = int(np.searchsorted(curve.time, high, "right"))
    time = curve.time[first:last]
    if len(time) > 2 * pixels:
        place = np.maximum(time - low, -1) * pixels // max(high - low, 1)
        heads = np.flatnonzero(np.diff(place, prepend=place[0] - 1))
    else:
        heads = np.arange(len(time))
    columns = {"time": (time[heads] - loaded.timeline.start).astype(np.float64)}
    for name, values in (("allocated", curve.allocated), ("reserved", curve.reserved)):
        part = values[first:last]
        tails = np.append(heads[1:], len(time)) - 1
        for word, found in (
            ("low", np.minimum.reduceat(part, heads) if len(heads) else part),
            ("high", np.maximum.reduceat(part, heads) if len(heads) else part),
            ("last", part[tails] if len(heads) else part),
        ):
            columns[f"{name}_{word}"] = found.astype(np.float64)
    header = {"t0": low - loaded.timeline.start, "t1": high - loaded.timeline.start}
    return encode({**header, "exact": len(heads) == len(time)}, columns)


def _holders(loaded: LoadedTrace, curve: MemoryCurve, by: Any, time: int | None) -> dict[str, Any]:  # noqa: ANN401 - one of HOLDERS
    from gpuboard.profiler.figures.memory_peak import peak_holders

    key = ("holders", curve.device_type, curve.device, by, time)
    found = loaded.recent(
        key,
        lambda trace: peak_holders(
            trace, memory_of(loaded), curve, by, time=time, nesting=loaded.nesting
        ),
    )
    at = curve.peak_time if time is None else time
    place = max(int(np.searchsorted(curve.time, at, "right")) - 1, 0)
    return {
        "time": at - loaded.timeline.start,
        "allocated": curve.allocated[place],
        "reserved": curve.reserved[place] if curve.reserved[place] >= 0 else None,
        "total": len(found.label),
        "label": [label[:NAME_CHARACTERS] for label in found.label[:MAX_HOLDERS]],
        "bytes": found.bytes[:MAX_HOLDERS],
        "blocks": [n if n >= 0 else None for n in found.blocks[:MAX_HOLDERS].tolist()],
        "absent": found.absent,
    }


def _operators(loaded: LoadedTrace, curve: MemoryCurve) -> dict[str, Any]:
    from gpuboard.profiler.figures.memory import memory_by_operator

    found = loaded.derived(
        ("memory by operator", curve.device_type, curve.device),
        lambda trace: memory_by_operator(trace, memory_of(loaded), curve, loaded.nesting),
    )
    kept = slice(0, MAX_OPERATORS)
    columns = ("calls", "increase", "own_increase", "allocations", "own_allocations", "allocated",
               "own_allocated")  # fmt: skip
    return {
        "total": len(found.name),
        "name": _names(loaded, found.name[kept]),
        **{name: getattr(found, name)[kept] for name in columns},
        "absent": found.absent,
    }


def _blocks(loaded: LoadedTrace, curve: MemoryCurve, sort: str, wanted: str) -> dict[str, Any]:
    from gpuboard.profiler.figures.memory import NO_ADDRESSES

    found = memory_of(loaded)
    blocks = found.blocks
    mine = (blocks.device_type == curve.device_type) & (blocks.device == curve.device)
    rows = np.flatnonzero(mine)
    owner = _owners(loaded, blocks.start_event[rows])
    if wanted:
        texts, low = loaded.trace.strings, wanted.lower()
        names = np.unique(owner[owner >= 0]).tolist()
        hits = [number for number in names if low in texts[number].lower()]
        kept = np.isin(owner, hits)
        rows, owner = rows[kept], owner[kept]
    key = sort.removeprefix("-")
    values: Int64s = getattr(blocks, key)[rows]
    ranked = -values if sort.startswith("-") else values
    if key in {"lifetime", "start", "end"}:
        # What is not known comes last in either order.
        ranked = np.where(values < 0, np.iinfo(np.int64).max, ranked)
    order = np.argsort(ranked, kind="stable")[:MAX_BLOCKS]
    shown, start = rows[order], loaded.timeline.start

    def time(column: Int64s) -> list[int | None]:
        return [one - start if one >= 0 else None for one in column[shown].tolist()]

    return {
        "total": len(rows),
        "all": int(mine.sum()),
        "number": shown,
        "address": [f"{one:#x}" for one in blocks.address[shown].tolist()],
        "bytes": blocks.bytes[shown],
        "start": time(blocks.start),
        "end": time(blocks.end),
        "lifetime": [one if one >= 0 else None for one in blocks.lifetime[shown].tolist()],
        "operator": _names(loaded, owner[order]),
        "absent": found.absent or ("" if len(blocks) else NO_ADDRESSES),
    }


def _owners(loaded: LoadedTrace, event: Int64s) -> Int64s:
    """Return the name of the operator that allocated each block, a string, or -1."""
    found = memory_of(loaded)
    row = np.append(found.owner, -1)[event]
    owners: Int64s = np.append(loaded.trace.slices.name, -1)[row].astype(np.int64)
    return owners


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/profile/memory", MemoryRoute),
    (r"api/v1/profile/memory/points", PointsRoute),
    (r"api/v1/profile/memory/holders", HoldersRoute),
    (r"api/v1/profile/memory/operators", MemoryOperatorsRoute),
    (r"api/v1/profile/memory/blocks", BlocksRoute),
)
