"""Sessions: counted, capped, told of new data, and gone when the browser has gone."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import weakref
from types import SimpleNamespace

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from gpuboard import limits
from gpuboard.serve import application


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(application, "UNUSED_SESSION_MS", 150)
    monkeypatch.setattr(application, "CHECK_SESSIONS_MS", 50)


@pytest.fixture
def cap(monkeypatch):
    limit = limits.Limit("max_sessions", 3, "small for the test")
    monkeypatch.setattr(limits, "MAX_SESSIONS", limit)


class Browser:
    """The least of a browser: a session and its websocket, driven on the server's loop."""

    def __init__(self, client, on_loop, path="/scalars"):
        self.client, self.on_loop, self.path = client, on_loop, path
        self.token = client.session_token(path)
        self.connection = None

    async def _connect(self):
        url = f"ws://127.0.0.1:{self.client.port}{self.path}/ws"
        self.messages = asyncio.Queue()
        self.connection = await websocket_connect(
            HTTPRequest(url, headers=self.client.bearer),
            subprotocols=["bokeh", self.token],
            on_message_callback=self.messages.put_nowait,
        )
        await self.messages.get()

    def connect(self):
        return self.on_loop(self.client.server, self._connect)

    def hear(self):
        """Return the next message to the page's modules."""
        return self.on_loop(self.client.server, self._hear)

    async def _hear(self):
        while (fragment := await self.messages.get()) is not None:
            if "MessageSent" in fragment:
                (event,) = json.loads(fragment)["events"]
                return event["msg_data"]
        return None

    def leave(self):
        self.on_loop(self.client.server, self._leave)

    async def _leave(self):
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()
            while await self.messages.get() is not None:
                pass


@pytest.fixture
def browser_of(on_loop, serve):
    browsers = []

    def connect(client, path="/scalars"):
        browser = Browser(client, on_loop, path)
        browser.connect()
        browsers.append(browser)
        return browser

    yield connect
    for browser in browsers:
        browser.leave()


def pages_of(client):
    return client.server.context.sessions.live_pages


def test_an_open_page_is_counted_and_a_closed_one_is_gone(quick, serve, browser_of, eventually):
    client = serve()
    sessions = client.server.context.sessions
    browser = browser_of(client)
    closed = []
    (page,) = pages_of(client)
    page.on_close(lambda: closed.append(1))
    references = [weakref.ref(page), weakref.ref(page.doc)]
    del page
    assert sessions.live_sessions == 1

    browser.leave()

    assert eventually(lambda: sessions.live_sessions == 0)
    assert sessions.opened == sessions.closed
    assert closed == [1]
    assert eventually(lambda: gc.collect() >= 0 and not any(ref() for ref in references))


def test_a_page_that_never_connects_is_gone_too(quick, serve, eventually):
    client = serve()
    client.authorised("/scalars")

    assert eventually(lambda: client.server.context.sessions.live_sessions == 0)


def test_a_connected_page_stays(quick, serve, browser_of, eventually):
    client = serve()
    browser_of(client)
    client.authorised("/scalars")

    assert eventually(lambda: client.server.context.sessions.closed == 1)
    assert client.server.context.sessions.live_sessions == 1


def test_one_page_too_many_is_answered_with_429_until_another_is_closed(
    quick, cap, serve, browser_of, eventually
):
    client = serve()
    browsers = [browser_of(client) for _ in range(3)]
    late_token = browsers[0].token

    answer = client.authorised("/scalars")
    browsers[0].leave()

    assert answer.status == 429
    assert "max_sessions" in answer.text
    assert eventually(lambda: client.server.context.sessions.live_sessions == 2)
    browser_of(client)
    assert client.websocket(token=late_token, headers=client.bearer) == "closed"


def test_data_routes_are_not_sessions(cap, serve):
    client = serve()

    assert {client.authorised("/api/v1/echo").status for _ in range(5)} == {200}
    assert client.server.context.sessions.live_sessions == 0


def test_every_open_page_hears_of_a_new_version_once(serve, browser_of):
    client = serve()
    browsers = [browser_of(client, path) for path in ("/scalars", "/images", "/broken")]

    assert [browser.hear() for browser in browsers] == [["version", 1]] * 3
    client.server.context.store.version = 7
    assert [browser.hear() for browser in browsers] == [["version", 7]] * 3


def test_the_version_goes_to_the_frame(serve, browser_of, on_loop):
    client = serve()
    browser = browser_of(client)
    browser.hear()
    (page,) = pages_of(client)
    sent = []
    page.frame = SimpleNamespace(send=lambda name, detail: sent.append((name, detail)))

    client.server.context.store.version = 9
    on_loop(client.server, client.server.context.sessions.push, 9)
    on_loop(client.server, client.server.context.sessions.push, 9)

    assert sent == [("version", 9)]


def test_a_page_that_fails_to_hear_does_not_silence_the_others(serve, browser_of, on_loop, caplog):
    client = serve()
    browsers = [browser_of(client), browser_of(client)]
    for browser in browsers:
        browser.hear()
    broken, fine = pages_of(client)
    sent = []
    broken.frame = SimpleNamespace(send=lambda name, detail: 1 / 0)
    fine.frame = SimpleNamespace(send=lambda name, detail: sent.append(detail))

    client.server.context.store.version = 9
    on_loop(client.server, client.server.context.sessions.push, 9)

    assert sent == [9]
    assert "could not be told" in caplog.text


def test_a_client_that_answers_no_ping_is_dropped(
    quick, monkeypatch, serve, browser_of, eventually, on_loop
):
    monkeypatch.setattr(application, "PING_S", 0.1)
    client = serve()
    browser = browser_of(client)
    on_loop(client.server, deafen, browser.connection)

    assert eventually(lambda: client.server.context.sessions.live_sessions == 0)


def deafen(connection):
    """Answer no ping any more, as a frozen machine does."""
    write = connection.protocol._write_frame

    def write_no_pong(fin, opcode, data, flags=0):
        if opcode != 0xA:
            return write(fin, opcode, data, flags)
        unsent = asyncio.Future()
        unsent.set_result(None)
        return unsent

    connection.protocol._write_frame = write_no_pong


def test_the_websocket_sends_small_frames_at_once(serve, browser_of, on_loop):
    client = serve()
    browser_of(client)
    (connection,) = client.server.application._clients
    raw = connection._socket.ws_connection.stream.socket

    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
