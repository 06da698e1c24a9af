from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpuboard.store.store import Store
from tests import make
from tests.graph_maker import Maker, graph_store, onnx_bytes

VIEW = "window.__gpuboard.graphs.view"
DRAWN = f"!!window.__gpuboard?.graphs && {VIEW}.scene !== null && {VIEW}.motion === null"
SERIES = "decoder/layer[0–2]"


@pytest.fixture
def page(open_store, tmp_path):
    tab = open_store(graph_store(tmp_path, layers=3, heads=2), "graphs")
    return tab.until(DRAWN)


def keys(tab):
    return tab.evaluate(f"{VIEW}.scene.boxes.key.slice(1)")


def place(tab, key):
    return tab.evaluate(f"{VIEW}.placeOf({json.dumps(key)})")


def until_open(tab, key, *, is_open=True):
    has = f"{VIEW}.scene.open.includes({json.dumps(key)}) === {str(is_open).lower()}"
    return tab.until(f"{has} && {VIEW}.motion === null")


def text_of(tab, selector):
    return tab.evaluate(f"document.querySelector({selector!r}).textContent")


def test_the_graph_is_fitted_and_readable_at_first_open(page):
    found = page.evaluate(
        f"(() => {{ const v = {VIEW}; const [l, t, r, b] = v.area();"
        "return [v.scale, l <= 0 && r >= v.scene.width]; })()"
    )

    assert found[0] >= 0.85
    assert found[1] is True
    assert "decoder" in keys(page)
    assert "nodes" in text_of(page, ".gr-totals")


def test_a_double_click_opens_a_box_which_keeps_its_place(page):
    before = page.evaluate(
        f"(() => {{ const v = {VIEW}, b = v.scene.boxes, i = v.scene.index.get({SERIES!r});"
        "return [(b.x[i] + b.width[i] / 2) * v.scale + v.left, b.y[i] * v.scale + v.top]; })()"
    )

    page.page.mouse.dblclick(*place(page, SERIES))
    until_open(page, SERIES)
    after = page.evaluate(
        f"(() => {{ const v = {VIEW}, b = v.scene.boxes, i = v.scene.index.get({SERIES!r});"
        "return [(b.x[i] + b.width[i] / 2) * v.scale + v.left, b.y[i] * v.scale + v.top]; })()"
    )

    assert "decoder/layer_1" in keys(page)
    assert after == pytest.approx(before, abs=1)


def test_what_is_open_and_selected_survives_a_reload(page):
    page.page.mouse.dblclick(*place(page, SERIES))
    until_open(page, SERIES)
    page.page.mouse.click(*place(page, "decoder/layer_1"))
    page.until("document.querySelector('.gr-card h2')?.textContent === 'layer_1'")

    page.reload().until(DRAWN)
    page.until("document.querySelector('.gr-card h2')?.textContent === 'layer_1'")

    assert "decoder/layer_1" in keys(page)


def test_search_goes_to_a_node_inside_closed_scopes(page):
    page.page.keyboard.press("/")
    page.page.keyboard.type("layer_2/attention/Concat")
    page.until("document.querySelectorAll('.gr-found-row').length === 1")
    page.page.keyboard.press("Enter")
    page.until("document.querySelector('.gr-card h2')?.textContent === 'Concat'")

    assert "decoder/layer_2/attention/Concat" in keys(page)
    assert page.evaluate(f"{VIEW}.selected") == "decoder/layer_2/attention/Concat"
    assert "ConcatV2" in text_of(page, ".gr-facts")


def test_a_pattern_that_is_none_is_explained(open_store, tmp_path):
    tab = open_store(graph_store(tmp_path, 1, 1), "graphs", may_fail=True).until(DRAWN)

    tab.page.locator(".gr-search .toggle").click()
    tab.page.locator(".gr-search .input").fill("(")
    tab.until("document.querySelector('.gr-found-note.is-bad') !== null")

    assert "not a regular expression" in text_of(tab, ".gr-found-note")


def test_the_card_leads_to_what_a_node_takes(page):
    page.page.mouse.click(*place(page, "head/logits"))
    page.until("document.querySelector('.gr-card h2')?.textContent === 'head/logits'")
    page.page.locator(".gr-section", has_text="Inputs").locator(".gr-link").nth(1).click()
    page.until("document.querySelector('.gr-card h2')?.textContent === 'table'")

    assert "embed/table" in keys(page)


def test_keys_walk_open_and_let_go(page):
    page.page.locator(".gr-canvas").focus()
    page.page.keyboard.press("ArrowDown")
    page.until(f"{VIEW}.selected !== ''")
    first = page.evaluate(f"{VIEW}.selected")
    page.page.keyboard.press("ArrowDown")
    page.until(f"{VIEW}.selected !== {first!r}")
    second = page.evaluate(f"{VIEW}.selected")
    page.page.keyboard.press("Enter")
    until_open(page, "embed")
    page.page.keyboard.press("Escape")
    page.until(f"{VIEW}.selected === ''")

    assert (first, second) == ("input/tokens", "embed")


def test_a_series_is_ungrouped_and_grouped_again(page):
    page.page.mouse.click(*place(page, SERIES))
    page.page.locator(".gr-action", has_text="Ungroup").click()
    page.until(f"{VIEW}.scene.index.has('decoder/layer_1') && {VIEW}.motion === null")
    assert SERIES not in keys(page)

    page.page.mouse.click(*place(page, "decoder/layer_1"))
    page.page.locator(".gr-action", has_text="Group again").click()
    page.until(f"{VIEW}.scene.index.has({SERIES!r})")


