import base64
import gzip
import hashlib
import html.parser
import json
import re
import struct

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.serve.kept import ViewInfo
from gpuboard.serve.view_export import exported, inert_json
from gpuboard.serve.view_layout import checked_layout
from tests.browser.scalar_store import ScalarStore, series_of

EVIL = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>"
LOSS = {"id": "loss", "kind": "scalar", "title": "Loss", "spec": {"tag": "loss"}}


class Elements(html.parser.HTMLParser):
    """Collect elements with their attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        self.found.append((f"/{tag}", {}, []))

    def handle_data(self, data):
        if self.found:
            self.found[-1][2].append(data)

    def all(self, tag, **wanted):
        return [
            ("".join(text), attrs)
            for name, attrs, text in self.found
            if name == tag and wanted.items() <= attrs.items()
        ]


def store(n=50, runs=("a", "b")):
    values = np.random.default_rng(0).normal(size=n)
    return ScalarStore({name: {"loss": series_of(values + k)} for k, name in enumerate(runs)})


def page_of(a_store, *cards, title="T", ids=None, **layout):
    info = ViewInfo("view1", title, len(cards), 1.0, 1)
    found = checked_layout({"cards": list(cards), "settings": {"smoothing": 0}, **layout})
    return Elements(exported(a_store, info, found, ids).decode())


def view_of(page):
    ((text, _),) = page.all("script", id="view")
    return json.loads(text)


def curves_of(page):
    found = {}
    for text, attrs in page.all("script", type="text/plain"):
        reply = gzip.decompress(base64.b64decode(text))
        (length,) = struct.unpack_from("<I", reply)
        x, y = np.frombuffer(reply, "<f8", offset=4 + length).reshape(2, -1)
        found[attrs["data-card"]] = (json.loads(reply[4 : 4 + length]), x, y)
    return found


def test_the_file_holds_every_point_that_a_screen_can_show():
    page = page_of(store(), LOSS)

    header, x, y = curves_of(page)["loss"]
    assert [line["run"] for line in header["lines"]] == [0, 1]
    assert x.tolist() == [*range(50)] * 2
    expected = np.random.default_rng(0).normal(size=50)
    np.testing.assert_allclose(y, np.r_[expected, expected + 1], rtol=1e-6)


def test_many_points_are_thinned_to_two_thousand_a_line_and_no_spike_is_lost():
    values = np.random.default_rng(0).normal(size=100_000)
    values[77_777] = 99.0
    page = page_of(ScalarStore({"a": {"loss": series_of(values)}}), LOSS)

    _, x, y = curves_of(page)["loss"]

    assert 1_500 < len(x) < 2_200
    assert 99.0 in y


def test_very_many_lines_share_the_cap(monkeypatch):
    monkeypatch.setattr(limits, "MAX_EXPORT_POINTS", limits.Limit("max_export_points", 20_000, ""))
    values = np.random.default_rng(0).normal(size=10_000)
    runs = {f"r{k}": {"loss": series_of(values)} for k in range(20)}
    cards = [{**LOSS, "id": f"card{k}"} for k in range(2)]

    found = curves_of(page_of(ScalarStore(runs), *cards))

    total = sum(len(x) for _, x, _ in found.values())
    assert 5_000 < total <= 24_000


def test_only_the_wanted_runs_are_in_the_file():
    assert [run["name"] for run in view_of(page_of(store(), LOSS))["runs"]] == ["a", "b"]
    assert view_of(page_of(store(), LOSS, ids=[1, 9]))["runs"] == [{"id": 1, "name": "b", "row": 1}]
    assert view_of(page_of(store(), LOSS, runs="re:A"))["runs"][0]["name"] == "a"


def test_a_chart_is_smoothed_as_the_view_says_or_as_it_says_itself():
    own = {**LOSS, "id": "mine", "spec": {"tag": "loss", "settings": {"x": "index"}}}
    page = page_of(store(), LOSS, own, settings={"smoothing": 0, "x": "wall"})

    plain, x, _ = curves_of(page)["loss"]
    smoothed, index, _ = curves_of(page)["mine"]

    assert {line["role"] for line in plain["lines"]} == {"line"}
    assert {line["role"] for line in smoothed["lines"]} == {"raw", "line"}
    assert x.min() > 1e9
    assert index.max() == 49


def test_charts_of_several_tags_are_in_the_file():
    card = {"id": "both", "kind": "custom", "title": "B", "spec": {"tags": ["lo", "("]}}

    header, *_ = curves_of(page_of(store(), card))["both"]

    assert header["tags"] == ["loss"]
    assert header["line_tag"] == [0, 0]
    assert header["problems"][0]["pattern"] == 1


def test_a_chart_that_cannot_be_made_says_why_and_costs_no_other():
    bad = {**LOSS, "id": "bad1", "spec": {"tag": "loss", "settings": {"x": "sideways"}}}

    page = page_of(store(), bad, LOSS)

    assert list(curves_of(page)) == ["loss"]
    assert "sideways" in view_of(page)["cards"][0]["failure"]


def test_hostile_names_stay_inside_their_json():
    a_store = ScalarStore({EVIL: {EVIL: series_of([1.0])}})
    cards = [
        {"id": "evil", "kind": "scalar", "title": EVIL, "spec": {"tag": EVIL}},
        {"id": "many", "kind": "custom", "title": EVIL, "spec": {"tags": [".*"]}},
        {"id": "note", "kind": "note", "title": EVIL, "spec": {"text": EVIL}},
    ]

    page = page_of(a_store, *cards, title=EVIL)

    scripts = page.all("script")
    assert len(scripts) == 5  # view, extras, two charts, the viewer
    assert page.all("img") == []
    assert [card["title"] for card in view_of(page)["cards"]] == [EVIL] * 3
    assert view_of(page)["cards"][2]["spec"]["text"] == EVIL
    assert curves_of(page)["many"][0]["tags"] == [EVIL]


def test_no_script_runs_but_the_viewer_and_nothing_is_loaded():
    page = page_of(store(), LOSS)

    ((_, meta),) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    policy = dict(part.split(" ", 1) for part in meta["content"].split("; "))
    runnable = [text for text, attrs in page.all("script") if "type" not in attrs]
    (style,) = [text for text, _ in page.all("style")]
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (*runnable, style)
    ]
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == f"'sha256-{digests[0]}'"
    assert policy["style-src"] == f"'sha256-{digests[1]}'"
    assert policy["img-src"] == "data: blob:"
    assert len(runnable) == 1
    assert not [name for name, attrs, _ in page.found if {"src", "href"} & attrs.keys()]
    assert not re.search(r"@import|url\((?!data:)", style)


@pytest.mark.parametrize("value", [EVIL, {"&amp;": ["\u2028", "<!--", float("nan")]}])
def test_json_that_can_stand_in_a_page(value):
    text = inert_json(value)

    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == (value if value is EVIL else {"&amp;": ["\u2028", "<!--", "NaN"]})
