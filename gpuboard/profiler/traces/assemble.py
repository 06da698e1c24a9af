"""Make a `Trace` of what a parser found: sort slices, join arrows, mark what can't be true."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from gpuboard.profiler.traces import parts as spec
from gpuboard.profiler.traces.parts import Column, Parts, RawTrack, filled
from gpuboard.profiler.traces.trace import (
    DEVICE_WORK,
    Bools,
    Calls,
    Collectives,
    Counters,
    DeviceWork,
    Flows,
    Instants,
    Int32s,
    Int64s,
    Kind,
    MemoryEvents,
    Operators,
    Place,
    PythonCalls,
    Slices,
    Syncs,
    Trace,
    Track,
)
from gpuboard.store.columns import Problem

# No kernel runs for a week: CUPTI has written 236 years.
LONGEST_NS = 7 * 86_400 * 1_000_000_000
# Work that lasts past the starts of so many successors of its stream did not: real overlap, as by
# programmatic dependent launch, passes one, at most two.
SUCCESSORS = 3
_LISTED = 100

_NOTES = (Kind.DEVICE_ANNOTATION, Kind.MODEL_OP, Kind.MODEL_STEP)
_ON_DEVICE = (*DEVICE_WORK, Kind.ACCELERATOR)
_DIGITS = re.compile(r"-?\d{1,18}")


def assemble(parts: Parts) -> Trace:
    """Return the trace that `parts` describe.

    Slices come sorted by track, start, longest first and file order, and every table that points to
    them follows. Annotations and waits on a device get tracks of their own beside its work, since
    they overlap it. Negative durations are set to 0 and counted. The columns of `parts` are given
    away: each leaves its table as soon as it is sorted, so that no more than one is there twice.
    """
    slices = filled(spec.SLICES, parts.slices, len(parts.slices["start"]))
    _clamp(parts, slices)
    tracks, of_slice, of_raw = _tracks(parts, slices)
    order = _order(of_slice, slices["start"], slices["dur"])
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    track = of_slice[order]
    del of_slice, slices["track"]
    parts.slices.clear()
    columns = {name: slices.pop(name)[order] for name in list(slices)}
    del order
    bounds = np.searchsorted(track, np.arange(len(tracks) + 1)).astype(np.int64)
    suspect = _suspects(parts, tracks, bounds, columns)
    return Trace(
        origin=parts.origin,
        strings=tuple(parts.strings),
        categories=tuple(parts.categories),
        tracks=tracks,
        track_start=bounds,
        slices=Slices(track=track, suspect=suspect, **columns),
        work=DeviceWork(**_by_row(spec.WORK, parts.work, rank)),
        calls=Calls(**_by_row(spec.CALLS, parts.calls, rank)),
        operators=Operators(**_by_row(spec.OPERATORS, parts.operators, rank)),
        python=PythonCalls(**_by_row(spec.PYTHON, parts.python, rank)),
        collectives=Collectives(**_by_row(spec.COLLECTIVES, parts.collectives, rank)),
        syncs=Syncs(**_by_row(spec.SYNCS, parts.syncs, rank)),
        memory=MemoryEvents(**_by_time(spec.MEMORY, parts.memory, of_raw)),
        flows=_flows(parts.flow_ends, of_raw),
        counters=_counters(parts, of_raw),
        instants=Instants(**_by_time(spec.INSTANTS, parts.instants, of_raw)),
        devices=parts.devices,
        problems=tuple(parts.problems),
        problem_counts=dict(parts.problem_counts),
    )


def _order(track: Int32s, start: Int64s, dur: Int64s) -> Int64s:
    """Return the order by track, start, longest first and place in the file.

    Files are sorted for the most part, which a stable sort by one column after the other uses; only
    where starts are equal do durations decide.
    """
    order = _stable_order(start, track)
    starts, tracks = start[order], track[order]
    equal = (starts[1:] == starts[:-1]) & (tracks[1:] == tracks[:-1])
    del starts, tracks
    first = np.flatnonzero(equal)
    if (dur[order[first + 1]] > dur[order[first]]).any():
        tied = np.zeros(len(order), np.bool_)
        tied[first] = tied[first + 1] = True
        rows = order[tied]
        order[tied] = rows[np.lexsort((-dur[rows], start[rows], track[rows]))]
    return order


def _stable_order(*keys: Column) -> Int64s:
    """Return the order by the last key, then by the one before it and so on, then by place."""
    order = np.argsort(_narrow(keys[0]), kind="stable")
    for key in keys[1:]:
        order = order[np.argsort(_narrow(key)[order], kind="stable")]
    return order


def _narrow(key: Column) -> Column:
    # NumPy sorts numbers of two bytes in linear time.
    if key.dtype.itemsize <= 2 or not len(key):
        return key
    if key.dtype == np.int32 and key.min() >= -_SHORT and key.max() < _SHORT:
        return key.astype(np.int16)
    return key


_SHORT = 1 << 15


def _clamp(parts: Parts, slices: dict[str, Column]) -> None:
    negative = np.flatnonzero(slices["dur"] < 0)
    if not len(negative):
        return
    slices["dur"] = slices["dur"].copy()
    for at in negative[:_LISTED]:
        name = parts.strings[slices["name"][at]]
        _note(parts, int(slices["offset"][at]), "negative_duration",
              f"{name!r} lasts {slices['dur'][at]} ns; kept with 0 ns")  # fmt: skip
    parts.problem_counts["negative_duration"] = len(negative)
    slices["dur"][negative] = 0


def _note(parts: Parts, offset: int, kind: str, message: str) -> None:
    parts.problems.append(Problem(parts.origin.file, max(offset, 0), kind, message))


def _tracks(parts: Parts, slices: Mapping[str, Column]) -> tuple[tuple[Track, ...], Int32s, Int32s]:
    """Return the tracks in order, that of each slice, and that of each raw track's other events."""
    kind, raw = slices["kind"], slices["track"]
    lane_of_kind = np.zeros(len(Kind), np.int64)
    lane_of_kind[list(_NOTES)] = 1
    lane_of_kind[Kind.SYNC] = 2
    keys = raw.astype(np.int64) * 3 + lane_of_kind[kind]
    main = np.arange(len(parts.tracks), dtype=np.int64) * 3
    kinds = np.zeros((3 * len(parts.tracks), len(Kind)), np.bool_)
    kinds.reshape(-1)[keys * len(Kind) + kind] = True
    is_present: Bools = np.asarray(kinds.any(axis=1))
    # What is no slice lies on the first lane that its track has, on the main one if it has none.
    main += is_present.reshape(-1, 3).argmax(axis=1)
    is_present[main] = True
    present = np.flatnonzero(is_present)
    device, stream = _queues(parts, slices)
    made = []
    for key, has in zip(present.tolist(), kinds[present], strict=True):
        number, lane = divmod(key, 3)
        made.append(_track(parts.tracks[number], lane, has, device.get(number), stream.get(number)))
    order = sorted(range(len(made)), key=lambda k: (_place_in_list(made[k]), present[k]))
    position = np.empty(3 * len(parts.tracks), np.int32)
    position[present[order]] = np.arange(len(made), dtype=np.int32)
    return tuple(made[k] for k in order), position[keys], position[main]


