"""Compare two traces column by column, texts by what they say."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.traces.trace import Trace

_TABLES = (
    "slices", "work", "calls", "operators", "python", "collectives", "syncs", "memory", "flows",
    "counters", "instants",
)  # fmt: skip
# Columns of numbers of texts, by table.
TEXTS = {
    "slices": ("name",),
    "work": ("launcher",),
    "operators": ("dims", "types", "strides", "concrete", "stack", "module"),
    "collectives": ("collective", "dtype", "group", "group_label", "group_ranks"),
    "syncs": ("sync",),
    "flows": ("label",),
    "instants": ("name",),
}
_FREE = {("slices", "offset")}  # the slow reader has no places


def assert_alike(found: Trace, expected: Trace) -> None:
    """Fail at the first column in which two traces differ."""
    assert found.tracks == expected.tracks
    assert found.devices == expected.devices
    plain = dataclasses.replace(found.origin, file="", bytes=0)
    assert plain == dataclasses.replace(expected.origin, file="", bytes=0)
    np.testing.assert_array_equal(found.track_start, expected.track_start)
    for table in _TABLES:
        ours, theirs = getattr(found, table), getattr(expected, table)
        for field in dataclasses.fields(ours):
            if (table, field.name) in _FREE:
                continue
            one, other = getattr(ours, field.name), getattr(theirs, field.name)
            if field.name in TEXTS.get(table, ()):
                one, other = texts(found, one), texts(expected, other)
            elif (table, field.name) == ("slices", "category"):
                one = [found.categories[k] for k in one]
                other = [expected.categories[k] for k in other]
            elif table == "counters":
                continue
            np.testing.assert_array_equal(one, other, f"{table}.{field.name}")
    assert counter_rows(found) == counter_rows(expected)


def texts(trace: Trace, column: np.ndarray) -> list[str | None]:
    """Return what a column of texts says."""
    return [trace.strings[k] if k >= 0 else None for k in column.tolist()]


def counter_rows(trace: Trace) -> list[tuple]:
    """Return the counters as rows that do not depend on how series are numbered."""
    counters = trace.counters
    rows = zip(
        counters.series.tolist(), counters.time.tolist(), counters.value.tolist(), strict=True
    )
    return sorted((*counters.names[s], counters.tracks[s], t, str(v)) for s, t, v in rows)
