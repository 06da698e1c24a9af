from __future__ import annotations

from run_store import RunStore, run

from gpuboard.store.columns import Problem

ROWS = "[...document.querySelectorAll('.grid-row')].filter(e => e.checkVisibility())"


def test_a_log_without_faults_has_a_calm_health_page(open_store):
    tab = open_store(RunStore.named("a", "b"), "health")

    tab.until("document.querySelector('.empty h2')?.textContent === 'Nothing wrong'")
    tab.until("document.querySelector('.empty p').textContent.includes('22 events')")

    assert tab.page.inner_text(".empty p") == "2 files, 22 events read, every checksum correct."


def test_problems_are_counted_by_kind_filtered_and_shown_in_full(open_store):
    problems = (
        Problem("a/events", 812, "damaged_record", "this record was skipped"),
        Problem("b/events", 0, "unreadable", "permission denied <b>here</b>"),
        Problem("c/events", 90_000, "damaged_record", "another was skipped"),
    )
    store = RunStore(run(0, "a", problems=1), problems=problems)
    tab = open_store(store, "health")
    tab.until(f"{ROWS}.length === 3")
    assert tab.texts(".kinds .chip") == ["All3", "Damaged record2", "Unreadable1"]

    tab.page.click(".kinds >> text=Damaged record")
    tab.until(f"{ROWS}.length === 2")
    tab.page.click(".kinds >> text=All")
    tab.page.fill("[aria-label='Filter problems']", "PERMISSION")
    tab.until(f"{ROWS}.length === 1")
    tab.page.click(".grid-row:visible")

    assert tab.page.inner_text(".detail-message") == "permission denied <b>here</b>"


def test_the_health_page_hears_of_new_problems(open_store):
    store = RunStore.named("a")
    tab = open_store(store, "health")
    tab.until("document.querySelector('.empty').checkVisibility()")

    store.found = (Problem("a/events", 5, "damaged_record", "skipped"),)
    store.version += 1

    tab.until(f"{ROWS}.length === 1")
    tab.until("document.querySelector('#health-link').textContent.includes('1 problem')")
