from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.figures.launches import join
from gpuboard.profiler.figures.nesting import nest
from gpuboard.profiler.figures.sequences import LONGEST, SHORTEST, sequences
from gpuboard.profiler.traces.trace import Kind
from tests.profiler.figures.events import kernel, launched, note, op
from tests.profiler.figures.real_traces import real_trace
from tests.profiler.slow_kineto import trace_of


def kernels_of(letters, step=10, dur=8):
    return trace_of([kernel(k + 1, step * k, dur, name) for k, name in enumerate(letters)])


def found_in(trace, **more):
    found = sequences(trace, join(trace), nest(trace), **more)
    names = ["".join(trace.text(n) for n in row if n >= 0) for row in found.names]
    return dict(zip(names, found.count.tolist(), strict=True)), found


def apart(letters, part):
    """Count occurrences that do not overlap, from the left."""
    return letters.count(part)


def test_the_longest_form_of_a_sequence_is_found_with_its_time_and_gaps():
    counts, found = found_in(kernels_of("abcxabcyabc"))

    assert counts == {"abc": 3}
    assert found.length.tolist() == [3]
    assert found.total_ns.tolist() == [3 * 3 * 8_000]
    assert found.gaps_ns.tolist() == [3 * 2 * 2_000]
    assert found.found == 1


def test_a_part_that_also_comes_elsewhere_is_listed_too():
    counts, _ = found_in(kernels_of("abcxabcyab"))

    assert counts == {"ab": 3, "abc": 2}


def test_repeats_of_one_kernel_do_not_overlap():
    counts, _ = found_in(kernels_of("aaaaaa"))

    assert counts["aa"] == 3
    assert counts["aaa"] == 2


def test_a_long_wait_ends_a_sequence():
    first = [kernel(k, 10 * k, 8, name) for k, name in enumerate("ab")]
    later = [kernel(k + 2, 5_000 + 10 * k, 8, name) for k, name in enumerate("ab")]
    again = [kernel(k + 4, 10_000 + 10 * k, 8, name) for k, name in enumerate("ab")]

    counts, found = found_in(trace_of([*first, *later, *again]))

    assert counts == {"ab": 3}
    assert found.gaps_ns.tolist() == [3 * 2_000]


def test_streams_do_not_mix():
    trace = trace_of(
        [kernel(k, 10 * k, 8, name, stream=7 + k % 2) for k, name in enumerate("axbyaxby")]
    )

    counts, _ = found_in(trace)

    assert counts == {"ab": 2, "xy": 2}


def test_an_operator_bounds_what_is_looked_at():
    events = []
    for k in range(3):
        events += [op("linear", 100 * k, 50), *launched(3 * k + 1, 100 * k + 1, "a", wait=2)]
        events += launched(3 * k + 2, 100 * k + 21, "b", wait=2)
        events += launched(3 * k + 3, 100 * k + 61, "c", wait=2)

    counts, _ = found_in(trace_of(events), operator="linear")
    nothing, found = found_in(trace_of(events), operator="conv")

    assert counts == {"ab": 3}
    assert nothing == {}
    assert "'conv'" in found.absent


def test_annotations_bound_as_operators_do():
    events = []
    for k in range(2):
        events += [note("step", 100 * k, 50), op("x", 100 * k + 1, 8)]
        events += launched(2 * k + 1, 100 * k + 2, "a")
        events += launched(2 * k + 2, 100 * k + 22, "b")

    counts, _ = found_in(trace_of(events), operator="step")

    assert counts == {"ab": 2}


@given(st.text("ab", max_size=24), st.sampled_from(["count", "total", "gaps"]))
def test_counts_are_those_of_a_search_for_each_sequence(letters, sort):
    counts, found = found_in(kernels_of(letters), sort=sort, top=1000)

    parts = Counter(
        letters[k : k + n]
        for n in range(SHORTEST, LONGEST + 1)
        for k in range(len(letters) - n + 1)
    )
    for part, count in counts.items():
        assert count == apart(letters, part)
    for part, often in parts.items():
        grown = [x for x in parts if len(x) == len(part) + 1 and part in x and parts[x] == often]
        if apart(letters, part) > 1 and not grown:
            assert part in counts
    column = {"count": found.count, "total": found.total_ns, "gaps": found.gaps_ns}[sort]
    assert column.tolist() == sorted(column.tolist(), reverse=True)


def test_only_the_asked_number_is_listed():
    counts, found = found_in(kernels_of("abcdxabcdycdzcdab"), top=1)

    assert len(counts) == 1
    assert found.found > 1


@pytest.mark.parametrize(("letters", "word"), [("", "no kernels"), ("abc", "came twice")])
def test_what_is_missing_is_said(letters, word):
    counts, found = found_in(kernels_of(letters))

    assert counts == {}
    assert word in found.absent


def test_sequences_of_a_real_trace_can_be_found_again():
    trace = real_trace("hta/nccl_parser_config/nccl_data.json.gz")

    found = sequences(trace, join(trace), nest(trace), sort="gaps", top=20)

    kernels = trace.rows(Kind.KERNEL)
    for length, names, count, first in zip(
        found.length, found.names, found.count, found.first, strict=True
    ):
        at = int((kernels == first).argmax())
        rows = kernels[at : at + length]
        assert trace.slices.name[rows].tolist() == names[:length].tolist()
        assert count > 1
