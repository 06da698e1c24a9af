"""Say what was recorded and where its time went: in a mean step, and step by step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from gpuboard.profiler.advice.words import counted, duration, percent, size
from gpuboard.profiler.figures.idle import Cause
from gpuboard.profiler.figures.steps import Steps
from gpuboard.reports.document import (
    Bar,
    Block,
    Column,
    Facts,
    Note,
    Part,
    Role,
    Section,
    Split,
    Stack,
    Table,
)
from gpuboard.reports.sheet import Sheet

_LESS = 0.0005  # of the whole; smaller parts are not worth a line

# What each part of a step is called, its colour, and what it means.
PARTS: dict[str, tuple[str, Role, str]] = {
    "compute": ("computing", Role.COMPUTE, "kernels that are no communication"),
    "exposed_comm": ("communication", Role.COMM, "while nothing was computed"),
    "exposed_mem": ("copies and fills", Role.MEMORY, "while nothing was computed or sent"),
    "idle_data_loader": ("idle: input", Role.INPUT, "nothing queued, the host fetched a batch"),
    "idle_sync": ("idle: synchronising", Role.SYNC, "nothing queued, the host waited for it"),
    "idle_host": ("idle: host", Role.HOST, "nothing queued, the host did something else"),
    "idle_launch": ("idle: launching", Role.LAUNCH, "the next work was being launched"),
    "idle_between": ("idle: between works", Role.PAUSE, "the usual pause between two works"),
    "idle_queued": ("idle: queued", Role.QUEUED, "the next work was queued, and waited for other"),
    "idle_unknown": ("idle: unknown", Role.UNKNOWN, "the file does not tell when it was launched"),
}
_ROLES: dict[str, tuple[str, Role]] = {
    "kernel": ("kernels", Role.COMPUTE),
    "memcpy": ("copies", Role.MEMORY),
    "memset": ("fills", Role.MEMORY),
    "communication": ("communication", Role.COMM),
    "runtime": ("calls of the runtime", Role.LAUNCH),
    "data_loader": ("data loader", Role.INPUT),
    "cpu_op": ("operators on the host", Role.HOST),
    "other": ("other", Role.PAUSE),
}


def where(sheet: Sheet, top: int) -> tuple[Section, ...]:
    """Return what was recorded, and where its time went."""
    steps = sheet.overview.steps
    blocks: list[Block] = [_facts(sheet), *_split(sheet)]
    if (note := _how(steps)) is not None:
        blocks.append(note)
    if len(steps) > 1:
        blocks.append(_steps(sheet, top))
    return (Section("Time of the device", tuple(blocks)),)


def device_names(sheet: Sheet) -> str:
    """Return the devices by name, such as "2 x NVIDIA H100"; "" where the file names none."""
    used = set(sheet.trace.work.device.tolist())
    listed = [d.name for d in sheet.trace.devices if d.name and d.id in used]
    listed = listed or [d.name for d in sheet.trace.devices[:1] if d.name]
    found = Counter(listed)
    return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in found.items())


def _facts(sheet: Sheet) -> Facts:
    found, origin = sheet.overview, sheet.trace.origin
    time = found.time
    pairs = [("device", device_names(sheet) or "not named in the file")]
    if time.window:
        busy = f"{duration(time.busy_ns)} ({percent(time.busy_ns / max(1, time.window_ns))})"
        pairs += [("window", duration(time.window_ns)), ("busy", busy)]
        pairs.append(("kernels", f"{time.compute.n + time.comm.n:,}"))
        pairs.append(("streams", f"{time.streams:,}"))
    steps = found.steps
    if len(steps):
        mean = float((steps.span_end - steps.span_start).mean())
        each = "" if len(steps) == 1 else " each"
        pairs.append(("steps", f"{len(steps):,} of {duration(mean)}{each}"))
    used = [one for one in found.devices if one.utilisation.window]
    if len(used) == 1:
        own = used[0].utilisation
        if math.isfinite(own.sm_efficiency):
            pairs.append(("SM efficiency", percent(own.sm_efficiency)))
        if math.isfinite(own.occupancy):
            pairs.append(("occupancy", percent(own.occupancy)))
    if origin.rank is not None:
        of = f" of {origin.world_size}" if origin.world_size else ""
        pairs.append(("rank", f"{origin.rank}{of}"))
    pairs.append(("file", f"{origin.format}, {origin.events:,} events, {size(origin.bytes)}"))
    return Facts(tuple(pairs))


def _split(sheet: Sheet) -> list[Block]:
    found, time = sheet.overview, sheet.overview.time
    if not found.parts.absent:
        mean = dict(zip(found.parts.parts, found.parts.mean_ns.tolist(), strict=True))
        label = "mean step" if len(found.steps) > 1 else "the step"
        return [_whole(label, mean)]
    if time.window and not found.idle.absent:
        whole: dict[str, float] = {
            "compute": time.compute.union_ns,
            "exposed_comm": time.exposed_comm_ns,
            "exposed_mem": time.exposed_mem_ns,
        }
        for cause in Cause:
            whole[f"idle_{cause.name.lower()}"] = found.idle.by_cause[cause].total_ns
        return [_whole("whole recording", whole)]
    return _without_gpu(sheet)


def _without_gpu(sheet: Sheet) -> list[Block]:
    found, temporal = sheet.overview, sheet.overview.temporal
    if not temporal.absent:
        total = max(1, temporal.total_ns)
        split = (
            ("computing", temporal.compute_ns, Role.COMPUTE),
            ("other work", temporal.non_compute_ns, Role.MEMORY),
            ("idle", temporal.idle_ns, Role.UNKNOWN),
        )
        parts = (Part(label, duration(ns), ns / total, role) for label, ns, role in split)
        return [Split(f"whole recording: {duration(total)}", tuple(parts))]
    why = found.raw.absent or found.parts.absent
    blocks: list[Block] = [Note(f"No time of a device: {why}.")]
    if not found.roles.absent:
        mean = dict(zip(found.roles.parts, found.roles.mean_ns.tolist(), strict=True))
        total = max(1.0, sum(mean.values()))
        known = ((_ROLES[key], ns) for key, ns in mean.items() if ns > _LESS * total)
        parts = (Part(label, duration(ns), ns / total, role) for (label, role), ns in known)
        blocks.append(Split(f"mean step of the host: {duration(total)}", tuple(parts)))
    return blocks


def _whole(label: str, ns: dict[str, float]) -> Split:
    total = max(1.0, sum(ns.values()))
    parts = []
    for key, value in ns.items():
        if value > _LESS * total:
            name, role, about = PARTS[key]
            parts.append(Part(name, duration(value), value / total, role, about))
    return Split(f"{label}: {duration(total)}", tuple(parts))


def _how(steps: Steps) -> Note | None:
    if steps.source == "none":
        return Note(f"No steps: {steps.how}.")
    if steps.source == "inferred":
        return Note(f"The steps are inferred, not marked in the file: {steps.how}.")
    return Note(f"Steps by {steps.how}.")


def _steps(sheet: Sheet, top: int) -> Table:
    found = sheet.overview
    steps, parts = found.steps, found.parts if not found.parts.absent else found.roles
    length = steps.span_end - steps.span_start
    longest = max(1, int(length.max()))
    roles = [PARTS[key][1] if key in PARTS else _ROLES[key][1] for key in parts.parts]
    rows = []
    for k in range(min(top, len(steps))):
        ns = parts.ns[k].tolist()
        whole = max(1, sum(ns))
        stack = Stack(_merged([value / whole for value in ns], roles), int(length[k]) / longest)
        rows.append((steps.name[k], duration(int(length[k])), stack))
    return Table(
        (Column("step", "name"), Column("time"), Column("", "bar")),
        tuple(rows),
        len(steps) - len(rows),
    )


def _merged(shares: Sequence[float], roles: Sequence[Role]) -> tuple[tuple[float, Role], ...]:
    return tuple((share, role) for share, role in zip(shares, roles, strict=True) if share > 0)


def share_bar(share: float, role: Role = Role.PLAIN) -> Bar:
    """Return a bar with its share in percent beside it."""
    return Bar(min(max(share, 0.0), 1.0), percent(share), role)


def problems(sheet: Sheet) -> tuple[Section, ...]:
    """Return what was wrong with the file, if anything was."""
    trace, time = sheet.trace, sheet.overview.raw
    rows = [(one.kind, one.message) for one in trace.problems[:10]]
    listed = Counter(one.kind for one in trace.problems)
    for kind, number in trace.problem_counts.items():
        if number > listed[kind]:
            rows.append((kind, f"met {counted(number, 'time')} in all"))
    blocks: list[Block] = []
    if rows:
        blocks.append(Table((Column("kind", "left"), Column("what", "prose")), tuple(rows)))
    if time.suspects:
        text = f"{counted(time.suspects, 'duration')} cannot be true and count nowhere here."
        blocks.append(Note(text, is_warning=True))
    return (Section("Problems of the file", tuple(blocks)),) if blocks else ()
