"""Show every scalar of every run: a grid of charts, and each of them opened in full resolution.

The opened chart is the canvas chart of the grid made large, not a Bokeh figure. Measured with one
series of 10 million points, 1,600 x 1,000 pixels, headless Chromium and server on two busy cores,
14 wheel notches each, from the notch to the new curve on screen (median, worst):

- canvas, `POST api/v1/curves` for each range, newest wins: 84 ms, 117 ms (EMA 0.6: 109, 302),
  and the old curve stretched after 20 ms;
- `LineFigure` of `gpuboard.serve.figures`, `RangesUpdate`, one `source.data`: 703 ms, 1,297 ms, as
  Bokeh tells of new ranges only 500 ms after the last notch.

What the canvas lacks in tools it has in common with the grid: hover, picking, marks, export.
"""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for the curves of what is on screen."""
    page.add_module("scalars.js")


PAGE = PageSpec(
    name="scalars",
    title="Scalars",
    icon="scalars",
    order=10,
    build=build,
    needs=("scalar",),
    why="no run has logged a scalar yet: call `writer.add_scalar(tag, value, step)`",
    styles=("scalars",),
    first=("tags?kind=scalar&limit=5000",),
)
