import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis.bands import Band, clipped, fold, grid, group_names, thinned_edges
from gpuboard.analysis.downsample import Window
from gpuboard.errors import InputError


def seeds(count=5, points=40):
    random = np.random.default_rng(0)
    return [np.arange(float(points))] * count, list(random.normal(size=(count, points)))


EXPECTED = {
    ("mean", "std"): lambda m: (
        m.mean(0),
        m.mean(0) - m.std(0, ddof=1),
        m.mean(0) + m.std(0, ddof=1),
    ),
    ("median", "minmax"): lambda m: (np.median(m, 0), m.min(0), m.max(0)),
    ("mean", "minmax"): lambda m: (m.mean(0), m.min(0), m.max(0)),
    ("median", "percentile"): lambda m: np.percentile(m, [50, 16, 84], axis=0),
    ("median", "std"): lambda m: (
        np.median(m, 0),
        np.median(m, 0) - m.std(0, ddof=1),
        np.median(m, 0) + m.std(0, ddof=1),
    ),
}


@pytest.mark.parametrize("how", EXPECTED)
def test_seeds_at_equal_steps_fold_to_what_numpy_says(how):
    xs, ys = seeds()

    band = fold(xs, ys, center=how[0], band=how[1])

    assert band.x.tolist() == xs[0].tolist()
    assert band.count.tolist() == [5] * 40
    for found, expected in zip(
        (band.center, band.low, band.high), EXPECTED[how](np.array(ys)), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


ascending = st.lists(st.integers(0, 50), min_size=1, max_size=20, unique=True).map(sorted)


@given(st.lists(ascending, min_size=1, max_size=4))
def test_lines_of_unequal_steps_meet_by_straight_lines_within_their_own_range(steps):
    xs = [np.array(s, float) for s in steps]
    ys = [np.sin(x * (k + 1)) for k, x in enumerate(xs)]

    band = fold(xs, ys, center="mean", band="minmax")

    values = np.array(
        [np.interp(band.x, x, y, left=np.nan, right=np.nan) for x, y in zip(xs, ys, strict=True)]
    )
    known = np.isfinite(values)
    assert band.count.tolist() == known.sum(0).tolist()
    seen = known.any(0)
    np.testing.assert_allclose(band.center[seen], np.nanmean(values[:, seen], 0), atol=1e-12)
    np.testing.assert_allclose(band.high[seen], np.nanmax(values[:, seen], 0), atol=1e-12)
    assert np.isnan(band.center[~seen]).all()


@given(st.lists(ascending, min_size=1, max_size=4))
def test_the_grid_is_that_of_the_densest_line_and_reaches_as_far_as_any(steps):
    xs = [np.array(s, float) for s in steps]

    found = grid(xs)

    assert np.all(np.diff(found) > 0)
    assert set(max(xs, key=len)) <= set(found)
    assert found[0] == min(x[0] for x in xs)
    assert found[-1] == max(x[-1] for x in xs)


def test_a_single_line_has_no_band():
    band = fold([np.arange(3.0)], [np.array([1.0, 2, 4])], center="mean", band="std")

    assert band.low.tolist() == band.high.tolist() == band.center.tolist() == [1, 2, 4]


def test_a_line_that_is_no_number_somewhere_does_not_count_there():
    x = np.arange(3.0)

    band = fold(
        [x, x], [np.array([1, np.nan, 1]), np.array([3.0, 5, 3])], center="mean", band="std"
    )

    assert band.count.tolist() == [2, 1, 2]
    assert band.center.tolist() == [2, 5, 2]


def test_of_several_points_at_one_step_the_last_counts():
    band = fold([np.array([0.0, 1, 1])], [np.array([1.0, 2, 9])], center="mean", band="std")

    assert (band.x.tolist(), band.center.tolist()) == ([0, 1], [1, 9])


def test_groups_are_named_by_what_the_pattern_captures():
    names = ["adam/lr=1/seed0", "adam/lr=1/seed1", "sgd/lr=2/seed0", "other"]

    assert group_names(names, r"(\w+)/lr=(\d+)/seed") == ["adam/1", "adam/1", "sgd/2", None]
    assert group_names(names, "adam|sgd") == ["adam", "adam", "sgd", None]


def test_a_broken_pattern_is_refused():
    with pytest.raises(InputError, match="not a regular expression"):
        group_names(["a"], "(")


def test_a_clipped_line_keeps_one_neighbour_at_each_side():
    x = np.arange(10.0)

    assert clipped(x, x, 3.5, 5.0)[0].tolist() == [3, 4, 5, 6]
    assert clipped(x, x, -5, -1)[0].tolist() == [0]
    assert clipped(x, x, 20, 30)[0].tolist() == [9]


def test_thinned_edges_enclose_the_whole_band():
    x = np.arange(1000.0)
    random = np.random.default_rng(1)
    low, high = -random.random(1000), random.random(1000)
    band = Band(x, x * 0, low, high, np.ones(1000, int))

    thin_x, thin_low, thin_high = thinned_edges(band, Window(0, 999, 50))

    assert len(thin_x) == len(thin_low) == len(thin_high) <= 2 * 51
    assert np.all(np.diff(thin_x) > 0)
    assert np.all(np.interp(x, thin_x, thin_low) <= np.interp(x, thin_x, thin_high))
    bucket = np.floor(x * 50 / 999).astype(int)
    for b in range(50):
        drawn = np.floor(thin_x * 50 / 999).astype(int) == b
        assert thin_low[drawn].min() == low[bucket == b].min()
        assert thin_high[drawn].max() == high[bucket == b].max()
