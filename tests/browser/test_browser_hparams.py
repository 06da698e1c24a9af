"""The HParams page: one selection in a table, on axes and in the run panel."""

from __future__ import annotations

import csv
import json
import math
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.trial_maker import log, read

HOSTILE = "<img src=x onerror=alert(1)>"
ROWS = "[...document.querySelectorAll('.hp-table .grid-row')].filter(e => e.checkVisibility())"
COUNT = "document.querySelector('.hp-bar .count').textContent"
LRS = [0.1, 0.01, 0.001, 0.0001, 0.00001, 1.0]


@pytest.fixture
def store(tmp_path):
    for k, lr in enumerate(LRS):
        hparams = {"lr": lr, "seed": float(k % 2), "opt": HOSTILE if k == 5 else "adam"}
        hparams |= {"dropout": 0.1 * k} if k > 1 else {}
        loss = math.nan if k == 5 else abs(math.log10(lr) + 3)
        log(tmp_path / f"group/t{k}", hparams, status="success", loss=[9.0, loss])
    log(tmp_path / "plain", loss=[1.0])
    return read(tmp_path)


def names(tab):
    return tab.texts(".hp-table .run-leaf")


def until_rows(tab, count):
    tab.until(f"{ROWS}.length === {count}")


def head(tab, title):
    return tab.page.locator(
        ".hp-table [role=columnheader]", has=tab.page.locator(f"text='{title}'")
    )


def brush(tab, title, top, bottom):
    """Drag over an axis, from one share of its height to another."""
    axis = tab.page.locator(".hp-axis", has=tab.page.locator(f"text='{title}'")).bounding_box()
    plot = tab.page.locator(".hp-parallel").bounding_box()
    x, height = axis["x"] + axis["width"] / 2, plot["height"] - 58 - 40
    tab.page.mouse.move(x, plot["y"] + 58 + top * height)
    tab.page.mouse.down()
    tab.page.mouse.move(x, plot["y"] + 58 + (top + bottom) / 2 * height, steps=3)
    tab.page.mouse.move(x, plot["y"] + 58 + bottom * height, steps=3)
    tab.page.mouse.up()


def test_trials_are_listed_with_every_hyperparameter_and_metric(open_store, store):
    tab = open_store(store, "hparams")
    until_rows(tab, 6)

    assert names(tab) == [f"t{k}" for k in range(6)]
    assert tab.evaluate(COUNT) == "6 trials"
    heads = tab.texts(".hp-table [role=columnheader] .hp-sort")
    assert set(heads) == {"Trial", "dropout", "lr", "opt", "seed", "loss"}
    assert HOSTILE in tab.texts(".hp-table [role=gridcell]")
    assert tab.texts(".hp-table .is-odd") == ["NaN"]
    assert tab.texts(".hp-table .is-best") == ["0"]


def test_a_click_on_a_head_sorts_and_what_has_no_number_stands_last(open_store, store):
    tab = open_store(store, "hparams")
    until_rows(tab, 6)

    head(tab, "loss").locator(".hp-sort").click()
    tab.until(f"{ROWS}.length === 6")
    assert names(tab) == ["t2", "t1", "t3", "t0", "t4", "t5"]

    head(tab, "loss").locator(".hp-sort").click()
    tab.until("location.search.includes('hpSort=-m')")
    assert names(tab)[-1] == "t5"
    assert set(names(tab)[:2]) == {"t0", "t4"}


@pytest.mark.slow
def test_filters_narrow_by_range_word_pattern_and_by_what_is_missing(open_store, store):
    tab = open_store(store, "hparams")
    until_rows(tab, 6)

    head(tab, "lr").hover()
    head(tab, "lr").locator(".hp-filter").click()
    tab.page.fill("[aria-label='Least value']", "0.001")
    tab.page.press("[aria-label='Least value']", "Enter")
    until_rows(tab, 4)
    tab.page.keyboard.press("Escape")
    head(tab, "dropout").hover()
    head(tab, "dropout").locator(".hp-filter").click()
    tab.page.click(".hp-check:has-text('Undefined')")
    until_rows(tab, 2)
    tab.page.keyboard.press("Escape")
    head(tab, "opt").hover()
    head(tab, "opt").locator(".hp-filter").click()
    tab.page.fill(".hp-pop [aria-label='Regular expression']", "^ad")
    until_rows(tab, 1)
    tab.page.keyboard.press("Escape")

    assert names(tab) == ["t2"]
    assert tab.evaluate(COUNT) == "1 of 6 trials"
    tab.reload()
    until_rows(tab, 1)
    tab.page.click("text=Clear all")
    until_rows(tab, 6)


