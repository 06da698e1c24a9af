"""Record traces of a Lightning trainer: `Trainer(callbacks=[CaptureCallback("runs/exp")])`."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from gpuboard.errors import MissingExtraError
from gpuboard.profiler.recording import Capture, capture

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _callback() -> Any:  # noqa: ANN401
    # The package has two names; a trainer takes only callbacks of its own.
    for package in sorted(_PACKAGES, key=lambda name: name not in sys.modules):
        try:
            return import_module(f"{package}.callbacks").Callback
        except ModuleNotFoundError:
            continue
    raise MissingExtraError("Lightning is not installed: pip install lightning")


_Callback: Any = _callback()


class CaptureCallback(_Callback):  # type: ignore[misc]
    """Records some steps of `Trainer.fit`; every process writes its own trace."""

    def __init__(
        self,
        logdir: str | os.PathLike[str] | None = None,
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Choose where to write and what to record.

        Args:
            logdir: Directory of the run; that of the trainer's logger if not given.
            options: As `capture` takes them: `wait`, `warmup`, `active`, `stacks` ...
        """
        super().__init__()
        self._logdir = logdir
        self._options = options
        self._capture: Capture | None = None

    def on_train_start(self, trainer: Any, pl_module: object) -> None:  # noqa: ANN401
        """Begin to record, as the schedule says."""
        logdir = self._logdir or trainer.log_dir or trainer.default_root_dir
        self._capture = capture(logdir, **self._options).__enter__()

    def on_train_batch_end(self, *_: object, **__: object) -> None:
        """Say that a step is over."""
        if self._capture is not None:
            self._capture.step()

    def on_train_end(self, *_: object) -> None:
        """Write what was recorded."""
        self._close()

    def on_exception(self, *_: object) -> None:
        """Write what was recorded until the trainer failed."""
        self._close()

    def _close(self) -> None:
        if self._capture is not None:
            self._capture.__exit__(None, None, None)
            self._capture = None
