"""Test how long each rank waits for each other."""

from __future__ import annotations

from gpuboard.profiler.figures.collectives import collectives
from gpuboard.profiler.figures.matching import match
from gpuboard.profiler.figures.stragglers import stragglers
from gpuboard.profiler.figures.waits import waits
from tests.profiler.figures.test_matching import dlrm, matched, rank


def test_all_wait_for_the_rank_that_starts_last_and_no_longer_than_their_kernel_runs() -> None:
    traces = [
        rank(0, (1, 100, 160), (2, 300, 320)),
        rank(1, (1, 120, 160), (2, 310, 312)),
        rank(2, (1, 150, 160), (2, 340, 350)),
    ]
    found = waits(matched(*traces))

    # First: rank 2 comes 50 and 30 µs late. Second: 40 and 30 late, kernels run 20 and 2 µs.
    assert found.tolist() == [[0, 0, 70_000], [0, 0, 32_000], [0, 0, 0]]


def test_columns_sum_up_to_what_a_rank_caused_in_a_real_job() -> None:
    traces = dlrm()
    pairs = match(traces, [collectives(trace) for trace in traces])

    found = waits(pairs)

    assert found.sum(axis=0).tolist() == stragglers(traces, pairs).caused_ns.tolist()
    assert found.diagonal().sum() == 0


def test_one_rank_alone_waits_for_nobody() -> None:
    assert waits(matched(rank(0, (1, 100, 150)))).tolist() == [[0]]
