"""The Custom scalars page under a person's hands."""

from __future__ import annotations

import json

import pytest
from layout_store import layout_store


def card(name: str) -> str:
    return f".sc-card[data-tag={json.dumps(name)}]"


def until_lines(tab, count: int, name="Losses/both"):
    place = f"{card(name)} .gb-chart"
    return tab.until(f"document.querySelector({place!r})?.dataset.lines === '{count}'")


def tags(name="Losses/both", *, shown=None) -> str:
    pressed = "" if shown is None else f"[aria-pressed={json.dumps(str(shown).lower())}]"
    return f"{card(name)} .cs-tag{pressed}"


@pytest.fixture
def tab(open_store, tmp_path):
    return until_lines(open_store(layout_store(tmp_path), "custom_scalars?smoothing=0"), 4)


def test_charts_stand_in_the_categories_of_the_layout(tab):
    assert tab.texts(".sc-group-name") == ["Losses", "Spread"]
    assert sorted(tab.texts(".sc-groups .sc-title")) == ["both", "folds", "half right"]
    assert tab.texts(".sc-bar .count") == ["3 charts"]


def test_a_chart_draws_every_tag_that_its_patterns_match(tab):
    assert tab.texts(tags()) == ["loss/train", "loss/val"]
    view = tab.evaluate(
        f"document.querySelector({card('Losses/both') + ' .gb-chart'!r}).dataset.view"
    )
    x0, x1, _, y1 = map(float, view.split())
    assert (x0, x1) == (0, 590)
    assert 2.5 < y1 < 3  # without loss/value_of_another_kind, which begins with a match only


def test_a_pattern_that_is_none_is_said_and_the_others_are_drawn(tab):
    until_lines(tab, 2, "Losses/half right")

    assert tab.texts(tags("Losses/half right")) == ["acc"]
    (problem,) = tab.texts(f"{card('Losses/half right')} .cs-problem")
    assert problem.startswith("loss/(: not a regular expression")


def test_a_value_stands_between_its_margins(tab):
    until_lines(tab, 2, "Spread/folds")

    box = tab.page.locator(f"{card('Spread/folds')} .gb-chart").bounding_box()
    heads = "[...document.querySelectorAll('.gb-tip th')].map(e => e.textContent)"
    tab.page.mouse.move(box["x"] + 200, box["y"] + 100)
    tab.until(f"{heads}.includes('Low') && {heads}.includes('High')")

    view = tab.evaluate(
        f"document.querySelector({card('Spread/folds') + ' .gb-chart'!r}).dataset.view"
    )
    assert float(view.split()[3]) > 2.6  # the upper edge is within the range


def test_a_tag_is_hidden_and_shown_by_its_name_under_the_chart(tab):
    tab.page.locator(tags()).nth(1).click()
    until_lines(tab, 2)
    assert tab.texts(tags(shown=False)) == ["loss/val"]

    tab.reload()
    until_lines(tab, 2)
    tab.page.locator(tags(shown=False)).click()

    until_lines(tab, 4)


def test_alt_shows_one_tag_alone(tab):
    tab.page.locator(tags()).nth(1).click(modifiers=["Alt"])
    until_lines(tab, 2)
    assert tab.texts(tags(shown=True)) == ["loss/val"]

    tab.page.locator(tags()).nth(1).click(modifiers=["Alt"])

    until_lines(tab, 4)


def test_the_tags_of_one_run_have_colours_of_their_own(tab):
    samples = f"""[...document.querySelectorAll({tags()!r} + ' .gb-swatch')]
      .map(e => getComputedStyle(e).backgroundImage)"""
    assert "rgb(63, 127, 232)" not in "".join(tab.evaluate(samples))

    tab.page.locator(".grid-row", has_text="b").first.dblclick()
    until_lines(tab, 2)

    tab.until(f"{samples}[0].includes('rgb(63, 127, 232)')")
    tab.until(f"{samples}[1].includes('rgb(224, 118, 43)')")


