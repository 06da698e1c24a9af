"""Keep with each trace what several tabs of the Profile page work out of it.

Each function computes once, however many ask, and keeps the result as long as the trace is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpuboard.profiler.figures.collectives import CollectiveTable
    from gpuboard.profiler.figures.matching import Matched
    from gpuboard.profiler.figures.memory import Memory
    from gpuboard.profiler.figures.modules import ModuleTree
    from gpuboard.profiler.figures.work_amount import WorkAmount
    from gpuboard.serve.profiles import LoadedTrace


def memory_of(loaded: LoadedTrace) -> Memory:
    """Return allocations and frees of a trace by device."""
    from gpuboard.profiler.figures.memory import memory

    return loaded.derived("memory", lambda trace: memory(trace, loaded.nesting))


def modules_of(loaded: LoadedTrace) -> ModuleTree:
    """Return the tree of modules of a trace."""
    from gpuboard.profiler.figures.modules import modules

    return loaded.derived("modules", lambda t: modules(t, loaded.nesting, loaded.launches))


def amount_of(loaded: LoadedTrace) -> WorkAmount:
    """Return operations and bytes of the operators of a trace."""
    from gpuboard.profiler.figures.work_amount import work_amount

    return loaded.derived("amount", lambda t: work_amount(t, loaded.nesting, loaded.launches))


def collectives_of(loaded: LoadedTrace) -> CollectiveTable:
    """Return what a rank communicated."""
    from gpuboard.profiler.figures.collectives import collectives

    return loaded.derived("collectives", lambda t: collectives(t, loaded.nesting, loaded.launches))


def matched_of(loaded: Sequence[LoadedTrace]) -> Matched:
    """Return the collectives that several ranks have in common; the first trace keeps it."""
    from gpuboard.profiler.figures.matching import match

    key = ("matched", tuple((one.entry.id, one.mark) for one in loaded))
    tables = [collectives_of(one) for one in loaded]
    return loaded[0].recent(key, lambda _: match([one.trace for one in loaded], tables))
