"""Gather the figures that say at a glance where the time of a trace went."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gpuboard.profiler.figures.breakdown import (
    Breakdown,
    plugin_steps,
    role_breakdown,
    time_breakdown,
)
from gpuboard.profiler.figures.device_time import DeviceTime, device_time, devices_of
from gpuboard.profiler.figures.idle import IdleTime, StreamGaps, idle_time, stream_gaps
from gpuboard.profiler.figures.intervals import union
from gpuboard.profiler.figures.steps import Steps, find_steps
from gpuboard.profiler.figures.temporal import TemporalBreakdown, temporal_breakdown
from gpuboard.profiler.figures.utilisation import Utilisation, utilisation
from gpuboard.profiler.traces.trace import Device, Kind, Place, Trace


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceOverview:
    """The figures of one device.

    Attributes:
        number: As in the file, -1 where it does not tell.
        about: What the file says of it, None where it says nothing.
        steps: Those of the device itself where they are its own, as XLA's are.
        time: Over the whole trace, suspect durations repaired.
        parts: Of each step, see `breakdown.time_breakdown`.
        idle: Over the steps, or over all work of the device where there are none.
        utilisation: Over the same.
    """

    number: int
    about: Device | None
    steps: Steps
    time: DeviceTime
    parts: Breakdown
    idle: IdleTime
    utilisation: Utilisation


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """What is known of a whole trace.

    Attributes:
        span: Beginning of the first slice and end of the last, nanoseconds; None without slices.
        host_busy_ns: Covered by operators, ranges, calls or functions of any thread.
        raw: Device time of all devices together, durations as in the file.
        repaired: The same without suspect durations, None where there are none.
        temporal: Idle, computing and neither, also of accelerators that are no GPU.
        roles: Of each step, see `breakdown.role_breakdown`.
        plugin_roles: The same for the steps as TensorBoard's profiler plugin takes them.
        parts: Of each step, all devices together, see `breakdown.time_breakdown`.
        idle: Over the steps, or over all device work where there are none; all devices together.
        devices: Each apart.
        streams: Pauses of each stream.
    """

    trace: Trace
    span: tuple[int, int] | None
    host_busy_ns: int
    raw: DeviceTime
    repaired: DeviceTime | None
    temporal: TemporalBreakdown
    steps: Steps
    roles: Breakdown
    plugin_roles: Breakdown
    parts: Breakdown
    idle: IdleTime
    devices: tuple[DeviceOverview, ...]
    streams: StreamGaps

    @property
    def time(self) -> DeviceTime:
        """Device time of all devices together, repaired where it needed to be."""
        return self.raw if self.repaired is None else self.repaired


def overview(trace: Trace) -> Overview:
    """Compute the figures of a whole trace; what is absent says so in its own `absent`."""
    steps = find_steps(trace)
    raw = device_time(trace)
    repaired = device_time(trace, repaired=True) if raw.suspects else None
    devices = tuple(_device(trace, number, steps) for number in devices_of(trace))
    alone = len(devices) == 1
    idle = devices[0].idle if alone else idle_time(trace, steps.window)
    parts = devices[0].parts if alone else time_breakdown(trace, steps, idle=idle)
    roles, of_plugin = role_breakdown(trace, steps), plugin_steps(trace, steps)
    same = np.array_equal(of_plugin.span_start, steps.span_start) and np.array_equal(
        of_plugin.span_end, steps.span_end
    )
    return Overview(
        trace=trace,
        span=_span(trace),
        host_busy_ns=_host_busy(trace),
        raw=raw,
        repaired=repaired,
        temporal=temporal_breakdown(trace),
        steps=steps,
        roles=roles,
        plugin_roles=roles if same else role_breakdown(trace, of_plugin),
        parts=parts,
        idle=idle,
        devices=devices,
        streams=stream_gaps(trace),
    )


def contract(found: Overview) -> dict[str, Any]:
    """Return the entry of a trace in the JSON that `gpuboard profile --json` prints.

    All times are integer nanoseconds. Durations count as they stand in the file; where some cannot
    be true, the same figures without them are under "repaired". Without device work "window_ns" and
    all that is measured in it are null, while counts and sums are 0.
    """
    trace, origin = found.trace, found.trace.origin
    entry: dict[str, Any] = {
        "file": origin.file,
        "format": origin.format,
        "events": origin.events,
        "rank": origin.rank,
        "world_size": origin.world_size,
        "devices": sorted({device.name for device in trace.devices if device.name}),
        **found.raw.figures(),
        "steps": _steps(found),
        "problems": _problems(trace),
    }
    if found.repaired is not None:
        entry["repaired"] = {**found.repaired.figures(), "suspects": found.repaired.suspects}
    return entry


def _device(trace: Trace, number: int, steps: Steps) -> DeviceOverview:
    if steps.device not in (None, number) and steps.source != "inferred":
        steps = find_steps(trace, device=number)
    idle = idle_time(trace, steps.window, number)
    return DeviceOverview(
        number=number,
        about=next((device for device in trace.devices if device.id == number), None),
        steps=steps,
        time=device_time(trace, device=number, repaired=True),
        parts=time_breakdown(trace, steps, number, idle),
        idle=idle,
        utilisation=utilisation(trace, steps.window, number),
    )


def _span(trace: Trace) -> tuple[int, int] | None:
    slices = trace.slices
    told = ~slices.suspect
    if not told.any():
        return None
    start = slices.start[told]
    return int(start.min()), int((start + slices.dur[told]).max())


def _host_busy(trace: Trace) -> int:
    rows = trace.rows(Kind.OPERATOR, Kind.ANNOTATION, Kind.PYTHON, Kind.CALL)
    on_host = np.array([track.place is Place.HOST for track in trace.tracks], np.bool_)
    rows = rows[on_host[trace.slices.track[rows]]] if len(rows) else rows
    start = trace.slices.start[rows]
    return union(start, start + trace.slices.dur[rows]).total_ns


def _steps(found: Overview) -> list[dict[str, Any]]:
    steps, parts, roles = found.steps, found.parts, found.roles
    shown = roles if parts.absent else parts
    return [
        {
            "name": name,
            "start_ns": int(steps.span_start[number]),
            "dur_ns": int(steps.span_end[number] - steps.span_start[number]),
            "breakdown": shown.row(number),
        }
        for number, name in enumerate(steps.name)
    ]


def _problems(trace: Trace) -> list[dict[str, Any]]:
    listed = [
        {"kind": one.kind, "offset": one.offset, "message": one.message} for one in trace.problems
    ]
    known = {one.kind for one in trace.problems}
    counted = [
        {"kind": kind, "offset": 0, "message": f"met {count} times"}
        for kind, count in trace.problem_counts.items()
        if kind not in known
    ]
    return listed + counted
