"""Open stores on small directories and return what they hold in a form that compares."""

from __future__ import annotations

from pathlib import Path

from gpuboard.store.columns import Series
from gpuboard.store.store import Store
from tests.eventlog.reading import plain
from tests.fakes import FakeClock


def open_store(logdir: Path, clock: FakeClock | None = None) -> Store:
    """Return a store that has read everything once."""
    store = Store(logdir, clock=clock or FakeClock(), workers=1)
    store.refresh()
    return store


def rows(series: Series) -> list[tuple[int, float | str, float | str]]:
    return [
        (step, plain(time), plain(value))
        for step, time, value in zip(
            series.step.tolist(), series.wall_time.tolist(), series.value.tolist(), strict=True
        )
    ]


def steps(store: Store, run: str, tag: str = "loss") -> list[int]:
    return store.find_run(run).series(tag).step.tolist()


def kinds(store: Store) -> list[str]:
    return [problem.kind for problem in store.problems()]


def state(store: Store, run: str) -> str:
    return next(info.state for info in store.catalogue().runs if info.name == run)
