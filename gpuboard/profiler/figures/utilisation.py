"""Estimate how well kernels fill a device: time in use, share of multiprocessors, occupancy."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.figures.intervals import union
from gpuboard.profiler.traces.trace import Float64s, Int64s, Kind, Trace

_ONE = 1 << 20  # a whole device, in integers, so that sums come back to 0 exactly


@dataclasses.dataclass(frozen=True, slots=True)
class Utilisation:
    """How well kernels filled a device over a window, and over each of its b buckets.

    All shares from 0 to 1, NaN where the file lacks what they need.

    Attributes:
        window: From and to, nanoseconds, None where there were no kernels.
        busy: Share of the window in which a kernel ran.
        sm_efficiency: Mean share of multiprocessors that had a block, counting idle time as 0.
        occupancy: Mean estimated occupancy of kernels, each weighing as long as it ran.
        edges: Where the buckets begin, with the end of the last one, shape (b + 1,).
        busy_series: `busy` of each bucket, shape (b,); likewise `sm_series`.
        absent: Why there are no figures, "" where there are.
        sm_absent: Why there is no efficiency, "" where there is; likewise `occupancy_absent`.
    """

    window: tuple[int, int] | None
    busy: float
    sm_efficiency: float
    occupancy: float
    edges: Int64s
    busy_series: Float64s
    sm_series: Float64s
    absent: str = ""
    sm_absent: str = ""
    occupancy_absent: str = ""


def utilisation(
    trace: Trace,
    window: tuple[int, int] | None = None,
    device: int | None = None,
    buckets: int = 200,
) -> Utilisation:
    """Estimate how well kernels filled a device.

    The formulas are those of the profiler plugin of TensorBoard: a kernel takes up
    min(blocks per multiprocessor, 1) of the device, kernels that overlap add up to at most 1, and
    time without a kernel counts 0; occupancy is the mean of "est. achieved occupancy %" by
    duration. Where the file does not tell blocks per multiprocessor they are the blocks of the grid
    over the multiprocessors of the device.

    Args:
        trace: Needs kernels, "blocks per SM" (or grids and devices), and occupancies.
        window: From and to, nanoseconds; by default from the first kernel's start to the last end.
        device: Number of the only device to look at, None for all of them together.
        buckets: Of the series; all of the same length but for rounding.
    """
    work, slices = trace.work, trace.slices
    kept = (slices.kind[work.row] == Kind.KERNEL) & ~slices.suspect[work.row]
    if device is not None:
        kept &= work.device == device
    start = slices.start[work.row][kept]
    end = start + slices.dur[work.row][kept]
    if window is None and len(start):
        window = int(start.min()), int(end.max())
    if window is None or window[1] <= window[0] or not len(start):
        none = np.empty(0, np.int64)
        series = np.empty(0, np.float64)
        return Utilisation(
            None, np.nan, np.nan, np.nan, none, series, series, "the trace holds no kernel"
        )
    span = window[1] - window[0]
    edges = window[0] + np.arange(buckets + 1) * span // buckets
    start, end = np.clip(start, *window), np.clip(end, *window)
    fill = _fill(trace)[kept]
    told = np.isfinite(fill)
    covered = union(start, end)
    filled = filled_before(start[told], end[told], fill[told], edges)
    length = np.diff(edges)
    known = told.any()
    occupancy = _weighted(work.occupancy[kept].astype(np.float64), end - start)
    return Utilisation(
        window=window,
        busy=covered.total_ns / span,
        sm_efficiency=float(filled[-1] - filled[0]) / span if known else np.nan,
        occupancy=occupancy / 100,
        edges=edges,
        busy_series=covered.within(edges[:-1], edges[1:]) / np.maximum(length, 1),
        sm_series=np.diff(filled) / np.maximum(length, 1) if known else np.full(buckets, np.nan),
        sm_absent="" if known else "the file tells neither blocks per SM nor grids and SMs",
        occupancy_absent="" if np.isfinite(occupancy) else "the file tells no occupancy of kernels",
    )


def filled_before(start: Int64s, end: Int64s, fill: Float64s, times: Int64s) -> Float64s:
    """Return the integral, up to each time, of the sum of `fill` of all open spans, at most 1."""
    if not len(start):
        return np.zeros(len(times), np.float64)
    units = np.rint(fill * _ONE).astype(np.int64)
    turns = np.concatenate([start, end])
    order = np.argsort(turns, kind="stable")
    level = np.cumsum(np.concatenate([units, -units])[order])
    turns = turns[order]
    share = np.minimum(level, _ONE)[:-1] / _ONE
    integral = np.concatenate([[0.0], np.cumsum(share * np.diff(turns))])
    origin = turns[0]  # floats hold times since the beginning, not those since the epoch
    filled: Float64s = np.interp((times - origin).astype(np.float64), turns - origin, integral)
    return filled


def _fill(trace: Trace) -> Float64s:
    """Return the share of the device that each row of `trace.work` takes up, NaN where unknown."""
    work = trace.work
    blocks = work.blocks_per_sm.astype(np.float64)
    sms = {device.id: device.sms for device in trace.devices if device.sms > 0}
    for number, count in sms.items():
        lacking = np.isnan(blocks) & (work.device == number) & (work.grid > 0).all(axis=1)
        blocks[lacking] = work.grid[lacking].astype(np.float64).prod(axis=1) / count
    blocks[blocks < 0] = np.nan
    fill: Float64s = np.minimum(blocks, 1.0)
    return fill


def _weighted(values: Float64s, weights: Int64s) -> float:
    known = np.isfinite(values) & (values >= 0) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else np.nan
