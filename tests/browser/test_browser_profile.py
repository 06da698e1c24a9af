"""Drive the Profile page and its timeline on small traces."""

from __future__ import annotations

import json

import pytest

from gpuboard.store.store import Store
from tests.profiler.timeline.maker import event
from tests.serve.trace_maker import steps, write_ranks, write_trace

TAB = "window.__gpuboard.timeline"
VIEW = f"{TAB}.view"
DRAWN = f"!!window.__gpuboard?.timeline && {VIEW}.data.answers.every(Boolean) && !{VIEW}.data.busy"
GEMM = "void gemm<float, 4>(int)"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def logs(tmp_path):
    write_ranks(tmp_path / "job")
    write_trace(tmp_path / "other" / "a.pt.trace.json", [event("<b>lonely</b>", 0, 10)])
    return tmp_path


@pytest.fixture
def page(open_store, logs):
    return open_store(Store(logs), "profile?profileTab=timeline").until(DRAWN)


def text_of(tab, selector):
    return tab.evaluate(f"document.querySelector({selector!r})?.textContent ?? ''")


def window(tab):
    return tab.evaluate(f"[{VIEW}.t0, {VIEW}.t1]")


def place_of(tab, name, nth=0):
    """Return where a mark lies in the window."""
    return tab.evaluate(
        f"""(() => {{
          const v = {VIEW}, a = v.data.answers[0], box = v.canvas.getBoundingClientRect();
          const wanted = (i) => a.names[a.name[i]] === {json.dumps(name)};
          const at = [...a.name].map((_, i) => i).filter(wanted)[{nth}];
          const scale = v.width / (v.t1 - v.t0);
          const time = a.t0 + (a.x[at] + a.extent[at] / 2) * (a.t1 - a.t0);
          const top = v.topOf(0, a.lanes[a.line[at]]);
          return [box.left + v.left + (time - v.t0) * scale, box.top + top + 8];
        }})()"""
    )


def test_the_first_job_opens_with_all_of_its_first_rank_in_sight(page):
    counted = page.evaluate(f"{VIEW}.data.answers[0].slices")

    assert counted == 12
    low, high = window(page)
    assert low <= 0
    assert high >= 295_000
    assert text_of(page, ".pf-ranks") == "rank 0"
    assert "12 events" in text_of(page, ".pf-facts")


def test_the_wheel_zooms_at_the_pointer_and_a_drag_moves(page):
    x, y = place_of(page, GEMM, 1)
    page.page.mouse.move(x, y)
    before = page.evaluate(f"{VIEW}.timeAt({x} - {VIEW}.canvas.getBoundingClientRect().left)")
    page.page.mouse.wheel(0, -400)
    page.until(f"{VIEW}.t1 - {VIEW}.t0 < 200000")
    after = page.evaluate(f"{VIEW}.timeAt({x} - {VIEW}.canvas.getBoundingClientRect().left)")
    assert after == pytest.approx(before, abs=300)  # the pointer lies on whole pixels

    low, _ = window(page)
    page.page.mouse.down()
    page.page.mouse.move(x + 50, y)
    page.page.mouse.move(x + 100, y)
    page.page.mouse.up()

    assert window(page)[0] < low


def test_keys_zoom_move_and_show_everything(page):
    whole = window(page)
    page.page.keyboard.press("w")
    page.page.keyboard.press("w")
    near = window(page)
    page.page.keyboard.press("d")
    moved = window(page)
    page.page.keyboard.press("f")

    assert near[1] - near[0] == pytest.approx(0.64 * (whole[1] - whole[0]), rel=0.01)
    assert moved[0] > near[0]
    assert window(page) == whole


def test_the_tip_names_what_is_under_the_pointer(page):
    x, y = place_of(page, GEMM)
    page.page.mouse.move(x, y)
    page.until("!document.querySelector('.tl-tip').hidden")

    assert "gemm" in text_of(page, ".tl-tip-name")
    assert "50" in text_of(page, ".tl-tip-line")


def test_a_click_shows_details_and_arrows_and_ties_lead_on(page):
    page.page.mouse.click(*place_of(page, GEMM))
    page.until("!document.querySelector('.tl-panel').hidden")

    assert text_of(page, ".tl-panel-title") == GEMM
    assert "50,000" in text_of(page, ".tl-facts")
    page.until(f"{VIEW}.arrows.length === 1")
    page.page.click(".tl-tie >> text=cudaLaunchKernel")
    page.until("document.querySelector('.tl-panel-title').textContent === 'cudaLaunchKernel'")
    page.page.keyboard.press("Escape")
    page.until("document.querySelector('.tl-panel').hidden")


def test_a_fold_shows_all_that_the_file_says_of_an_event(page):
    page.page.mouse.click(*place_of(page, GEMM))
    page.until("!!document.querySelector('.tl-panel details.tl-long')")
    page.page.click(".tl-panel details.tl-long > summary")
    fold = "document.querySelector('.tl-panel details.tl-long')"
    page.until(f"{fold}?.textContent.includes('stream')")


def test_arrow_keys_walk_along_a_line_and_up(page):
    page.page.mouse.click(*place_of(page, "cudaLaunchKernel"))
    page.until(f"{VIEW}.selected?.name === 'cudaLaunchKernel'")
    first = page.evaluate(f"{VIEW}.selected.start")
    page.page.keyboard.press("ArrowRight")
    page.until(f"{VIEW}.selected.start === {first} + 100000")
    page.page.keyboard.press("ArrowUp")
    page.until(f"{VIEW}.selected.name === 'aten::mm'")


