"""Stand in for the clock and the disk, so that tests decide what time it is and what fails."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tests import make


class FakeClock:
    """Tells the time that a test sets."""

    def __init__(self, wall: float = make.START_TIME) -> None:
        self.now = wall
        self.ticks = 0.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.ticks += seconds


class Disk:
    """Counts calls that concern one path and what lies below it, and fails the n-th of them.

    Attributes:
        calls: Names of the calls so far.
        has_failed: Whether the n-th call was made.
        bytes_read: Bytes that reads returned.
        max_read: No read returns more bytes at once.
    """

    def __init__(self, below: Path, nth: int = 0, code: int = errno.EIO) -> None:
        self.below = str(below)
        self.nth = nth
        self.code = code
        self.calls: list[str] = []
        self.has_failed = False
        self.bytes_read = 0
        self.max_read: int | None = None

    @contextlib.contextmanager
    def mounted(self) -> Iterator[Disk]:
        """Put this disk between the process and the file system."""
        with contextlib.ExitStack() as stack:
            for name in ("pread", "preadv", "fstat", "stat", "scandir"):
                stack.enter_context(mock.patch.object(os, name, self._wrap(getattr(os, name))))
            stack.enter_context(mock.patch.object(Path, "open", self._wrap(Path.open)))
            yield self

    def _wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            if not args or not self._concerns(args[0]):
                return call(*args, **more)
            self._count(call.__name__)
            if call.__name__ == "scandir":
                return iter([_Entry(entry, self) for entry in call(*args, **more)])
            if call.__name__ == "preadv" and self.max_read is not None:
                args = (args[0], [part[: self.max_read] for part in args[1]], *args[2:])
            answer = call(*args, **more)
            if call.__name__ in {"pread", "preadv"}:
                self.bytes_read += answer if isinstance(answer, int) else len(answer)
            return answer

        return wrapped

    def _concerns(self, target: Any) -> bool:
        if isinstance(target, int):
            try:
                target = str(Path(f"/proc/self/fd/{target}").readlink())
            except OSError:
                return False
        path = os.fspath(target)
        return isinstance(path, str) and (
            path == self.below or path.startswith(self.below + os.sep)
        )

    def _count(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) == self.nth:
            self.has_failed = True
            raise OSError(self.code, os.strerror(self.code))


class _Entry:
    """A directory entry whose questions to the file system are counted too."""

    def __init__(self, entry: os.DirEntry[str], disk: Disk) -> None:
        self._entry = entry
        self._disk = disk
        self.name = entry.name
        self.path = entry.path

    def __fspath__(self) -> str:
        return self.path

    def is_dir(self) -> bool:
        return self._ask("is_dir")

    def is_file(self) -> bool:
        return self._ask("is_file")

    def is_symlink(self) -> bool:
        return self._entry.is_symlink()

    def stat(self) -> os.stat_result:
        return self._ask("stat")

    def _ask(self, name: str) -> Any:
        if self._disk._concerns(self.path):
            self._disk._count(f"entry.{name}")
        return getattr(self._entry, name)()
