"""Lay hardware samples of the same run under a trace: both know the time of day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from gpuboard.errors import NotFoundError

if TYPE_CHECKING:
    from gpuboard.profiler.timeline.series import TimeSeries
    from gpuboard.serve.profiles import LoadedTrace
    from gpuboard.store.columns import RunInfo
    from gpuboard.store.store import Store

_GPU = re.compile(r"gpu/(\d+)/(.+)")
MAX_SERIES = 200
BESIDE_NS = 60_000_000_000  # samples that lie further away from the trace are no help


def sample_series(store: Store, loaded: LoadedTrace) -> list[TimeSeries]:
    """Return the scalars `gpu/<n>/<what>` of the run in whose folder a trace lies.

    None where the trace does not say when it was recorded, or no sample was taken around it.
    """
    from gpuboard.profiler.timeline.align import base_of
    from gpuboard.profiler.timeline.series import TimeSeries

    base = base_of(loaded.trace)
    run = _run_of(store, loaded.entry.run)
    if base is None or run is None:
        return []
    timeline = loaded.timeline
    low, high = timeline.start - BESIDE_NS, timeline.end + BESIDE_NS
    found: list[TimeSeries] = []
    for tag in list(run.tags.values()):
        match = _GPU.fullmatch(tag.tag) if tag.kind == "scalar" else None
        if match is None or len(found) == MAX_SERIES:
            continue
        try:
            points = store.series(run.id, tag.tag)
        except NotFoundError:
            continue
        # A double tells a fifth of a microsecond of 1.8e9 seconds apart: finer than any sampler.
        time = np.round(points.wall_time * 1e9).astype(np.int64) - base
        order = np.argsort(time, kind="stable")
        order = order[(time[order] >= low) & (time[order] <= high)]
        if len(order):
            group = f"GPU {match[1]} samples"
            value = points.value[order].astype(np.float64)
            key = f"scalar/{tag.tag}"
            found.append(TimeSeries(key, group, match[2], "", time[order], value))
    return found


def _run_of(store: Store, name: str) -> RunInfo | None:
    return next((run for run in store.catalogue().runs if run.name == name), None)
