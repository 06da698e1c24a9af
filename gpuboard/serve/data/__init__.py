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
    profile_area,
    profile_distributed,
    profile_event,
    profile_list,
    profile_overview,
    profile_search,
    profile_timeline,
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
    *profile_list.ROUTES,
    *profile_overview.ROUTES,
    *profile_timeline.ROUTES,
    *profile_area.ROUTES,
    *profile_distributed.ROUTES,
    *profile_event.ROUTES,
    *profile_search.ROUTES,
    *text.ROUTES,
    *views.ROUTES,
)
