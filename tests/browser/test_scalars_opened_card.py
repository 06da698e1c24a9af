"""An opened card of the Scalars page."""

from __future__ import annotations

import numpy as np
from scalar_store import NAMES, ScalarStore, series_of
from scalars_page import asked, card, place, until_asked, until_lines, until_view

DETAIL = ".sc-detail .gb-chart"


def open_card(tab, tag_name="loss/train"):
    tab.page.locator(card(tag_name)).hover()
    tab.page.locator(f"{card(tag_name)} [aria-label='Open in full resolution']").click()
    until_lines(tab, 4, selector=DETAIL)


def test_an_opened_card_zooms_by_wheel_and_shows_every_point(open_store):
    many = 200_000
    spiked = np.zeros(many)
    spiked[123_456] = 1.0
    tab = open_store(ScalarStore({"a": {"t": series_of(spiked)}}), "scalars?smoothing=0&outliers=0")
    tab.until("document.querySelector('.gb-chart')?.dataset.lines === '1'")
    tab.page.locator(".sc-card [aria-label='Open in full resolution']").click()
    until_lines(tab, 1, selector=DETAIL)
    until_view(tab, "y1 > 1", selector=DETAIL)

    bodies = asked(tab)
    box = tab.page.locator(DETAIL).bounding_box()
    left, right = box["x"] + 46, box["x"] + box["width"] - 10
    tab.page.mouse.move(left + (right - left) * 123_456 / (many - 1), box["y"] + 150)
    for _ in range(9):
        tab.page.mouse.wheel(0, -300)

    until_view(tab, "x1 - x0 < 2000 && x0 < 123456 && x1 > 123456 && y1 > 1", selector=DETAIL)
    until_asked(tab, bodies, lambda body: body["range"] and np.ptp(body["range"]) < 2000)


def test_the_table_of_an_opened_card_sorts_and_follows_the_pointer(tab):
    open_card(tab)
    tab.until("document.querySelectorAll('.sc-detail tbody tr').length === 4")
    assert tab.texts(".sc-table-at") == ["at 3,990"]

    tab.page.locator(".sc-detail th button", has_text="Value").click()
    assert tab.texts(".sc-detail .sc-run") == list(reversed(NAMES))
    tab.page.locator(".sc-detail th button", has_text="Value").click()
    assert tab.texts(".sc-detail .sc-run") == list(NAMES)
    tab.page.mouse.move(*place(tab, "", 0.5, 0.5, DETAIL))

    tab.until("document.querySelector('.sc-table-at').textContent !== 'at 3,990'")


def test_the_columns_of_the_table_can_be_chosen(tab):
    open_card(tab)
    tab.until("document.querySelectorAll('.sc-detail tbody tr').length === 4")

    tab.page.get_by_role("button", name="Choose columns").click()
    tab.page.locator(".sc-menu").get_by_text("Mean").click()
    tab.page.locator(".sc-menu").get_by_text("Smoothed").click()

    heads = "[...document.querySelectorAll('.sc-detail th')].map(e => e.textContent)"
    tab.until(f"{heads}.includes('Mean') && !{heads}.includes('Smoothed')")


def test_a_row_of_the_table_picks_its_run(tab):
    open_card(tab)

    tab.page.locator(".sc-detail tbody tr", has_text="wide/seed1").click()

    tab.until("!document.querySelector('.sc-chip').hidden")
    assert tab.texts(".sc-chip-name") == ["wide/seed1"]


def test_an_opened_card_is_in_the_link_and_closes_by_key_and_by_button(tab):
    open_card(tab)
    tab.until("new URLSearchParams(location.search).get('open') === 'loss/train'")
    tab.reload()
    until_lines(tab, 4, selector=DETAIL)

    tab.page.keyboard.press("Escape")
    tab.until("document.querySelector('.sc-detail') === null")
    until_lines(tab, 4)
    open_card(tab)
    tab.page.get_by_role("button", name="Back to all charts (Esc)").click()

    tab.until("document.querySelector('.sc-detail') === null")
