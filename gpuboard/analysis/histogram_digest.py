"""Keep of each histogram of a tag what is small: extent, moments, quantiles.

A picture of ten thousand histograms needs their common range, and its bands need nothing else. All
of them are read once for that; of a log that grows only what is new.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from gpuboard import limits
from gpuboard.analysis.compiled import frozen
from gpuboard.analysis.histogram_kernels import MEAN, STD, TOTAL, describe
from gpuboard.analysis.histogram_request import Extent
from gpuboard.store.columns import Float64s, Int64s
from gpuboard.store.values import Values
from gpuboard.summaries.histogram import Histogram
from gpuboard.summaries.histogram_stack import Stack, stacks

DecodeOne = Callable[[int], Histogram | None]

# Shares of a normal distribution below -inf, -1.5, -1, -0.5, 0, 0.5, 1, 1.5 and inf sigma.
BAND_SHARES = (0.0, 0.0668, 0.1587, 0.3085, 0.5, 0.6915, 0.8413, 0.9332, 1.0)
_SHARES = np.array([*BAND_SHARES[:1], 0.01, *BAND_SHARES[1:-1], 0.99, *BAND_SHARES[-1:]])
_BANDS = np.array([0, 2, 3, 4, 5, 6, 7, 8, 10])
_P01, _P99 = 1, 9

# Columns of `Digest.table`, before the quantiles.
_MINIMUM, _MAXIMUM, _NUM, _TOTAL, _MEAN, _STD, _IS_EXACT = range(7)
_FACTS = 7
_OFFSET_BITS = 44


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one histogram.

    Attributes:
        minimum: Least value logged, NaN where nothing is known of it; `maximum` likewise.
        num: How many values were logged.
        total: How many of them lie in buckets; the others are NaN, infinite or beyond the edges.
        mean: Of all values, NaN without any; `std` likewise.
        is_exact: Whether mean and std come from the logged sums, and not from the buckets.
        quantiles: At `BAND_SHARES`.
    """

    minimum: float
    maximum: float
    num: float
    total: float
    mean: float
    std: float
    is_exact: bool
    quantiles: tuple[float, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Digest:
    """Facts of many histograms of one tag; rows of NaN are those that could not be read.

    Attributes:
        key: What tells a value from others: file and offset, shape (n,).
        wall_time: Of the values, shape (n,).
        files: Names of the files that `key` counts.
        table: One row for each value, shape (n, 7 + quantiles).
    """

    key: Int64s
    wall_time: Float64s
    files: tuple[str, ...]
    table: Float64s

    def __len__(self) -> int:
        return len(self.key)

    @property
    def is_read(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which values could be read, shape (n,)."""
        return ~np.isnan(self.total)

    @property
    def total(self) -> Float64s:
        """How many values lie in the buckets of each histogram, NaN for unread ones, shape (n,)."""
        return self.table[:, _TOTAL]

    @property
    def bands(self) -> Float64s:
        """Quantiles of each value at `BAND_SHARES`, shape (n, 9)."""
        return self.table[:, _FACTS + _BANDS]

    def facts(self, row: int) -> Facts:
        """Return what is known of one of the values."""
        return _facts(self.table[row])

    def extent(self) -> Extent | None:
        """Return the outermost edges of all buckets that are not empty, None where none is."""
        table = self.table[self.total > 0]
        if not len(table):
            return None
        return float(table[:, _FACTS].min()), float(table[:, -1].max())

    def robust_extent(self) -> Extent | None:
        """Return a range that a few odd steps and lone outermost values do not widen.

        From the 5th percentile over all steps of each step's own 1st percentile to the 95th of the
        99th, widened by half of that at both ends, and no further than `extent`. The tails of an
        ordinary distribution stay in.
        """
        whole = self.extent()
        if whole is None:
            return None
        table = self.table[self.total > 0]
        low = float(np.percentile(table[:, _FACTS + _P01], 5))
        high = float(np.percentile(table[:, _FACTS + _P99], 95))
        around = 0.5 * high - 0.5 * low
        return max(low - around, whole[0]), min(high + around, whole[1])


def thinned(values: Values, places: Int64s) -> Int64s:
    """Return so many of `places` as may be read for one picture, evenly, the last one included."""
    size = int(values.length[places].sum())
    every = 1
    # Powers of two, so that a log that grows keeps most of its choice.
    while size > every * limits.MAX_HISTOGRAM_BYTES.value:
        every *= 2
    kept = np.arange(0, len(places), every)
    if len(kept) and kept[-1] != len(places) - 1:
        kept = np.append(kept, len(places) - 1)
    return places[kept]


def digest(
    values: Values, places: Int64s, decode_one: DecodeOne, known: Digest | None = None
) -> Digest:
    """Return the facts of the values at `places`, in that order.

    Args:
        values: All histograms of a tag.
        places: Which of them are wanted.
        decode_one: As for `gpuboard.summaries.histogram_stack.stacks`.
        known: What an earlier call found; values that are in it are not read again.
    """
    key = (values.file[places].astype(np.int64) << _OFFSET_BITS) | values.offset[places]
    wall_time = values.wall_time[places]
    table = np.full((len(places), _FACTS + len(_SHARES)), np.nan)
    is_new = np.ones(len(places), np.bool_)
    if known is not None and len(known) and values.places[: len(known.files)] == known.files:
        order = np.argsort(known.key)
        row = order[np.searchsorted(known.key, key, sorter=order).clip(max=len(known) - 1)]
        is_new = (known.key[row] != key) | (known.wall_time[row] != wall_time)
        table[~is_new] = known.table[row[~is_new]]
    row_of = np.full(len(values), -1, np.int64)
    row_of[places] = np.arange(len(places))
    for stack in stacks(values, places[is_new], decode_one):
        table[row_of[stack.place]] = table_of(stack)
    return Digest(key, wall_time, values.places, table)


def table_of(stack: Stack) -> Float64s:
    """Return the rows that `Digest.table` has for these histograms."""
    described = describe(
        frozen(stack.start),
        frozen(stack.left),
        frozen(stack.right),
        frozen(stack.count),
        frozen(_SHARES),
    )
    minimum, maximum, num, total_sum, squares = stack.facts.T
    total = described[:, TOTAL]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = total_sum / num
        variance = squares / num - mean**2
    # Values in no bucket are in the sums of some writers and not in those of others.
    is_exact = np.isfinite(mean) & np.isfinite(variance) & (num == total) & (total > 0)
    mean = np.where(is_exact, mean, described[:, MEAN])
    std = np.where(is_exact, np.sqrt(np.maximum(variance, 0.0)), described[:, STD])
    columns = (minimum, maximum, num, total, mean, std, is_exact)
    return np.column_stack([*columns, described[:, 3:]])


def of_stack(stack: Stack) -> Digest:
    """Return the facts of histograms that are at hand, in their order."""
    nothing = np.full(len(stack), -1, np.int64)
    return Digest(nothing, np.full(len(stack), np.nan), (), table_of(stack))


def _facts(row: Float64s) -> Facts:
    return Facts(
        minimum=float(row[_MINIMUM]),
        maximum=float(row[_MAXIMUM]),
        num=float(row[_NUM]),
        total=float(row[_TOTAL]),
        mean=float(row[_MEAN]),
        std=float(row[_STD]),
        is_exact=bool(row[_IS_EXACT] == 1.0),
        quantiles=tuple(row[_FACTS + _BANDS].tolist()),
    )


class DigestCache:
    """Hold digests by run and tag, and forget the one used longest ago when the bytes run out."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._digests: OrderedDict[tuple[int, str], Digest] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, values: Values, places: Int64s, decode_one: DecodeOne) -> Digest:
        """Return the digest of the values at `places`, read as far as it is not kept."""
        key = values.run, values.tag
        with self._lock:
            known = self._digests.get(key)
        found = digest(values, places, decode_one, known)
        with self._lock:
            replaced = self._digests.pop(key, None)
            self._digests[key] = found
            self._bytes += found.table.nbytes - (0 if replaced is None else replaced.table.nbytes)
            while self._bytes > self._max_bytes and len(self._digests) > 1:
                _, oldest = self._digests.popitem(last=False)
                self._bytes -= oldest.table.nbytes
        return found
