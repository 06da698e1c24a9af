from __future__ import annotations

import numpy as np

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.store.store import Store

ROWS = "[...document.querySelectorAll('.nu-list .grid-row')].filter(e => e.checkVisibility())"


def log(folder, losses, tag="loss/<b>train</b>"):
    with EventFileWriter(folder) as writer:
        for step, loss in enumerate(losses):
            writer.add_scalar(tag, loss, 10 * step)


def store_of(tmp_path, **runs):
    for name, losses in runs.items():
        log(tmp_path / name, losses)
    store = Store(tmp_path)
    store.refresh()
    return store


def test_trouble_is_listed_filtered_and_shown_with_its_place(open_store, tmp_path):
    bad = np.concatenate([np.linspace(2, 0.5, 100), np.linspace(0.5, 9, 100)])
    bad[150] = np.nan
    tab = open_store(store_of(tmp_path, bad=bad, good=np.linspace(2, 1, 200)), "numerics")
    tab.until(f"{ROWS}.length === 2")
    assert tab.texts(".nu-page .chip") == ["All2", "NaN1", "Divergence1"]

    tab.page.click(".nu-page .chip >> text=Divergence")
    tab.until(f"{ROWS}.length === 1")
    tab.page.click(".nu-list .grid-row:visible")
    tab.until("document.querySelector('.nu-plot').dataset.lines === '1'")

    assert "rose from a best median" in tab.page.inner_text(".nu-message")
    assert "<b>train</b>" in tab.page.inner_text(".nu-place")
    tab.page.click(".nu-go")
    tab.until("location.pathname.endsWith('/scalars')")
    tab.until("document.querySelector('.sc-stage .gb-chart')?.dataset.lines === '1'")
    assert "marks=%5B" in tab.page.url


def test_a_log_without_trouble_is_told_to_be_so_with_what_was_checked(open_store, tmp_path):
    tab = open_store(store_of(tmp_path, good=np.linspace(2, 1, 200)), "numerics")

    tab.until("document.querySelector('.nu-page .empty h2')?.textContent === 'No trouble found'")

    assert tab.page.inner_text(".nu-page .empty p") == "1 series of 1 run passed all rules."
    assert len(tab.texts(".nu-rules dt")) >= 9


def test_runs_that_are_not_selected_are_left_out(open_store, tmp_path):
    bad = np.full(50, np.nan)
    tab = open_store(store_of(tmp_path, a=bad, b=bad), "numerics")
    tab.until(f"{ROWS}.length === 2")

    tab.page.click(".panel .grid-row:visible .check >> nth=0")

    tab.until(f"{ROWS}.length === 1")
