"""Drive the Modules tab on a model of three modules."""

from __future__ import annotations

import pytest
from profile_page import column_of, open_profile, sort_by, type_filter

from tests.serve.rank_maker import write_modules
from tests.serve.trace_maker import write_trace

TAB = "window.__gpuboard?.modules"
SHOWN = f"{TAB}?.table?.data?.n === 3 && !!{TAB}.icicle.boxes"
TREE = ".pk-grid[aria-label=Modules]"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def page(open_store, tmp_path):
    write_modules(tmp_path / "a.pt.trace.json")
    return open_profile(open_store, tmp_path, "modules", SHOWN)


def names(page):
    return column_of(page, "Modules", 0)


def test_a_small_model_is_open_with_its_times(page):
    assert names(page) == ["Net_0", "Linear_0", "Linear_1"]
    assert column_of(page, "Modules", 3) == ["80\u202fµs", "30\u202fµs", "50\u202fµs"]


def test_keys_close_open_and_move_up(page):
    page.page.focus(TREE)
    page.page.keyboard.press("ArrowLeft")
    page.until(f"{TAB}.table.grid.rows.length === 1")

    page.page.keyboard.press("ArrowRight")
    page.until(f"{TAB}.table.grid.rows.length === 3")
    page.page.keyboard.press("End")
    page.page.keyboard.press("ArrowLeft")
    assert page.evaluate(f"{TAB}.table.grid.active") == 0


def test_siblings_are_sorted_below_their_parent(page):
    sort_by(page, "Modules", "Forward")
    page.until(f"{TAB}.table.sort === '-device_ns'")

    assert names(page) == ["Net_0", "Linear_1", "Linear_0"]


def test_a_filter_keeps_what_lies_above_a_hit(page):
    type_filter(page, "Modules", "linear_1")

    page.until(f"{TAB}.table.grid.rows.length === 2")
    assert names(page) == ["Net_0", "Linear_1"]


def test_a_click_into_the_drawing_marks_the_row(page):
    box = page.page.query_selector(".pt-icicle canvas").bounding_box()
    page.page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + 22 + 11)

    page.until(f"{TAB}.marked === 2")
    page.until(f"document.querySelector('{TREE} .is-on')?.textContent.includes('Linear_1')")


def test_a_module_leads_to_its_first_call_on_the_timeline(page):
    page.page.click(f"{TREE} .pk-go >> nth=2")

    page.until("!!window.__gpuboard.timeline?.view")
    low, high = page.evaluate("[__gpuboard.timeline.view.t0, __gpuboard.timeline.view.t1]")
    assert low < 58_000 < 88_000 < high


def test_a_trace_without_modules_shows_the_line_to_record(open_store, tmp_path):
    write_trace(tmp_path / "b.pt.trace.json")
    page = open_profile(
        open_store, tmp_path, "modules", "!!document.querySelector('.pk-nothing pre')"
    )

    assert "with_stack=True" in page.texts(".pk-nothing pre")[0]
