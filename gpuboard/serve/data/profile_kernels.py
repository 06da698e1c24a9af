"""Answer what the Kernels tab asks: the table, and one row of it with its runs."""

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
    from gpuboard.profiler.figures.kernels import KernelTable
    from gpuboard.profiler.traces.trace import Int32s, Trace
    from gpuboard.serve.routes import DataRoute

WAYS = ("name", "launch", "operator")
CORES = ("unknown", "not_used", "used")
MAX_RUNS = 200
BINS = 60


class KernelsRoute(TableRoute):
    """`GET api/v1/profile/kernels?trace=&by=&class=&cores=&q=&sort=&limit=`: work of devices."""

    async def get(self) -> None:
        """Answer with columns, or with `format=csv` with all rows as a file."""
        loaded = await self.loaded()
        by, window = self.choice("by", WAYS), self.window(loaded)
        classes = self.get_query_arguments("class")
        ask = loaded, by, window, self.asked(), classes, self.choice("cores", ("", *CORES))
        if self.choice("format", ("columns", "csv")) == "csv":
            self.reply_csv(f"kernels-by-{by}", await self.run(_csv, *ask))
        else:
            self.reply_bytes(await self.run(_kernels, *ask))


class KernelRoute(TableRoute):
    """`GET api/v1/profile/kernel?trace=&by=&id=`: one row of the table."""

    async def get(self) -> None:
        """Answer with a histogram of durations, the longest runs, and who launched them."""
        loaded = await self.loaded()
        by, window = self.choice("by", WAYS), self.window(loaded)
        self.reply_json(await self.run(_kernel, loaded, by, window, self.whole("id")))


def _kernels(
    loaded: LoadedTrace,
    by: str,
    window: tuple[int, int] | None,
    ask: TableRequest,
    classes: list[str],
    cores: str,
) -> bytes:
    from gpuboard.profiler.figures.kernel_classes import KernelClass
    from gpuboard.profiler.figures.kernels import by_class

    table, texts, columns = _table(loaded, by, window)
    rows = ask.rows(_searched(texts), columns, _kept(table, classes, cores))
    split = by_class(table)
    header = {
        "by": by,
        "absent": table.absent,
        "suspects": table.suspects,
        "tensor_share": _or_none(table.tensor_share),
        "unknown_share": _or_none(table.unknown_share),
        "no_tensor_cores": table.no_tensor_cores,
        "sum_ns": int(table.total_ns.sum()),
        "sum_count": int(table.count.sum()),
        "cores_ns": [int(table.total_ns[_is(table, k)].sum()) for k in range(len(CORES))],
        "classes": [KernelClass(n).name.lower() for n in split.kernel_class.tolist()],
        "class_ns": split.total_ns,
        "class_count": split.count,
        "has_occupancy": bool(np.isfinite(table.occupancy).any()),
        "has_blocks": bool(np.isfinite(table.blocks_per_sm).any()),
    }
    return encode_rows(rows, ask.limit, texts, columns, header)


def _csv(
    loaded: LoadedTrace,
    by: str,
    window: tuple[int, int] | None,
    ask: TableRequest,
    classes: list[str],
    cores: str,
) -> str:
    from gpuboard.profiler.figures.kernel_classes import KernelClass

    table, texts, columns = _table(loaded, by, window)
    words: dict[str, list[str]] = {
        **texts,
        "class": [KernelClass(n).name.lower() for n in table.kernel_class.tolist()],
        "tensor_cores": [CORES[n] for n in table.tensor_cores.tolist()],
    }
    left_out = ("row", "at", "kernel_class", "tensor_cores")
    kept = {key: column for key, column in columns.items() if key not in left_out}
    rows = ask.rows(_searched(texts), columns, _kept(table, classes, cores))
    return write_csv(rows, words, kept)


def _is(table: KernelTable, answer: int) -> Column:
    """Tell which rows have this answer to the question for tensor cores; copies have none."""
    from gpuboard.profiler.traces.trace import Kind

    found: Column = (table.tensor_cores == answer) & (table.kind == Kind.KERNEL)
    return found


def _kept(table: KernelTable, classes: list[str], cores: str) -> Column:
    from gpuboard.profiler.figures.kernel_classes import KernelClass

    kept = np.ones(len(table), np.bool_)
    if classes:
        known = {one.name.lower(): one for one in KernelClass}
        if unknown := [word for word in classes if word not in known]:
            raise InputError(f"class: got {unknown[0][:80]!r}, expected one of {', '.join(known)}")
        kept &= np.isin(table.kernel_class, [known[word] for word in classes])
    if cores:
        kept &= _is(table, CORES.index(cores))
    return kept


def _searched(texts: dict[str, list[str]]) -> list[str]:
    if "operator" not in texts:
        return texts["name"]
    return [f"{name}\n{of}" for name, of in zip(texts["name"], texts["operator"], strict=True)]


