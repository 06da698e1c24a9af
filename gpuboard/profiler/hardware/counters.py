"""Turn counters that grow, wrap and start again into growth per second."""

from __future__ import annotations

import dataclasses

_WRAP = 1 << 32


def growth(old: float, new: float) -> float | None:
    """Return how much a counter grew, or None when it started again.

    A counter that fell has either passed 2^32, as many of the driver's do whatever the width of
    the field they come in, or was reset. It is believed to have wrapped when that explains it by
    less than half a turn; more than that at once is taken for a reset.
    """
    if new >= old:
        return new - old
    around = new + _WRAP - old
    return around if old < _WRAP and around < _WRAP / 2 else None


@dataclasses.dataclass(slots=True)
class Rate:
    """Growth per second of one counter, by monotonic time."""

    _old: float | None = None
    _at: float = 0.0

    def step(self, value: float, at: float) -> float | None:
        """Take in a reading and return the growth per second since the last, if there is one.

        Args:
            value: What the counter shows.
            at: Monotonic time of the reading, seconds.
        """
        old, since = self._old, at - self._at
        if old is not None and since <= 0:
            return None
        self._old, self._at = value, at
        grown = None if old is None else growth(old, value)
        return None if grown is None else grown / since

    def forget(self) -> None:
        """Start anew, so that no growth is worked out across a gap."""
        self._old = None
