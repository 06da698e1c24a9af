import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis.axes import axis_values
from gpuboard.analysis.request import AXES
from gpuboard.errors import InputError
from tests.analysis.series_maker import series


def test_a_step_axis_shows_steps_as_logged():
    assert axis_values(series([1, 1, 1], steps=[5, -3, 8]), "step", 0).tolist() == [5, -3, 8]


def test_relative_time_starts_at_the_origin_of_the_run():
    points = series([1, 1], walls=[1010.5, 1012])

    assert axis_values(points, "relative", 1000.0).tolist() == [10.5, 12]
    assert axis_values(points, "wall", 1000.0).tolist() == [1010.5, 1012]


def test_an_unknown_origin_is_the_first_known_wall_time():
    points = series([1, 1, 1], walls=[np.nan, 1003, 1004])

    relative = axis_values(points, "relative", np.nan)

    assert np.isnan(relative[0])
    assert relative[1:].tolist() == [0, 1]


def test_the_index_counts_points_of_the_series():
    assert axis_values(series([1, 1, 1], steps=[7, 7, 7]), "index", 0).tolist() == [0, 1, 2]


def test_an_unknown_axis_is_named_with_the_known_ones():
    with pytest.raises(InputError, match=r"'epoch', expected one of step, relative"):
        axis_values(series([1]), "epoch", 0)


def test_active_time_counts_a_night_off_as_one_ordinary_gap():
    walls = np.concatenate([1000 + 10.0 * np.arange(6), 50_000 + 10.0 * np.arange(5)])

    active = axis_values(series(np.zeros(11), walls=walls), "active", 1000.0)

    assert active.tolist() == [10.0 * i for i in range(11)]


def test_active_time_keeps_gaps_under_a_minute():
    walls = [1000, 1000.1, 1000.2, 1059]

    active = axis_values(series(np.zeros(4), walls=walls), "active", 1000.0)

    assert active == pytest.approx([0, 0.1, 0.2, 59])


def test_a_gap_of_just_a_minute_is_no_pause():
    walls = [*range(1000, 1011), 1070]

    active = axis_values(series(np.zeros(12), walls=walls), "active", 1000.0)

    assert active[-1] == 70


def test_active_time_cuts_the_wait_before_the_first_point():
    walls = 10_000 + np.arange(4.0)

    assert axis_values(series(np.zeros(4), walls=walls), "active", 0.0).tolist() == [1, 2, 3, 4]


walls_lists = st.lists(st.one_of(st.floats(0, 1e5), st.just(np.nan)), min_size=1, max_size=40)


def _active_by_sorting(walls, origin):
    known = sorted(w for w in walls if not np.isnan(w))
    gaps = sorted(b - a for a, b in itertools.pairwise(known) if b > a)
    typical = gaps[3 * len(gaps) // 4] if gaps else 0.0
    longest = max(60.0, 10 * typical) if gaps else np.inf
    active, now, total = {}, origin, 0.0
    for wall in known:
        gap = wall - now
        total += typical if gap > longest else max(gap, 0.0)
        active[wall] = total + min(gap, 0.0)
        now = max(now, wall)
    return [active.get(wall, np.nan) for wall in walls]


@given(walls_lists)
def test_active_time_is_the_sum_of_working_gaps_in_any_order(walls):
    active = axis_values(series(np.zeros(len(walls)), walls=walls), "active", 100.0)

    expected = _active_by_sorting(walls, 100.0)
    np.testing.assert_allclose(active, expected, rtol=1e-12, atol=1e-6)


@pytest.mark.parametrize("axis", AXES)
def test_a_series_without_points_has_no_x(axis):
    assert len(axis_values(series([]), axis, 0.0)) == 0
