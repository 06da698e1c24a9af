"""Compare hyperparameters and metrics of all trials, and say which parameters matter."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("hparams.js")


PAGE = PageSpec(
    name="hparams",
    title="HParams",
    icon="hparams",
    order=90,
    build=build,
    needs=("hparams",),
    why="no run has hyperparameters yet: call `writer.add_hparams(hparams, metrics)`, "
    "or keep a hparams.yaml or config.json beside the events",
    styles=("hparams",),
)
