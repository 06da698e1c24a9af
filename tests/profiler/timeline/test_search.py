from __future__ import annotations

import numpy as np

from gpuboard.profiler.timeline.search import find, next_hit, shown_hits, spread, used_names
from tests.profiler.slow_kineto import trace_of
from tests.profiler.timeline.maker import event, timeline_of


def several():
    return trace_of(
        [
            event("conv", 10, 5),
            event("add", 20, 5),
            event("conv", 30, 5, tid=2),
            event("conv", 30, 5, tid=3),
            event("conv", 50, 5),
        ]
    )


def hits_of(trace, name):
    wanted = [n for n in used_names(trace) if trace.text(int(n)) == name]
    return find(trace, np.array(wanted, np.int32))


def test_hits_come_in_order_of_time_over_all_tracks():
    found = hits_of(several(), "conv")

    assert found.start.tolist() == [10_000, 30_000, 30_000, 50_000]


def test_steps_visit_every_hit_also_those_of_one_time_and_begin_anew():
    found = hits_of(several(), "conv")
    time, row, visited = 0, -1, []
    for _ in range(5):
        place = next_hit(found, time, row)
        visited.append(place)
        time, row = int(found.start[place]), int(found.rows[place])

    assert visited == [0, 1, 2, 3, 0]


def test_steps_go_back_in_time():
    found = hits_of(several(), "conv")

    assert next_hit(found, 45_000, -1, back=True) == 2
    assert next_hit(found, int(found.start[0]), int(found.rows[0]), back=True) == 3


def test_places_of_a_view_are_told_once_for_each_bin():
    trace = several()
    timeline = timeline_of(trace)
    lanes = np.arange(timeline.lanes)

    line, x = shown_hits(timeline, hits_of(trace, "conv"), (0, 100_000), 4, lanes, 100)

    first = timeline.lane_of(hits_of(trace, "conv").rows)
    assert sorted(zip(line.tolist(), x.tolist(), strict=True)) == sorted(
        {(int(lane), b / 4) for lane, b in zip(first, (0, 1, 1, 2), strict=True)}
    )


def test_the_spread_counts_all_hits_of_its_window():
    found = hits_of(several(), "conv")

    assert spread(found, 0, 60_000, 3).tolist() == [1, 2, 1]


def test_what_is_no_name_of_a_slice_is_not_found():
    trace = several()

    assert len(find(trace, np.empty(0, np.int32))) == 0
    assert {trace.text(int(n)) for n in used_names(trace)} == {"conv", "add"}
