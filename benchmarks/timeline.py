"""Time the timeline of 1 and 10 million events: laying out, views, and moves in a browser.

A move is drawn at once from what is there (`drawn`), then with the marks that the server sends for
the new window (`sharp`). Perfetto draws in WebAssembly what it has loaded into the browser, which
is another thing to measure; the server's side has no peer.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.browsing import BROWSER, FLAGS
from benchmarks.pages import gpuboard_at

_FLAGS = [*(flag for flag in FLAGS if "swiftshader" not in flag), "--disable-gpu"]
_EVENTS = (1_000_000, 10_000_000)
_LANES, _HOST, _DEPTH = 20, 8, 4
_SPAN_NS = 60_000_000_000
_PARTS = (1.0, 0.1, 0.01, 1e-3, 1e-5)
_IN_BROWSER = 1_000_000
_READY = "!!window.__gpuboard?.timeline?.view.data.answers.every(Boolean)"
_MOVES = """async () => {
  const view = window.__gpuboard.timeline.view, drawn = [], sharp = [];
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const move = async (act) => {
    const start = performance.now(), { draws } = view.counts, { fetches } = view.data.timings;
    act();
    const isAsked = view.data.busy;
    while (view.counts.draws === draws) await frame();
    drawn.push(performance.now() - start);
    while (isAsked && (view.data.busy || view.data.timings.fetches === fetches)) await frame();
    if (isAsked) sharp.push(performance.now() - start);
  };
  view.fit();
  for (let i = 0; i < 30; i++) await move(() => view.zoom(0.7, view.left + view.width * 0.37));
  for (let i = 0; i < 30; i++) await move(() => view.pan(60));
  for (let i = 0; i < 30; i++) await move(() => view.zoom(1.4));
  return { drawn, sharp };
}"""


def run(names: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Return medians; `names` is not used, the traces are its own."""
    del names
    figures: dict[str, Any] = {}
    for events in _EVENTS:
        figures[f"{events:,} events"] = _server(events, rounds)
    figures[f"browser, {_IN_BROWSER:,} events"] = _browser(_trace_file(root), rounds)
    return figures


def describe(figures: dict[str, Any]) -> str:
    """Return the figures as lines."""
    lines = []
    for name, found in figures.items():
        lines.append(name)
        lines += [f"  {what}: {value}" for what, value in found.items()]
    return "\n".join(lines)


def _server(events: int, rounds: int) -> dict[str, Any]:
    from gpuboard.profiler.figures.nesting import nest
    from gpuboard.profiler.timeline.levels import build
    from gpuboard.profiler.timeline.view import view
    from gpuboard.profiler.timeline.warm import warm

    warm()
    trace = _synthetic(events)
    nesting = nest(trace)
    timeline = build(trace, nesting)
    marks = sum(len(level) for level in timeline.levels)
    found: dict[str, Any] = {
        "nest (ms)": _median(rounds, lambda: nest(trace)),
        "levels (ms)": _median(rounds, lambda: build(trace, nesting)),
        "marks of levels to events": round(marks / len(trace.slices), 3),
    }
    lanes = np.arange(timeline.lanes)
    for part in _PARTS:
        wide = max(int((timeline.end - timeline.start) * part), 10)
        start = timeline.start + (timeline.end - timeline.start - wide) // 3
        ask = (timeline, start, start + wide, 1_400, lanes)
        found[f"view of {part:g} (ms)"] = _median(5 * rounds, lambda ask=ask: view(*ask))
    return found


def _median(rounds: int, fn: Callable[[], object]) -> float:
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        fn()
        took.append(time.perf_counter() - start)
    return round(1e3 * statistics.median(took), 2)


def _columns(events: int) -> dict[str, Any]:
    """Return slices of nested calls on some threads and kernels on some streams."""
    rng = np.random.default_rng(0)
    parts: dict[str, list[Any]] = {name: [] for name in ("track", "start", "dur", "name")}
    for lane in range(_LANES):
        depth = _DEPTH if lane < _HOST else 1
        n = events // _LANES // depth
        dur = rng.lognormal(8.5 if lane < _HOST else 9.5, 1.1, n)
        gap = rng.exponential(0.25 * dur.mean(), n) * (rng.random(n) < 0.5)
        start = np.cumsum(dur + gap) - dur
        scale = _SPAN_NS / (start[-1] + dur[-1])
        for level in range(depth):
            parts["track"].append(np.full(n, lane))
            parts["start"].append((start + 0.1 * level * dur) * scale)
            parts["dur"].append(np.maximum(dur * (1 - 0.2 * level) * scale, 1))
            parts["name"].append(rng.zipf(1.5, n) % 200)
    return {name: np.concatenate(part).astype(np.int64) for name, part in parts.items()}


def _synthetic(events: int) -> Any:  # noqa: ANN401
    from gpuboard.profiler.traces.assemble import assemble
    from gpuboard.profiler.traces.parts import Parts, RawTrack
    from gpuboard.profiler.traces.trace import Kind, Origin

    slices = _columns(events)
    is_host = slices["track"] < _HOST
    slices["kind"] = np.where(is_host, Kind.OPERATOR, Kind.KERNEL)
    slices["category"] = np.zeros(len(is_host))
    names = [f"kernel_{i}<float, {i % 7}>" for i in range(200)]
    tracks = [RawTrack("1" if lane < _HOST else "0", str(lane)) for lane in range(_LANES)]
    return assemble(Parts(Origin("made", "chrome"), names, ["any"], tracks, slices))


def _trace_file(root: Path) -> Path:
    """Return a log directory with one trace in it."""
    folder = root / "timeline"
    path = folder / "rank0.pt.trace.json"
    if path.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    found = _columns(_IN_BROWSER)
    cells = zip(*(found[name].tolist() for name in ("track", "start", "dur", "name")), strict=True)
    with path.open("w") as file:
        file.write('{"schemaVersion": 1, "traceEvents": [\n')
        for track, start, dur, name in cells:
            is_host = track < _HOST
            event = {
                "ph": "X",
                "cat": "cpu_op" if is_host else "kernel",
                "name": f"kernel_{name}<float, {name % 7}>",
                "pid": 1 if is_host else 0,
                "tid": track,
                "ts": start / 1e3,
                "dur": dur / 1e3,
            }
            file.write(json.dumps(event) + ",\n")
        file.write('{"ph": "M", "name": "process_name", "pid": 1, "args": {"name": "python"}}\n]}')
    return folder


def _browser(folder: Path, rounds: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    drawn: list[float] = []
    sharp: list[float] = []
    with gpuboard_at(folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url(0, ""))  # with the token, which a cookie then holds
        page.goto(page.url.partition("scalars")[0] + "profile")
        while not page.evaluate(_READY):
            page.wait_for_timeout(50)
        page.wait_for_timeout(1_000)
        for _ in range(rounds):
            found = page.evaluate(_MOVES)
            drawn += found["drawn"]
            sharp += found["sharp"]
        browser.close()
    return {
        "drawn, median (ms)": round(statistics.median(drawn), 1),
        "drawn, 95th of 100 (ms)": round(float(np.percentile(drawn, 95)), 1),
        "sharp, median (ms)": round(statistics.median(sharp), 1),
        "sharp, 95th of 100 (ms)": round(float(np.percentile(sharp, 95)), 1),
    }
