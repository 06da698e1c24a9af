import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.analysis.request import Smoothing
from gpuboard.analysis.smooth import smooth
from gpuboard.errors import InputError

KINDS = ("ema", "gaussian", "mean")


def tensorboard_ema(values, weight):
    """Debiased moving average, written after TensorBoard's `resmooth` of line charts."""
    last, out = 0.0, []
    for count, value in enumerate(values, 1):
        last = last * weight + (1 - weight) * value
        out.append(last / (1 - weight**count))
    return out


def weighted_means(x, y, weight_of):
    """Average every point with every other, by the weight of their distance."""
    out = np.full(len(y), np.nan)
    for i in range(len(y)):
        if not np.isfinite(y[i]):
            continue
        weights = np.where(np.isfinite(y), weight_of(x - x[i]), 0.0)
        out[i] = np.dot(weights, np.where(np.isfinite(y), y, 0.0)) / weights.sum()
    return out


def typical(x):
    gaps = np.diff(x)
    return float(np.median(gaps[gaps > 0]))


@pytest.mark.parametrize("weight", [0.1, 0.6, 0.9, 0.999])
def test_on_even_steps_the_ema_is_that_of_tensorboard(weight):
    values = np.random.default_rng(0).normal(size=300)

    found = smooth(7.0 * np.arange(300), values, Smoothing("ema", weight))

    np.testing.assert_allclose(found, tensorboard_ema(values, weight), rtol=1e-10)


gaps_lists = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.0, 4.0, 100.0]), min_size=2, max_size=40)


@given(gaps_lists, st.sampled_from([0.3, 0.6, 0.95]), st.integers(0, 99))
def test_the_ema_weighs_points_by_their_distance(gaps, weight, seed):
    x = np.cumsum([0.0, *gaps])
    x[-1] += 1.0
    y = np.random.default_rng(seed).normal(size=len(x))

    found = smooth(x, y, Smoothing("ema", weight))

    unit = typical(x)
    expected = [
        weighted_means(x[: i + 1], y[: i + 1], lambda d: weight ** (np.abs(d) / unit))[-1]
        for i in range(len(x))
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@given(gaps_lists, st.sampled_from([(0.3, 1), (0.6, 2), (0.75, 3), (0.9, 9)]), st.integers(0, 99))
def test_the_mean_takes_all_points_within_reach(gaps, amount_and_neighbours, seed):
    amount, neighbours = amount_and_neighbours
    x = np.cumsum([0.0, *gaps])
    x[-1] += 1.0
    y = np.random.default_rng(seed).normal(size=len(x))
    y[seed % len(y)] = np.nan

    found = smooth(x, y, Smoothing("mean", amount))

    reach = (neighbours + 0.5) * typical(x)
    expected = weighted_means(x, y, lambda d: (np.abs(d) <= reach).astype(float))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("amount", [0.2, 0.5, 0.9, 0.97])
def test_the_gaussian_is_within_a_hundredth_of_the_exact_kernel(amount):
    random = np.random.default_rng(1)
    x = np.cumsum(random.choice([0.0, 1.0, 1.0, 1.0, 7.0], 400))
    y = np.sin(x / 50) + random.normal(size=400)
    sigma = typical(x) * (1 + amount) / (1 - amount) / (2 * math.sqrt(math.pi))

    found = smooth(x, y, Smoothing("gaussian", amount))

    exact = weighted_means(
        x, y, lambda d: np.exp(-0.5 * (d / sigma) ** 2) * (np.abs(d) <= 4 * sigma)
    )
    assert np.abs(found - exact).max() < 0.01 * y.std()


@pytest.mark.parametrize("amount", [0.6, 0.9, 0.98])
def test_one_amount_takes_the_same_share_of_noise_in_every_kind(amount):
    noise = np.random.default_rng(2).normal(size=60_000)
    x = np.arange(60_000.0)

    left = [smooth(x, noise, Smoothing(kind, amount))[1000:-1000].var() for kind in KINDS]

    expected = (1 - amount) / (1 + amount)
    assert left == pytest.approx([expected] * 3, rel=0.25)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_stay_gaps_and_spoil_nothing(kind, odd):
    y = np.array([1.0, 1.0, odd, 1.0, 1.0])

    found = smooth(np.arange(5.0), y, Smoothing(kind, 0.6))

    assert np.isnan(found[2])
    assert found[[0, 1, 3, 4]].tolist() == [1.0] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_stays_exactly_what_it_is(kind):
    y = np.full(500, 0.1)

    found = smooth(np.cumsum(np.random.default_rng(3).random(500)), y, Smoothing(kind, 0.99))

    assert np.abs(found - 0.1).max() < 1e-15


def test_the_ema_of_a_constant_does_not_move_at_all():
    found = smooth(np.arange(500.0), np.full(500, 0.1), Smoothing("ema", 0.99))

    assert (found == 0.1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_smoothing_starts_anew_where_x_goes_back(kind):
    x = np.array([0.0, 1, 2, 3, 0, 1, 2, 3])
    y = np.array([5.0] * 4 + [-5.0] * 4)

    found = smooth(x, y, Smoothing(kind, 0.6))

    assert found == pytest.approx(y)


@pytest.mark.parametrize("kind", KINDS)
def test_points_at_one_step_are_smoothed_as_if_evenly_spaced(kind):
    y = np.random.default_rng(4).normal(size=50)

    found = smooth(np.zeros(50), y, Smoothing(kind, 0.8))

    np.testing.assert_allclose(found, smooth(np.arange(50.0), y, Smoothing(kind, 0.8)))


def test_a_spike_leaves_no_rounding_error_in_the_mean_behind_it():
    y = np.full(100, 0.1)
    y[50] = 1e300

    found = smooth(np.arange(100.0), y, Smoothing("mean", 0.6))

    assert np.abs(found[60:] - 0.1).max() < 1e-15


def test_the_ema_of_huge_values_does_not_overflow():
    y = np.array([1.3e308, -1.3e308] * 10)

    assert np.isfinite(smooth(np.arange(20.0), y, Smoothing("ema", 0.9))).all()


def test_a_long_series_is_smoothed_like_a_short_one():
    y = np.random.default_rng(5).normal(size=50_000)

    found = smooth(3.0 * np.arange(50_000), y, Smoothing("ema", 0.9))

    np.testing.assert_allclose(found[:500], tensorboard_ema(y[:500], 0.9), rtol=1e-9)


@pytest.mark.parametrize("smoothing", [Smoothing(), Smoothing("ema", 0.0), Smoothing("mean", 0)])
def test_no_smoothing_returns_the_values(smoothing):
    assert smooth(np.arange(3.0), np.array([1.0, 5.0, 2.0]), smoothing).tolist() == [1, 5, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_series_without_points_smooths_to_none(kind):
    assert len(smooth(np.empty(0), np.empty(0), Smoothing(kind, 0.5))) == 0


@pytest.mark.parametrize("amount", [-0.1, 1.0, math.nan, math.inf])
def test_an_amount_outside_its_range_is_refused(amount):
    with pytest.raises(InputError, match=r"smooth.amount: got .*, expected 0 <= amount < 1"):
        Smoothing("ema", amount)


@settings(max_examples=50)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1, max_size=30),
    st.sampled_from(KINDS),
)
def test_a_smoothed_line_has_gaps_exactly_where_the_values_are_no_numbers(values, kind):
    y = np.array(values)
    y[np.abs(y) > 1e300] = np.inf

    found = smooth(np.arange(len(y), dtype=float), y, Smoothing(kind, 0.7))

    assert np.isfinite(found).tolist() == np.isfinite(y).tolist()
