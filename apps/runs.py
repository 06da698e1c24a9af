"""List all runs with everything known about them, to select, colour, compare and take away."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; its table shares list, filter and selection with the run panel."""
    page.add_module("runs_page.js")


PAGE = PageSpec(name="runs", title="Runs", icon="runs", order=900, build=build)
