"""One script and one style sheet a page, kept for good, and joined again for another version."""

from __future__ import annotations

import gzip
import re

import pytest

from gpuboard.serve.static_files import (
    STATIC,
    Joined,
    modules_of,
    script_url,
    static_url,
    static_version,
    styles_url,
)
from gpuboard.serve.warm import warm_pages

PAGE = ("start.js", "frame.js", "message.js", "host.js")
SCRIPT = "/" + script_url(PAGE)


def files_of(markup: str) -> list[str]:
    return re.findall(r'(?:src|href)="(static/gpuboard/[^"]+\.(?:js|css))"', markup)


def test_a_page_loads_one_script_and_one_style_sheet(client):
    files = files_of(client.authorised("/scalars").text)

    names = ("theme.css", "frame.css", "controls.css", "grid.css")
    assert files == [styles_url(names), script_url(PAGE)]
    assert [client.authorised(f"/{file}").status for file in files] == [200, 200]


def test_a_page_may_load_its_files_one_by_one(client):
    files = files_of(client.authorised("/scalars?files=single").text)

    modules = {static_url(part) for name in PAGE for part in modules_of(name)}
    assert modules <= set(files)
    assert not any("joined" in file for file in files)
    assert {client.authorised(f"/{file}").status for file in files} == {200}


def test_a_joined_script_is_kept_for_good_and_packed_for_those_who_take_it(client):
    plain = client.authorised(SCRIPT)
    packed = client.send("GET", SCRIPT, client.bearer | {"Accept-Encoding": "gzip"})
    old = client.authorised(SCRIPT.replace(static_version(), "0" * 16))

    assert "immutable" in plain.headers["Cache-Control"]
    assert plain.headers["Content-Type"].startswith("text/javascript")
    assert gzip.decompress(packed.body) == plain.body
    assert old.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "page/nothing.js",
        "page/start.nothing.js",
        "page/theme.css",
        "css/theme.nothing.css",
        "css/start.js",
        "part/nothing.js",
        "part/..js",
        "page/.js",
        "other/start.js",
        "page/",
    ],
)
def test_what_names_no_file_of_ours_is_not_there(client, name):
    assert client.authorised(f"/{static_url('joined/' + name)}").status == 404


def test_every_page_is_ready_once_it_is_warm():
    from gpuboard.apps import PAGES

    known = [spec for spec in PAGES if all(_is_there(name) for name in spec.styles)]
    joined = Joined(STATIC)

    warm_pages(known, joined)

    assert joined.packed.cache_info().currsize >= len(known) + 1


def _is_there(sheet: str) -> bool:
    return (STATIC / "css" / f"{sheet}.css").is_file()
