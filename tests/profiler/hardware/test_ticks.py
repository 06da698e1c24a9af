"""Deadlines, gaps and jumps of the clock."""

from __future__ import annotations

import pytest

from gpuboard.profiler.hardware.samples import Gap, Instant
from gpuboard.profiler.hardware.ticks import Ticks


def ticks(period: float = 1.0) -> Ticks:
    return Ticks(period, Instant(0.0, 100.0))


def test_work_that_takes_time_does_not_shift_later_deadlines():
    grid = ticks()

    found = [grid.deadline(100.0 + k + 0.3) for k in range(1000)]

    assert found == pytest.approx([101.0 + k for k in range(1000)])
    assert grid.missed == 0


def test_deadlines_that_have_passed_are_left_out_and_counted():
    grid = ticks()
    grid.deadline(100.1)

    assert grid.deadline(105.5) == 106.0
    assert grid.missed == 4


def test_slow_and_rare_questions_come_every_ten_seconds_and_every_minute():
    grid = ticks()

    due = [grid.begin(Instant(float(k), 100.0 + k))[0] for k in range(121)]

    assert all("tick" in one for one in due)
    assert [k for k, one in enumerate(due) if "slow" in one] == list(range(0, 121, 10))
    assert [k for k, one in enumerate(due) if "rare" in one] == [0, 60, 120]


def test_a_period_longer_than_a_pace_asks_at_every_tick():
    grid = ticks(30.0)

    due = [grid.begin(Instant(30.0 * k, 100.0 + 30 * k))[0] for k in range(5)]

    assert all("slow" in one for one in due)
    assert [k for k, one in enumerate(due) if "rare" in one] == [0, 2, 4]


def test_a_process_that_was_stopped_leaves_a_gap():
    grid = ticks()
    grid.begin(Instant(50.0, 100.0))

    _, is_cut = grid.begin(Instant(80.0, 130.0))

    assert is_cut
    assert grid.gaps == [Gap(50.0, 80.0)]


def test_a_machine_that_slept_leaves_a_gap_though_monotonic_time_stood_still():
    grid = ticks()
    grid.begin(Instant(50.0, 100.0))

    _, is_cut = grid.begin(Instant(3650.0, 101.0))

    assert is_cut
    assert grid.gaps == [Gap(50.0, 3650.0)]


def test_a_clock_set_back_cuts_but_leaves_no_gap():
    grid = ticks()
    grid.begin(Instant(5000.0, 100.0))

    _, is_cut = grid.begin(Instant(1400.0, 101.0))

    assert is_cut
    assert grid.gaps == []


def test_a_late_tick_is_no_gap():
    grid = ticks()
    grid.begin(Instant(50.0, 100.0))

    assert grid.begin(Instant(52.5, 102.5))[1] is False
    assert grid.gaps == []


def test_the_list_of_gaps_stays_short():
    grid = ticks()
    for k in range(500):
        grid.begin(Instant(100.0 * k, 100.0 * k))

    assert len(grid.gaps) == 100
    assert grid.gaps[-1].end == 49_900.0
