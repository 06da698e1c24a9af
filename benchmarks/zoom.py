"""Time a zoom into an opened chart of ten million points: from the wheel's notch to its new curve.

The stretched old curve is on screen at once; what is timed is the drawing of the points that the
server thinned anew for the window. TensorBoard keeps 1,000 of these points, so there is no peer.
"""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path
from typing import Any

from benchmarks.browsing import BROWSER, FLAGS
from benchmarks.logs import SHAPES, build
from benchmarks.pages import gpuboard_at

# Without WebGL on the page, Chromium is spared a GPU process in software.
_FLAGS = [*(flag for flag in FLAGS if "swiftshader" not in flag), "--disable-gpu"]
_POINTS = 10_000_000
_NOTCHES = 14
_TAG = "group0/metric0"
_WATCH = """() => {
  window.__zooms = [];
  document.querySelector(".sc-detail .gb-chart").addEventListener("wheel", () => {
    const start = performance.now(), { scalars, charts } = window.__gpuboard;
    const shown = scalars.shown, draws = charts.draws;
    const look = () => {
      const isSharp = scalars.shown > shown && charts.draws > draws + 1;
      if (isSharp) requestAnimationFrame(() => __zooms.push(performance.now() - start));
      else if (performance.now() - start < 3000) requestAnimationFrame(look);
      else __zooms.push(NaN);
    };
    requestAnimationFrame(look);
  }, { capture: true });
}"""


def run(names: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Return medians without smoothing and with it; `names` is not used, the log is its own."""
    from playwright.sync_api import sync_playwright

    del names
    shape = dataclasses.replace(SHAPES["a_v1"], name="zoom", runs=1, tags=1, steps=_POINTS)
    figures: dict[str, Any] = {}
    with gpuboard_at(build(shape, root)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=_FLAGS)
        for amount in (0, 0.6):
            zooms = [took for _ in range(rounds) for took in _zoom(browser, url(amount, _TAG))]
            figures[f"smoothing {amount}"] = {
                "new curve, median (ms)": round(statistics.median(zooms)),
                "longest (ms)": round(max(zooms)),
                "zooms": len(zooms),
            }
        browser.close()
    return figures


def _zoom(browser: Any, url: str) -> list[float]:  # noqa: ANN401
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(url)
    page.locator(".sc-detail .gb-chart[data-drawn]").wait_for()
    page.wait_for_timeout(3000)
    page.evaluate(_WATCH)
    box = page.locator(".sc-detail .gb-chart").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(_NOTCHES):
        page.mouse.wheel(0, -500)
        page.wait_for_timeout(450)
    zooms: list[float] = page.evaluate("window.__zooms")
    context.close()
    return zooms


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = []
    for name, row in figures.items():
        lines += [name, *(f"  {what:<28} {value:>8}" for what, value in row.items())]
    return "\n".join(lines)
