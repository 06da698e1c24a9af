"""Check the merging of columns against lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.eventlog.blocks import (
    RefBlock,
    ScalarColumns,
    join_refs,
    join_scalars,
    pack_scalars,
    unpack_scalars,
)

PIECES = st.lists(
    st.dictionaries(st.integers(0, 6), st.lists(st.integers(-99, 99), min_size=1, max_size=5)),
    min_size=1,
    max_size=6,
)


def block_of(points):
    """Return a block that holds steps by tag; time and value are functions of the step."""
    tags = sorted(points)
    step = np.array([s for tag in tags for s in points[tag]], np.int64)
    lengths = [len(points[tag]) for tag in tags]
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    columns = ScalarColumns(step + 0.5, step, step * 2.0)
    return pack_scalars(np.array(tags, np.int32), start, columns)


def points_of(block):
    return unpack_scalars([(block, row) for row in range(len(block.tag))])


def as_lists(block):
    return {
        int(tag): unpack_scalars([(block, row)]).step.tolist() for row, tag in enumerate(block.tag)
    }


@given(pieces=PIECES)
def test_joined_blocks_hold_every_point_by_tag_in_file_order(pieces):
    joined = join_scalars([block_of(piece) for piece in pieces])

    model = {}
    for piece in pieces:
        for tag, steps in piece.items():
            model.setdefault(tag, []).extend(steps)
    assert as_lists(joined) == model
    assert joined.tag.tolist() == sorted(model)
    points = points_of(joined)
    assert points.wall_time.tolist() == [s + 0.5 for s in points.step.tolist()]
    assert points.value.tolist() == [s * 2.0 for s in points.step.tolist()]
    assert len(joined) == len(points.step) == sum(map(len, model.values()))


@given(pieces=PIECES)
def test_blocks_know_the_first_and_the_last_step_of_each_tag(pieces):
    joined = join_scalars([block_of(piece) for piece in pieces])

    lists = as_lists(joined).values()
    assert joined.first_step.tolist() == [steps[0] for steps in lists]
    assert joined.last_step.tolist() == [steps[-1] for steps in lists]
    assert np.diff(joined.start).tolist() == [len(steps) for steps in lists]


@given(pieces=PIECES, tag=st.integers(0, 6))
def test_a_series_is_put_together_from_the_rows_of_several_blocks(pieces, tag):
    blocks = [block_of(piece) for piece in pieces]

    found = unpack_scalars([(b, b.find(tag)) for b in blocks if b.find(tag) is not None])

    steps = [step for piece in pieces for step in piece.get(tag, [])]
    assert found.step.tolist() == steps
    assert found.wall_time.tolist() == [step + 0.5 for step in steps]


@given(pieces=PIECES, cut=st.integers(0, 6))
def test_it_does_not_matter_which_blocks_are_joined_first(pieces, cut):
    blocks = [block_of(piece) for piece in pieces]
    parts = [part for part in (blocks[:cut], blocks[cut:]) if part]

    stepwise = join_scalars([join_scalars(part) for part in parts])

    assert as_lists(stepwise) == as_lists(join_scalars(blocks))


@given(pieces=PIECES)
def test_joined_columns_keep_their_types(pieces):
    joined = join_scalars([block_of(piece) for piece in pieces])

    names = ("tag", "start", "place", "first_step", "last_step", "data")
    types = [getattr(joined, name).dtype for name in names]
    assert types == [np.int32, np.int64, np.int64, np.int64, np.int64, np.uint8]
    points = points_of(joined)
    types = [points.wall_time.dtype, points.step.dtype, points.value.dtype]
    assert types == [np.float64, np.int64, np.float64]


@pytest.mark.parametrize("tag", [-1, 1, 3, 99])
def test_a_tag_that_does_not_occur_has_no_row(tag):
    assert block_of({0: [1], 2: [5, 6]}).find(tag) is None


def test_a_single_block_is_not_copied():
    block = block_of({0: [1]})

    assert join_scalars([block]) is block


@given(rows=st.lists(st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 3), min_size=1, max_size=40))
def test_times_and_values_of_any_bits_and_steps_of_any_size_are_kept(rows):
    bits = np.array(rows, np.int64).T.copy()
    columns = ScalarColumns(bits[0].view(np.float64), bits[1], bits[2].view(np.float64))
    block = pack_scalars(np.zeros(1, np.int32), np.array([0, len(rows)]), columns)

    points = points_of(join_scalars([block, block]))

    assert points.wall_time.tobytes() == 2 * columns.wall_time.tobytes()
    assert points.step.tobytes() == 2 * columns.step.tobytes()
    assert points.value.tobytes() == 2 * columns.value.tobytes()


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=4))
def test_joined_references_stand_in_file_order(pieces):
    def refs(steps):
        numbers = np.array(steps, np.int64)
        return RefBlock(
            numbers.astype(np.int32), numbers.astype(np.int8), numbers * 0.5, numbers,
            numbers * 10, numbers + 1,
        )  # fmt: skip

    joined = join_refs([refs(piece) for piece in pieces])

    flat = [step for piece in pieces for step in piece]
    assert joined.step.tolist() == joined.tag.tolist() == joined.kind.tolist() == flat
    assert joined.offset.tolist() == [10 * step for step in flat]
    assert joined.length.tolist() == [step + 1 for step in flat]
    assert len(joined) == len(flat)
