"""Say when to sample next: deadlines stand on a fixed grid, so that lateness does not add up."""

from __future__ import annotations

import math

from gpuboard.profiler.hardware.metrics import SECONDS_OF_PACE
from gpuboard.profiler.hardware.samples import Gap, Instant

# So many periods without a tick are a gap.
GAP_PERIODS = 3
_MIN_GAP_S = 3.0
# Wall and monotonic time that drift apart by more between two ticks: somebody set the clock, or
# the machine slept, which monotonic time does not count.
_JUMP_S = 5.0
_MAX_GAPS = 100


def gap_after(period_s: float) -> float:
    """Return how many seconds without a tick are a gap."""
    return max(GAP_PERIODS * period_s, _MIN_GAP_S)


class Ticks:
    """The grid of deadlines, and what each tick should read.

    Args:
        period_s: Seconds between ticks.
        now: The first deadline.

    Attributes:
        missed: Ticks left out because the one before took too long.
        gaps: The last stretches without samples.
    """

    def __init__(self, period_s: float, now: Instant) -> None:
        self._period = period_s
        self._start = now.monotonic
        self._count = 0
        self._last: Instant | None = None
        self._due = dict.fromkeys(SECONDS_OF_PACE, now.monotonic)
        self.missed = 0
        self.gaps: list[Gap] = []

    def deadline(self, now: float) -> float:
        """Return the next deadline after the last tick, skipping those that have passed.

        Args:
            now: Monotonic time, seconds.
        """
        following = max(self._count + 1, math.ceil((now - self._start) / self._period))
        self.missed += following - self._count - 1
        self._count = following
        return self._start + following * self._period

    def begin(self, at: Instant) -> tuple[frozenset[str], bool]:
        """Note that a tick begins.

        Returns:
            The paces that are due, and whether there was a gap or a jump of the clock before it,
            across which nothing may be worked out.
        """
        is_cut = self._is_cut(at)
        self._last = at
        return frozenset(pace for pace in SECONDS_OF_PACE if self._take(pace, at.monotonic)), is_cut

    def _take(self, pace: str, now: float) -> bool:
        every = SECONDS_OF_PACE[pace]
        # Half a period early is better than one period late.
        if every and now < self._due[pace] - self._period / 2:
            return False
        if every:
            self._due[pace] += every * max(1, math.ceil((now - self._due[pace]) / every))
        return True

    def _is_cut(self, at: Instant) -> bool:
        last = self._last
        if last is None:
            return False
        passed, on_wall = at.monotonic - last.monotonic, at.wall - last.wall
        is_gap = passed > gap_after(self._period)
        has_jumped = abs(on_wall - passed) > _JUMP_S
        if is_gap or (has_jumped and on_wall > 0):
            self.gaps = [*self.gaps[-_MAX_GAPS + 1 :], Gap(last.wall, at.wall)]
        return is_gap or has_jumped
