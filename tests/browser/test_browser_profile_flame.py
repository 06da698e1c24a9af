"""Drive the Flame tab of the Profile page on a small trace."""

from __future__ import annotations

import pytest
from profile_tabs import open_profile, text_of, texts

FLAME = "window.__gpuboard.flame"
SHOWN = f"!!window.__gpuboard?.flame?.data && !!{FLAME}.paints"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def page(open_store, tmp_path):
    return open_profile(open_store, tmp_path, "flame").until(SHOWN)


def place(tab, level):
    """Return the middle of the first node of a level."""
    return tab.evaluate(
        f"""(() => {{
          const f = {FLAME}, box = f.drawing.canvas.getBoundingClientRect();
          const k = [...f.data.order].find((one) => f.data.depth[one] === {level});
          const [low, high] = f.range();
          const x = ((f.data.x0[k] + f.data.x1[k]) / 2 - low) / (high - low) * box.width;
          return [box.left + x, box.top + 4 + ({level} + 1.5) * f.row];
        }})()"""
    )


def test_merged_calls_stand_under_each_other(page):
    names = page.evaluate(f"[...{FLAME}.data.name].map((n) => {FLAME}.data.names[n])")

    assert sorted(names) == ["aten::linear", "aten::mm", "cudaLaunchKernel"]
    assert page.evaluate(f"{FLAME}.data.deepest") == 2
    assert "3 merged calls" in text_of(page, ".fl-note")


def test_a_click_zooms_and_crumbs_lead_back(page):
    page.page.mouse.click(*place(page, 1))
    page.until(f"{FLAME}.focus >= 0")
    assert texts(page, ".fl-crumbs .link") == ["All", "aten::linear", "aten::mm"]

    page.page.click(".fl-crumbs >> text=All")
    page.until(f"{FLAME}.focus === -1")
    page.page.mouse.click(*place(page, 2))
    page.page.keyboard.press("Escape")
    page.until(f"{FLAME}.focus === -1")


def test_the_tip_has_both_times(page):
    page.page.mouse.move(*place(page, 1))
    page.until("!document.querySelector('.fl-tab > .pg-tip').hidden")

    assert text_of(page, ".pg-tip strong") == "aten::mm"
    rows = dict(zip(texts(page, ".pg-tip-row span"), texts(page, ".pg-tip-row b"), strict=True))
    assert rows["calls"] == "6"
    assert rows["device"].startswith("340")


def test_arrows_go_from_call_to_call_and_enter_zooms(page):
    page.page.locator(".fl-scroll canvas").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.page.keyboard.press(key)
    page.until(f"{FLAME}.focus >= 0")

    assert texts(page, ".fl-crumbs .link")[-1] == "aten::mm"
    page.page.keyboard.press("ArrowUp")
    assert text_of(page, ".pg-tip strong") == "aten::linear"


def test_a_search_tells_how_much_time_it_found(page):
    page.page.fill(".fl-find input", "mm")
    page.until("document.querySelector('.fl-bar [role=status]').textContent !== ''")

    assert "1 found · 120" in text_of(page, ".fl-bar [role=status]")
    page.page.fill(".fl-find input", "/(/")
    page.until("document.querySelector('.fl-find input').getAttribute('aria-invalid') === 'true'")


def test_the_width_can_be_device_time(page):
    page.page.get_by_role("radio", name="Device time").click()
    page.until(f"{FLAME}.data.total === 340000")


def test_the_first_call_is_shown_on_the_timeline(page):
    page.page.mouse.click(*place(page, 1))
    page.page.click(".fl-go")
    page.until("!!document.querySelector('.tl-panel-title')?.textContent")

    assert text_of(page, ".tl-panel-title") == "aten::mm"


def test_it_is_saved_for_other_viewers(page):
    page.page.click(".fl-bar >> text=Save")
    with page.page.expect_download() as saved:
        page.page.click(".fl-items >> text=Collapsed")

    assert "aten::linear;aten::mm" in saved.value.path().read_text()
