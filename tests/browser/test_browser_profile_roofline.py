"""Drive the Roofline tab on a product of matrices."""

from __future__ import annotations

import pytest
from profile_page import column_of, figures, open_profile

from tests.serve.rank_maker import matrix, write_late_ranks
from tests.serve.trace_maker import write_trace

TAB = "window.__gpuboard?.roofline"
SHOWN = f"!!{TAB}?.scatter && {TAB}.operators.data.n > 0"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def page(open_store, tmp_path):
    write_late_ranks(tmp_path / "job", late=(0.0,))
    return open_profile(open_store, tmp_path, "roofline", SHOWN)


def test_figures_table_and_dots_are_there(page):
    assert column_of(page, "Operators", 0) == ["aten::mm"]
    assert column_of(page, "Operators", 9) == ["memory"]
    assert figures(page)["counted"] == "100.0\u202f%"
    assert page.evaluate(f"{TAB}.scatter.points.length") == 1


def test_a_dot_tells_what_it_is_and_a_click_marks_its_row(page):
    page.until(f"!!{TAB}.scatter.sx")
    box = page.page.query_selector(".pf-roof-scatter canvas").bounding_box()
    x = box["x"] + page.evaluate(f"{TAB}.scatter.sx.to({TAB}.rows.intensity[0])")
    y = box["y"] + page.evaluate(f"{TAB}.scatter.sy.to({TAB}.rows.flop_rate[0])")
    page.page.mouse.move(x, y)

    tip = "document.querySelector('.pf-roof-scatter .tl-tip').textContent"
    page.until(f"{tip}.includes('aten::mm')")
    page.page.mouse.click(x, y)
    page.until("!!document.querySelector('.pk-grid[aria-label=Operators] .is-on')")


def test_peaks_given_by_hand_move_the_roof_and_stay_in_the_address(page):
    before = page.evaluate(f"{TAB}.rows.attainable[0]")
    page.page.click(".button:text-is('Peaks…')")
    page.page.fill(".pf-roof-form input[aria-label=Bandwidth]", "100")
    page.page.click(".pf-roof-form button[type=submit]")

    page.until(f"{TAB}.found.peak.bandwidth === 1e11")
    assert page.evaluate(f"{TAB}.rows.attainable[0]") < before
    page.reload().until(SHOWN)
    assert page.evaluate(f"{TAB}.found.peak.bandwidth") == 1e11


def test_a_device_that_is_not_known_opens_the_form(open_store, tmp_path):
    from tests.profiler.timeline.maker import event, kernel

    events = [
        event("aten::mm", 0, 20, **matrix()),
        event("cudaLaunchKernel", 2, 4, cat="cuda_runtime", correlation=1),
        kernel("gemm", 10, 20, correlation=1),
    ]
    write_trace(tmp_path / "b.pt.trace.json", events)
    page = open_profile(open_store, tmp_path, "roofline", SHOWN)

    assert page.texts(".pk-absent strong")[0] == "The device is not known"
    page.page.fill(".pf-roof-form input[aria-label=Bandwidth]", "1000")
    page.page.fill(".pf-roof-form input[aria-label=fp32]", "10")
    page.page.click(".pf-roof-form button[type=submit]")
    page.until(f"{TAB}.rows.share[0] > 0")
    assert page.texts(".pk-absent strong") == []


def test_a_trace_without_shapes_shows_the_line_to_record(open_store, tmp_path):
    write_trace(tmp_path / "c.pt.trace.json")
    page = open_profile(
        open_store, tmp_path, "roofline", "!!document.querySelector('.pk-nothing pre')"
    )

    assert "record_shapes=True" in page.texts(".pk-nothing pre")[0]