def test_a_search_counts_lights_up_and_steps(page):
    page.page.keyboard.press("/")
    page.page.keyboard.type("gemm")
    page.until("document.querySelector('.tl-count').textContent === '3'")
    page.page.keyboard.press("Enter")
    page.until("document.querySelector('.tl-count').textContent === '1 of 3'")
    page.until(f"{VIEW}.selected?.start === 40000")
    page.page.keyboard.press("Enter")
    page.until(f"{VIEW}.selected.start === 140000")

    assert page.evaluate(f"[...{VIEW}.found]") == [GEMM]


def test_a_bad_pattern_is_said_beside_the_field(page):
    page.evaluate("0")
    page.page.fill(".tl-find input", "plain")
    page.until("document.querySelector('.tl-count').textContent === 'none'")


def test_an_area_is_summed_up(page):
    x0, y0 = place_of(page, GEMM, 0)
    x1, _ = place_of(page, GEMM, 2)
    mouse = page.page.mouse
    page.page.keyboard.down("Shift")
    mouse.move(x0 - 120, y0 - 5)
    mouse.down()
    mouse.move(x0, y0)
    mouse.move(x1 + 100, y0 + 5)
    mouse.up()
    page.page.keyboard.up("Shift")
    page.until("!!document.querySelector('.tl-sums tbody tr')")

    row = page.texts(".tl-sums tbody tr:first-child td")
    assert row[:3] == [GEMM, "3", "150\u202fµs"]
    assert "3 events on 1 track" in text_of(page, ".tl-panel-title")


def test_the_address_holds_window_and_event(page):
    page.page.mouse.click(*place_of(page, GEMM, 1))
    page.until(f"{VIEW}.selected !== null")
    page.page.keyboard.press("f")
    page.until("location.search.includes('timeWindow') && location.search.includes('timeEvent')")
    shown = window(page)
    page.reload().until(DRAWN)
    page.until(f"{VIEW}.selected?.start === 140000")

    assert window(page) == pytest.approx(shown, abs=1)


def test_tracks_fold_and_are_pinned(page):
    left = page.evaluate(f"{VIEW}.canvas.getBoundingClientRect().left")
    row = f"{VIEW}.placements().find(({{ row }}) => row.type === 'track' && row.total === 3)"
    top = page.evaluate(f"{row}.y + {VIEW}.canvas.getBoundingClientRect().top")
    page.page.mouse.click(left + 12, top + 11)
    page.until(f"{row}.row.lanes === 1")
    page.page.mouse.click(left + 12, top + 11)
    page.until(f"{row}.row.lanes === 3")
    page.page.mouse.click(left + 184, top + 11)
    page.until(f"{VIEW}.pinned.length === 1")

    assert page.evaluate(f"{VIEW}.pinned[0].total") == 3


def test_ranks_are_stacked_on_one_clock(page):
    page.page.click(".pf-ranks")
    page.page.click("text=All 2")
    page.until(f"{VIEW}.models.length === 2 && {DRAWN}")

    assert page.evaluate(f"{VIEW}.models.map(({{ offset }}) => offset)") == [0, 5000]
    assert text_of(page, ".pf-ranks") == "2 of 2 ranks"


def test_names_of_a_file_stay_text(page):
    page.page.select_option(".pf-job select", label="other")
    page.until(f"{DRAWN} && {VIEW}.data.answers[0].slices === 1")
    page.page.mouse.click(*place_of(page, "<b>lonely</b>"))
    page.until("!document.querySelector('.tl-panel').hidden")

    assert text_of(page, ".tl-panel-title") == "<b>lonely</b>"
    assert not page.evaluate("!!document.querySelector('.tl-panel b')")


def test_both_themes_paint_with_their_own_colours(page):
    light = page.evaluate(f"{VIEW}.theme.surface")
    page.page.click("#theme")
    page.until("document.documentElement.dataset.theme === 'light'")
    page.page.click("#theme")
    page.until("document.documentElement.dataset.theme === 'dark'")
    page.until(f"{VIEW}.theme.surface !== {json.dumps(light)}")

    red = page.evaluate(f"parseInt({VIEW}.paints.ink.slice(4))")
    assert red > 200  # light ink on dark marks


def test_without_a_trace_the_page_says_how_to_record_one(open_store, tmp_path):
    tab = open_store(Store(tmp_path), "profile")
    tab.until("!!document.querySelector('.pf-empty h2')")

    assert "No trace yet" in text_of(tab, ".pf-empty")
    assert "tensorboard_trace_handler" in text_of(tab, ".pf-empty pre")


def test_a_file_that_cannot_be_read_says_why(open_store, tmp_path):
    (tmp_path / "a.pt.trace.json").write_text("{]")
    tab = open_store(Store(tmp_path), "profile", may_fail=True)
    tab.until("!!document.querySelector('.pf-empty h2')")

    assert "cannot be shown" in text_of(tab, ".pf-empty h2")
    assert "a.pt.trace.json" in text_of(tab, ".pf-empty p")


def test_problems_of_a_file_are_a_click_away(open_store, tmp_path):
    bad = event("bad", 5, -3)
    write_trace(tmp_path / "a.pt.trace.json", [*steps(), bad])
    tab = open_store(Store(tmp_path), "profile?profileTab=timeline").until(DRAWN)
    tab.page.click(".pf-bar .badge")
    tab.until("!!document.querySelector('.pf-problem')")

    assert text_of(tab, ".pf-bar .badge") == "1 problem"
    assert "negative duration" in text_of(tab, ".pf-problems")
