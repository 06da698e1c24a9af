"""Show scalars as the training script laid them out: several tags, or a value in its margins."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("custom_scalars.js")


PAGE = PageSpec(
    name="custom_scalars",
    title="Custom scalars",
    icon="custom",
    order=15,
    build=build,
    needs=("custom_scalars",),
    why="no run has logged a layout yet: call `writer.add_custom_scalars(layout)`",
    styles=("scalars", "custom_scalars"),
    first=("custom_scalars",),
)