def _queues(parts: Parts, slices: Mapping[str, Column]) -> tuple[dict[int, int], dict[int, int]]:
    """Return device and stream of each raw track on which work of a device lies."""
    work = parts.work
    if not work or not len(work["row"]):
        return {}, {}
    numbers, first = np.unique(slices["track"][work["row"]], return_index=True)
    found = []
    for name in ("device", "stream"):
        column = work.get(name)
        values = np.full(len(first), -1) if column is None else column[first]
        found.append(dict(zip(numbers.tolist(), values.tolist(), strict=True)))
    return found[0], found[1]


def _track(raw: RawTrack, lane: int, has: Column, device: int | None, stream: int | None) -> Track:
    place = raw.place if raw.place is not None and not lane else _place(has, lane)
    on_host = place in (Place.HOST, Place.OTHER)
    return Track(
        process=raw.process,
        thread=raw.thread,
        place=place,
        process_label=raw.process_label,
        thread_label=raw.thread_label,
        device=-1 if on_host else _first_known(raw.device, device, raw.process),
        stream=-1 if on_host else _first_known(raw.stream, stream, raw.thread),
        order=raw.order,
    )


def _place(has: Column, lane: int) -> Place:
    if lane:
        return Place.DEVICE_NOTE
    if has[list(_ON_DEVICE)].any():
        return Place.STREAM
    if has[[Kind.OPERATOR, Kind.ANNOTATION, Kind.PYTHON, Kind.CALL]].any():
        return Place.HOST
    if has[[Kind.SPAN, Kind.OVERHEAD]].any():
        return Place.OTHER
    return Place.HOST


def _first_known(own: int, of_work: int | None, label: str) -> int:
    if own >= 0:
        return own
    if of_work is not None and of_work != -1:
        return of_work
    digits = _DIGITS.search(label)
    return int(digits[0]) if digits else -1


def _place_in_list(track: Track) -> tuple[int, int, int, int, int]:
    group = {Place.HOST: 0, Place.STREAM: 1, Place.DEVICE_NOTE: 1, Place.OTHER: 2}[track.place]
    return (group, track.device, track.order if group != 1 else 0, track.stream, track.place)


