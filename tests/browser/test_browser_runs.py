from __future__ import annotations

import csv
import io
import json

import pytest
from run_store import RunStore, run

FILTER = "[aria-label='Filter runs']"
NAMES = ["base_2", "base_10", "lr=1/seed_1", "lr=1/seed_2", "lr=2/seed_1", "lr=2/seed_2"]
SELECTED = "[...document.querySelectorAll('.grid-row.is-on')].filter(e => e.checkVisibility())"
ROWS = "[...document.querySelectorAll('.grid-row')].filter(e => e.checkVisibility())"


def names(tab):
    return tab.texts(".grid-row .run-name")


def selected(tab):
    return tab.texts(".grid-row.is-on .run-name")


def row(tab, name):
    return tab.page.locator(".grid-row", has=tab.page.locator(f".run-name[title='{name}']"))


def until_names(tab, expected):
    shown = f"{ROWS}.map(e => [+e.ariaRowIndex, e.querySelector('.run-name').textContent])"
    wanted = json.dumps(expected, separators=(",", ":"))
    tab.until(f"JSON.stringify({shown}.sort((a, b) => a[0] - b[0]).map(e => e[1])) === {wanted!r}")


def until_selected(tab, count):
    tab.until(f"{SELECTED}.length === {count}")


def colour(tab, name):
    return row(tab, name).locator(".swatch").evaluate("e => getComputedStyle(e).backgroundColor")


def test_all_runs_are_listed_in_the_order_of_the_catalogue_and_selected(open_store):
    tab = open_store(RunStore.named(*NAMES))
    until_selected(tab, len(NAMES))

    assert names(tab) == NAMES


def test_words_of_the_filter_must_all_occur_in_a_name(open_store):
    tab = open_store(RunStore.named(*NAMES))

    tab.page.fill(FILTER, "SEED lr=2")

    tab.until(f"{ROWS}.length === 2")
    assert names(tab) == ["lr=2/seed_1", "lr=2/seed_2"]


def test_a_filter_between_slashes_is_a_pattern(open_store):
    tab = open_store(RunStore.named(*NAMES))

    tab.page.fill(FILTER, "/lr=.*_1$/")

    tab.until(f"{ROWS}.length === 2")
    assert names(tab) == ["lr=1/seed_1", "lr=2/seed_1"]


def test_the_pattern_button_turns_words_into_a_pattern_and_back(open_store):
    tab = open_store(RunStore.named(*NAMES))
    tab.page.fill(FILTER, "base_.0")
    tab.until("document.querySelector('.empty').checkVisibility()")

    tab.page.click("[aria-label='Regular expression']")

    tab.until(f"{ROWS}.length === 1")
    assert tab.page.input_value(FILTER) == "/base_.0/"
    tab.page.click("[aria-label='Regular expression']")
    assert tab.page.input_value(FILTER) == "base_.0"


def test_a_broken_pattern_is_explained_and_hides_nothing(open_store):
    tab = open_store(RunStore.named(*NAMES))

    tab.page.fill(FILTER, "/seed_[1/")

    tab.until("document.querySelector('.runs-page .field-error').textContent !== ''")
    assert "unterminated character class" in tab.page.inner_text(".runs-page .field-error")
    assert names(tab) == NAMES


def test_a_click_takes_a_run_out_and_another_brings_it_back(open_store):
    tab = open_store(RunStore.named(*NAMES))
    until_selected(tab, 6)

    row(tab, "base_10").click()
    until_selected(tab, 5)
    assert "base_10" not in selected(tab)

    tab.page.wait_for_timeout(600)  # a second click sooner would be a double click
    row(tab, "base_10").click()
    until_selected(tab, 6)


def test_a_click_with_shift_treats_the_whole_range_alike(open_store):
    tab = open_store(RunStore.named(*NAMES))
    until_selected(tab, 6)

    row(tab, "base_10").click()
    row(tab, "lr=2/seed_1").click(modifiers=["Shift"])

    until_selected(tab, 2)
    assert selected(tab) == ["base_2", "lr=2/seed_2"]


def test_a_double_click_leaves_one_run_and_another_brings_all_back(open_store):
    tab = open_store(RunStore.named(*NAMES))

    row(tab, "lr=1/seed_2").dblclick()
    until_selected(tab, 1)
    assert selected(tab) == ["lr=1/seed_2"]

    row(tab, "lr=1/seed_2").locator("[data-part=only]").click()
    until_selected(tab, 6)


