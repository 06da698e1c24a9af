from __future__ import annotations

import json
import math
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.store.store import Store
from gpuboard.summaries.histogram import encode

TAG = "layer/<b>weight</b>"
PLOTS = "[...document.querySelectorAll('.hg-plot[data-drawn]')]"


def log(folder, runs_seed=0, steps=range(0, 200, 10), tag=TAG):
    rng = np.random.default_rng(runs_seed)
    with EventFileWriter(folder) as writer:
        for step in steps:
            array = rng.normal(runs_seed + step / 100, 1, 500)
            writer.add_value(encode(tag, array, bins=40), step, wall_time=1.7e9 + step)


@pytest.fixture
def store(tmp_path):
    for run in range(2):
        log(tmp_path / f"run{run}", run)
    store = Store(tmp_path)
    store.refresh()
    return store


@pytest.fixture
def tab(open_store, store):
    return open_store(store, "histograms").until(f"{PLOTS}.length === 2")


def facts(tab, plot=0):
    """Return the small table of a card."""
    return tab.evaluate(
        f"Object.fromEntries([...document.querySelectorAll('.hg-facts')[{plot}].children]"
        ".map(e => [e.children[0].textContent, e.children[1].textContent]))"
    )


def painted(tab, canvas=".hg-canvas", plot=0):
    """Return how many pixels of a canvas have been painted."""
    return tab.evaluate(
        f"(() => {{ const c = document.querySelectorAll('.hg-plot')[{plot}]"
        f".querySelector({canvas!r}); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0;"
        "for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })()"
    )


def move_over(tab, x, y):
    """Put the pointer at shares of the first plot's width and height."""
    box = tab.page.query_selector(".hg-over").bounding_box()
    tab.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_a_card_shows_lines_and_the_table_of_the_last_step(tab):
    assert tab.evaluate(f"{PLOTS}.map(p => p.dataset.rows)") == ["20", "20"]
    assert tab.evaluate(f"{PLOTS}.map(p => p.dataset.step)") == ["190", "190"]
    assert tab.texts(".vc-title") == ["<b>weight</b>", "<b>weight</b>"]
    last = facts(tab)
    assert last["Values"] == "500"
    assert float(last["Mean"]) == pytest.approx(1.9, abs=0.2)
    assert painted(tab) > 5000
    assert painted(tab, ".hg-over") > 100


@pytest.mark.parametrize("view", ["overlay", "bands", "heat"])
def test_every_view_draws_and_stays_in_the_address(tab, view):
    tab.page.click(f".segments [data-view={view}]")
    tab.until(f"{PLOTS}.every(p => p.dataset.view === {view!r})")

    assert painted(tab) > 5000
    assert f"histView={view}" in tab.reload().page.url
    tab.until(f"{PLOTS}.length === 2 && {PLOTS}.every(p => p.dataset.view === {view!r})")


def test_all_cards_follow_the_step_and_paint_no_more_than_that(tab):
    drawn = tab.evaluate("__gpuboard.histograms.paints")
    tab.page.fill(".vp-step-number", "47")
    tab.page.keyboard.press("Enter")

    tab.until(f"{PLOTS}.every(p => p.dataset.step === '40')")

    assert float(facts(tab)["Mean"]) == pytest.approx(0.4, abs=0.2)
    assert tab.evaluate("__gpuboard.histograms.paints") == drawn


@pytest.mark.parametrize("view", ["ridge", "bands", "heat"])
def test_a_click_picks_the_step_under_the_pointer(tab, view):
    tab.page.click(f".segments [data-view={view}]")
    tab.until(f"{PLOTS}.every(p => p.dataset.view === {view!r})")
    move_over(tab, 0.5, 0.62)

    tab.until("!document.querySelector('.hg-tip').hidden")
    tab.page.mouse.down()
    tab.page.mouse.up()

    tab.until(f"{PLOTS}.every(p => Number(p.dataset.step) < 190)")
    assert "stepAt=" in tab.reload().page.url


def test_the_tooltip_tells_bin_count_step_and_time(tab):
    move_over(tab, 0.4, 0.95)
    tab.until("!document.querySelector('.hg-tip').hidden")

    assert tab.page.inner_text(".hg-tip strong").startswith("Step ")
    assert tab.texts(".hg-tip dt") == ["Bin", "Count", "Share", "Time"]
    tab.page.mouse.move(5, 5)
    tab.until("document.querySelector('.hg-tip').hidden")


def test_heights_and_ranges_change_the_picture(tab):
    before = tab.evaluate(f"{PLOTS}[0].dataset.range")
    tab.page.click("text=Options")
    tab.page.select_option(".hg-options select >> nth=2", "fixed")
    tab.page.fill("[aria-label=from]", "-2")
    tab.page.fill("[aria-label=to]", "2")
    tab.page.keyboard.press("Tab")

    tab.until(f"{PLOTS}.every(p => p.dataset.range === '-2 2')")

    assert before != "-2 2"
    drawn = int(tab.evaluate(f"{PLOTS}[0].dataset.drawn"))
    tab.page.check("text=Logarithm of counts")
    tab.until(f"Number({PLOTS}[0].dataset.drawn) > {drawn}")


