"""Drive a real Chromium against a real server; any complaint of the browser fails a test."""

from __future__ import annotations

import contextlib
import shutil
import time

import pytest
from scalar_store import a_store
from scalars_page import until_lines

from gpuboard.serve.context import Context, ServeConfig
from gpuboard.serve.jobs import Jobs
from gpuboard.serve.server import make_server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
CONNECTED = "window.Bokeh?.documents.length > 0 && Bokeh.documents.every(d => d.is_idle)"
FILLED = "!!document.querySelector('.main .module > *')"
PATIENCE_S = 20.0


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


class Tab:
    """One tab of a fresh browser profile, and a list of what went wrong in it.

    Attributes:
        page: Playwright's page.
        faults: Console errors and warnings, uncaught errors, failed and foreign requests.
    """

    def __init__(self, context, url: str):
        self.url = url.rstrip("/")
        self.faults: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE_S)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        self.page.on("request", self._on_request)
        self.page.on("response", self._on_response)

    def open(self, path: str) -> Tab:
        """Open a page of the board and wait until it has been built."""
        self.page.goto(f"{self.url}/{path.lstrip('/')}")
        return self.until(FILLED).until_connected()

    def reload(self) -> Tab:
        """Load the page again, after what was chosen has reached the address."""
        self.page.wait_for_timeout(200)
        self.page.reload()
        return self.until(FILLED).until_connected()

    def evaluate(self, expression: str):
        """Return the value of a JavaScript expression or function."""
        return self.page.evaluate(expression)

    def until(self, expression: str) -> Tab:
        """Wait for a JavaScript expression to hold.

        Playwright's own `wait_for_function` needs eval, which our pages forbid.
        """
        end = time.monotonic() + PATIENCE_S
        while not self._holds(expression):
            if time.monotonic() > end:
                pytest.fail(f"never came to hold: {expression}\nfaults: {self.faults}")
            self.page.wait_for_timeout(15)
        return self

    def until_connected(self) -> Tab:
        """Wait until Bokeh has shown the session's document."""
        return self.until(CONNECTED)

    def texts(self, selector: str) -> list[str]:
        """Return the visible texts of all elements of a kind, from top to bottom."""
        return self.evaluate(
            f"[...document.querySelectorAll({selector!r})].filter(e => e.checkVisibility())"
            ".sort((a, b) => a.getBoundingClientRect().y - b.getBoundingClientRect().y)"
            ".map(e => e.textContent)"
        )

    def _holds(self, expression: str) -> bool:
        from playwright.sync_api import Error

        try:
            return bool(self.page.evaluate(expression))
        except Error as error:  # the page is being replaced by the next one
            if "context was destroyed" in str(error):
                return False
            raise

    def _on_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console {message.type}: {message.text}")

    def _on_request(self, request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.faults.append(f"a request left the server: {request.url}")

    def _on_response(self, response) -> None:
        if response.status >= 400:
            self.faults.append(f"status {response.status}: {response.url}")


@pytest.fixture(scope="module")
def chromium():
    """A Chromium without a window; one for each file of tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(chromium):
    """Open tabs on a server's address; each must end without a fault, but `may_fail` ones."""
    with contextlib.ExitStack() as contexts:
        tabs: list[Tab] = []

        def start(url: str, *, may_fail: bool = False, **options) -> Tab:
            options.setdefault("viewport", {"width": 1280, "height": 800})
            context = chromium.new_context(**options)
            contexts.callback(context.close)
            tab = Tab(context, url)
            if not may_fail:
                tabs.append(tab)
            return tab

        yield start
        faults = [fault for tab in tabs for fault in tab.faults]
        assert not faults, "\n".join(faults)


@pytest.fixture
def serve_store():
    """Serve a store with all dashboards, or with `pages`; returns the running server."""
    with contextlib.ExitStack() as servers:

        def start(store, pages=None):
            from gpuboard.apps import PAGES

            context = Context(store, jobs=Jobs(grace_s=0.2))
            server = make_server(ServeConfig(port=0, token=""), context, pages or PAGES)
            server.start()
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture
def open_store(serve_store, open_tab):
    """Serve a store and open one of its pages."""

    def start(store, path: str = "runs", **options) -> Tab:
        return open_tab(serve_store(store).root_url, **options).open(path)

    return start


@pytest.fixture
def tab(open_store):
    """The Scalars page on four runs, without smoothing, when its first chart is drawn."""
    return until_lines(open_store(a_store(), "scalars?smoothing=0"), 4)
