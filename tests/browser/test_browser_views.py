"""Saved views under a person's hands."""

from __future__ import annotations

import json
import urllib.request

import pytest
from layout_store import layout_store
from scalar_store import a_store

from gpuboard.serve.run_selection import code_of
from gpuboard.serve.static_files import static_url

NOTE = {
    "id": "note1",
    "kind": "note",
    "title": "Why",
    "width": 4,
    "height": 3,
    "spec": {"text": "so"},
}
LOSS = {
    "id": "loss1",
    "kind": "scalar",
    "title": "Loss",
    "width": 6,
    "height": 6,
    "spec": {"tag": "loss/train"},
}
BOTH = {
    "id": "both1",
    "kind": "custom",
    "title": "Both",
    "width": 6,
    "height": 7,
    "spec": {"tags": ["loss/(train|val)$"], "margins": []},
}


@pytest.fixture(autouse=True)
def _own_place(monkeypatch, tmp_path):
    monkeypatch.setenv("GPUBOARD_KEEP", str(tmp_path / "kept"))


class Board:
    """A server over four runs, and its views."""

    def __init__(self, server):
        self.url = server.root_url

    def put(self, view_id, title, cards=(), *, revision=0, **layout):
        layout = {"cards": list(cards), "follow": True, "settings": {"smoothing": 0}, **layout}
        body = json.dumps({"title": title, "revision": revision, "layout": layout}).encode()
        request = urllib.request.Request(
            f"{self.url}api/v1/views/{view_id}", body, {"Authorization": "Bearer x"}, method="PUT"
        )
        urllib.request.urlopen(request).read()
        return view_id

    def get(self, view_id):
        with urllib.request.urlopen(f"{self.url}api/v1/views/{view_id}") as reply:
            return json.load(reply)

    def views(self):
        with urllib.request.urlopen(f"{self.url}api/v1/views") as reply:
            return {view["id"]: view for view in json.load(reply)["views"]}


@pytest.fixture
def board(serve_store):
    return Board(serve_store(a_store()))


@pytest.fixture
def open_view(board, open_tab):
    def start(*cards, **layout):
        board.put("view1", "My view", cards, **layout)
        return open_tab(board.url).open("views?view=view1")

    return start


def until_lines(tab, count: int, card="loss1"):
    place = f"[data-card='{card}'] .gb-chart"
    return tab.until(f"document.querySelector({place!r})?.dataset.lines === '{count}'")


def cards_of(tab) -> list[str]:
    return tab.evaluate("[...document.querySelectorAll('.vw-card')].map(e => e.dataset.card)")


def save(tab):
    tab.page.get_by_role("button", name="Save", exact=True).click()
    return tab.until("document.querySelector('.vw-status').textContent === 'Saved'")


def menu(tab, card: str, text: str):
    tab.page.locator(f"[data-card='{card}']").hover()
    tab.page.locator(f"[data-card='{card}'] [aria-label=More]").click()
    tab.page.locator(".sc-menu").get_by_text(text, exact=True).click()


def status(tab) -> str:
    return tab.texts(".vw-status")[0]


# The list.


def test_without_views_the_page_says_what_they_are(open_tab, board):
    tab = open_tab(board.url).open("views")

    tab.until("document.querySelector('.empty h2')?.textContent === 'No views yet'")


def test_a_new_view_opens_empty_and_is_in_the_list(open_tab, board):
    tab = open_tab(board.url).open("views")
    tab.page.get_by_role("button", name="New view").click()
    tab.until("document.querySelector('.vw-title')?.value === 'Untitled view'")
    tab.until("new URLSearchParams(location.search).get('view')?.length > 3")

    tab.page.get_by_role("button", name="All views").click()

    tab.until("document.querySelectorAll('.vw-tile').length === 1")
    assert tab.texts(".vw-tile-title") == ["Untitled view"]


