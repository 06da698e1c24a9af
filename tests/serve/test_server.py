"""Ports, prefixes and names of pages; start and stop."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest

from gpuboard.errors import InputError
from gpuboard.serve import server as server_module
from gpuboard.serve.context import Context, ServeConfig
from gpuboard.serve.page import PageSpec
from gpuboard.serve.server import make_server


def spec(name="scalars"):
    return PageSpec(name, "Title", "icon", 1, lambda page: None)


def bound(config, fake_store):
    return make_server(config, Context(fake_store()), [spec()], ())


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_taken_port_that_was_asked_for_is_named(taken_port, fake_store):
    with pytest.raises(InputError, match=f"port {taken_port} is taken"):
        bound(ServeConfig(port=taken_port), fake_store)


def test_a_taken_default_port_gives_way_to_the_next(taken_port, fake_store, monkeypatch):
    monkeypatch.setattr(server_module, "DEFAULT_PORT", taken_port)

    server = bound(ServeConfig(), fake_store)
    server.stop()

    assert taken_port < server.port <= taken_port + 10


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (ServeConfig(port=70_000), "70000"),
        (ServeConfig(port=0, host="no-such-host.invalid"), "no-such-host.invalid"),
        (ServeConfig(port=0, path_prefix="/a b"), "/a b"),
        (ServeConfig(port=0, path_prefix="/../x"), "/../x"),
        (ServeConfig(port=0, host="0.0.0.0", token=""), "0.0.0.0"),
    ],
)
def test_a_setting_that_cannot_be_is_named(config, found, fake_store):
    with pytest.raises(InputError, match=found):
        bound(config, fake_store)


@pytest.mark.parametrize("names", [["a", "a"], ["A"], ["a/b"], ["static"], ["api"], []])
def test_page_names_are_distinct_and_plain(names, fake_store):
    with pytest.raises(ValueError, match="page name"):
        make_server(ServeConfig(port=0), Context(fake_store()), [spec(n) for n in names], ())


def test_everything_lies_below_the_prefix(serve):
    client = serve(config=ServeConfig(port=0, path_prefix="board/"))
    token = client.server.token

    assert client.server.root_url.endswith("/board/")
    assert client.get(f"/board?token={token}").headers["Location"] == "./board"
    assert client.get(f"/board/?token={token}").headers["Location"] == "./"
    assert client.authorised("/board").headers["Location"] == "./board/scalars"
    assert client.authorised("/board/scalars").status == 200
    assert client.authorised("/board/api/v1/echo").status == 200
    assert client.authorised("/scalars").status == 404
    assert client.websocket(
        "/board/scalars/ws", token=client.session_token("/board/scalars"), headers=client.bearer
    ) == ("open")


def test_each_start_makes_another_token(fake_store):
    servers = [bound(ServeConfig(port=0), fake_store) for _ in range(2)]

    assert servers[0].token != servers[1].token
    assert len(servers[0].token) >= 32
    assert all(server.token in server.url for server in servers)
    for server in servers:
        server.stop()


def test_a_stopped_server_lets_its_port_and_threads_go(serve):
    before = threading.active_count()
    client = serve()
    client.authorised("/scalars")

    client.server.stop()

    with pytest.raises(ConnectionRefusedError):
        client.get("/")
    assert threading.active_count() <= before


def test_an_answer_needs_no_compiler():
    code = (
        "import sys; import gpuboard.serve.application, gpuboard.serve.api;"
        "print(sorted(m for m in ('numba', 'pandas', 'pyarrow', 'torch') if m in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
