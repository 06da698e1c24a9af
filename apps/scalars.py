"""Show every scalar of every run: a grid of charts, and each of them opened in full resolution.

The opened chart is the canvas module of the grid made large, not a Bokeh figure.
"""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for the curves of what is on screen."""
    page.add_module("scalars.js")


PAGE = PageSpec(
    name="scalars",
    title="Scalars",
    icon="scalars",
    order=10,
    build=build,
    needs="scalar",
    why="no run has logged a scalar yet: call `writer.add_scalar(tag, value, step)`",
)
