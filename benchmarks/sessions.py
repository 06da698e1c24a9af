"""Time fifty people who open the Scalars page at once, and how soon a written point can be seen.

The clients speak the page's own protocol (page, websocket, document, runs, tags, nine charts)
from one process beside the server, without a browser: what is measured is the server's share.
No peer holds sessions, so the figures stand alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.logs import SHAPES, build

_TOKEN = "benchmark-token-of-some-length"  # noqa: S105
_HEADERS = {"Authorization": f"Bearer {_TOKEN}"}
_PORT = 6394
_ROOT = f"127.0.0.1:{_PORT}"
_PEOPLE = 50
_CHARTS = 9
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
        with _server(build(SHAPES[name], root)) as process:
            taken = [asyncio.run(_open_all(process)) for _ in range(rounds)]
        figures[name] = {
            key: round(statistics.median(row[key] for row in taken), 2) for key in taken[0]
        }
    with _server(build(SHAPES["b"], root), _BUSY_SERVER):
        figures["beside a job of 30 s"] = asyncio.run(_move_sliders())
    figures["live"] = asyncio.run(_watch_a_point(root))
    return figures


async def _open_all(process: int) -> dict[str, float]:
    before = _resident(process)
    done = asyncio.Event()
    started = time.perf_counter()
    visits = [asyncio.create_task(_visit(done)) for _ in range(_PEOPLE)]
    drawn = [await visit for visit in visits]
    last = max(drawn) - started
    grown = _resident(process) - before
    slider = [await _move_slider() for _ in range(20)]
    done.set()
    await asyncio.sleep(_GONE_AFTER_S)
    return {
        "all pages drawn (s)": last,
        "memory a session (MB)": grown / _PEOPLE / 1e6,
        "slider round trip beside them, median (ms)": 1e3 * statistics.median(slider),
    }


async def _visit(done: asyncio.Event) -> float:
    """Open the page and keep it open until `done`; return when its last chart had come."""
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest
    from tornado.websocket import websocket_connect

    client = AsyncHTTPClient()
    page = await client.fetch(f"http://{_ROOT}/scalars", headers=_HEADERS)
    token = re.search(r'"token": ?"([^"]+)"', page.body.decode())
    if token is None:
        raise RuntimeError("the page holds no session")
    address = HTTPRequest(f"ws://{_ROOT}/scalars/ws", headers=_HEADERS)
    socket = await websocket_connect(address, subprotocols=["bokeh", token[1]])
    await _pull(socket)
    for path in ("runs", "tags?kind=scalar"):
        await client.fetch(f"http://{_ROOT}/api/v1/{path}", headers=_HEADERS)
    for chart in range(_CHARTS):
        await _fetch_curves(f"group{chart % 4}/metric{chart}")
    drawn = time.perf_counter()
    asyncio.get_running_loop().create_task(_close_after(done, socket))
    return drawn


async def _close_after(done: asyncio.Event, socket: Any) -> None:  # noqa: ANN401
    await done.wait()
    socket.close()


async def _pull(socket: Any) -> None:  # noqa: ANN401
    await socket.read_message()  # header, metadata and content of the greeting
    await socket.read_message()
    await socket.read_message()
    header = {"msgid": "1", "msgtype": "PULL-DOC-REQ"}
    for part in (header, {}, {}):
        await socket.write_message(json.dumps(part))
    while "PULL-DOC-REPLY" not in str(await socket.read_message()):
        pass


async def _fetch_curves(tag: str, amount: float = 0.6) -> bytes:
    from tornado.httpclient import AsyncHTTPClient

    body = {
        "tag": tag,
        "runs": "0-99",
        "x": "step",
        "smooth": {"kind": "ema", "amount": amount},
        "width": 360,
        "range": None,
        "since": None,
    }
    headers = {**_HEADERS, "Content-Type": "application/json"}
    reply = await AsyncHTTPClient().fetch(
        f"http://{_ROOT}/api/v1/curves", method="POST", body=json.dumps(body), headers=headers
    )
    return bytes(reply.body)


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
    await _fetch_curves("group0/metric0", amount=0.9 * (started % 1))
    return time.perf_counter() - started


async def _watch_a_point(root: Path) -> dict[str, float]:
    """Return the age of points at the moment at which the server first answers with them."""
    from gpuboard.eventlog.append import EventFileWriter

    folder = root / f"live-{time.time_ns()}"
    ages: list[float] = []
    with EventFileWriter(folder / "run") as writer:
        writer.add_scalar("group0/metric0", 0.0, 0)
        writer.flush()
        with _server(folder):
            for step in range(1, _WATCHED_POINTS + 1):
                await asyncio.sleep(0.37)
                writer.add_scalar("group0/metric0", 1.0, step)
                writer.flush()
                written = time.perf_counter()
                while f'"points":{step + 1},'.encode() not in await _fetch_curves("group0/metric0"):
                    await asyncio.sleep(0.01)
                ages.append(time.perf_counter() - written)
    return {
        "age of a point when it is served, median (s)": round(statistics.median(ages), 2),
        "oldest (s)": round(max(ages), 2),
    }


@contextlib.contextmanager
def _server(folder: Path, program: str = "") -> Iterator[int]:
    options = ["-m", "gpuboard", "serve", str(folder), "--port", str(_PORT), "--token", _TOKEN]
    if program:
        options = ["-c", program, str(folder), str(_PORT), _TOKEN]
    process = subprocess.Popen(
        [sys.executable, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_read()
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_until_read() -> None:
    request = urllib.request.Request(f"http://{_ROOT}/api/v1/status", headers=_HEADERS)
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                if json.loads(reply.read())["phase"] == "watching":
                    return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.05)
    raise TimeoutError("the server was not ready within half a minute")


def _resident(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", status)
    return int(match[1]) * 1024 if match else 0


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    lines = []
    for name, row in figures.items():
        lines += [name, *(f"  {what:<48} {value:>8}" for what, value in row.items())]
    return "\n".join(lines)
