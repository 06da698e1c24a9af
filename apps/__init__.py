"""List the dashboards that there are, in the order of the rail."""

from __future__ import annotations

from gpuboard.apps import health, runs, scalars

PAGES = (scalars.PAGE, runs.PAGE, health.PAGE)