def test_a_view_is_duplicated_renamed_deleted_and_brought_back(open_tab, board):
    board.put("view1", "First", [NOTE])
    tab = open_tab(board.url).open("views")

    def act(title, what):
        tile = tab.page.locator(".vw-tile", has=tab.page.get_by_text(title, exact=True))
        tile.locator("[aria-label=More]").click()
        tab.page.locator(".sc-menu").get_by_text(what, exact=True).click()

    def until_titles(*titles):
        tab.until(
            "[...document.querySelectorAll('.vw-tile-title')].map(e => e.textContent).sort().join()"
            f" === {','.join(sorted(titles))!r}"
        )

    act("First", "Duplicate")
    until_titles("First", "First (copy)")
    act("First (copy)", "Rename")
    tab.page.locator("dialog input").fill("Second")
    tab.page.locator("dialog").get_by_text("Done").click()
    until_titles("First", "Second")
    act("First", "Delete")
    until_titles("Second")
    tab.page.locator(".vw-undo").get_by_text("Undo").click()
    until_titles("First", "Second")

    assert [view["cards"] for view in board.views().values()] == [1, 1]


# The open view.


def test_its_charts_are_drawn_and_follow_the_log(serve_store, open_tab, tmp_path):
    store = a_store()
    board = Board(serve_store(store))
    board.put("view1", "My view", [LOSS, BOTH, NOTE])
    tab = open_tab(board.url).open("views?view=view1")
    until_lines(tab, 4)
    until_lines(tab, 8, "both1")
    assert tab.evaluate("document.querySelector('.vw-note').value") == "so"

    store.put(0, "loss/train", store.series(1, "optim/lr"))

    tab.until(
        "document.querySelector('[data-card=loss1] .gb-chart').dataset.view.split(' ')[2] < 0.01"
    )


def test_what_is_changed_is_a_draft_until_it_is_saved(open_view, board):
    tab = open_view(NOTE, LOSS)
    until_lines(tab, 4)
    assert status(tab) == "Saved"

    tab.page.locator(".vw-note").fill("because")
    tab.page.locator(".vw-title").fill("Renamed")
    assert status(tab) == "Changed"
    assert board.get("view1")["title"] == "My view"
    tab.reload()
    tab.until("document.querySelector('.vw-note')?.value === 'because'")
    save(tab)

    kept = board.get("view1")
    assert kept["title"] == "Renamed"
    assert kept["layout"]["cards"][0]["spec"] == {"text": "because"}
    assert kept["revision"] == 2


def test_a_draft_can_be_discarded(open_view):
    tab = open_view(NOTE)
    tab.until("document.querySelector('.vw-note')")
    tab.page.locator(".vw-note").fill("because")

    tab.page.get_by_role("button", name="Discard").click()

    tab.until("document.querySelector('.vw-note')?.value === 'so'")
    assert status(tab) == "Saved"


def test_the_save_key_saves(open_view, board):
    tab = open_view(NOTE)
    tab.page.locator(".vw-title").fill("By key")
    tab.page.keyboard.press("Control+s")

    tab.until("document.querySelector('.vw-status').textContent === 'Saved'")
    assert board.get("view1")["title"] == "By key"


def test_two_who_save_the_same_view_are_told(open_tab, board):
    board.put("view1", "My view", [NOTE])
    tab = open_tab(board.url, may_fail=True).open("views?view=view1")
    tab.page.locator(".vw-title").fill("Mine")
    board.put("view1", "Theirs", [NOTE, LOSS], revision=1)

    tab.page.get_by_role("button", name="Save", exact=True).click()
    tab.until("document.querySelector('.vw-status').textContent.includes('somebody else')")
    tab.page.get_by_text("Take theirs, drop my changes").click()

    tab.until("document.querySelector('.vw-title').value === 'Theirs'")
    assert len(cards_of(tab)) == 2
    tab.page.locator(".vw-title").fill("Both")
    save(tab)
    assert board.get("view1")["title"] == "Both"


