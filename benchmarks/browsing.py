"""Serve logs with gpuboard and with TensorBoard, and open pages of both in one Chromium."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TOKEN = "benchmark-token-of-some-length"  # noqa: S105
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


@contextlib.contextmanager
def a_page(browser: Browser, url: str, *, is_watched: bool = True) -> Iterator[Page]:
    """Open an address in a fresh profile that notes how long the page is busy, if it is watched.

    Watching asks for every frame, which costs a page time where frames are drawn in software.
    """
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    if is_watched:
        context.add_init_script(_WATCH)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    try:
        yield page
    finally:
        context.close()


@contextlib.contextmanager
def gpuboard(folder: Path) -> Iterator[str]:
    """Serve a directory with gpuboard; yields its address once all is read."""
    url = "http://127.0.0.1:6392"
    command = [sys.executable, "-m", "gpuboard", "serve", str(folder)]
    with _server([*command, "--port", "6392", "--token", TOKEN]):
        _wait(f"{url}/api/v1/status", lambda body: json.loads(body)["phase"] == "watching")
        yield url


@contextlib.contextmanager
def tensorboard(folder: Path) -> Iterator[str]:
    """Serve a directory with TensorBoard; yields its address once it knows all runs."""
    url = "http://127.0.0.1:6393"
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    runs = len({path.parent for path in folder.rglob("*tfevents*")})
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
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                if is_ready(reply.read()):
                    return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url} was not ready within a minute")
