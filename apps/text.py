"""Show the texts that were logged, and what changed between two of them."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("text.js")


PAGE = PageSpec(
    name="text",
    title="Text",
    icon="text",
    order=50,
    build=build,
    needs=("text",),
    why="no run has logged a text yet: call `writer.add_text(tag, text, step)`",
    styles=("scalars", "values", "text"),
    first=("values?kind=text&limit=5000",),
)