def test_the_box_in_the_head_selects_what_is_shown_and_nothing_else(open_store):
    tab = open_store(RunStore.named(*NAMES))
    box = tab.page.locator(".grid-head .check")
    box.click()
    until_selected(tab, 0)

    tab.page.fill(FILTER, "seed_1")
    tab.until(f"{ROWS}.length === 2")
    box.click()
    tab.page.fill(FILTER, "")

    tab.until(f"{ROWS}.length === 6")
    assert selected(tab) == ["lr=1/seed_1", "lr=2/seed_1"]
    assert box.get_attribute("aria-checked") == "mixed"


def test_only_the_filtered_runs_can_be_selected_at_once(open_store):
    tab = open_store(RunStore.named(*NAMES))
    tab.page.fill(FILTER, "base")

    tab.page.click("text=Select only these")
    tab.page.fill(FILTER, "")

    tab.until(f"{ROWS}.length === 6")
    assert selected(tab) == ["base_2", "base_10"]


def test_a_selection_survives_in_the_address_by_name(serve_store, open_tab):
    first = serve_store(RunStore.named(*NAMES))
    tab = open_tab(first.root_url).open("runs")
    row(tab, "base_2").click()
    until_selected(tab, 5)
    tab.until("location.search.includes('runs=')")
    query = tab.evaluate("location.search")

    # Another server gives the same names other numbers.
    again = serve_store(RunStore.named(*reversed(NAMES)))
    other = open_tab(again.root_url).open(f"runs{query}")

    until_selected(other, 5)
    assert "base_2" not in selected(other)


def test_runs_chosen_by_a_pattern_take_in_later_ones(open_store):
    store = RunStore.named(*NAMES)
    tab = open_store(store)
    tab.page.fill(FILTER, "/^base/")
    tab.page.click("text=Select only these")
    tab.page.fill(FILTER, "")
    until_selected(tab, 2)

    store.add("base_11")

    until_selected(tab, 3)
    assert selected(tab) == ["base_2", "base_10", "base_11"]


def test_a_run_that_appears_later_is_listed_and_moves_no_colour(open_store):
    store = RunStore(*(run(number, name) for number, name in enumerate(["b", "c"])))
    tab = open_store(store)
    until_selected(tab, 2)
    before = colour(tab, "b")

    store.runs = (run(2, "a"), *store.runs)
    store.version += 1

    tab.until(f"{ROWS}.length === 3")
    assert names(tab) == ["a", "b", "c"]
    assert colour(tab, "b") == before
    assert len({colour(tab, name) for name in "abc"}) == 3


def test_of_very_many_runs_the_first_hundred_are_selected(open_store):
    tab = open_store(RunStore.named(*(f"run_{i:03}" for i in range(150))))

    tab.until("document.querySelector('.page-head .count').textContent.includes('100 selected')")


def test_a_colour_picked_for_a_run_stays_with_its_name(open_store):
    tab = open_store(RunStore.named(*NAMES))
    until_selected(tab, 6)

    row(tab, "base_10").locator(".swatch").click()
    tab.page.click(".colour-grid button[aria-label='#c34e58']")
    tab.until("!document.querySelector('.colour-picker')")

    assert colour(tab, "base_10") == "rgb(195, 78, 88)"
    tab.reload()
    until_selected(tab, 6)
    assert colour(tab, "base_10") == "rgb(195, 78, 88)"
    row(tab, "base_10").locator(".swatch").click()
    tab.page.click(".colour-picker >> text=Reset")
    assert colour(tab, "base_10") != "rgb(195, 78, 88)"


def test_any_colour_can_be_given_by_the_browsers_own_picker(open_store):
    tab = open_store(RunStore.named(*NAMES))
    until_selected(tab, 6)

    row(tab, "base_2").locator(".swatch").click()
    tab.page.fill(".colour-own input", "#123456")

    tab.until(
        "getComputedStyle(document.querySelector('.grid-row .swatch')).backgroundColor"
        " === 'rgb(18, 52, 86)'"
    )


def test_runs_of_one_group_share_a_colour(open_store):
    tab = open_store(RunStore.named(*NAMES))
    until_selected(tab, 6)

    tab.page.select_option("[aria-label='Colour runs by']", "re")
    tab.page.fill("[aria-label^='Pattern whose groups']", "(.*)/seed")
    tab.until("document.querySelectorAll('.groups .chip').length === 3")

    assert tab.texts(".groups .chip > span:nth-child(2)") == ["lr=1", "lr=2", "no group"]
    assert colour(tab, "lr=1/seed_1") == colour(tab, "lr=1/seed_2")
    assert colour(tab, "lr=1/seed_1") != colour(tab, "lr=2/seed_1")
    assert colour(tab, "base_2") == colour(tab, "base_10")


