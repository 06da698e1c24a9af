"""Answer what shows in a window of time, in some lanes, at so many pixels across."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.compiled import frozen
from gpuboard.profiler.timeline import kernels
from gpuboard.profiler.timeline.levels import Columns, Timeline, empty
from gpuboard.profiler.traces.trace import Float32s, Int32s, Int64s, UInt8s

MAX_MARKS = 20_000


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """The marks of a window, by lane as asked for, then time.

    Attributes:
        width: Nanoseconds within which short slices were merged, at least a pixel.
        lane_start: Where each of the lanes begins in the columns, and the end of the last.
        x: Where a mark begins as a part of the window, 0 to 1 within it; cut at one window
            beside it.
        extent: How far it goes, likewise.
        longest: Nanoseconds of its longest slice.
        share: Busy time of its extent, 0 to 255.
        count: Slices that it stands for.
        row: Of its longest slice.
        name: Of that slice, a string of the trace.
    """

    width: int
    lane_start: Int32s
    x: Float32s
    extent: Float32s
    longest: Float32s
    share: UInt8s
    count: Int32s
    row: Int32s
    name: Int32s


def view(
    timeline: Timeline, t0: int, t1: int, pixels: int, lanes: Int64s, most: int = MAX_MARKS
) -> View:
    """Return at most `most` marks of the lanes from `t0` to `t1`.

    Slices shorter than a pixel are merged; where there are too many marks even so, those of
    several pixels.

    Args:
        timeline: Of the trace.
        t0: Nanoseconds of the trace's clock.
        t1: After `t0`.
        pixels: How wide the window is drawn.
        lanes: Numbers of lanes, in the order wanted.
        most: Never less than four times the number of lanes.
    """
    most = max(most, 4 * len(lanes))
    lanes = frozen(lanes)
    columns, lane_start = empty(most), np.zeros(len(lanes) + 1, np.int64)
    width = _width((t1 - t0) / max(pixels, 1))
    n = _fill(timeline, t0, t1, width, lanes, columns, lane_start)
    while n < 0:
        width *= 2
        n = _fill(timeline, t0, t1, width, lanes, columns, lane_start)
    start, end, busy = columns[0][:n], columns[1][:n], columns[2][:n]
    count, row = columns[3][:n].copy(), columns[4][:n].copy()
    span = t1 - t0
    drawn_start: Int64s = np.clip(start, t0 - span, t1 + span)
    drawn_end: Int64s = np.clip(end, t0 - span, t1 + span)
    share = np.where(count > 1, busy / np.maximum(end - start, 1), 1.0)
    return View(
        width=width,
        lane_start=lane_start.astype(np.int32),
        x=((drawn_start - t0) / span).astype(np.float32),
        extent=((drawn_end - drawn_start) / span).astype(np.float32),
        longest=timeline.rows.dur[row].astype(np.float32),
        share=np.clip(np.round(255 * share), 0, 255).astype(np.uint8),
        count=count,
        row=row,
        name=timeline.trace.slices.name[row],
    )


def _width(pixel: float) -> int:
    """Return the least power of two that is no less than a pixel."""
    return 1 << max(int(np.ceil(pixel)) - 1, 0).bit_length()


def _fill(
    timeline: Timeline,
    t0: int,
    t1: int,
    width: int,
    lanes: Int64s,
    columns: Columns,
    lane_start: Int64s,
) -> int:
    rows = timeline.rows
    fit = [level for level in timeline.levels if level.width <= width]
    if not fit:
        return int(kernels.view_rows(*rows, lanes, t0, t1, width, columns, lane_start))
    marks, starts = fit[-1].columns, fit[-1].lane_start
    return int(
        kernels.view_marks(marks, starts, rows.dur, lanes, t0, t1, width, columns, lane_start)
    )