def test_a_chart_is_put_together_by_patterns(open_view, board):
    tab = open_view()
    tab.page.get_by_role("button", name="Add").click()
    tab.page.locator(".sc-menu").get_by_text("Chart").click()
    tab.page.get_by_label("Tag or pattern").fill("loss/(train|val)$")
    tab.until("document.querySelector('.ve-found').textContent.startsWith('2 tags: loss/train')")
    tab.page.locator("dialog").get_by_label("Title").fill("Losses")
    tab.page.locator("dialog").get_by_text("Done").click()
    (card,) = cards_of(tab)

    until_lines(tab, 8, card)
    save(tab)

    (kept,) = board.get("view1")["layout"]["cards"]
    assert (kept["kind"], kept["title"]) == ("custom", "Losses")
    assert kept["spec"] == {"tags": ["loss/(train|val)$"], "margins": []}


def test_a_chart_with_margins_is_put_together_and_edited(serve_store, open_tab, tmp_path):
    board = Board(serve_store(layout_store(tmp_path / "runs")))
    board.put("view1", "My view")
    tab = open_tab(board.url).open("views?view=view1")
    tab.page.get_by_role("button", name="Add").click()
    tab.page.locator(".sc-menu").get_by_text("Chart").click()
    tab.page.get_by_text("A value between margins").click()
    for name in ("value", "lower"):
        tab.page.get_by_label(f"Tag of the {name}").fill(
            f"fold/{'mean' if name == 'value' else 'low'}"
        )
    tab.page.locator("dialog").get_by_text("Done").click()
    assert tab.texts("dialog .field-error") == ["Name the tags of value, lower and upper."]
    tab.page.get_by_label("Tag of the upper").fill("fold/high")
    tab.page.locator("dialog").get_by_text("Done").click()
    (card,) = cards_of(tab)
    until_lines(tab, 2, card)

    menu(tab, card, "Edit")
    tab.page.get_by_text("Lines of all tags that match").click()
    tab.page.get_by_label("Tag or pattern").fill("acc")
    tab.page.locator("dialog").get_by_text("Done").click()

    tab.until(f"document.querySelector(\"[data-card='{card}'] .cs-tag\")?.textContent === 'acc'")


def test_cards_are_dragged_to_another_place(open_view, board):
    tab = open_view(NOTE, LOSS, BOTH)
    until_lines(tab, 8, "both1")

    start = tab.page.locator("[data-card=both1] .sc-title").bounding_box()
    end = tab.page.locator("[data-card=note1]").bounding_box()
    tab.page.mouse.move(start["x"] + 10, start["y"] + 8)
    tab.page.mouse.down()
    tab.page.mouse.move(end["x"] + 80, end["y"] + 60, steps=5)
    tab.page.mouse.move(end["x"] + 20, end["y"] + 40)
    tab.page.mouse.up()

    assert cards_of(tab) == ["both1", "note1", "loss1"]
    save(tab)
    assert [c["id"] for c in board.get("view1")["layout"]["cards"]] == ["both1", "note1", "loss1"]


def test_cards_are_resized_by_their_corner(open_view, board):
    tab = open_view(LOSS)
    until_lines(tab, 4)
    box = tab.page.locator("[data-card=loss1]").bounding_box()
    step = tab.page.locator(".vw-grid").bounding_box()["width"] / 12

    tab.page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] + 3 * step, box["y"] + box["height"] + 100)
    tab.page.mouse.up()
    save(tab)

    (card,) = board.get("view1")["layout"]["cards"]
    assert (card["width"], card["height"]) == (9, 8)


def test_cards_move_widen_and_leave_by_their_menu(open_view):
    tab = open_view(NOTE, LOSS)
    until_lines(tab, 4)

    menu(tab, "loss1", "Move forward")
    assert cards_of(tab) == ["loss1", "note1"]
    menu(tab, "loss1", "Full width")
    tab.until(
        "getComputedStyle(document.querySelector('[data-card=loss1]')).gridColumn.includes('12')"
    )
    menu(tab, "note1", "Remove from the view")

    assert cards_of(tab) == ["loss1"]


def test_smoothing_of_the_toolbar_belongs_to_the_view(open_view, board):
    tab = open_view(LOSS)
    until_lines(tab, 4)

    tab.page.get_by_label("Amount of smoothing").fill("0.9")
    tab.page.get_by_label("Amount of smoothing").press("Enter")
    save(tab)

    assert board.get("view1")["layout"]["settings"] == {"smoothing": 0.9}
    assert "smoothing" not in tab.evaluate("location.search")


