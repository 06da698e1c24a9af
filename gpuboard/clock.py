"""Tell the time through one object, so that tests can set it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the rest of the project may ask about time."""

    def wall(self) -> float:
        """Return seconds since the epoch; it may jump."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


class SystemClock:
    """Answer from the operating system."""

    def wall(self) -> float:
        """Return seconds since the epoch; it may jump."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()
