import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis.downsample import SPARE, STRETCHED, Window, minmax

values = st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf])


@st.composite
def lines(draw):
    y = np.array(draw(st.lists(values, min_size=1, max_size=200)))
    gaps = draw(st.lists(st.floats(0, 10), min_size=len(y), max_size=len(y)))
    return np.cumsum(gaps), y


def test_a_spike_of_one_point_in_a_million_survives():
    y = np.zeros(1_000_000)
    y[123_457] = 9.0

    x, drawn = minmax(np.arange(1e6), y, Window(0, 1e6, 300))

    assert len(x) <= 2 * 300 + 2
    assert x[drawn == 9.0].tolist() == [123_457]


@given(lines(), st.integers(1, 20))
def test_every_bucket_keeps_its_extremes(line, buckets):
    x, y = line
    window = Window(x[0], x[-1], buckets)

    drawn_x, drawn_y = minmax(x, y, window)

    edges = np.linspace(x[0], x[-1], buckets + 1)
    for b in range(buckets):
        inside = (x > edges[b]) & (x < edges[b + 1]) & np.isfinite(y)
        inside[[0, -1]] = False
        if inside.any():
            near = (drawn_x >= edges[b]) & (drawn_x <= edges[b + 1])
            assert np.nanmax(drawn_y[near]) >= y[inside].max()
            assert np.nanmin(drawn_y[near]) <= y[inside].min()


@given(lines(), st.integers(1, 20))
def test_only_logged_points_are_drawn_in_their_order(line, buckets):
    x, y = line

    drawn_x, drawn_y = minmax(x, y, Window(x[0], x[-1], buckets))

    assert np.all(np.diff(drawn_x) >= 0)
    logged = set(zip(x.tolist(), y.tolist(), strict=True))
    drawn = zip(drawn_x.tolist(), drawn_y.tolist(), strict=True)
    assert all((a, b) in logged for a, b in drawn if np.isfinite(b))


@given(lines(), st.integers(1, 20))
def test_the_first_and_the_last_point_are_drawn(line, buckets):
    x, y = line

    drawn_x, drawn_y = minmax(x, y, Window(x[0], x[-1], buckets))

    shown = np.where(np.isfinite(y), y, np.nan)
    assert (drawn_x[0], drawn_x[-1]) == (x[0], x[-1])
    np.testing.assert_array_equal(drawn_y[[0, -1]], shown[[0, -1]])


@given(lines(), st.integers(1, 20))
def test_a_line_costs_at_most_four_points_a_bucket(line, buckets):
    x, y = line

    drawn_x, drawn_y = minmax(x, y, Window(x[0], x[-1], buckets))

    assert len(drawn_x) == len(drawn_y) <= 4 * (buckets + 1) + 2
    if np.isfinite(y).all():
        assert len(drawn_x) <= 2 * (buckets + 1) + 2


@given(lines(), st.floats(-5, 500), st.floats(0, 300))
def test_a_window_holds_its_points_and_one_neighbour_at_each_side(line, low, width):
    x, y = line
    high = low + width

    drawn_x, _ = minmax(x, y, Window(low, high, 1000))

    inside = np.flatnonzero((x >= low) & (x <= high))
    first = inside[0] if len(inside) else int(np.searchsorted(x, low))
    last = inside[-1] if len(inside) else first - 1
    expected = x[max(0, first - 1) : last + 2]
    # A line wholly beside the window is left out.
    if len(inside) or 0 < first < len(x):
        assert drawn_x.tolist() == expected.tolist()
    else:
        assert len(drawn_x) == 0


def test_a_gap_wider_than_a_bucket_lifts_the_pen():
    y = np.sin(np.arange(1000.0))
    y[300:400] = np.nan

    x, drawn = minmax(np.arange(1000.0), y, Window(0, 999, 50))

    gap = np.isnan(drawn)
    assert gap.any()
    assert x[gap].min() >= 300 - 20
    assert x[gap].max() <= 400
    assert not np.isnan(drawn[(x < 280) | (x > 420)]).any()


@pytest.mark.parametrize("odd", [9, 10])
def test_one_missing_value_at_the_edge_of_a_bucket_lifts_the_pen(odd):
    y = np.arange(101.0)
    y[odd] = np.nan

    x, drawn = minmax(np.arange(101.0), y, Window(0, 100, 10))

    assert x[np.isnan(drawn)].tolist() == [odd]


def test_infinities_are_drawn_as_gaps():
    _, drawn = minmax(np.arange(3.0), np.array([1.0, np.inf, 2.0]), Window(0, 2, 10))

    np.testing.assert_array_equal(drawn, [1.0, np.nan, 2.0])


def test_the_pen_is_lifted_where_a_writer_went_back():
    x, drawn = minmax(np.array([0.0, 1, 2, 0, 1]), np.arange(5.0), Window(0, 2, 10))

    assert x.tolist() == [0, 1, 2, 0, 0, 1]
    np.testing.assert_array_equal(drawn, [0, 1, 2, np.nan, 3, 4])


@given(
    st.lists(st.tuples(st.integers(0, 30), st.floats(-9, 9)), min_size=1, max_size=400),
    st.integers(1, 5),
)
def test_a_line_that_zigzags_stays_small_and_keeps_its_extremes(points, buckets):
    x, y = np.array(points).T.copy()

    _, drawn = minmax(x, y, Window(x.min(), x.max(), buckets))

    assert len(drawn) <= STRETCHED * buckets + SPARE
    assert (np.nanmin(drawn), np.nanmax(drawn)) == (y.min(), y.max())


def test_many_epochs_drawn_over_each_other_become_their_outline():
    x = np.tile(np.arange(100.0), 500)
    y = np.repeat(np.arange(500.0), 100)

    drawn_x, drawn = minmax(x, y, Window(0, 99, 20))

    assert len(drawn) <= 40
    assert np.all(np.diff(drawn_x) >= 0)
    assert (drawn.min(), drawn.max()) == (0, 499)


def test_all_points_at_one_step_show_their_extremes():
    x, drawn = minmax(np.zeros(10_000), np.sin(np.arange(10_000.0)), Window(0, 0, 100))

    assert set(x) == {0.0}
    assert drawn.max() == pytest.approx(np.sin(np.arange(10_000.0)).max(), abs=0)
    assert len(drawn) <= 4


def test_no_points_draw_no_line():
    x, y = minmax(np.empty(0), np.empty(0), Window(0, 1, 10))

    assert len(x) == len(y) == 0


def test_buckets_of_a_logarithmic_axis_are_equal_factors():
    x = np.arange(1.0, 1e6 + 1)
    y = np.sin(x)

    drawn_x, _ = minmax(x, y, Window(1, 1e6, 60, is_log=True))

    decades = np.histogram(np.log10(drawn_x), bins=6, range=(0, 6))[0]
    assert decades.min() >= 9  # linear buckets put all but a few points into the last decade
    assert decades.max() <= 22
    assert {drawn_x[0], drawn_x[-1]} == {1, 1e6}


def test_a_logarithmic_axis_that_starts_at_zero_keeps_every_extreme():
    y = np.zeros(100_000)
    y[77_777] = 5.0

    drawn_x, drawn = minmax(np.arange(1e5), y, Window(0, 1e5, 50, is_log=True))

    assert drawn_x[drawn.argmax()] == 77_777
    assert np.diff(drawn_x).min() >= 0
