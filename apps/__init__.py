"""List the dashboards that there are, in the order of the rail."""

from __future__ import annotations

from . import (
    audio,
    custom_scalars,
    graphs,
    health,
    histograms,
    hparams,
    images,
    meshes,
    numerics,
    pr_curves,
    profile,
    runs,
    scalars,
    text,
    views,
)

PAGES = (
    scalars.PAGE,
    custom_scalars.PAGE,
    histograms.PAGE,
    images.PAGE,
    audio.PAGE,
    text.PAGE,
    pr_curves.PAGE,
    meshes.PAGE,
    graphs.PAGE,
    hparams.PAGE,
    profile.PAGE,
    numerics.PAGE,
    views.PAGE,
    runs.PAGE,
    health.PAGE,
)
