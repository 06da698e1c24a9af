"""Serve a directory, and speak the Scalars page's own protocol to the server without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


TOKEN = "benchmark-token-of-some-length"  # noqa: S105
PORT = _free_port()
ROOT = f"127.0.0.1:{PORT}"
_HEADERS = {"Authorization": f"Bearer {TOKEN}"}
_CHARTS = 9


@contextlib.contextmanager
def server(folder: Path, program: str = "") -> Iterator[subprocess.Popen[str]]:
    """Serve a directory as the command line does, or by a program of its own, once it is read."""
    options = ["-m", "gpuboard", "serve", str(folder), "--port", str(PORT), "--token", TOKEN]
    if program:
        options = ["-c", program, str(folder), str(PORT), TOKEN]
    process = subprocess.Popen(
        [sys.executable, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if program else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        _wait_until_read()
        yield process
    finally:
        process.terminate()
        process.communicate()


def _wait_until_read() -> None:
    request = urllib.request.Request(f"http://{ROOT}/api/v1/status", headers=_HEADERS)
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                if json.loads(reply.read())["phase"] == "watching":
                    return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.05)
    raise TimeoutError("the server was not ready within half a minute")


async def visit(done: asyncio.Event) -> float:
    """Open the page and keep it open until `done`; return when its last chart had come."""
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest
    from tornado.websocket import websocket_connect

    client = AsyncHTTPClient()
    page = await client.fetch(f"http://{ROOT}/scalars", headers=_HEADERS)
    token = re.search(r'"token": ?"([^"]+)"', page.body.decode())
    if token is None:
        raise RuntimeError("the page holds no session")
    address = HTTPRequest(f"ws://{ROOT}/scalars/ws", headers=_HEADERS)
    socket = await websocket_connect(address, subprotocols=["bokeh", token[1]])
    await _pull(socket)
    for path in ("runs", "tags?kind=scalar"):
        await client.fetch(f"http://{ROOT}/api/v1/{path}", headers=_HEADERS)
    for chart in range(_CHARTS):
        await fetch_curves(f"group{chart % 4}/metric{chart}")
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


async def fetch_curves(tag: str, amount: float = 0.6) -> bytes:
    """Ask for the curves of a tag of the first hundred runs, as a chart does."""
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
        f"http://{ROOT}/api/v1/curves", method="POST", body=json.dumps(body), headers=headers
    )
    return bytes(reply.body)


def resident(process: int) -> int:
    """Return the bytes of memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", status)
    return int(match[1]) * 1024 if match else 0
