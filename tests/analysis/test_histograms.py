import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.analysis import histograms
from gpuboard.analysis.histogram_digest import (
    BAND_SHARES,
    DigestCache,
    digest,
    of_stack,
    thinned,
)
from gpuboard.analysis.histogram_kernels import describe
from gpuboard.analysis.histogram_request import HistogramRequest
from gpuboard.analysis.steps import standing
from gpuboard.errors import InputError
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.store.store import Store
from gpuboard.summaries.histogram import Histogram, encode
from gpuboard.summaries.histogram_stack import stacked
from gpuboard.summaries.tensor import encode_tensor

SHARES = np.array(BAND_SHARES)


def a_histogram(edges, count, **facts) -> Histogram:
    edges, count = np.array(edges, float), np.array(count, float)
    known = {
        "minimum": edges[0],
        "maximum": edges[-1],
        "num": count.sum(),
        "sum": math.nan,
        "sum_squares": math.nan,
    }
    return Histogram(edges[:-1], edges[1:], count, **(known | facts))


def stack_of(*found):
    return stacked(list(enumerate(found)))


@st.composite
def some_histogram(draw):
    n = draw(st.integers(1, 12))
    steps = draw(st.lists(st.sampled_from([0.01, 0.5, 1.0, 7.0]), min_size=n, max_size=n))
    counts = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    counts[draw(st.integers(0, n - 1))] += 1
    return a_histogram(draw(st.floats(-5, 5)) + np.append(0, np.cumsum(steps)), counts)


def share_below(histogram, x):
    """How many values lie below x: an independent formula, from the cumulated counts."""
    edges = np.append(histogram.left, histogram.right[-1])
    return np.interp(x, edges, np.append(0, np.cumsum(histogram.count)))


@given(some_histogram(), st.integers(1, 40), st.floats(-20, 10), st.floats(0.1, 100))
def test_bins_hold_the_differences_of_the_cumulated_counts(histogram, bins, low, width):
    high = low + width

    found = histograms.binned_stack(stack_of(histogram), bins, (low, high))[0]

    edges = np.linspace(low, high, bins + 1)
    np.testing.assert_allclose(found, np.diff(share_below(histogram, edges)), atol=1e-4)


@given(some_histogram(), st.integers(1, 40))
def test_a_range_around_all_values_keeps_them_all(histogram, bins):
    window = float(histogram.left[0]), float(histogram.right[-1])

    found = histograms.binned_stack(stack_of(histogram), bins, window)

    assert found.sum() == pytest.approx(histogram.count.sum(), rel=1e-5)


@pytest.mark.parametrize(("at", "bin_"), [(0.0, 0), (0.999, 9), (1.0, 9), (0.5, 5)])
def test_a_bucket_without_width_lies_in_one_bin(at, bin_):
    found = histograms.binned_stack(stack_of(a_histogram([at, at], [3])), 10, (0.0, 1.0))[0]

    assert np.flatnonzero(found).tolist() == [bin_]
    assert found[bin_] == 3


def test_buckets_of_any_width_are_spread():
    huge = a_histogram([-1.7e308, 1.7e308], [10])

    found = histograms.binned_stack(stack_of(huge), 4, (-4e307, 4e307))[0]

    np.testing.assert_allclose(found, np.full(4, 10 * 2 / 34), rtol=1e-5)


@given(some_histogram())
def test_quantiles_are_where_the_cumulated_counts_reach_their_share(histogram):
    found = of_stack(stack_of(histogram)).bands[0]

    total = histogram.count.sum()
    np.testing.assert_allclose(share_below(histogram, found), SHARES * total, atol=1e-6 * total)
    filled = np.flatnonzero(histogram.count)
    assert found[0] == histogram.left[filled[0]]
    assert found[-1] == pytest.approx(histogram.right[filled[-1]])


@given(some_histogram())
def test_moments_are_those_of_evenly_spread_values(histogram):
    facts = of_stack(stack_of(histogram)).facts(0)

    per = 400
    parts = (np.arange(per) + 0.5) / per
    width = histogram.right - histogram.left
    values = histogram.left[:, None] + width[:, None] * parts
    weights = np.repeat(histogram.count, per)
    mean = np.average(values.ravel(), weights=weights)
    assert facts.mean == pytest.approx(mean, abs=1e-6)
    spread = math.sqrt(np.average((values.ravel() - mean) ** 2, weights=weights))
    assert facts.std == pytest.approx(spread, rel=1e-3, abs=1e-6)
    assert not facts.is_exact


