"""Decode the histograms of many steps at once, in one compiled pass over their bytes.

What the compiled reader does not know, errors included, is left to
`gpuboard.summaries.histogram.decode`, so that both say the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.eventlog.histogram_columns import make_room, read_histograms
from gpuboard.store.value_pieces import Piece, pieces
from gpuboard.store.values import Values
from gpuboard.summaries.histogram import Histogram

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Stack:
    """Histograms of several steps, one after the other.

    Attributes:
        place: Places of the histograms in their `Values`, shape (n,).
        start: First bucket of each, and the number of all buckets, shape (n + 1,).
        left: Left edges of all buckets, as `Histogram` has them; `right` and `count` likewise.
        facts: minimum, maximum, num, sum and sum_squares of each, shape (n, 5).
    """

    place: Int64s
    start: Int64s
    left: Float64s
    right: Float64s
    count: Float64s
    facts: Float64s

    def __len__(self) -> int:
        return len(self.place)


def stacks(
    values: Values, places: Int64s, decode_one: Callable[[int], Histogram | None]
) -> Iterator[Stack]:
    """Yield the histograms at `places`, some thousand buckets at a time, in the order of the files.

    Args:
        values: Where the histograms lie.
        places: Which of them are wanted.
        decode_one: Returns the histogram at a place that the compiled reader leaves to it, None
            where there is none; such places are left out.
    """
    for piece in pieces(values, places):
        compiled, others = _read(piece)
        if len(compiled):
            yield compiled
        if not len(others):
            continue
        found = [(int(place), decode_one(int(place))) for place in others]
        decoded = [(place, one) for place, one in found if one is not None]
        if decoded:
            yield stacked(decoded)


def stacked(decoded: Sequence[tuple[int, Histogram]]) -> Stack:
    """Return histograms, each with its place, as one stack."""
    histograms = [one for _, one in decoded]
    return Stack(
        place=np.array([place for place, _ in decoded], np.int64),
        start=np.cumsum([0, *(len(one.count) for one in histograms)], dtype=np.int64),
        left=np.concatenate([np.empty(0), *(one.left for one in histograms)]),
        right=np.concatenate([np.empty(0), *(one.right for one in histograms)]),
        count=np.concatenate([np.empty(0), *(one.count for one in histograms)]),
        facts=np.array(
            [(h.minimum, h.maximum, h.num, h.sum, h.sum_squares) for h in histograms], np.float64
        ).reshape(-1, 5),
    )


def _read(piece: Piece) -> tuple[Stack, Int64s]:
    n = len(piece.place)
    # A bucket takes sixteen bytes at least.
    room = int((piece.end - piece.start).sum()) // 16 + n
    out = make_room(room, n)
    start, is_read = np.zeros(n + 1, np.int64), np.zeros(n, np.bool_)
    most = limits.MAX_HISTOGRAM_BUCKETS.value
    read_histograms(piece.data, piece.start, piece.end, most, out, start, is_read)
    kept = int(is_read.sum())
    total = int(start[kept])
    stack = Stack(
        place=piece.place[is_read],
        start=start[: kept + 1],
        left=out.left[:total],
        right=out.right[:total],
        count=out.counts[:total],
        facts=out.facts[:kept],
    )
    return stack, piece.place[~is_read]
