"""Run a real server over a small fake store, and speak to it without a browser's manners."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http.client
import json
import logging
import re
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from gpuboard.errors import NotFoundError
from gpuboard.serve import application
from gpuboard.serve.context import Context, ServeConfig
from gpuboard.serve.jobs import Jobs
from gpuboard.serve.page import PageSpec
from gpuboard.serve.routes import DataRoute
from gpuboard.serve.server import Server, make_server
from gpuboard.serve.static_files import script_url, static_url
from gpuboard.store.columns import Catalogue, Progress, RunInfo, Series, TagInfo

TOKEN = "t0ken-of-the-tests-0123456789"
SECRET_PATH = "/home/somebody/secret-place/file.py"


class FakeStore:
    """One run with one scalar tag, and a version that tests turn up."""

    def __init__(self, kind="scalar"):
        self.logdir = Path("runs")
        self.version = 1
        self._tags = {"loss": TagInfo("loss", kind, 3, 0, 2)}

    def catalogue(self):
        run = RunInfo(
            id=0,
            name="a",
            version=1,
            tags=self._tags,
            files=("a/events",),
            start=1.0,
            end=2.0,
            events=3,
            points=3,
            bytes=100,
            problems=0,
            state="live",
        )
        return Catalogue(self.version, (run,))

    def series(self, run_id, tag):
        if (run_id, tag) != (0, "loss"):
            raise NotFoundError(f"run {run_id} has no tag {tag!r}")
        points = np.arange(3)
        return Series(
            points + 1.5, points, points / 2, np.zeros(1, np.int64), np.full(1, 2**63 - 1)
        )

    def series_many(self, run_ids, tag):
        return [(run, self.series(run, tag)) for run in run_ids if run == 0 and tag == "loss"]

    def problems(self):
        return ()

    def progress(self):
        return Progress("watching", 100, 100, 1)


class EchoRoute(DataRoute):
    def get(self):
        self.reply_json({"query": self.request.query, "nan": [float("nan"), 1.0]})

    def post(self):
        self.reply_json({"got": self.json_body()})


class BrokenRoute(DataRoute):
    def get(self):
        raise RuntimeError(f"cannot read {SECRET_PATH}")


class AbsentRoute(DataRoute):
    async def get(self):
        await self.run(self.context.store.series, 7, "nothing")


def build_scalars(page):
    page.add_module("message.js", "main", {"title": "hello", "lines": [page.state.get("q", "")]})


def build_broken(page):
    raise RuntimeError(f"cannot read {SECRET_PATH}")


PAGES = (
    PageSpec("scalars", "Scalars", "scalars", 1, build_scalars, ("scalar",)),
    PageSpec("images", "Images", "images", 0, build_scalars, ("image",), "log some images"),
    PageSpec("broken", "Broken", "broken", 2, build_broken),
)
ROUTES = (
    (r"/api/v1/echo", EchoRoute),
    (r"/api/v1/broken", BrokenRoute),
    (r"/api/v1/absent", AbsentRoute),
)


STATIC = "/" + static_url("host.js")
JOINED = "/" + script_url(["start.js"])


@dataclasses.dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode()


class Client:
    """Send requests with exactly the headers that a test names."""

    def __init__(self, server: Server):
        self.server = server
        self.port = server.port
        self.host = f"127.0.0.1:{server.port}"
        self.origin = f"http://{self.host}"
        self.bearer = {"Authorization": f"Bearer {server.token}"}

    def send(self, method, path, headers=(), body=None, host=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if host is not False:
                connection.putheader("Host", self.host if host is None else host)
            for name, value in dict(headers).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path, headers=(), **more):
        return self.send("GET", path, headers, **more)

    def authorised(self, path, method="GET", **more):
        return self.send(method, path, self.bearer, **more)

    def cookie(self):
        answer = self.get(f"/scalars?token={self.server.token}")
        return {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}

    def session_token(self, path="/scalars"):
        page = self.authorised(path).text
        return re.search(r'"token": ?"([^"]+)"', page)[1]

    def websocket(self, path="/scalars/ws", *, token="x", headers=()):
        """Return "open" once Bokeh has acknowledged, "closed", or the HTTP status that refuses."""
        offer = {
            "Host": self.host,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Protocol": f"bokeh, {token}",
        }
        lines = [f"{name}: {value}" for name, value in (offer | dict(headers)).items()]
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as raw:
            raw.sendall("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode())
            with raw.makefile("rb") as answer:
                status = int(answer.readline().split()[1])
                while answer.readline().strip():
                    pass
                frame = answer.read(1) if status == 101 else b""
        if status != 101:
            return status
        return "open" if frame and frame[0] & 0x0F in (1, 2) else "closed"


def start_server(config=None, store=None, pages=PAGES, routes=ROUTES, jobs=None):
    context = Context(store or FakeStore(), jobs=jobs or Jobs(grace_s=0.2))
    server = make_server(config or ServeConfig(port=0, token=TOKEN), context, pages, routes)
    server.start()
    return server


@pytest.fixture(scope="session")
def shared_server():
    with pytest.MonkeyPatch.context() as patch:  # many pages are opened in a short time
        patch.setattr(application, "UNUSED_SESSION_MS", 2000)
        patch.setattr(application, "CHECK_SESSIONS_MS", 500)
        server = start_server()
    yield server
    server.stop()


@pytest.fixture
def server(shared_server):
    return shared_server


@pytest.fixture
def client(server):
    return Client(server)


@pytest.fixture
def serve():
    """Start servers that end with the test; takes what `start_server` takes, returns a client."""
    with contextlib.ExitStack() as servers:

        def start(**parts):
            server = start_server(**parts)
            servers.callback(server.stop)
            return Client(server)

        yield start


@pytest.fixture
def routes_of():
    """Return a path for every route that a server's application really has."""
    fillers = {
        r"([0-9a-f]{16})/joined/(page|part|css)/([\w.-]+\.(?:js|css))": JOINED.split("gpuboard/")[
            1
        ],
        r"([0-9a-f]{16}/[\w./-]+)": STATIC.split("gpuboard/")[1],
        r"(bokeh(?:-widgets|-tables|-gl)?\.min\.js)": "bokeh.min.js",
        "/?": "/",
    }

    def paths(server):
        for rule in server.application.wildcard_router.rules:
            path = rule.matcher.regex.pattern.removesuffix("$")
            for group, filler in fillers.items():
                path = path.replace(group, filler)
            yield path.replace("\\", "")

    return paths


