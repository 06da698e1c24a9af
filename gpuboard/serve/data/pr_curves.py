"""Answer what the PR curves page asks for."""

from __future__ import annotations

from gpuboard.serve.routes import DataRoute

ROUTES: tuple[tuple[str, type[DataRoute]], ...] = ()
