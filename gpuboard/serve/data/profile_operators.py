"""Answer what the Operators tab asks: the table, and one row of it with its calls and kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.errors import InputError
from gpuboard.serve.data.profile_tables import (
    NAME_CHARACTERS,
    Column,
    TableRequest,
    TableRoute,
    encode_rows,
    write_csv,
)
from gpuboard.serve.profiles import LoadedTrace

if TYPE_CHECKING:
    from gpuboard.profiler.figures.operators import OperatorTable
    from gpuboard.profiler.figures.sequences import Sequences
    from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Trace
    from gpuboard.serve.routes import DataRoute

WAYS = ("name", "shapes", "stack")
MAX_CALLS = 200
MAX_KERNELS = 200
MAX_SEQUENCES = 20


class OperatorsRoute(TableRoute):
    """`GET api/v1/profile/operators?trace=&by=&q=&sort=&limit=&t0=&t1=`: operators summed up."""

    async def get(self) -> None:
        """Answer with columns, or with `format=csv` with all rows as a file."""
        loaded = await self.loaded()
        by, window = self.choice("by", WAYS), self.window(loaded)
        ask = loaded, by, window, self.asked()
        if self.choice("format", ("columns", "csv")) == "csv":
            self.reply_csv(f"operators-by-{by}", await self.run(_csv, *ask))
        else:
            self.reply_bytes(await self.run(_operators, *ask))


class OperatorRoute(TableRoute):
    """`GET api/v1/profile/operator?trace=&by=&id=&t0=&t1=`: one row of the table."""

    async def get(self) -> None:
        """Answer with its calls, longest first, what they launched, and frequent sequences."""
        loaded = await self.loaded()
        by, window = self.choice("by", WAYS), self.window(loaded)
        self.reply_json(await self.run(_operator, loaded, by, window, self.whole("id")))


def _operators(
    loaded: LoadedTrace, by: str, window: tuple[int, int] | None, ask: TableRequest
) -> bytes:
    table, texts, columns = _table(loaded, by, window)
    rows = ask.rows(_searched(texts), columns)
    header = {
        "by": by,
        "host_absent": table.host_absent,
        "backward_absent": table.backward_absent,
        "absent": table.absent,
        "shapes_absent": _without(table.shapes, by == "shapes", "record_shapes=True"),
        "stack_absent": _without(table.stack, by == "stack", "with_stack=True"),
        "outside_ns": table.outside_ns,
        "sum_host_self_ns": int(np.maximum(table.host_self_ns, 0).sum()),
        "sum_device_self_ns": int(table.device_self_ns.sum()),
        "top_host": _top(loaded.trace, table, table.host_self_ns),
        "top_device": _top(loaded.trace, table, table.device_self_ns),
    }
    return encode_rows(rows, ask.limit, texts, columns, header)


def _csv(loaded: LoadedTrace, by: str, window: tuple[int, int] | None, ask: TableRequest) -> str:
    _, texts, columns = _table(loaded, by, window)
    kept = {key: column for key, column in columns.items() if key not in ("row", "at")}
    return write_csv(ask.rows(_searched(texts), columns), texts, kept)


def _searched(texts: dict[str, list[str]]) -> list[str]:
    others = [texts[key] for key in ("shapes", "stack") if key in texts]
    return ["\n".join(parts) for parts in zip(texts["name"], *others, strict=True)]


def _table(
    loaded: LoadedTrace, by: str, window: tuple[int, int] | None
) -> tuple[OperatorTable, dict[str, list[str]], dict[str, Column]]:
    from gpuboard.serve.trace_figures import operators_of

    table, trace = operators_of(loaded, by, window), loaded.trace
    texts = {"name": [trace.text(n) for n in table.name.tolist()]}
    if by == "shapes":
        texts["shapes"] = [trace.text(n) for n in table.shapes.tolist()]
    if by == "stack":
        stacks = (*table.stacks, "")
        texts["stack"] = [stacks[n] for n in table.stack.tolist()]
    with np.errstate(invalid="ignore", divide="ignore"):
        tensor = table.tensor_total_ns / np.where(
            table.device_total_ns > 0, table.device_total_ns, np.nan
        )
    columns = {
        "calls": _known(table.calls),
        "host_self_ns": _known(table.host_self_ns),
        "host_total_ns": _known(table.host_total_ns),
        "device_self_ns": table.device_self_ns,
        "device_total_ns": table.device_total_ns,
        "device_work": table.device_work,
        "tensor_share": tensor,
        "unknown_self_ns": table.unknown_self_ns,
        "eligible": table.eligible.astype(np.float64),
        "backward_host_ns": _known(table.backward_host_ns),
        "backward_device_ns": _known(table.backward_device_ns),
        "row": table.first,
        "at": _starts(loaded, table.first),
    }
    return table, texts, columns


def _known(column: Column) -> Column:
    """Return a column with NaN where the file did not tell."""
    return np.where(column < 0, np.nan, column.astype(np.float64))


def _starts(loaded: LoadedTrace, rows: Int32s) -> Column:
    start = np.append(loaded.trace.slices.start, 0)[rows] - loaded.timeline.start
    return np.where(rows >= 0, start.astype(np.float64), np.nan)


def _without(column: Int32s, is_asked: bool, option: str) -> str:
    if not is_asked or not len(column) or (column >= 0).any():
        return ""
    return f"the trace holds none: record it with {option}"


def _top(trace: Trace, table: OperatorTable, ns: Int64s, most: int = 10) -> dict[str, Any]:
    """Return the names with most time, and the rest."""
    names, number = np.unique(table.name, return_inverse=True)
    known = np.bincount(number.reshape(-1), np.maximum(ns, 0), len(names))
    order = np.argsort(-known, kind="stable")[:most]
    order = order[known[order] > 0]
    return {
        "name": [trace.text(n)[:NAME_CHARACTERS] for n in names[order].tolist()],
        "ns": known[order],
        "rest_ns": float(known.sum() - known[order].sum()),
    }


def _operator(
    loaded: LoadedTrace, by: str, window: tuple[int, int] | None, number: int
) -> dict[str, Any]:
    from gpuboard.serve.trace_figures import operators_of

    table, trace = operators_of(loaded, by, window), loaded.trace
    if not 0 <= number < len(table):
        raise InputError(f"id: got {number}, expected 0 to {len(table) - 1}")
    name = trace.text(int(table.name[number]))
    rows = _members(loaded, table, number, window)
    return {
        "name": name,
        "shapes": trace.text(int(table.shapes[number])),
        "stack": table.stacks[table.stack[number]] if table.stack[number] >= 0 else "",
        "calls": _calls(loaded, rows),
        "kernels": _kernels(loaded, rows),
        "sequences": _sequences(loaded, name),
    }


def _members(
    loaded: LoadedTrace, table: OperatorTable, number: int, window: tuple[int, int] | None
) -> Int32s:
    """Return the rows of all calls that a row of the table sums up."""
    from gpuboard.profiler.figures.stacks import stacks_of
    from gpuboard.profiler.traces.trace import Kind

    trace = loaded.trace
    rows: Int32s = trace.rows(Kind.OPERATOR)
    rows = rows[trace.slices.name[rows] == table.name[number]]
    if window is not None:
        start = trace.slices.start[rows]
        rows = rows[(start >= window[0]) & (start < window[1])]
    if table.shapes[number] >= 0:
        at = np.searchsorted(trace.operators.row, rows)
        known = np.append(trace.operators.row, -1)[at] == rows
        rows = rows[known & (np.append(trace.operators.dims, -1)[at] == table.shapes[number])]
    if table.stack[number] >= 0:
        found = stacks_of(trace, loaded.nesting, rows)
        wanted = table.stacks[table.stack[number]]
        alike = [text == wanted for text in found.texts] + [False]
        rows = rows[np.array(alike, np.bool_)[found.number]]
    return rows.astype(np.int32)


def _calls(loaded: LoadedTrace, rows: Int32s) -> dict[str, Any]:
    from gpuboard.profiler.figures.grouping import sums

    trace, launches = loaded.trace, loaded.launches
    place = np.full(len(trace.slices) + 1, -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    own = sums(place[launches.operator], len(rows), launches.device_ns)
    dur = trace.slices.dur[rows]
    order = np.argsort(-dur, kind="stable")[:MAX_CALLS]
    tracks = [trace.tracks[n] for n in trace.slices.track[rows[order]].tolist()]
    return {
        "total": len(rows),
        "row": rows[order],
        "start": trace.slices.start[rows[order]] - loaded.timeline.start,
        "dur": dur[order],
        "device_ns": own.total[order],
        "work": own.count[order],
        "thread": [(track.thread_label or f"thread {track.thread}")[:80] for track in tracks],
    }


def _kernels(loaded: LoadedTrace, rows: Int32s) -> dict[str, Any]:
    """Return what was launched under these operators, by name."""
    from gpuboard.profiler.figures.grouping import group, sums
    from gpuboard.profiler.figures.nesting import nearest
    from gpuboard.profiler.figures.tensor_cores import tensor_cores_of

    trace, launches = loaded.trace, loaded.launches
    marked = np.zeros(len(trace.slices), np.bool_)
    marked[rows] = True
    under: Bools = np.append(nearest(loaded.nesting, marked), -1)[launches.operator] >= 0
    under &= ~trace.slices.suspect[trace.work.row]
    work = trace.work.row[under]
    groups = group(trace.slices.name[work])
    found = sums(groups.number, len(groups), trace.slices.dur[work])
    names = trace.slices.name[work[groups.first]]
    cores = tensor_cores_of(trace, names)
    order = np.argsort(-found.total, kind="stable")[:MAX_KERNELS]
    first = work[groups.first[order]]
    return {
        "total": len(groups),
        "name": [trace.text(n)[:NAME_CHARACTERS] for n in names[order].tolist()],
        "cores": cores[order],
        "count": found.count[order],
        "ns": found.total[order],
        "max_ns": found.greatest[order],
        "row": first,
        "start": trace.slices.start[first] - loaded.timeline.start,
        "dur": trace.slices.dur[first],
    }


def _sequences(loaded: LoadedTrace, name: str) -> dict[str, Any]:
    def find(trace: Trace) -> Sequences:
        from gpuboard.profiler.figures.sequences import sequences

        return sequences(
            trace, loaded.launches, loaded.nesting, operator=name, top=MAX_SEQUENCES, sort="total"
        )

    return sequence_columns(loaded, loaded.recent(("sequences", name), find))


def sequence_columns(loaded: LoadedTrace, found: Sequences) -> dict[str, Any]:
    """Return sequences of kernels as columns of JSON."""
    trace = loaded.trace
    return {
        "found": found.found,
        "absent": found.absent,
        "names": [
            [trace.text(n)[:NAME_CHARACTERS] for n in line if n >= 0]
            for line in found.names.tolist()
        ],
        "count": found.count,
        "total_ns": found.total_ns,
        "gaps_ns": found.gaps_ns,
        "row": found.first,
        "start": trace.slices.start[found.first] - loaded.timeline.start,
        "dur": trace.slices.dur[found.first],
    }


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/profile/operators", OperatorsRoute),
    (r"api/v1/profile/operator", OperatorRoute),
)
