"""What hovering over a chart of the Scalars page tells."""

from __future__ import annotations

import re

import pytest
from scalar_store import NAMES, losses
from scalars_page import open_options, pixel_of, place


def test_hovering_shows_every_run_with_its_exact_step_and_time(tab):
    tab.page.mouse.move(*place(tab, "loss/train", 0.5, 0.5))

    tab.until("document.querySelectorAll('.gb-tip tbody tr').length === 4")
    tab.until("document.querySelector('.gb-tip tbody td:nth-last-child(1)').textContent !== ''")
    cells = tab.evaluate(
        "[...document.querySelector('.gb-tip tbody tr').cells].map(e => e.textContent)"
    )
    step = int(cells[3].replace(",", ""))
    k = NAMES.index(cells[1])
    assert float(cells[2]) == pytest.approx(losses(k)[step // 10], rel=1e-3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", cells[4])


def test_the_tooltip_keeps_its_order_and_its_number_of_rows(tab):
    options = open_options(tab)
    options.get_by_label("Order of the tooltip").select_option("descending")
    options.get_by_label("Rows of the tooltip").fill("3")
    options.get_by_label("Rows of the tooltip").press("Enter")
    tab.page.keyboard.press("Escape")

    tab.page.mouse.move(*place(tab, "loss/train", 0.6, 0.5))

    tab.until("document.querySelectorAll('.gb-tip tbody tr').length === 3")
    assert tab.texts(".gb-tip-name") == ["wide/seed2", "wide/seed1", "base/seed2"]
    assert tab.texts(".gb-tip-more") == ["and 1 more"]


def test_the_tooltip_can_go_by_distance_in_height_alone(tab):
    open_options(tab).get_by_label("Order of the tooltip").select_option("nearestY")
    tab.page.keyboard.press("Escape")

    x, y = pixel_of(tab, "loss/train", 2, 0.6)
    tab.page.mouse.move(x, y)

    tab.until("document.querySelectorAll('.gb-tip tbody tr').length === 4")
    names = tab.texts(".gb-tip-name")
    assert names[0] == "wide/seed1"
    assert set(names[1:3]) == {"base/seed2", "wide/seed2"}  # 0.3 above and below it
    assert names[3] == "base/seed1"


def test_the_crosshair_stands_in_all_charts_and_goes_with_the_pointer(tab):
    tab.page.mouse.move(*place(tab, "loss/train", 0.5, 0.5))
    tab.until("[...document.querySelectorAll('.gb-crosshair')].filter(e => !e.hidden).length >= 3")

    tab.page.mouse.move(5, 300)

    tab.until("[...document.querySelectorAll('.gb-crosshair')].every(e => e.hidden)")
    tab.until("document.querySelector('.gb-tip').hidden")
