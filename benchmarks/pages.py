"""Time what a person does in the browser, gpuboard against TensorBoard: scalars, then every page.

Both are served on this machine and opened in turn by the same headless Chromium, which draws in
software. A page counts as settled when no request has been under way, and every frame has come
within 50 ms, for half a second; that half second is not counted. What is timed ends with the
last request or slow frame before it.
"""

from __future__ import annotations

import contextlib
import statistics
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import dashboards
from benchmarks.browsing import BROWSER, FLAGS, TOKEN, a_page, gpuboard, tensorboard
from benchmarks.logs import SHAPES, build

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

_SETTLED = "() => __busy.requests === 0 && performance.now() - __busy.last > 500"
_SINCE = "(start) => __busy.last - start"
_FIRST_CURVES = """() => {
  const charts = window.__gpuboard?.charts;
  return charts && charts.draws > 0 ? performance.now() : 0;
}"""
_FIRST_CARD = """() => document.querySelector("scalar-card line-chart") ? performance.now() : 0"""

Serve = Callable[[Path], contextlib.AbstractContextManager[str]]


def run(names: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Return medians for each named shape; TensorBoard is given the same logs."""
    from playwright.sync_api import sync_playwright

    figures: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        for name in names:
            folder = build(SHAPES[name], root)
            with gpuboard(folder) as ours, tensorboard(folder) as theirs:
                taken: dict[str, list[dict[str, float]]] = {"gpuboard": [], "tensorboard": []}
                for _ in range(rounds):
                    taken["gpuboard"].append(_visit_gpuboard(browser, ours))
                    taken["tensorboard"].append(_visit_tensorboard(browser, theirs))
            figures[name] = {who: _medians(rows) for who, rows in taken.items()}
        figures["dashboards"] = dashboards.run(browser, root, rounds)
        browser.close()
    return figures


def _medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(row[key] for row in rows), 1) for key in rows[0]}


def _visit_gpuboard(browser: Browser, url: str) -> dict[str, float]:
    with a_page(browser, f"{url}/scalars?token={TOKEN}") as page:
        first = page.wait_for_function(_FIRST_CURVES, timeout=60_000).json_value()
        figures = {"first curves (ms)": first, "all settled (ms)": _settle(page, 0.0)}
        check = page.get_by_role("checkbox", name="Select", exact=False).first
        ticked = page.locator(".panel [role=checkbox][aria-checked=true], .panel input:checked")
        figures["select all runs (ms)"] = _select_all(page, check, ticked)
        box = page.get_by_label("Filter runs")
        figures["type a run regex (ms)"] = _timed(page, lambda: _type(page, box, "/run00.5/"))
    return figures


def _visit_tensorboard(browser: Browser, url: str) -> dict[str, float]:
    with a_page(browser, f"{url}/#timeseries") as page:
        first = page.wait_for_function(_FIRST_CARD, timeout=60_000).json_value()
        figures = {"first curves (ms)": first, "all settled (ms)": _settle(page, 0.0)}
        check = page.locator("runs-data-table input[type=checkbox]").first
        ticked = page.locator("runs-data-table input:checked")
        figures["select all runs (ms)"] = _select_all(page, check, ticked)
        box = page.get_by_role("textbox", name="Filter runs (regex)")
        figures["type a run regex (ms)"] = _timed(page, lambda: _type(page, box, "run00.5"))
    return figures


def _type(page: Page, box: Locator, text: str) -> None:
    box.click()
    page.keyboard.type(text)


def _select_all(page: Page, check: Locator, ticked: Locator) -> float:
    """Return the milliseconds from no run to all runs; the box over the list knows both."""
    for _ in range(2):
        if ticked.count():
            check.click()
            _settle(page, 0.0)
    return _timed(page, check.click)


def _timed(page: Page, action: Callable[[], object]) -> float:
    start = page.evaluate("() => __busy.last = performance.now()")
    action()
    return _settle(page, start)


def _settle(page: Page, start: float) -> float:
    page.wait_for_function(_SETTLED, timeout=120_000)
    return float(page.evaluate(_SINCE, start))


@contextlib.contextmanager
def gpuboard_at(folder: Path) -> Iterator[Callable[[float, str], str]]:
    """Serve a directory; yields the address of an opened chart by smoothing and tag."""

    def address(smoothing: float, tag: str) -> str:
        query = urllib.parse.urlencode({"token": TOKEN, "open": tag, "smoothing": smoothing})
        return f"{url}/scalars?{query}"

    with gpuboard(folder) as url:
        yield address


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = []
    for name, readers in figures.items():
        if name == "dashboards":
            lines.append(dashboards.describe(readers))
            continue
        lines.append(name)
        for what, ours in readers["gpuboard"].items():
            theirs = readers["tensorboard"][what]
            ratio = theirs / ours if ours else float("inf")
            lines.append(f"  {what:<28} {ours:>9.0f}  TensorBoard {theirs:>9.0f}  {ratio:6.1f} x")
    return "\n".join(lines)
