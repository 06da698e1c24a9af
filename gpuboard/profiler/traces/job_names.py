"""Read what the name of a trace file says: format, worker, rank, step and time."""

from __future__ import annotations

import dataclasses
import re

from gpuboard.profiler.traces.sniff import Format

# torch.profiler.tensorboard_trace_handler writes WORKER.MILLISECONDS.pt.trace.json.
_TORCH = re.compile(r"(.*?)(?:\.(\d{1,20}))?\.pt\.trace\.json(?:\.gz)?")
_XPLANE = re.compile(r"(.*)\.xplane\.pb(?:\.gz)?")
_RANK = re.compile(r"(?:rank|worker)[-_ ]?(\d{1,7})(?!\d)", re.IGNORECASE)
_STEP = re.compile(r"(.*?)[-_.]?(?:step|iteration|iter)[-_]?(\d{1,15})", re.IGNORECASE)
_DATE = re.compile(r"(.*?)\.[A-Z][a-z]{2}_\d\d_\d\d_\d\d_\d\d")
_ENDINGS = (".json", ".json.gz", ".xplane.pb", ".xplane.pb.gz", ".sqlite")

# Milliseconds of 2001 to 2286: shorter numbers in that place are no times.
_FIRST_MS, _LAST_MS = 10**12, 10**13


@dataclasses.dataclass(frozen=True, slots=True)
class TraceName:
    """What a name says.

    Attributes:
        format: By its ending.
        worker: What is left of it: the process or host.
        is_of_job: Whether files named like this belong to the job of their folder.
        rank: Of the process in its job, None where the name does not say.
        step: Likewise: of the training, when it was recorded.
        time: Likewise: seconds since the epoch.
    """

    format: Format
    worker: str
    is_of_job: bool = False
    rank: int | None = None
    step: int | None = None
    time: float | None = None


def is_candidate(name: str) -> bool:
    """Say whether a file of this name may be a trace."""
    return name.endswith(_ENDINGS)


def trace_name(name: str) -> TraceName:
    """Read the name of a file, without its folder."""
    if found := _XPLANE.fullmatch(name):
        return TraceName("xplane", found[1], is_of_job=True)
    if found := _TORCH.fullmatch(name):
        return _named(found[1], _seconds(found[2]), is_of_job=True)
    stem = name.removesuffix(".gz")
    if stem.endswith(".sqlite"):
        return dataclasses.replace(_named(stem.removesuffix(".sqlite"), None), format="nsys")
    return _named(stem.removesuffix(".json").removesuffix(".trace"), None)


def _named(stem: str, time: float | None, *, is_of_job: bool = False) -> TraceName:
    if dated := _DATE.fullmatch(stem):
        stem = dated[1]
    rank, step, worker = _RANK.search(stem), _STEP.fullmatch(stem), stem
    if step and rank:
        worker = step[1] or stem
    return TraceName(
        format="json",
        worker=worker,
        is_of_job=is_of_job,
        rank=int(rank[1]) if rank else None,
        step=int(step[2]) if step and rank else None,
        time=time,
    )


def _seconds(digits: str | None) -> float | None:
    number = int(digits or 0)
    while number >= _LAST_MS:  # newer versions write nanoseconds
        number //= 1000
    return number / 1000 if number >= _FIRST_MS else None
