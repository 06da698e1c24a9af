"""Answer what the dashboards ask for, one module for each kind of summary."""

from __future__ import annotations

from gpuboard.serve.data import (
    audio,
    custom_scalars,
    graphs,
    histograms,
    hparams,
    images,
    meshes,
    numerics,
    pr_curves,
    steps,
    text,
    views,
)
from gpuboard.serve.routes import DataRoute

ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    *steps.ROUTES,
    *audio.ROUTES,
    *custom_scalars.ROUTES,
    *graphs.ROUTES,
    *histograms.ROUTES,
    *hparams.ROUTES,
    *images.ROUTES,
    *meshes.ROUTES,
    *numerics.ROUTES,
    *pr_curves.ROUTES,
    *text.ROUTES,
    *views.ROUTES,
)