def test_runs_of_a_tag_share_one_range_when_asked(open_store, store):
    tab = open_store(store, "histograms?histShared=true")

    tab.until(f"{PLOTS}.length === 2 && new Set({PLOTS}.map(p => p.dataset.range)).size === 1")


def test_runs_are_laid_over_each_other_at_one_step(tab):
    tab.page.click("text=Compare runs")

    tab.until(f"{PLOTS}.length === 1 && {PLOTS}[0].dataset.view === 'runs'")

    assert tab.evaluate(f"{PLOTS}[0].dataset.rows") == "2"
    move_over(tab, 0.5, 0.6)
    tab.until("!document.querySelector('.hg-tip').hidden")
    assert sorted(tab.texts(".hg-tip dt")) == ["run0 at 190", "run1 at 190"]
    tab.page.click(".segments [data-view=bands]")
    tab.until(f"{PLOTS}.length === 2")


def test_a_card_opens_in_full_size_and_closes(tab):
    tab.page.hover(".vc")
    tab.page.click("[aria-label='Open in full size']")
    tab.until("document.querySelector('.vp-stage .hg-plot[data-drawn]')?.clientHeight > 300")

    tab.reload().until("document.querySelector('.vp-stage .hg-plot[data-drawn]')")
    assert tab.evaluate("document.querySelector('.vp-groups').hidden")
    tab.until("!document.querySelector('.vp-steps').hidden")
    tab.page.keyboard.press("Escape")
    tab.until(f"document.querySelector('.vp-stage').hidden && {PLOTS}.length === 2")


def saved(tab, item):
    tab.page.hover(".vc")
    tab.page.click("[aria-label=Download] >> nth=0")
    with tab.page.expect_download() as download:
        tab.page.click(f".hg-menu >> text={item}")
    return download.value


def test_the_buckets_of_the_shown_step_can_be_saved(tab):
    text = saved(tab, "as JSON").path().read_text()

    found = json.loads(text)
    assert (found["step"], sum(found["count"])) == (190, 500)
    assert saved(tab, "as CSV").path().read_text().startswith("left,right,count\n")


@pytest.mark.parametrize("view", ["ridge", "overlay", "bands", "heat"])
def test_pictures_can_be_saved(open_store, store, view):
    tab = open_store(store, f"histograms?histView={view}").until(f"{PLOTS}.length === 2")

    svg = saved(tab, "SVG").path().read_text()
    assert saved(tab, "PNG").path().read_bytes().startswith(b"\x89PNG")
    assert svg.startswith("<svg")
    assert "<b>" not in svg
    assert "NaN" not in svg
    assert len(list(ElementTree.fromstring(svg).iter())) > 20


def test_a_growing_log_adds_lines(tab, store, tmp_path):
    log(tmp_path / "run0", 0, steps=range(200, 240, 10))
    store.refresh()

    tab.until(f"{PLOTS}[0].dataset.rows === '24' && {PLOTS}[0].dataset.step === '230'")


def test_missing_values_and_bad_steps_are_told(open_store, tmp_path):
    with EventFileWriter(tmp_path / "run") as writer:
        writer.add_value(Summary.Value(tag="w", histo={"bucket": [1.0]}), 0)
        writer.add_value(encode("w", [1.0, 2.0, math.nan, 3.0]), 1)
    store = Store(tmp_path)
    store.refresh()

    tab = open_store(store, "histograms").until(f"{PLOTS}.length === 1")

    assert facts(tab)["In no bucket"] == "1 (25%)"
    assert facts(tab)["Mean"].startswith("≈")
    assert "1 of 2 steps cannot be read" in tab.page.inner_text(".hg-note")


@pytest.mark.slow
def test_one_constant_value_is_drawn_in_every_view(open_store, tmp_path):
    with EventFileWriter(tmp_path / "run") as writer:
        writer.add_value(encode("w", [5.0, 5.0]), 0)
    store = Store(tmp_path)
    store.refresh()

    for view in ("ridge", "overlay", "bands", "heat"):
        tab = open_store(store, f"histograms?histView={view}").until(f"{PLOTS}.length === 1")
        assert facts(tab)["Std"] == "0"


@pytest.mark.slow
def test_both_themes_draw(open_store, store):
    for theme in ("light", "dark"):
        tab = open_store(store, f"histograms?theme={theme}").until(f"{PLOTS}.length === 2")
        assert painted(tab) > 5000


def test_without_histograms_the_page_says_what_to_log(open_store, tmp_path):
    with EventFileWriter(tmp_path / "run") as writer:
        writer.add_scalar("loss", 1.0, 0)
    store = Store(tmp_path)
    store.refresh()

    tab = open_store(store, "histograms").until("document.querySelector('.vp .empty h2')")

    assert "add_histogram" in tab.page.inner_text(".vp .empty code")


def test_an_address_of_an_opened_card_that_is_not_there_shows_all(open_store, store):
    tab = open_store(store, "histograms?open=" + quote(json.dumps(["gone", "nobody"])))

    tab.until(f"{PLOTS}.length === 2")
