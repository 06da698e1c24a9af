"""Compose cards from any page into a view, keep it, share it, take it away as one file."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("views.js")


PAGE = PageSpec(
    name="views",
    title="Saved views",
    icon="views",
    order=850,
    build=build,
    # Cards of all pages may stand in a view.
    styles=(
        "scalars",
        "custom_scalars",
        "values",
        "histograms",
        "images",
        "audio",
        "text",
        "pr_curves",
        "views",
    ),
)
