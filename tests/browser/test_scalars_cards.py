"""The cards of the Scalars page: pins, groups, sizes, and what can be taken away."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from scalar_store import NAMES
from scalars_page import card, drag, plot, until_lines, until_view, view


def test_a_pinned_card_stands_on_top_and_in_links(tab):
    tab.page.locator(card("optim/lr")).hover()
    tab.page.locator(f"{card('optim/lr')} [aria-label='Pin to the top']").click()

    tab.until("document.querySelector('.sc-group-name').textContent === 'Pinned'")
    tab.until("document.querySelectorAll(\".sc-card[data-tag='optim/lr']\").length === 2")
    tab.reload()
    tab.until("document.querySelector('.sc-group-name')?.textContent === 'Pinned'")
    tab.page.get_by_role("button", name="Clear all pins").click()

    tab.until("document.querySelector('.sc-group-name').textContent === 'loss'")


def test_a_group_closes_and_its_cards_are_gone(tab):
    tab.page.locator(".sc-group-head", has_text="loss").click()

    tab.until("document.querySelectorAll('.sc-groups .sc-card').length === 1")
    tab.page.locator(".sc-group-head", has_text="loss").click()
    until_lines(tab, 4)


def test_the_corner_of_a_card_makes_all_plots_higher_and_they_stay_so(tab):
    height = f"document.querySelector({plot('loss/val')!r}).clientHeight"
    before = tab.evaluate(height)
    corner = tab.page.locator(f"{card('loss/train')} .sc-grip").bounding_box()
    at = corner["x"] + 8, corner["y"] + 8

    drag(tab, at, (at[0] + 30, at[1] + 100))

    tab.until(f"{height} === {before + 100}")
    tab.reload()
    until_lines(tab, 4)
    assert tab.evaluate(height) == before + 100
    tab.page.locator(f"{card('loss/train')} .sc-grip").dblclick()
    tab.until(f"{height} === {before}")


def open_menu(tab, tag_name):
    tab.page.locator(card(tag_name)).hover()
    tab.page.locator(f"{card(tag_name)} [aria-label='More']").click()
    return tab.page.locator(".sc-menu")


def test_the_menu_of_a_card_turns_its_own_axis_logarithmic(tab):
    open_menu(tab, "optim/lr").get_by_text("Log y axis").click()

    until_view(tab, "y0 > 0 && y0 < 1e-5", "optim/lr")
    assert view(tab, "loss/train")[2] < 0.2


def test_the_menu_of_a_card_gives_it_the_full_width(tab):
    open_menu(tab, "loss/train").get_by_text("Full width").click()

    tab.until(
        f"document.querySelector({card('loss/train')!r}).clientWidth"
        " > 0.9 * document.querySelector('.sc-groups').clientWidth"
    )


@pytest.mark.parametrize(
    ("name", "mark"), [("CSV", b"wall_time"), ("JSON", b"{"), ("Parquet", b"PAR1")]
)
def test_the_data_of_a_card_can_be_taken_away(tab, name, mark):
    with tab.page.expect_download() as download:
        open_menu(tab, "loss/train").get_by_text(f"Data as {name}").click()

    content = download.value.path().read_bytes()
    assert mark in content


def test_a_figure_is_saved_with_legend_and_names_of_both_axes(tab):
    with tab.page.expect_download() as download:
        open_menu(tab, "loss/val").get_by_text("Figure as SVG").click()

    root = ET.parse(download.value.path()).getroot()
    texts = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(NAMES) <= set(texts)
    assert "Step" in texts
    assert texts.count("loss/val") == 2
    assert download.value.suggested_filename == "loss_val.svg"


def test_a_figure_is_saved_as_pixels_too(tab):
    with tab.page.expect_download() as download:
        open_menu(tab, "loss/val").get_by_text("Figure as PNG").click()

    assert download.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
