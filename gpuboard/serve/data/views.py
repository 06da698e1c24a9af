"""Answer what the Saved views page asks for."""

from __future__ import annotations

from gpuboard.serve.routes import DataRoute

ROUTES: tuple[tuple[str, type[DataRoute]], ...] = ()