def test_the_tooltip_names_run_and_tag_and_reads_off_exact_values(tab):
    box = tab.page.locator(f"{card('Losses/both')} .gb-chart").bounding_box()
    tab.page.mouse.move(box["x"] + 200, box["y"] + 100)

    cells = (
        "[...document.querySelectorAll('.gb-tip tbody tr')].map(r => r.cells[1].textContent + ' '"
    )
    cells += " + r.cells[2].textContent).sort().join()"
    tab.until(f"{cells} === 'a loss/train,a loss/val,b loss/train,b loss/val'")
    tab.until(
        "[...document.querySelectorAll('.gb-tip tbody tr')].every(r => /2023/.test(r.textContent))"
    )


def test_an_opened_chart_has_a_row_for_each_run_and_tag(tab):
    tab.page.locator(card("Losses/both")).hover()
    tab.page.locator(f"{card('Losses/both')} [aria-label='Open in full resolution']").click()

    tab.until("document.querySelectorAll('.sc-detail tbody tr').length === 4")
    tab.until("new URLSearchParams(location.search).get('openChart') === 'Losses/both'")
    tab.page.locator(".sc-detail th button", has_text="Tag").click()
    names = tab.texts(".sc-detail td:nth-child(2)")
    assert names == ["loss/train", "loss/train", "loss/val", "loss/val"]

    tab.reload()
    tab.until("document.querySelectorAll('.sc-detail tbody tr').length === 4")
    tab.page.keyboard.press("Escape")
    tab.until("document.querySelector('.sc-detail') === null")


def test_a_zoom_asks_for_more_points(tab):
    bodies = []
    tab.page.on(
        "request",
        lambda request: (
            request.url.endswith("/curves/custom") and bodies.append(request.post_data_json)
        ),
    )
    box = tab.page.locator(f"{card('Losses/both')} .gb-chart").bounding_box()
    tab.page.mouse.move(box["x"] + 150, box["y"] + 80)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 250, box["y"] + 80)
    tab.page.mouse.up()

    tab.until(
        f"(([x0, x1]) => x0 > 50 && x1 < 500)"
        f"(document.querySelector({card('Losses/both') + ' .gb-chart'!r}).dataset.view.split(' '))"
    )
    for _ in range(200):
        if any(body["range"] for body in bodies):
            return
        tab.page.wait_for_timeout(20)
    pytest.fail("no range was asked for")


def test_smoothing_and_axis_are_those_of_the_scalars_page(tab):
    tab.page.get_by_label("X axis", exact=True).select_option("relative")

    plot = f"{card('Losses/both')} .gb-chart"
    tab.until(f"document.querySelector({plot!r}).dataset.view.startsWith('0 59 ')")


def test_the_data_of_every_tag_can_be_taken_away(tab):
    tab.page.locator(card("Losses/both")).hover()
    tab.page.locator(f"{card('Losses/both')} [aria-label='More']").click()
    tab.page.locator(".sc-menu").get_by_text("Data of a tag").click()

    with tab.page.expect_download() as download:
        tab.page.locator(".cs-downloads tr", has_text="loss/val").get_by_text("CSV").click()

    text = download.value.path().read_text()
    assert text.startswith("run,wall_time,step,value\na,")
    assert text.count("\n") == 121


def test_charts_are_searched_by_title_and_pattern(tab):
    tab.page.get_by_label("Search charts").fill("fold/mean")

    tab.until("document.querySelectorAll('.sc-groups .sc-card').length === 1")
    assert tab.texts(".sc-groups .sc-title") == ["folds"]


def test_without_a_layout_the_page_says_how_to_log_one(open_store, tmp_path):
    tab = open_store(layout_store(tmp_path, layout=None), "custom_scalars")

    tab.until("!document.querySelector('.sc-page .empty').hidden")
    assert tab.texts(".empty h2") == ["No layout yet"]
    assert "add_custom_scalars" in tab.texts(".empty code")[0]


def test_names_with_markup_are_text(open_store, tmp_path):
    evil = "<img src=x onerror=\"document.body.dataset.xss='1'\">"
    layout = {evil: {evil: ["Multiline", ["loss/train", evil]]}}
    tab = open_store(layout_store(tmp_path, layout=layout), "custom_scalars?smoothing=0")
    tab.until("document.querySelector('.gb-chart')?.dataset.lines === '2'")

    assert tab.texts(".sc-group-name") == [evil]
    assert tab.texts(".sc-groups .sc-title") == [evil]
    assert tab.evaluate("document.querySelectorAll('.main img').length") == 0
    assert tab.evaluate("document.body.dataset.xss") is None
