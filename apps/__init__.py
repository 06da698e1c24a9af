"""List the dashboards that there are, in the order of the rail."""

from __future__ import annotations

from . import health, runs, scalars

PAGES = (scalars.PAGE, runs.PAGE, health.PAGE)
