"""Log what a Lightning trainer reports: `Trainer(logger=GpuboardLogger("runs"))`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from gpuboard.errors import MissingExtraError
from gpuboard.writer.hparams import flat_hparams, log_end, log_start
from gpuboard.writer.summary_writer import SummaryWriter

# The package has two names; a trainer takes only loggers of its own.
_PACKAGES = ("lightning.pytorch", "pytorch_lightning")
_VERSION = re.compile(r"version_(\d+)")


def _lightning(module: str) -> Any:  # noqa: ANN401
    """Import a module of Lightning, of the package that the script uses."""
    for package in sorted(_PACKAGES, key=lambda name: name not in sys.modules):
        try:
            return import_module(f"{package}.{module}")
        except ModuleNotFoundError:
            continue
    raise MissingExtraError("Lightning is not installed: pip install lightning")


_loggers: Any = _lightning("loggers.logger")
_rank_zero_only: Any = _lightning("utilities.rank_zero").rank_zero_only


class GpuboardLogger(_loggers.Logger):  # type: ignore[misc]
    """A logger for Lightning's `Trainer`; only the process of rank 0 writes.

    Metrics on a GPU are read later, so that logging does not wait for it.
    """

    def __init__(
        self,
        save_dir: str | Path = "runs",
        name: str | None = "lightning",
        version: int | str | None = None,
        *,
        log_graph: bool = False,
    ) -> None:
        """Choose the run's directory, `SAVE_DIR/NAME/version_N`.

        Args:
            save_dir: Directory that holds the runs.
            name: Name of the experiment; None or "" for no directory of its own.
            version: A number, or the name of the last part; the next free number if not given.
            log_graph: Log the model's graph, from its `example_input_array`.
        """
        super().__init__()
        self._root = Path(save_dir)
        self._name = name or ""
        self._version = version
        self._logs_graph = log_graph
        self._writer: SummaryWriter | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the writer behind: a process that the logger is sent to opens its own."""
        return {**vars(self), "_writer": None}

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self._name

    @property
    def version(self) -> int | str:
        """Number or name of this run."""
        if self._version is None:
            self._version = self._next_version()
        return self._version

    @property
    def save_dir(self) -> str:
        """Directory that holds all runs."""
        return str(self._root)

    @property
    def root_dir(self) -> str:
        """Directory that holds the runs of this experiment."""
        return str(self._root / self._name)

    @property
    def log_dir(self) -> str:
        """Directory of this run."""
        version = self.version
        return str(
            Path(self.root_dir) / (version if isinstance(version, str) else f"version_{version}")
        )

    @property
    @_loggers.rank_zero_experiment  # type: ignore[untyped-decorator]
    def experiment(self) -> SummaryWriter:
        """The writer itself, for everything that it can log."""
        return self._own_writer()

    def _own_writer(self) -> SummaryWriter:
        if self._writer is None:
            self._writer = SummaryWriter(self.log_dir)
        return self._writer

    def _next_version(self) -> int:
        folder = Path(self.root_dir)
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        taken = [int(found[1]) for found in map(_VERSION.fullmatch, names) if found]
        return max(taken, default=-1) + 1

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log numbers by name; those that come as a dictionary share a chart."""
        writer = self._own_writer()
        for name, value in metrics.items():
            if isinstance(value, Mapping):
                writer.add_scalars(name, value, step)
            else:
                writer.add_scalar(name, value, step)

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(
        self,
        params: Mapping[str, Any] | argparse.Namespace,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """Log what the run is trained with; nested names are joined by "/".

        Args:
            params: Values by name.
            metrics: Numbers that runs are to be judged by, logged as scalars at step 0.
        """
        values = vars(params) if isinstance(params, argparse.Namespace) else params
        log_start(self._own_writer(), flat_hparams(values), list(metrics or ()))
        self.log_metrics(metrics or {}, 0)

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def log_graph(self, model: Any, input_array: Any = None) -> None:  # noqa: ANN401
        """Log the model's graph, if the logger was asked to."""
        example = model.example_input_array if input_array is None else input_array
        if self._logs_graph and example is not None:
            self._own_writer().add_graph(model, example)

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def save(self) -> None:
        """Hand everything to the operating system."""
        if self._writer is not None:
            self._writer.flush()

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        """Note how the run ended, and close its file."""
        if self._writer is not None:
            log_end(self._writer, "success" if status in ("success", "finished") else "failure")
            self._writer.close()
