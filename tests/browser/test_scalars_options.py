"""The options of the Scalars page: what is drawn, and how wide."""

from __future__ import annotations

from scalar_store import ScalarStore, losses, series_of
from scalars_page import asked, card, open_options, plot, until_asked, until_lines, until_view, view


def test_options_of_the_axes_change_what_is_drawn(tab):
    options = open_options(tab)

    options.get_by_label("Range of y").select_option("fixed")
    options.get_by_label("from", exact=True).fill("-1")
    options.get_by_label("to", exact=True).fill("4")
    options.get_by_label("to", exact=True).press("Enter")
    until_view(tab, "y0 === -1 && y1 === 4")

    options.get_by_label("Range of y").select_option("own")
    options.get_by_text("Log scale").click()
    until_view(tab, "x0 > 0 && x0 <= 10 && x1 === 3990")

    options.get_by_label("Vertical lines at").fill("1000, 2e3")
    options.get_by_label("Vertical lines at").press("Enter")
    tab.until("new URLSearchParams(location.search).get('marks') === '[1000,2000]'")


def test_a_shared_range_is_the_same_in_all_charts_of_a_group(tab):
    open_options(tab).get_by_label("Range of y").select_option("shared")

    tab.until(
        "(([a, b, c]) => a && a === b && b === c)(['loss/train', 'loss/val', 'loss/restarted']"
        ".map(t => document.querySelector(`.sc-card[data-tag='${t}'] .gb-chart`).dataset.view"
        ".split(' ').slice(2).join()))"
    )
    assert view(tab, "optim/lr")[3] < 0.01


def test_outliers_are_left_out_until_they_are_asked_for(open_store):
    spiked = losses(0)
    spiked[100] = 500.0
    tab = open_store(ScalarStore({"a": {"loss/train": series_of(spiked)}}), "scalars?smoothing=0")
    until_lines(tab, 1)
    until_view(tab, "y1 < 10")

    open_options(tab).get_by_text("Ignore outliers").click()

    until_view(tab, "y1 > 500")


def test_markers_and_overwritten_points_can_be_turned_off_and_on(tab):
    bodies = asked(tab)
    options = open_options(tab)

    options.get_by_text("Mark NaN and infinities").click()
    tab.until(f"document.querySelector({plot('loss/val')!r}).dataset.markers === '0'")
    options.get_by_text("Show overwritten points").click()

    until_asked(tab, bodies, lambda body: body["overwritten"])


def test_seeds_fold_into_one_line_with_a_band(tab):
    options = open_options(tab)
    options.get_by_text("Fold runs into bands").click()
    until_lines(tab, 2)

    bodies = asked(tab)
    options.get_by_label("Line", exact=True).select_option("median")
    options.get_by_label("Band", exact=True).select_option("minmax")
    options.get_by_label("Regular expression of the group's name").fill("seed(\\d)")
    options.get_by_label("Regular expression of the group's name").press("Enter")

    wanted = {"by": "regex", "pattern": "seed(\\d)", "center": "median", "band": "minmax"}
    until_asked(tab, bodies, lambda body: body["fold"] == wanted)
    options.get_by_text("Fold runs into bands").click()
    until_lines(tab, 4)


def test_cards_take_the_width_that_is_chosen(tab):
    before = tab.page.locator(card("loss/train")).bounding_box()["width"]

    open_options(tab).get_by_label("Card width").fill("800")

    tab.until(f"document.querySelector({card('loss/train')!r}).clientWidth > {before + 200}")
