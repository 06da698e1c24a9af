"""Keep figures with the trace that they are of: each is computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpuboard.profiler.advice.evidence import Evidence
    from gpuboard.profiler.advice.finding import Finding
    from gpuboard.profiler.figures.kernels import KernelTable
    from gpuboard.profiler.figures.operators import OperatorTable
    from gpuboard.profiler.figures.overview import Overview
    from gpuboard.profiler.figures.steps import Steps
    from gpuboard.serve.profiles import LoadedTrace


def steps_of(loaded: LoadedTrace) -> Steps:
    """Return the steps of a trace."""
    from gpuboard.profiler.figures.steps import find_steps

    return loaded.derived("steps", find_steps)


def overview_of(loaded: LoadedTrace) -> Overview:
    """Return the figures of a whole trace."""
    from gpuboard.profiler.figures.overview import overview

    return loaded.derived("overview", overview)


def evidence_of(loaded: LoadedTrace) -> Evidence:
    """Return what the rules look at; it grows as rules ask."""
    from gpuboard.profiler.advice.evidence import Evidence

    return loaded.derived(
        "evidence",
        lambda trace: Evidence(
            trace, steps=steps_of(loaded), nesting=loaded.nesting, launches=loaded.launches
        ),
    )


def verdict_of(loaded: Sequence[LoadedTrace]) -> tuple[Finding, ...]:
    """Return what holds a run back, judged on these traces together."""
    from gpuboard.profiler.advice.verdict import judge

    key = "verdict", *((one.entry.id, one.mark) for one in loaded)
    return loaded[0].derived(key, lambda _: judge([evidence_of(one) for one in loaded]))


def operators_of(
    loaded: LoadedTrace, by: str = "name", window: tuple[int, int] | None = None
) -> OperatorTable:
    """Return the operators by "name", "shapes" or "stack", of all the trace or of a window."""
    from gpuboard.profiler.figures.operators import By, operators

    keys: tuple[By, ...] = ("name",)
    if by in ("shapes", "stack"):
        keys = ("name", "shapes") if by == "shapes" else ("name", "stack")
    keep = loaded.derived if window is None else loaded.recent
    return keep(
        ("operators", by, window),
        lambda trace: operators(
            trace, keys, nesting=loaded.nesting, launches=loaded.launches, window=window
        ),
    )


def kernels_of(
    loaded: LoadedTrace, by: str = "name", window: tuple[int, int] | None = None
) -> KernelTable:
    """Return kernels, copies and fills by "name", "launch" or "operator"."""
    from gpuboard.profiler.figures.kernels import By, kernels
    from gpuboard.profiler.traces.trace import DEVICE_WORK

    keys: tuple[By, ...] = ("name",)
    if by in ("launch", "operator"):
        keys = ("name", "launch") if by == "launch" else ("name", "operator")
    keep = loaded.derived if window is None else loaded.recent
    return keep(
        ("kernels", by, window),
        lambda trace: kernels(
            trace, keys, launches=loaded.launches, kinds=DEVICE_WORK, window=window
        ),
    )
