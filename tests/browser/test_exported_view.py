"""A view as one file, opened from a disk without any network."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from scalar_store import ScalarStore, a_store, series_of

from gpuboard.serve.kept import ViewInfo
from gpuboard.serve.view_export import exported
from gpuboard.serve.view_layout import checked_layout

EVIL = (
    "</script><script>document.documentElement.dataset.xss=1</script>"
    "<img src=x onerror=\"document.documentElement.dataset.xss='1'\">"
)
LOSS = {"id": "loss", "kind": "scalar", "title": "Loss", "spec": {"tag": "loss/train"}}
BOTH = {"id": "both", "kind": "custom", "title": "Both", "spec": {"tags": ["loss/(train|val)$"]}}
NOTE = {"id": "note", "kind": "note", "title": "Why", "spec": {"text": "so\nand so"}}


@pytest.fixture
def open_file(chromium, tmp_path):
    """Export cards, open the file without a network; whatever the browser complains of fails."""
    with contextlib.ExitStack() as contexts:
        faults = []

        def start(*cards, store=None, title="My view", extras=None, **options):
            info = ViewInfo("view1", title, len(cards), 1.79e9, 1)
            layout = checked_layout({"cards": list(cards), "settings": {"smoothing": 0}})
            page = exported(store or a_store(), info, layout).decode()
            if extras:
                page = page.replace('id="extras">{}<', f'id="extras">{extras}<')
            path = tmp_path / "view.html"
            path.write_text(page, encoding="utf-8")
            context = chromium.new_context(offline=True, **options)
            contexts.callback(context.close)
            tab = context.new_page()
            tab.on("console", lambda message: faults.append(message.text))
            tab.on("pageerror", lambda error: faults.append(str(error)))
            tab.on("request", lambda request: note(request.url))
            tab.goto(path.as_uri())
            return tab

        def note(url):
            if not url.startswith(("file:", "data:", "blob:")):
                faults.append(f"request: {url}")

        yield start
        assert faults == []


def chart(card="loss", lines=None):
    return f"[aria-label={card!r}] .gb-chart" + (f"[data-lines='{lines}']" if lines else "")


def view_of(page, card="Loss"):
    return [float(v) for v in page.locator(chart(card)).get_attribute("data-view").split()]


def test_its_charts_are_drawn(open_file):
    page = open_file(LOSS, BOTH, NOTE)

    page.wait_for_selector(chart("Loss", 4))
    page.wait_for_selector(chart("Both", 8))
    x0, x1, *_ = view_of(page)
    assert (x0, x1) == (0, 3990)
    assert page.locator("h1").text_content() == "My view"
    assert page.locator(".vw-note").text_content() == "so\nand so"
    assert page.locator("[aria-label=Both] .cs-tag").all_text_contents() == [
        "loss/train",
        "loss/val",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_has_the_theme_of_the_reader_and_can_change_it(open_file, scheme):
    page = open_file(LOSS, color_scheme=scheme)
    page.wait_for_selector(chart("Loss", 4))
    background = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(background)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme

    page.get_by_text("Light or dark").click()

    assert page.evaluate(background) != before


def test_the_pointer_reads_off_values(open_file):
    page = open_file(LOSS)
    box = page.wait_for_selector(chart("Loss", 4)).bounding_box()

    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.wait_for_selector(".gb-tip:not([hidden])")

    assert page.locator(".gb-tip th").all_text_contents() == ["", "Run", "Value", "Step"]
    assert page.locator(".gb-tip tbody tr").count() == 4


def test_it_zooms_within_what_it_holds_and_goes_back(open_file):
    page = open_file(LOSS)
    box = page.wait_for_selector(chart("Loss", 4)).bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 80)
    page.mouse.up()
    page.wait_for_selector(".gb-chart:not([data-view^='0 3990 '])")
    x0, x1, *_ = view_of(page)
    assert 0 < x0 < x1 < 3990

    page.mouse.dblclick(box["x"] + 200, box["y"] + 80)
    page.wait_for_selector(".gb-chart[data-view^='0 3990 ']")


def test_runs_and_tags_can_be_hidden(open_file):
    page = open_file(LOSS, BOTH)
    page.wait_for_selector(chart("Both", 8))

    page.locator(".xv-runs button").first.click()
    page.wait_for_selector(chart("Loss", 3))
    page.wait_for_selector(chart("Both", 6))
    page.locator("[aria-label=Both] .cs-tag").first.click()

    page.wait_for_selector(chart("Both", 3))


def test_figures_can_be_taken_from_it(open_file):
    page = open_file(LOSS)
    page.wait_for_selector(chart("Loss", 4))
    page.locator("[aria-label=Loss]").hover()

    with page.expect_download() as download:
        page.get_by_text("SVG").click()

    assert download.value.suggested_filename == "Loss.svg"
    assert download.value.path().read_text().startswith("<svg")


def test_hostile_names_stay_text(open_file):
    store = ScalarStore({EVIL: {EVIL: series_of(np.arange(5.0))}})
    cards = [
        {"id": "evil", "kind": "scalar", "title": EVIL, "spec": {"tag": EVIL}},
        {"id": "many", "kind": "custom", "title": EVIL, "spec": {"tags": [".*", "("]}},
        {"id": "note", "kind": "note", "title": EVIL, "spec": {"text": EVIL}},
        {"id": "what", "kind": "image", "title": EVIL, "spec": {"tag": EVIL}},
    ]
    page = open_file(*cards, store=store, title=EVIL)

    page.wait_for_selector(".gb-chart[data-lines='1'] >> nth=1")

    assert page.title() == EVIL
    assert page.locator("h1").text_content() == EVIL
    assert page.locator(".sc-title").all_text_contents() == [EVIL] * 4
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.dataset.xss") is None


def test_pictures_and_colours_of_the_page_are_shown(open_file):
    dot = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    card = {"id": "what", "kind": "image", "title": "Samples", "spec": {"tag": "x"}}
    extras = f'{{"pictures":{{"what":"{dot}"}},"colours":{{"base/seed1":"#123456"}}}}'
    page = open_file(card, LOSS, extras=extras)

    page.wait_for_selector(chart("Loss", 4))

    assert page.locator("img").get_attribute("src") == dot
    swatch = "getComputedStyle(document.querySelector('.xv-runs .gb-swatch')).backgroundColor"
    assert page.evaluate(swatch) == "rgb(18, 52, 86)"


def test_a_picture_that_is_none_is_not_loaded(open_file):
    card = {"id": "what", "kind": "image", "title": "Samples", "spec": {}}
    extras = '{"pictures":{"what":"https://evil.example/x.png"}}'
    page = open_file(card, extras=extras)

    page.wait_for_selector(".xv-absent")

    assert page.locator("img").count() == 0
