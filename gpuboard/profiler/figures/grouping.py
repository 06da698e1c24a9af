"""Group rows by equal values of several columns, and sum up each group."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces.trace import Float64s, Int32s, Int64s

Integers = npt.NDArray[np.integer]


@dataclasses.dataclass(frozen=True, slots=True)
class Groups:
    """Rows by group, groups in order of appearance.

    Attributes:
        number: Group of each row, shape (n,).
        first: First row of each group, shape (g,).
    """

    number: Int32s
    first: Int64s

    def __len__(self) -> int:
        return len(self.first)


@dataclasses.dataclass(frozen=True, slots=True)
class Sums:
    """Integers of each group, exactly; all of shape (g,), 0 for a group without any."""

    count: Int64s
    total: Int64s
    least: Int64s
    greatest: Int64s


def group(*columns: Integers) -> Groups:
    """Group the rows of equally long integer columns, at least one; a wide column by its lines."""
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.grouping_kernels import number_keys

    narrow = [c for column in columns for c in (column.T if column.ndim > 1 else (column,))]
    number, first = number_keys(frozen(narrow[0].astype(np.int64)))
    for column in narrow[1:]:
        other, other_first = number_keys(frozen(column.astype(np.int64)))
        if len(other_first) > 1:
            keys = number.astype(np.int64) * len(other_first) + other
            number, first = number_keys(frozen(keys))
    return Groups(number, first)


def sums(number: Int32s, groups: int, values: Int64s) -> Sums:
    """Return count, sum, least and greatest of the values of each group; of -1, nowhere."""
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.grouping_kernels import fold

    return Sums(*fold(frozen(number), groups, frozen(values)))


def weighted_mean(number: Int32s, groups: int, values: Float64s, weights: Int64s) -> Float64s:
    """Return the mean of each group's finite values by weight, NaN where they weigh nothing."""
    known = np.isfinite(values) & (number >= 0)
    weight = np.bincount(number[known], weights[known], groups)
    total = np.bincount(number[known], values[known] * weights[known], groups)
    mean: Float64s = np.divide(total, weight, out=np.full(groups, np.nan), where=weight > 0)
    return mean
