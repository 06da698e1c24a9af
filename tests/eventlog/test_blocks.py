"""Check the merging of columns against lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.eventlog.blocks import RefBlock, ScalarBlock, join_refs, join_scalars

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
    return ScalarBlock(np.array(tags, np.int32), start, step + 0.5, step, step * 2.0)


def as_lists(block):
    return {int(tag): block.step[block.span(int(tag))].tolist() for tag in block.tag}


@given(pieces=PIECES)
def test_joined_blocks_hold_every_point_by_tag_in_file_order(pieces):
    joined = join_scalars([block_of(piece) for piece in pieces])

    model = {}
    for piece in pieces:
        for tag, steps in piece.items():
            model.setdefault(tag, []).extend(steps)
    assert as_lists(joined) == model
    assert joined.tag.tolist() == sorted(model)
    assert joined.wall_time.tolist() == [s + 0.5 for s in joined.step.tolist()]
    assert joined.value.tolist() == [s * 2.0 for s in joined.step.tolist()]
    assert len(joined) == sum(map(len, model.values()))


@given(pieces=PIECES, cut=st.integers(0, 6))
def test_it_does_not_matter_which_blocks_are_joined_first(pieces, cut):
    blocks = [block_of(piece) for piece in pieces]
    parts = [part for part in (blocks[:cut], blocks[cut:]) if part]

    stepwise = join_scalars([join_scalars(part) for part in parts])

    assert as_lists(stepwise) == as_lists(join_scalars(blocks))


@given(pieces=PIECES)
def test_joined_columns_keep_their_types(pieces):
    joined = join_scalars([block_of(piece) for piece in pieces])

    types = [c.dtype for c in (joined.tag, joined.start, joined.wall_time, joined.step)]
    assert types == [np.int32, np.int64, np.float64, np.int64]


@pytest.mark.parametrize("tag", [-1, 1, 3, 99])
def test_a_tag_that_does_not_occur_has_no_span(tag):
    assert block_of({0: [1], 2: [5, 6]}).span(tag) is None


def test_a_single_block_is_not_copied():
    block = block_of({0: [1]})

    assert join_scalars([block]) is block


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
