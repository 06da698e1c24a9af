"""Drive the Compare tab on two jobs of two ranks."""

from __future__ import annotations

import pytest
from profile_page import column_of, open_profile, rows_of, type_filter

from tests.serve.rank_maker import write_late_ranks
from tests.serve.trace_maker import steps, write_trace

TAB = "window.__gpuboard?.compare"
SHOWN = f"!!{TAB}?.table_?.data?.n && !!document.querySelector('.pc-steps')"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def logs(tmp_path):
    write_late_ranks(tmp_path / "a", late=(0.0, 10.0))
    write_late_ranks(tmp_path / "b", late=(20.0, 50.0))
    write_trace(tmp_path / "c" / "c.pt.trace.json", steps())
    return tmp_path


@pytest.fixture
def page(open_store, logs):
    return open_profile(open_store, logs, "compare", SHOWN)


def test_the_chosen_job_and_the_next_are_compared_at_first(page):
    chosen = page.evaluate(
        "[...document.querySelectorAll('.pc-side select')]"
        ".map((one) => one.selectedOptions[0].text)"
    )

    assert chosen[0].startswith("a · 2 ranks")
    assert chosen[1].startswith("b · 2 ranks")
    assert "gemm" in column_of(page, "Changes", 0)[0]
    assert column_of(page, "Changes", 6)[0] == "+30\u202fµs"


def test_swapping_turns_the_sign_of_changes(page):
    page.page.click(".pc-head .button:text-is('Swap')")

    page.until(f"{TAB}.table_.data.before[0] > {TAB}.table_.data.after[0]")
    assert column_of(page, "Changes", 6)[0] == "−30\u202fµs"


def test_ranks_are_chosen_by_number(page):
    page.page.fill(".pc-side.is-after .pc-ranks", "1")
    page.page.press(".pc-side.is-after .pc-ranks", "Enter")

    page.until(f"{TAB}.table_.data.after[0] === 90000")
    page.page.fill(".pc-side.is-after .pc-ranks", "7")
    page.page.press(".pc-side.is-after .pc-ranks", "Enter")
    page.until("document.querySelector('.is-after .field-error').textContent === 'no such rank'")


def test_another_recording_brings_added_and_removed_names(page):
    index = page.evaluate(f"{TAB}.groups.findIndex((group) => group.name.startsWith('c'))")
    page.page.select_option(".pc-side.is-after select", index=index)
    page.until(f"{TAB}.table_.data.status.includes('added')")

    assert page.texts(".pk-lead")[0].startswith("Step 47 % shorter")
    page.page.click("[aria-label=State] button:text-is('Removed')")
    page.until(
        f"[...{TAB}.table_.grid.rows].every((k) => {TAB}.table_.data.status[k] === 'removed')"
    )
    assert {row[1] for row in rows_of(page, "Changes")} == {"removed"}


def test_operators_are_compared_too_and_filtered(page):
    page.page.click("[aria-label='What is compared'] button:text-is('Operators')")
    page.until(f"{TAB}.table_.data.name[0] === 'aten::mm'")
    type_filter(page, "Changes", "nothing of that name")

    page.until(f"{TAB}.table_.grid.rows.length === 0")


def test_a_trace_is_not_compared_with_itself(page):
    index = page.evaluate(f"{TAB}.groups.findIndex((group) => group.name.startsWith('a'))")
    page.page.select_option(".pc-side.is-after select", index=index)

    page.until("!!document.querySelector('.pc-say')")
    assert "Both sides are the same" in page.texts(".pc-say p")[0]


def test_a_reload_keeps_what_was_compared(page):
    page.page.click(".pc-head .button:text-is('Swap')")
    page.until(f"{TAB}.table_.data.before[0] > {TAB}.table_.data.after[0]")
    page.reload().until(SHOWN)

    assert page.evaluate(f"{TAB}.sides[0].group.name") == "b"
