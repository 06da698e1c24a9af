"""Read and write histograms: HistogramProto of TensorFlow 1 and PyTorch, tensors of TensorFlow 2.

| form | what it holds |
|---|---|
| `histo` | right edges, counts, and min, max, num, sum, sum_squares of all values |
| `tensor` | rows of left edge, right edge, count: shape [k, 3] |

A `histo` has no left edge of its first bucket, and TensorFlow 1 closes it with the largest double;
the least and the greatest value stand in for both, as in TensorBoard.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.errors import DataError, InputError
from gpuboard.eventlog.proto.event_pb2 import HistogramProto, Summary, TensorProto
from gpuboard.summaries.tensor import decode_tensor

Float64s = npt.NDArray[np.float64]

OPEN = float(np.finfo(np.float64).max)  # an edge this far out stands for "no edge"
COLUMNS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Histogram:
    """One histogram; its buckets ascend, may leave gaps, and one of them may have no width.

    Attributes:
        left: Left edges, finite, shape (k,).
        right: Right edges, not less than `left`, shape (k,).
        count: How many values lie in each, finite and not negative, shape (k,).
        minimum: Least value logged, NaN where nothing is known of it.
        maximum: Greatest value logged, NaN likewise.
        num: How many values were logged.
        sum: Sum of all values, NaN where it was not logged.
        sum_squares: Sum of their squares, NaN where it was not logged.
    """

    left: Float64s
    right: Float64s
    count: Float64s
    minimum: float
    maximum: float
    num: float
    sum: float
    sum_squares: float

    @property
    def missing(self) -> float:
        """How many values lie in no bucket: NaN, infinite, or beyond the edges that were asked."""
        return max(0.0, self.num - float(self.count.sum()))


def encode(
    tag: str,
    values: npt.ArrayLike,
    bins: str | int | npt.ArrayLike = "tensorflow",
    max_bins: int | None = None,
) -> Summary.Value:
    """Return the summary value of an array as PyTorch's `add_histogram` writes it.

    Unlike PyTorch's it takes NaN and infinities: they are part of `num` alone, so that readers can
    tell how many there were, and the edges stay finite.

    Args:
        tag: Name under which it is shown.
        values: Real numbers of any shape, at least one.
        bins: "tensorflow" (edges at 0 and ±1e-12 * 1.1^n), or what `numpy.histogram` takes.
        max_bins: Neighbouring buckets are merged until there are about so many.

    Raises:
        InputError: There is no value, or NumPy cannot make such bins.
    """
    flat = np.asarray(values).astype(np.float64, casting="unsafe").reshape(-1)
    if not flat.size:
        raise InputError(f"histogram {tag!r}: got no values, expected at least one")
    finite = flat[np.isfinite(flat)]
    counts, edges = _binned(tag, finite, bins)
    if max_bins is not None and len(counts) > max_bins:
        counts, edges = _merged(counts, edges, max(1, max_bins))
    filled = np.flatnonzero(counts)
    first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
    return encode_raw(
        tag,
        min=float(finite.min()) if finite.size else math.nan,
        max=float(finite.max()) if finite.size else math.nan,
        num=flat.size,
        sum=float(finite.sum()),
        sum_squares=float(finite.dot(finite)),
        # The empty bucket in front carries the left edge of the first one.
        bucket_limits=edges[first : last + 1] if len(filled) else [],
        bucket_counts=np.append(0, counts[first:last]) if len(filled) else [],
    )


def encode_raw(
    tag: str,
    *,
    min: float,  # noqa: A002
    max: float,  # noqa: A002
    num: float,
    sum: float,  # noqa: A002
    sum_squares: float,
    bucket_limits: Sequence[float] | npt.NDArray[np.generic],
    bucket_counts: Sequence[float] | npt.NDArray[np.generic],
) -> Summary.Value:
    """Return the summary value of a histogram that was counted elsewhere.

    Args:
        tag: Name under which it is shown.
        min: Least value.
        max: Greatest value.
        num: How many values there are, those that no bucket counts included.
        sum: Sum of all values.
        sum_squares: Sum of their squares.
        bucket_limits: Right edge of each bucket, ascending.
        bucket_counts: How many values lie in each.

    Raises:
        InputError: There are not as many edges as counts.
    """
    if len(bucket_limits) != len(bucket_counts):
        raise InputError(
            f"histogram {tag!r}: got {len(bucket_limits)} bucket_limits and {len(bucket_counts)} "
            "bucket_counts, expected as many of both"
        )
    histo = HistogramProto(
        min=min,
        max=max,
        num=num,
        sum=sum,
        sum_squares=sum_squares,
        bucket_limit=np.asarray(bucket_limits, np.float64).tolist(),
        bucket=np.asarray(bucket_counts, np.float64).tolist(),
    )
    return Summary.Value(tag=tag, histo=histo)


def decode(value: Summary.Value, content: bytes = b"") -> Histogram:
    """Return the histogram that a summary value holds.

    Empty buckets at both ends of a `histo` are left out, as in TensorBoard.

    Args:
        value: In any of the forms of this module.
        content: Metadata of the plugin; it says nothing that is needed here.

    Raises:
        DataError: The value is no histogram, or one that cannot be drawn; the text says why.
    """
    del content
    form = value.WhichOneof("value")
    if form == "histo":
        return _from_histo(value.histo)
    if form == "tensor":
        return _from_tensor(value.tensor)
    if form == "obsolete_old_style_histogram":
        raise DataError("a histogram in a form older than TensorFlow 1.0, which nobody can read")
    raise DataError(f"a value of the form {form}, expected a histogram")


@functools.cache
def default_edges() -> Float64s:
    """Return the edges of PyTorch's "tensorflow" bins: ±1e-12 * 1.1^n up to 1e20, and 0."""
    positive = []
    edge = 1e-12
    while edge < 1e20:
        positive.append(edge)
        edge *= 1.1  # the products, not powers: their rounding is part of what PyTorch writes
    edges = np.array([*(-edge for edge in reversed(positive)), 0.0, *positive])
    edges.flags.writeable = False
    return edges


