"""Time how long a server holds what closed tabs leave: sessions, Bokeh documents, memory.

The server runs with the settings that everybody has; it is asked again and again, by a line on its
standard input, how many sessions Bokeh holds and how many documents are alive; once there is no
session, after a collection of garbage of our own. All tabs close at once, and the clock starts
there.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.browsing import BROWSER, FLAGS
from benchmarks.clients import ROOT, TOKEN, resident, server, visit

_TABS = 10
_PATIENCE_S = 60.0
_POLL_S = 0.2
# Without WebGL on the page, Chromium is spared a GPU process in software.
_FLAGS = [*(flag for flag in FLAGS if "swiftshader" not in flag), "--disable-gpu"]

_COUNTING_SERVER = """
import gc, json, sys, threading, weakref
from pathlib import Path
from gpuboard.apps import PAGES
from gpuboard.serve.server import Context, ServeConfig, make_server
from gpuboard.serve.sessions import Sessions
from gpuboard.store.store import Store
documents = weakref.WeakSet()
class Counted(Sessions):
    def add(self, page):
        documents.add(page.doc)
        super().add(page)
store = Store(Path(sys.argv[1]))
context = Context(store, sessions=Counted())
server = make_server(ServeConfig(port=int(sys.argv[2]), token=sys.argv[3]), context, PAGES)
def answer():
    server.wait_until_up()
    store.start(1.0)
    for line in sys.stdin:
        application = server.application
        sessions = sum(len(application.get_sessions(path)) for path in application.app_paths)
        if not sessions:
            gc.collect()
        print(json.dumps({"sessions": sessions, "documents": len(documents)}), flush=True)
threading.Thread(target=answer, daemon=True).start()
server.run_forever()
"""

Open = Callable[[Callable[[], None]], float]
"""Opens tabs, calls what it was given while they are open, closes them; returns when it did."""


def run(folder: Path, rounds: int, people: int) -> dict[str, Any]:
    """Return figures for `people` clients, and for tabs of a Chromium where there is one."""
    with server(folder, _COUNTING_SERVER) as process:
        figures = {
            f"{people} sessions gone after their tabs close": _measure(
                process, lambda look: asyncio.run(_open_clients(people, look)), people, rounds
            )
        }
        if Path(BROWSER).exists():
            figures[f"{_TABS} tabs of one Chromium gone"] = _measure(
                process, _open_tabs, _TABS, rounds
            )
    return figures


def _measure(
    process: subprocess.Popen[str], open_tabs: Open, tabs: int, rounds: int
) -> dict[str, Any]:
    open_tabs(lambda: None)  # the first visit brings what stays, such as templates
    _wait_until_gone(process)
    before = resident(process.pid)
    sizes: list[int] = []
    taken: list[float] = []

    def look() -> None:
        sizes.append(resident(process.pid))
        held = _ask(process)
        if held != {"sessions": tabs, "documents": tabs}:
            raise RuntimeError(f"{tabs} tabs are open, the server holds {held}")

    for _ in range(rounds):
        closed = open_tabs(look)
        taken.append(_wait_until_gone(process) - closed)
    return {
        "no session and no document after, median (s)": round(statistics.median(taken), 1),
        "longest (s)": round(max(taken), 1),
        "rounds": rounds,
        "server's memory before the first round (MB)": round(before / 1e6),
        "with all open, at most (MB)": round(max(sizes) / 1e6),
        "after the last round (MB)": round(resident(process.pid) / 1e6),
    }


def _wait_until_gone(process: subprocess.Popen[str]) -> float:
    end = time.perf_counter() + _PATIENCE_S
    while any((held := _ask(process)).values()):
        if time.perf_counter() > end:
            raise TimeoutError(f"the server still holds {held} after {_PATIENCE_S:.0f} s")
        time.sleep(_POLL_S)
    return time.perf_counter()


def _ask(process: subprocess.Popen[str]) -> dict[str, int]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the server was started without pipes")
    process.stdin.write("\n")
    process.stdin.flush()
    held: dict[str, int] = json.loads(process.stdout.readline())
    return held


async def _open_clients(people: int, look: Callable[[], None]) -> float:
    done = asyncio.Event()
    for drawn in [asyncio.create_task(visit(done)) for _ in range(people)]:
        await drawn
    look()
    closed = time.perf_counter()
    done.set()
    await asyncio.sleep(1)  # let all of them say goodbye
    return closed


def _open_tabs(look: Callable[[], None]) -> float:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=_FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        for _ in range(_TABS):
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(f"http://{ROOT}/scalars?token={TOKEN}")
            page.locator(".gb-chart[data-drawn]").first.wait_for()
        look()
        closed = time.perf_counter()
        context.close()
        browser.close()
    return closed
