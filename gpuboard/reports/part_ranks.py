"""Compare the ranks of a job: what each did with its time, and who made the others wait."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpuboard.profiler.advice.words import duration, size
from gpuboard.profiler.figures.collectives import Collective
from gpuboard.profiler.figures.matching import Matched, match
from gpuboard.profiler.figures.stragglers import Stragglers, stragglers
from gpuboard.reports.document import Block, Column, Note, Role, Section, Stack, Table
from gpuboard.reports.sheet import Sheet


def ranks(sheets: Sequence[Sheet], top: int) -> Section:
    """Return a row for each rank, and the collectives in which most was waited."""
    traces = [sheet.trace for sheet in sheets]
    matched = match(traces, [sheet.collectives for sheet in sheets])
    found = stragglers(traces, matched)
    blocks: list[Block] = [_of_ranks(found)]
    if found.absent:
        blocks.append(Note(f"Waiting is not known: {found.absent}."))
    else:
        blocks += [_uneven(matched, top), Note(f"Matched by {matched.how}; {matched.clocks.how}.")]
    return Section("Ranks", tuple(blocks))


def most_idle(sheets: Sequence[Sheet]) -> int:
    """Return the place of the rank that spent most time idle."""
    idle = [sheet.overview.time.idle_ns / max(1, sheet.overview.time.window_ns) for sheet in sheets]
    return int(np.argmax(idle))


def _of_ranks(found: Stragglers) -> Table:
    longest = max(1, int(found.window_ns.max()))
    rows = []
    for k, rank in enumerate(found.rank):
        whole = max(1, int(found.window_ns[k]))
        split = (
            (int(found.computing_ns[k]), Role.COMPUTE),
            (int(found.exposed_ns[k]), Role.COMM),
            (int(found.copying_ns[k]), Role.MEMORY),
            (int(found.idle_ns[k]), Role.UNKNOWN),
        )
        shares = tuple((ns / whole, role) for ns, role in split if ns > 0)
        rows.append((
            f"rank {rank}",
            duration(int(found.window_ns[k])),
            Stack(shares, whole / longest),
            duration(int(found.communicating_ns[k])),
            duration(int(found.waiting_ns[k])),
            duration(int(found.caused_ns[k])),
            f"{int(found.last[k]):,}",
        ))  # fmt: skip
    columns = (
        Column("rank", "left"),
        Column("window", is_extra=True),
        Column("computing, communication, copies, idle", "bar"),
        Column("communicating"),
        Column("waited"),
        Column("made others wait"),
        Column("last in", is_extra=True),
    )
    return Table(columns, tuple(rows))


def _uneven(matched: Matched, top: int) -> Table:
    waited = matched.waiting_ns.sum(axis=1)
    order = np.argsort(-waited, kind="stable")[: min(top, 10)].tolist()
    rows = tuple(
        (
            Collective(int(matched.collective[k])).label,
            size(int(matched.bytes[k])) if matched.bytes[k] >= 0 else "?",
            duration(int(matched.latency_ns[k])),
            duration(int(matched.start_skew_ns[k])),
            duration(int(waited[k])),
            f"rank {matched.rank[int(matched.last[k])]}",
        )
        for k in order
    )
    columns = (
        Column("most uneven collectives", "name"),
        Column("message", is_extra=True),
        Column("transfer"),
        Column("starts apart"),
        Column("waited, all ranks"),
        Column("last to start", "left"),
    )
    return Table(columns, rows, len(waited) - len(rows))
