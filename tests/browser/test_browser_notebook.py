"""Show the frame of a notebook in a page of another port of this machine."""

from __future__ import annotations

import http.server
import threading
import time

import pytest

from gpuboard import SummaryWriter, notebook


@pytest.fixture
def notebook_page():
    """Serve one page on a port of its own; the test says what it holds."""
    content = {"html": ""}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"<!doctype html><title>notebook</title>{content['html']}".encode()
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield content, server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_frame_shows_the_dashboards(tmp_path, chromium, notebook_page, host):
    with SummaryWriter(tmp_path / "run") as writer:
        for step in range(50):
            writer.add_scalar("loss", 1 / (1 + step), step)
    place = notebook.Place("jupyter")
    server = notebook.serve(tmp_path, place)
    content, port = notebook_page
    content["html"] = notebook.markup(server, place, 600)
    context = chromium.new_context()
    try:
        page = context.new_page()
        faults = []
        page.on("console", lambda m: m.type == "error" and faults.append(m.text))
        page.goto(f"http://{host}:{port}/")
        deadline = time.monotonic() + 40
        while "loss" not in text_of(page) and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        shown = text_of(page)
        address = page.frames[1].url
        status = page.frames[1].evaluate("fetch('api/v1/status').then(r => r.status)")
    finally:
        context.close()
        notebook.stop_all()

    assert "loss" in shown
    assert address.startswith(f"http://{host}:{server.port}/")
    assert "token" not in address
    assert status == 200
    assert [text for text in faults if "404" not in text] == [], "but for the notebook's own icon"


def text_of(page) -> str:
    """Return what stands in the frame, "" while it is being loaded."""
    from playwright.sync_api import Error

    try:
        return page.frames[1].evaluate("document.body?.innerText ?? ''")
    except (Error, IndexError):
        return ""