def test_a_box_is_set_apart_and_put_back(page):
    apart = f"{VIEW}.scene.boxes.apart[{VIEW}.scene.index.get('embed')]"
    page.page.mouse.click(*place(page, "embed"), button="right")
    page.page.locator(".gr-menu button", has_text="Set apart").click()
    page.until(f"{apart} === 1 && {VIEW}.motion === null")

    page.page.mouse.click(*place(page, "embed"), button="right")
    page.page.locator(".gr-menu button", has_text="Put back").click()
    page.until(f"{apart} === 0")


def test_a_trace_is_shown_and_ended(page):
    page.page.mouse.click(*place(page, "final_norm"))
    page.page.locator(".gr-action", has_text="Trace inputs").click()
    page.until(f"{VIEW}.scene.traced !== null")

    traced = page.evaluate(
        f"Object.fromEntries({VIEW}.scene.boxes.key.map((k, i) => [k, {VIEW}.scene.traced[i]]))"
    )
    page.page.locator(".gr-trace .link").click()
    page.until(f"{VIEW}.scene.traced === null")

    assert traced["embed"] == 1
    assert traced["loss"] == 0


def test_a_profile_colours_by_time_and_devices_can_be_left_out(page):
    page.page.locator(".gr-profile select").select_option(label="Profile: step 100")
    page.until(f"{VIEW}.scene.has.time")
    page.page.locator(".gr-by select").select_option("time")
    page.until("document.querySelector('.gr-heat') !== null")
    box = f"{VIEW}.scene.boxes.time_us[{VIEW}.scene.index.get('decoder')]"
    assert page.evaluate(box) > 0

    page.page.locator(".gr-legend label", has_text="GPU").locator("input").uncheck()
    page.until(f"{box} === null")


def test_the_table_lists_parameters_and_leads_back_to_the_graph(page):
    page.page.locator(".segments [role=tab]", has_text="Table").click()
    page.until("document.querySelectorAll('.gr-table .grid-row').length > 5")
    page.page.locator(".gr-table-filter").fill("layer_1/mlp/up/kernel")
    page.until("document.querySelector('.gr-table-bar .count').textContent.startsWith('1 row')")
    assert "2,359,296 parameters" in text_of(page, ".gr-table-bar .count")

    page.page.locator(".gr-table .grid-row:not([hidden])").first.click()
    page.until(f"{VIEW}.selected === 'decoder/layer_1/mlp/up/kernel'")


def test_both_themes_paint_their_own_background(page):
    was_dark = page.evaluate(f"{VIEW}.theme.dark")
    while page.evaluate("document.documentElement.dataset.theme === 'dark'") is was_dark:
        page.page.locator("#theme").click()
    page.until(f"{VIEW}.theme.dark === {str(not was_dark).lower()}")
    page.page.wait_for_timeout(100)  # the next frame
    pixel = page.evaluate(
        "[...document.querySelector('.gr-canvas').getContext('2d').getImageData(3, 3, 1, 1).data]"
    )

    assert was_dark is False
    assert sum(pixel[:3]) < 150


def test_every_graph_of_the_picker_can_be_shown(page):
    options = page.evaluate("[...document.querySelectorAll('.gr-which option')].map(o => o.text)")
    for name in options:
        page.page.locator(".gr-which select").select_option(label=name)
        value = page.page.locator(".gr-which select").input_value()
        page.until(f"{VIEW}.scene?.graph === {value!r}")

    assert options == ["gpt", "keras (conceptual)", "export/tiny.onnx"]


def test_a_file_of_the_users_own_is_opened(page, tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_bytes(onnx_bytes())

    page.page.locator(".gr-bar input[type=file]").set_input_files(path)
    page.until(f"{VIEW}.scene?.source === 'onnx'")

    assert page.page.locator(".gr-which option", has_text="mine.onnx").count() == 1


@pytest.mark.parametrize(("item", "starts"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_the_picture_is_saved(page, item, starts):
    page.page.locator(".gr-bar [aria-label=More]").click()
    with page.page.expect_download() as waiting:
        page.page.locator(".gr-menu button", has_text=item).click()

    data = Path(waiting.value.path()).read_bytes()

    assert data.startswith(starts)
    assert item == "PNG" or b">decoder</text>" in data


def test_names_are_shown_as_text_whatever_they_hold(open_store, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    m = Maker()
    m.op(f"{evil}a", evil)
    m.op("b", "Add", f"{evil}a")
    make.event_file(
        tmp_path / evil.replace("/", ""), [make.header(), make.graph(m.graph.SerializeToString())]
    )
    store = Store(tmp_path)
    store.refresh()
    tab = open_store(store, "graphs").until(DRAWN)

    tab.page.mouse.click(*place(tab, f"{evil}a"))
    tab.until("document.querySelector('.gr-card h2') !== null")

    assert text_of(tab, ".gr-card h2") == f"{evil}a"
    assert tab.page.locator("img").count() == 0


def test_without_a_graph_the_page_says_what_to_log(open_store, tmp_path):
    make.event_file(tmp_path / "run", [make.header(), make.scalar("loss", 1.0)])
    store = Store(tmp_path)
    store.refresh()

    tab = open_store(store, "graphs").until("document.querySelector('.gr-empty pre') !== null")

    assert "add_graph(model" in text_of(tab, ".gr-empty pre")
