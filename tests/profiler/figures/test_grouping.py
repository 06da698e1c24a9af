from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.figures.grouping import group, sums, weighted_mean

rows = st.lists(
    st.tuples(st.integers(-3, 3), st.sampled_from([0, 1 << 40, -(1 << 62)])), max_size=40
)


@given(rows)
def test_groups_are_those_of_a_dictionary_in_order_of_appearance(pairs):
    number = {pair: at for at, pair in reversed(list(enumerate(dict.fromkeys(pairs))))}
    columns = [np.array([p[k] for p in pairs], np.int64) for k in (0, 1)]

    groups = group(*columns)

    assert groups.number.tolist() == [number[pair] for pair in pairs]
    assert groups.first.tolist() == [pairs.index(pair) for pair in dict.fromkeys(pairs)]


def test_a_wide_column_is_grouped_by_its_lines():
    grid = np.array([[1, 2, 3], [1, 2, 4], [1, 2, 3]], np.int32)

    assert group(np.zeros(3, np.int32), grid).number.tolist() == [0, 1, 0]


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-9, 9)), max_size=30))
def test_sums_are_those_of_each_group_alone(pairs):
    number = np.array([p[0] for p in pairs], np.int32)
    values = np.array([p[1] for p in pairs], np.int64)

    found = sums(number, 4, values)

    for own in range(4):
        mine = [value for group_, value in pairs if group_ == own]
        assert found.count[own] == len(mine)
        assert found.total[own] == sum(mine)
        assert found.least[own] == min(mine, default=0)
        assert found.greatest[own] == max(mine, default=0)


def test_sums_are_exact_beyond_what_a_float_holds():
    big = np.array([2**60, 1], np.int64)

    assert sums(np.zeros(2, np.int32), 1, big).total[0] == 2**60 + 1


def test_a_weighted_mean_leaves_out_what_is_unknown():
    number = np.array([0, 0, 0, 1, -1], np.int32)
    values = np.array([1.0, 4.0, np.nan, np.nan, 9.0])
    weights = np.array([1, 2, 5, 5, 5])

    found = weighted_mean(number, 3, values, weights)

    assert found[0] == 3.0
    assert np.isnan(found[1:]).all()
