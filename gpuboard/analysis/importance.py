"""Say which hyperparameters matter for a metric, and how far that can be trusted.

Random forests (Breiman 2001) learn the rank of the metric, so that one run that diverged does not
outweigh all others. Importance is how much of the ranks that a forest explains for trials that a
tree has not seen is lost when the values of one hyperparameter are shuffled among those trials.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.store.columns import Float64s, Int64s

MIN_TRIALS = 12
FORESTS = 5
TREES = 40
MAX_DRAWN = 8  # hyperparameters with a curve
GRID = 24
MAX_WORDS = 16
CURVE_TRIALS = 400
SPREAD = (10, 90)  # percentiles

Report = Callable[[float, str], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Feature:
    """One hyperparameter of all trials.

    Attributes:
        value: Numbers, or places in `words`; NaN where it is not defined, shape (n,).
        words: What places stand for; empty for numbers.
    """

    name: str
    value: Float64s
    words: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Dependence:
    """What the forests expect of the metric for each value of one hyperparameter.

    Attributes:
        x: Numbers, or places in `words`, ascending, shape (g,).
        y: Median over trials of what is expected with their other values, shape (g,).
        low: 10th percentile over those trials, shape (g,).
        high: 90th percentile, shape (g,).
    """

    x: Float64s
    y: Float64s
    low: Float64s
    high: Float64s


@dataclasses.dataclass(frozen=True, slots=True)
class Importance:
    """How much each hyperparameter matters.

    Attributes:
        trials: How many trials have a finite metric.
        used: How many of them the forests learned from.
        r2: Share of the ranks' variance that is explained for trials not seen, mean over forests;
            NaN where there are too few trials. May be negative: worse than a guess.
        r2_std: Its standard deviation over forests.
        names: Most important first.
        mean: Loss of r2 when the values are shuffled, mean over forests, shape (names,).
        std: Its standard deviation over forests, shape (names,).
        constant: Names that have one value in all trials, which can tell nothing.
        left_out: Names beyond the cap.
        curves: By name, for the first few.
    """

    trials: int
    used: int
    r2: float
    r2_std: float
    names: tuple[str, ...]
    mean: Float64s
    std: Float64s
    constant: tuple[str, ...]
    left_out: tuple[str, ...]
    curves: dict[str, Dependence]


def importance(
    report: Report, features: Sequence[Feature], metric: Float64s, seed: int = 0
) -> Importance:
    """Return how much each hyperparameter matters for `metric`; a few seconds of work.

    Args:
        report: Told the fraction done, with a sentence.
        features: Hyperparameters of all trials.
        metric: Of each trial; those without a finite one are left out, shape (n,).
        seed: Of the drawing of trials, of the forests and of the shuffling.
    """
    finite = np.isfinite(metric)
    rng = np.random.default_rng(seed)
    used = _drawn(np.flatnonzero(finite), limits.MAX_IMPORTANCE_TRIALS.value, rng)
    kept, constant, left_out = _chosen(features, used)
    found = Importance(
        trials=int(finite.sum()),
        used=len(used),
        r2=float("nan"),
        r2_std=float("nan"),
        names=(),
        mean=np.empty(0),
        std=np.empty(0),
        constant=constant,
        left_out=left_out,
        curves={},
    )
    if len(used) < MIN_TRIALS or not kept:
        return found
    x = np.column_stack([_filled(feature.value[used]) for feature in kept])
    rank = _ranks(metric[used])
    if rank.max() == rank.min():
        return found
    forests, r2, losses = _forests(report, x, rank, seed)
    mean, std = losses.mean(axis=0), losses.std(axis=0, ddof=1)
    order = np.argsort(-mean, kind="stable")
    curves = {}
    for done, place in enumerate(order[:MAX_DRAWN].tolist()):
        report(0.8 + 0.2 * done / MAX_DRAWN, f"expecting the metric by {kept[place].name[:80]}")
        feature = dataclasses.replace(kept[place], value=kept[place].value[used])
        curves[kept[place].name] = _dependence(forests, x, place, feature, metric[used], rng)
    return dataclasses.replace(
        found,
        r2=float(r2.mean()),
        r2_std=float(r2.std(ddof=1)),
        names=tuple(kept[place].name for place in order),
        mean=mean[order],
        std=std[order],
        curves=curves,
    )


def _drawn(places: Int64s, most: int, rng: np.random.Generator) -> Int64s:
    if len(places) <= most:
        return places
    return np.sort(rng.choice(places, most, replace=False))


def _chosen(
    features: Sequence[Feature], used: Int64s
) -> tuple[list[Feature], tuple[str, ...], tuple[str, ...]]:
    differing = [f for f in features if len(np.unique(f.value[used])) > 1]
    names = {feature.name for feature in differing}
    constant = tuple(feature.name for feature in features if feature.name not in names)
    most = limits.MAX_IMPORTANCE_HPARAMS.value
    return differing[:most], constant, tuple(feature.name for feature in differing[most:])


def _filled(value: Float64s) -> Float64s:
    """Return finite numbers: what is not defined lies below all that is, so that trees can tell."""
    finite = value[np.isfinite(value)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    span = (high - low) or 1.0
    return np.nan_to_num(value, nan=low - span, posinf=high + span, neginf=low - span / 2)


def _ranks(metric: Float64s) -> Float64s:
    """Return ranks from 0 to 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(metric, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle = ends - (counts + 1) / 2
    result: Float64s = middle[inverse] / max(len(metric) - 1, 1)
    return result


def _forests(
    report: Report, x: Float64s, rank: Float64s, seed: int
) -> tuple[list[Any], Float64s, Float64s]:
    """Return forests of different seeds, r2 of each, and what each loses by shuffled columns."""
    report(0.0, "loading scikit-learn")
    from sklearn.ensemble import RandomForestRegressor  # type: ignore[import-untyped]

    forests, r2, losses = [], [], []
    x32 = x.astype(np.float32)
    for k in range(FORESTS):
        report(0.05 + 0.75 * k / FORESTS, f"growing forest {k + 1} of {FORESTS}")
        forest = RandomForestRegressor(
            TREES, min_samples_leaf=2, max_features=1 / 2, random_state=seed + k, n_jobs=1
        )
        forest.fit(x32, rank)
        whole, lost = _unseen_scores(forest, x32, rank, np.random.default_rng((seed, k)))
        forests.append(forest)
        r2.append(whole)
        losses.append(lost)
    return forests, np.array(r2), np.array(losses)


def _unseen_scores(
    forest: Any,  # noqa: ANN401  a RandomForestRegressor, which is not typed
    x: npt.NDArray[np.float32],
    rank: Float64s,
    rng: np.random.Generator,
) -> tuple[float, Float64s]:
    """Return r2 for trials out of each tree's bag, and how much of it goes with each column."""
    count, columns = x.shape
    sums = np.zeros((columns + 1, count))
    votes = np.zeros(count)
    shuffled = [rng.permutation(count) for _ in range(columns)]
    for tree, bag in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        out = np.setdiff1d(np.arange(count), bag)
        if not len(out):
            continue
        votes[out] += 1
        rows = x[out]
        sums[columns, out] += tree.tree_.predict(rows)[:, 0]
        for column in range(columns):
            changed = rows.copy()
            changed[:, column] = x[shuffled[column][out], column]
            sums[column, out] += tree.tree_.predict(changed)[:, 0]
    seen = votes > 0
    expected = sums[:, seen] / votes[seen]
    scores = 1 - ((expected - rank[seen]) ** 2).mean(axis=1) / rank[seen].var()
    return float(scores[columns]), scores[columns] - scores[:columns]


def _dependence(
    forests: Sequence[Any],
    x: Float64s,
    column: int,
    feature: Feature,
    metric: Float64s,
    rng: np.random.Generator,
) -> Dependence:
    grid = _grid(feature)
    rows = x[_drawn(np.arange(len(x)), CURVE_TRIALS, rng)].astype(np.float32)
    asked = np.repeat(rows[None], len(grid), axis=0)
    asked[:, :, column] = grid[:, None]
    flat = asked.reshape(-1, x.shape[1])
    expected = np.mean([forest.predict(flat) for forest in forests], axis=0)
    low, middle, high = np.percentile(
        expected.reshape(len(grid), -1), [SPREAD[0], 50, SPREAD[1]], axis=1
    )
    ordered = np.sort(metric)
    places = np.linspace(0, 1, len(ordered))
    y, least, most = (np.interp(ranks, places, ordered) for ranks in (middle, low, high))
    return Dependence(grid, y, least, most)


def _grid(feature: Feature) -> Float64s:
    """Return values to ask for: all if they are few, the most frequent words, else quantiles."""
    given = feature.value[np.isfinite(feature.value)]
    values, counts = np.unique(given, return_counts=True)
    if feature.words and len(values) > MAX_WORDS:
        return np.sort(values[np.argsort(-counts, kind="stable")[:MAX_WORDS]])
    if feature.words or len(values) <= GRID:
        return values
    quantiles: Float64s = np.unique(np.quantile(given, np.linspace(0, 1, GRID)))
    return quantiles
