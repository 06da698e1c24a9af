"""Say what a chart asks for; nothing here needs compiled code, so pages can import it at once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from gpuboard import limits
from gpuboard.errors import InputError
from gpuboard.store.columns import Series

AXES = ("step", "relative", "wall", "active", "index")
SMOOTHINGS = ("none", "ema", "gaussian", "mean")
CENTERS = ("mean", "median")
BANDS = ("std", "minmax", "percentile")


def one_of(name: str, found: object, allowed: tuple[str, ...]) -> None:
    """Check that `found` is one of the `allowed` words.

    Raises:
        InputError: It is not; the text names the field and the words.
    """
    if found not in allowed:
        raise InputError(f"{name}: got {str(found)[:80]!r}, expected one of {', '.join(allowed)}")


@dataclasses.dataclass(frozen=True, slots=True)
class Smoothing:
    """How strongly a line is smoothed; one amount takes the same share of noise in every kind.

    Attributes:
        kind: "none", "ema", "gaussian" or "mean", see `gpuboard.analysis.smooth`.
        amount: In [0, 1). 0 leaves the line as it is.
    """

    kind: str = "none"
    amount: float = 0.0

    def __post_init__(self) -> None:
        one_of("smooth.kind", self.kind, SMOOTHINGS)
        if not 0 <= self.amount < 1:
            raise InputError(f"smooth.amount: got {self.amount}, expected 0 <= amount < 1")

    @property
    def is_on(self) -> bool:
        """Whether the line drawn differs from the points logged."""
        return self.kind != "none" and self.amount > 0


NO_SMOOTHING = Smoothing()


@dataclasses.dataclass(frozen=True, slots=True)
class Fold:
    """Which runs become one line with a band.

    Attributes:
        pattern: Regular expression searched in the run name; its captured groups, joined by "/",
            name the group (the whole match where it captures nothing). Runs that do not match
            stay lines of their own.
        hparams: Names of hyperparameters whose values tell groups apart; used instead of the
            pattern where there are any.
        center: "mean" or "median" of the runs at each x.
        band: "std" (center -+ sample standard deviation), "minmax", or "percentile" (16 to 84).
    """

    pattern: str = ""
    center: str = "mean"
    band: str = "std"
    hparams: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of("fold.center", self.center, CENTERS)
        one_of("fold.band", self.band, BANDS)


@dataclasses.dataclass(frozen=True, slots=True)
class CurveRequest:
    """One chart: which axis, which smoothing, which part of x, how many pixels.

    Attributes:
        axis: One of `AXES`, see `gpuboard.analysis.axes`.
        width: Pixels across, 1 to `limits.MAX_CHART_WIDTH`.
        window: First and last x on screen, None for all there is.
        overwritten: Whether points that a restart superseded are sent as lines of their own.
        is_log: Whether x is drawn on a logarithmic axis: pixels are then equal factors of x.
    """

    axis: str = "step"
    smoothing: Smoothing = NO_SMOOTHING
    width: int = 320
    window: tuple[float, float] | None = None
    overwritten: bool = False
    fold: Fold | None = None
    is_log: bool = False

    def __post_init__(self) -> None:
        one_of("x", self.axis, AXES)
        widest = limits.MAX_CHART_WIDTH.value
        if not 1 <= self.width <= widest:
            raise InputError(f"width: got {self.width}, expected 1 to {widest} pixels")
        if self.window is not None:
            check_window(*self.window)


def check_window(low: float, high: float) -> None:
    """Check that a range of x is finite and not turned round.

    Raises:
        InputError: It is not.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise InputError(f"range: got [{low}, {high}], expected two finite numbers, first <= last")


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One run's points of the tag that a chart shows.

    Attributes:
        run: Id of the run.
        name: Name of the run, which groups are formed from.
        origin: Wall time of the run's first event, where relative time starts; NaN if unknown.
        version: Store version at the run's last change: what caches are keyed by.
        series: The points in file order.
        hparams: The run's hyperparameters, where they are needed for folding.
    """

    run: int
    name: str
    origin: float
    version: int
    series: Series
    hparams: Mapping[str, str | float | bool] = dataclasses.field(default_factory=dict)
