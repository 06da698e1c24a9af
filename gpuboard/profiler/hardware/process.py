"""Start the sampling process, read what it sends, and end it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import gpuboard
from gpuboard.profiler.hardware import wire
from gpuboard.profiler.hardware.child import Settings

_PIECE_BYTES = 1 << 20
# The package that runs here must run there too, and nothing may be found in the working directory.
_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); import gpuboard; del sys.path[0]; "
    "from gpuboard.profiler.hardware.child import main; sys.exit(main())"
)
_GRACE_S = 2.0


class SamplingProcess:
    """One child process and its pipe.

    Args:
        settings: What it samples.
        environment: Its environment; ours if None.

    Raises:
        OSError: It could not be started.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        root = str(Path(gpuboard.__file__).resolve().parent.parent)
        # Started anew instead of forked: the driver's library does not survive a fork, nor do we
        # want the locks and the memory of a training process.
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
            [sys.executable, "-P", "-c", _CODE, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=None if environment is None else dict(environment),
        )
        self.with_gpu = settings.with_gpu
        self._frames = wire.Frames()
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None  # noqa: S101
            self._process.stdin.write(settings.to_line())
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """Return its number."""
        return self._process.pid

    def frames(self, timeout_s: float) -> Iterator[tuple[bytes, bytes]]:
        """Wait for bytes, at most so long, and yield the frames that they complete.

        Raises:
            EOFError: The process has closed its end.
            gpuboard.errors.DataError: What it sends are no frames.
        """
        out = self._process.stdout
        assert out is not None  # noqa: S101
        ready, _, _ = select.select([out], [], [], timeout_s)
        if ready:
            piece = os.read(out.fileno(), _PIECE_BYTES)
            if not piece:
                raise EOFError
            yield from self._frames.feed(piece)

    def end(self, *, by_force: bool = False) -> int | None:
        """End it and return its exit code, or None when not even force ends it now.

        A process that waits for the driver inside the kernel cannot be ended until that returns.
        """
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if not by_force:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._closed(self._process.wait(_GRACE_S))
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._closed(self._process.wait(_GRACE_S))
        return None

    def has_ended(self) -> bool:
        """Say whether it is gone by now."""
        return self._process.poll() is not None

    def _closed(self, code: int) -> int:
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


def ending(code: int | None) -> str:
    """Return an exit code in words."""
    if code is None:
        return "it cannot be ended while it waits for the driver"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with exit code {code}"
