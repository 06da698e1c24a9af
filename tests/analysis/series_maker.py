"""Build series and sources for tests."""

from __future__ import annotations

import numpy as np

from gpuboard.analysis.request import Source
from gpuboard.store.columns import NO_PURGE, Series


def series(values, steps=None, walls=None, starts=(0,), purges=None):
    values = np.asarray(values, np.float64)
    steps = np.arange(len(values)) if steps is None else np.asarray(steps)
    walls = 1000.0 + np.arange(len(values)) if walls is None else np.asarray(walls)
    starts = np.asarray(starts if len(values) else (), np.int64)
    purges = [NO_PURGE] * len(starts) if purges is None else purges
    return Series(
        wall_time=walls.astype(np.float64),
        step=steps.astype(np.int64),
        value=values,
        writer_start=starts,
        purge_step=np.asarray(purges, np.int64),
    )


def source(values, run=0, name="a", origin=1000.0, version=1, **more):
    return Source(run, name, origin, version, series(values, **more))


def lines_of(chart):
    """Return (role, run or group, x, y) of each line of a chart."""
    from gpuboard.analysis.layers import ROLES

    ends = np.cumsum(chart.lines.sent)
    rows = chart.lines.rows
    return [
        (ROLES[role], group or int(run), chart.x[end - n : end], chart.y[end - n : end])
        for role, group, run, n, end in zip(
            chart.lines.role, rows.group, rows.run, chart.lines.sent, ends, strict=True
        )
    ]
