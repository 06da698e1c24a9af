"""Say what a dashboard is: its name, its place in the rail, what lights it up, who fills it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class PageSpec:
    """What the rail shows of a dashboard, and how its page is filled.

    Attributes:
        name: Last part of its address: lower-case letters, digits and "_".
        icon: Name of a symbol that the template knows.
        order: Place in the rail, lowest first.
        build: Fills a new `gpuboard.serve.page.Page`.
        needs: Kinds of tags, any of which lights it up ("scalar", "image" ...); () for always lit.
        why: What would light it up, shown while it is unlit; "" for the usual sentence.
        styles: Style sheets of its own: files of `static/css` without their ending.
        first: Routes below `api/v1` that its module asks first, with their queries, while the
            address names no filter of tags; the browser asks for them before the module runs.
        components: Parts of BokehJS beyond the core: "widgets", "tables", "gl".
    """

    name: str
    title: str
    icon: str
    order: int
    build: Callable[[Any], None]
    needs: tuple[str, ...] = ()
    why: str = ""
    styles: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
