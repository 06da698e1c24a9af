"""Put traces of several ranks on one clock."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gpuboard.profiler.traces.trace import Kind, Trace

# Absolute clocks count from 1970: no trace lasts for 30 years.
_EPOCH_NS = 30 * 365 * 86_400 * 1_000_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Alignment:
    """How far each trace is moved.

    Attributes:
        shift: Nanoseconds to add to the times of each trace so that they are those of the first.
        how: "clock", "collective" or "start".
        note: A sentence: on what this rests.
    """

    shift: tuple[int, ...]
    how: str
    note: str


def align(traces: Sequence[Trace], how: str) -> Alignment:
    """Return the shifts of traces; where the wanted way is not possible, the next best.

    Args:
        traces: The first one keeps its clock.
        how: "clock" by the time of day in the files, "collective" by the end of the first
            collective that all have, "start" by the first slice of each.
    """
    ways = {"clock": _by_clock, "collective": _by_collective, "start": _by_start}
    for way in [how, "clock", "collective", "start"]:
        found = ways[way](traces)
        if found is not None:
            return found
    raise AssertionError("traces can always be aligned by their starts")


def base_of(trace: Trace) -> int | None:
    """Return nanoseconds since 1970 at time 0 of a trace, None where the file does not say."""
    if trace.origin.base is not None:
        return trace.origin.base
    starts = trace.slices.start
    return 0 if len(starts) and int(starts.min()) > _EPOCH_NS else None


def _by_clock(traces: Sequence[Trace]) -> Alignment | None:
    bases = [base_of(trace) for trace in traces]
    known = [base for base in bases if base is not None]
    if len(known) < len(bases):
        return None
    shift = tuple(base - known[0] for base in known)
    return Alignment(shift, "clock", "by the time of day that each file gives")


def _by_collective(traces: Sequence[Trace]) -> Alignment | None:
    ends = [_collective_ends(trace) for trace in traces]
    common = set(ends[0]).intersection(*ends[1:])
    if not common:
        return None
    first = min(common, key=lambda key: ends[0][key])
    shift = tuple(ends[0][first] - found[first] for found in ends)
    return Alignment(shift, "collective", f"by the end of {first[0]} number {first[2]}")


def _collective_ends(trace: Trace) -> dict[tuple[str, str, int], int]:
    """Return when collectives ended on the device: by name, group and number within them."""
    slices = trace.slices
    table = trace.collectives
    on_device = slices.kind[table.row] == Kind.KERNEL
    found: dict[tuple[str, str, int], int] = {}
    met: dict[tuple[str, str], int] = {}
    if on_device.any():
        rows = table.row[on_device]
        names = [
            (trace.text(int(name)), trace.text(int(group)))
            for name, group in zip(table.collective[on_device], table.group[on_device], strict=True)
        ]
    else:
        rows = _nccl_rows(trace)
        names = [(trace.text(int(name)), "") for name in slices.name[rows]]
    for at in np.argsort(slices.start[rows], kind="stable").tolist():
        number = met[names[at]] = met.get(names[at], 0) + 1
        found[*names[at], number] = int(slices.start[rows[at]] + slices.dur[rows[at]])
    return found


def _nccl_rows(trace: Trace) -> np.typing.NDArray[np.int32]:
    rows = trace.rows(Kind.KERNEL)
    words = ("nccl", "rccl", "hccl")
    is_one = np.array([any(word in text.lower() for word in words) for text in trace.strings])
    return rows[is_one[trace.slices.name[rows]]] if len(rows) else rows


def _by_start(traces: Sequence[Trace]) -> Alignment:
    starts = [int(t.slices.start.min()) if len(t.slices) else 0 for t in traces]
    note = "by their first events: the files give no common time"
    return Alignment(tuple(starts[0] - start for start in starts), "start", note)
