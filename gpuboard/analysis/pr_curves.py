"""Sum up precision-recall curves: average precision, area under the ROC curve, best F1."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from gpuboard.summaries.pr_curve import Float64s, PrCurve


@dataclasses.dataclass(frozen=True, slots=True)
class PrSummary:
    """What one number says of a curve, NaN where the counts do not allow it.

    Attributes:
        average_precision: Mean of the precision, weighted by the gain in recall.
        roc_area: Area under the curve of true over false positive rate.
        best_f1: Greatest harmonic mean of precision and recall.
        best_threshold: Threshold at which it is reached.
    """

    average_precision: float
    roc_area: float
    best_f1: float
    best_threshold: float


def summary(curve: PrCurve) -> PrSummary:
    """Return the summary of a curve."""
    score = f1(curve)
    best = int(np.argmax(score))
    return PrSummary(
        average_precision(curve), roc_area(curve), float(score[best]), float(curve.threshold[best])
    )


def average_precision(curve: PrCurve) -> float:
    """Return the sum over thresholds of (R_k - R_k+1) * P_k, where R after the last is 0.

    The sum of steps, not of trapezoids: linear interpolation between points of a precision-recall
    curve is too good (Davis and Goadrich, 2006). NaN without a positive example.
    """
    if not curve.tp[0] + curve.fn[0] > 0:
        return math.nan
    gain = curve.recall - np.append(curve.recall[1:], 0.0)
    return float(np.sum(gain * curve.precision))


def false_positive_rate(curve: PrCurve) -> Float64s:
    """Return fp / (fp + tn), shape (n,); NaN without a negative example."""
    negatives = curve.fp + curve.tn
    with np.errstate(divide="ignore", invalid="ignore"):
        rate: Float64s = np.where(negatives > 0, curve.fp / negatives, np.nan)
    return rate


def roc_area(curve: PrCurve) -> float:
    """Return the area under recall over false positive rate, by trapezoids, down to (0, 0).

    NaN without a positive or without a negative example.
    """
    if not (curve.tp[0] + curve.fn[0] > 0 and curve.fp[0] + curve.tn[0] > 0):
        return math.nan
    x = np.append(false_positive_rate(curve), 0.0)
    y = np.append(curve.recall, 0.0)
    return float(np.sum((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2))


def f1(curve: PrCurve) -> Float64s:
    """Return 2 P R / (P + R), shape (n,); 0 where both are 0."""
    total = curve.precision + curve.recall
    score: Float64s = np.where(
        total > 0, 2 * curve.precision * curve.recall / np.maximum(total, 1e-300), 0.0
    )
    return score
