import numpy as np
import pytest

from gpuboard.analysis.points import PointRequest, points_at
from gpuboard.analysis.request import Smoothing
from gpuboard.analysis.smooth import smooth
from gpuboard.errors import InputError
from tests.analysis.series_maker import source


def test_the_nearest_point_of_each_run_is_shown():
    runs = [
        source([1.0, 2, 3], run=4, steps=[0, 10, 20]),
        source([7.0, 8], run=2, steps=[100, 200]),
    ]

    rows = points_at(runs, PointRequest("step", 14.0))

    assert rows.run.tolist() == [4, 2]
    assert rows.value.tolist() == [2, 7]
    assert rows.step.tolist() == [10, 100]
    assert rows.wall_time.tolist() == [1001, 1000]
    assert rows.relative.tolist() == [1, 0]
    assert np.isnan(rows.mean).all()


def test_of_points_at_one_step_the_last_logged_is_shown():
    rows = points_at([source([1.0, 2, 3, 4], steps=[0, 5, 5, 9])], PointRequest("step", 4.0))

    assert rows.value.tolist() == [3]


def test_of_two_equally_near_points_the_later_is_shown():
    rows = points_at([source([1.0, 2], steps=[0, 10])], PointRequest("step", 5.0))

    assert rows.value.tolist() == [2]


@pytest.mark.parametrize("at", [-50.0, 0.0, 3.3, 99.0])
def test_the_nearest_point_agrees_with_a_search_through_all(at):
    random = np.random.default_rng(0)
    steps = np.sort(random.integers(0, 30, 50))

    rows = points_at([source(random.normal(size=50), steps=steps)], PointRequest("step", at))

    distance = np.abs(steps - at)
    assert rows.step[0] == steps[np.flatnonzero(distance == distance.min())[-1]]


def test_overwritten_points_are_not_shown():
    run = source([1.0, 2, 3, 9], steps=[0, 1, 2, 1], starts=[0, 3])

    rows = points_at([run], PointRequest("step", 2.0))

    assert (rows.step.tolist(), rows.value.tolist()) == ([1], [9])


def test_a_range_sums_up_what_lies_within():
    values = np.array([5.0, 1, np.nan, 4, 2, np.inf, 8])

    rows = points_at([source(values)], PointRequest("step", 1.0, 5.0))

    assert rows.step.tolist() == [5]
    assert rows.value.tolist() == [np.inf]
    summary = (rows.least, rows.greatest, rows.mean, rows.start, rows.end)
    assert [float(column[0]) for column in summary] == pytest.approx([1, 4, 7 / 3, 1, 2])


def test_a_run_without_a_point_in_the_range_is_not_found():
    rows = points_at(
        [source([1.0, 2]), source([3.0], run=1, steps=[7])], PointRequest("step", 5, 8)
    )

    assert rows.found.tolist() == [False, True]
    assert np.isnan(rows.least[0])


def test_the_smoothed_value_is_that_of_the_drawn_line():
    values = np.random.default_rng(1).normal(size=20)
    smoothing = Smoothing("ema", 0.8)

    rows = points_at([source(values)], PointRequest("step", 11.0, smoothing=smoothing))

    assert rows.smoothed[0] == smooth(np.arange(20.0), values, smoothing)[11]


def test_runs_of_any_size_come_back_in_the_order_asked_for():
    runs = [source(np.arange(float(n)), run=run) for run, n in ((3, 150_000), (1, 2), (2, 120_000))]

    rows = points_at(runs, PointRequest("step", 1e9))

    assert rows.run.tolist() == [3, 1, 2]
    assert rows.value.tolist() == [149_999, 1, 119_999]


def test_no_runs_give_no_rows():
    assert len(points_at([], PointRequest("step", 0.0)).run) == 0


def test_a_range_turned_round_is_refused():
    with pytest.raises(InputError, match="first <= last"):
        PointRequest("step", 5.0, 4.0)
