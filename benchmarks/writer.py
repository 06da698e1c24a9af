"""What logging a scalar costs the training thread, and what it costs to have it on disk.

Every writer logs the same points in the same process, in turn, round after round. A training step
is stood in for by a pause; after it all tags are logged, as training scripts do. The time until
everything is on disk counts the encoding and writing that happen behind the training thread, too.

A writer is left out where its package is not installed. Those that take a step's values in one
call are timed by that call, divided by the number of values.
"""

from __future__ import annotations

import importlib.util
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

TAGS = tuple(f"train/metric{k}" for k in range(10))
STEPS = 2_000
PAUSE_S = 0.001
_WARMUP_STEPS = 20

Values = dict[str, float]


class Writer(Protocol):
    """One way to log, opened on a directory."""

    def log(self, step: int, values: Values) -> list[float]:
        """Log the values of a step; return the seconds that each value took."""

    def finish(self) -> None:
        """Return when everything is on disk."""


class ByScalar:
    """A writer of which every value is a call of `add_scalar`."""

    def __init__(self, writer: Any) -> None:  # noqa: ANN401
        self._writer = writer

    def log(self, step: int, values: Values) -> list[float]:
        """Log the values of a step; return the seconds that each call took."""
        add_scalar, clock = self._writer.add_scalar, time.perf_counter
        taken = []
        for tag, value in values.items():
            started = clock()
            add_scalar(tag, value, step)
            taken.append(clock() - started)
        return taken

    def finish(self) -> None:
        """Close it."""
        self._writer.close()


class ByStep:
    """A writer that takes all values of a step in one call."""

    def __init__(self, log: Callable[[Values, int], object], finish: Callable[[], object]) -> None:
        self._log = log
        self._finish = finish

    def log(self, step: int, values: Values) -> list[float]:
        """Log the values of a step; return the seconds that each value took on average."""
        started = time.perf_counter()
        self._log(values, step)
        return [(time.perf_counter() - started) / len(values)] * len(values)

    def finish(self) -> None:
        """Close it."""
        self._finish()


def _gpuboard(folder: Path) -> Writer:
    from gpuboard import SummaryWriter

    return ByScalar(SummaryWriter(folder))


def _torch(folder: Path) -> Writer:
    from torch.utils.tensorboard import SummaryWriter

    return ByScalar(SummaryWriter(folder))


def _tensorboardx(folder: Path) -> Writer:
    from tensorboardX import SummaryWriter

    return ByScalar(SummaryWriter(str(folder)))


def _wandb(folder: Path) -> Writer:
    import wandb

    settings = wandb.Settings(silent=True, console="off")
    run = wandb.init(mode="offline", dir=str(folder), project="benchmark", settings=settings)
    return ByStep(lambda values, step: run.log(values, step=step), run.finish)


def _mlflow(folder: Path) -> Writer:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment("benchmark")
    mlflow.start_run()
    return ByStep(lambda values, step: mlflow.log_metrics(values, step=step), mlflow.end_run)


def _trackio(folder: Path) -> Writer:
    import trackio

    del folder  # it writes into the user's cache
    run = trackio.init(project="benchmark", embed=False)
    return ByStep(lambda values, step: run.log(values, step=step), trackio.finish)


WRITERS: dict[str, tuple[tuple[str, ...], Callable[[Path], Writer]]] = {
    "gpuboard": (("gpuboard",), _gpuboard),
    "torch": (("torch", "tensorboard"), _torch),
    "tensorboardX": (("tensorboardX",), _tensorboardx),
    "wandb offline": (("wandb",), _wandb),
    "mlflow": (("mlflow",), _mlflow),
    "trackio": (("trackio",), _trackio),
}


def run(names: list[str], root: Path, rounds: int) -> dict[str, Any]:
    """Return the figures of all writers that are installed; the shapes of logs do not matter."""
    del names
    root.mkdir(parents=True, exist_ok=True)
    return measure(root, rounds, STEPS)


def measure(root: Path, rounds: int, steps: int, pause_s: float = PAUSE_S) -> dict[str, Any]:
    """Return figures for so many steps.

    Args:
        root: Where logs are written; they are removed again.
        rounds: How often each writer is measured.
        steps: Steps of each round, with one value for each of `TAGS`.
        pause_s: How long a step of training takes.
    """
    makers = dict(_installed())
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            with tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True) as folder:
                found[name].append(_measure_once(make, Path(folder), steps, pause_s))
    writers = {name: _medians(figures) for name, figures in found.items()}
    own = writers["gpuboard"]["median_us"]
    return {
        "rounds": rounds,
        "points": steps * len(TAGS),
        "writers": writers,
        "ratios": {
            f"{name} over gpuboard, median of a call": round(figures["median_us"] / own, 1)
            for name, figures in writers.items()
            if name != "gpuboard"
        },
    }


def _installed() -> Iterator[tuple[str, Callable[[Path], Writer]]]:
    for name, (packages, make) in WRITERS.items():
        if all(importlib.util.find_spec(package) for package in packages):
            yield name, make


def _measure_once(
    make: Callable[[Path], Writer], folder: Path, steps: int, pause_s: float
) -> dict[str, Any]:
    writer = make(folder)
    values = dict.fromkeys(TAGS, 0.5)
    for step in range(_WARMUP_STEPS):
        writer.log(step, values)
    taken: list[float] = []
    working = 0.0
    for step in range(_WARMUP_STEPS, _WARMUP_STEPS + steps):
        time.sleep(pause_s)
        started = time.perf_counter()
        taken += writer.log(step, values)
        working += time.perf_counter() - started
    started = time.perf_counter()
    writer.finish()
    finishing = time.perf_counter() - started
    points = (_WARMUP_STEPS + steps) * len(TAGS)
    nbytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "median_us": 1e6 * float(np.median(taken)),
        "p99_us": 1e6 * float(np.percentile(taken, 99)),
        "mean_us": 1e6 * working / (steps * len(TAGS)),
        "finish_ms": 1e3 * finishing,
        "until_on_disk_us": _until_on_disk(make, folder / "at-once", steps),
        "bytes_per_point": nbytes / points if nbytes else math.nan,
    }


def _until_on_disk(make: Callable[[Path], Writer], folder: Path, steps: int) -> float:
    """Return microseconds a point when all are logged without a pause and waited for."""
    folder.mkdir()
    writer = make(folder)
    values = dict.fromkeys(TAGS, 0.5)
    started = time.perf_counter()
    for step in range(steps):
        writer.log(step, values)
    writer.finish()
    return 1e6 * (time.perf_counter() - started) / (steps * len(TAGS))


def _medians(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return medians over rounds, None for what was not found."""
    found = {key: statistics.median(figure[key] for figure in figures) for key in figures[0]}
    return {key: None if math.isnan(value) else round(value, 2) for key, value in found.items()}


def describe(figures: dict[str, Any]) -> str:
    """Return figures as a text for people."""
    columns = {
        "median_us": "median",
        "p99_us": "p99",
        "mean_us": "mean",
        "finish_ms": "close (ms)",
        "until_on_disk_us": "until on disk",
        "bytes_per_point": "bytes a point",
    }
    rounds, points = figures["rounds"], figures["points"]
    lines = [
        f"microseconds a point, {points:,} points, medians of {rounds} rounds",
        f"{'':<14}" + "".join(f"{title:>15}" for title in columns.values()),
    ]
    for name, row in figures["writers"].items():
        cells = ("-" if row[key] is None else f"{row[key]:,.2f}" for key in columns)
        lines.append(f"{name:<14}" + "".join(f"{cell:>15}" for cell in cells))
    return "\n".join(lines)
