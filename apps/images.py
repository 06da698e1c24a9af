"""Show every image that was logged, at every step, side by side and pixel by pixel."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("images.js")


PAGE = PageSpec(
    name="images",
    title="Images",
    icon="images",
    order=30,
    build=build,
    needs=("image",),
    why="no run has logged an image yet: call `writer.add_image(tag, image, step)`",
    styles=("scalars", "values", "images"),
    first=("values?kind=image&limit=5000", "image/sizes"),
)
