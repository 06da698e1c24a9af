"""Find files below a directory: a run is a directory that holds at least one event file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from gpuboard import limits

_MARK = "tfevents"
_NOT_EVENTS = ".profile-empty"

IsWanted = Callable[[str], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class FoundFile:
    """One file as it stood when it was looked at.

    Attributes:
        run: Directory relative to the log directory, "." for that itself.
        path: Where to open it.
        size: Bytes.
        modified: Wall time of the last change in seconds.
        identity: Device and inode.
    """

    run: str
    path: Path
    size: int
    modified: float
    identity: tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Blocked:
    """A place that could not be searched, relative to the log directory, and why.

    Attributes:
        is_gone: It is not there any more; otherwise nobody knows what lies there.
    """

    path: str
    reason: str
    is_gone: bool = False


def discover(root: Path) -> Iterator[FoundFile | Blocked]:
    """Yield every event file below `root`, and what could not be searched.

    Links are followed, but not out of `root` and not into a directory that is being searched
    already, so loops end. A file is an event file when its name contains "tfevents".

    Args:
        root: The log directory.
    """
    yield from walk(root, is_event_file)


def walk(root: Path, is_wanted: IsWanted) -> Iterator[FoundFile | Blocked]:
    """Yield the files below `root` whose names are wanted, with the same care as `discover`."""
    real_root = Path(os.path.realpath(root))
    budget = _Budget(limits.MAX_DIRECTORY_ENTRIES.value, is_wanted)
    yield from _search(root, ".", real_root, (), budget)


def is_event_file(name: str) -> bool:
    """Say whether a file of this name holds events."""
    return _MARK in name and not name.endswith(_NOT_EVENTS)


class _Budget:
    def __init__(self, entries: int, is_wanted: IsWanted) -> None:
        self.left = entries
        self.is_wanted = is_wanted


def _search(
    folder: Path,
    run: str,
    real_root: Path,
    above: tuple[tuple[int, int], ...],
    budget: _Budget,
) -> Iterator[FoundFile | Blocked]:
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        reason = f"{error.strerror or error}; what lies below is not shown"
        yield Blocked(run, reason, _means_gone(error))
        return
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    for entry in entries:
        inner = entry.name if run == "." else f"{run}/{entry.name}"
        budget.left -= 1
        if budget.left < 0:
            if budget.left == -1:
                cap = limits.MAX_DIRECTORY_ENTRIES.value
                yield Blocked(".", f"more than {cap:,} entries; from {inner} on nothing is shown")
            return
        yield from _look_at(entry, run, inner, real_root, (*above, identity), budget)


def _look_at(
    entry: os.DirEntry[str],
    run: str,
    inner: str,
    real_root: Path,
    above: tuple[tuple[int, int], ...],
    budget: _Budget,
) -> Iterator[FoundFile | Blocked]:
    try:
        is_folder = entry.is_dir()
        if not is_folder and not budget.is_wanted(entry.name):
            return
        if entry.is_symlink() and not _is_inside(entry, real_root):
            yield Blocked(inner, "a link that leads out of the log directory; it is not followed")
            return
        if not is_folder:
            if entry.is_file():
                yield _found(entry, run)
            return
    except OSError as error:
        # A link to itself, or an entry that vanished since the listing.
        yield Blocked(inner, f"{error.strerror or error}", _means_gone(error))
        return
    if len(above) > limits.MAX_DIRECTORY_DEPTH.value:
        reason = f"nested deeper than {limits.MAX_DIRECTORY_DEPTH.value} folders; not searched"
        yield Blocked(inner, reason)
        return
    yield from _search(Path(entry.path), inner, real_root, above, budget)


def _means_gone(error: OSError) -> bool:
    return isinstance(error, FileNotFoundError | NotADirectoryError)


def _is_inside(entry: os.DirEntry[str], real_root: Path) -> bool:
    return Path(os.path.realpath(entry.path)).is_relative_to(real_root)


def _found(entry: os.DirEntry[str], run: str) -> FoundFile:
    status = entry.stat()
    return FoundFile(
        run=run,
        path=Path(entry.path),
        size=status.st_size,
        modified=status.st_mtime,
        identity=(status.st_dev, status.st_ino),
    )
