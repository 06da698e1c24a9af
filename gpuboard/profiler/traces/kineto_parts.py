"""Make `Parts` of what the scanner of Chrome traces found."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces import scan_state as state_of
from gpuboard.profiler.traces.kineto_bare import tell_kinds
from gpuboard.profiler.traces.kineto_columns import Columns
from gpuboard.profiler.traces.kineto_head import devices_of, origin_of
from gpuboard.profiler.traces.kineto_problems import KINDS, MEANING, Problems
from gpuboard.profiler.traces.kineto_spans import add_spans, end_slices
from gpuboard.profiler.traces.kineto_text import Decoded
from gpuboard.profiler.traces.kineto_tracks import tracks_of
from gpuboard.profiler.traces.parts import SLICES, Parts
from gpuboard.profiler.traces.scan_tables import NAMES
from gpuboard.profiler.traces.scan_texts import Texts

_TABLES = (
    "work", "calls", "operators", "python", "collectives", "syncs", "memory", "flow_ends",
    "counters", "instants",
)  # fmt: skip
_TEXT_COLUMNS = {
    "slices": ("name",),
    "operators": ("dims", "types", "strides", "concrete", "stack", "module"),
    "collectives": ("collective", "dtype", "group", "group_label", "group_ranks"),
    "syncs": ("sync",),
    "flow_ends": ("label", "id_text"),
    "spans": ("pid", "category", "id", "name"),
    "bare": ("launch", "moved", "launcher"),
    "counters": ("name", "key"),
    "instants": ("name",),
}


@dataclasses.dataclass(slots=True)
class Scanned:
    """All that one pass over a file left behind.

    Attributes:
        size: Bytes of the file, uncompressed.
        cut: Why they end early: "", or a sentence.
        has_more: Whether reading ended at the cap of events.
    """

    file: Path
    state: npt.NDArray[np.int64]
    columns: Columns
    texts: Texts
    tracks: state_of.Tracks
    phases: npt.NDArray[np.int64]
    notes: state_of.Notes
    categories: list[int]
    members: dict[str, Any]
    size: int
    cut: str
    has_more: bool


def parts_of(scanned: Scanned) -> Parts:
    """Return the parts of a trace; the scanned columns are given away with them."""
    decoded = Decoded(scanned.texts)
    strings = decoded.strings
    tables = {name: scanned.columns.taken(number) for number, name in enumerate(NAMES)}
    _unify(tables, decoded)
    _mend_counters(tables["counters"], strings)
    _mend_flows(tables["flow_ends"], strings)
    problems = _problems(scanned, decoded)
    slices = tables["slices"] or {name: np.zeros(0, dtype) for name, dtype in SLICES.items()}
    end_slices(tables["ends"], slices, problems)
    parts = Parts(
        origin=origin_of(
            scanned.members,
            file=str(scanned.file),
            size=scanned.file.stat().st_size,
            events=int(scanned.state[state_of.N_EVENTS]),
            phases=_phases(scanned.phases),
        ),
        strings=strings,
        categories=[strings[number] for number in scanned.categories],
        tracks=tracks_of(scanned.tracks, tables["labels"], strings),
        slices=slices,
        **{name: tables[name] for name in _TABLES},  # type: ignore[arg-type]
        devices=devices_of(scanned.members),
    )
    tell_kinds(parts, tables["bare"])
    add_spans(tables["spans"], parts, problems)
    parts.problems, parts.problem_counts = problems.listed, problems.counts
    return parts


def _problems(scanned: Scanned, decoded: Decoded) -> Problems:
    """Put into words what was wrong: what the scan listed, and how often it met each kind."""
    problems = Problems(str(scanned.file))
    notes = scanned.notes
    if scanned.cut:
        problems.add("cut_stream", 0, message=f"{scanned.cut}; {MEANING['cut_stream']}")
    if scanned.has_more:
        problems.add("many_events", scanned.size)
    for offset, kind in zip(*(c[: notes.listed[0]].tolist() for c in notes[:2]), strict=True):
        problems.add(KINDS[kind], offset)
    for kind in np.flatnonzero(notes.counts).tolist():
        problems.counts[KINDS[kind]] = int(notes.counts[kind])
    if not scanned.state[state_of.WAS_WHOLE] and not notes.counts[state_of.TRUNCATED]:
        problems.add("cut_file", scanned.size)
    for kind, offset in decoded.problems:
        problems.add(kind, offset)
    return problems


def _unify(tables: dict[str, dict[str, Any]], decoded: Decoded) -> None:
    if decoded.same is None:
        return
    for table, names in _TEXT_COLUMNS.items():
        columns = tables[table]
        for name in names:
            if name in columns:
                column = columns[name]
                columns[name] = np.where(column >= 0, decoded.same[column], column)


def _mend_counters(columns: dict[str, Any], strings: list[str]) -> None:
    """Read anew the few numbers that the scanner's quick way rounds differently."""
    if not columns:
        return
    exact = columns.pop("exact")
    for row in np.flatnonzero(exact >= 0).tolist():
        columns["value"][row] = float(strings[exact[row]])


def _mend_flows(columns: dict[str, Any], strings: list[str]) -> None:
    """Give arrows whose id is no number one that is theirs: below -1, by their text."""
    if not columns:
        return
    text = columns.pop("id_text")
    for row in np.flatnonzero((columns["id"] == -1) & (text >= 0)).tolist():
        if strings[text[row]] != "-1":
            columns["id"][row] = -2 - int(text[row])


def _phases(counts: npt.NDArray[np.int64]) -> dict[str, int]:
    names = {0: "None", state_of.OTHER_PHASE: "other"}
    return {
        names.get(number, chr(number)): int(counts[number])
        for number in np.flatnonzero(counts).tolist()
    }
