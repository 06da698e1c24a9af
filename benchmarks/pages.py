"""Time what a person does in the browser: gpuboard's Scalars against TensorBoard's Time Series.

Both are served on this machine and opened in turn by the same headless Chromium, which draws in
software. A page counts as settled when no request has been under way, and every frame has come
within 50 ms, for half a second; that half second is not counted. What is timed ends with the
last request or slow frame before it.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.logs import SHAPES, build

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

_TOKEN = "benchmark-token-of-some-length"  # noqa: S105
BROWSER = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_WATCH = """
(() => {
  const busy = window.__busy = { requests: 0, last: performance.now(), frame: performance.now() };
  const touch = () => { busy.last = performance.now(); };
  const begin = () => { busy.requests++; touch(); };
  const end = () => { busy.requests--; touch(); };
  const fetch = window.fetch;
  window.fetch = (...args) => { begin(); return fetch(...args).finally(end); };
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (...args) {
    begin(); this.addEventListener("loadend", end); return send.apply(this, args);
  };
  const tick = (now) => {
    if (now - busy.frame > 50) busy.last = now;
    busy.frame = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})();
"""
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
            with _gpuboard(folder) as ours, _tensorboard(folder) as theirs:
                taken: dict[str, list[dict[str, float]]] = {"gpuboard": [], "tensorboard": []}
                for _ in range(rounds):
                    taken["gpuboard"].append(_visit_gpuboard(browser, ours))
                    taken["tensorboard"].append(_visit_tensorboard(browser, theirs))
            figures[name] = {who: _medians(rows) for who, rows in taken.items()}
        browser.close()
    return figures


def _medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(row[key] for row in rows), 1) for key in rows[0]}


def _visit_gpuboard(browser: Browser, url: str) -> dict[str, float]:
    with _page(browser, f"{url}/scalars?token={_TOKEN}") as page:
        first = page.wait_for_function(_FIRST_CURVES, timeout=60_000).json_value()
        figures = {"first curves (ms)": first, "all settled (ms)": _settle(page, 0.0)}
        check = page.get_by_role("checkbox", name="Select", exact=False).first
        ticked = page.locator(".panel [role=checkbox][aria-checked=true], .panel input:checked")
        figures["select all runs (ms)"] = _select_all(page, check, ticked)
        box = page.get_by_label("Filter runs")
        figures["type a run regex (ms)"] = _timed(page, lambda: _type(page, box, "/run00.5/"))
    return figures


def _visit_tensorboard(browser: Browser, url: str) -> dict[str, float]:
    with _page(browser, f"{url}/#timeseries") as page:
        first = page.wait_for_function(_FIRST_CARD, timeout=60_000).json_value()
        figures = {"first curves (ms)": first, "all settled (ms)": _settle(page, 0.0)}
        check = page.locator("runs-data-table input[type=checkbox]").first
        ticked = page.locator("runs-data-table input:checked")
        figures["select all runs (ms)"] = _select_all(page, check, ticked)
        box = page.get_by_role("textbox", name="Filter runs (regex)")
        figures["type a run regex (ms)"] = _timed(page, lambda: _type(page, box, "run00.5"))
    return figures


@contextlib.contextmanager
def _page(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    try:
        yield page
    finally:
        context.close()


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
def _gpuboard(folder: Path) -> Iterator[str]:
    url = "http://127.0.0.1:6392"
    command = [sys.executable, "-m", "gpuboard", "serve", str(folder)]
    with _server([*command, "--port", "6392", "--token", _TOKEN]):
        _wait(f"{url}/api/v1/status", lambda body: json.loads(body)["phase"] == "watching")
        yield url


@contextlib.contextmanager
def gpuboard_at(folder: Path) -> Iterator[Callable[[float, str], str]]:
    """Serve a directory; yields the address of an opened chart by smoothing and tag."""

    def address(smoothing: float, tag: str) -> str:
        query = urllib.parse.urlencode({"token": _TOKEN, "open": tag, "smoothing": smoothing})
        return f"{url}/scalars?{query}"

    with _gpuboard(folder) as url:
        yield address


@contextlib.contextmanager
def _tensorboard(folder: Path) -> Iterator[str]:
    url = "http://127.0.0.1:6393"
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    runs = sum(1 for _ in folder.rglob("*tfevents*"))
    with _server([*command, "--port", "6393", "--load_fast", "true"]):
        _wait(f"{url}/data/runs", lambda body: len(json.loads(body)) == runs)
        yield url


@contextlib.contextmanager
def _server(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, is_ready: Callable[[bytes], bool]) -> None:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {_TOKEN}"})  # noqa: S310
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                if is_ready(reply.read()):
                    return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url} was not ready within a minute")


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = []
    for name, readers in figures.items():
        lines.append(name)
        for what, ours in readers["gpuboard"].items():
            theirs = readers["tensorboard"][what]
            ratio = theirs / ours if ours else float("inf")
            lines.append(f"  {what:<28} {ours:>9.0f}  TensorBoard {theirs:>9.0f}  {ratio:6.1f} x")
    return "\n".join(lines)
