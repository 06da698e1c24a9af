"""Find numeric trouble in scalar series: what never is a good sign, each rule with its definition.

A rule that judges the course of a series looks at medians of windows, so that noise alone does
not raise it, and says nothing of series with fewer points than `MIN_POINTS`.
"""

from __future__ import annotations

import dataclasses
import itertools
import re

import numpy as np
import numpy.typing as npt

from gpuboard.store.columns import Float64s, Int64s

MIN_POINTS = 40
WINDOWS = 20
DIVERGED = 2.0  # times the best window
PLATEAU = 0.01  # of the whole improvement
PLATEAU_SHARE = 0.25  # of the points
EXPLODED = 100.0  # times the median of all that came before its window
VANISHED = 1e-3  # of the median of the first window

_LOSS = re.compile(r"(?:^|[/_. -])(?:loss|nll|ppl|perplexity|cross_?entropy|mse|mae)", re.I)
_GRADIENT_NORM = re.compile(
    r"grad(?:ient)?s?[/_. -]*(?:global[/_. -]*)?norm|norm[/_. -]*grad", re.I
)


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One kind of trouble.

    Attributes:
        severity: "bad" for what ruins a run, "warn" for what is worth a look.
        definition: When exactly the rule finds something, in plain words.
    """

    name: str
    title: str
    severity: str
    definition: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule found something.

    Attributes:
        rule: Name of the rule.
        step: The step to look at.
        count: How many values are concerned.
        message: What was found, with its numbers.
    """

    rule: str
    step: int
    count: int
    message: str


NAN = Rule(
    "nan",
    "NaN",
    "bad",
    "At least one logged value is NaN. The place is the first of them.",
)
INFINITE = Rule(
    "infinite",
    "Infinity",
    "bad",
    "At least one logged value is +Inf or -Inf. The place is the first of them.",
)
DIVERGENCE = Rule(
    "divergence",
    "Divergence",
    "bad",
    f"A loss (by its name) is cut into {WINDOWS} windows of equally many points. The median of the "
    f"last window is more than {DIVERGED:g} times that of the best window, and above that of the "
    "first. The place is the end of the best window.",
)
PLATEAU_RULE = Rule(
    "plateau",
    "Plateau",
    "warn",
    f"A loss (by its name) has improved, but over the last {PLATEAU_SHARE:.0%} of its points or "
    f"more the medians of its {WINDOWS} windows lie within {PLATEAU:.0%} of the whole improvement "
    "from the last one. The place is where that stretch begins.",
)
EXPLODING = Rule(
    "exploding",
    "Exploding gradients",
    "bad",
    f"A gradient's norm or root mean square is more than {EXPLODED:g} times the median of all "
    "values before its window. The place is the first such value.",
)
VANISHING = Rule(
    "vanishing",
    "Vanishing gradients",
    "warn",
    "The median of a gradient's norm or root mean square over the last window is less than "
    f"{VANISHED:g} of that over the first window. The place is the first window that is so low.",
)
SCALAR_RULES = (NAN, INFINITE, DIVERGENCE, EXPLODING, VANISHING, PLATEAU_RULE)


def is_loss(tag: str) -> bool:
    """Tell whether a tag's name says that it is a loss, where lower is better."""
    return _LOSS.search(tag) is not None


def is_gradient_norm(tag: str) -> bool:
    """Tell whether a tag's name says that it is the norm of a gradient."""
    return _GRADIENT_NORM.search(tag) is not None


def check_scalars(tag: str, step: Int64s, value: Float64s) -> list[Finding]:
    """Return what the rules find in one series.

    Args:
        tag: Its name, from which rules learn whether it is a loss or a gradient's norm.
        step: Steps of the points that stand, shape (n,).
        value: Their values, shape (n,).
    """
    found = [*_not_finite(step, value)]
    finite = np.isfinite(value)
    if not finite.all():
        step, value = step[finite], value[finite]
    if len(value) < MIN_POINTS:
        return found
    if is_loss(tag):
        found += _course_of_loss(step, value)
    if is_gradient_norm(tag):
        found += check_magnitude(step, value, "norm")
    return found


