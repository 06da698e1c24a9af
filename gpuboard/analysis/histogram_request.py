"""Say which picture of histograms is wanted; light, so that no request waits for compiled code."""

from __future__ import annotations

import dataclasses

from gpuboard import limits
from gpuboard.analysis.request import check_window, one_of
from gpuboard.errors import InputError

Extent = tuple[float, float]

MODES = ("ridge", "overlay", "bands", "heat", "step", "runs")
AXES = ("step", "relative", "wall")
RANGES = ("all", "robust")

# Ranges farther out would overflow when they are divided into bins.
FARTHEST = 4e307


@dataclasses.dataclass(frozen=True, slots=True)
class HistogramRequest:
    """One picture of histograms.

    Attributes:
        mode: One of `MODES`: "ridge" and "overlay" want some steps, "bands" and "heat" columns of
            all steps, "step" and "runs" no more than the chosen one.
        axis: One of `AXES`: along which steps are laid out.
        bins: How many bins the range of values is divided into.
        rows: How many steps a ridge or overlay shows at most.
        width: How many columns bands or a heat map have at most.
        scale: One of `RANGES`, or the least and greatest value to be shown.
    """

    mode: str = "ridge"
    axis: str = "step"
    bins: int = 100
    rows: int = 60
    width: int = 320
    scale: str | Extent = "all"

    def __post_init__(self) -> None:
        one_of("mode", self.mode, MODES)
        one_of("x", self.axis, AXES)
        _within("bins", self.bins, limits.MAX_HISTOGRAM_BINS.value)
        _within("rows", self.rows, limits.MAX_HISTOGRAM_ROWS.value)
        _within("width", self.width, limits.MAX_HISTOGRAM_ROWS.value)
        if isinstance(self.scale, str):
            one_of("range", self.scale, RANGES)
            return
        check_window(*self.scale)
        if self.scale[0] == self.scale[1] or max(map(abs, self.scale)) > FARTHEST:
            raise InputError(
                f"range: got {list(self.scale)}, expected first < last within ±{FARTHEST:g}"
            )


def _within(name: str, found: int, most: int) -> None:
    if not 1 <= found <= most:
        raise InputError(f"{name}: got {found}, expected 1 to {most}")
