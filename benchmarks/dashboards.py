"""Time each dashboard from its address to its first picture, gpuboard against TensorBoard.

What counts as a picture is named for each page and each side in `DASHBOARDS`: the element that
holds the first value drawn, not the frame around it.
"""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import kinds
from benchmarks.browsing import TOKEN, a_page, gpuboard, tensorboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclasses.dataclass(frozen=True, slots=True)
class Dashboard:
    """One page of both sides.

    Attributes:
        ours: Name of gpuboard's page.
        drawn: JavaScript that is true once gpuboard's page shows its first picture.
        theirs: Name of TensorBoard's page, "" where it has none.
        element: Selector of TensorBoard's first picture; it reaches into shadow roots.
    """

    ours: str
    drawn: str
    theirs: str
    element: str


_VALUES = "window.__gpuboard?.values?.shown > 0"
DASHBOARDS = (
    Dashboard(
        "scalars", "window.__gpuboard?.charts?.draws > 0", "timeseries", "scalar-card line-chart"
    ),
    Dashboard(
        "custom_scalars",
        "window.__gpuboard?.charts?.draws > 0",
        "custom_scalars",
        "tf-custom-scalar-multi-line-chart-card path.line",
    ),
    Dashboard("histograms", _VALUES, "histograms", "vz-histogram-timeseries svg path"),
    Dashboard("images", _VALUES, "images", "tf-image-loader img"),
    Dashboard("audio", _VALUES, "audio", "tf-audio-loader audio"),
    Dashboard("text", _VALUES, "text", "tf-text-loader .step-value, tf-text-loader .text"),
    Dashboard("pr_curves", _VALUES, "pr_curves", "tf-pr-curve-card path.line"),
    Dashboard("meshes", _VALUES, "mesh", "tf-mesh-loader canvas"),
    Dashboard(
        "graphs",
        "window.__gpuboard?.graphs?.view?.counts.draws > 0",
        "graphs",
        "tf-graph-scene g.node rect",
    ),
    Dashboard(
        "hparams", "!!document.querySelector('.grid-row')", "hparams", "tf-hparams-table-view td"
    ),
)
_PATIENCE_MS = 30_000


def run(browser: Browser, root: Path, rounds: int) -> dict[str, Any]:
    """Return the medians of each page in milliseconds, null where nothing was drawn in time."""
    folder = kinds.build(root)
    taken: dict[str, dict[str, list[float]]] = {}
    with gpuboard(folder) as ours, tensorboard(folder) as theirs:
        for _ in range(rounds):
            for page in DASHBOARDS:
                rows = taken.setdefault(page.ours, {"gpuboard": [], "tensorboard": []})
                rows["gpuboard"].append(_visit(browser, f"{ours}/{page.ours}", page.drawn))
                if page.theirs:
                    rows["tensorboard"].append(_visit_theirs(browser, theirs, page))
    return {
        name: {who: _median(times) for who, times in rows.items()} for name, rows in taken.items()
    }


def _median(times: list[float]) -> float | None:
    drawn = [time for time in times if time > 0]
    return round(statistics.median(drawn), 1) if len(drawn) > len(times) / 2 else None


def _visit(browser: Browser, address: str, drawn: str) -> float:
    with a_page(browser, f"{address}?token={TOKEN}", is_watched=False) as page:
        return _wait(page, f"() => ({drawn}) ? performance.now() : 0")


def _visit_theirs(browser: Browser, url: str, dashboard: Dashboard) -> float:
    from playwright.sync_api import TimeoutError as TooLate

    with a_page(browser, f"{url}/#{dashboard.theirs}", is_watched=False) as page:
        try:
            page.locator(dashboard.element).first.wait_for(state="attached", timeout=_PATIENCE_MS)
        except TooLate:
            return 0.0
        return float(page.evaluate("() => performance.now()"))


def _wait(page: Page, expression: str) -> float:
    from playwright.sync_api import TimeoutError as TooLate

    try:
        return float(page.wait_for_function(expression, timeout=_PATIENCE_MS).json_value())
    except TooLate:
        return 0.0


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = ["first picture of each page"]
    for name, row in figures.items():
        ours, theirs = row["gpuboard"], row["tensorboard"]
        ratio = f"{theirs / ours:6.1f} x" if ours and theirs else ""
        lines.append(f"  {name:<28} {_ms(ours)}  TensorBoard {_ms(theirs)}  {ratio}")
    return "\n".join(lines)


def _ms(time: float | None) -> str:
    return f"{'not drawn':>9}" if time is None else f"{time:>9.0f}"
