"""Take a trace apart into columns and facts that JSON can hold, and put it together again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gpuboard.profiler.traces import trace as model
from gpuboard.profiler.traces.trace import Device, Group, Origin, Place, Trace, Track
from gpuboard.store.columns import Problem

_TABLES: Mapping[str, type] = {
    "slices": model.Slices,
    "work": model.DeviceWork,
    "calls": model.Calls,
    "operators": model.Operators,
    "python": model.PythonCalls,
    "collectives": model.Collectives,
    "syncs": model.Syncs,
    "memory": model.MemoryEvents,
    "flows": model.Flows,
    "counters": model.Counters,
    "instants": model.Instants,
}
_NO_COLUMNS = ("counters.names", "counters.tracks")
_TEXT, _ENDS = "strings.text", "strings.ends"

COLUMNS = {
    f"{table}.{field.name}" for table, kind in _TABLES.items() for field in dataclasses.fields(kind)
}.difference(_NO_COLUMNS) | {"track_start", _TEXT, _ENDS}


def tables_of(trace: Trace) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield every column of a trace by its name; all texts are one, with where each ends."""
    yield "track_start", trace.track_start
    for name in sorted(COLUMNS - {"track_start", _TEXT, _ENDS}):
        table, _, column = name.partition(".")
        yield name, getattr(getattr(trace, table), column)
    yield _ENDS, np.cumsum([len(text) for text in trace.strings], dtype=np.int64)
    # A JSON text may hold half of a pair of surrogates.
    text = "".join(trace.strings).encode("utf-8", "surrogatepass")
    yield _TEXT, np.frombuffer(text, np.uint8)


def facts_of(trace: Trace) -> dict[str, Any]:
    """Return everything else that a trace says, as JSON holds it."""
    return {
        "origin": dataclasses.asdict(trace.origin),
        "categories": trace.categories,
        "tracks": [dataclasses.astuple(track) for track in trace.tracks],
        "counters": [trace.counters.names, trace.counters.tracks],
        "devices": [dataclasses.asdict(device) for device in trace.devices],
        "problems": [dataclasses.astuple(problem) for problem in trace.problems],
        "problem_counts": dict(trace.problem_counts),
    }


def trace_from(facts: Mapping[str, Any], columns: Mapping[str, np.ndarray[Any, Any]]) -> Trace:
    """Return the trace that was taken apart."""
    names, tracks = facts["counters"]
    extra = {
        "counters.names": tuple((counter, value) for counter, value in names),
        "counters.tracks": tuple(tracks),
    }
    found = {**columns, **extra}
    tables = {
        table: kind(**{f.name: found[f"{table}.{f.name}"] for f in dataclasses.fields(kind)})
        for table, kind in _TABLES.items()
    }
    return Trace(
        origin=_origin(facts["origin"]),
        strings=_strings(columns[_TEXT], columns[_ENDS]),
        categories=tuple(facts["categories"]),
        tracks=tuple(_track(*track) for track in facts["tracks"]),
        track_start=columns["track_start"],
        devices=tuple(Device(**device) for device in facts["devices"]),
        problems=tuple(Problem(*problem) for problem in facts["problems"]),
        problem_counts=facts["problem_counts"],
        **tables,
    )


def check(trace: Trace) -> None:
    """See that columns point to what exists, as those of a parsed trace do.

    Raises:
        ValueError: They do not.
    """
    n = len(trace.slices.start)
    for table, kind in _TABLES.items():
        columns = [getattr(getattr(trace, table), f.name) for f in dataclasses.fields(kind)]
        if len({len(c) for c in columns if isinstance(c, np.ndarray)}) != 1:
            raise ValueError(f"columns of {table} differ in length")
        row = getattr(getattr(trace, table), "row", None)
        if row is not None:
            _check_range(row, 0, n)
    slices = trace.slices
    _check_range(slices.name, 0, len(trace.strings))
    _check_range(slices.track, 0, len(trace.tracks))
    _check_range(slices.category, 0, max(len(trace.categories), 1))
    _check_range(slices.kind, 0, len(model.Kind))
    if len(trace.track_start) != len(trace.tracks) + 1 or trace.track_start[-1] != n:
        raise ValueError("tracks do not fit the slices")


def _check_range(column: np.ndarray[Any, Any], low: int, high: int) -> None:
    if len(column) and not (low <= column.min() and column.max() < high):
        raise ValueError("a column points to what does not exist")


def _strings(text: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> tuple[str, ...]:
    whole = text.tobytes().decode("utf-8", "surrogatepass")
    stops = ends.tolist()
    starts = [0, *stops[:-1]]
    return tuple([whole[a:b] for a, b in zip(starts, stops, strict=True)]) if stops else ()


def _track(process: str, thread: str, place: int, *rest: Any) -> Track:  # noqa: ANN401 - of Track
    return Track(process, thread, Place(place), *rest)


def _origin(facts: Mapping[str, Any]) -> Origin:
    groups = tuple(Group(**{**group, "ranks": tuple(group["ranks"])}) for group in facts["groups"])
    return Origin(**{**facts, "groups": groups})
