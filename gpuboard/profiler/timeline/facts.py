"""Say everything that a trace knows of one slice."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gpuboard.profiler.traces.trace import Trace

# Columns that hold numbers of strings, by table.
_TEXTS = {
    "work": ("launcher",),
    "operators": ("dims", "types", "strides", "concrete", "stack", "module"),
    "collectives": ("collective", "dtype", "group", "group_label", "group_ranks"),
    "syncs": ("sync",),
}
_TABLES = ("work", "calls", "operators", "python", "collectives", "syncs")
_CALLED = {
    "external": "external id",
    "sequence": "sequence number",
    "correlation": "correlation id",
    "id": "python id",
    "parent": "python parent id",
    "module": "module",
    "dims": "input shapes",
    "types": "input types",
    "strides": "input strides",
    "concrete": "concrete inputs",
    "stack": "call stack",
    "registers": "registers per thread",
}
_UNITS = {
    "bandwidth": "GB/s",
    "occupancy": "%",
    "bytes": "bytes",
    "shared_memory": "bytes",
    "queued": "ns",
    "flops": "FLOPs",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a slice.

    Attributes:
        name: What the column is called, in words.
        value: A number, three numbers or a text.
        unit: "" for none.
    """

    name: str
    value: int | float | str | tuple[int, ...]
    unit: str = ""


def facts_of(trace: Trace, row: int) -> list[Fact]:
    """Return what the tables of a trace say of a slice; what is not in the file is left out."""
    found: dict[str, Fact] = {}
    for table in _TABLES:
        columns = getattr(trace, table)
        at = int(np.searchsorted(columns.row, row))
        if at == len(columns.row) or columns.row[at] != row:
            continue
        for field in dataclasses.fields(columns):
            if field.name == "row":
                continue
            value = _value(trace, table, field.name, getattr(columns, field.name)[at])
            if value is not None:
                name = _CALLED.get(field.name, field.name.replace("_", " "))
                found.setdefault(name, Fact(name, value, _UNITS.get(field.name, "")))
    return list(found.values())


def _value(
    trace: Trace,
    table: str,
    name: str,
    value: Any,  # noqa: ANN401 - one cell of any column
) -> int | float | str | tuple[int, ...] | None:
    if isinstance(value, np.ndarray):
        numbers = tuple(int(one) for one in value)
        return None if numbers[0] < 0 else numbers
    if isinstance(value, np.floating):
        # Half of a float32's digits are noise once it is a Python float.
        return None if np.isnan(value) else float(f"{float(value):.6g}")
    if int(value) == -1:
        return None
    return trace.text(int(value)) if name in _TEXTS.get(table, ()) else int(value)