def _suspects(
    parts: Parts, tracks: tuple[Track, ...], bounds: Int64s, columns: Mapping[str, Column]
) -> Column:
    """Mark work of devices whose duration can't be true, and note each.

    See `LONGEST_NS` and `SUCCESSORS`; a duration that runs past the end of everything that the host
    did by more than itself is no sign, since queues outlive their launches.
    """
    start, dur, kind = columns["start"], columns["dur"], columns["kind"]
    suspect = np.zeros(len(start), np.bool_)
    is_work = np.isin(kind, DEVICE_WORK)
    suspect |= dur > LONGEST_NS
    for number, track in enumerate(tracks):
        if track.place is not Place.STREAM:
            continue
        rows = np.arange(bounds[number], bounds[number + 1])
        rows = rows[is_work[rows]]
        starts = start[rows]
        passed = np.searchsorted(starts, starts + dur[rows], "left") - np.arange(len(rows)) - 1
        suspect[rows[passed >= SUCCESSORS]] = True
    found = np.flatnonzero(suspect)
    for at in found[:_LISTED]:
        name = parts.strings[columns["name"][at]]
        _note(parts, int(columns["offset"][at]), "impossible_duration",
              f"{name!r} is said to last {dur[at]} ns, over {SUCCESSORS} or more successors of its "
              "stream or a week; left out of sums and cut in unions")  # fmt: skip
    if len(found):
        parts.problem_counts["impossible_duration"] = len(found)
    return suspect


def _by_row(
    table: Mapping[str, np.typing.DTypeLike], columns: dict[str, Column], rank: Int32s
) -> dict[str, Column]:
    moved = rank[np.asarray(columns.pop("row", ()), np.int64)]
    if len(moved) and (moved[1:] < moved[:-1]).any():
        order = np.argsort(moved, kind="stable")
        moved = moved[order]
        for name in table:
            if name in columns:
                columns[name] = columns[name][order]
    full = filled(table, {**columns, "row": moved}, len(moved))
    columns.clear()
    return full


def _by_time(
    table: Mapping[str, np.typing.DTypeLike], columns: Mapping[str, Column], of_raw: Int32s
) -> dict[str, Column]:
    full = filled(table, columns, len(columns.get("time", ())))
    full["track"] = of_raw[full["track"]]
    order = np.argsort(full["time"], kind="stable")
    return {name: column[order] for name, column in full.items()}


def _flows(ends: Mapping[str, Column], of_raw: Int32s) -> Flows:
    """Join the ends of arrows: one that begins leads to all others of its label and id.

    Where several begin under one id, each end belongs to the latest begin before it.
    """
    full = filled(spec.FLOW_ENDS, ends, len(ends.get("time", ())))
    order = _stable_order(full["phase"], full["time"], full["id"], full["label"])
    label, number, phase = (full[name][order] for name in ("label", "id", "phase"))
    time, track = full["time"][order], of_raw[full["track"][order]]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (label[1:] != label[:-1]) | (number[1:] != number[:-1])
    group = np.cumsum(fresh) - 1
    begins = np.flatnonzero(phase == 0)
    count = np.bincount(group[begins], minlength=int(group[-1]) + 1 if len(group) else 0)
    only = np.full(len(count), -1)
    only[group[begins]] = begins
    at = np.arange(len(order))
    latest = np.maximum.accumulate(np.where(phase < 2, at, -1)) if len(at) else at
    before = np.concatenate([[-1], latest[:-1]]) if len(at) else at
    before = np.where((before >= 0) & (group[before] == group), before, -1)
    source = np.where((count[group] == 1) & (phase == 2), only[group], before)
    target = np.flatnonzero((phase > 0) & (source >= 0))
    source = source[target]
    by_time = np.argsort(time[source], kind="stable")
    source, target = source[by_time], target[by_time]
    return Flows(
        label=label[source],
        id=number[source],
        source_time=time[source],
        source_track=track[source],
        target_time=time[target],
        target_track=track[target],
    )


def _counters(parts: Parts, of_raw: Int32s) -> Counters:
    full = filled(spec.COUNTERS, parts.counters, len(parts.counters.get("time", ())))
    keys = np.stack([of_raw[full["track"]], full["name"], full["key"]], axis=1)
    if not len(keys):
        none = np.empty(0, np.int64)
        return Counters((), (), np.empty(0, np.int32), none, np.empty(0, np.float64))
    series, number = np.unique(keys, axis=0, return_inverse=True)
    number = number.reshape(-1).astype(np.int32)
    order = np.lexsort((full["time"], number))
    text = parts.strings
    return Counters(
        names=tuple((text[name], text[key] if key >= 0 else "") for _, name, key in series),
        tracks=tuple(int(track) for track, _, _ in series),
        series=number[order].astype(np.int32),
        time=full["time"][order],
        value=full["value"][order],
    )