def test_logged_sums_give_exact_moments():
    values = np.random.default_rng(0).normal(3, 2, 1000)
    logged = a_histogram(
        [-10, 20], [1000], sum=values.sum(), sum_squares=(values**2).sum(), num=1000.0
    )

    facts = of_stack(stack_of(logged)).facts(0)

    assert facts.is_exact
    assert (facts.mean, facts.std) == pytest.approx((values.mean(), values.std()))


def test_sums_of_more_values_than_the_buckets_hold_are_not_trusted():
    logged = a_histogram([0, 2], [4], num=5.0, sum=400.0, sum_squares=1e5)

    facts = of_stack(stack_of(logged)).facts(0)

    assert (facts.mean, facts.is_exact, facts.num - facts.total) == (1, False, 1)


def test_a_histogram_without_values_has_no_quantiles():
    nothing = np.empty(0)
    found = describe(np.array([0, 0]), nothing, nothing, nothing, SHARES)

    assert found[0, 0] == 0
    assert np.isnan(found[0, 1:]).all()


class TestSpread:
    def test_few_are_all_taken_in_their_order(self):
        x = np.array([3.0, 1.0, 2.0])

        assert histograms.spread(x, np.arange(3), 5).tolist() == [1, 2, 0]

    @given(st.lists(st.integers(0, 1000), min_size=2, max_size=200), st.integers(2, 30))
    def test_first_and_last_are_taken_and_gaps_are_even(self, steps, most):
        x = np.array(steps, float)

        found = x[histograms.spread(x, np.arange(len(x)), most)]

        assert len(found) <= most
        assert (found[0], found[-1]) == (x.min(), x.max())
        assert np.all(np.diff(found) >= 0)
        # Any value is as near to a taken one as half the even distance and its own nearest place.
        even = (x.max() - x.min()) / (most - 1)
        assert all(np.abs(found - at).min() <= even for at in x)

    def test_dense_beginnings_do_not_take_all_lines(self):
        x = np.concatenate([np.arange(100.0), np.linspace(1000, 10_000, 10)])

        found = x[histograms.spread(x, np.arange(len(x)), 11)]

        assert (found > 100).sum() == 10


def test_columns_are_of_equal_extent_and_leave_no_one_out():
    x = np.array([0.0, 1, 2, 3, 98, 99, 100])

    order, column = histograms.grouped(x, np.arange(7), 4)

    assert order.tolist() == list(range(7))
    assert column.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_values_at_one_place_share_columns_evenly():
    _, column = histograms.grouped(np.zeros(6), np.arange(6), 3)

    assert column.tolist() == [0, 0, 1, 1, 2, 2]


def logged(tmp_path, values, steps=None):
    with EventFileWriter(tmp_path / "run") as writer:
        for k, value in enumerate(values):
            step = k if steps is None else steps[k]
            writer.add_value(value, step, wall_time=1.7e9 + 10 * k)


def opened(tmp_path, tag="w"):
    store = Store(tmp_path)
    store.refresh()
    return store.values(0, tag)


def never(place):
    raise AssertionError(f"the plain value at {place} was left to the slow decoder")


@pytest.fixture
def drifting(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(k / 10, 1 + k / 50, 400) for k in range(50)]
    logged(tmp_path, [encode("w", array, bins=60) for array in arrays])
    values = opened(tmp_path)
    return values, digest(values, np.arange(50), never), arrays


