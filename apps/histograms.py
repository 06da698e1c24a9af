"""Show how tensors are distributed, step by step: ridges, overlays, bands, a heat map."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("histograms.js")


PAGE = PageSpec(
    name="histograms",
    title="Histograms",
    icon="histograms",
    order=20,
    build=build,
    needs=("histogram",),
    why="no run has logged a histogram yet: call `writer.add_histogram(tag, values, step)`",
    styles=("scalars", "values", "histograms"),
    first=("values?kind=histogram&limit=5000",),
)