def test_a_brush_picks_trials_out_everywhere_and_can_be_moved_and_cleared(open_store, store):
    tab = open_store(store, "hparams?hpView=parallel")
    until_rows(tab, 6)
    tab.until("document.querySelectorAll('.hp-axis').length === 5")

    brush(tab, "lr", 0.7, 1.0)
    until_rows(tab, 2)
    assert names(tab) == ["t3", "t4"]
    tab.until("location.search.includes('hpBrush')")
    assert parse_qs(urlsplit(tab.page.url).query)["hpBrush"]

    brush(tab, "lr", 0.85, 0.15)
    tab.until(f"{ROWS}.map(e => e.textContent).join().includes('t5')")
    assert names(tab) == ["t0", "t5"]

    axis = tab.page.locator(".hp-axis", has=tab.page.locator("text='lr'")).bounding_box()
    plot = tab.page.locator(".hp-parallel").bounding_box()
    tab.page.mouse.click(axis["x"] + axis["width"] / 2, plot["y"] + plot["height"] - 44)
    until_rows(tab, 6)


def test_what_is_not_logged_is_brushed_on_its_own_lane(open_store, store):
    tab = open_store(store, "hparams?hpView=parallel")
    until_rows(tab, 6)

    brush(tab, "dropout", 1.02, 1.12)

    until_rows(tab, 2)
    assert names(tab) == ["t0", "t1"]


def test_the_selection_reaches_the_run_panel_and_the_panel_reaches_the_table(open_store, store):
    tab = open_store(store, "hparams?hpView=parallel")
    until_rows(tab, 6)
    brush(tab, "lr", 0.7, 1.0)
    until_rows(tab, 2)

    tab.page.click("text=Show only these 2")
    tab.until("document.querySelectorAll('.run-panel .grid-row.is-on').length === 2")
    assert tab.texts(".run-panel .grid-row.is-on .run-leaf") == ["t3", "t4"]

    tab.page.click(".hp-chip:has-text('Brush')")
    until_rows(tab, 6)
    tab.until(f"{ROWS}.filter(e => e.classList.contains('is-on')).length === 2")
    tab.page.click(".run-panel .grid-row:has-text('t0')")
    tab.until(f"{ROWS}.filter(e => e.classList.contains('is-on')).length === 3")
    tab.page.click(".hp-table .grid-row:has-text('t0') .check")
    tab.until("document.querySelectorAll('.run-panel .grid-row.is-on').length === 2")


def test_the_table_is_saved_as_it_is_shown(open_store, store):
    tab = open_store(store, "hparams?hpSort=-h:lr&hpColumns=" + quote('["h:opt","m:loss"]'))
    until_rows(tab, 6)
    tab.page.click(".hp-bar >> text=Save")

    with tab.page.expect_download() as download:
        tab.page.click("[data-format=csv]")
    with download.value.path().open(newline="") as file:
        rows = list(csv.reader(file))

    assert download.value.suggested_filename == "trials.csv"
    assert rows[0] == ["trial", "opt", "loss"]
    assert [row[0][-2:] for row in rows[1:]] == ["t5", "t0", "t1", "t2", "t3", "t4"]
    assert rows[1][1] == HOSTILE


def test_a_click_opens_a_trial_with_a_way_to_its_curves(open_store, store):
    tab = open_store(store, "hparams")
    until_rows(tab, 6)

    tab.page.click(".hp-table .grid-row:has-text('t5')")
    tab.until("!document.querySelector('.hp-details').hidden")
    assert HOSTILE in tab.page.inner_text(".hp-details")
    tab.page.click(".hp-table .grid-row:has-text('t2')")
    tab.until("document.querySelectorAll('.hp-charts figure:not([hidden])').length === 1")
    tab.page.click("text=Open in Scalars")

    tab.until("location.pathname.endsWith('/scalars')")
    tab.until("document.querySelectorAll('.run-panel .grid-row.is-on').length === 1")
    assert tab.texts(".run-panel .grid-row.is-on .run-leaf") == ["t2"]


def test_trials_are_folded_over_seeds_and_metrics_changed(open_store, store):
    tab = open_store(store, "hparams")
    until_rows(tab, 6)

    tab.page.click(".hp-bar >> text=Seeds")
    tab.page.click("text=Fold trials into groups")
    tab.page.click(".hp-list >> text='lr'")
    tab.page.click(".hp-list >> text='dropout'")
    until_rows(tab, 2)
    assert tab.evaluate(COUNT) == "2 groups of 6 trials"
    tab.page.keyboard.press("Escape")
    tab.page.click(".hp-bar >> text=Metrics")
    tab.page.select_option("[aria-label='Which value']", "max")
    tab.until(f"{ROWS}.map(e => e.textContent).join().includes('9.0000')")


