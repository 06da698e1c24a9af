"""Draw the memory of devices over time, and say who held it at its peak."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.advice.words import counted, duration, percent, size
from gpuboard.profiler.figures.memory import HOST_TYPE, MemoryCurve
from gpuboard.profiler.figures.memory_peak import peak_holders
from gpuboard.reports.document import Block, Column, Curve, Facts, Note, Role, Section, Table
from gpuboard.reports.part_where import share_bar
from gpuboard.reports.sheet import Sheet

_POINTS = 400
_MOST_CURVES = 8


def memory(sheet: Sheet, top: int) -> Section:
    """Return curve, peak and holders of each device, of the host where there is no other."""
    found = sheet.memory
    if found.absent:
        return Section("Memory", (Note(f"Not known: {found.absent}."),))
    curves = [curve for curve in found.curves if curve.device_type != HOST_TYPE]
    blocks: list[Block] = []
    for curve in (curves or list(found.curves))[:_MOST_CURVES]:
        blocks += [_facts(curve), _drawn(curve), *_holders(sheet, curve, top)]
        if curve.from_zero:
            blocks.append(Note("The file gives no totals: what was allocated before is missing."))
    if found.out_of_memory:
        text = f"{counted(found.out_of_memory, 'allocation')} failed for want of memory."
        blocks.append(Note(text, is_warning=True))
    return Section("Memory", tuple(blocks))


def _facts(curve: MemoryCurve) -> Facts:
    pairs = [("memory of", curve.label), ("peak in tensors", size(curve.peak))]
    if curve.peak_reserved > 0:
        pairs.append(("peak reserved", size(curve.peak_reserved)))
    if curve.capacity:
        pairs.append(("capacity", size(curve.capacity)))
    if curve.peak_fragmentation >= 0:
        pairs.append(("fragmentation at the peak", percent(curve.peak_fragmentation)))
    pairs.append(("allocations", f"{curve.allocations:,}, {curve.frees:,} freed"))
    return Facts(tuple(pairs))


def _drawn(curve: MemoryCurve) -> Curve:
    time, value = curve.time, curve.allocated
    start, span = int(time[0]), max(1, int(time[-1] - time[0]))
    # The greatest of each stretch stays, so that the peak is seen whatever the width.
    place = np.minimum((time - start) * _POINTS // span, _POINTS - 1)
    first = np.flatnonzero(np.diff(place, prepend=-1))
    most = np.maximum.reduceat(value, first)
    points = zip(((time[first] - start) / span).tolist(), most.tolist(), strict=True)
    return Curve(
        label=f"Allocated on {curve.label}",
        points=tuple((float(x), float(max(y, 0))) for x, y in points),
        unit="bytes",
        peak=size(curve.peak),
        span=duration(span),
        ceiling=float(curve.capacity) if curve.peak > 0.5 * curve.capacity > 0 else 0.0,
    )


def _holders(sheet: Sheet, curve: MemoryCurve, top: int) -> list[Block]:
    held = peak_holders(sheet.trace, sheet.memory, curve, nesting=sheet.evidence.nesting)
    if held.absent:
        return [Note(f"Who held it is not known: {held.absent}.")]
    rows = tuple(
        (
            held.label[k],
            f"{int(held.blocks[k]):,}" if held.blocks[k] >= 0 else "",
            size(int(held.bytes[k])),
            share_bar(int(held.bytes[k]) / max(1, curve.peak), Role.MEMORY),
        )
        for k in range(min(top, len(held.label)))
    )
    columns = (
        Column("held at the peak by", "name"),
        Column("blocks", is_extra=True),
        Column("size"),
        Column("share of the peak", "bar"),
    )
    return [Table(columns, rows, len(held.label) - len(rows))] if rows else []