def check_magnitude(step: Int64s, value: Float64s, what: str) -> list[Finding]:
    """Return where the size of a gradient explodes or vanishes.

    Args:
        step: Steps, shape (n,).
        value: Its norm or root mean square, finite and not negative, shape (n,).
        what: The word for `value` in messages.
    """
    if len(value) < MIN_POINTS:
        return []
    edges, medians = _windows(value)
    return [*_explosion(step, value, edges, what), *_vanishing(step, edges, medians, what)]


def _not_finite(step: Int64s, value: Float64s) -> list[Finding]:
    found = []
    for rule, flags in ((NAN, np.isnan(value)), (INFINITE, np.isinf(value))):
        places = np.flatnonzero(flags)
        if len(places):
            first = int(places[0])
            before = value[:first][np.isfinite(value[:first])]
            last = f"; the value before was {before[-1]:g}" if len(before) else ""
            message = (
                f"{len(places):,} of {len(value):,} values, the first at step "
                f"{int(step[first]):,}{last}"
            )
            found.append(Finding(rule.name, int(step[first]), len(places), message))
    return found


def _windows(value: Float64s) -> tuple[Int64s, Float64s]:
    """Return the edges of `WINDOWS` windows of equally many points, and their medians."""
    edges = np.linspace(0, len(value), WINDOWS + 1).astype(np.int64)
    return edges, np.array([np.median(value[a:b]) for a, b in itertools.pairwise(edges)])


def _course_of_loss(step: Int64s, value: Float64s) -> list[Finding]:
    edges, medians = _windows(value)
    best = int(np.argmin(medians))
    low, last, first = float(medians[best]), float(medians[-1]), float(medians[0])
    turn = int(step[edges[best + 1] - 1])
    if low > 0 and last > DIVERGED * low and last > first:
        message = (
            f"rose from a best median of {low:.4g} to {last:.4g} ({last / low:.1f} times) after "
            f"step {turn:,}"
        )
        return [Finding(DIVERGENCE.name, turn, int(len(value) - edges[best + 1]), message)]
    return _plateau(step, edges, medians)


def _plateau(step: Int64s, edges: Int64s, medians: Float64s) -> list[Finding]:
    gain = float(medians[0] - medians.min())
    if gain <= 0:
        return []
    still = np.abs(medians - medians[-1]) <= PLATEAU * gain
    moving = np.flatnonzero(~still)
    begin = int(moving[-1]) + 1 if len(moving) else 0
    if begin == 0 or WINDOWS - begin < PLATEAU_SHARE * WINDOWS:
        return []
    start = int(step[edges[begin]])
    message = (
        f"within {PLATEAU:.0%} of its last median {medians[-1]:.4g} since step {start:,}, after an "
        f"improvement of {gain:.4g}"
    )
    return [Finding(PLATEAU_RULE.name, start, int(edges[-1] - edges[begin]), message)]


def _explosion(step: Int64s, value: Float64s, edges: Int64s, what: str) -> list[Finding]:
    places: list[npt.NDArray[np.int64]] = []
    usual = 0.0
    for a, b in zip(edges[1:-1].tolist(), edges[2:].tolist(), strict=True):
        before = float(np.median(value[:a]))
        if before > 0:
            above = np.flatnonzero(value[a:b] > EXPLODED * before) + a
            if len(above):
                usual = usual or before
                places.append(above)
    if not places:
        return []
    all_places = np.concatenate(places)
    first = int(all_places[0])
    message = (
        f"{what} {value[first]:.4g} at step {int(step[first]):,}, {value[first] / usual:.0f} times "
        f"the median before ({usual:.4g}); {len(all_places):,} such values"
    )
    return [Finding(EXPLODING.name, int(step[first]), len(all_places), message)]


def _vanishing(step: Int64s, edges: Int64s, medians: Float64s, what: str) -> list[Finding]:
    first, last = float(medians[0]), float(medians[-1])
    if first <= 0 or last >= VANISHED * first:
        return []
    window = int(np.flatnonzero(medians < VANISHED * first)[0])
    start = int(step[edges[window]])
    ratio = f"{last / first:.1g} of" if last > 0 else "zero, down from"
    message = f"median {what} {last:.3g} at the end is {ratio} {first:.3g} at the start"
    return [Finding(VANISHING.name, start, int(edges[-1] - edges[window]), message)]
