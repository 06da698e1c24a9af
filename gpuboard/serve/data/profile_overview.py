"""Answer what the Overview tab asks: the verdict, what a device did, the steps and their parts.

All times of requests and replies are nanoseconds from the start of the trace, as those of the
timeline are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard import limits
from gpuboard.errors import InputError
from gpuboard.serve.column_reply import encode
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.profiles import LoadedTrace

if TYPE_CHECKING:
    from gpuboard.profiler.advice.finding import Finding, Proof
    from gpuboard.profiler.figures.breakdown import Breakdown
    from gpuboard.profiler.figures.device_time import DeviceTime
    from gpuboard.profiler.figures.idle import IdleTime
    from gpuboard.profiler.figures.overview import DeviceOverview, Overview
    from gpuboard.profiler.figures.steps import Steps
    from gpuboard.serve.routes import DataRoute

BUCKETS = 480  # of the strip that shows how busy devices were
TOP = 5
MAX_STEPS = 20_000
MAX_PAUSES = 20
NAME_CHARACTERS = 200


class VerdictRoute(TraceRoute):
    """`GET api/v1/profile/verdict?traces=a,b`: what holds the run back, the worst first."""

    async def get(self) -> None:
        """Answer with the findings, those of several ranks judged together."""
        loaded = await _several(self)
        self.reply_json(await self.run(_verdict, loaded))


class OverviewRoute(TraceRoute):
    """`GET api/v1/profile/overview?trace=`: facts and figures of a whole trace."""

    async def get(self) -> None:
        """Answer with what was recorded and where the time of devices went."""
        self.reply_json(await self.run(_overview, await self.loaded()))


class TopRoute(TraceRoute):
    """`GET api/v1/profile/top?trace=`: the operators and kernels that take most time."""

    async def get(self) -> None:
        """Answer with a few rows of each."""
        self.reply_json(await self.run(_top, await self.loaded()))


class StepsRoute(TraceRoute):
    """`GET api/v1/profile/steps?trace=`: what the time of each step went into."""

    async def get(self) -> None:
        """Answer with columns: begin, end, and each part of both ways to split a step."""
        self.reply_bytes(await self.run(_steps, await self.loaded()))


async def _several(route: TraceRoute) -> list[LoadedTrace]:
    ids = route.get_query_argument("traces", "").split(",")
    most = limits.MAX_TIMELINE_TRACES.value
    if not 1 <= len(ids) <= most:
        raise InputError(f"traces: got {len(ids)}, expected 1 to {most} ids with commas")
    return [await route.loaded_id(trace_id) for trace_id in dict.fromkeys(ids)]


def _verdict(loaded: Sequence[LoadedTrace]) -> dict[str, Any]:
    from gpuboard.profiler.advice.ranks import are_ranks_of_one_job
    from gpuboard.serve.trace_figures import evidence_of, verdict_of

    findings = verdict_of(loaded)
    by_rank = {one.trace.origin.rank: one for one in reversed(loaded)}
    return {
        "findings": [_finding(one, loaded[0], by_rank) for one in findings],
        "traces": [one.entry.id for one in loaded],
        "are_ranks": are_ranks_of_one_job([one.trace for one in loaded]),
        "works": sum(len(one.trace.work.row) for one in loaded),
        "window_ns": [evidence_of(one).window_ns for one in loaded],
    }


def _finding(
    finding: Finding, first: LoadedTrace, by_rank: dict[int | None, LoadedTrace]
) -> dict[str, Any]:
    from gpuboard.profiler.advice.verdict import TITLES

    proofs = [_proof(proof, by_rank.get(proof.rank, first)) for proof in finding.evidence]
    return {
        **finding.as_json(),
        "title": TITLES.get(finding.kind, finding.kind),
        "is_waiting": finding.is_waiting,
        "evidence": proofs,
    }


def _proof(proof: Proof, loaded: LoadedTrace) -> dict[str, Any]:
    start = loaded.timeline.start
    window = proof.window and [proof.window[0] - start, proof.window[1] - start]
    return {**proof.as_json(), "window": window, "trace": loaded.entry.id}


def _overview(loaded: LoadedTrace) -> dict[str, Any]:
    from gpuboard.serve.trace_figures import overview_of

    found = overview_of(loaded)
    trace, origin, timeline = loaded.trace, loaded.trace.origin, loaded.timeline
    work = trace.work
    return {
        "trace": loaded.entry.id,
        "place": loaded.entry.place,
        "format": origin.format,
        "file_bytes": origin.bytes,
        "rank": origin.rank,
        "world_size": origin.world_size,
        "backend": origin.backend,
        "host": origin.host,
        "span": timeline.end - timeline.start,
        "slices": len(trace.slices),
        "works": len(work.row),
        "host_busy_ns": found.host_busy_ns,
        "time": _time(found.time, timeline.start),
        "temporal": _temporal(found),
        "devices": [_device(one, timeline.start) for one in found.devices],
        "gauges": _gauges(loaded, found),
        "busy": _strip(loaded, found),
        "idle": _idle(found.idle, timeline.start),
        "steps": _about_steps(found.steps),
        "problems": _problems(loaded, found),
    }


def _time(time: DeviceTime, start: int) -> dict[str, Any]:
    return {
        **time.figures(),
        "window": time.window and [time.window[0] - start, time.window[1] - start],
        "suspects": time.suspects,
        "absent": time.absent,
    }


def _temporal(found: Overview) -> dict[str, Any]:
    time = found.temporal
    return {
        "idle_ns": time.idle_ns,
        "compute_ns": time.compute_ns,
        "non_compute_ns": time.non_compute_ns,
        "total_ns": time.total_ns,
        "absent": time.absent,
    }


def _device(one: DeviceOverview, start: int) -> dict[str, Any]:
    about = one.about
    return {
        "number": one.number,
        "name": about.name if about else "",
        "vendor": about.vendor if about else "",
        "capability": (
            f"{about.compute_major}.{about.compute_minor}" if about and about.compute_major else ""
        ),
        "memory": about.memory if about else 0,
        "sms": about.sms if about else 0,
        "streams": one.time.streams,
        "time": _time(one.time, start),
        "busy": one.utilisation.busy,
        "sm_efficiency": one.utilisation.sm_efficiency,
        "occupancy": one.utilisation.occupancy,
    }


def _gauges(loaded: LoadedTrace, found: Overview) -> list[dict[str, Any]]:
    """Return shares from 0 to 1, the mean over devices, None with the reason where unknown."""
    from gpuboard.serve.trace_figures import kernels_of

    uses = [device.utilisation for device in found.devices]
    why = uses[0].absent if uses else "the trace holds no kernel"
    table = kernels_of(loaded)
    known = table.tensor_share
    cores_why = table.no_tensor_cores or ("" if len(table) else table.absent)
    if not cores_why and table.unknown_share > 0.995:
        cores_why = "the names of these kernels do not tell"
    return [
        _gauge("busy", [use.busy for use in uses], why),
        _gauge("sm_efficiency", [use.sm_efficiency for use in uses], why or uses[0].sm_absent),
        _gauge("occupancy", [use.occupancy for use in uses], why or uses[0].occupancy_absent),
        {
            **_gauge("tensor_cores", [float("nan") if cores_why else known], cores_why),
            "unknown": table.unknown_share if np.isfinite(table.unknown_share) else None,
        },
    ]


def _gauge(key: str, values: Sequence[float], absent: str) -> dict[str, Any]:
    known = [value for value in values if np.isfinite(value)]
    value = sum(known) / len(known) if known else None
    return {"key": key, "value": value, "absent": "" if known else absent or "not in the file"}


def _strip(loaded: LoadedTrace, found: Overview) -> dict[str, Any]:
    """Return how busy the devices were over the whole trace, in equal parts of it."""
    from gpuboard.profiler.figures.utilisation import utilisation

    timeline = loaded.timeline
    window = timeline.start, timeline.end
    numbers = [device.number for device in found.devices]
    uses = loaded.derived(
        "strip", lambda trace: [utilisation(trace, window, one, BUCKETS) for one in numbers]
    )
    shown = [use for use in uses if not use.absent]
    if not shown:
        return {"t0": 0, "t1": timeline.end - timeline.start, "busy": [], "sm": []}
    busy = np.mean([use.busy_series for use in shown], axis=0)
    sm = np.mean([use.sm_series for use in shown], axis=0)
    return {
        "t0": 0,
        "t1": timeline.end - timeline.start,
        "busy": np.round(busy, 4),
        "sm": np.round(sm, 4) if np.isfinite(sm).any() else [],
    }


def _idle(idle: IdleTime, start: int) -> dict[str, Any]:
    from gpuboard.profiler.figures.idle import Cause, longest

    if idle.absent or idle.window is None:
        return {"absent": idle.absent, "causes": {}, "pauses": {}, "window": None, "gaps": 0}
    begin, end, cause = longest(idle, MAX_PAUSES)
    return {
        "absent": "",
        "window": [idle.window[0] - start, idle.window[1] - start],
        "gaps": idle.gaps,
        "causes": idle.figures(),
        "pauses": {
            "start": begin - start,
            "end": end - start,
            "cause": [Cause(number).name.lower() for number in cause.tolist()],
        },
    }


def _about_steps(steps: Steps) -> dict[str, Any]:
    length = (steps.span_end - steps.span_start).astype(np.float64)
    some = len(length) > 0
    return {
        "count": len(steps),
        "source": steps.source,
        "how": steps.how,
        "mean_ns": float(length.mean()) if some else None,
        "min_ns": float(length.min()) if some else None,
        "max_ns": float(length.max()) if some else None,
    }


def _problems(loaded: LoadedTrace, found: Overview) -> dict[str, Any]:
    trace = loaded.trace
    first: dict[str, str] = {}
    for problem in trace.problems:
        first.setdefault(problem.kind, problem.message)
    kinds = dict(trace.problem_counts) or dict.fromkeys(first, 1)
    return {
        "kind": list(kinds),
        "count": list(kinds.values()),
        "message": [first.get(kind, "")[:NAME_CHARACTERS] for kind in kinds],
        "suspects": found.raw.suspects,
        "same_stream_overlaps": found.raw.same_stream_overlaps,
        "early_launches": loaded.launches.early,
        "nesting_overlaps": loaded.nesting.overlaps,
    }


def _top(loaded: LoadedTrace) -> dict[str, Any]:
    from gpuboard.profiler.figures.kernel_classes import KernelClass
    from gpuboard.profiler.figures.kernels import by_class
    from gpuboard.serve.trace_figures import kernels_of, operators_of

    trace = loaded.trace
    ops, work = operators_of(loaded), kernels_of(loaded)
    # Without device time the host's own decides, as the table is sorted by it after that.
    on_device = bool(len(ops)) and int(ops.device_self_ns.sum()) > 0
    own = ops.device_self_ns if on_device else np.maximum(ops.host_self_ns, 0)
    at = np.argsort(-own, kind="stable")[:TOP]
    classes = by_class(work)
    return {
        "operators": {
            "name": [trace.text(n)[:NAME_CHARACTERS] for n in ops.name[at].tolist()],
            "ns": own[at],
            "calls": ops.calls[at],
            "of_ns": int(own.sum()),
            "is_device": on_device,
            "absent": ops.absent,
        },
        "kernels": {
            "name": [trace.text(n)[:NAME_CHARACTERS] for n in work.name[:TOP].tolist()],
            "ns": work.total_ns[:TOP],
            "calls": work.count[:TOP],
            "of_ns": int(work.total_ns.sum()),
            "absent": work.absent,
        },
        "classes": {
            "name": [KernelClass(n).name.lower() for n in classes.kernel_class.tolist()],
            "ns": classes.total_ns,
            "count": classes.count,
        },
    }


def _steps(loaded: LoadedTrace) -> bytes:
    from gpuboard.serve.trace_figures import overview_of

    found = overview_of(loaded)
    steps, start = found.steps, loaded.timeline.start
    shown = slice(0, MAX_STEPS)
    header = {
        "name": [name[:NAME_CHARACTERS] for name in steps.name[shown]],
        "total": len(steps),
        "source": steps.source,
        "how": steps.how,
        "parts": list(found.parts.parts),
        "parts_absent": found.parts.absent,
        "roles": list(found.roles.parts),
        "roles_absent": found.roles.absent,
        "plugin_absent": found.plugin_roles.absent,
        "is_plugin_alike": found.plugin_roles is found.roles,
    }
    columns = {
        "start": (steps.span_start[shown] - start).astype(np.float64),
        "end": (steps.span_end[shown] - start).astype(np.float64),
        "host_start": (steps.start[shown] - start).astype(np.float64),
        "host_end": (steps.end[shown] - start).astype(np.float64),
        "works": steps.works[shown].astype(np.float64),
        "parts_ns": _of_parts(found.parts, len(steps.name[shown])),
        "roles_ns": _of_parts(found.roles, len(steps.name[shown])),
        "plugin_ns": _of_parts(found.plugin_roles, len(steps.name[shown])),
    }
    return encode(header, columns)


def _of_parts(parts: Breakdown, steps: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the parts of each step in a row, an empty column where they are absent."""
    return (parts.ns[:steps] if not parts.absent else parts.ns[:0]).astype(np.float64)


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/profile/verdict", VerdictRoute),
    (r"api/v1/profile/overview", OverviewRoute),
    (r"api/v1/profile/top", TopRoute),
    (r"api/v1/profile/steps", StepsRoute),
)
