"""Find numeric trouble in what was logged: NaN, divergence, dead units, plateaus."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("numerics.js")


PAGE = PageSpec(
    name="numerics",
    title="Numerics",
    icon="numerics",
    order=800,
    build=build,
    needs=("scalar", "histogram"),
    why="no run has logged scalars or histograms to check yet",
    styles=("scalars", "numerics"),
    first=("numerics/rules",),
)
