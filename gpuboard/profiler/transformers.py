"""Record traces of a trainer of Hugging Face: `Trainer(..., callbacks=[CaptureCallback()])`."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from gpuboard.errors import MissingExtraError
from gpuboard.profiler.recording import Capture, capture


def _trainer_callback() -> Any:  # noqa: ANN401
    try:
        return import_module("transformers").TrainerCallback
    except ModuleNotFoundError as error:
        message = "transformers is not installed: pip install transformers"
        raise MissingExtraError(message) from error


_TrainerCallback: Any = _trainer_callback()


class CaptureCallback(_TrainerCallback):  # type: ignore[misc]
    """Records some steps of `Trainer.train`; every process writes its own trace."""

    def __init__(
        self,
        logdir: str | os.PathLike[str] | None = None,
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Choose where to write and what to record.

        Args:
            logdir: Directory of the run; the trainer's `logging_dir`, or its `output_dir`, if not
                given.
            options: As `capture` takes them: `wait`, `warmup`, `active`, `stacks` ...
        """
        super().__init__()
        self._logdir = logdir
        self._options = options
        self._capture: Capture | None = None

    def on_train_begin(self, args: Any, *_: object, **__: object) -> None:  # noqa: ANN401
        """Begin to record, as the schedule says."""
        logdir = self._logdir or getattr(args, "logging_dir", None) or args.output_dir
        self._capture = capture(logdir, **self._options).__enter__()

    def on_step_end(self, *_: object, **__: object) -> None:
        """Say that a step is over."""
        if self._capture is not None:
            self._capture.step()

    def on_train_end(self, *_: object, **__: object) -> None:
        """Write what was recorded."""
        if self._capture is not None:
            self._capture.__exit__(None, None, None)
            self._capture = None