def test_one_chart_can_have_an_axis_of_its_own(open_view, board):
    tab = open_view(LOSS, BOTH)
    until_lines(tab, 4)
    menu(tab, "loss1", "Axis and smoothing of its own")
    until_lines(tab, 4)
    menu(tab, "loss1", "Change axis and smoothing")
    tab.page.locator(".popover").get_by_label("X axis", exact=True).select_option("index")

    view = "document.querySelector('[data-card={}] .gb-chart').dataset.view.split(' ')[1]"
    tab.until(f"{view.format('loss1')} === '399'")
    assert tab.evaluate(view.format("both1")) == "3990"
    tab.page.keyboard.press("Escape")
    save(tab)
    assert board.get("view1")["layout"]["cards"][0]["spec"]["settings"]["x"] == "index"


def test_log_y_belongs_to_the_card(open_view, board):
    tab = open_view(LOSS)
    until_lines(tab, 4)

    menu(tab, "loss1", "Log y axis")

    tab.until("document.querySelector('.gb-chart').dataset.view.split(' ')[2] > 0")
    save(tab)
    assert board.get("view1")["layout"]["cards"][0]["spec"]["logY"] is True


@pytest.mark.slow
def test_the_selection_of_runs_is_kept_with_the_view_if_wanted(open_view, board, open_tab):
    tab = open_view(LOSS)
    until_lines(tab, 4)
    tab.page.locator(".grid-row", has_text="seed1").first.dblclick()
    until_lines(tab, 1)
    assert status(tab) == "Saved"  # the view follows the selector

    tab.page.get_by_label("Keep the selected runs").check()
    save(tab)
    kept = board.get("view1")["layout"]

    assert (kept["follow"], kept["runs"][0], len(kept["runs"])) == (False, "+", 6)
    other = open_tab(board.url).open("views?view=view1")
    until_lines(other, 1)


def test_page_and_server_agree_on_the_codes_of_runs(open_tab, board):
    names = ["a", "adam/seed0", "ünï ❤", "x" * 300, ""]
    tab = open_tab(board.url).open("views")
    url = json.dumps(f"{board.url}{static_url('runs.js')}")

    codes = tab.evaluate(f"import({url}).then(m => {json.dumps(names)}.map(m.codeOf))")

    assert codes == [code_of(name) for name in names]


def test_a_hidden_tag_stays_hidden_in_the_view(open_view, board):
    tab = open_view(BOTH)
    until_lines(tab, 8, "both1")

    tab.page.locator(".cs-tag").nth(1).click()
    until_lines(tab, 4, "both1")
    save(tab)

    assert board.get("view1")["layout"]["cards"][0]["spec"]["hidden"] == ["loss/val"]


def test_a_card_of_an_unknown_kind_leads_to_its_page(open_view):
    card = {**NOTE, "kind": "hologram", "spec": {"tag": "a/b", "page": "images"}}
    tab = open_view(card)

    tab.until("document.querySelector('.vw-absent a')")
    href = tab.evaluate("document.querySelector('.vw-absent a').getAttribute('href')")
    assert href == "./images?tagFilter=a%2Fb&tagRegex=0"


def test_a_view_that_is_gone_is_said(open_tab, board):
    tab = open_tab(board.url, may_fail=True).open("views?view=nothing")

    tab.until("document.querySelector('.empty h2')?.textContent === 'The view cannot be shown'")
    tab.page.get_by_text("Show all views").click()
    tab.until("document.querySelector('.vw-tiles')")


def test_names_with_markup_are_text(open_tab, board):
    evil = "<img src=x onerror=\"document.body.dataset.xss='1'\">"
    note = {**NOTE, "title": evil, "spec": {"text": evil}}
    board.put("view1", evil, [note, {**LOSS, "title": evil}])
    tab = open_tab(board.url).open("views")
    tab.until("document.querySelector('.vw-tile')")
    assert tab.texts(".vw-tile-title") == [evil]

    tab.page.locator(".vw-tile-open").click()
    until_lines(tab, 4)

    assert tab.texts(".vw-card .sc-title") == [evil, evil]
    assert tab.evaluate("document.querySelectorAll('.main img').length") == 0
    assert tab.evaluate("document.body.dataset.xss") is None


