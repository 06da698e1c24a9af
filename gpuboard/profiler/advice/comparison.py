"""Say in a sentence what changed most between two recordings."""

from __future__ import annotations

import dataclasses

from gpuboard.profiler.advice.words import duration
from gpuboard.profiler.figures.compare import Comparison, Difference, Figure

SAME = 0.01  # changes of a whole by less are no change
_PARTS = {
    "compute": "computing",
    "exposed_comm": "exposed communication",
    "exposed_mem": "exposed copies and fills",
    "idle_data_loader": "waiting for the data loader",
    "idle_host": "idle time while the host was busy",
    "idle_launch": "idle time while work was launched",
    "idle_sync": "idle time while the host waited for the device",
    "idle_between": "pauses between works",
    "idle_queued": "idle time with work in the queue",
    "idle_unknown": "idle time of unknown cause",
}
_CLASSES = {
    "gemm": "matrix products",
    "copy": "copies",
    "sort_index": "sorting and indexing",
    "random": "random numbers",
    "other": "other kernels",
    "triton": "Triton kernels",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Headline:
    """What changed most.

    Attributes:
        text: Such as "Step 12 % longer (+9.1 ms): computing +9.0 ms, above all convolution kernels
            (+8.8 ms)".
        ratio: Whole after / whole before, NaN where there is no whole.
        caution: Why the two cannot simply be compared, "" where they can.
    """

    text: str
    ratio: float
    caution: str


def headline(found: Comparison) -> Headline:
    """Return the change of a step, or of what devices did, and where most of it lies.

    The whole is the mean step where both sides have steps, else the time in which devices were
    busy. The cause is the part of a step that changed most in the same direction; where that is
    computing, or where there are no parts, the class of kernels that did.
    """
    whole, noun = _whole(found)
    if whole is None or whole.before is None or whole.after is None or whole.before <= 0:
        text = "The two have no time in common that could be compared"
        return Headline(text, float("nan"), _caution(found))
    ratio = whole.after / whole.before
    change = whole.after - whole.before
    if abs(ratio - 1) < SAME:
        text = f"{noun} as long as before: {duration(whole.before)}"
    else:
        much = f"{ratio:.3g} times as long" if ratio >= 2 else _percent(ratio)
        text = f"{noun} {much} ({_signed(change)}){_cause(found, change)}"
    return Headline(text, ratio, _caution(found))


def _percent(ratio: float) -> str:
    share = 100 * abs(ratio - 1)
    return f"{share:.{0 if share >= 9.95 else 1}f} % {'longer' if ratio > 1 else 'shorter'}"


def _signed(ns: float) -> str:
    return f"{'+' if ns > 0 else '−'}{duration(abs(ns))}"


def _whole(found: Comparison) -> tuple[Figure | None, str]:
    by_name = {figure.name: figure for figure in found.figures}
    if found.per == "step" and "step" in by_name:
        return by_name["step"], "Step"
    if "device busy" in by_name:
        return by_name["device busy"], "Work of the device"
    operators = found.operators
    if not len(operators.name):
        return None, ""
    before, after = operators.time_ns.sum(axis=1).tolist()
    return Figure("operators", "ns", before, after), "Operators on the host together"


def _cause(found: Comparison, change: float) -> str:
    part = _largest(found.parts, change)
    # Classes hold copies and collectives too, which are parts of their own.
    others = ("copy", "communication") if part is not None else ()
    kernels = _largest_of(found.kernel_classes, change, others)
    name = "" if kernels is None else _CLASSES.get(kernels[0], f"{kernels[0]} kernels")
    if part is None:
        return "" if kernels is None else f": {name} {_signed(kernels[1])}"
    text = f": {_PARTS.get(part[0], part[0])} {_signed(part[1])}"
    if part[0] != "compute" or kernels is None:
        return text
    return f"{text}, above all {name} ({_signed(kernels[1])})"


def _largest(figures: tuple[Figure, ...], change: float) -> tuple[str, float] | None:
    """Return the figure that changed most in this direction, if it is worth naming."""
    known = [(one.name, one.change) for one in figures if one.change is not None]
    return _worth_naming([(name, by) for name, by in known if by is not None], change)


def _largest_of(
    table: Difference, change: float, others: tuple[str, ...]
) -> tuple[str, float] | None:
    changes = zip(table.name, table.change_ns.tolist(), strict=True)
    return _worth_naming([one for one in changes if one[0] not in others], change)


def _worth_naming(changes: list[tuple[str, float]], change: float) -> tuple[str, float] | None:
    same = [one for one in changes if one[1] * change > 0]
    best = max(same, key=lambda one: abs(one[1]), default=None)
    return best if best is not None and abs(best[1]) >= 0.2 * abs(change) else None


def _caution(found: Comparison) -> str:
    before, after = (", ".join(filter(None, side)) for side in found.devices)
    if before and after and before != after:
        return f"the devices differ: {before}, then {after}"
    return ""