def test_columns_sort_by_value_both_ways_with_missing_values_last(open_store):
    steps = [90, 1000, 2**60, 7]
    runs = [run(i, f"r{i}", last_step=step) for i, step in enumerate(steps)]
    tab = open_store(RunStore(*runs, run(4, "r4", tags={})))
    tab.until(f"{ROWS}.length === 5")
    head = tab.page.locator("[role=columnheader]", has_text="Last step")

    head.locator("button").click()
    until_names(tab, ["r2", "r1", "r0", "r3", "r4"])
    assert head.get_attribute("aria-sort") == "descending"

    head.locator("button").click()
    until_names(tab, ["r3", "r0", "r1", "r2", "r4"])


def test_a_step_beyond_two_to_the_53_is_shown_exactly(open_store):
    tab = open_store(RunStore(run(0, "r", last_step=2**53 + 1)))

    tab.until(f"{ROWS}.length === 1")

    assert "9,007,199,254,740,993" in tab.texts(".grid-row")[0]


def test_the_table_is_worked_by_keys_alone(open_store):
    tab = open_store(RunStore.named(*NAMES))
    until_selected(tab, 6)
    tab.page.locator("[role=grid]").focus()

    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("Space")
    until_selected(tab, 5)
    assert "base_10" not in selected(tab)
    active = tab.page.get_attribute("[role=grid]", "aria-activedescendant")
    assert tab.page.locator(f"#{active}").get_attribute("aria-selected") == "false"

    tab.page.keyboard.press("Shift+ArrowDown")
    until_selected(tab, 4)
    tab.page.keyboard.press("End")
    tab.page.keyboard.press("Enter")
    until_selected(tab, 1)
    assert selected(tab) == ["lr=2/seed_2"]


def test_names_from_logs_are_shown_as_text_with_their_hidden_marks(open_store):
    evil = "<img src=x onerror='window.bad=1'>"
    tab = open_store(RunStore.named(evil, "turned\u202eround"), "scalars")

    tab.until(f"{ROWS}.length === 2")

    assert names(tab) == [evil, "turned\\u202eround"]
    assert tab.evaluate("document.images.length") == 0
    assert tab.evaluate("window.bad === undefined")


def test_names_that_javascript_knows_are_names_like_others(open_store):
    special = ["__proto__", "constructor", "toString"]
    tab = open_store(RunStore.named(*special))
    until_selected(tab, 3)

    row(tab, "__proto__").locator(".swatch").click()
    tab.page.click(".colour-grid button[aria-label='#c34e58']")
    tab.reload()
    until_selected(tab, 3)

    assert colour(tab, "__proto__") == "rgb(195, 78, 88)"
    assert colour(tab, "constructor") == "rgb(224, 118, 43)"


@pytest.mark.slow
def test_of_ten_thousand_runs_only_the_visible_ones_are_in_the_page(open_store):
    tab = open_store(RunStore.named(*(f"group_{i // 100}/run_{i}" for i in range(10_000))))
    tab.until("document.querySelector('[role=grid]').ariaRowCount === '10001'")

    assert tab.evaluate("document.querySelectorAll('.grid-row').length") < 100
    tab.page.locator("[role=grid]").focus()
    tab.page.keyboard.press("End")
    tab.until(f"{ROWS}.some(e => e.textContent.includes('run_9999'))")
    tab.page.fill(FILTER, "/run_77.$/")
    until_names(tab, [f"group_7/run_77{i}" for i in range(10)])


def test_the_list_is_taken_away_as_csv_as_it_is_shown(open_store):
    tab = open_store(RunStore.named('say "hi", you', "other", "third"))
    tab.until(f"{ROWS}.length === 3")
    tab.page.fill(FILTER, "/o/")
    tab.until(f"{ROWS}.length === 2")

    with tab.page.expect_download() as download:
        tab.page.click("text=CSV")
    text = download.value.path().read_text()

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == ['say "hi", you', "other"]
    assert [row["points"] for row in rows] == ["10", "20"]
    assert [float(row["duration_s"]) for row in rows] == [60.0, 119.0]


def test_a_board_without_runs_says_what_to_do(open_store):
    store = RunStore()
    store.version = 0  # nothing has ever changed
    tab = open_store(store)

    tab.until("document.querySelector('.runs-page .empty').textContent.includes('No runs yet')")
