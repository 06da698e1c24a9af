"""Drive the Operators and the Kernels tab of the Profile page on small traces."""

from __future__ import annotations

import pytest
from profile_tabs import GEMM, US, open_profile, text_of, texts

ROWS = "document.querySelectorAll('.pr-table .grid-row:not([hidden])').length"
NAMES = ".pr-table [role=gridcell][aria-colindex='1']"
TIMELINE = "!!window.__gpuboard?.timeline?.view"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def operators(open_store, tmp_path):
    return open_profile(open_store, tmp_path, "operators").until(f"{ROWS} === 2")


@pytest.fixture
def kernels(open_store, tmp_path):
    return open_profile(open_store, tmp_path, "kernels").until(f"{ROWS} === 1")


def test_operators_stand_by_device_time_and_sort_by_their_heads(operators):
    assert texts(operators, NAMES) == ["aten::mm", "aten::linear"]

    operators.page.click(".pr-table [role=columnheader] >> text=Host total")
    operators.until(f"document.querySelector({NAMES!r}).textContent === 'aten::linear'")


def test_operators_are_searched_by_text_and_pattern(operators):
    operators.page.fill(".pr-table input[type=search]", "lin")
    operators.until(f"{ROWS} === 1")
    assert texts(operators, NAMES) == ["aten::linear"]

    operators.page.fill(".pr-table input[type=search]", "/mm$/")
    operators.until(f"document.querySelector({NAMES!r}).textContent === 'aten::mm'")
    operators.page.fill(".pr-table input[type=search]", "/(/")
    operators.page.wait_for_timeout(200)
    assert texts(operators, NAMES) == ["aten::mm"]


def test_a_chosen_operator_shows_its_calls_and_kernels(operators):
    operators.page.click(f"{NAMES} >> nth=0")
    operators.until("document.querySelectorAll('.pr-part').length === 3")

    assert text_of(operators, ".pr-title") == "aten::mm"
    assert any(GEMM[:12] in text for text in texts(operators, ".pr-part .pr-kernel"))
    operators.page.click(".pr-part .pk-go >> nth=0")
    operators.until(TIMELINE)
    operators.until("!document.querySelector('.tl-panel').hidden")
    assert text_of(operators, ".tl-panel-title") == "aten::mm"


def test_a_step_narrows_the_table(operators):
    operators.page.select_option(".pr-table .picker select", "0")
    calls = ".pr-table [role=gridcell][aria-colindex='2']"
    operators.until(f"document.querySelector({calls!r}).textContent === '1'")


def test_a_way_to_group_is_kept_in_the_address(operators):
    operators.page.get_by_role("radio", name="Name and shapes").click()
    operators.until("location.search.includes('opBy=shapes')")
    operators.until("!!document.querySelector('.pr-table .pg-absent')")

    assert any("record_shapes=True" in text for text in texts(operators, ".pg-absent"))


def test_a_click_on_a_piece_of_the_bar_searches_for_it(operators):
    operators.page.click(".pr-topbar .pg-split button >> nth=0")
    operators.until(f"{ROWS} === 1")

    value = operators.evaluate("document.querySelector('.pr-table input[type=search]').value")
    assert value == "aten::mm"


def test_kernels_show_their_class_and_a_histogram_of_their_durations(kernels):
    assert "not used" not in texts(kernels, NAMES)
    kernels.page.click(f"{NAMES} >> nth=0")
    kernels.until("!!document.querySelector('.pg-histogram canvas')")

    assert text_of(kernels, ".pr-title") == GEMM
    assert "6 runs · median 50" in text_of(kernels, ".pr-head .pg-note")
    kernels.until(
        "[...document.querySelectorAll('.pr-part [role=gridcell]')]"
        ".some(e => e.textContent === '8 , 64')"
    )


def test_classes_and_tensor_cores_filter_and_all_brings_everything_back(kernels):
    kernels.page.click(".pr-topbar:nth-child(2) .pg-split button >> nth=0")
    kernels.until("!!document.querySelector('.pr-filtered')")
    assert text_of(kernels, ".pr-filtered span") == "Shown: tensor cores used"

    kernels.page.click(".pr-filtered >> text=All")
    kernels.until("!document.querySelector('.pr-filtered')")
    assert kernels.evaluate(ROWS) == 1


def test_launching_has_queues_delays_and_graphs(kernels):
    kernels.page.get_by_role("radio", name="Launching and queues").click()
    kernels.until("!!document.querySelector('.pg-queue canvas')")
    box = kernels.page.locator(".pg-queue canvas").bounding_box()
    kernels.page.mouse.move(box["x"] + 400, box["y"] + 20)
    kernels.until("!document.querySelector('.pg-queue .pg-tip').hidden")

    figures = dict(
        zip(texts(kernels, ".pr-figures dt"), texts(kernels, ".pr-figures dd"), strict=True)
    )
    assert figures["Launches"] == "6"
    assert "24" in figures["Mean delay"]  # calls end at 16, work begins at 40
    assert any("CUDA graph" in text for text in texts(kernels, ".pg-absent"))
    kernels.page.mouse.click(box["x"] + 400, box["y"] + 20)
    kernels.until(TIMELINE)
    window = kernels.evaluate(
        "window.__gpuboard.timeline.view.t1 - window.__gpuboard.timeline.view.t0"
    )
    assert window < 100 * US


def test_a_step_holds_the_kernels_that_ran_in_it_until_all_of_its_work_was_done(kernels):
    kernels.page.select_option(".pr-table .picker select", "4")  # its kernel outlasts the host
    kernels.until("location.search.includes('profileStep=4')")
    runs = ".pr-table [role=gridcell][aria-colindex='3']"
    kernels.until(f"document.querySelector({runs!r}).textContent === '1'")


def test_a_row_of_launches_leads_to_its_kernel(kernels):
    kernels.page.get_by_role("radio", name="Launching and queues").click()
    row = ".pg-card[aria-label='Launches by kernel'] .grid-row"
    kernels.until(f"!!document.querySelector({row!r})")
    kernels.page.click(f"{row} >> nth=0")
    kernels.until(f"{ROWS} === 1")

    assert kernels.evaluate("document.querySelector('.pr-table input[type=search]').value") == GEMM
