"""Log what a trainer of Hugging Face reports: `Trainer(..., callbacks=[GpuboardCallback()])`.

Set `report_to="none"` in its arguments, or TensorBoard's callback logs the same once more.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from gpuboard.errors import MissingExtraError
from gpuboard.writer.hparams import flat_hparams, log_end, log_start
from gpuboard.writer.summary_writer import SummaryWriter

_log = logging.getLogger("gpuboard")
_PHASES = ("eval", "test")


def _trainer_callback() -> Any:  # noqa: ANN401
    try:
        return import_module("transformers").TrainerCallback
    except ModuleNotFoundError as error:
        message = "transformers is not installed: pip install transformers"
        raise MissingExtraError(message) from error


_TrainerCallback: Any = _trainer_callback()


class GpuboardCallback(_TrainerCallback):  # type: ignore[misc]
    """A callback for the `Trainer`; only the first of several processes writes.

    Metrics are logged as `train/...`, `eval/...` and `test/...`, the trainer's arguments as
    hyperparameters, arguments and the model's configuration as texts.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        *,
        model_stats_steps: int = 0,
        writer: SummaryWriter | None = None,
    ) -> None:
        """Choose where to log and what.

        Args:
            log_dir: Directory of the run; `OUTPUT_DIR/runs/TIME` if not given.
            model_stats_steps: Log how weights and gradients are distributed every so many steps;
                0 for never.
            writer: Log with this one instead.
        """
        super().__init__()
        self._log_dir = log_dir
        self._model_stats_steps = model_stats_steps
        self._writer = writer
        self._skipped: set[str] = set()

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ANN401
        """Log what the run is trained with."""
        del control
        if not state.is_world_process_zero:
            return
        if getattr(state, "trial_name", None) is not None:  # one of a search: a run of its own
            self._close()
            self._writer = SummaryWriter(Path(args.output_dir) / "runs" / state.trial_name)
        writer = self._own_writer(args)
        writer.add_text("args", f"```json\n{args.to_json_string()}\n```")
        config = getattr(more.get("model"), "config", None)
        if config is not None and hasattr(config, "to_json_string"):
            writer.add_text("model_config", f"```json\n{config.to_json_string()}\n```")
        log_start(writer, flat_hparams(args.to_sanitized_dict()), ["train/loss", "eval/loss"])

    def on_log(
        self,
        args: Any,  # noqa: ANN401
        state: Any,  # noqa: ANN401
        control: Any,  # noqa: ANN401
        logs: Mapping[str, Any] | None = None,
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Log what the trainer reports."""
        del control, more
        if not state.is_world_process_zero:
            return
        writer = self._own_writer(args)
        for name, value in (logs or {}).items():
            self._log_value(writer, _tag(name), value, state.global_step)

    def _log_value(self, writer: SummaryWriter, tag: str, value: Any, step: int) -> None:  # noqa: ANN401
        if isinstance(value, str):
            writer.add_text(tag, value, step)
            return
        try:
            writer.add_scalar(tag, value, step)
        except (TypeError, ValueError) as error:
            if tag not in self._skipped:
                self._skipped.add(tag)
                _log.warning("%s is not logged: %s", tag, error)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ANN401
        """Log weights and gradients, while there are gradients."""
        del control
        every = self._model_stats_steps
        if every and state.is_world_process_zero and state.global_step % every == 0:
            self._own_writer(args).add_model_stats(more["model"], state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ANN401
        """Note that the run ended, and close its file; a later evaluation opens a new one."""
        del args, state, control, more
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            log_end(self._writer, "success")
            self._writer.close()

    def _own_writer(self, args: Any) -> SummaryWriter:  # noqa: ANN401
        if self._writer is None:
            default = Path(args.output_dir) / "runs" / time.strftime("%Y%m%d-%H%M%S")
            self._writer = SummaryWriter(self._log_dir or default)
        return self._writer


def _tag(name: str) -> str:
    """Return the tag of a metric: "eval_loss" is of the phase "eval", "loss" of training."""
    phase, _, rest = name.partition("_")
    return f"{phase}/{rest}" if phase in _PHASES and rest else f"train/{name}"
