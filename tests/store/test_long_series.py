"""Check how long series stay unpacked, and when they go."""

from __future__ import annotations

import numpy as np
import pytest

from gpuboard.store import long_series
from gpuboard.store.columns import NO_PURGE, Series
from gpuboard.store.long_series import LongSeries

ROOM = 1000  # bytes: a point takes 24


@pytest.fixture(autouse=True)
def _ten_points_are_long(monkeypatch):
    monkeypatch.setattr(long_series, "LONG_POINTS", 10)


class Packed:
    """A series that counts how often it was unpacked."""

    def __init__(self, points):
        self.points = points
        self.times = 0

    def __call__(self):
        self.times += 1
        n = np.arange(self.points)
        return Series(n * 0.5, n, n * 2.0, np.array([0]), np.array([NO_PURGE]))


def ask(kept, packed, name="a", origin="here", now=0.0):
    return kept.get((0, name), origin, now, packed)


def test_a_long_series_is_unpacked_once():
    kept, packed = LongSeries(ROOM), Packed(10)

    first, second = ask(kept, packed), ask(kept, packed)

    assert first is second
    assert (packed.times, kept.bytes) == (1, 240)


def test_a_short_series_and_a_missing_one_are_not_kept():
    kept, packed = LongSeries(ROOM), Packed(9)

    assert len(ask(kept, packed)) == len(ask(kept, packed)) == 9
    assert kept.get((0, "b"), "here", 0.0, lambda: None) is None
    assert (packed.times, kept.bytes) == (2, 0)


def test_a_series_that_has_grown_is_unpacked_anew():
    kept = LongSeries(ROOM)
    ask(kept, Packed(10), origin="then")

    found = ask(kept, Packed(11), origin="now")

    assert (len(found), kept.bytes) == (11, 264)


def test_beyond_its_bytes_what_was_asked_for_longest_ago_goes():
    kept, packed = LongSeries(ROOM), {name: Packed(15) for name in "abc"}
    for name in "abac":
        ask(kept, packed[name], name)

    for name in "ac":
        ask(kept, packed[name], name)

    assert kept.bytes == 720
    assert {name: one.times for name, one in packed.items()} == {"a": 1, "b": 1, "c": 1}
    ask(kept, packed["b"], "b")
    assert packed["b"].times == 2


def test_a_series_that_is_larger_than_all_room_is_handed_out_and_not_kept():
    kept = LongSeries(ROOM)

    assert len(ask(kept, Packed(100))) == 100
    assert kept.bytes == 0


def test_what_nobody_asks_for_is_forgotten_after_a_minute():
    kept = LongSeries(ROOM)
    ask(kept, Packed(10), "old", now=0.0)
    ask(kept, Packed(11), "new", now=30.0)

    kept.forget(now=60.0)
    assert kept.bytes == 504
    kept.forget(now=61.0)
    assert kept.bytes == 264