def _binned(
    tag: str, finite: Float64s, bins: str | int | npt.ArrayLike
) -> tuple[Float64s, Float64s]:
    edges: Any = default_edges() if isinstance(bins, str) and bins == "tensorflow" else bins
    try:
        counts, found = np.histogram(finite, bins=edges)
    except (TypeError, ValueError) as error:
        raise InputError(f"histogram {tag!r}: bins {str(bins)[:100]}: {error}") from error
    return counts.astype(np.float64), found.astype(np.float64)


def _merged(counts: Float64s, edges: Float64s, max_bins: int) -> tuple[Float64s, Float64s]:
    """Merge runs of `len(counts) // max_bins` buckets; the last run may be shorter."""
    every = len(counts) // max_bins
    starts = np.arange(0, len(counts), every)
    return np.add.reduceat(counts, starts), np.append(edges[:-1][starts], edges[-1])


def _from_histo(histo: HistogramProto) -> Histogram:
    edge = np.array(histo.bucket_limit, np.float64)
    count = np.array(histo.bucket, np.float64)
    if len(edge) != len(count):
        raise DataError(f"{len(edge)} edges for {len(count)} counts, expected as many of both")
    _check_size(len(count))
    _check_counts(count)
    filled = np.flatnonzero(count)
    first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
    before = edge[first - 1 : first] if first else np.array([-np.inf])
    left = np.append(before, edge[first : last - 1]) if last else np.empty(0)
    right = edge[first:last].copy()
    count = count[first:last]
    if last:
        left[0] = _end(histo.min, left[0], right[0], right[0], left[0])
        right[-1] = _end(histo.max, left[-1], right[-1], left[-1], right[-1])
    _check_edges(left, right)
    return Histogram(
        left=left,
        right=right,
        count=count,
        minimum=_known(histo.min, left[:1]),
        maximum=_known(histo.max, right[-1:]),
        num=_total(histo.num, count),
        sum=histo.sum,
        sum_squares=histo.sum_squares,
    )


def _end(known: float, low: float, high: float, inner: float, outer: float) -> float:
    """Return an outermost edge: the least or greatest value where it lies in the bucket low..high.

    Without such a value the logged edge holds, and where that is open the bucket has no width.
    """
    if low <= known <= high and abs(known) < OPEN:
        return known
    return outer if abs(outer) < OPEN else inner


def _from_tensor(tensor: TensorProto) -> Histogram:
    rows = decode_tensor(tensor)
    if rows.ndim != 2 or rows.shape[1] != COLUMNS or rows.dtype.kind not in "fiu":
        raise DataError(
            f"a tensor of {rows.dtype} and shape {list(rows.shape)}, expected numbers of shape "
            f"[k, {COLUMNS}]: left edge, right edge, count"
        )
    _check_size(len(rows))
    left, right, count = np.ascontiguousarray(rows.T, np.float64)
    _check_counts(count)
    # Writers that migrate a `histo` without care leave empty buckets that run backwards.
    is_sound = (count > 0) | ((left <= right) & (left > -OPEN) & (right < OPEN))
    left, right, count = left[is_sound], right[is_sound], count[is_sound]
    _check_edges(left, right)
    filled = np.flatnonzero(count)
    return Histogram(
        left=left,
        right=right,
        count=count,
        minimum=float(left[filled[0]]) if len(filled) else math.nan,
        maximum=float(right[filled[-1]]) if len(filled) else math.nan,
        num=float(count.sum()),
        sum=math.nan,
        sum_squares=math.nan,
    )


def _check_size(buckets: int) -> None:
    most = limits.MAX_HISTOGRAM_BUCKETS
    if buckets > most.value:
        raise DataError(f"{buckets} buckets, at most {most.value} are read ({most.name})")


def _check_counts(count: Float64s) -> None:
    bad = np.flatnonzero(~((count >= 0) & (count < np.inf)))
    if len(bad):
        raise DataError(f"bucket {bad[0]} counts {count[bad[0]]:g} values")


def _check_edges(left: Float64s, right: Float64s) -> None:
    """Check that edges are finite, and that neither column of them ever descends."""
    is_finite = (np.abs(left) < OPEN) & (np.abs(right) < OPEN)
    ascends = left <= right
    ascends[1:] &= (left[1:] >= left[:-1]) & (right[1:] >= right[:-1])
    bad = np.flatnonzero(~(is_finite & ascends))
    if len(bad):
        k = bad[0]
        raise DataError(
            f"bucket {k} reaches from {left[k]:g} to {right[k]:g}, expected finite ascending edges"
        )


def _known(logged: float, edge: Float64s) -> float:
    if math.isfinite(logged) or not len(edge):
        return logged
    return float(edge[0])


def _total(logged: float, count: Float64s) -> float:
    total = float(count.sum())
    return logged if math.isfinite(logged) and logged >= total else total
