"""The headers of every response, and error pages that say nothing of the inside."""

from __future__ import annotations

import logging
import re

import pytest

from gpuboard.serve import application
from gpuboard.serve.context import ServeConfig
from gpuboard.serve.static_files import static_url

STATIC = "/" + static_url("host.js")
TOKEN = "t0ken-of-the-tests-0123456789"
INSIDE = re.compile(
    r"Traceback|/work|/home|site-packages|\.py\b|RuntimeError|Tornado", re.IGNORECASE
)
ANSWERS = {
    "page": ("GET", "/scalars", 200),
    "root": ("GET", "/", 302),
    "admission": ("GET", f"/scalars?token={TOKEN}", 302),
    "broken page": ("GET", "/broken", 200),
    "script": ("GET", STATIC, 200),
    "head of a script": ("HEAD", STATIC, 200),
    "bokeh": ("GET", "/static/js/bokeh.min.js", 200),
    "data": ("GET", "/api/v1/echo", 200),
    "fault": ("GET", "/api/v1/broken", 500),
    "no such series": ("GET", "/api/v1/absent", 404),
    "no such page": ("GET", "/nowhere", 404),
    "no such script": ("GET", STATIC + ".map", 404),
    "wrong method": ("DELETE", "/api/v1/echo", 405),
    "wrong method on a page": ("POST", "/scalars", 405),
    "no websocket": ("GET", "/scalars/ws", 400),
    "bad query": ("GET", "/scalars?%ff=%ff", 200),
}


@pytest.fixture(params=ANSWERS)
def answer(request, client):
    method, path, status = ANSWERS[request.param]
    answer = client.authorised(path, method)
    assert answer.status == status
    return answer


def refused(client):
    yield client.get("/scalars")
    yield client.get("/api/v1/echo")
    yield client.authorised("/scalars", host="evil.example")
    yield client.send("POST", "/scalars", client.cookie(), body=b"{}")


def policy_of(answer):
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return {name: values.split() for name, _, values in (part.partition(" ") for part in parts)}


def check_strict(answer):
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Access-Control-Allow-Origin"] is None
    assert headers["Server"] is None
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:"} & set(policy["script-src"])


def test_every_answer_carries_the_strict_headers(answer):
    check_strict(answer)


def test_every_refusal_carries_the_strict_headers(client):
    for answer in refused(client):
        assert answer.status in (401, 403)
        check_strict(answer)


def test_no_answer_speaks_of_the_inside(answer):
    if answer.headers["Content-Type"].startswith(("text/html", "application/json")):
        visible = re.sub(r'"token": ?"[^"]+"|src="[^"]+"|href="[^"]+"', "", answer.text)
        assert not INSIDE.search(visible)


def test_a_fault_is_answered_with_the_id_that_stands_in_the_log(client, caplog):
    with caplog.at_level(logging.ERROR):
        answer = client.authorised("/api/v1/broken")

    error_id = re.search(r"error ([0-9a-f]{8})", answer.text)[1]
    assert error_id in caplog.text
    assert "secret-place" in caplog.text


def test_a_page_that_cannot_be_rendered_says_nothing_of_the_inside(client, monkeypatch, caplog):
    def fail(*args):
        raise RuntimeError("cannot read /home/somebody/secret-place/file.py")

    monkeypatch.setattr(application, "page_markup", fail)

    answer = client.authorised("/scalars")

    assert answer.status == 500
    assert not INSIDE.search(answer.text)
    assert "secret" not in answer.text
    assert re.search(r"error ([0-9a-f]{8})", answer.text)[1] in caplog.text
    check_strict(answer)


def test_only_scripts_of_the_template_carry_the_nonce_of_the_policy(client):
    first, second = client.authorised("/scalars"), client.authorised("/scalars")

    nonces = {re.findall(r"'nonce-([^']+)'", str(policy_of(page)))[0] for page in (first, second)}
    assert len(nonces) == 2
    for page in (first, second):
        nonce = re.findall(r"'nonce-([^']+)'", str(policy_of(page)))[0]
        tags = re.findall(r"<script\b[^>]*>", page.text)
        assert len(tags) >= 3
        assert all(f'nonce="{nonce}"' in tag for tag in tags)


def test_a_page_refers_to_nothing_but_relative_addresses(client):
    page = client.authorised("/scalars").text

    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(addresses) > 5
    assert not [a for a in addresses if a.startswith(("/", "http", "//"))]


def test_an_error_page_runs_no_script(client):
    assert policy_of(client.authorised("/nowhere"))["script-src"] == ["'none'"]


def test_notebooks_that_are_named_may_show_pages_in_a_frame(serve):
    notebook = "https://notebook.example"
    client = serve(config=ServeConfig(port=0, token=TOKEN, frame_origins=(notebook,)))

    answer = client.authorised("/scalars")

    assert policy_of(answer)["frame-ancestors"] == [notebook]
    assert answer.headers["X-Frame-Options"] is None


def test_scripts_are_kept_for_good_and_pages_never(client):
    kept = client.authorised(STATIC).headers["Cache-Control"]
    old = client.authorised(STATIC.replace(STATIC.split("/")[3], "0" * 16)).headers["Cache-Control"]

    assert "immutable" in kept
    assert "private" in kept
    assert old == "no-cache"
    for path in ("/scalars", "/api/v1/echo", "/nowhere", "/"):
        assert client.authorised(path).headers["Cache-Control"] == "no-store"


def test_text_is_compressed_for_who_can_read_it(client):
    plain = client.authorised("/static/js/bokeh.min.js")
    packed = client.get("/static/js/bokeh.min.js", client.bearer | {"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 2


def test_scripts_have_the_type_that_modules_need(client):
    assert client.authorised(STATIC).headers["Content-Type"].startswith("text/javascript")
