"""List everything that was wrong with a log file, and what became of it."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module reads the problems by `GET api/v1/problems`."""
    page.add_module("health.js")


PAGE = PageSpec(
    name="health", title="Health", icon="health", order=910, build=build, styles=("health",)
)
