"""The token on every path: how it is taken in, and that it is never given away."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from gpuboard.serve.application import OwnStatic
from gpuboard.serve.static_files import script_url, static_url

TOKEN = "t0ken-of-the-tests-0123456789"
STATIC = "/" + static_url("host.js")
JOINED = "/" + script_url(["start.js"])


def test_the_route_table_holds_what_is_meant_and_nothing_else(server, routes_of):
    paths = sorted(routes_of(server))

    pages = [f"/{name}{end}" for name in ("broken", "images", "scalars") for end in ("", "/ws")]
    data = ["/api/v1/absent", "/api/v1/broken", "/api/v1/echo"]
    files = [STATIC, JOINED, "/static/js/bokeh.min.js"]
    assert paths == sorted(["/", *pages, *data, *files])
    kinds = {rule.target for rule in server.application.wildcard_router.rules}
    assert OwnStatic in kinds


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Cookie": "{name}=x"}])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_no_route_answers_without_the_token(server, routes_of, client, method, headers):
    headers = {key: value.format(name=f"gpuboard-{client.port}") for key, value in headers.items()}
    headers |= {"Origin": client.origin}

    for path in [
        *routes_of(server),
        "/nowhere",
        "/scalars/autoload.js",
        "/scalars/metadata",
        "//x",
    ]:
        assert client.send(method, path, headers).status == 401, path


def test_no_data_route_of_the_api_answers_without_the_token(serve, routes_of):
    client = serve(routes=None)
    paths = [path for path in routes_of(client.server) if "/api/" in path]

    assert len(paths) >= 7
    assert {client.get(path).status for path in paths} == {401}
    assert client.authorised("/api/v1/status").status == 200


def test_no_websocket_opens_without_the_token(client):
    session = client.session_token()

    assert client.websocket(token=session, headers={"Origin": client.origin}) == 401
    assert client.websocket(token=session, headers={"Origin": client.origin} | client.cookie()) == (
        "open"
    )


@pytest.mark.parametrize("path", ["/scalars", "/api/v1/echo", STATIC])
@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%ff", "é"])
def test_a_wrong_token_opens_nothing(client, path, token):
    bearer = {"Authorization": f"Bearer {token}".encode()}
    safe = "".join(f"%{byte:02x}" for byte in token.encode())

    assert client.get(f"{path}?token={safe}").status == 401
    assert client.get(path, bearer).status == 401


def test_bokehs_own_routes_that_pages_do_not_need_are_gone(client):
    gone = ["/scalars/autoload.js?bokeh-autoload-element=1", "/scalars/metadata", "/metadata"]
    gone += ["/static/js/bokeh.js", "/static/js/bokeh-mathjax.min.js", "/favicon.ico", "/scalars/"]
    gone += ["/scalars/static/js/bokeh.min.js", "/static/extensions/gpuboard/host.js"]

    assert {path: client.authorised(path).status for path in gone} == dict.fromkeys(gone, 404)


@pytest.mark.parametrize("name", ["../guard.py", "..%2fguard.py", "%2e%2e/guard.py", "/etc/passwd"])
def test_static_files_end_at_their_folder(client, name):
    folder = STATIC.removesuffix("host.js")

    assert client.authorised(folder + name).status in (403, 404)


def test_the_cookie_is_not_the_token_and_cannot_be_read_by_scripts(client):
    answer = client.get(f"/scalars?token={TOKEN}")

    value, *attributes = [part.strip() for part in answer.headers["Set-Cookie"].split(";")]
    assert value.startswith(f"gpuboard-{client.port}=")
    assert TOKEN not in value
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert client.get("/scalars", {"Cookie": value}).status == 200


def test_a_cookie_dies_with_the_server_that_gave_it(serve):
    first, second = serve(), serve()
    value = first.cookie()["Cookie"].split("=", 1)[1]

    answer = second.get("/scalars", {"Cookie": f"gpuboard-{second.port}={value}"})

    assert answer.status == 401


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/?token={t}", "./"),
        ("/scalars?token={t}", "./scalars"),
        ("/scalars?a=1&token={t}&b=%2F%2Fevil", "./scalars?a=1&b=%2F%2Fevil"),
        ("/scalars?token={t}&token={t}", "./scalars"),
        ("/scalars?next=%0d%0aX-Bad:1&token={t}", "./scalars?next=%0D%0AX-Bad%3A1"),
    ],
)
def test_the_token_leaves_the_address_of_a_page(client, asked, expected):
    answer = client.get(asked.format(t=TOKEN))

    assert answer.status == 302
    assert answer.headers["Location"] == expected
    assert answer.headers["X-Bad"] is None


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "//evil.example/scalars",
        "/%5cevil.example",
        "/./scalars",
    ],
)
def test_no_redirect_leads_elsewhere(client, path):
    answer = client.get(f"{path}?token={TOKEN}")

    assert answer.status == 404
    assert answer.headers["Location"] is None


def test_a_data_route_takes_the_token_from_the_address_without_a_redirect(client):
    answer = client.get(f"/api/v1/echo?a=1&token={TOKEN}")

    assert answer.status == 200
    assert '"query":"a=1"' in answer.text


def test_the_root_leads_to_the_first_page_with_data(client, serve, fake_store):
    with_images = serve(store=fake_store("image"))

    assert client.authorised("/").headers["Location"] == "./scalars"
    assert with_images.authorised("/?a=1").headers["Location"] == "./images?a=1"


def test_the_token_appears_in_no_log_and_no_page(client, everything_logged):
    told = client.get(f"/scalars?token={TOKEN}")
    pages = [
        client.get(f"/api/v1/broken?token={TOKEN}"),
        client.get(f"/broken?token={TOKEN}"),
        client.get(f"/nowhere?token={TOKEN}"),
        client.get(f"/scalars?token={TOKEN}&%ff=%ff"),
        client.get(f"/api/v1/echo?token={TOKEN}", {"Origin": "http://evil.example"}),
        client.get("/scalars?note=private-note", client.cookie()),
        client.authorised("/scalars"),
    ]
    client.websocket(f"/scalars/ws?token={TOKEN}", headers={"Origin": client.origin})

    cookie = told.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
    seen = everything_logged.text + "".join(page.text + str(page.headers) for page in pages[:1])
    seen += "".join(page.text for page in pages)
    assert len(everything_logged.records) > 5
    assert TOKEN not in seen
    assert "private-note" not in everything_logged.text
    assert cookie not in everything_logged.text + "".join(page.text for page in pages)


# Session tokens of Bokeh.


def forge(kind, client):
    from bokeh.util.token import generate_jwt_token, generate_session_id

    if kind == "unsigned":
        return generate_jwt_token("chosen-by-me", signed=False, expiration=300)
    if kind == "other secret":
        secret = b"another secret of another server"
        session_id = generate_session_id(secret_key=secret, signed=True)
        return generate_jwt_token(session_id, secret_key=secret, signed=True, expiration=300)
    payload, signature = client.session_token().rsplit(".", 1)
    return {"cut": payload, "changed": payload[:-2] + "AA." + signature}[kind]


@pytest.mark.parametrize("kind", ["unsigned", "other secret", "cut", "changed"])
def test_a_session_token_that_is_not_ours_opens_nothing(client, kind):
    assert client.websocket(token=forge(kind, client), headers=client.bearer) == "closed"


@pytest.mark.parametrize("argument", ["bokeh-session-id=mine", "bokeh-token=mine"])
def test_a_client_cannot_choose_its_session(client, argument):
    chosen = client.authorised(f"/scalars?{argument}")
    by_header = client.get("/scalars", client.bearer | {"Bokeh-Session-Id": "mine"})

    for answer in (chosen, by_header):
        assert answer.status == 200
        assert "mine" not in answer.text.split("<body>")[0] + answer.text.split('"token": "')[1]


def test_the_printed_address_leads_to_a_page(server, client):
    parts = urlsplit(server.url)

    answer = client.get(f"{parts.path}?{parts.query}")

    assert parts.netloc == client.host
    assert answer.status == 302
