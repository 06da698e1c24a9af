"""Check that packed columns come back bit for bit, and how little they take."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.eventlog.packing import FRAME, Room, unpack

PADDING = 8
MOST_EXTRA = 56 / FRAME  # head, bases and differences of a full frame, bytes a point

SPECIAL = [0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), 5e-324, -5e-324, 1e308, 0.1]
NANS = [0x7FF8000000000000, 0x7FF0000000000001, 0xFFF8000000000000, 0xFFFFFFFFFFFFFFFF]
BITS = [struct.unpack("<Q", struct.pack("<d", number))[0] for number in SPECIAL] + NANS
WORDS = st.one_of(
    st.integers(0, 2**64 - 1),
    st.sampled_from([*BITS, 2**63 - 1, 2**63, 2**64 - 1]),
    st.integers(0, 1000),
    st.floats(width=32).map(lambda x: struct.unpack("<Q", struct.pack("<d", x))[0]),
)


def words(numbers):
    return np.array(numbers, np.uint64)


def of_floats(numbers):
    return np.array(numbers, np.float64).view(np.uint64)


@st.composite
def columns(draw, most=700):
    """Return a column that is anything, a ramp, a walk, or a few words over and over."""
    n = draw(st.integers(1, most))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    some = words(draw(st.lists(WORDS, min_size=1, max_size=12)))
    step = words([draw(WORDS)])
    steps = np.arange(n, dtype=np.uint64) * step
    noise = random.integers(0, 2 ** draw(st.integers(0, 63)), n, dtype=np.uint64)
    return draw(
        st.sampled_from(
            [some[random.integers(0, len(some), n)], some[0] + steps, some[0] + steps + noise]
        )
    )


def pack(time, step, value, start, room=None):
    return (room or Room()).pack(time, step, value, np.array(start, np.int64))


def unpacked(data, at, points):
    out = tuple(np.full(points, 7, np.uint64) for _ in range(3))
    unpack(data, at, *out)
    return out


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@given(time=columns(), step=columns(), value=columns())
def test_any_columns_come_back_bit_for_bit(time, step, value):
    n = min(len(time), len(step), len(value))
    packed = time[:n], step[:n], value[:n]

    data, place = pack(*packed, [0, n])

    assert_same(unpacked(data, 0, n), packed)
    assert (place[0], place[1]) == (0, len(data) - PADDING)


@pytest.mark.parametrize("bits", range(65))
@pytest.mark.parametrize("folds", [False, True])
def test_fields_of_every_width_come_back(bits, folds):
    random = np.random.default_rng(bits)
    noise = random.integers(0, 2**64 - 1, 300, np.uint64) >> np.uint64(64 - bits or 1)
    column = noise if bits else np.zeros(300, np.uint64)
    if folds:
        column = column ^ (random.integers(0, 2, 300, dtype=np.uint64) << np.uint64(63))
    walk = np.cumsum(column, dtype=np.uint64)

    data, _ = pack(column, walk, column, [0, 300])

    assert_same(unpacked(data, 0, 300), (column, walk, column))


@pytest.mark.parametrize("points", [1, 2, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 5])
def test_columns_of_any_length_come_back(points):
    time = of_floats(1.7e9 + 0.1 * np.arange(points))
    step, value = np.arange(points, dtype=np.uint64), of_floats(-np.sqrt(np.arange(points)))

    data, _ = pack(time, step, value, [0, points])

    assert_same(unpacked(data, 0, points), (time, step, value))


@given(column=columns(), cuts=st.sets(st.integers(1, 699), max_size=8))
def test_each_segment_is_found_at_its_place(column, cuts):
    start = [0, *sorted(cut for cut in cuts if cut < len(column)), len(column)]

    data, place = pack(column, column[::-1].copy(), ~column, start)

    for k, (low, high) in enumerate(itertools.pairwise(start)):
        expected = column[low:high], column[::-1][low:high], ~column[low:high]
        assert_same(unpacked(data, int(place[k]), high - low), expected)


@given(column=columns(), cuts=st.lists(st.integers(1, 300), min_size=1, max_size=12))
def test_joined_segments_are_as_if_they_had_been_packed_together(column, cuts):
    start = [k for k in np.cumsum([0, *cuts]).tolist() if k < len(column)] + [len(column)]
    data, place = pack(column, ~column, column, start)
    owner = np.arange(len(start) - 1) // 3
    ends = np.flatnonzero(np.diff(owner, append=owner[-1] + 1)) + 1

    joined, at = Room().repack(data, place[:-1], np.diff(start), owner, int(owner[-1]) + 1)

    bounds = [0, *(start[end] for end in ends)]
    together, expected_at = pack(column, ~column, column, bounds)
    assert at.tolist() == expected_at.tolist()
    assert joined[:-PADDING].tobytes() == together[:-PADDING].tobytes()


@settings(max_examples=20)
@given(lengths=st.lists(st.integers(1, 20_000), min_size=1, max_size=6))
def test_what_was_packed_before_in_the_same_room_is_not_touched(lengths):
    room, kept = Room(), []
    for length in lengths:
        time, step, value = room.columns(length)
        time[:] = step[:] = value[:] = np.arange(length, dtype=np.uint64) * np.uint64(length)
        kept.append(pack(time, step, value, [0, length], room)[0])

    for length, data in zip(lengths, kept, strict=True):
        expected = np.arange(length, dtype=np.uint64) * np.uint64(length)
        assert_same(unpacked(data, 0, length), (expected,) * 3)


def bytes_a_point(time, step, value, points=10 * FRAME):
    data, _ = pack(time, step, value, [0, points])
    return len(data) / points


def test_incompressible_columns_take_hardly_more_than_they_are():
    noise = np.random.default_rng(0).integers(0, 2**64 - 1, (3, 10 * FRAME), np.uint64)

    assert bytes_a_point(*noise) <= 24 + MOST_EXTRA + 0.01


def test_regular_steps_and_times_take_nothing_and_float32_values_less_than_four_bytes():
    n = 10 * FRAME
    values = np.random.default_rng(0).normal(0, 0.1, n).astype(np.float32).astype(np.float64)
    zeros = np.zeros(n, np.uint64)

    by_step = bytes_a_point(zeros, np.arange(n, dtype=np.uint64) * np.uint64(50), zeros)
    by_time = bytes_a_point(of_floats(1.7e9 + 0.1 * np.arange(n)), zeros, zeros)
    by_value = bytes_a_point(zeros, zeros, of_floats(values))

    assert by_step <= MOST_EXTRA + 0.01
    assert by_time <= MOST_EXTRA + 1 / 4
    assert by_value <= MOST_EXTRA + 4


def test_wall_times_that_waver_by_milliseconds_take_two_bytes():
    n = 10 * FRAME
    times = 1.7e9 + np.cumsum(0.1 + np.random.default_rng(0).uniform(-0.005, 0.005, n))
    zeros = np.zeros(n, np.uint64)

    assert bytes_a_point(of_floats(times), zeros, zeros) <= MOST_EXTRA + 2.1
