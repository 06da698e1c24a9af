"""Say what changed between two recordings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpuboard.profiler.advice.words import duration, size
from gpuboard.profiler.figures.compare import Comparison, Difference, Figure, Status
from gpuboard.reports.document import Bar, Block, Cell, Column, Note, Role, Section, Stack, Table
from gpuboard.reports.part_where import PARTS

_UNLIKE = "The sides ran on different devices; times differ for that alone."


def difference_sections(found: Comparison, top: int) -> tuple[Section, ...]:
    """Return what changed, in figures and by name; the largest change of time first."""
    blocks: list[Block] = [_figures(found), *_parts(found)]
    if found.devices[0] != found.devices[1]:
        names = " and ".join(", ".join(side) or "not named" for side in found.devices)
        blocks.append(Note(f"{_UNLIKE} Before and after: {names}.", is_warning=True))
    per = f"a {found.per}"
    return (
        Section(f"What changed, {per}", tuple(blocks)),
        _changes("Kernels that changed", "kernel", found.kernels, top),
        _changes("Operators that changed, on the host", "operator", found.operators, top),
    )


def difference_json(found: Comparison, before: list[str], after: list[str]) -> dict[str, Any]:
    """Return the "diff" of the JSON: means over the traces of each side; times in nanoseconds."""
    tables = ("classes", "kernel_classes", "kernels", "operators", "operator_kernels")
    return {
        "before": before,
        "after": after,
        "per": found.per,
        "devices": {"before": list(found.devices[0]), "after": list(found.devices[1])},
        "figures": [_figure(one) for one in found.figures],
        "parts": [_figure(one) for one in found.parts],
        **{name: _rows(getattr(found, name)) for name in tables},
    }


def _figure(one: Figure) -> dict[str, Any]:
    return {"name": one.name, "unit": one.unit, "before": one.before, "after": one.after}


def _rows(table: Difference) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "status": Status(int(table.status[k])).name.lower(),
            "count_before": float(table.count[0, k]),
            "count_after": float(table.count[1, k]),
            "ns_before": float(table.time_ns[0, k]),
            "ns_after": float(table.time_ns[1, k]),
        }
        for k, name in enumerate(table.name)
    ]


def _figures(found: Comparison) -> Table:
    shown = [
        one
        for one in found.figures
        if one.before is not None and one.after is not None and (one.before or one.after)
    ]
    rows = tuple(
        (one.name, _text(one.before, one.unit), _text(one.after, one.unit), *_change(one))
        for one in shown
    )
    columns = (
        Column("figure", "name"),
        Column("before"),
        Column("after"),
        Column("change"),
        Column("", "bar"),
    )
    return Table(columns, rows)


def _parts(found: Comparison) -> list[Block]:
    """Return what a mean step went into on both sides, as long as they last."""
    sides = [[one.before or 0.0 for one in found.parts], [one.after or 0.0 for one in found.parts]]
    longest = max(map(sum, sides))
    if not found.parts or not all(map(sum, sides)):
        return []
    roles = [PARTS[one.name][1] for one in found.parts]
    rows = []
    for label, ns in zip(("before", "after"), sides, strict=True):
        shares = tuple((value / sum(ns), role) for value, role in zip(ns, roles, strict=True))
        rows.append((label, duration(sum(ns)), Stack(shares, sum(ns) / longest)))
    columns = (Column("mean step", "left"), Column("time"), Column("what it went into", "bar"))
    return [Table(columns, tuple(rows))]


def _change(one: Figure) -> tuple[Cell, Cell]:
    before, after = one.before or 0.0, one.after or 0.0
    change = after - before
    if not change:
        return "same", Bar(0.0, "", Role.PLAIN)
    role = Role.PLAIN if one.unit == "" else Role.BAD if change > 0 else Role.GOOD
    whole = max(before, after)
    ratio = f"{change / before:+.1%}".replace("%", " %") if before else "new"
    text = ("+" if change > 0 else "-") + _text(abs(change), one.unit)
    return text, Bar(min(1.0, abs(change) / whole), ratio, role)


def _text(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "ns":
        return duration(value)
    return size(value) if unit == "bytes" else f"{value:,.4g}"


def _changes(title: str, noun: str, table: Difference, top: int) -> Section:
    if table.absent:
        return Section(title, (Note(f"Not known: {table.absent}."),))
    change = table.change_ns
    places = np.flatnonzero(change != 0)
    greatest = max(1.0, float(np.abs(change).max(initial=0)))
    rows = []
    for k in places[:top].tolist():
        value = float(change[k])
        sign, role = ("+", Role.BAD) if value > 0 else ("-", Role.GOOD)
        rows.append((
            table.name[k],
            _count(table.count[:, k].tolist()),
            duration(float(table.time_ns[0, k])),
            duration(float(table.time_ns[1, k])),
            f"{sign}{duration(abs(value))}",
            Bar(abs(value) / greatest, _ratio(float(table.ratio[k])), role),
        ))  # fmt: skip
    if not rows:
        return Section(title, (Note("None."),))
    columns = (
        Column(noun, "name"),
        Column("count", is_extra=True),
        Column("before", is_extra=True),
        Column("after", is_extra=True),
        Column("change"),
        Column("", "bar"),
    )
    return Section(title, (Table(columns, tuple(rows), len(places) - len(rows)),))


def _count(both: list[float]) -> str:
    before, after = (f"{value:,.4g}" for value in both)
    return before if before == after else f"{before} to {after}"


def _ratio(ratio: float) -> str:
    if math.isinf(ratio):
        return "new"
    if ratio == 0:
        return "gone"
    return f"x {ratio:.2f}"
