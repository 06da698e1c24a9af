"""Smooth values along x, whatever the distance between the points.

`amount` in [0, 1) means the same share of noise taken in every kind. An exponential moving average
of weight a has the noise of a mean over N = (1 + a) / (1 - a) points, so:

- "ema": the average so far, in which a point that lies d behind counts a**(d / g), g being the
  median positive distance between neighbours. On even spacing this is TensorBoard's debiased
  moving average, https://github.com/tensorflow/tensorboard/pull/639.
- "mean": all points within (m + 1/2) g to either side, m being a / (1 - a) rounded, at least 1: on
  even spacing 2 m + 1 points, which is N where that is odd.
- "gaussian": a normal kernel of sigma = N g / (2 sqrt(pi)), cut at 4 sigma.

NaN and infinities take no part and stay NaN in the result. Smoothing starts anew where x goes back.
Where no two neighbours differ in x, points count as evenly spaced.
"""

from __future__ import annotations

import math

import numpy as np

from gpuboard.analysis.axes import Column
from gpuboard.analysis.compiled import frozen, kernel
from gpuboard.analysis.request import SMOOTHINGS, Smoothing
from gpuboard.analysis.restarts import Bools, Stretches, ascending_stretches
from gpuboard.store.columns import Float64s, Int64s

GAPS_LOOKED_AT = 20_000
REACH_SIGMAS = 4.0
CELLS_PER_SIGMA = 6.0

_EMA = SMOOTHINGS.index("ema")
_GAUSSIAN = SMOOTHINGS.index("gaussian")


def smooth(x: Float64s, y: Float64s, smoothing: Smoothing) -> Float64s:
    """Return one smoothed line, NaN where `y` is not finite.

    Args:
        x: Finite places of the points, shape (n,).
        y: Values, shape (n,).
        smoothing: Kind and amount.
    """
    return smooth_lines(x, y, ascending_stretches(x), smoothing)


def smooth_lines(x: Column, y: Float64s, lines: Stretches, smoothing: Smoothing) -> Float64s:
    """Return the smoothed values of several runs, NaN off their lines, shape (n,).

    Args:
        x: What orders the points; a constant shift of a run does not matter, shape (n,).
        y: Values, shape (n,).
        lines: Where the points that stand lie.
        smoothing: Kind and amount.
    """
    if not smoothing.is_on:
        return np.where(np.isfinite(y), y, np.nan)
    out = np.full(len(y), np.nan)
    _smooth_runs(
        frozen(x),
        frozen(y),
        lines.low,
        lines.high,
        lines.joined,
        lines.first,
        SMOOTHINGS.index(smoothing.kind),
        float(smoothing.amount),
        out,
    )
    return out


@kernel
def _smooth_runs(
    x: Column,
    y: Float64s,
    low: Int64s,
    high: Int64s,
    joined: Bools,
    first: Int64s,
    kind: int,
    amount: float,
    out: Float64s,
) -> None:
    for run in range(len(first) - 1):
        a, b = first[run], first[run + 1]
        gap = _typical_gap(x, low[a:b], high[a:b])
        if kind == _EMA:
            _ema(x, y, low[a:b], high[a:b], joined[a:b], gap, amount, out)
            continue
        while a < b:
            last = a + 1
            while last < b and joined[last]:
                last += 1
            _centred(x, y, low[a:last], high[a:last], gap, kind, amount, out)
            a = last


@kernel
def _typical_gap(x: Column, low: Int64s, high: Int64s) -> float:
    """Return the median positive distance of neighbours, 0 where there is none.

    Of long series, neighbours are looked at in evenly spread places only.
    """
    points = 0
    for s in range(len(low)):
        points += high[s] - low[s]
    stride = 1 + points // GAPS_LOOKED_AT
    gaps = np.empty(min(points, 2 * GAPS_LOOKED_AT))
    n = 0
    even = True
    for s in range(len(low)):
        for i in range(low[s] + 1, high[s], stride):
            gap = float(x[i]) - float(x[i - 1])
            if gap > 0 and n < len(gaps):
                gaps[n] = gap
                even = even and gap == gaps[0]
                n += 1
    if n == 0:
        return 0.0
    return gaps[0] if even else np.median(gaps[:n])


@kernel
def _ema(
    x: Column,
    y: Float64s,
    low: Int64s,
    high: Int64s,
    joined: Bools,
    gap: float,
    amount: float,
    out: Float64s,
) -> None:
    weight, mean, before = 0.0, 0.0, 0.0
    known_gaps, decay = 1.0, amount
    known_weight, share = 1.0, 1.0
    for s in range(len(low)):
        if not joined[s]:
            weight = 0.0
        for i in range(low[s], high[s]):
            if y[i] - y[i] != 0:
                continue
            at = float(x[i])
            gaps = (at - before) / gap if gap > 0 else 1.0
            before = at
            if gaps != known_gaps and weight > 0:
                known_gaps, decay = gaps, amount**gaps
            weight = weight * decay + 1
            if weight != known_weight:
                known_weight, share = weight, 1 / weight
            # Two products, for a difference of huge values would overflow; a constant stays exact.
            mean += y[i] * share - mean * share
            out[i] = mean


