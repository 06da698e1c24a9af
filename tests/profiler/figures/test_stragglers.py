"""Test who makes others wait."""

from __future__ import annotations

import json

import pytest

from gpuboard.profiler.figures.collectives import collectives
from gpuboard.profiler.figures.matching import match
from gpuboard.profiler.figures.steps import find_steps
from gpuboard.profiler.figures.stragglers import late_starters, stragglers
from tests.profiler.figures.test_matching import dlrm, matched, rank
from tests.profiler.real import real


def test_the_rank_that_starts_last_causes_what_the_others_wait() -> None:
    traces = [
        rank(0, (1, 100, 160), (2, 300, 320)),
        rank(1, (1, 120, 160), (2, 310, 320)),
        rank(2, (1, 150, 160), (2, 305, 320)),
    ]
    found = stragglers(traces, matched(*traces))

    assert found.last.tolist() == [0, 1, 1]
    assert found.caused_ns.tolist() == [0, 15_000, 80_000]
    assert found.gain_ns.tolist() == [0, 5_000, 30_000]
    assert found.waiting_ns.tolist() == [60_000, 30_000, 5_000]
    assert found.transferring_ns.tolist() == [20_000] * 3
    assert found.worst == (2, 1)


def test_nobody_waits_longer_than_its_own_collective_lasts() -> None:
    traces = [rank(0, (1, 100, 110)), rank(1, (1, 150, 160))]
    found = stragglers(traces, matched(*traces))

    assert found.caused_ns.tolist() == [0, 10_000]


def test_one_rank_alone_has_times_but_no_waiting() -> None:
    found = stragglers([rank(0, (1, 100, 150))], matched(rank(0, (1, 100, 150))))

    assert found.absent
    assert found.communicating_ns.tolist() == [50_000]
    assert found.caused_ns.tolist() == [0]


def test_a_real_job_has_its_published_times() -> None:
    expected = json.loads(real("param/expected_dlrm.json").read_text())
    traces = dlrm()
    found = stragglers(traces, match(traces, [collectives(trace) for trace in traces]))

    for place, number in enumerate(found.rank):
        published = expected["per_rank"][str(number)]
        assert found.window_ns[place] // 1000 == published["kernel_time"]
        assert found.idle_ns[place] // 1000 == published["idle"]
        assert found.computing_ns[place] // 1000 == published["compute"]
        overlap = 100 * found.overlapped_ns[place] / found.communicating_ns[place]
        assert overlap == pytest.approx(published["overlap_pct"], abs=0.006)
    alone = found.exposed_ns.sum()
    rest = found.computing_ns.sum() + found.copying_ns.sum()
    # 46880 us there, without the 10 us in which a copy ran too.
    assert alone / 1e3 == pytest.approx(46_880, abs=10)
    assert alone / (alone + rest) == pytest.approx(0.838, abs=0.001)
    assert found.worst[0] == 7
    assert found.last.sum() == 8


def test_the_rule_of_hta_names_its_stragglers_of_a_real_job() -> None:
    expected = json.loads(real("param/expected_dlrm.json").read_text())["stragglers"]
    traces = dlrm()
    tables = [collectives(trace) for trace in traces]
    steps = [find_steps(trace) for trace in traces]
    found = late_starters(traces, tables, match(traces, tables), steps)

    assert list(found.rank) == expected
    assert "SendRecv" in found.kernel
    assert found.stream == 84


def test_without_long_kernels_nobody_is_a_late_starter() -> None:
    traces = [rank(0), rank(1)]
    tables = [collectives(trace) for trace in traces]

    assert late_starters(traces, tables, match(traces, tables)).absent
