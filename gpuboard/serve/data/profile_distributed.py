"""Answer what the Distributed tab asks: ranks, who waits for whom, collectives over ranks.

Times are nanoseconds on the common clock of all ranks, from the start of the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard import limits
from gpuboard.errors import InputError, LimitError
from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.profiles import LoadedTrace
from gpuboard.serve.rank_figures import collectives_of, matched_of
from gpuboard.serve.trace_figures import steps_of

if TYPE_CHECKING:
    from gpuboard.profiler.figures.collectives import CollectiveTable
    from gpuboard.profiler.figures.matching import Matched
    from gpuboard.profiler.traces.trace import Int64s
    from gpuboard.serve.routes import DataRoute

MAX_COLLECTIVES = 10_000
MAX_GROUPS = 500


class SeveralRoute(TraceRoute):
    """Base of the routes that are about several traces."""

    async def several(self, field: str = "traces") -> list[LoadedTrace]:
        """Return the traces that a field of the query names, with commas, each once.

        Raises:
            InputError: There is none, or there are too many.
            LimitError: They take more memory together than traces may.
        """
        ids = list(dict.fromkeys(filter(None, self.get_query_argument(field, "").split(","))))
        most, room = limits.MAX_COMPARED_TRACES, limits.MAX_KEPT_TRACE_BYTES
        if not 1 <= len(ids) <= most.value:
            raise InputError(f"{field}: got {len(ids)}, expected 1 to {most.value} ids with commas")
        loaded: list[LoadedTrace] = []
        for trace_id in ids:
            loaded.append(await self.loaded_id(trace_id))
            if sum(one.bytes for one in loaded) > room.value:
                raise LimitError(
                    f"{field}: {len(loaded)} of these {len(ids)} traces take more than "
                    f"{room.value} bytes together ({room.name}); choose fewer"
                )
        return loaded


class RanksRoute(SeveralRoute):
    """`GET api/v1/profile/ranks?traces=a,b`: what each rank did, who waited for whom, clocks."""

    async def get(self) -> None:
        """Answer with one column for each figure of a rank, and figures of all."""
        self.reply_json(await self.run(_ranks, await self.several()))


class CollectivesRoute(SeveralRoute):
    """`GET api/v1/profile/collectives?traces=a,b`: the collectives, those with most waiting."""

    async def get(self) -> None:
        """Answer with columns, by start."""
        self.reply_bytes(await self.run(_collectives, await self.several()))


class CollectiveRoute(SeveralRoute):
    """`GET api/v1/profile/collective?traces=a,b&number=`: one collective, rank by rank."""

    async def get(self) -> None:
        """Answer with one entry for each rank that took part."""
        loaded, number = await self.several(), self.whole("number")
        self.reply_json(await self.run(_collective, loaded, number))


def _ranks(loaded: Sequence[LoadedTrace]) -> dict[str, Any]:
    from gpuboard.profiler.figures.stragglers import late_starters, stragglers
    from gpuboard.profiler.figures.waits import waits

    traces = [one.trace for one in loaded]
    matched, tables = matched_of(loaded), [collectives_of(one) for one in loaded]
    found = stragglers(traces, matched)
    late = late_starters(traces, tables, matched, [steps_of(one) for one in loaded])
    columns = ("window_ns", "computing_ns", "communicating_ns", "overlapped_ns", "exposed_ns",
               "copying_ns", "idle_ns", "transferring_ns", "waiting_ns", "last", "caused_ns",
               "gain_ns")  # fmt: skip
    return {
        "trace": [one.entry.id for one in loaded],
        "rank": found.rank,
        **{name: getattr(found, name) for name in columns},
        "own": [len(table) for table in tables],
        "unmatched": matched.unmatched,
        "waits": waits(matched),
        "worst": found.worst,
        "collectives": found.collectives,
        "absent": found.absent,
        "absent_own": next((one.absent for one in tables if one.absent), ""),
        "how": matched.how,
        "clocks": {
            "how": matched.clocks.how,
            "estimated": matched.clocks.estimated,
            "spread_ns": matched.clocks.spread_ns,
            "left_ns": matched.clocks.left_ns,
        },
        "late": {
            "rank": late.rank,
            "times": late.times,
            "kernel": late.kernel,
            "absent": late.absent,
        },
        "groups": _groups(loaded, matched, tables),
    }


def _groups(
    loaded: Sequence[LoadedTrace], matched: Matched, tables: Sequence[CollectiveTable]
) -> list[dict[str, Any]]:
    """Return collectives by sort, group and size: of several ranks, or of the only one."""
    from gpuboard.profiler.figures.collectives import Collective, summary

    if len(loaded) == 1 or not len(matched):
        return [
            {
                "kind": one.collective.label,
                "group": one.group,
                "ranks": one.group_size,
                "dtype": one.dtype,
                "bytes": one.bytes if one.bytes >= 0 else None,
                "count": one.count,
                "time_ns": one.total_ns,
                "waiting_ns": None,
                "bus_gbs": one.bus_gbs,
            }
            for one in summary(loaded[0].trace, tables[0])[:MAX_GROUPS]
        ]
    names = sorted(set(matched.group))
    number = {name: k for k, name in enumerate(names)}
    keys = np.stack(
        [
            matched.collective.astype(np.int64),
            np.array([number[name] for name in matched.group], np.int64),
            matched.group_size,
            matched.bytes,
        ],
        axis=1,
    )
    distinct, which = np.unique(keys, axis=0, return_inverse=True)
    which = which.reshape(-1)
    waiting = matched.waiting_ns.sum(axis=1)
    rows = []
    for place, (kind, group, size, moved) in enumerate(distinct.tolist()):
        mine = which == place
        bus = matched.bus_gbs[mine]
        bus = bus[np.isfinite(bus)]
        rows.append(
            {
                "kind": Collective(kind).label,
                "group": names[group],
                "ranks": size,
                "dtype": "",
                "bytes": moved if moved >= 0 else None,
                "count": int(mine.sum()),
                "time_ns": int(matched.latency_ns[mine].sum()),
                "waiting_ns": int(waiting[mine].sum()),
                "bus_gbs": float(np.median(bus)) if len(bus) else float("nan"),
            }
        )
    rows.sort(key=lambda row: -(row["time_ns"] + row["waiting_ns"]))
    return rows[:MAX_GROUPS]


def _collectives(loaded: Sequence[LoadedTrace]) -> bytes:
    matched = matched_of(loaded)
    header: dict[str, Any] = {"rank": matched.rank}
    if len(loaded) == 1 or not len(matched):
        total, columns, groups = _of_one(loaded[0])
    else:
        total, columns, groups = _of_all(loaded, matched)
    header |= {"total": total, "groups": groups, "kinds": _kinds()}
    return encode(header, columns)


def _kinds() -> list[str]:
    from gpuboard.profiler.figures.collectives import Collective

    return [one.label for one in Collective]


def _numbered(names: Sequence[str]) -> tuple[list[str], Int64s]:
    distinct = sorted(set(names))
    number = {name: k for k, name in enumerate(distinct)}
    return distinct, np.array([number[name] for name in names], np.int64)


def _of_one(loaded: LoadedTrace) -> tuple[int, dict[str, Any], list[str]]:
    table = collectives_of(loaded)
    kept = _most(table.duration)
    groups, group = _numbered([loaded.trace.text(k) for k in table.group[kept].tolist()])
    nothing = np.full(len(kept), np.nan)
    columns = {
        "number": kept,
        "kind": table.collective[kept],
        "group": group,
        "ranks": table.group_size[kept],
        "bytes": _known(table.bytes[kept]),
        "start": table.start[kept] - loaded.timeline.start,
        "latency": table.duration[kept],
        "waiting": nothing,
        "skew": nothing,
        "last": np.full(len(kept), -1),
        "algorithm": table.algorithm_gbs[kept],
        "bus": table.bus_gbs[kept],
    }
    return len(table), {name: one.astype(np.float64) for name, one in columns.items()}, groups


def _of_all(
    loaded: Sequence[LoadedTrace], matched: Matched
) -> tuple[int, dict[str, Any], list[str]]:
    waiting = matched.waiting_ns.sum(axis=1)
    kept = _most(waiting + matched.latency_ns)
    groups, group = _numbered([matched.group[k] for k in kept.tolist()])
    far = np.iinfo(np.int64).max
    start = np.where(matched.present, matched.start, far).min(axis=1)
    columns = {
        "number": kept,
        "kind": matched.collective[kept],
        "group": group,
        "ranks": matched.group_size[kept],
        "bytes": _known(matched.bytes[kept]),
        "start": start[kept] - _zero(loaded, matched),
        "latency": matched.latency_ns[kept],
        "waiting": waiting[kept],
        "skew": matched.start_skew_ns[kept],
        "last": matched.last[kept],
        "algorithm": matched.algorithm_gbs[kept],
        "bus": matched.bus_gbs[kept],
    }
    return len(matched), {name: one.astype(np.float64) for name, one in columns.items()}, groups


def _zero(loaded: Sequence[LoadedTrace], matched: Matched) -> int:
    """Return where the first trace begins on the common clock."""
    return int(matched.clocks.origin[0]) + loaded[0].timeline.start


def _most(weight: Int64s) -> Int64s:
    """Return the places of the heaviest, ascending."""
    if len(weight) <= MAX_COLLECTIVES:
        return np.arange(len(weight))
    heaviest: Int64s = np.sort(np.argpartition(-weight, MAX_COLLECTIVES)[:MAX_COLLECTIVES])
    return heaviest


def _known(values: Int64s) -> Any:  # noqa: ANN401 - a column of floats, NaN where -1 was
    return np.where(values >= 0, values, np.nan)


def _collective(loaded: Sequence[LoadedTrace], number: int) -> dict[str, Any]:
    from gpuboard.profiler.figures.collectives import Collective

    matched = matched_of(loaded)
    if not 0 <= number < len(matched):
        raise InputError(f"number: got {number}, expected less than {len(matched)}")
    tables = [collectives_of(one) for one in loaded]
    there = np.flatnonzero(matched.present[number])
    entry = matched.entry[number, there].tolist()
    rows = [int(tables[k].row[at]) for k, at in zip(there.tolist(), entry, strict=True)]
    zero = _zero(loaded, matched)
    start, end = matched.start[number, there] - zero, matched.end[number, there] - zero
    return {
        "kind": Collective(int(matched.collective[number])).label,
        "group": matched.group[number],
        "bytes": int(matched.bytes[number]) if matched.bytes[number] >= 0 else None,
        "latency_ns": matched.latency_ns[number],
        "trace": [loaded[k].entry.id for k in there.tolist()],
        "rank": [matched.rank[k] for k in there.tolist()],
        "row": rows,
        "kernel": [
            loaded[k].trace.text(int(loaded[k].trace.slices.name[row]))[:200]
            for k, row in zip(there.tolist(), rows, strict=True)
        ],
        "start": start,
        "end": end,
        "waiting_ns": matched.waiting_ns[number, there],
        "late_ns": start - start.min(),
        "last": matched.rank[int(matched.last[number])],
    }


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/profile/ranks", RanksRoute),
    (r"api/v1/profile/collectives", CollectivesRoute),
    (r"api/v1/profile/collective", CollectiveRoute),
)
