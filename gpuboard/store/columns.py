"""Define what readers of the store receive: columns of one series, and the catalogue of all.

Everything here is immutable: a reader keeps what it got for as long as it likes, and no lock
is held while it draws.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """All points of one scalar tag of one run, in file order, none left out.

    Attributes:
        wall_time: Seconds since the epoch, shape (n,).
        step: Exact steps as logged, shape (n,).
        value: Values, NaN and infinities included, shape (n,).
        writer_start: Index of the first point of each file that wrote this series, or that voids
            points of it by a purge step, ascending, shape (k,); `writer_start[0] == 0`.
        purge_step: For each of these files the step of its session-start event: points of earlier
            files at that step and later are void. `NO_PURGE` where the file has none, shape (k,).
    """

    wall_time: Float64s
    step: Int64s
    value: Float64s
    writer_start: Int64s
    purge_step: Int64s

    def __len__(self) -> int:
        return len(self.step)


NO_PURGE = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True, slots=True)
class TagInfo:
    """One tag of one run.

    Attributes:
        kind: "scalar", "histogram", "image", "audio", "text", "tensor", "graph", "hparams",
            "pr_curve", "mesh", "custom_scalars" or the name of the plugin that wrote it.
        points: How many values were logged.
        first_step: Step of the first value in file order.
        last_step: Step of the last value in file order.
    """

    tag: str
    kind: str
    points: int
    first_step: int
    last_step: int
    display_name: str = ""
    description: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class RunInfo:
    """One run: a directory that holds event files.

    Attributes:
        id: Small number that stays the same while the server runs.
        name: Path relative to the log directory, "." for the directory itself.
        version: Store version at the last change of this run.
        tags: What was logged, by tag name.
        start: Wall time of the first event in seconds since the epoch, NaN when there is none.
        end: Wall time of the latest event, NaN when there is none.
        state: "live" (written to lately), "done" or "deleted" (its files are gone).
    """

    id: int
    name: str
    version: int
    tags: Mapping[str, TagInfo]
    files: tuple[str, ...]
    start: float
    end: float
    events: int
    points: int
    bytes: int
    problems: int
    state: str


@dataclasses.dataclass(frozen=True, slots=True)
class Catalogue:
    """What the store held at `version`; runs in natural order of their names."""

    version: int
    runs: tuple[RunInfo, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was wrong with a file, and what became of it: a row of the health page.

    Attributes:
        file: Path relative to the log directory.
        offset: Byte at which the trouble starts, 0 where it concerns the whole file.
        kind: A word for the sort of trouble, such as "damaged_record".
        message: What was found, what it means and what was kept.
    """

    file: str
    offset: int
    kind: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far reading has come: phase "starting", "compiling", "reading" or "watching"."""

    phase: str
    bytes_done: int
    bytes_total: int
    files: int
