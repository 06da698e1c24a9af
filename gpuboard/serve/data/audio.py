"""Answer what the Audio page asks for."""

from __future__ import annotations

from gpuboard.serve.routes import DataRoute

ROUTES: tuple[tuple[str, type[DataRoute]], ...] = ()
