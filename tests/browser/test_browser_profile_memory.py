"""Drive the Memory tab on a few allocations."""

from __future__ import annotations

import pytest
from profile_page import column_of, figures, open_profile, sort_by, type_filter

from tests.serve.rank_maker import write_memory
from tests.serve.trace_maker import write_trace

TAB = "window.__gpuboard?.memory"
SHOWN = f"!!{TAB}?.chart?.points && {TAB}.held.data.n > 0 && {TAB}.blocks.data.n > 0"
HOLDERS = "Holders of memory"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def page(open_store, tmp_path):
    write_memory(tmp_path / "a.pt.trace.json")
    return open_profile(open_store, tmp_path, "memory", SHOWN)


def place(page, time):
    """Return where a time lies in the chart."""
    box = page.page.query_selector(".pm-chart canvas").bounding_box()
    return box["x"] + page.evaluate(f"{TAB}.chart.sx.to({time})"), box["y"] + 120


def test_the_peak_its_holders_and_blocks_are_there_at_once(page):
    shown = figures(page)

    assert shown["peak allocated"] == "3.0 kB"
    assert shown["peak reserved"] == "4.0 kB"
    assert shown["fragmentation, peak"] == "25.0\u202f%"
    assert column_of(page, HOLDERS, 0) == ["aten::conv2d", "aten::empty"]
    assert column_of(page, "Blocks", 1) == ["2.0 kB", "1.0 kB", "500 B"]


def test_a_click_on_the_curve_tells_who_held_memory_then(page):
    page.page.mouse.click(*place(page, 110_000))

    page.until(f"{TAB}.held.data.n === 1")
    assert column_of(page, HOLDERS, 0) == ["aten::empty"]
    page.page.click(".pk-card .button:text-is('Peak')")
    page.until(f"{TAB}.held.data.n === 2")


def test_a_drag_zooms_and_a_double_click_shows_all_again(page):
    whole = page.evaluate(f"[{TAB}.chart.t0, {TAB}.chart.t1]")
    x0, y = place(page, 50_000)
    x1, _ = place(page, 100_000)
    page.page.mouse.move(x0, y)
    page.page.mouse.down()
    page.page.mouse.move(x1, y, steps=4)
    page.page.mouse.up()

    low, high = page.evaluate(f"[{TAB}.chart.t0, {TAB}.chart.t1]")
    assert (low, high) == (pytest.approx(50_000, abs=600), pytest.approx(100_000, abs=600))
    page.page.mouse.dblclick(x0, y)
    assert page.evaluate(f"[{TAB}.chart.t0, {TAB}.chart.t1]") == whole


def test_keys_move_and_zoom_the_chart(page):
    page.page.focus(".pm-chart canvas")
    before = page.evaluate(f"{TAB}.chart.t1 - {TAB}.chart.t0")
    page.page.keyboard.press("+")

    assert page.evaluate(f"{TAB}.chart.t1 - {TAB}.chart.t0") == pytest.approx(
        0.7 * before, rel=0.02
    )
    page.page.keyboard.press("f")
    assert page.evaluate(f"{TAB}.chart.t1 - {TAB}.chart.t0") == before


def test_the_server_sorts_and_filters_blocks(page):
    sort_by(page, "Blocks", "Allocated at")
    page.until(f"{TAB}.blocks.data.bytes[0] === 500")
    type_filter(page, "Blocks", "conv")

    page.until(f"{TAB}.blocks.data.n === 1")
    assert column_of(page, "Blocks", 5) == ["aten::conv2d"]


def test_a_block_leads_to_its_life_on_the_timeline(page):
    page.page.click(".pk-grid[aria-label=Blocks] .pk-go >> nth=0")

    page.until("!!window.__gpuboard.timeline?.view")
    low, high = page.evaluate("[__gpuboard.timeline.view.t0, __gpuboard.timeline.view.t1]")
    assert low < 60_000 < 90_000 < high
    assert high - low < 50_000


def test_holders_are_grouped_otherwise_where_asked(page):
    page.page.click("[aria-label='Grouped by'] button:text-is('Module')")

    page.until(f"{TAB}.held.data.label?.[0] === 'outside of every module'")


def test_a_trace_without_allocations_shows_the_line_to_record(open_store, tmp_path):
    write_trace(tmp_path / "b.pt.trace.json")
    page = open_profile(
        open_store, tmp_path, "memory", "!!document.querySelector('.pk-nothing pre')"
    )

    assert "profile_memory=True" in page.texts(".pk-nothing pre")[0]
