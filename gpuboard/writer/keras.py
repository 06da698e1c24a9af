"""Log what Keras reports while it fits: `model.fit(..., callbacks=[GpuboardCallback()])`.

Runs and tags are those of Keras' own callback for TensorBoard: `epoch_loss` in the runs `train` and
`validation`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from gpuboard.errors import MissingExtraError
from gpuboard.writer.summary_writer import SummaryWriter

_VALIDATION = "val_"
_EVERY = {"epoch": 0, "batch": 1}


def _callback() -> Any:  # noqa: ANN401
    try:
        return import_module("keras").callbacks.Callback
    except ModuleNotFoundError as error:
        raise MissingExtraError("Keras is not installed: pip install keras") from error


_Callback: Any = _callback()


class GpuboardCallback(_Callback):  # type: ignore[misc]
    """A callback for `fit` and `evaluate`."""

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "runs/keras",
        *,
        update_freq: int | str = "epoch",
        histogram_freq: int = 0,
    ) -> None:
        """Choose where to log and what.

        Args:
            log_dir: Directory of the runs `train` and `validation`.
            update_freq: "epoch", "batch", or after how many batches to log `batch_...`.
            histogram_freq: Log histograms of all weights every so many epochs; 0 for never.
        """
        super().__init__()
        self._log_dir = Path(log_dir)
        if isinstance(update_freq, str) and update_freq not in _EVERY:
            raise ValueError(f"update_freq {update_freq!r}, expected 'epoch', 'batch' or a number")
        self._every = _EVERY[update_freq] if isinstance(update_freq, str) else update_freq
        self._histogram_freq = histogram_freq
        self._writers: dict[str, SummaryWriter] = {}
        self._batches = 0
        self._is_fitting = False

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Note that what follows is training."""
        del logs
        self._is_fitting = True

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the metrics of a batch."""
        del batch
        if self._every and self._batches % self._every == 0:
            self._log("train", "batch", logs or {}, self._batches)
        self._batches += 1

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the metrics of an epoch, and the learning rate."""
        found = dict(logs or {})
        rate = _learning_rate(self.model)
        if rate is not None:
            found["learning_rate"] = rate
        own = {name: v for name, v in found.items() if not name.startswith(_VALIDATION)}
        of_validation = {
            name.removeprefix(_VALIDATION): v
            for name, v in found.items()
            if name.startswith(_VALIDATION)
        }
        self._log("train", "epoch", own, epoch)
        self._log("validation", "epoch", of_validation, epoch)
        if self._histogram_freq and epoch % self._histogram_freq == 0:
            self._log_weights(epoch)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Log an evaluation that is not part of training."""
        if not self._is_fitting:
            self._log("validation", "evaluation", logs or {}, self._batches)
            self._close()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Close the files."""
        del logs
        self._is_fitting = False
        self._close()

    def _log(self, run: str, prefix: str, metrics: Mapping[str, Any], step: int) -> None:
        for name, value in metrics.items():
            self._writer(run).add_scalar(f"{prefix}_{name}", value, step)

    def _log_weights(self, epoch: int) -> None:
        for weight in self.model.weights:
            name = getattr(weight, "path", None) or weight.name
            self._writer("train").add_histogram(f"{name}/histogram", weight.numpy(), epoch)

    def _writer(self, run: str) -> SummaryWriter:
        if run not in self._writers:
            self._writers[run] = SummaryWriter(self._log_dir / run)
        return self._writers[run]

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()


def _learning_rate(model: Any) -> float | None:  # noqa: ANN401
    rate = getattr(getattr(model, "optimizer", None), "learning_rate", None)
    if rate is None:
        return None
    number = rate.numpy() if hasattr(rate, "numpy") else rate
    return float(np.asarray(number).reshape(()))
