import math

import numpy as np
import pytest

from gpuboard.analysis import pr_curves
from gpuboard.summaries import pr_curve

RNG = np.random.default_rng(3)
LABELS = RNG.random(4_000) < 0.3
SCORES = np.clip(0.35 + 0.25 * LABELS + RNG.normal(scale=0.15, size=4_000), 0, 1)


def curve(labels=LABELS, scores=SCORES, n=127):
    return pr_curve.decode(pr_curve.encode("pr", labels, scores, n))


def test_average_precision_is_that_of_scikit_learn_with_fine_thresholds():
    metrics = pytest.importorskip("sklearn.metrics")

    found = pr_curves.average_precision(curve(n=5_000))

    assert found == pytest.approx(metrics.average_precision_score(LABELS, SCORES), abs=2e-3)


def test_the_area_under_roc_is_that_of_scikit_learn_with_fine_thresholds():
    metrics = pytest.importorskip("sklearn.metrics")

    assert pr_curves.roc_area(curve(n=5_000)) == pytest.approx(
        metrics.roc_auc_score(LABELS, SCORES), abs=1e-3
    )


def test_a_perfect_classifier_reaches_one_everywhere():
    found = pr_curves.summary(curve(LABELS, LABELS.astype(float)))

    assert found.average_precision == pytest.approx(1.0)
    assert found.roc_area == pytest.approx(1.0)
    assert found.best_f1 == pytest.approx(1.0)


def test_the_best_f1_is_the_greatest_of_all_thresholds():
    c = curve(n=51)
    f1 = [2 * tp / (2 * tp + fp + fn) for tp, fp, fn in zip(c.tp, c.fp, c.fn, strict=True)]

    found = pr_curves.summary(c)

    assert found.best_f1 == pytest.approx(max(f1), rel=1e-5)
    assert found.best_threshold == pytest.approx(np.argmax(f1) / 50)


def test_what_the_counts_do_not_allow_is_unknown():
    only_positive = curve(np.ones(9), np.linspace(0, 1, 9))
    only_negative = curve(np.zeros(9), np.linspace(0, 1, 9))

    assert math.isnan(pr_curves.roc_area(only_positive))
    assert pr_curves.average_precision(only_positive) == pytest.approx(1.0)
    assert np.isnan(pr_curves.false_positive_rate(only_positive)).all()
    assert math.isnan(pr_curves.average_precision(only_negative))
    assert math.isnan(pr_curves.roc_area(only_negative))


def test_the_false_positive_rate_is_the_share_of_the_negatives():
    c = curve(n=11)

    expected = [np.mean(np.floor(SCORES[~LABELS] * 10) >= k) for k in range(11)]
    np.testing.assert_allclose(pr_curves.false_positive_rate(c), expected, rtol=1e-5)
