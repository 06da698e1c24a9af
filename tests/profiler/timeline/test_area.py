from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.timeline.area import sums
from tests.profiler.slow_kineto import trace_of
from tests.profiler.timeline.maker import event, kernel, timeline_of

spans = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=30
)


@given(spans, st.integers(0, 40), st.integers(1, 60))
def test_sums_equal_those_of_single_microseconds(found, begin, wide):
    trace = trace_of([event(f"n{i % 3}", s, d, tid=t) for i, (t, s, d) in enumerate(found)])
    timeline = timeline_of(trace)
    t0, t1 = begin * 1000, (begin + wide) * 1000

    area = sums(timeline, t0, t1, np.arange(timeline.lanes))

    inside = range(begin, begin + wide)
    total = {}
    for i, (_, s, d) in enumerate(found):
        total[f"n{i % 3}"] = total.get(f"n{i % 3}", 0) + len(set(range(s, s + d)) & set(inside))
    seen = {trace.text(n): t for n, t in zip(area.names.name, area.names.total, strict=True)}
    assert {name: t for name, t in seen.items() if t} == {
        n: 1000 * t for n, t in total.items() if t
    }
    busy = {t for _, s, d in found for t in range(s, s + d)} & set(inside)
    assert area.busy_any == 1000 * len(busy)


def test_only_the_chosen_lanes_count():
    trace = trace_of([event("outer", 0, 100), event("inner", 10, 20), kernel("gemm", 0, 50)])
    timeline = timeline_of(trace)
    inner = timeline.lane_of(np.flatnonzero(trace.slices.dur == 20_000).astype(np.int32))

    area = sums(timeline, 0, 100_000, inner)

    assert [trace.text(int(n)) for n in area.names.name] == ["inner"]
    assert area.busy.tolist() == [20_000]


def test_shortest_and_longest_are_of_whole_slices():
    trace = trace_of([event("a", 0, 40), event("a", 50, 10)])

    area = sums(timeline_of(trace), 20_000, 100_000, np.arange(1))

    names = area.names
    assert (names.count[0], names.total[0], names.least[0], names.most[0]) == (
        2, 30_000, 10_000, 40_000,
    )  # fmt: skip
