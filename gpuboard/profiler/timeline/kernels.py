"""Compile the loops of the timeline: lanes of slices, levels of merged marks, views of them.

A mark is one slice, or several short ones of one lane that begin within the same `width`
nanoseconds of the trace's clock. Widths are powers of two, so marks of one level never lie across
those of the next, and a picture does not shimmer when it is moved.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from gpuboard.profiler.compiled import kernel

# Inside compiled code every number has a width; towards the reader these say what is meant.
Column: TypeAlias = Any
Columns: TypeAlias = Any  # a tuple of them
Int: TypeAlias = Any


@kernel
def sort_lanes(
    bounds: Column, first_lane: Column, depth: Column, lane_start: Column, order: Column
) -> None:
    """Sort rows by lane, keeping their order within it.

    Args:
        bounds: Where each track begins in the rows, and the end of the last.
        first_lane: First lane of each track, and the number of all lanes.
        depth: Of each row.
        lane_start: Takes where each lane begins in `order`, and the end of the last.
        order: Takes the rows.
    """
    for track in range(len(bounds) - 1):
        for row in range(bounds[track], bounds[track + 1]):
            lane_start[first_lane[track] + depth[row] + 1] += 1
    for lane in range(1, len(lane_start)):
        lane_start[lane] += lane_start[lane - 1]
    place = lane_start[:-1].copy()
    for track in range(len(bounds) - 1):
        for row in range(bounds[track], bounds[track + 1]):
            lane = first_lane[track] + depth[row]
            order[place[lane]] = row
            place[lane] += 1


@kernel
def count_merged(
    start: Column, dur: Column, order: Column, lane_start: Column, width: Int, enough: Int
) -> Int:
    """Return how many marks the slices make at `width`, or any number beyond `enough`."""
    found = 0
    for lane in range(len(lane_start) - 1):
        last = np.int64(-1) << 62
        for at in range(lane_start[lane], lane_start[lane + 1]):
            row = order[at]
            if dur[row] >= width:
                found += 1
                last = np.int64(-1) << 62
                continue
            bin_of = start[row] // width
            if bin_of != last:
                found += 1
                last = bin_of
        if found > enough:
            return found
    return found


@kernel
def merge_rows(
    start: Column,
    dur: Column,
    order: Column,
    lane_start: Column,
    width: Int,
    out: Columns,
    out_start: Column,
) -> None:
    """Merge slices into the marks of a level: start, end, busy, count and longest row of each."""
    mark_start, mark_end, mark_busy, mark_count, mark_row = out
    n = 0
    for lane in range(len(lane_start) - 1):
        out_start[lane] = n
        last = np.int64(-1) << 62
        for at in range(lane_start[lane], lane_start[lane + 1]):
            row = order[at]
            begins, lasts = start[row], dur[row]
            bin_of = begins // width
            if lasts < width and bin_of == last:
                n -= 1
                mark_end[n] = max(mark_end[n], begins + lasts)
                mark_busy[n] += lasts
                mark_count[n] += 1
                if lasts > dur[mark_row[n]]:
                    mark_row[n] = row
            else:
                mark_start[n] = begins
                mark_end[n] = begins + lasts
                mark_busy[n] = lasts
                mark_count[n] = 1
                mark_row[n] = row
                last = bin_of if lasts < width else np.int64(-1) << 62
            n += 1
    out_start[len(lane_start) - 1] = n


@kernel
def merge_marks(
    level: Columns,
    level_start: Column,
    dur: Column,
    width: Int,
    out: Columns,
    out_start: Column,
) -> Int:
    """Merge the marks of a finer level into those of `width`; returns how many there are."""
    start, end, busy, count, rows = level
    mark_start, mark_end, mark_busy, mark_count, mark_row = out
    n = 0
    for lane in range(len(level_start) - 1):
        out_start[lane] = n
        last = np.int64(-1) << 62
        for at in range(level_start[lane], level_start[lane + 1]):
            bin_of = start[at] // width
            is_short = count[at] > 1 or end[at] - start[at] < width
            if is_short and bin_of == last:
                n -= 1
                mark_end[n] = max(mark_end[n], end[at])
                mark_busy[n] += busy[at]
                mark_count[n] += count[at]
                if dur[rows[at]] > dur[mark_row[n]]:
                    mark_row[n] = rows[at]
            else:
                mark_start[n] = start[at]
                mark_end[n] = end[at]
                mark_busy[n] = busy[at]
                mark_count[n] = count[at]
                mark_row[n] = rows[at]
                last = bin_of if is_short else np.int64(-1) << 62
            n += 1
    out_start[len(level_start) - 1] = n
    return n


@kernel
def first_after(end: Column, low: Int, high: Int, time: Int) -> Int:
    """Return the first place from `low` to `high` whose `end` is after `time`."""
    while low < high:
        middle = (low + high) // 2
        if end[middle] > time:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def first_row_after(
    start: Column, dur: Column, order: Column, low: Int, high: Int, time: Int
) -> Int:
    """Return the first place from `low` to `high` whose slice ends after `time`."""
    while low < high:
        middle = (low + high) // 2
        row = order[middle]
        if start[row] + dur[row] > time:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def view_rows(
    start: Column,
    dur: Column,
    order: Column,
    lane_start: Column,
    lanes: Column,
    t0: Int,
    t1: Int,
    width: Int,
    out: Columns,
    out_start: Column,
) -> Int:
    """Merge the slices of some lanes that show from `t0` to `t1`; -1 where they do not fit."""
    mark_start, mark_end, mark_busy, mark_count, mark_row = out
    n, room = 0, len(mark_start)
    for k in range(len(lanes)):
        lane = lanes[k]
        out_start[k] = n
        last = np.int64(-1) << 62
        low, high = lane_start[lane], lane_start[lane + 1]
        for at in range(first_row_after(start, dur, order, low, high, t0), high):
            row = order[at]
            begins, lasts = start[row], dur[row]
            if begins >= t1:
                break
            bin_of = begins // width
            if lasts < width and bin_of == last:
                n -= 1
                mark_end[n] = max(mark_end[n], begins + lasts)
                mark_busy[n] += lasts
                mark_count[n] += 1
                if lasts > dur[mark_row[n]]:
                    mark_row[n] = row
            else:
                if n == room:
                    return -1
                mark_start[n] = begins
                mark_end[n] = begins + lasts
                mark_busy[n] = lasts
                mark_count[n] = 1
                mark_row[n] = row
                last = bin_of if lasts < width else np.int64(-1) << 62
            n += 1
    out_start[len(lanes)] = n
    return n


@kernel
def view_marks(
    level: Columns,
    level_start: Column,
    dur: Column,
    lanes: Column,
    t0: Int,
    t1: Int,
    width: Int,
    out: Columns,
    out_start: Column,
) -> Int:
    """Merge the marks of some lanes that show from `t0` to `t1`; -1 where they do not fit."""
    start, end, busy, count, rows = level
    mark_start, mark_end, mark_busy, mark_count, mark_row = out
    n, room = 0, len(mark_start)
    for k in range(len(lanes)):
        lane = lanes[k]
        out_start[k] = n
        last = np.int64(-1) << 62
        low, high = level_start[lane], level_start[lane + 1]
        for at in range(first_after(end, low, high, t0), high):
            if start[at] >= t1:
                break
            bin_of = start[at] // width
            is_short = count[at] > 1 or end[at] - start[at] < width
            if is_short and bin_of == last:
                n -= 1
                mark_end[n] = max(mark_end[n], end[at])
                mark_busy[n] += busy[at]
                mark_count[n] += count[at]
                if dur[rows[at]] > dur[mark_row[n]]:
                    mark_row[n] = rows[at]
            else:
                if n == room:
                    return -1
                mark_start[n] = start[at]
                mark_end[n] = end[at]
                mark_busy[n] = busy[at]
                mark_count[n] = count[at]
                mark_row[n] = rows[at]
                last = bin_of if is_short else np.int64(-1) << 62
            n += 1
    out_start[len(lanes)] = n
    return n


@kernel
def sum_names(
    start: Column,
    dur: Column,
    order: Column,
    lane_start: Column,
    lanes: Column,
    t0: Int,
    t1: Int,
    name: Column,
    count: Column,
    total: Column,
    least: Column,
    most: Column,
) -> None:
    """Add up what lies from `t0` to `t1` in some lanes, by name.

    `name` is the number of each row's name. By name, `count` takes the slices that touch the area,
    `total` their nanoseconds within it, `least` and `most` the shortest and longest whole duration.
    """
    for k in range(len(lanes)):
        low, high = lane_start[lanes[k]], lane_start[lanes[k] + 1]
        for at in range(first_row_after(start, dur, order, low, high, t0), high):
            row = order[at]
            if start[row] >= t1:
                break
            number, lasts = name[row], dur[row]
            inside = min(start[row] + lasts, t1) - max(start[row], t0)
            if count[number] == 0:
                least[number] = lasts
                most[number] = lasts
            else:
                least[number] = min(least[number], lasts)
                most[number] = max(most[number], lasts)
            count[number] += 1
            total[number] += inside


@kernel
def mark_hits(
    rows: Column,
    lane_of: Column,
    start: Column,
    t0: Int,
    width: Int,
    bins: Int,
    seen: Column,
    lane: Column,
    bin_of: Column,
) -> Int:
    """List the places (line of the view, bin) in which rows lie, each once.

    Args:
        rows: Rows, sorted by start.
        lane_of: Line of the view of each of them, -1 where it is not shown.
        start: Of all rows.
        t0: Where bin 0 begins, in nanoseconds.
        width: Of a bin.
        bins: How many there are.
        seen: Scratch of zeros, shape (lines, bins).
        lane: Takes the line of each place; a full column ends the list.
        bin_of: Takes its bin.

    Returns:
        How many places were written.
    """
    n = 0
    for k in range(len(rows)):
        line = lane_of[k]
        if line < 0:
            continue
        place = (start[rows[k]] - t0) // width
        if place < 0 or place >= bins or seen[line, place]:
            continue
        if n == len(lane):
            break
        seen[line, place] = 1
        lane[n] = line
        bin_of[n] = place
        n += 1
    return n


@kernel
def covered(
    start: Column,
    dur: Column,
    depth: Column,
    wanted: Column,
    low: Int,
    high: Int,
    t0: Int,
    t1: Int,
    out_start: Column,
    out_end: Column,
) -> Int:
    """Write the spans that slices of some lines of a track cover from `t0` to `t1`.

    Args:
        start: Of all rows.
        dur: Of all rows.
        depth: Line of each row.
        wanted: Whether a line counts, by line.
        low: First row of the track.
        high: Behind its last row.
        t0: Nanoseconds.
        t1: Nanoseconds.
        out_start: Takes starts of spans, ascending and apart; room for `high - low`.
        out_end: Takes their ends.

    Returns:
        How many there are.
    """
    n = 0
    for row in range(low, high):
        if start[row] >= t1:
            break
        if not wanted[depth[row]]:
            continue
        begins, ends = max(start[row], t0), min(start[row] + dur[row], t1)
        if ends <= begins:
            continue
        if n and begins <= out_end[n - 1]:
            out_end[n - 1] = max(out_end[n - 1], ends)
        else:
            out_start[n] = begins
            out_end[n] = ends
            n += 1
    return n