def test_columns_are_chosen_and_dragged_into_order(open_store, store):
    tab = open_store(store, "hparams")
    until_rows(tab, 6)
    tab.page.click(".hp-bar >> text=Columns")
    tab.page.click(".hp-list >> text='seed'")
    tab.until("!document.querySelector('.hp-table').textContent.includes('seed')")
    tab.page.keyboard.press("Escape")

    head(tab, "loss").locator(".hp-sort").hover()
    tab.page.mouse.down()
    target = head(tab, "dropout").bounding_box()
    tab.page.mouse.move(target["x"] + 4, target["y"] + 10, steps=5)
    tab.page.mouse.up()

    tab.until("decodeURIComponent(location.search).includes('hpColumns=[\"m:loss')")
    columns = parse_qs(urlsplit(tab.page.url).query)["hpColumns"][0]
    assert json.loads(columns) == ["m:loss", "h:dropout", "h:lr", "h:opt"]


def test_an_axis_is_dragged_to_another_place(open_store, store):
    tab = open_store(store, "hparams?hpView=parallel")
    until_rows(tab, 6)
    axes = tab.page.locator(".hp-axis")
    assert (
        tab.evaluate("[...document.querySelectorAll('.hp-axis-name')].map(e => e.textContent)")[0]
        == "dropout"
    )

    last, first = (axes.nth(i).bounding_box() for i in (4, 0))
    tab.page.mouse.move(last["x"] + 10, last["y"] + 8)
    tab.page.mouse.down()
    tab.page.mouse.move(first["x"] - 8, first["y"] + 8, steps=4)
    tab.page.mouse.up()

    tab.until("document.querySelector('.hp-axis-name').textContent === 'loss'")
    assert not tab.evaluate("!!document.querySelector('.popover')")


def test_the_matrix_is_brushed_in_a_cell(open_store, store):
    query = "hparams?hpView=scatter&hpMatrix=" + quote('["h:lr","m:loss"]')
    tab = open_store(store, query)
    tab.until("document.querySelector('.hp-scatter canvas').width > 300")
    box = tab.page.locator(".hp-scatter").bounding_box()
    cell = {
        "x": box["x"] + 56,
        "y": box["y"] + box["height"] / 2 - 10,
        "w": (box["width"] - 76) / 2,
    }

    tab.page.mouse.move(cell["x"] + 2, cell["y"] + 3)
    tab.page.mouse.down()
    tab.page.mouse.move(cell["x"] + 0.45 * cell["w"], box["y"] + box["height"] - 40, steps=4)
    tab.page.mouse.up()

    tab.until(f"{COUNT} !== '6 trials'")
    assert tab.evaluate(COUNT) == "3 of 6 trials"


def test_importance_says_when_there_is_too_little_to_learn_from(open_store, store):
    tab = open_store(store, "hparams?hpView=importance")

    tab.until("document.querySelector('.hp-importance').textContent.includes('Too few trials')")


@pytest.mark.slow
def test_importance_shows_what_decides(open_store, tmp_path):
    for k in range(24):
        log(tmp_path / f"t{k}", {"lr": 0.01 * (k + 1), "no": float(k % 3)}, loss=[0.01 * k])
    tab = open_store(read(tmp_path), "hparams?hpView=importance")

    tab.until("document.querySelectorAll('.hp-bar-name').length === 2")
    assert tab.texts(".hp-bar-name")[0] == "lr"
    assert "Out-of-bag R²" in tab.page.inner_text(".hp-sentence")
    assert "Lowest at" in tab.page.inner_text(".hp-curves")


def test_without_trials_the_page_says_what_to_log(open_store, tmp_path):
    log(tmp_path / "a", loss=[1.0])
    tab = open_store(read(tmp_path), "hparams")

    tab.until("document.querySelector('.hp-page .empty').checkVisibility()")
    tab.until("document.querySelector('.hp-page').textContent.includes('add_hparams')")


def test_a_trial_that_appears_later_joins_the_table(open_store, store, tmp_path):
    tab = open_store(store, "hparams")
    until_rows(tab, 6)

    log(tmp_path / "group/t9", {"lr": 5.0, "brand_new": True}, loss=[1.0])
    store.refresh()

    until_rows(tab, 7)
    tab.until("document.querySelector('.hp-table').textContent.includes('brand_new')")