@kernel
def _centred(
    x: Column,
    y: Float64s,
    low: Int64s,
    high: Int64s,
    gap: float,
    kind: int,
    amount: float,
    out: Float64s,
) -> None:
    points = 0
    for s in range(len(low)):
        points += high[s] - low[s]
    tx, ty, where = np.empty(points), np.empty(points), np.empty(points, np.int64)
    n = 0
    for s in range(len(low)):
        for i in range(low[s], high[s]):
            if np.isfinite(y[i]):
                tx[n] = float(x[i]) if gap > 0 else float(n)
                ty[n], where[n] = y[i], i
                n += 1
    unit = gap if gap > 0 else 1.0
    if kind == _GAUSSIAN:
        sigma = unit * (1 + amount) / (1 - amount) / (2 * math.sqrt(math.pi))
        smoothed = _gaussian(tx[:n], ty[:n], sigma)
    else:
        smoothed = _mean(tx[:n], ty[:n], unit * (_reach(amount) + 0.5))
    for k in range(n):
        out[where[k]] = smoothed[k]


@kernel
def _reach(amount: float) -> int:
    """Return how many neighbours at either side the mean takes on even spacing."""
    # 0.6 is meant to be the tie 1.5 and is 1.4999999999999998.
    return max(1, math.floor(amount / (1 - amount) + 0.5 + 1e-9))


@kernel
def _mean(x: Float64s, y: Float64s, reach: float) -> Float64s:
    """Return the mean over x - reach .. x + reach by adding only: a spike leaves no rounding error.

    The window is a queue of two stacks: sums of [i, middle) for each i, and one of [middle, high).
    """
    out = np.empty(len(x))
    sums = np.empty(len(x))
    low = middle = high = 0
    rest = 0.0
    for i in range(len(x)):
        while high < len(x) and x[high] <= x[i] + reach:
            rest += y[high]
            high += 1
        while x[low] < x[i] - reach:
            low += 1
        if low >= middle:
            middle, rest, total = high, 0.0, 0.0
            for j in range(high - 1, low - 1, -1):
                total += y[j]
                sums[j] = total
        out[i] = (sums[low] + rest) / (high - low)
    return out


@kernel
def _gaussian(x: Float64s, y: Float64s, sigma: float) -> Float64s:
    """Return kernel averages of ascending points, which are first merged to cells.

    Each cell is under a sixth of sigma wide; the average is taken at its two ends, and runs
    straight between them. So the cost does not depend on how many points lie within reach.
    """
    cell_x, cell_y, count = _cells(x, y, sigma / CELLS_PER_SIGMA)
    out = np.empty(len(x))
    first = i = 0
    for k in range(len(cell_x)):
        last = i + count[k] - 1
        while cell_x[first] < x[i] - REACH_SIGMAS * sigma:
            first += 1
        out[i] = out[last] = _kernel_mean(cell_x, cell_y, count, first, x[i], sigma)
        if x[last] > x[i]:
            out[last] = _kernel_mean(cell_x, cell_y, count, first, x[last], sigma)
        for j in range(i + 1, last):
            share = (x[j] - x[i]) / (x[last] - x[i]) if x[last] > x[i] else 0.0
            out[j] = out[i] * (1 - share) + out[last] * share
        i = last + 1
    return out


@kernel
def _kernel_mean(
    cell_x: Float64s, cell_y: Float64s, count: Int64s, first: int, place: float, sigma: float
) -> float:
    total = weight = 0.0
    for j in range(first, len(cell_x)):
        away = (cell_x[j] - place) / sigma
        if away > REACH_SIGMAS:
            break
        if away >= -REACH_SIGMAS:
            share = count[j] * math.exp(-0.5 * away * away)
            total += share * cell_y[j]
            weight += share
    return total / weight


@kernel
def _cells(x: Float64s, y: Float64s, width: float) -> tuple[Float64s, Float64s, Int64s]:
    """Return mean x, mean y and size of the groups of neighbours that lie within `width`."""
    cell_x, cell_y = np.empty(len(x)), np.empty(len(x))
    count = np.empty(len(x), np.int64)
    n = i = 0
    while i < len(x):
        j = i + 1
        mean_x, mean_y = x[i], y[i]
        while j < len(x) and x[j] - x[i] < width:
            j += 1
            mean_x += (x[j - 1] - mean_x) / (j - i)
            mean_y += y[j - 1] / (j - i) - mean_y / (j - i)
        cell_x[n], cell_y[n], count[n] = mean_x, mean_y, j - i
        n += 1
        i = j
    return cell_x[:n], cell_y[:n], count[:n]