def _table(
    loaded: LoadedTrace, by: str, window: tuple[int, int] | None
) -> tuple[KernelTable, dict[str, list[str]], dict[str, Column]]:
    from gpuboard.serve.trace_figures import kernels_of

    table, trace = kernels_of(loaded, by, window), loaded.trace
    texts = {"name": [trace.text(n) for n in table.name.tolist()]}
    if by == "operator":
        texts["operator"] = [trace.text(n) for n in table.operator.tolist()]
    if by == "launch":
        texts["grid"] = _shape(table.grid)
        texts["block"] = _shape(table.block)
    at = trace.slices.start[table.longest] - loaded.timeline.start
    columns: dict[str, Column] = {
        "count": table.count,
        "total_ns": table.total_ns,
        "share": table.share,
        "mean_ns": table.mean_ns,
        "min_ns": table.min_ns,
        "max_ns": table.max_ns,
        "blocks_per_sm": table.blocks_per_sm,
        "occupancy": table.occupancy / 100,
        "kernel_class": table.kernel_class,
        "tensor_cores": table.tensor_cores,
        "row": table.longest,
        "at": at.astype(np.float64),
    }
    if by == "launch":
        columns |= {
            "registers": _known(table.registers),
            "shared_memory": _known(table.shared_memory),
        }
    return table, texts, columns


def _known(column: Int32s) -> Column:
    return np.where(column < 0, np.nan, column.astype(np.float64))


def _shape(column: Int32s) -> list[str]:
    return ["" if min(line) < 0 else " × ".join(map(str, line)) for line in column.tolist()]


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _kernel(
    loaded: LoadedTrace, by: str, window: tuple[int, int] | None, number: int
) -> dict[str, Any]:
    from gpuboard.serve.trace_figures import kernels_of

    table, trace = kernels_of(loaded, by, window), loaded.trace
    if not 0 <= number < len(table):
        raise InputError(f"id: got {number}, expected 0 to {len(table) - 1}")
    at = _members(loaded, table, number, by, window)
    row = trace.work.row[at]
    dur = trace.slices.dur[row]
    order = np.argsort(-dur, kind="stable")[:MAX_RUNS]
    return {
        "name": trace.text(int(table.name[number])),
        "count": len(row),
        "histogram": _histogram(dur),
        "quantiles": np.quantile(dur, [0.05, 0.5, 0.95]) if len(dur) else [],
        "runs": {
            "row": row[order],
            "start": trace.slices.start[row[order]] - loaded.timeline.start,
            "dur": dur[order],
            "device": trace.work.device[at][order],
            "stream": [str(n) for n in trace.work.stream[at][order].tolist()],
        },
        "operators": _launched_by(loaded, at),
        "shapes": _launch_shapes(trace, at),
    }


def _members(
    loaded: LoadedTrace, table: KernelTable, number: int, by: str, window: tuple[int, int] | None
) -> Column:
    """Return the places in `trace.work` of all runs that a row of the table sums up."""
    trace, work = loaded.trace, loaded.trace.work
    slices = trace.slices
    kept = slices.name[work.row] == table.name[number]
    kept &= (slices.kind[work.row] == table.kind[number]) & ~slices.suspect[work.row]
    if window is not None:
        start = slices.start[work.row]
        kept &= (start >= window[0]) & (start < window[1])
    if by == "operator":
        kept &= loaded.launches.label == table.operator[number]
    if by == "launch":
        kept &= (work.grid == table.grid[number]).all(axis=1)
        kept &= (work.block == table.block[number]).all(axis=1)
        kept &= work.registers == table.registers[number]
        kept &= work.shared_memory == table.shared_memory[number]
    return np.flatnonzero(kept)


def _histogram(dur: Column) -> dict[str, Any]:
    """Count durations in bins that are equally wide, on a logarithmic scale where they spread."""
    if not len(dur):
        return {"edges": [], "count": [], "is_log": False}
    low, high = float(dur.min()), float(dur.max())
    is_log = low > 0 and high / low > 20
    bins = min(BINS, max(8, int(2 * len(dur) ** 0.5)))
    if high <= low:
        edges = np.array([low * 0.995, high * 1.005 + 1])
    elif is_log:
        edges = np.geomspace(low, high * (1 + 1e-9), bins + 1)
    else:
        edges = np.linspace(low, high * (1 + 1e-9), bins + 1)
    count, _ = np.histogram(dur, edges)
    return {"edges": edges, "count": count, "is_log": is_log}


def _launched_by(loaded: LoadedTrace, at: Column) -> dict[str, Any]:
    from gpuboard.profiler.figures.grouping import group, sums

    trace = loaded.trace
    label = loaded.launches.label[at]
    groups = group(label)
    found = sums(groups.number, len(groups), loaded.launches.device_ns[at])
    order = np.argsort(-found.total, kind="stable")[:20]
    names = label[groups.first[order]].tolist()
    return {
        "name": [trace.text(n)[:NAME_CHARACTERS] for n in names],
        "count": found.count[order],
        "ns": found.total[order],
    }


def _launch_shapes(trace: Trace, at: Column) -> dict[str, Any]:
    from gpuboard.profiler.figures.grouping import group, sums

    work = trace.work
    groups = group(work.grid[at], work.block[at])
    found = sums(groups.number, len(groups), trace.slices.dur[work.row[at]])
    order = np.argsort(-found.total, kind="stable")[:20]
    first = at[groups.first[order]]
    return {
        "grid": _shape(work.grid[first]),
        "block": _shape(work.block[first]),
        "count": found.count[order],
        "ns": found.total[order],
    }


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/profile/kernels", KernelsRoute),
    (r"api/v1/profile/kernel", KernelRoute),
)
