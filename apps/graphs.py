"""Show the graph of a model: scopes to open, operations, shapes and costs."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("graphs.js")


PAGE = PageSpec(
    name="graphs",
    title="Graphs",
    icon="graphs",
    order=80,
    build=build,
    needs=("graph", "keras_model", "run_metadata"),
    why="no run has logged a graph yet: call `writer.add_graph(model, inputs)`",
    styles=("values", "graphs"),
    first=("graphs",),
)
