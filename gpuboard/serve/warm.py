"""Make what pages are sent before somebody waits for it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gpuboard.errors import NotFoundError
from gpuboard.serve.environment import template
from gpuboard.serve.markup import modules_named, sheets_named
from gpuboard.serve.page import FRAME_MODULE
from gpuboard.serve.static_files import bokeh_scripts, packed, script_name, styles_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpuboard.serve.spec import PageSpec
    from gpuboard.serve.static_files import Joined


def warm_frame() -> None:
    """Make ready what every page needs: its template, and BokehJS packed."""
    from bokeh.core.templates import MACROS

    template("page.html")
    template("icons.html")
    _ = MACROS.module
    packed(str(bokeh_scripts() / "bokeh.min.js"))


def warm_pages(pages: Sequence[PageSpec], joined: Joined) -> None:
    """Join and pack the script and the style sheet of each page."""
    for spec in pages:
        modules = _Modules()
        # A page whose build needs more than this, or that lacks a file, waits until it is opened.
        with contextlib.suppress(AttributeError, NotFoundError):
            joined.packed("css", styles_name(sheets_named(spec)))
            spec.build(modules)
            joined.packed("page", script_name(modules_named([FRAME_MODULE, *modules])))


class _Modules(list[str]):
    """Stand for a page, to learn which modules are put into it."""

    def add_module(self, module: str, *args: object, **kwargs: object) -> None:
        del args, kwargs
        self.append(module)
