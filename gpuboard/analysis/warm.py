"""Have every kernel of this package compiled, and what is slow to load, before somebody waits."""

from __future__ import annotations

import numpy as np

from gpuboard.analysis import histograms, pictures, repaint
from gpuboard.analysis.curves import curves
from gpuboard.analysis.points import PointRequest, points_at
from gpuboard.analysis.request import AXES, SMOOTHINGS, CurveRequest, Fold, Smoothing, Source
from gpuboard.store.columns import NO_PURGE, Series


def warm() -> None:
    """Draw tiny pictures of every kind: seconds on a fresh installation, then tenths of one."""
    sources = [_restarted_run(run) for run in range(2)]
    for axis in AXES:
        curves(sources, CurveRequest(axis=axis, overwritten=True, width=1))
        points_at(sources, PointRequest(axis, 0.0))
        points_at(sources, PointRequest(axis, 0.0, 1.0))
    for kind in SMOOTHINGS:
        for axis in ("step", "relative"):
            curves(sources, CurveRequest(axis=axis, smoothing=Smoothing(kind, 0.5)))
    curves(sources, CurveRequest(fold=Fold("(.*)/", center="median", band="percentile")))
    _paint()
    histograms.warm()


def _paint() -> None:
    """Read and write a picture once: Pillow looks for all its formats at the first."""
    png = repaint.png_for_download(np.zeros((8, 8, 3), np.uint8))
    _, pixels = pictures.decoded_picture(png)
    repaint.painted(pictures.eight_bits(pixels), is_thumb=True)


def _restarted_run(run: int) -> Source:
    series = Series(
        wall_time=np.arange(8.0),
        step=np.array([0, 1, 2, 3, 2, 3, 4, 5]),
        value=np.array([1.0, np.nan, 2.0, 1.0, 3.0, np.inf, 2.0, 1.0]),
        writer_start=np.array([0, 4]),
        purge_step=np.full(2, NO_PURGE),
    )
    return Source(run, f"warm/{run}", 0.0, 0, series)
