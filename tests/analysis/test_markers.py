import numpy as np
import pytest

from gpuboard.analysis.downsample import Window
from gpuboard.analysis.markers import BLOCK, KINDS, markers
from gpuboard.analysis.restarts import ascending_stretches

EVERYWHERE = Window(-1e18, 1e18, 100)


def found_in(y, window=EVERYWHERE, most=100):
    x = np.arange(float(len(y)))
    return markers(x, np.zeros(1), np.asarray(y, float), ascending_stretches(x), window, most=most)


def test_every_value_that_is_no_number_is_marked_with_its_kind():
    found = found_in([1, np.nan, 2, np.inf, -np.inf])

    assert found.x.tolist() == [1, 3, 4]
    assert [KINDS[k] for k in found.kind] == ["nan", "inf", "-inf"]
    assert found.total == 3


def test_only_markers_within_the_window_are_given():
    found = found_in(np.full(10, np.nan), Window(3, 5, 100))

    assert found.x.tolist() == [3, 4, 5]


def test_too_many_markers_are_spread_evenly_and_counted():
    found = found_in(np.full(10_000, np.nan), most=5)

    assert found.total == 10_000
    assert found.x.tolist() == [0, 2499, 4999, 7499, 9999]


@pytest.mark.parametrize("place", [0, BLOCK - 1, BLOCK, 10_000, 3 * BLOCK])
def test_a_single_marker_among_many_points_is_found(place):
    y = np.zeros(3 * BLOCK + 1)
    y[place] = np.inf

    assert found_in(y).x.tolist() == [place]
