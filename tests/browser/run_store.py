"""Hold made-up runs and problems in memory, behind the face of `gpuboard.store.store.Store`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gpuboard.errors import NotFoundError
from gpuboard.store.columns import Catalogue, Problem, Progress, RunInfo, Series, TagInfo

START = 1_790_000_000.0


def run(number: int, name: str, **changes) -> RunInfo:
    """One run; `changes` replace what it would have."""
    step = changes.pop("last_step", 100 * (number + 1))
    tags = {"loss": TagInfo("loss", "scalar", 10, 0, step)}
    made = RunInfo(
        id=number,
        name=name,
        version=1,
        tags=tags,
        files=(f"{name}/events.out.tfevents.0",),
        start=START + number,
        end=START + 60 * (number + 1),
        events=11,
        points=10 * (number + 1),
        bytes=1000 * (number + 1),
        problems=0,
        state="done",
    )
    return dataclasses.replace(made, **changes)


class RunStore:
    """Runs without points, in the order given, with a version that tests turn up."""

    def __init__(self, *runs: RunInfo, problems: tuple[Problem, ...] = ()):
        self.logdir = Path("somewhere/runs")
        self.version = 1
        self.runs = runs
        self.phase = Progress("watching", 100, 100, len(runs))
        self.found = problems

    @classmethod
    def named(cls, *names: str) -> RunStore:
        """Runs of these names and nothing special about them."""
        return cls(*(run(number, name) for number, name in enumerate(names)))

    def add(self, name: str) -> None:
        """Let one more run appear."""
        self.runs = (*self.runs, run(len(self.runs), name))
        self.version += 1

    def catalogue(self) -> Catalogue:
        return Catalogue(self.version, self.runs)

    def series(self, run_id: int, tag: str) -> Series:
        raise NotFoundError(f"run {run_id} has no points of {tag!r}")

    def series_many(self, run_ids, tag):
        return []

    def problems(self) -> tuple[Problem, ...]:
        return self.found

    def progress(self) -> Progress:
        return self.phase
