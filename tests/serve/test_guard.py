"""What the guard lets in, over a live server: the matrix of hosts, origins and tokens."""

from __future__ import annotations

import http.client
import re
import socket

import psutil
import pytest

from gpuboard.errors import InputError
from gpuboard.serve.context import ServeConfig
from gpuboard.serve.guard import Guard, parse_origin
from gpuboard.serve.static_files import static_url

TOKEN = "t0ken-of-the-tests-0123456789"
STATIC = "/" + static_url("host.js")
PATHS = ["/", "/scalars", "/static/js/bokeh.min.js", STATIC, "/api/v1/echo", "/nowhere"]


# Host: against DNS rebinding.


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.evil.example",
        "127.0.0.1.evil.example:{port}",
        "localhost.:{port}",
        "xlocalhost:{port}",
        "localhost:{port}0",
        "0.0.0.0:{port}",
        "",
    ],
)
def test_a_foreign_host_is_refused_on_every_path_even_with_the_token(client, path, host):
    answer = client.authorised(path, host=host.format(port=client.port))

    assert answer.status in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}"])
def test_every_own_name_is_answered(client, host):
    assert client.authorised("/scalars", host=host.format(port=client.port)).status == 200


def test_a_request_without_host_or_with_two_is_refused(client):
    two = client.send("GET", "/scalars", client.bearer | {"host": client.host})

    assert client.authorised("/scalars", host=False).status in (400, 403)
    assert two.status in (400, 403)


def test_a_rebound_websocket_is_refused_although_origin_and_host_agree(client):
    evil = f"evil.example:{client.port}"
    headers = client.cookie() | {"Host": evil, "Origin": f"http://{evil}"}

    assert client.websocket(token=client.session_token(), headers=headers) == 403


def test_an_allowed_name_is_answered_with_the_port_of_its_proxy(serve):
    config = ServeConfig(port=0, token=TOKEN, allow_hosts=("https://board.example",))
    client = serve(config=config)

    def status(host, origin):
        headers = client.bearer | {"Origin": origin}
        return client.send("POST", "/api/v1/echo", headers, body=b"{}", host=host).status

    assert status("board.example", "https://board.example") == 200
    assert status("board.example", "http://board.example") == 403
    assert status("board.example:8443", "https://board.example") == 403


@pytest.mark.parametrize("entry", ["", "a b/c", "ftp://x", "http://x/path", "x:port", "http://u@x"])
def test_an_allowed_name_that_is_none_is_named_in_the_error(entry):
    with pytest.raises(InputError, match=re.escape(repr(entry))):
        Guard(host="127.0.0.1", port=1, token=TOKEN, allow_hosts=[entry])


# Origin: against foreign pages.

FOREIGN_ORIGINS = [
    "http://evil.example",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1.evil.example:{port}",
    "http://evil.example:{port}",
    "http://evil127.0.0.1:{port}",
    "http://127.0.0.1:{port}0",
    "http://127.0.0.1:8",
    "http://127.0.0.1",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}",
    "http://localhost.:{port}",
    "ftp://127.0.0.1:{port}",
    "http://[::2]:{port}",
    "http://[::1].evil.example:{port}",
    "http://user@127.0.0.1:{port}",
    "http://127.0.0.1:{port}@evil.example",
    "127.0.0.1:{port}",
    "null",
    "",
    "file://",
    "http://127.0.0.1:{port} http://evil.example",
    "http://127.0.0.1:x",
]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_origin_is_refused_for_websockets_posts_and_gets(client, origin):
    headers = client.cookie() | {"Origin": origin.format(port=client.port)}

    assert client.websocket(token=client.session_token(), headers=headers) == 403
    assert client.send("POST", "/api/v1/echo", headers, body=b"{}").status == 403
    assert client.get("/api/v1/echo", headers).status == 403


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:{port}", "http://localhost:{port}", "http://[::1]:{port}"]
)
def test_an_own_origin_is_let_in(client, origin):
    headers = client.cookie() | {"Origin": origin.format(port=client.port)}

    assert client.websocket(token=client.session_token(), headers=headers) == "open"
    assert client.send("POST", "/api/v1/echo", headers, body=b"{}").status == 200


def test_a_missing_origin_is_refused_unless_the_token_stands_in_a_header(client):
    cookie = client.cookie()

    assert client.websocket(token=client.session_token(), headers=cookie) == 403
    assert client.send("POST", "/api/v1/echo", cookie, body=b"{}").status == 403
    query = f"/api/v1/echo?token={TOKEN}"
    assert client.send("POST", query, body=b"{}").status == 403
    assert client.send("POST", "/api/v1/echo", client.bearer, body=b"{}").status == 200
    assert client.websocket(token=client.session_token(), headers=client.bearer) == "open"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_port_cannot_load_our_files_with_our_cookie(client, site):
    headers = client.cookie() | {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    link = client.cookie() | {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}

    assert client.get(STATIC, headers).status == 403
    assert client.get("/scalars", link).status == 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a:80", ("http", "a", 80)),
        ("https://a", ("https", "a", 443)),
        ("http://[::1]:6006", ("http", "[::1]", 6006)),
        ("http://A", ("http", "a", 80)),
        ("http://a:", None),
        ("http://a:99999", None),
        ("http://[::1", None),
        ("http://a?", None),
    ],
)
def test_an_origin_is_read_exactly_or_not_at_all(text, expected):
    assert parse_origin(text) == expected


# Bind address.


def listening(port):
    return {
        connection.laddr.ip
        for connection in psutil.Process().net_connections("inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }


def test_the_default_is_to_listen_on_this_machine_alone(server):
    assert listening(server.port) == {"127.0.0.1"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "node17.example", ""])
def test_an_address_for_others_is_refused_without_a_token(host):
    with pytest.raises(InputError, match="token"):
        Guard(host=host, port=1, token="")


def test_a_short_token_is_refused():
    with pytest.raises(InputError, match="3 characters"):
        Guard(host="127.0.0.1", port=1, token="abc")


def test_without_a_token_host_and_origin_still_hold(serve):
    client = serve(config=ServeConfig(port=0, token=""))

    assert client.get("/scalars").status == 200
    assert client.get("/scalars", host="evil.example").status == 403
    foreign = {"Origin": "http://evil.example"}
    assert client.send("POST", "/api/v1/echo", foreign, body=b"{}").status == 403
    assert client.send("POST", "/api/v1/echo", body=b"{}").status == 403
    own = {"Origin": client.origin}
    assert client.send("POST", "/api/v1/echo", own, body=b"{}").status == 200


def test_a_body_beyond_the_cap_is_refused_before_it_is_read(client):
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as raw:
        head = (
            f"POST /api/v1/echo HTTP/1.1\r\nHost: {client.host}\r\nContent-Length: 9999999999\r\n"
        )
        raw.sendall((head + f"Authorization: Bearer {TOKEN}\r\n\r\n").encode())
        response = http.client.HTTPResponse(raw)
        response.begin()

        assert response.status == 413
