"""Follow what belongs together: calls and the work they launch, arrows, slices around a slice."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.figures.launches import Launches
from gpuboard.profiler.timeline.levels import Timeline
from gpuboard.profiler.traces.trace import Int32s, Int64s, Trace

LAUNCHES = ("ac2g", "async_cpu_to_gpu", "async_gpu")  # arrows that say what correlations say too


@dataclasses.dataclass(frozen=True, slots=True)
class Links:
    """What joins slices of one trace.

    Attributes:
        call_of_work: Row of the call that launched each row of `Trace.work`, -1 where unknown.
        operator_of_work: Row of the operator that wanted it, likewise.
        by_call: Places in `Trace.work`, sorted by `call_of_work`.
        by_target: Places in `Trace.flows`, sorted by time of their target.
        by_time: Places in `Trace.work` whose call is known, sorted by when it was made.
        time: Of these, when it was made.
    """

    call_of_work: Int32s
    operator_of_work: Int32s
    by_call: Int64s
    by_target: Int64s
    by_time: Int64s
    time: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class Arrow:
    """A line from one slice to another.

    Attributes:
        label: "launch", or what the file calls it.
        source: Row, -1 where no slice lies at that end; likewise `target`.
        source_time: Nanoseconds; likewise `target_time`.
        source_track: Track; likewise `target_track`.
    """

    label: str
    source: int
    target: int
    source_time: int
    target_time: int
    source_track: int
    target_track: int


def links(trace: Trace, launches: Launches) -> Links:
    """Return the links of a trace."""
    known = np.flatnonzero(launches.call >= 0)
    time = trace.slices.start[launches.call[known]]
    order = np.argsort(time, kind="stable")
    return Links(
        by_time=known[order],
        time=time[order],
        call_of_work=launches.call,
        operator_of_work=launches.operator,
        by_call=np.argsort(launches.call, kind="stable"),
        by_target=np.argsort(trace.flows.target_time, kind="stable"),
    )


def work_of_call(trace: Trace, ties: Links, row: int) -> Int32s:
    """Return the rows of the work that a call launched."""
    sorted_calls = ties.call_of_work[ties.by_call]
    low, high = np.searchsorted(sorted_calls, [row, row + 1])
    rows: Int32s = np.sort(trace.work.row[ties.by_call[low:high]])
    return rows


def call_of(trace: Trace, ties: Links, row: int) -> int:
    """Return the row of the call that launched the work of `row`, -1 where unknown."""
    at = _place_in_work(trace, row)
    return -1 if at < 0 else int(ties.call_of_work[at])


def operator_of(trace: Trace, ties: Links, row: int) -> int:
    """Return the row of the operator that wanted the work of `row`, -1 where unknown."""
    at = _place_in_work(trace, row)
    return -1 if at < 0 else int(ties.operator_of_work[at])


def _place_in_work(trace: Trace, row: int) -> int:
    at = int(np.searchsorted(trace.work.row, row))
    return at if at < len(trace.work.row) and trace.work.row[at] == row else -1


def above(timeline: Timeline, row: int) -> list[int]:
    """Return the slices around a slice, the innermost first."""
    found = []
    parent = timeline.nesting.parent
    row = int(parent[row])
    while row >= 0:
        found.append(row)
        row = int(parent[row])
    return found


def slice_at(timeline: Timeline, track: int, time: int) -> int:
    """Return the innermost slice of a track that holds a time, its ends included; -1 for none."""
    low, high = (int(at) for at in timeline.trace.track_start[track : track + 2])
    rows = timeline.rows
    row = low + int(np.searchsorted(rows.start[low:high], time, "right")) - 1
    while row >= low:
        if rows.start[row] + rows.dur[row] >= time:
            return row
        up = int(timeline.nesting.parent[row])
        # Beside a finished slice without one around it, only a slice that crosses could reach here.
        row = up if up >= 0 else row - 1
        if up < 0 and rows.start[row] + rows.dur[row] < time:
            return -1
    return -1


def arrows_of(timeline: Timeline, ties: Links, row: int, most: int) -> list[Arrow]:
    """Return the arrows that begin or end at a slice, launches first."""
    trace = timeline.trace
    found = []
    call = call_of(trace, ties, row)
    if call >= 0:
        found.append(_launch(trace, call, row))
    found += [_launch(trace, row, work) for work in work_of_call(trace, ties, row)[:most].tolist()]
    flows = trace.flows
    start = int(trace.slices.start[row])
    end, track = start + int(timeline.rows.dur[row]), int(trace.slices.track[row])
    low, high = np.searchsorted(flows.source_time, [start, end + 1])
    outgoing = low + np.flatnonzero(flows.source_track[low:high] == track)
    times = flows.target_time[ties.by_target]
    low, high = np.searchsorted(times, [start, end + 1])
    incoming = ties.by_target[low:high]
    incoming = incoming[flows.target_track[incoming] == track]
    known = {(arrow.source, arrow.target) for arrow in found}
    for at in [*incoming.tolist()[:most], *outgoing.tolist()[:most]]:
        arrow = _flow(timeline, at)
        if row in (arrow.source, arrow.target) and (arrow.source, arrow.target) not in known:
            known.add((arrow.source, arrow.target))
            found.append(arrow)
    return found[:most]


def arrows_in(
    timeline: Timeline, ties: Links, window: tuple[int, int], tracks: Int64s, most: int
) -> list[Arrow] | None:
    """Return the arrows between these tracks that begin in a window, None where there are many."""
    trace = timeline.trace
    flows = trace.flows
    shown = np.zeros(len(trace.tracks), np.bool_)
    shown[tracks] = True
    low, high = np.searchsorted(flows.source_time, window)
    inside = shown[flows.source_track[low:high]] & shown[flows.target_track[low:high]]
    at = low + np.flatnonzero(inside)
    if len(at) > most:
        return None
    arrows = [_flow(timeline, one) for one in at.tolist()]
    if any(arrow.label == "launch" for arrow in arrows):
        return arrows
    return _with_launches(timeline, ties, window, shown, arrows, most)


def _with_launches(
    timeline: Timeline,
    ties: Links,
    window: tuple[int, int],
    shown: np.typing.NDArray[np.bool_],
    arrows: list[Arrow],
    most: int,
) -> list[Arrow] | None:
    trace = timeline.trace
    track = trace.slices.track
    calls, work = ties.call_of_work, trace.work.row
    low, high = np.searchsorted(ties.time, window)
    at = ties.by_time[low:high]
    at = at[shown[track[calls[at]]] & shown[track[work[at]]]]
    if len(arrows) + len(at) > most:
        return None
    return [*arrows, *(_launch(trace, int(calls[one]), int(work[one])) for one in at)]


def _launch(trace: Trace, call: int, work: int) -> Arrow:
    slices = trace.slices
    return Arrow(
        "launch",
        call,
        work,
        int(slices.start[call]),
        int(slices.start[work]),
        int(slices.track[call]),
        int(slices.track[work]),
    )


def _flow(timeline: Timeline, at: int) -> Arrow:
    trace, flows = timeline.trace, timeline.trace.flows
    label = trace.text(int(flows.label[at]))
    source_time, target_time = int(flows.source_time[at]), int(flows.target_time[at])
    source_track, target_track = int(flows.source_track[at]), int(flows.target_track[at])
    return Arrow(
        "launch" if label in LAUNCHES else label,
        slice_at(timeline, source_track, source_time),
        slice_at(timeline, target_track, target_time),
        source_time,
        target_time,
        source_track,
        target_track,
    )
