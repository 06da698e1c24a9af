"""Time how long a written point needs until it is on the screen of a person who only watches.

A training process of its own appends a point and flushes; a Chromium shows the Scalars page, served
as `gpuboard serve` does without options. The clock runs from the flush to the frame after the one
in which the chart was drawn up to the new step; both processes read the clock of this machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.browsing import BROWSER
from benchmarks.clients import ROOT, TOKEN, server

if TYPE_CHECKING:
    from playwright.sync_api import Page

POINTS = 15
_FIRST_STEPS = 5
_PATIENCE_S = 30.0
_GOLDEN = 0.618034  # spreads the moments of writing over the second between two looks at the files
_FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"]
_TRAINING = """
import json, sys, time
from pathlib import Path
from gpuboard.eventlog.append import EventFileWriter
with EventFileWriter(Path(sys.argv[1]) / "run") as writer:
    for line in sys.stdin:
        step = int(line)
        writer.add_scalar("group0/metric0", 1.0 / (1 + step), step)
        writer.flush()
        print(json.dumps(time.time()), flush=True)
"""
_WATCH = """() => {
  const seen = (window.__seen = {});
  const chart = document.querySelector(".gb-chart");
  let drawn = "";
  const look = () => {
    if (chart.dataset.drawn !== drawn) {
      drawn = chart.dataset.drawn;
      seen[chart.dataset.view.split(" ")[1]] ??= Date.now() / 1000;
    }
    requestAnimationFrame(look);
  };
  look();
}"""
_LAST_STEP = "() => document.querySelector('.gb-chart')?.dataset.view?.split(' ')[1]"


def run(names: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Return the delays of `POINTS` points a round; `names` is not used, the log is its own."""
    del names
    root.mkdir(parents=True, exist_ok=True)
    delays: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="live-", dir=root) as folder:
            delays += _watch(Path(folder))
    return {
        "a written point on screen": {
            "median (s)": round(statistics.median(delays), 2),
            "longest (s)": round(max(delays), 2),
            "shortest (s)": round(min(delays), 2),
            "points": len(delays),
        }
    }


def _watch(folder: Path) -> list[float]:
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-c", _TRAINING, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as training:
        for step in range(_FIRST_STEPS):
            _write(training, step)
        with server(folder), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=BROWSER, args=_FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"http://{ROOT}/scalars?token={TOKEN}")
            _until(page, _LAST_STEP, str(_FIRST_STEPS - 1))
            page.evaluate(_WATCH)
            steps = range(_FIRST_STEPS, _FIRST_STEPS + POINTS)
            delays = [_delay(page, training, step) for step in steps]
            browser.close()
        if training.stdin is not None:
            training.stdin.close()
    return delays


def _delay(page: Page, training: subprocess.Popen[str], step: int) -> float:
    page.wait_for_timeout(1000 * (1 + step * _GOLDEN % 1))
    written = _write(training, step)
    return _until(page, f"() => window.__seen[{step}]") - written


def _write(training: subprocess.Popen[str], step: int) -> float:
    """Let the training process write a step; return when it was flushed, by the wall clock."""
    if training.stdin is None or training.stdout is None:
        raise RuntimeError("the training process was started without pipes")
    training.stdin.write(f"{step}\n")
    training.stdin.flush()
    return float(json.loads(training.stdout.readline()))


def _until(page: Page, expression: str, wanted: str | None = None) -> Any:  # noqa: ANN401
    """Return the value of a function in the page, once it is what is wanted, or is there."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        value = page.evaluate(expression)
        if value is not None and wanted in (None, value):
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"after {_PATIENCE_S:.0f} s the page still answers {value!r}")
        page.wait_for_timeout(50)


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = []
    for name, row in figures.items():
        lines += [name, *(f"  {what:<28} {value:>8}" for what, value in row.items())]
    return "\n".join(lines)
