"""Time fifty people who open the Scalars page at once, and what they leave when they go.

The clients speak the page's own protocol (page, websocket, document, runs, tags, nine charts)
from one process beside the server, without a browser: what is measured is the server's share.
No peer holds sessions, so the figures stand alone.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import closing
from benchmarks.clients import fetch_curves, resident, server, visit
from benchmarks.logs import SHAPES, build

_PEOPLE = 50
_GONE_AFTER_S = 20
_WATCHED_POINTS = 10

_BUSY_SERVER = """
import sys, threading
from pathlib import Path
from benchmarks.sessions import spin
from gpuboard.apps import PAGES
from gpuboard.serve.server import Context, ServeConfig, make_server
from gpuboard.store.store import Store
store, watches = Store(Path(sys.argv[1])), []
context = Context(store)
server = make_server(ServeConfig(port=int(sys.argv[2]), token=sys.argv[3]), context, PAGES)
def work():
    watches.append(context.jobs.submit("spin", spin, 30.0, where="process").watch())
def begin():
    server.wait_until_up()
    store.start(1.0)
    server.loop.call_soon_threadsafe(work)
threading.Thread(target=begin, daemon=True).start()
server.run_forever()
"""


def spin(report: Callable[[float, str], object], seconds: float) -> None:
    """Keep a core and the interpreter lock of its process busy for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(20_000))
        report(1 - (end - time.monotonic()) / seconds, "spinning")


def run(names: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Return medians for each named shape, and the age at which a new point is known."""
    figures: dict[str, Any] = {}
    for name in names:
        with server(build(SHAPES[name], root)) as process:
            taken = [asyncio.run(_open_all(process.pid)) for _ in range(rounds)]
        figures[name] = {
            key: round(statistics.median(row[key] for row in taken), 2) for key in taken[0]
        }
    with server(build(SHAPES["b"], root), _BUSY_SERVER):
        figures["beside a job of 30 s"] = asyncio.run(_move_sliders())
    figures["live"] = asyncio.run(_watch_a_point(root))
    figures |= closing.run(build(SHAPES["b"], root), rounds, _PEOPLE)
    return figures


async def _open_all(process: int) -> dict[str, float]:
    before = resident(process)
    done = asyncio.Event()
    started = time.perf_counter()
    visits = [asyncio.create_task(visit(done)) for _ in range(_PEOPLE)]
    drawn = [await one for one in visits]
    last = max(drawn) - started
    grown = resident(process) - before
    slider = [await _move_slider() for _ in range(20)]
    done.set()
    await asyncio.sleep(_GONE_AFTER_S)
    return {
        "all pages drawn (s)": last,
        "memory a session (MB)": grown / _PEOPLE / 1e6,
        "slider round trip beside them, median (ms)": 1e3 * statistics.median(slider),
    }


async def _move_sliders() -> dict[str, float]:
    for _ in range(5):
        await _move_slider()
    trips = [await _move_slider() for _ in range(60)]
    return {
        "slider round trip, median (ms)": round(1e3 * statistics.median(trips), 1),
        "longest (ms)": round(1e3 * max(trips), 1),
    }


async def _move_slider() -> float:
    started = time.perf_counter()
    await fetch_curves("group0/metric0", amount=0.9 * (started % 1))
    return time.perf_counter() - started


async def _watch_a_point(root: Path) -> dict[str, float]:
    """Return the age of points at the moment at which the server first answers with them."""
    from gpuboard.eventlog.append import EventFileWriter

    folder = root / f"live-{time.time_ns()}"
    ages: list[float] = []
    with EventFileWriter(folder / "run") as writer:
        writer.add_scalar("group0/metric0", 0.0, 0)
        writer.flush()
        with server(folder):
            for step in range(1, _WATCHED_POINTS + 1):
                await asyncio.sleep(0.37)
                writer.add_scalar("group0/metric0", 1.0, step)
                writer.flush()
                written = time.perf_counter()
                while f'"points":{step + 1},'.encode() not in await fetch_curves("group0/metric0"):
                    await asyncio.sleep(0.01)
                ages.append(time.perf_counter() - written)
    return {
        "age of a point when it is served, median (s)": round(statistics.median(ages), 2),
        "oldest (s)": round(max(ages), 2),
    }


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = []
    for name, row in figures.items():
        lines += [name, *(f"  {what:<48} {value:>8}" for what, value in row.items())]
    return "\n".join(lines)
