"""Tell for each pair of ranks how long one waited for the other in collectives."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.figures.matching import Matched
from gpuboard.profiler.traces.trace import Int64s


def waits(matched: Matched) -> Int64s:
    """Return how long each rank (row) waited for each other one (column), ns, shape (r, r).

    In each collective all wait for the rank that starts last: from their own start to its start,
    at most as long as their own kernel ran. Column sums are `Stragglers.caused_ns`.
    """
    ranks = len(matched.rank)
    total = np.zeros((ranks, ranks), np.int64)
    if not len(matched):
        return total
    start = np.where(matched.present, matched.start, np.iinfo(np.int64).min)
    late = np.where(matched.present, start.max(axis=1)[:, None] - start, 0)
    waited = np.minimum(late, matched.duration)
    for cause in range(ranks):
        total[:, cause] = waited[matched.last == cause].sum(axis=0)
    return total
