"""Decide when a sampling process that failed may touch the driver again."""

from __future__ import annotations

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 600.0
# A process that lived so long had nothing to do with the failures before it.
HEALTHY_S = 600.0
# For shorter waits it is not worth starting a process that reads the host alone.
WORTH_A_HOST_PROCESS_S = 5.0


class Restarts:
    """Waits twice as long after each failure.

    Attributes:
        count: Failures so far.
        gpu_at: Monotonic time from which on the driver may be touched again.
    """

    def __init__(self) -> None:
        self._delay = FIRST_DELAY_S
        self.count = 0
        self.gpu_at = 0.0

    def failed(self, now: float, lived_s: float) -> None:
        """Note that a process crashed, hung or could not be started."""
        self._delay = FIRST_DELAY_S if lived_s >= HEALTHY_S else self._delay
        self.count += 1
        self.gpu_at = now + self._delay
        self._delay = min(2 * self._delay, LONGEST_DELAY_S)

    def may_touch_driver(self, now: float) -> bool:
        """Say whether the wait is over."""
        return now >= self.gpu_at

    def wants_host_process(self, now: float) -> bool:
        """Say whether to watch the host alone meanwhile."""
        return self.gpu_at - now > WORTH_A_HOST_PROCESS_S
