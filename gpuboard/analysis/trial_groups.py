"""Fold trials that differ in nothing but chosen hyperparameters, such as the seed, into one row."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from gpuboard.analysis.trials import Trial
from gpuboard.store.columns import Float64s, Int64s
from gpuboard.summaries.hparams import HParam

STATS = ("mean", "median", "min", "max", "std")


@dataclasses.dataclass(frozen=True, slots=True)
class Groups:
    """Which trials belong together.

    Attributes:
        group: Place of each trial's group, shape (trials,).
        trials: The folded trials of each group as one, in the order of their first ones.
        sizes: How many there are, shape (groups,).
    """

    group: Int64s
    trials: list[Trial]
    sizes: Int64s


@dataclasses.dataclass(frozen=True, slots=True)
class GroupedMetric:
    """One metric over the trials of each group; NaN and infinities do not count.

    Attributes:
        value: The statistic that was asked for, shape (groups,); NaN where there is no value.
        std: Standard deviation with n - 1, NaN for a single value, shape (groups,).
        low: Least value, shape (groups,).
        high: Greatest value, shape (groups,).
        count: Values that counted, shape (groups,).
    """

    value: Float64s
    std: Float64s
    low: Float64s
    high: Float64s
    count: Int64s


def grouped(trials: Sequence[Trial], folded: Sequence[str]) -> Groups:
    """Return the groups of trials that agree in all hyperparameters but `folded`.

    One that a trial does not have is a value like any other.
    """
    left_out = set(folded)
    places: dict[object, int] = {}
    group = np.array([places.setdefault(_key(t, left_out), len(places)) for t in trials], np.int64)
    members: list[list[Trial]] = [[] for _ in places]
    for trial, place in zip(trials, group.tolist(), strict=True):
        members[place].append(trial)
    sizes = np.bincount(group, minlength=len(places)).astype(np.int64)
    return Groups(group, [_as_one(parts) for parts in members], sizes)


def _key(trial: Trial, left_out: set[str]) -> object:
    return frozenset(
        (name, type(value), str(value) if value != value else value)  # noqa: PLR0124  NaN is one
        for name, value in trial.hparams.items()
        if name not in left_out
    )


def _as_one(trials: Sequence[Trial]) -> Trial:
    first = trials[0]
    if len(trials) == 1:
        return first
    statuses = Counter(trial.status for trial in trials)
    counted = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
    return dataclasses.replace(
        first,
        name=f"{first.name} +{len(trials) - 1}",
        hparams=_shared(trials),
        members=tuple(member for trial in trials for member in trial.members),
        status=first.status if len(statuses) == 1 else counted,
        started=float(np.fmin.reduce([trial.started for trial in trials])),
        ended=float(np.fmax.reduce([trial.ended for trial in trials])),
    )


def _shared(trials: Sequence[Trial]) -> dict[str, HParam]:
    """Return what all trials agree in; the rest was folded."""
    first, *others = (trial.hparams for trial in trials)
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }


def grouped_metric(value: Float64s, groups: Groups, stat: str) -> GroupedMetric:
    """Return a metric of all trials as one number for each group.

    Args:
        value: Metric of each trial, shape (trials,).
        groups: From `grouped`.
        stat: One of `STATS`.
    """
    count = len(groups.sizes)
    finite = np.isfinite(value)
    order = np.lexsort((value[finite], groups.group[finite]))
    group, given = groups.group[finite][order], value[finite][order]
    n = np.bincount(group, minlength=count).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(n)[:-1]]).astype(np.int64)
    some = n > 0
    mean, std, low, high, median = (np.full(count, np.nan) for _ in range(5))
    sums = np.bincount(group, given, count)
    mean[some] = sums[some] / n[some]
    squares = np.bincount(group, (given - mean[group]) ** 2, count)
    std[n > 1] = np.sqrt(squares[n > 1] / (n[n > 1] - 1))
    low[some], high[some] = given[start[some]], given[(start + n - 1)[some]]
    below, above = (start + (n - 1) // 2)[some], (start + n // 2)[some]
    median[some] = (given[below] + given[above]) / 2
    chosen = {"mean": mean, "median": median, "min": low, "max": high, "std": std}[stat]
    return GroupedMetric(chosen, std, low, high, n)
