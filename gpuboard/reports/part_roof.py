"""Set what operators achieved against what the device can do."""

from __future__ import annotations

import math

import numpy as np

from gpuboard.profiler.advice.words import duration, percent
from gpuboard.profiler.figures.roofline import BOUNDS, by_family
from gpuboard.reports.document import (
    Block,
    Column,
    Facts,
    Note,
    Point,
    Role,
    Scatter,
    Section,
    Table,
)
from gpuboard.reports.part_where import share_bar
from gpuboard.reports.sheet import Sheet

_POINTS = 300
_SCALES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"))


def roof(sheet: Sheet, top: int) -> Section:
    """Return utilisation, families of operators and the roofline."""
    amount, found, used = sheet.amount, sheet.roof, sheet.mfu
    if amount.absent:
        return Section("Roofline", (Note(f"Not known: {_sentence(amount.absent)}"),))
    pairs = [("operations", f"{scaled(amount.total_flops)}FLOP")]
    if not used.absent and math.isfinite(used.overall):
        pairs.insert(0, ("model FLOPs utilisation (MFU)", percent(used.overall)))
    if not found.absent:
        pairs.append(("peaks of", f"{found.peak.name} ({found.peak.source})"))
    if math.isfinite(amount.known_share):
        pairs.append(("counted", f"{percent(amount.known_share)} of device time"))
    blocks: list[Block] = [Facts(tuple(pairs))]
    blocks += [_families(sheet, top)]
    if found.absent:
        blocks.append(Note(f"No roof: {_sentence(found.absent)}"))
    else:
        if (scatter := _scatter(sheet)) is not None:
            blocks.append(scatter)
        if math.isfinite(amount.known_share) and amount.known_share < 0.8:
            blocks.append(Note("Where little is counted, the utilisation is a lower bound."))
    return Section("Roofline", tuple(blocks))


def scaled(value: float) -> str:
    """Return a number with a prefix, such as "1.23 T"."""
    for factor, prefix in _SCALES:
        if value >= factor:
            return f"{value / factor:,.3g} {prefix}"
    return f"{value:,.3g} "


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _families(sheet: Sheet, top: int) -> Table:
    amount, found = sheet.amount, sheet.roof
    families = by_family(amount, found)
    whole = max(1, sum(one.time_ns for one in families))
    rows = tuple(
        (
            one.family,
            f"{one.calls:,}",
            duration(one.time_ns),
            f"{scaled(one.flops / (one.time_ns / 1e9))}FLOP/s" if one.time_ns and one.flops else "",
            percent(one.share) if math.isfinite(one.share) else "",
            share_bar(one.time_ns / whole, Role.COMPUTE),
        )
        for one in families[:top]
    )
    columns = (
        Column("family", "name"),
        Column("calls", is_extra=True),
        Column("time"),
        Column("achieved", is_extra=True),
        Column("of the roof"),
        Column("share of counted time", "bar"),
    )
    return Table(columns, rows, len(families) - len(rows))


def _scatter(sheet: Sheet) -> Scatter | None:
    amount, found, trace = sheet.amount, sheet.roof, sheet.trace
    known = np.isfinite(found.intensity) & (found.intensity > 0) & (found.flop_rate > 0)
    places = np.flatnonzero(known & np.isfinite(found.flop_rate))
    if not len(places) or not found.peak.bandwidth:
        return None
    places = places[np.argsort(-amount.time_ns[places], kind="stable")][:_POINTS]
    whole = max(1, int(amount.time_ns.sum()))
    points = []
    for k in places.tolist():
        share = found.share[k]
        of = f", {percent(float(share))} of the roof" if math.isfinite(share) else ""
        text = (
            f"{scaled(float(found.flop_rate[k]))}FLOP/s, "
            f"{float(found.intensity[k]):,.3g} FLOP/byte{of}, {found.dtype[k]}, "
            f"{BOUNDS[int(found.bound[k])]} bound, {duration(int(amount.time_ns[k]))}"
        )
        label = f"{trace.text(int(amount.name[k]))} {trace.text(int(amount.dims[k]))}"
        points.append(
            Point(
                intensity=float(found.intensity[k]),
                rate=float(found.flop_rate[k]),
                weight=int(amount.time_ns[k]) / whole,
                label=label,
                text=text,
                is_matrix=bool(found.matrix[k]),
            )
        )
    return Scatter(tuple(points), _roofs(sheet, places), found.peak.bandwidth)


def _roofs(sheet: Sheet, places: np.ndarray) -> tuple[tuple[str, float], ...]:
    """Return the peaks that the points are set against, greatest first."""
    found = sheet.roof
    roofs: dict[float, list[str]] = {}
    for k in places.tolist():
        on_matrix = bool(found.matrix[k])
        peak = found.peak.of(found.dtype[k], on_matrix_units=on_matrix)
        if math.isfinite(peak):
            units = "matrix units" if on_matrix else "other units"
            labels = roofs.setdefault(peak, [])
            if (label := f"{found.dtype[k]}, {units}") not in labels:
                labels.append(label)
    named = [("; ".join(labels), peak) for peak, labels in roofs.items()]
    return tuple(sorted(named, key=lambda one: -one[1])[:4])
