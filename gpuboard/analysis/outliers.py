"""Measure how far the drawn values reach, with and without outliers."""

from __future__ import annotations

import numpy as np

from gpuboard.store.columns import Float64s

VALUES_LOOKED_AT = 20_000
ROBUST_PERCENTILES = (5, 95)

Extent = tuple[float, float]


def extent(values: Float64s) -> Extent | None:
    """Return the least and the greatest finite value, None where there is none."""
    low, high = float(np.nanmin(values, initial=np.inf)), float(np.nanmax(values, initial=-np.inf))
    if np.isinf(low) or np.isinf(high):
        finite = values[np.isfinite(values)]
        return (float(finite.min()), float(finite.max())) if len(finite) else None
    return low, high


def robust_extent(values: Float64s) -> Extent | None:
    """Return the 5th and the 95th percentile of the finite values, None where there is none.

    Of more than 20,000 values evenly spread ones are looked at. The stride is odd: drawn lines
    alternate between least and greatest values, and an even one might meet one sort only.
    """
    stride = len(values) // VALUES_LOOKED_AT * 2 + 1 if len(values) > VALUES_LOOKED_AT else 1
    sample = values[::stride]
    finite = sample[np.isfinite(sample)]
    if not len(finite):
        return extent(values)
    low, high = np.percentile(finite, ROBUST_PERCENTILES)
    return float(low), float(high)
