"""Find numeric trouble in histograms of gradients, weights and activations."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np

from gpuboard.analysis.checks import EXPLODING, VANISHING, Finding, Rule, check_magnitude
from gpuboard.eventlog.histogram_columns import MAXIMUM, MINIMUM, NUM, SUM_SQUARES
from gpuboard.store.columns import Float64s, Int64s
from gpuboard.store.values import Values
from gpuboard.summaries.histogram import Histogram
from gpuboard.summaries.histogram_stack import Stack, stacks

DEAD_SHARE = 0.95
DEAD_LAST = 0.1  # of the steps
NARROW = 1e-6  # of the range: a bucket around zero this narrow holds zeros only

_GRADIENT = re.compile(r"grad", re.I)
_PARAMETER = re.compile(r"grad|weight|kernel|bias", re.I)
_ACTIVATION = re.compile(r"activation|(?:^|[/_. -])(?:act|relu|gelu|silu|hidden)", re.I)

DEAD = Rule(
    "dead",
    "Dead units",
    "warn",
    f"More than {DEAD_SHARE:.0%} of an activation's values (by its name) are zero at each of the "
    f"last {DEAD_LAST:.0%} of its steps. Zeros are counted where a bucket around zero is narrower "
    f"than {NARROW:g} of the range, as in PyTorch's histograms; others are not judged. The place "
    "is the first step from which on it stays so.",
)
STUCK = Rule(
    "stuck",
    "All values equal",
    "warn",
    "From some step on to the end, and for at least two steps, a tensor of more than one element "
    "holds one value only: a gradient that is zero everywhere, or weights that never moved. The "
    "place is the first such step.",
)
NOT_FINITE = Rule(
    "not_finite",
    "NaN or infinity in a tensor",
    "bad",
    "A histogram says that its tensor had more values than lie in its buckets, or its least or "
    "greatest value is not finite. The place is the first such step.",
)
HISTOGRAM_RULES = (NOT_FINITE, EXPLODING, VANISHING, DEAD, STUCK)


@dataclasses.dataclass(frozen=True, slots=True)
class HistogramCourse:
    """What the rules need of a tensor's histograms, one entry for each step, shape (n,) each.

    Attributes:
        minimum: Least value; `maximum`, `num` (how many) and `sum_squares` likewise.
        counted: How many values lie in buckets.
        zero_share: Share of the values in a narrow bucket around zero, NaN where it is not known.
    """

    step: Int64s
    minimum: Float64s
    maximum: Float64s
    num: Float64s
    sum_squares: Float64s
    counted: Float64s
    zero_share: Float64s


def course_of(
    values: Values, places: Int64s, decode_one: Callable[[int], Histogram | None]
) -> HistogramCourse:
    """Return what the rules need of the histograms at `places`, in that order.

    Args:
        values: Where the histograms lie.
        places: Which of them stand, by step.
        decode_one: As in `gpuboard.summaries.histogram_stack.stacks`.
    """
    found = [_facts(stack) for stack in stacks(values, places, decode_one)]
    place = np.concatenate([np.empty(0, np.int64), *(p for p, _ in found)])
    facts = np.concatenate([np.empty((0, 6)), *(f for _, f in found)])
    rank = np.empty(len(values), np.int64)
    rank[places] = np.arange(len(places))
    order = np.argsort(rank[place])
    return HistogramCourse(values.step[place[order]], *facts[order].T)


def _facts(stack: Stack) -> tuple[Int64s, Float64s]:
    """Return places and minimum, maximum, num, sum_squares, counted, zero_share of each."""
    n = len(stack)
    owner = np.repeat(np.arange(n), np.diff(stack.start))
    counted = np.bincount(owner, stack.count, n)
    centre = (stack.left + stack.right) / 2
    # TensorFlow 2 logs no squares; those of the buckets' centres are close enough for orders of
    # magnitude.
    squares = stack.facts[:, SUM_SQUARES]
    squares = np.where(np.isnan(squares), np.bincount(owner, stack.count * centre**2, n), squares)
    low, high = stack.facts[:, MINIMUM], stack.facts[:, MAXIMUM]
    narrow = (stack.left <= 0) & (stack.right >= 0)
    narrow &= stack.right - stack.left <= NARROW * (high - low)[owner]
    zeros = np.bincount(owner[narrow], stack.count[narrow], n)
    is_judged = np.bincount(owner[narrow], minlength=n) > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(is_judged, zeros / counted, np.where(low * high > 0, 0.0, np.nan))
    return stack.place, np.stack([low, high, stack.facts[:, NUM], squares, counted, share], axis=1)


def is_gradient(tag: str) -> bool:
    """Tell whether a tag's name says that it is a gradient."""
    return _GRADIENT.search(tag) is not None


def is_activation(tag: str) -> bool:
    """Tell whether a tag's name says that it is an activation."""
    return _ACTIVATION.search(tag) is not None and _PARAMETER.search(tag) is None


def check_histograms(tag: str, course: HistogramCourse) -> list[Finding]:
    """Return what the rules find in the histograms of one tag of one run.

    Args:
        tag: Its name, from which rules learn whether it is a gradient or an activation.
        course: What the histograms say of each step, in ascending order of steps.
    """
    found = _not_finite(course)
    if is_gradient(tag):
        found += _gradient(course)
    if is_activation(tag):
        found += _dead(course)
    return found + _stuck(course)


def _not_finite(course: HistogramCourse) -> list[Finding]:
    missing = np.maximum(course.num - course.counted, 0.0)
    # Sums of counts are rounded: less than one value in a million is none.
    is_missing = missing > np.maximum(course.num * 1e-6, 0.5)
    odd = ~np.isfinite(course.minimum) | ~np.isfinite(course.maximum)
    places = np.flatnonzero((is_missing | odd) & (course.num > 0))
    if not len(places):
        return []
    first = int(places[0])
    step = int(course.step[first])
    share = f", {missing[first] / course.num[first]:.2%} of its values" if missing[first] else ""
    message = f"at {len(places):,} of {len(course.step):,} steps, the first at step {step:,}{share}"
    return [Finding(NOT_FINITE.name, step, len(places), message)]


def _gradient(course: HistogramCourse) -> list[Finding]:
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.sqrt(course.sum_squares / course.num)
    known = np.isfinite(size)
    return check_magnitude(course.step[known], size[known], "root mean square")


def _dead(course: HistogramCourse) -> list[Finding]:
    n = len(course.step)
    last = max(int(np.ceil(DEAD_LAST * n)), 1)
    start = _since(course.zero_share > DEAD_SHARE)
    if start is None or n - start < last:
        return []
    step, share = int(course.step[start]), float(course.zero_share[-1])
    message = f"{share:.1%} of the values are zero at the last step, and so since step {step:,}"
    return [Finding(DEAD.name, step, n - start, message)]


def _stuck(course: HistogramCourse) -> list[Finding]:
    start = _since((course.minimum == course.maximum) & (course.num > 1))
    if start is None or len(course.step) - start < 2:
        return []
    step = int(course.step[start])
    message = f"every element is {course.maximum[-1]:g} since step {step:,}"
    return [Finding(STUCK.name, step, len(course.step) - start, message)]


def _since(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int | None:
    """Return the first index from which on all flags hold, None when the last one does not."""
    if not len(flags) or not flags[-1]:
        return None
    others = np.flatnonzero(~flags)
    return int(others[-1]) + 1 if len(others) else 0
