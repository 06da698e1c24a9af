import numpy as np
import pytest

from gpuboard.analysis.outliers import extent, robust_extent


def test_an_extent_passes_over_what_is_no_number():
    values = np.array([np.nan, 3.0, -1.0, np.inf, -np.inf])

    assert extent(values) == (-1.0, 3.0)


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, -np.inf, np.nan]])
def test_no_finite_value_has_no_extent(values):
    assert extent(np.array(values)) is None
    assert robust_extent(np.array(values)) is None


def test_the_robust_extent_is_the_5th_to_95th_percentile():
    values = np.random.default_rng(0).normal(size=999)

    assert robust_extent(values) == pytest.approx(np.percentile(values, [5, 95]))


def test_the_robust_extent_of_many_values_comes_close():
    values = np.random.default_rng(0).normal(size=400_000)

    assert robust_extent(values) == pytest.approx([-1.645, 1.645], abs=0.05)


def test_values_that_alternate_between_extremes_are_both_met():
    values = np.tile([-1.0, 1.0], 200_000)

    assert robust_extent(values) == (-1.0, 1.0)


def test_the_few_numbers_among_many_gaps_are_found():
    values = np.full(100_000, np.nan)
    values[1] = 7.0

    assert robust_extent(values) == (7.0, 7.0)
