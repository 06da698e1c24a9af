"""Drive the Distributed tab on ranks of which one comes late."""

from __future__ import annotations

import pytest
from profile_page import column_of, figures, open_profile, rows_of, sort_by, type_filter

from tests.serve.rank_maker import write_late_ranks
from tests.serve.trace_maker import write_trace

TAB = "window.__gpuboard?.distributed"
SHOWN = f"!!{TAB} && !!document.querySelector('.pk-grid .grid-row')"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def page(open_store, tmp_path):
    write_late_ranks(tmp_path / "job")
    return open_profile(open_store, tmp_path, "distributed", SHOWN)


def test_all_ranks_of_a_small_job_are_read_and_compared(page):
    assert column_of(page, "Ranks", 0) == ["rank 0", "rank 1", "rank 2"]
    assert page.texts(".pk-lead")[0].startswith("Rank 1 makes the others wait 100\u202fµs")
    page.until("document.querySelectorAll('.pd-matrix canvas').length === 1")


def test_a_rank_shows_its_parts_as_a_bar(page):
    titles = page.evaluate("[...document.querySelectorAll('.pk-stack i')].map((i) => i.title)")

    assert any(title.startswith("computing: 80") for title in titles)
    widths = page.evaluate(
        "[...document.querySelectorAll('.pk-stack')].map((bar) =>"
        " [...bar.children].reduce((sum, part) => sum + parseFloat(part.style.width), 0))"
    )
    assert max(widths) == pytest.approx(100, abs=0.1)


def test_a_click_on_a_collective_draws_it_rank_by_rank(page):
    page.until("!document.querySelector('.pd-detail').hidden")
    assert figures(page)["starts apart"] == "30\u202fµs"

    canvas = page.page.query_selector(".pd-gantt canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 22 + 9)

    page.until("document.querySelector('.pd-gantt .tl-tip')?.textContent.includes('rank 0')")
    assert "waited 30" in page.texts(".pd-gantt .tl-tip")[0]


def test_collectives_are_sorted_by_their_heads_and_filtered(page):
    assert len(rows_of(page, "Collectives")) == 2
    sort_by(page, "Collectives", "Start")
    page.until(
        "document.querySelector('.pk-grid[aria-label=Collectives] [aria-sort=descending]')"
        "?.textContent === 'Start'"
    )
    assert column_of(page, "Collectives", 2) == ["260\u202fµs", "60\u202fµs"]

    type_filter(page, "Collectives", "broadcast")
    page.until(f"{TAB}.collectiveTable.grid.rows.length === 0")
    type_filter(page, "Collectives", "/all-.*uce/")
    page.until(f"{TAB}.collectiveTable.grid.rows.length === 2")


def test_the_arrow_of_a_collective_stacks_the_ranks_on_the_timeline(page):
    page.page.click(".pk-grid[aria-label=Collectives] .pk-go >> nth=0")

    page.until("window.__gpuboard.timeline?.view?.models?.length === 3")
    low, high = page.evaluate("[__gpuboard.timeline.view.t0, __gpuboard.timeline.view.t1]")
    assert low < 60_000 or low < 260_000 < high


def test_a_single_trace_without_collectives_says_so(open_store, tmp_path):
    write_trace(tmp_path / "a.pt.trace.json")
    page = open_profile(open_store, tmp_path, "distributed", SHOWN)

    assert page.texts(".pk-lead")[0].startswith("One rank")
    assert "no collectives" in page.texts(".pk-absent p")[0]
