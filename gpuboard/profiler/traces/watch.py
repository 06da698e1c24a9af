"""Tell whoever waits how far reading has come, and end it when nobody waits any more."""

from __future__ import annotations

from collections.abc import Callable

from gpuboard.errors import GpuboardError

Progress = Callable[[float], object]
IsCancelled = Callable[[], bool]


class ReadingCancelledError(GpuboardError):
    """Reading was ended before it was done, because nobody waits for it."""

    http_status = 409


class Watch:
    """Both callbacks of a reader, in one."""

    def __init__(
        self, progress: Progress | None = None, cancelled: IsCancelled | None = None
    ) -> None:
        """Take what to call.

        Args:
            progress: Told a fraction from 0 to 1; what it raises ends the reading.
            cancelled: Says whether to end.
        """
        self._progress = progress
        self._cancelled = cancelled

    @property
    def is_cancelled(self) -> bool:
        """Whether the reading should end; for places that must not raise."""
        return self._cancelled is not None and self._cancelled()

    def at(self, fraction: float) -> None:
        """Say that so much is done.

        Raises:
            ReadingCancelledError: Nobody waits for the rest.
        """
        if self.is_cancelled:
            raise ReadingCancelledError("reading the trace was cancelled")
        if self._progress is not None:
            self._progress(min(max(fraction, 0.0), 1.0))
