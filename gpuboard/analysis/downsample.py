"""Thin lines to what the pixels of a chart can show, without losing a spike.

A line is cut into stretches over which x ascends. Of each stretch the first and the last point in
the window (or the neighbour just outside it) are kept, and between them the least and the greatest
finite value of each bucket, in the order they were logged. A bucket whose first or last value is
not finite starts or ends with NaN, which lifts the pen; so does the way from one stretch to the
next. A run of at most two points a bucket is sent whole. Should a run fold back so often that its
stretches would need more than eight times the points of a plain line, the extremes over all
stretches are drawn instead, in ascending x.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from gpuboard.analysis.axes import Column
from gpuboard.analysis.compiled import frozen, kernel
from gpuboard.analysis.restarts import Bools, Stretches, ascending_stretches
from gpuboard.store.columns import Float64s, Int64s

# A logarithmic axis cannot show x <= 0; from there up to this share of the end is one bucket.
LOG_REACH = 1e-9
STRETCHED = 16
SPARE = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """The part of x on screen, both ends included, and into how many buckets it is cut.

    On a logarithmic axis (`is_log`) the buckets are so many equal factors instead of equal steps.
    """

    low: float
    high: float
    buckets: int
    is_log: bool = False

    def log_start(self) -> float:
        """Return where buckets start that are equal factors, 0 for buckets that are equal steps."""
        if not self.is_log or self.high <= 0:
            return 0.0
        return self.low if self.low > 0 else self.high * LOG_REACH


def minmax(x: Float64s, y: Float64s, window: Window) -> tuple[Float64s, Float64s]:
    """Return the x and y of one line thinned to a window.

    Args:
        x: Finite; where it goes back the pen is lifted, shape (n,).
        y: Values, shape (n,).
        window: The part of x on screen.
    """
    lines = ascending_stretches(x)
    out_x, out_y, _ = minmax_lines(x, np.zeros(1), y, lines, window)
    return out_x, out_y


def minmax_lines(
    x: Column, shift: Float64s, y: Float64s, lines: Stretches, window: Window
) -> tuple[Float64s, Float64s, Int64s]:
    """Return x and y of all runs' thinned lines, one after another, and the points of each.

    Args:
        x: What orders the points, shape (n,).
        shift: Taken from the column of each run to give x, shape (runs,).
        y: Values, shape (n,).
        lines: Which points to draw.
        window: The part of x on screen.
    """
    most = STRETCHED * window.buckets + SPARE
    points = np.add.reduceat(
        np.append(lines.high - lines.low, 0), lines.first[:-1], dtype=np.int64
    ) * (np.diff(lines.first) > 0)
    room = int(np.minimum(2 * points + SPARE, most).sum())
    out_x, out_y = np.empty(room), np.empty(room)
    counts = np.zeros(len(shift), np.int64)
    used = _draw_runs(
        frozen(x),
        frozen(shift),
        frozen(y),
        lines.low,
        lines.high,
        lines.joined,
        frozen(lines.first),
        float(window.low),
        float(window.high),
        int(window.buckets),
        float(window.log_start()),
        out_x,
        out_y,
        counts,
    )
    return out_x[:used], out_y[:used], counts


@kernel
def _draw_runs(
    x: Column,
    shift: Float64s,
    y: Float64s,
    low: Int64s,
    high: Int64s,
    joined: Bools,
    first: Int64s,
    x0: float,
    x1: float,
    buckets: int,
    log_start: float,
    out_x: Float64s,
    out_y: Float64s,
    counts: Int64s,
) -> int:
    at = 0
    for run in range(len(shift)):
        a, b = first[run], first[run + 1]
        points = 0
        for s in range(a, b):
            points += high[s] - low[s]
        room = at + min(2 * points + SPARE, STRETCHED * buckets + SPARE)
        end = _draw_run(
            x, shift[run], y, low[a:b], high[a:b], joined[a:b], x0, x1, buckets,
            log_start, out_x[:room], out_y[:room], at,
        )  # fmt: skip
        if end < 0:
            end = _draw_extremes(
                x, shift[run], y, low[a:b], high[a:b], x0, x1, buckets, out_x, out_y, at
            )
        counts[run] = end - at
        at = end
    return at


@kernel
def _draw_run(
    x: Column,
    shift: float,
    y: Float64s,
    low: Int64s,
    high: Int64s,
    joined: Bools,
    x0: float,
    x1: float,
    buckets: int,
    log_start: float,
    out_x: Float64s,
    out_y: Float64s,
    at: int,
) -> int:
    """Draw one run from index `at` on; return the end, or -1 where the room is too small."""
    seen = 0
    for s in range(len(low)):
        p, q = _clip(x, shift, low[s], high[s], x0, x1)
        seen += q - p
    is_down = False
    for s in range(len(low)):
        p, q = _clip(x, shift, low[s], high[s], x0, x1)
        is_away = x[q - 1] - shift < x0 or x[p] - shift > x1
        runs_on = s + 1 < len(low) and joined[s + 1]
        if is_away and not joined[s] and not runs_on:
            continue
        if is_down and not joined[s]:
            if at == len(out_x):
                return -1
            at = _put(x[p] - shift, np.nan, out_x, out_y, at)
        is_down = True
        if seen <= 2 * buckets:
            at = _copy(x, shift, y, p, q, out_x, out_y, at)
        else:
            at = _thin(x, shift, y, p, q, x0, x1, buckets, log_start, out_x, out_y, at)
        if at < 0:
            return -1
    return at


@kernel
def _clip(x: Column, shift: float, low: int, high: int, x0: float, x1: float) -> tuple[int, int]:
    """Return the range of a stretch within x0..x1 and one neighbour at either side."""
    p = max(low, _first_from(x, shift, low, high, x0) - 1)
    q = _first_from(x, shift, p, high, np.nextafter(x1, np.inf))
    return p, min(high, q + 1)


@kernel
def _first_from(x: Column, shift: float, low: int, high: int, edge: float) -> int:
    """Return the first index in low..high-1 with x >= edge, else `high`; near ones are quick."""
    reach = 1
    while low + reach < high and x[low + reach] - shift < edge:
        low += reach
        reach *= 2
    high = min(high, low + reach)
    while low < high:
        middle = (low + high) // 2
        if x[middle] - shift < edge:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _put(x: float, y: float, out_x: Float64s, out_y: Float64s, at: int) -> int:
    out_x[at] = x
    out_y[at] = y if np.isfinite(y) else np.nan
    return at + 1


@kernel
def _copy(
    x: Column, shift: float, y: Float64s, p: int, q: int,
    out_x: Float64s, out_y: Float64s, at: int,
) -> int:  # fmt: skip
    if at + q - p > len(out_x):
        return -1
    for i in range(p, q):
        at = _put(x[i] - shift, y[i], out_x, out_y, at)
    return at


@kernel
def _thin(
    x: Column,
    shift: float,
    y: Float64s,
    p: int,
    q: int,
    x0: float,
    x1: float,
    buckets: int,
    log_start: float,
    out_x: Float64s,
    out_y: Float64s,
    at: int,
) -> int:
    width = (x1 - x0) / buckets
    if log_start > 0:
        x0, width = log_start, math.log(x1 / log_start) / buckets
    last = q - 1
    if at + 2 > len(out_x):
        return -1
    at = _put(x[p] - shift, y[p], out_x, out_y, at)
    i = p + 1
    while i < last:
        j = last
        if width > 0:
            edge = _bucket_end(x[i] - shift, x0, width, log_start > 0)
            j = max(i + 1, _first_from(x, shift, i, last, edge))
        if at + 5 > len(out_x):
            return -1
        at = _put_bucket(x, shift, y, i, j, out_x, out_y, at)
        i = j
    return _put(x[last] - shift, y[last], out_x, out_y, at) if last > p else at


@kernel
def _bucket_end(place: float, start: float, width: float, is_log: bool) -> float:
    if not is_log:
        return start + (math.floor((place - start) / width) + 1) * width
    if place < start:
        return start
    return start * math.exp((math.floor(math.log(place / start) / width) + 1) * width)


@kernel
def _put_bucket(
    x: Column, shift: float, y: Float64s, i: int, j: int,
    out_x: Float64s, out_y: Float64s, at: int,
) -> int:  # fmt: skip
    k, m = _extremes(y[i:j])
    if k < 0:
        return _put(x[i] - shift, np.nan, out_x, out_y, at)
    if not np.isfinite(y[i]):
        at = _put(x[i] - shift, np.nan, out_x, out_y, at)
    former, latter = i + min(k, m), i + max(k, m)
    at = _put(x[former] - shift, y[former], out_x, out_y, at)
    if former != latter:
        at = _put(x[latter] - shift, y[latter], out_x, out_y, at)
    if not np.isfinite(y[j - 1]):
        at = _put(x[j - 1] - shift, np.nan, out_x, out_y, at)
    return at


@kernel
def _extremes(y: Float64s) -> tuple[int, int]:
    """Return where the least and the greatest finite value are, -1 where there is none."""
    least, greatest, others = np.inf, -np.inf, 0
    # Without branches the compiler takes several values at a time: 10M in 6 ms and not in 90.
    for n in range(len(y)):
        value = y[n]
        least = value if value < least else least
        greatest = value if value > greatest else greatest
        others += value - value != 0
    if others:
        return _finite_extremes(y)
    k = m = 0
    while y[k] != least:
        k += 1
    while y[m] != greatest:
        m += 1
    return k, m


@kernel
def _finite_extremes(y: Float64s) -> tuple[int, int]:
    k = m = -1
    for n in range(len(y)):
        if y[n] - y[n] != 0:
            continue
        if k < 0 or y[n] < y[k]:
            k = n
        if m < 0 or y[n] > y[m]:
            m = n
    return k, m


@kernel
def _draw_extremes(
    x: Column,
    shift: float,
    y: Float64s,
    low: Int64s,
    high: Int64s,
    x0: float,
    x1: float,
    buckets: int,
    out_x: Float64s,
    out_y: Float64s,
    at: int,
) -> int:
    least = np.full(buckets, -1, np.int64)
    greatest = np.full(buckets, -1, np.int64)
    scale = buckets / (x1 - x0) if x1 > x0 else 0.0
    for s in range(len(low)):
        for i in range(low[s], high[s]):
            place = x[i] - shift
            if not (np.isfinite(y[i]) and x0 <= place <= x1):
                continue
            b = min(buckets - 1, int((place - x0) * scale))
            if least[b] < 0 or y[i] < y[least[b]]:
                least[b] = i
            if greatest[b] < 0 or y[i] > y[greatest[b]]:
                greatest[b] = i
    for b in range(buckets):
        k, m = least[b], greatest[b]
        if k < 0:
            continue
        if x[k] > x[m]:
            k, m = m, k
        at = _put(x[k] - shift, y[k], out_x, out_y, at)
        if k != m:
            at = _put(x[m] - shift, y[m], out_x, out_y, at)
    return at
