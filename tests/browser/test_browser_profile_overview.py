"""Drive the Overview and the Steps tab of the Profile page on small traces."""

from __future__ import annotations

import pytest
from profile_tabs import US, open_profile, text_of, texts

from gpuboard.store.store import Store
from tests.profiler.timeline.maker import event, kernel
from tests.serve.trace_maker import write_ranks, write_trace

SHOWN = "window.__gpuboard?.overview?.isShown === true"
TIMELINE = "!!window.__gpuboard?.timeline?.view"
STATE = "new URLSearchParams(location.search)"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def page(open_store, tmp_path):
    return open_profile(open_store, tmp_path, "").until(SHOWN)


def test_the_overview_is_the_first_tab_with_verdict_device_and_steps(page):
    assert text_of(page, ".pf-bar [aria-selected=true]") == "Overview"
    assert len(texts(page, ".po-finding h3")) >= 1
    assert text_of(page, ".po-device h2") == "GPU of tests"
    assert texts(page, ".po-gauge > span") == [
        "GPU busy", "SM efficiency", "Occupancy", "Tensor cores"
    ]  # fmt: skip
    assert "6 steps, by marks of torch.profiler" in texts(page, ".pg-card .pg-note")


def test_evidence_leads_to_its_place_on_the_timeline(page):
    chip = page.page.locator("button.po-chip[title='Show on the timeline']").first
    chip.click()
    page.until(TIMELINE)

    low, high = page.evaluate(
        "[window.__gpuboard.timeline.view.t0, window.__gpuboard.timeline.view.t1]"
    )
    assert high - low < 400 * US


def test_a_click_on_a_step_shows_it_on_the_timeline(page):
    canvas = page.page.locator(".pg-stack canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.page.mouse.move(box["x"] + 100, box["y"] + 150)
    page.until("!document.querySelector('.pg-stack .pg-tip').hidden")
    assert "ProfilerStep#0" in text_of(page, ".pg-stack .pg-tip strong")
    page.page.mouse.click(box["x"] + 100, box["y"] + 150)
    page.until(TIMELINE)

    low, high = page.evaluate(
        "[window.__gpuboard.timeline.view.t0, window.__gpuboard.timeline.view.t1]"
    )
    assert low <= 0
    assert 95 * US <= high <= 120 * US


def test_steps_are_split_by_role_as_well(page):
    page.page.get_by_role("radio", name="By role").click()
    page.until("location.search.includes('profileParts=roles')")

    assert any(text.startswith("runtime") for text in texts(page, ".pg-key"))


def test_a_row_of_the_top_kernels_leads_to_the_tab_of_kernels(page):
    page.page.locator(".pg-card[aria-label=Kernels] button.po-row").first.click()
    page.until("!!document.querySelector('.pr-table .grid-row')")

    assert text_of(page, ".pf-bar [aria-selected=true]") == "Kernels"
    assert "gemm" in page.evaluate(f"{STATE}.get('kernelQuery') ?? ''") or page.until(
        f"({STATE}.get('kernelQuery') ?? '').includes('gemm')"
    )


def test_all_ranks_of_a_small_job_are_judged_without_being_asked_for(open_store, tmp_path):
    write_ranks(tmp_path / "job", 2)
    tab = open_store(Store(tmp_path), "profile").until(SHOWN)

    assert "2 ranks, judged together" in text_of(tab, ".po-title .pg-note")
    assert tab.evaluate("window.__gpuboard.overview.profile.traces.length") == 1


def test_ranks_stand_beside_each_other(open_store, tmp_path):
    write_ranks(tmp_path / "job", 2)
    tab = open_store(Store(tmp_path), "profile").until(SHOWN)
    tab.page.click(".pf-ranks")
    tab.page.click(".pf-ranks-list >> text=All 2")
    tab.page.keyboard.press("Escape")
    tab.until("!!document.querySelector('.pg-card[aria-label=Ranks]')").until(SHOWN)

    assert texts(tab, ".pg-card[aria-label=Ranks] .po-rank-name") == ["rank 0", "rank 1"]
    assert "2 ranks, judged together" in text_of(tab, ".po-title .pg-note")


def test_a_trace_of_the_host_alone_says_why_there_are_no_figures(open_store, tmp_path):
    events = [event("<b>bold</b>", 0, 10)]
    tab = open_profile(open_store, tmp_path, "", events).until(SHOWN)

    assert "No work on a device" in texts(tab, ".po-finding h3")
    assert texts(tab, ".po-dial b") == ["–"] * 4
    assert tab.evaluate("document.querySelectorAll('.po-page b > b, .po-body b b').length") == 0
    assert "<b>bold</b>" in text_of(tab, ".pg-card[aria-label=Operators] .po-row-name")


def test_an_empty_trace_has_no_verdict(open_store, tmp_path):
    write_trace(tmp_path / "a.pt.trace.json", [])
    tab = open_store(Store(tmp_path), "profile").until(SHOWN)

    assert texts(tab, ".po-good h3") == ["No verdict"]


def test_devices_of_one_trace_stand_beside_each_other(open_store, tmp_path):
    events = [kernel("gemm", 0, 50, device=0), kernel("gemm", 0, 100, device=1)]
    tab = open_profile(open_store, tmp_path, "", events).until(SHOWN)

    assert texts(tab, ".pg-card[aria-label=Devices] .po-rank-name") == ["GPU 0", "GPU 1"]


def test_the_steps_tab_marks_what_stands_out_and_has_the_mean_first(open_store, tmp_path):
    tab = open_profile(open_store, tmp_path, "steps")
    tab.until("document.querySelectorAll('.pr-steps .grid-row:not([hidden])').length >= 7")
    names = texts(tab, ".pr-steps [role=gridcell][aria-colindex='1']")

    assert names[:2] == ["mean of 6", "ProfilerStep#0"]
    assert tab.evaluate("window.__gpuboard.steps.outliers") == [4]
    assert len(tab.evaluate("[...document.querySelectorAll('.pr-far')].map(e => 1)")) == 1


def test_steps_that_are_not_marked_say_how_to_mark_them(open_store, tmp_path):
    tab = open_profile(open_store, tmp_path, "steps", [event("aten::mm", 0, 10)])
    tab.until("!!document.querySelector('.pg-absent')")

    assert any("profiler.step()" in text for text in texts(tab, ".pg-absent"))


def test_evidence_of_one_rank_of_several_shows_that_rank_alone(open_store, tmp_path):
    write_ranks(tmp_path / "job", 2)
    tab = open_store(Store(tmp_path), "profile").until(SHOWN)
    both = tab.evaluate("window.__gpuboard.profile.current.all.map(({ id }) => id)")
    tab.page.click(".pf-ranks")
    tab.page.click(".pf-ranks-list >> text=All 2")
    tab.page.keyboard.press("Escape")
    tab.until("!!document.querySelector('.pg-card[aria-label=Ranks]')").until(SHOWN)
    chip = tab.page.locator("button.po-chip[title*='timeline of rank']").first
    rank = int(chip.get_attribute("title").rsplit(" ", 1)[1])
    chip.click()
    tab.until(TIMELINE)

    assert tab.evaluate("window.__gpuboard.timeline.view.models.map(({ trace }) => trace)") == [
        both[rank]
    ]
