"""Render the HTML of a page: frame, scripts and what connects its session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokeh.core.templates import MACROS
from bokeh.embed.util import RenderItem

from gpuboard import __version__
from gpuboard.device import probe
from gpuboard.serve.context import rail
from gpuboard.serve.environment import template
from gpuboard.serve.models.es_module import EsModule
from gpuboard.serve.static_files import STATIC, bokeh_url, modules_of, static_url

if TYPE_CHECKING:
    from bokeh.server.session import ServerSession

    from gpuboard.serve.page import Page

THEMES = ("auto", "light", "dark")


def page_markup(session: ServerSession, page: Page, nonce: str) -> str:
    """Return the HTML of a page: the frame around its modules, and what connects its session.

    The template gets `title`, `pages` (lines of the rail), `page` (name), `styles`, `theme`,
    `version`, `device`, `static(name)`, `roots` (all, in order), `slots` (roots by name), `macros`
    (Bokeh's, for `embed`), `modules` (addresses of all scripts that the modules need), `start`
    (what `static/start.js` reads) and `nonce`.
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
        styles=page.spec.styles,
        theme=theme if theme in THEMES else "auto",
        version=__version__,
        device=probe(),
        static=static_url,
        roots=roots,
        slots=slots,
        macros=MACROS,
        modules=_modules(page),
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


def _modules(page: Page) -> list[str]:
    """Return the addresses of the modules of a page and all that they import."""
    names = [Path(root.module).name for root in page.doc.roots if isinstance(root, EsModule)]
    known = [name for name in ("start.js", *names) if (STATIC / name).is_file()]
    return list(dict.fromkeys(static_url(part) for name in known for part in modules_of(name)))
