"""Dragging, wheel and clicks in the charts of the Scalars page."""

from __future__ import annotations

import pytest
from scalars_page import asked, drag, pixel_of, place, until_asked, until_lines, until_view, view


def test_dragging_zooms_in_x_and_asks_for_that_range(tab):
    bodies = asked(tab)
    drag(tab, place(tab, "loss/train", 0.4, 0.4), place(tab, "loss/train", 0.6, 0.7))

    until_view(tab, "x0 > 1000 && x1 < 2800 && x1 - x0 > 500")
    until_asked(tab, bodies, lambda body: body["range"] and body["tag"] == "loss/train")
    x0, x1, *_ = view(tab, "loss/train")
    assert [body for body in bodies if body["range"]][-1]["range"] == pytest.approx([x0, x1])
    assert view(tab, "loss/val")[:2] == [0, 3990]

    tab.page.mouse.dblclick(*place(tab, "loss/train", 0.5, 0.2))
    until_view(tab, "x0 === 0 && x1 === 3990")


def test_dragging_with_shift_zooms_in_y(tab):
    drag(tab, place(tab, "loss/train", 0.4, 0.3), place(tab, "loss/train", 0.6, 0.5), "Shift")

    until_view(tab, "x0 === 0 && x1 === 3990 && y1 - y0 < 1")


def test_the_wheel_zooms_only_with_a_key_so_that_pages_scroll(tab):
    middle = place(tab, "loss/train", 0.5, 0.5)
    tab.page.mouse.move(*middle)
    tab.page.mouse.wheel(0, -200)
    tab.page.keyboard.down("Alt")
    tab.page.mouse.wheel(0, -200)
    tab.page.keyboard.up("Alt")

    until_view(tab, "x0 > 0 && x1 < 3990")
    one_notch = 3990 * 1.0018**-200
    x0, x1, *_ = view(tab, "loss/train")
    assert x1 - x0 == pytest.approx(one_notch, rel=0.01)


def test_dragging_with_alt_moves_the_range(tab):
    drag(tab, place(tab, "loss/train", 0.4, 0.4), place(tab, "loss/train", 0.6, 0.4))
    until_view(tab, "x0 > 1000")
    x0, x1, *_ = view(tab, "loss/train")

    drag(tab, place(tab, "loss/train", 0.5, 0.4), place(tab, "loss/train", 0.6, 0.4), "Alt")

    until_view(tab, f"x1 < {x1} && Math.abs((x1 - x0) - {x1 - x0}) < 1")


def test_a_click_on_a_line_picks_its_run_and_offers_what_can_be_done(tab):
    tab.page.mouse.click(*pixel_of(tab, "loss/train", 2, 0.8))

    tab.until("!document.querySelector('.sc-chip').hidden")
    assert tab.texts(".sc-chip-name") == ["wide/seed1"]
    tab.page.keyboard.press("Escape")
    tab.until("document.querySelector('.sc-chip').hidden")

    tab.page.mouse.click(*pixel_of(tab, "loss/train", 2, 0.8))
    tab.page.get_by_role("button", name="Only this run").click()

    until_lines(tab, 1)


def test_a_picked_run_can_be_hidden(tab):
    tab.page.mouse.click(*pixel_of(tab, "loss/train", 3, 0.8))
    tab.page.get_by_role("button", name="Hide", exact=True).click()

    until_lines(tab, 3)
    assert tab.evaluate("document.querySelector('.sc-chip').hidden")