@pytest.fixture
def fake_store():
    return FakeStore


@pytest.fixture
def on_loop():
    """Call `fn(*args)` on a server's event loop and return its result, awaited where needed."""

    def call(server, fn, *args):
        async def run():
            result = fn(*args)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), server.loop).result(20)

    return call


@pytest.fixture
def eventually():
    """Wait until `is_true()` holds, at most `seconds`; return whether it came to hold."""

    def wait(is_true, seconds=20.0):
        end = time.monotonic() + seconds
        while not (held := is_true()) and time.monotonic() < end:
            time.sleep(0.01)
        return held

    return wait


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def everything_logged(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture
def serve_data():
    """Serve all data routes over a store; returns what asks: (path, body=None) -> status, bytes."""
    from gpuboard.serve import api, data

    with contextlib.ExitStack() as servers:

        def start(store):
            config = ServeConfig(port=0, token="")
            routes = (*api.ROUTES, *data.ROUTES)
            server = make_server(config, Context(store), PAGES, routes)
            server.start()
            servers.callback(server.stop)

            def ask(path, body=None):
                method, content = ("GET", None) if body is None else ("POST", json.dumps(body))
                headers = {"Origin": f"http://127.0.0.1:{server.port}"}
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
                with contextlib.closing(connection):
                    connection.request(method, path, content, headers)
                    reply = connection.getresponse()
                    return reply.status, reply.read()

            return ask

        yield start
