from __future__ import annotations

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.store.store import Store
from gpuboard.summaries import pr_curve


def store_of(tmp_path, runs=("a", "<b>b<b>"), steps=4):
    rng = np.random.default_rng(0)
    for run in runs:
        with EventFileWriter(tmp_path / run) as writer:
            for step in range(steps):
                scores = rng.random(400)
                labels = rng.random(400) < scores ** (1 + step)
                writer.add_value(pr_curve.encode("val/pr", labels, scores, 51), 100 * step)
    store = Store(tmp_path)
    store.refresh()
    return store


def first_cells(tab, column):
    return tab.texts(f".pr-table tbody td:nth-child({column})")


def test_all_runs_of_a_tag_share_a_card_with_guides_and_a_table(open_store, tmp_path):
    tab = open_store(store_of(tmp_path), "pr_curves")

    tab.until("document.querySelector('.pr-plot')?.dataset.lines === '6'")

    assert sorted(first_cells(tab, 1)) == ["<b>b<b>", "a"]
    assert all(0 < float(text) < 1 for text in first_cells(tab, 2))
    assert tab.page.inner_text(".vc-label") == "step 300"


@pytest.mark.slow
def test_an_earlier_step_shows_its_own_curves(open_store, tmp_path):
    tab = open_store(store_of(tmp_path), "pr_curves")
    tab.until("document.querySelectorAll('.pr-table tbody tr').length === 2")
    last = first_cells(tab, 2)

    tab.page.fill(".vp-step-number", "100")
    tab.page.keyboard.press("Enter")

    tab.until("document.querySelector('.vc-label').textContent === 'step 100'")
    tab.until(
        f"document.querySelector('.pr-table tbody td:nth-child(2)').textContent !== '{last[0]}'"
    )
    assert "stepAt=100" in tab.reload().page.url


def test_the_threshold_changes_the_counts_and_roc_the_curve(open_store, tmp_path):
    tab = open_store(store_of(tmp_path), "pr_curves")
    tab.until("document.querySelectorAll('.pr-table tbody tr').length === 2")

    tab.page.locator(".pr-slider").fill("0")
    tab.until("document.querySelector('.pr-table tbody td:nth-child(5)').textContent === '1.000'")
    assert first_cells(tab, 9) == ["0", "0"]
    tab.page.click("text=ROC")

    tab.until("document.querySelector('.pr-plot').dataset.lines === '3'")
    assert tab.texts(".pr-table th")[1] == "AUC"


@pytest.mark.slow
def test_a_click_on_the_past_goes_to_its_step(open_store, tmp_path):
    tab = open_store(store_of(tmp_path), "pr_curves")
    tab.until("document.querySelector('.pr-history')?.checkVisibility()")

    box = tab.page.locator(".pr-history-canvas").bounding_box()
    tab.page.mouse.click(box["x"] + 5, box["y"] + 20)

    tab.until("document.querySelector('.vc-label').textContent === 'step 0'")


def test_a_log_without_curves_says_how_to_log_one(open_store, tmp_path):
    with EventFileWriter(tmp_path / "r") as writer:
        writer.add_scalar("x", 1.0, 0)
    store = Store(tmp_path)
    store.refresh()

    tab = open_store(store, "pr_curves")

    tab.until("document.querySelector('.empty code')?.textContent.includes('add_pr_curve')")
