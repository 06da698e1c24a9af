"""Describe and rebin many histograms at once: compiled loops over their buckets.

All of them take histograms as `gpuboard.summaries.histogram_stack.Stack` holds them: the buckets of
all, one after the other, and where each histogram starts. The values of a bucket count as spread
evenly over it; those of a bucket without width all lie at its edge.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.compiled import kernel
from gpuboard.store.columns import Float64s, Int64s

Float32s = npt.NDArray[np.float32]

TOTAL, MEAN, STD = range(3)  # columns of what `describe` returns, before the quantiles


@kernel
def describe(
    start: Int64s, left: Float64s, right: Float64s, count: Float64s, shares: Float64s
) -> Float64s:
    """Return total count, mean, standard deviation and quantiles of each histogram.

    With bucket edges l and r, count c, n the sum of c and m = (l + r) / 2: the mean is
    sum(c m) / n, the variance sum(c ((m - mean)^2 + (r - l)^2 / 12)) / n. The quantile of share q
    is where the count of all smaller values reaches q n, by a straight line within its bucket; for
    q = 0 and 1 the outer edges of the outermost buckets that are not empty.

    Args:
        start: First bucket of each histogram, and the number of all buckets, shape (n + 1,).
        left: Left edges, shape (buckets,).
        right: Right edges.
        count: How many values each bucket holds.
        shares: Ascending shares from 0 to 1, shape (q,).

    Returns:
        Shape (n, 3 + q); all but the total NaN for a histogram without values.
    """
    n = len(start) - 1
    out = np.full((n, 3 + len(shares)), np.nan)
    for i in range(n):
        a, b = start[i], start[i + 1]
        total, first = 0.0, 0.0
        for k in range(a, b):
            total += count[k]
            first += count[k] * (0.5 * left[k] + 0.5 * right[k])
        out[i, TOTAL] = total
        if total == 0.0:
            continue
        mean, second = first / total, 0.0
        for k in range(a, b):
            off = 0.5 * left[k] + 0.5 * right[k] - mean
            second += count[k] * (off * off + (right[k] - left[k]) ** 2 / 12.0)
        out[i, MEAN], out[i, STD] = mean, math.sqrt(second / total)
        _quantiles(left[a:b], right[a:b], count[a:b], total, shares, out[i, 3:])
    return out


@kernel
def _quantiles(
    left: Float64s,
    right: Float64s,
    count: Float64s,
    total: float,
    shares: Float64s,
    out: Float64s,
) -> None:
    below, q = 0.0, 0
    for k in range(len(count)):
        if count[k] == 0.0:
            continue
        while q < len(shares) and shares[q] * total <= below + count[k]:
            part = (shares[q] * total - below) / count[k]
            out[q] = left[k] * (1.0 - part) + right[k] * part
            q += 1
        below += count[k]
        last = right[k]
    # Rounding may leave the last share a hair above the sum.
    while q < len(shares):
        out[q] = last
        q += 1


@kernel
def rebin(
    start: Int64s,
    left: Float64s,
    right: Float64s,
    count: Float64s,
    row: Int64s,
    low: float,
    high: float,
    out: Float32s | Float64s,
) -> None:
    """Add histograms to rows of equally wide bins over low..high.

    A bucket l..r with count c adds c |[l, r] and [e, e']| / (r - l) to the bin e..e'. What lies
    beyond low..high is left out, all else is conserved.

    Args:
        start: As for `describe`, and `left`, `right`, `count` likewise.
        left: Left edges.
        right: Right edges.
        count: How many values each bucket holds.
        row: Row of `out` that each histogram is added to, -1 for none, shape (n,).
        low: Left edge of the first bin.
        high: Right edge of the last bin, greater than `low`.
        out: Shape (rows, bins).
    """
    bins = out.shape[1]
    width = (high - low) / bins
    for i in range(len(start) - 1):
        if row[i] < 0:
            continue
        target = out[row[i]]
        for k in range(start[i], start[i + 1]):
            c, a, b = count[k], left[k], right[k]
            if c == 0.0 or b < low or a > high:
                continue
            first = min(bins - 1, int((max(a, low) - low) / width))
            last = min(bins - 1, int((min(b, high) - low) / width))
            span = 0.5 * b - 0.5 * a  # halves, as the whole may be more than a double holds
            if span <= 0.0 or (a >= low and b <= high and first == last):
                target[first] += c
                continue
            for bin_ in range(first, last + 1):
                e = max(a, low + bin_ * width)
                f = min(b, high if bin_ == bins - 1 else low + (bin_ + 1) * width)
                if f > e:
                    target[bin_] += c * ((0.5 * f - 0.5 * e) / span)
