"""Steps and ranges marked in the charts of the Scalars page."""

from __future__ import annotations

import json

from scalars_page import drag, open_options, place, plot


def test_a_step_is_marked_in_all_charts_and_read_off_in_tables(tab):
    options = open_options(tab)
    options.get_by_label("Mark", exact=True).select_option("step")
    options.get_by_text("Table under each chart").click()
    tab.page.keyboard.press("Escape")
    tab.until("document.querySelectorAll('.sc-groups .gb-fob').length >= 4")

    tab.page.mouse.click(*place(tab, "loss/train", 0.5, 0.06))

    tab.until("new URLSearchParams(location.search).get('at')?.endsWith(',null]')")
    at = json.loads(tab.evaluate("new URLSearchParams(location.search).get('at')"))[0]
    assert 1500 < at < 2300
    tab.until(
        f"[...document.querySelectorAll('.sc-table-at')].some(e => e.textContent.includes("
        f"{f'at {at:,}'!r}))"
    )


def test_a_range_is_marked_by_two_handles_that_can_be_dragged(tab):
    open_options(tab).get_by_label("Mark", exact=True).select_option("range")
    tab.page.keyboard.press("Escape")
    tab.until(f"document.querySelectorAll({(plot('loss/train') + ' .gb-fob')!r}).length === 2")

    handle = tab.page.locator(f"{plot('loss/train')} .gb-fob").nth(1).bounding_box()
    start = (handle["x"] + 4, handle["y"] + 60)
    drag(tab, start, (start[0] - 120, start[1]))

    tab.until("JSON.parse(new URLSearchParams(location.search).get('at') ?? '[0,9999]')[1] < 3990")
    tab.until(f"document.querySelector({(plot('loss/val') + ' .gb-shade')!r}) !== null")


def test_unlinked_marks_stay_in_their_own_chart(tab):
    options = open_options(tab)
    options.get_by_label("Mark", exact=True).select_option("step")
    options.get_by_text("The same mark in all charts").click()
    tab.page.keyboard.press("Escape")
    fob = "e => e.querySelector('.gb-fob')?.textContent"
    tab.until(f"({fob})(document.querySelector({plot('loss/train')!r})) === '3.99k'")

    tab.page.mouse.click(*place(tab, "loss/train", 0.5, 0.06))

    tab.until(f"({fob})(document.querySelector({plot('loss/train')!r})) !== '3.99k'")
    assert tab.evaluate(f"({fob})(document.querySelector({plot('loss/val')!r}))") == "3.99k"
