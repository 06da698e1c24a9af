"""Keep long series unpacked while somebody looks at them.

Who zooms into ten million points asks for the same series again and again. Unpacking it takes as
long as thinning it for the screen, so the last ones stay, within bounds of memory and time.
"""

from __future__ import annotations

import collections
import dataclasses
import threading
from collections.abc import Callable

from gpuboard.store.columns import Series

LONG_POINTS = 1 << 20
MAX_BYTES = 256 << 20
MAX_IDLE_S = 60.0


@dataclasses.dataclass(slots=True)
class _Kept:
    series: Series
    origin: object  # what it was unpacked from
    asked: float


class LongSeries:
    """The long series that were asked for last; safe to use from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: collections.OrderedDict[tuple[int, str], _Kept] = collections.OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes that are kept."""
        with self._lock:
            return sum(_bytes(kept.series) for kept in self._kept.values())

    def get(
        self,
        key: tuple[int, str],
        origin: object,
        now: float,
        unpack: Callable[[], Series | None],
    ) -> Series | None:
        """Return a series as it was unpacked before, or unpack it.

        Args:
            key: Number of the run and name of the tag.
            origin: An object that is replaced when the series grows.
            now: Seconds of a clock that never goes back.
            unpack: Called where nothing is kept that came from this very `origin`.
        """
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.origin is origin:
                kept.asked = now
                self._kept.move_to_end(key)
                return kept.series
        series = unpack()
        if series is not None and len(series) >= LONG_POINTS:
            self._keep(key, _Kept(series, origin, now))
        return series

    def forget(self, now: float) -> None:
        """Let go of what nobody has asked for lately."""
        with self._lock:
            for key in [k for k, kept in self._kept.items() if now - kept.asked > MAX_IDLE_S]:
                del self._kept[key]

    def _keep(self, key: tuple[int, str], kept: _Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            total = sum(_bytes(other.series) for other in self._kept.values())
            while total > self._max_bytes:
                _, oldest = self._kept.popitem(last=False)
                total -= _bytes(oldest.series)


def _bytes(series: Series) -> int:
    return series.wall_time.nbytes + series.step.nbytes + series.value.nbytes