class TestDigest:
    def test_facts_are_those_of_the_arrays(self, drifting):
        _, found, arrays = drifting

        for k, array in enumerate(arrays):
            facts = found.facts(k)
            assert (facts.minimum, facts.maximum) == (array.min(), array.max())
            assert (facts.mean, facts.std) == pytest.approx((array.mean(), array.std()))
            assert facts.quantiles[4] == pytest.approx(np.median(array), abs=0.2)

    def test_the_extent_holds_every_value(self, drifting):
        _, found, arrays = drifting

        assert found.extent() == (np.min(arrays), np.max(arrays))

    def test_the_robust_extent_leaves_one_odd_step_out(self, tmp_path):
        rng = np.random.default_rng(0)
        arrays = [rng.normal(0, 1, 400) for _ in range(50)]
        arrays[20] *= 1000
        logged(tmp_path, [encode("w", array) for array in arrays])

        found = digest(opened(tmp_path), np.arange(50), never)

        low, high = found.robust_extent()
        assert -6 < low < -3
        assert 3 < high < 6
        assert found.extent()[1] > 1000

    def test_only_what_is_new_is_read(self, drifting, tmp_path, monkeypatch):
        values, before, _ = drifting
        places, asked = np.arange(50), []
        known = dataclasses.replace(
            before, key=before.key[:40], wall_time=before.wall_time[:40], table=before.table[:40]
        )
        original = histograms.stacks
        monkeypatch.setattr(
            "gpuboard.analysis.histogram_digest.stacks",
            lambda values, places, one: (
                asked.append(places.tolist()) or original(values, places, one)
            ),
        )

        after = digest(values, places, never, known)

        assert asked == [list(range(40, 50))]
        np.testing.assert_array_equal(after.table, before.table)

    def test_a_file_in_front_of_the_known_ones_voids_what_is_known(self, drifting):
        values, before, _ = drifting
        other = dataclasses.replace(
            before, files=("another", *before.files), table=before.table * 2
        )

        after = digest(values, np.arange(50), never, other)

        np.testing.assert_array_equal(after.table, before.table)

    def test_what_cannot_be_read_is_a_row_of_nan(self, tmp_path):
        bad = encode("w", [1.0])
        bad.histo.bucket[0] = -1
        logged(tmp_path, [encode("w", [1.0, 2.0]), bad])

        found = digest(opened(tmp_path), np.arange(2), lambda place: None)

        assert found.is_read.tolist() == [True, False]
        assert found.extent() == (1, 2)

    def test_a_cache_forgets_what_was_used_longest_ago(self, drifting):
        values, found, _ = drifting
        cache = DigestCache(2 * found.table.nbytes)
        for tag in ("a", "b", "c"):
            cache.get(dataclasses.replace(values, tag=tag), np.arange(50), never)

        assert list(cache._digests) == [(0, "b"), (0, "c")]


