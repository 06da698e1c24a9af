"""Render the HTML of a page: frame, scripts and what connects its session."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokeh.core.templates import MACROS
from bokeh.embed.util import RenderItem
from markupsafe import Markup

from gpuboard import __version__
from gpuboard.device import probe
from gpuboard.serve.context import rail
from gpuboard.serve.environment import template
from gpuboard.serve.models.es_module import EsModule
from gpuboard.serve.static_files import (
    STATIC,
    bokeh_url,
    modules_of,
    script_url,
    static_url,
    styles_url,
)

if TYPE_CHECKING:
    from bokeh.server.session import ServerSession

    from gpuboard.serve.page import Page, PageSpec

THEMES = ("auto", "light", "dark")
COMMON_STYLES = ("theme", "frame", "controls", "grid")


def page_markup(session: ServerSession, page: Page, nonce: str) -> str:
    """Return the HTML of a page: the frame around its modules, and what connects its session.

    The template gets `title`, `pages` (lines of the rail), `page` (name), `styles` (addresses of
    sheets), `script` (address of the one that starts the page), `modules` (addresses of what it
    imports), `early` (a script that runs before all), `first` (what the modules will ask for
    first), `theme`, `version`, `device`, `static(name)`, `roots` (all, in order), `slots` (roots
    by name), `macros` (Bokeh's, for `embed`), `start` (what `static/start.js` reads) and `nonce`.

    `?files=single` in the address loads modules and sheets as they lie, to look into them.
    """
    document = session.document
    item = RenderItem(token=session.token, roots=document.roots, use_for_title=True)
    roots = list(item.roots)
    slots = {root.name: [other for other in roots if other.name == root.name] for root in roots}
    theme = page.state.get("theme", "auto")
    return template("page.html").render(
        title=document.title,
        pages=rail(page.context),
        page=page.spec.name,
        early=_early(),
        first=first_requests(page),
        **(_single_files(page) if page.state.get("files") == "single" else _joined_files(page)),
        theme=theme if theme in THEMES else "auto",
        version=__version__,
        device=probe(),
        static=static_url,
        roots=roots,
        slots=slots,
        macros=MACROS,
        start=_start(page, item),
        nonce=nonce,
    )


def _start(page: Page, item: RenderItem) -> dict[str, Any]:
    """Return what the page's first script needs: modules to mount, then BokehJS and the session."""
    parts = ("bokeh", *(f"bokeh-{name}" for name in page.spec.components))
    found = [_description(root) for root in page.doc.roots if isinstance(root, EsModule)]
    return {
        "modules": [description for description in found if description is not None],
        "scripts": [bokeh_url(part) for part in parts],
        "host": static_url("host.js"),
        "items": [item.to_json()],
    }


def _description(root: EsModule) -> dict[str, Any] | None:
    """Return what a module needs to run before its session is open, None where it has to wait."""
    if root.arrays:
        return None
    try:
        state = json.loads(json.dumps(root.state, allow_nan=False))
    except (TypeError, ValueError):  # Bokeh can write more than JSON can
        return None
    return {"id": root.id, "module": root.module, "name": root.name, "state": state}


@functools.cache
def _early() -> Markup:
    return Markup((STATIC / "early.js").read_text(encoding="utf-8"))  # noqa: S704 - our own


def first_requests(page: Page) -> list[str]:
    """Return the routes that a page's modules ask first, so that the answers come with them.

    With a filter of tags in the address they ask otherwise.
    """
    own = () if "tagFilter" in page.state else page.spec.first
    return ["runs", "status", *own]


def modules_named(mounted: Iterable[str]) -> tuple[str, ...]:
    """Return the modules that start a page: the first to run, those mounted, the last to run."""
    known = [name for name in mounted if (STATIC / name).is_file()]
    return tuple(dict.fromkeys(("start.js", *known, "host.js")))


def sheets_named(spec: PageSpec) -> tuple[str, ...]:
    """Return the style sheets of a page in their order."""
    return tuple(f"{name}.css" for name in (*COMMON_STYLES, *spec.styles))


def _modules(page: Page) -> tuple[str, ...]:
    roots = [root for root in page.doc.roots if isinstance(root, EsModule)]
    return modules_named(Path(root.module).name for root in roots)


def _joined_files(page: Page) -> dict[str, Any]:
    return {
        "styles": [styles_url(sheets_named(page.spec))],
        "script": script_url(_modules(page)),
        "modules": [],
    }


def _single_files(page: Page) -> dict[str, Any]:
    names = dict.fromkeys(part for name in _modules(page) for part in modules_of(name))
    return {
        "styles": [static_url(f"css/{name}") for name in sheets_named(page.spec)],
        "script": static_url("start.js"),
        "modules": [static_url(name) for name in names],
    }
