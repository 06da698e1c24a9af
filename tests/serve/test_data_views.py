import contextlib
import http.client
import json

import pytest

from gpuboard.serve import api, data
from gpuboard.serve.context import Context, ServeConfig
from gpuboard.serve.data.views import DAMAGED, kept_of
from gpuboard.serve.server import make_server
from gpuboard.serve.spec import PageSpec
from gpuboard.store.store import Store
from tests import make

PAGES = (PageSpec("views", "Views", "views", 1, lambda page: None),)
TOKEN = "t0ken-of-the-tests-0123456789"
LAYOUT = {
    "cards": [
        {
            "id": "c001",
            "kind": "scalar",
            "title": "L",
            "width": 6,
            "height": 5,
            "spec": {"tag": "loss"},
        }
    ],
    "follow": False,
    "runs": "all",
    "settings": {"x": "wall"},
}


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("GPUBOARD_KEEP", str(tmp_path / "kept"))
    return tmp_path / "kept" / "kept.sqlite"


@pytest.fixture
def store(tmp_path):
    events = [make.header(), *(make.scalar("loss", k / 2, k) for k in range(5))]
    make.event_file(tmp_path / "logs" / "a", events)
    found = Store(tmp_path / "logs")
    found.refresh()
    return found


@pytest.fixture
def ask(store):
    """Send requests as our own page does, or with other `headers`."""
    config = ServeConfig(port=0, token=TOKEN)
    server = make_server(config, Context(store), PAGES, (*api.ROUTES, *data.ROUTES))
    server.start()

    def send(method, path, body=None, headers=None):
        if headers is None:
            headers = {"Authorization": f"Bearer {TOKEN}"}
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        with contextlib.closing(connection):
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/api/v1/{path}", content, headers)
            reply = connection.getresponse()
            text = reply.read()
            is_json = "json" in (reply.headers["Content-Type"] or "")
            return reply.status, json.loads(text) if is_json else text, reply.headers

    yield send
    server.stop()


def put(ask, view_id="view1", *, title="T", revision=0, layout=LAYOUT, **more):
    return ask(
        "PUT", f"views/{view_id}", {"title": title, "revision": revision, "layout": layout}, **more
    )


def test_a_view_is_saved_listed_read_and_deleted(ask, place):
    status, saved, _ = put(ask, title="My view")
    assert (status, saved["revision"], saved["layout"]) == (200, 1, LAYOUT)

    status, listed, _ = ask("GET", "views")
    assert status == 200
    assert listed["kept_in"] == str(place)
    (row,) = listed["views"]
    assert (row["id"], row["title"], row["cards"]) == ("view1", "My view", 1)
    assert ask("GET", "views/view1")[1] == saved

    assert ask("DELETE", "views/view1")[:2] == (204, b"")
    assert ask("GET", "views")[1]["views"] == []
    assert ask("GET", "views/view1")[0] == 404
    assert ask("DELETE", "views/view1")[0] == 404


def test_who_saves_an_older_view_is_told(ask):
    put(ask)
    put(ask, title="theirs", revision=1)

    status, answer, _ = put(ask, title="mine", revision=1)

    assert status == 409
    assert "somebody else" in answer["error"]["message"]
    assert ask("GET", "views/view1")[1]["title"] == "theirs"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"title": "", "layout": LAYOUT}, "title"),
        ({"title": "T"}, "layout"),
        ({"title": "T", "layout": {"cards": [{}]}}, "layout.cards[0].kind"),
        ({"title": "T", "layout": LAYOUT, "revision": "x"}, "revision"),
    ],
)
def test_a_view_that_is_none_is_refused_and_says_why(ask, body, message):
    status, answer, _ = ask("PUT", "views/view1", body)

    assert status == 400
    assert message in answer["error"]["message"]
    assert ask("GET", "views")[1]["views"] == []


@pytest.mark.parametrize("view_id", ["a", "a%2F..%2Fb", "..", "x" * 50])
def test_a_name_that_is_none_leads_nowhere(ask, view_id):
    for method in ("GET", "PUT", "DELETE"):
        body = {"title": "T", "layout": LAYOUT} if method == "PUT" else None
        assert ask(method, f"views/{view_id}", body)[0] in (400, 404)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://evil.example", "Authorization": f"Bearer {TOKEN}"},
        {},
    ],
)
def test_no_foreign_page_can_save_or_delete(ask, method, headers):
    put(ask)

    status, *_ = ask(method, "views/view1", {"title": "evil", "revision": 1, "layout": {}}, headers)

    assert status in (401, 403)
    assert ask("GET", "views/view1")[1]["title"] == "T"


def test_other_methods_are_not_taken(ask):
    assert ask("POST", "views/view1", {"title": "T", "layout": LAYOUT})[0] == 405
    assert ask("POST", "views", {})[0] == 405


def test_a_damaged_file_is_a_row_of_the_health_page_and_not_the_end(ask, store, place):
    put(ask)
    place.write_bytes(b"nonsense" * 100)

    assert ask("GET", "views")[1]["views"] == []
    assert put(ask)[0] == 200

    (problem,) = [one for one in store.problems() if one.kind == DAMAGED]
    assert problem.file.startswith(str(place.parent))


def test_where_nothing_can_be_kept_the_reason_is_said(ask, store, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(kept_of(store), "path", tmp_path / "file" / "kept.sqlite")

    status, answer, _ = put(ask)

    assert status == 500
    assert "GPUBOARD_KEEP" in answer["error"]["message"]
    assert "id" not in answer["error"]


def test_a_view_leaves_as_a_file(ask):
    put(ask, title='My "view" ../x')

    status, page, headers = ask("GET", "views/view1/export")

    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=UTF-8"
    assert headers["Content-Disposition"] == 'attachment; filename="My_view_.._x.html"'
    assert page.startswith(b"<!DOCTYPE html>")
    assert b'data-card="c001"' in page


def test_the_runs_of_the_file_can_be_chosen(ask):
    put(ask)

    assert b'"runs":[]' in ask("GET", "views/view1/export?runs=")[1]
    assert b'"runs":[{"id":0,' in ask("GET", "views/view1/export?runs=0-3")[1]
    assert ask("GET", "views/view1/export?runs=x")[0] == 400
    assert ask("GET", "views/gone1/export")[0] == 404
