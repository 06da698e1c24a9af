"""Growth of counters that wrap and start again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.hardware.counters import Rate, growth

TURN = 2**32


@given(st.integers(0, 2**40), st.integers(0, 2**30))
def test_a_counter_that_rises_grew_by_the_difference(old, grown):
    assert growth(old, old + grown) == grown


@given(st.integers(0, TURN - 1), st.integers(0, 2**31 - 1))
def test_a_counter_that_passes_2_to_the_32_grew_by_what_it_took_to_get_there(old, grown):
    assert growth(old, (old + grown) % TURN) == grown


@pytest.mark.parametrize("old", [1_000, TURN // 2, TURN + 5, 2**63])
def test_a_counter_that_starts_again_gives_no_growth(old):
    assert growth(old, 0 if old != TURN - 1 else 1) is None


def test_a_rate_is_growth_over_monotonic_time():
    rate = Rate()

    assert rate.step(1_000, 10.0) is None
    assert rate.step(1_500, 12.0) == 250.0


def test_two_readings_at_one_moment_give_no_rate_and_lose_nothing():
    rate = Rate()
    rate.step(0, 10.0)

    assert rate.step(70, 10.0) is None
    assert rate.step(100, 11.0) == 100.0


def test_nothing_is_worked_out_across_a_gap():
    rate = Rate()
    rate.step(0, 10.0)
    rate.forget()

    assert rate.step(5_000, 99.0) is None
    assert rate.step(5_010, 100.0) == 10.0
