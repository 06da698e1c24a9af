"""The toolbar of the Scalars page: axis, smoothing, search."""

from __future__ import annotations

import pytest
from scalar_store import a_store
from scalars_page import asked, place, until_asked, until_lines, until_view


@pytest.mark.parametrize(
    ("axis", "condition"),
    [
        ("relative", "x0 === 0 && x1 === 399"),
        ("wall", "x0 === 1790000000 && x1 === 1790000579"),
        ("active", "x0 === 0 && x1 === 399"),
        ("index", "x0 === 0 && x1 === 399"),
    ],
)
def test_every_x_axis_can_be_chosen(tab, axis, condition):
    tab.page.get_by_label("X axis", exact=True).select_option(axis)

    until_view(tab, condition)
    tab.until(f"new URLSearchParams(location.search).get('x') === '{axis}'")


@pytest.mark.parametrize("kind", ["ema", "gaussian", "mean"])
def test_every_smoothing_draws_a_line_over_the_logged_values(tab, kind):
    bodies = asked(tab)

    tab.page.get_by_label("Kind of smoothing").select_option(kind)
    tab.page.get_by_label("Amount of smoothing").fill("0.9")
    tab.page.get_by_label("Amount of smoothing").press("Enter")

    until_asked(tab, bodies, lambda body: body["smooth"] == {"kind": kind, "amount": 0.9})
    tab.until("document.querySelector('[aria-label=Smoothing]').value === '0.9'")
    heads = "[...document.querySelectorAll('.gb-tip th')].map(e => e.textContent)"
    for nudge in range(100):  # the tooltip tells of the lines that are drawn when the mouse moves
        tab.page.mouse.move(*place(tab, "loss/train", 0.5 + nudge / 1000, 0.6))
        if "Smoothed" in tab.evaluate(heads):
            return
        tab.page.wait_for_timeout(50)
    pytest.fail("no smoothed value was ever shown")


def test_the_slider_smooths_too_and_is_off_without_a_kind(tab):
    bodies = asked(tab)
    tab.page.get_by_label("Smoothing", exact=True).fill("0.5")
    until_asked(tab, bodies, lambda body: body["smooth"]["amount"] == 0.5)

    tab.page.get_by_label("Kind of smoothing").select_option("none")

    tab.until("document.querySelector('[aria-label=Smoothing]').disabled")
    until_asked(tab, bodies, lambda body: body["smooth"]["kind"] == "none")


def test_log_y_leaves_only_what_has_a_logarithm(tab):
    tab.page.get_by_role("button", name="Log y").click()

    until_view(tab, "y0 > 0 && y0 < 0.25 && y1 > 3")


def test_tags_are_searched_by_pattern_or_by_plain_text(tab):
    search = tab.page.get_by_label("Search tags")
    search.fill("loss/(train|val)")
    tab.until("document.querySelectorAll('.sc-groups .sc-card').length === 2")

    tab.page.get_by_title("Use a regular expression").click()
    tab.until("!document.querySelector('.sc-page .empty').hidden")
    assert tab.texts(".sc-page .empty h2") == ["No tag matches"]
    search.fill("loss/tr")

    tab.until("document.querySelectorAll('.sc-groups .sc-card').length === 1")
    assert tab.texts(".sc-bar .count") == ["1 tag"]


def test_a_pattern_that_is_none_is_said_beside_the_field(open_store, serve_store):
    tab = open_store(a_store(), "scalars?smoothing=0", may_fail=True)
    until_lines(tab, 4)

    tab.page.get_by_label("Search tags").fill("loss/(")

    tab.until("document.querySelector('[aria-label=\"Search tags\"]').ariaInvalid === 'true'")
    assert len(tab.texts(".sc-bar .count")[0]) > 10


def test_the_slash_key_goes_to_the_search(tab):
    tab.page.keyboard.press("/")

    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Search tags"


def test_the_tag_search_completes_prefixes(tab):
    offered = "[...document.querySelector('#tag-completion').options].map(e => e.value)"
    assert tab.evaluate(offered)[:2] == ["loss/", "optim/"]

    tab.page.get_by_label("Search tags").fill("optim")

    tab.until(f"{offered}.join() === 'optim/,optim/lr'")