def test_of_more_bytes_than_are_read_every_so_manieth_stays(drifting, monkeypatch):
    values, _, _ = drifting
    size = int(values.length.sum())
    few = dataclasses.replace(limits.MAX_HISTOGRAM_BYTES, value=size // 3)
    monkeypatch.setattr(limits, "MAX_HISTOGRAM_BYTES", few)

    found = thinned(values, np.arange(50))

    assert found.tolist() == [*range(0, 50, 4), 49]


class TestPictures:
    request = HistogramRequest(bins=40, rows=11, width=8)
    window = (-5.0, 12.0)

    def test_lines_are_the_histograms_of_their_steps(self, drifting):
        values, found, arrays = drifting
        x = np.arange(50.0)

        rows = histograms.lines(values, np.arange(50), x, found, self.request, self.window, never)

        assert rows.place.tolist() == [0, 5, 10, 15, 20, 24, 29, 34, 39, 44, 49]
        assert rows.total.tolist() == [400] * 11
        for row, place in enumerate(rows.place):
            centre = np.average(np.linspace(-5, 12, 81)[1::2], weights=rows.count[row])
            assert centre == pytest.approx(arrays[place].mean(), abs=0.1)

    def test_a_column_is_the_mean_of_its_steps(self, drifting):
        values, found, _ = drifting
        x = np.arange(50.0)

        rows = histograms.columns(values, np.arange(50), x, found, self.request, self.window, never)

        each = histograms.binned(values, np.arange(50), 40, self.window, never)
        group = np.minimum((x * 8 / 49).astype(int), 7)
        expected = [each[group == k].mean(axis=0) for k in range(8)]
        np.testing.assert_allclose(rows.count, expected, rtol=1e-4, atol=1e-4)
        assert rows.place.tolist() == [np.flatnonzero(group == k)[0] for k in range(8)]
        assert rows.last.tolist() == [np.flatnonzero(group == k)[-1] for k in range(8)]
        between = rows.edge[1:-1]
        assert between.tolist() == [x[group == k][-1] + 0.5 for k in range(7)]

    def test_a_single_step_has_a_column(self, drifting):
        values, found, _ = drifting
        one = of_row(found, 3)

        rows = histograms.columns(
            values, np.array([3]), np.array([30.0]), one, self.request, self.window, never
        )

        assert rows.edge.tolist() == [29.5, 30.5]

    def test_bands_keep_extremes_and_average_the_rest(self, drifting):
        _, found, _ = drifting
        x = np.arange(50.0)

        bands = histograms.bands(x, found, 5)

        assert bands.quantile.shape == (9, 5)
        group = np.minimum((x * 5 / 49).astype(int), 4)
        for k in range(5):
            inside = found.bands[group == k]
            assert bands.quantile[0, k] == inside[:, 0].min()
            assert bands.quantile[8, k] == inside[:, 8].max()
            np.testing.assert_allclose(bands.quantile[1:8, k], inside[:, 1:8].mean(axis=0))

    def test_bands_without_any_value_are_empty(self, tmp_path):
        logged(tmp_path, [encode("w", [math.nan])] * 3)
        found = digest(opened(tmp_path), np.arange(3), never)

        assert histograms.bands(np.arange(3.0), found, 5).quantile.shape == (9, 0)
        assert histograms.shown_range("all", [found]) == (-1, 1)


def of_row(found, row):
    return dataclasses.replace(
        found,
        key=found.key[[row]],
        wall_time=found.wall_time[[row]],
        table=found.table[[row]],
    )


def test_axes_are_steps_and_times(tmp_path):
    logged(tmp_path, [encode("w", [1.0])] * 3, steps=[5, 6, 9])
    values = opened(tmp_path)
    places = standing(values)

    assert histograms.axis_of(values, places, "step", 0.0)[1].tolist() == [5, 6, 9]
    assert histograms.axis_of(values, places, "wall", 0.0)[1].tolist() == [
        1.7e9,
        1.7e9 + 10,
        1.7e9 + 20,
    ]
    relative = histograms.axis_of(values, places, "relative", 1.7e9 - 1)
    assert relative[1].tolist() == [1, 11, 21]


def test_values_without_steps_are_laid_out_in_their_order(tmp_path):
    logged(tmp_path, [encode("w", [1.0])] * 3, steps=[0, 0, 0])
    values = opened(tmp_path)

    axis, x = histograms.axis_of(values, standing(values), "step", 0.0)

    assert (axis, x.tolist()) == ("index", [0, 1, 2])


@pytest.mark.parametrize(
    ("value", "low", "high"), [(5.0, 4.75, 5.25), (0.0, -0.5, 0.5), (-2.0, -2.1, -1.9)]
)
def test_a_range_of_one_value_is_opened(value, low, high):
    constant = of_stack(stack_of(a_histogram([value, value], [3])))

    assert histograms.shown_range("all", [constant]) == pytest.approx((low, high))


def test_the_range_of_several_runs_holds_all_of_them():
    two = [of_stack(stack_of(a_histogram(edges, [1]))) for edges in ([0, 1], [5, 9])]

    assert histograms.shown_range("all", two) == (0, 9)
    assert histograms.shown_range((2.0, 3.0), two) == (2, 3)


@pytest.mark.parametrize(
    "field",
    [
        {"mode": "pie"},
        {"axis": "active"},
        {"bins": 0},
        {"bins": limits.MAX_HISTOGRAM_BINS.value + 1},
        {"rows": 0},
        {"width": limits.MAX_HISTOGRAM_ROWS.value + 1},
        {"scale": "some"},
        {"scale": (1.0, 1.0)},
        {"scale": (2.0, 1.0)},
        {"scale": (0.0, 1e308)},
    ],
)
def test_what_cannot_be_drawn_is_refused(field):
    with pytest.raises(InputError):
        HistogramRequest(**field)


def test_kernels_can_be_compiled_ahead():
    from gpuboard.analysis import histogram_kernels

    histograms.warm()

    assert histogram_kernels.describe.signatures
    assert histogram_kernels.rebin.signatures


def test_tensors_of_tensorflow_2_are_read_without_the_slow_decoder(tmp_path):
    value = encode("w", [1.0])
    table = np.column_stack([np.arange(30.0), np.arange(1, 31.0), np.ones(30)])
    value.tensor.CopyFrom(encode_tensor(table))
    value.metadata.plugin_data.plugin_name = "histograms"
    logged(tmp_path, [value])

    found = digest(opened(tmp_path), np.arange(1), never)

    assert found.extent() == (0, 30)
    assert found.facts(0).quantiles[4] == 15
