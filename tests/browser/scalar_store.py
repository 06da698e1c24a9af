"""Hold made-up scalars in memory, behind the face of `gpuboard.store.store.Store`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gpuboard.errors import NotFoundError
from gpuboard.store.columns import NO_PURGE, Catalogue, Progress, RunInfo, Series, TagInfo

START = 1_790_000_000.0
POINTS = 400
NAMES = ("base/seed1", "base/seed2", "wide/seed1", "wide/seed2")


def series_of(value, *, step=None, start=START, every_s=1.0, writers=(0,)) -> Series:
    """One series with a value at each of `step` (0, 1, 2 ... where it is not given)."""
    value = np.asarray(value, dtype=float)
    step = np.arange(len(value)) if step is None else np.asarray(step)
    return Series(
        wall_time=start + np.arange(len(value)) * every_s,
        step=step.astype(np.int64),
        value=value,
        writer_start=np.array(writers, dtype=np.int64),
        purge_step=np.full(len(writers), NO_PURGE, dtype=np.int64),
    )


class ScalarStore:
    """Runs by name, each with its series by tag."""

    def __init__(self, runs: dict[str, dict[str, Series]]):
        self.logdir = Path("runs")
        self.version = 1
        self._names = list(runs)
        self._series = [dict(tags) for tags in runs.values()]
        self._changed = [1] * len(runs)

    def put(self, run_id: int, tag: str, series: Series) -> None:
        """Replace one series, as a growing log does."""
        self.version += 1
        self._series[run_id][tag] = series
        self._changed[run_id] = self.version

    def catalogue(self) -> Catalogue:
        return Catalogue(self.version, tuple(self._info(i) for i in range(len(self._names))))

    def series(self, run_id: int, tag: str) -> Series:
        try:
            return self._series[run_id][tag]
        except (IndexError, KeyError):
            raise NotFoundError(f"run {run_id} has no tag {tag!r}") from None

    def series_many(self, run_ids, tag):
        return [(i, self._series[i][tag]) for i in run_ids if tag in self._series[i]]

    def problems(self):
        return ()

    def progress(self) -> Progress:
        return Progress("watching", 100, 100, len(self._names))

    def _info(self, i: int) -> RunInfo:
        tags = {tag: self._tag(tag, series) for tag, series in self._series[i].items()}
        times = [time for one in self._series[i].values() for time in one.wall_time[[0, -1]]]
        return RunInfo(
            id=i,
            name=self._names[i],
            version=self._changed[i],
            tags=tags,
            files=(f"{self._names[i]}/events.out.tfevents.0",),
            start=float(min(times, default=START)),
            end=float(max(times, default=START)),
            events=1000,
            points=sum(tag.points for tag in tags.values()),
            bytes=50_000,
            problems=0,
            state="done",
        )

    @staticmethod
    def _tag(tag: str, series: Series) -> TagInfo:
        first, last = (int(series.step[0]), int(series.step[-1])) if len(series) else (0, 0)
        return TagInfo(tag, "scalar", len(series), first, last)


def losses(k: int) -> np.ndarray:
    steps = np.arange(POINTS)
    noise = np.random.default_rng(k).normal(0, 0.02, POINTS)
    return 2.0 * np.exp(-steps / 120) + 0.3 * k + 0.2 + noise


def a_store() -> ScalarStore:
    """Four runs, four tags in two groups; the second run of loss/val breaks down."""
    broken = losses(1)
    broken[200:203] = np.nan
    broken[250] = np.inf
    broken[[300, 302]] = np.nan
    step = np.arange(POINTS) * 10
    runs = {}
    for k, name in enumerate(NAMES):
        start = 1.79e9 + 60 * k
        series = {
            "loss/train": series_of(losses(k), step=step, start=start),
            "loss/val": series_of(broken if k == 1 else losses(k), step=step, start=start),
            "optim/lr": series_of(np.linspace(1e-3, 1e-5, POINTS), step=step, start=start),
        }
        if k == 0:
            restarted = np.r_[np.arange(300), np.arange(250, 400)]
            series["loss/restarted"] = series_of(
                losses(0)[restarted], step=restarted * 10, writers=(0, 300)
            )
        runs[name] = series
    return ScalarStore(runs)
