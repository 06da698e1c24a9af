"""Render the HTML of a page: frame, scripts and what connects its session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bokeh.core.templates import MACROS
from bokeh.embed.elements import script_for_render_items
from bokeh.embed.util import RenderItem
from bokeh.embed.wrappers import wrap_in_script_tag
from markupsafe import Markup

from gpuboard import __version__
from gpuboard.device import probe
from gpuboard.serve.context import rail
from gpuboard.serve.environment import template, with_nonce
from gpuboard.serve.models.es_module import EsModule
from gpuboard.serve.static_files import bokeh_url, modules_of, static_url

if TYPE_CHECKING:
    from bokeh.server.session import ServerSession

    from gpuboard.serve.page import Page

THEMES = ("auto", "light", "dark")


def page_markup(session: ServerSession, page: Page, nonce: str) -> str:
    """Return the HTML of a page: the frame around its modules, and what connects its session.

    The template gets `title`, `pages` (lines of the rail), `page` (name), `theme`, `version`,
    `device`, `static(name)`, `roots` (all, in order), `slots` (roots by name), `macros` (Bokeh's,
    for `embed`), `bokeh_js`, `plot_script` and `nonce`.
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
        theme=theme if theme in THEMES else "auto",
        version=__version__,
        device=probe(),
        static=static_url,
        roots=roots,
        slots=slots,
        macros=MACROS,
        bokeh_js=_scripts(page, nonce),
        plot_script=_connecting_script(item, nonce),
        nonce=nonce,
    )


def _scripts(page: Page, nonce: str) -> Markup:
    parts = ("bokeh", *(f"bokeh-{name}" for name in page.spec.components))
    urls = [*map(bokeh_url, parts), static_url("host.js")]
    tags = [f'<script defer src="{url}"></script>' for url in urls]
    roots = [Path(root.module).name for root in page.doc.roots if isinstance(root, EsModule)]
    modules = dict.fromkeys(module for root in roots for module in modules_of(root))
    tags += [f'<link rel="modulepreload" href="{static_url(module)}">' for module in modules]
    return Markup(with_nonce("\n".join(tags), nonce))  # noqa: S704 - made of our own names alone


def _connecting_script(item: RenderItem, nonce: str) -> Markup:
    script = wrap_in_script_tag(script_for_render_items({}, [item]))
    return Markup(with_nonce(script, nonce))  # noqa: S704 - Bokeh's code around ids and the token
