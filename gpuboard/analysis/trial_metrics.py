"""Take one number from each trial's curve: its last, best, least, greatest, mean or one at a step.

Points that a restart has overwritten do not count. Numbers are kept by run and read again only
when the run has changed.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gpuboard.analysis.request import one_of
from gpuboard.errors import InputError
from gpuboard.store.columns import Float64s, Int64s, Series

if TYPE_CHECKING:
    from gpuboard.analysis.trials import Trial
    from gpuboard.store.store import Store

HOWS = ("last", "best", "min", "max", "mean", "at")
GOALS = ("min", "max")
MAX_KEPT = 200
_CHUNK = 1000  # runs whose points are in memory at a time


@dataclasses.dataclass(frozen=True, slots=True)
class MetricRequest:
    """Which number of which curve stands for a trial.

    Attributes:
        tag: Scalar tag.
        group: Folder below the trial's run, "" for that itself.
        how: "last" point; "best", "min" or "max" of the finite points; "mean" of the finite ones
            among the last `amount` points; or "at" the last step that is not above `amount`.
        goal: Which of two values is the better one.
        amount: Points or step, see `how`.
        key: What the one who asks calls it.
    """

    tag: str
    group: str = ""
    how: str = "last"
    goal: str = "min"
    amount: int = 0
    key: str = ""

    def __post_init__(self) -> None:
        one_of("metrics.how", self.how, HOWS)
        one_of("metrics.goal", self.goal, GOALS)
        if self.how == "mean" and self.amount < 1:
            raise InputError(f"metrics.amount: got {self.amount}, expected 1 or more points")

    @property
    def name(self) -> str:
        """What tables call it, such as "validation/loss (mean of last 10)"."""
        path = f"{self.group}/{self.tag}" if self.group else self.tag
        words = {"mean": f"mean of last {self.amount}", "at": f"at step {self.amount}"}
        return path if self.how == "last" else f"{path} ({words.get(self.how, self.how)})"

    @property
    def taken(self) -> tuple[str, str, int]:
        """What decides on the number: tag, what is taken, and how much of it."""
        how = self.goal if self.how == "best" else self.how
        return self.tag, how, self.amount if how in ("mean", "at") else 0


@dataclasses.dataclass(slots=True)
class _Kept:
    """A number for each run id, and the version of the run that it was taken at."""

    value: Float64s
    version: Int64s


class TrialMetrics:
    """The numbers taken so far from the curves of one store; any number of threads may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, int], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self.series_read = 0

    def of(self, store: Store, trials: Sequence[Trial], metric: MetricRequest) -> Float64s:
        """Return the metric of each trial, NaN where it has none, shape (trials,)."""
        run, version = _holders(trials, metric)
        known = run >= 0
        values = np.full(len(trials), np.nan)
        if known.any():
            with self._lock:
                values[known] = self._values(store, run[known], version[known], metric.taken)
        return values

    def _values(
        self, store: Store, run: Int64s, version: Int64s, taken: tuple[str, str, int]
    ) -> Float64s:
        kept = self._room(taken, int(run.max()) + 1)
        stale = kept.version[run] != version
        runs, versions = run[stale], version[stale]
        for start in range(0, len(runs), _CHUNK):
            part = runs[start : start + _CHUNK]
            kept.value[part] = np.nan
            found = store.series_many(part.tolist(), taken[0])
            self.series_read += len(found)
            ids = [run_id for run_id, _ in found]
            kept.value[ids] = _numbers([series for _, series in found], taken[1], taken[2])
        kept.version[runs] = versions
        return kept.value[run]

    def _room(self, taken: tuple[str, str, int], length: int) -> _Kept:
        kept = self._kept.setdefault(taken, _Kept(np.empty(0), np.empty(0, np.int64)))
        self._kept.move_to_end(taken)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        missing = length - len(kept.value)
        if missing > 0:
            kept.value = np.append(kept.value, np.full(missing, np.nan))
            kept.version = np.append(kept.version, np.full(missing, -1, np.int64))
        return kept


def _holders(trials: Sequence[Trial], metric: MetricRequest) -> tuple[Int64s, Int64s]:
    """Return the run of each trial that holds the metric, the one with most points, -1 for none."""
    run = np.full(len(trials), -1, np.int64)
    version = np.full(len(trials), -1, np.int64)
    for place, trial in enumerate(trials):
        most = 0
        for group, member in trial.members:
            info = member.tags.get(metric.tag) if group == metric.group else None
            if info is not None and info.kind == "scalar" and info.points > most:
                most = info.points
                run[place], version[place] = member.id, member.version
    return run, version


def _numbers(series: Sequence[Series], how: str, amount: int) -> Float64s:
    standing = [_standing(one) for one in series]
    if how == "at":
        return np.array([_at(one, amount) for one in standing])
    if how == "mean":
        return np.array([_mean(one.value[-amount:]) for one in standing])
    lengths = np.array([len(one) for one in standing], np.int64)
    result = np.full(len(lengths), np.nan)
    has_any = lengths > 0
    if not has_any.any():
        return result
    value = np.concatenate([one.value for one in standing])
    end = np.cumsum(lengths)[has_any]
    if how == "last":
        result[has_any] = value[end - 1]
        return result
    reduce, worst = (np.minimum, np.inf) if how == "min" else (np.maximum, -np.inf)
    finite = np.where(np.isfinite(value), value, worst)
    extreme = reduce.reduceat(finite, end - lengths[has_any])
    result[has_any] = np.where(np.isfinite(extreme), extreme, np.nan)
    return result


def _standing(series: Series) -> Series:
    if len(series.writer_start) == 1:
        return series  # within one file nothing is overwritten
    from gpuboard.analysis.restarts import current_series

    return current_series(series)


def _at(series: Series, step: int) -> float:
    before = np.flatnonzero(series.step <= step)
    if not len(before):
        return np.nan
    return float(series.value[before[np.argmax(series.step[before])]])


def _mean(value: Float64s) -> float:
    finite = value[np.isfinite(value)]
    return float(finite.mean()) if len(finite) else np.nan


def likely_goal(tag: str) -> str:
    """Return "max" for tags that sound like a score, such as "val/accuracy", else "min"."""
    words = ("acc", "auc", "f1", "score", "precision", "recall", "reward", "return", "bleu", "iou",
             "dice", "r2", "psnr", "ssim", "win", "success")  # fmt: skip
    lower = tag.lower()
    is_cost = any(word in lower for word in ("loss", "error", "perplexity"))
    return "max" if not is_cost and any(word in lower for word in words) else "min"