# Ways in and out.


def test_a_card_of_the_scalars_page_is_added_to_a_new_view(open_tab, board):
    tab = open_tab(board.url).open("scalars?smoothing=0.9&x=index")
    card = ".sc-groups .sc-card[data-tag='loss/train']"
    tab.until(f"document.querySelector({card!r} + ' .gb-chart')?.dataset.lines === '4'")
    tab.page.locator(card).hover()
    tab.page.locator(f"{card} [aria-label=More]").click()
    tab.page.locator(".sc-menu").get_by_text("Add to a view").click()
    tab.page.get_by_label("Name of a new view").fill("From scalars")
    tab.page.get_by_role("button", name="Create").click()
    tab.page.get_by_text("Open the view").click()

    tab.until("document.querySelector('.vw-card .gb-chart')?.dataset.lines === '4'")

    (view,) = board.views().values()
    layout = board.get(view["id"])["layout"]
    assert view["title"] == "From scalars"
    assert layout["settings"] == {"x": "index", "smoothing": 0.9}
    assert layout["cards"][0]["spec"] == {"tag": "loss/train"}


def test_a_card_added_to_a_view_keeps_its_own_axis_where_it_differs(open_tab, board):
    board.put("view1", "Older", [NOTE])
    tab = open_tab(board.url).open("scalars?smoothing=0&x=wall")
    card = ".sc-groups .sc-card[data-tag='loss/train']"
    tab.until(f"document.querySelector({card!r} + ' .gb-chart')?.dataset.lines === '4'")
    tab.page.locator(card).hover()
    tab.page.locator(f"{card} [aria-label=More]").click()
    tab.page.locator(".sc-menu").get_by_text("Add to a view").click()
    tab.page.locator(".va-list").get_by_text("Older").click()
    tab.page.get_by_text("Open the view").wait_for()

    cards = board.get("view1")["layout"]["cards"]
    assert [one["kind"] for one in cards] == ["note", "scalar"]
    assert cards[1]["spec"]["settings"] == {"x": "wall", "smoothing": 0}


def test_a_link_can_hold_the_view_itself(open_view, board, open_tab):
    tab = open_view(NOTE, LOSS)
    until_lines(tab, 4)
    tab.page.get_by_role("button", name="Share").click()
    link = tab.page.get_by_label("With the view in the link itself").input_value()
    assert (
        tab.page.get_by_label("For all who use this server").input_value().endswith("?view=view1")
    )

    other = open_tab(board.url).open("views" + link.partition("views")[2])
    until_lines(other, 4)

    assert other.evaluate("document.querySelector('.vw-title').value") == "My view"
    assert status(other) == "Not saved yet"
    assert len(board.views()) == 1
    save(other)
    assert len(board.views()) == 2


def test_a_link_that_was_cut_is_said(open_tab, board):
    tab = open_tab(board.url).open("views?viewLayout=abcd")

    tab.until("document.querySelector('.empty h2')?.textContent === 'The view cannot be shown'")


def test_a_view_is_saved_as_one_file(open_view, chromium, tmp_path):
    tab = open_view(NOTE, LOSS)
    until_lines(tab, 4)
    tab.page.locator(".grid-row", has_text="seed1").first.dblclick()
    until_lines(tab, 1)
    tab.page.get_by_role("button", name="Share").click()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Save as one HTML file").click()
    assert download.value.suggested_filename == "My_view.html"
    path = tmp_path / "view.html"
    download.value.save_as(path)

    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector(".gb-chart[data-lines='1']")
    text, colours = page.evaluate(
        "[document.querySelector('.vw-note').textContent,"
        " JSON.parse(document.querySelector('#extras').textContent).colours]"
    )
    context.close()

    assert text == "so"
    assert list(colours) == ["base/seed1"]
