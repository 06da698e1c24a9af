"""Show precision against recall at every step, and ROC where the counts allow it."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("pr_curves.js")


PAGE = PageSpec(
    name="pr_curves",
    title="PR curves",
    icon="pr_curves",
    order=60,
    build=build,
    needs=("pr_curve",),
    why="no run has logged a PR curve yet: call "
    "`writer.add_pr_curve(tag, labels, predictions, step)`",
    styles=("scalars", "values", "pr_curves"),
    first=("values?kind=pr_curve&limit=5000",),
)
