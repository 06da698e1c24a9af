"""Record profiler traces from a training script, where `gpuboard serve` finds them."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import socket
import time
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from gpuboard.errors import InputError, MissingExtraError

_log = logging.getLogger("gpuboard")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_ENDING = ".pt.trace.json.gz"


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """Which steps are recorded.

    After `skip_first` steps, cycles of `wait` steps that pass by, `warmup` steps whose events are
    thrown away, and `active` recorded ones; `repeat` cycles, 0 for no end.
    """

    wait: int = 1
    warmup: int = 1
    active: int = 3
    repeat: int = 1
    skip_first: int = 0

    def __post_init__(self) -> None:
        if self.active < 1:
            raise InputError(f"active is {self.active}: record at least one step")
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 0:
                raise InputError(f"{field.name} is {getattr(self, field.name)}: give 0 or more")


class Capture:
    """A recording in progress; what `capture` gives to its `with` block.

    Call `step` after every step of training. Each recorded cycle becomes one file as soon as it is
    over; leaving the block writes what was recorded until then, also after an exception.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str],
        schedule: Schedule,
        *,
        ranks: Sequence[int] | None,
        options: dict[str, Any],
    ) -> None:
        self.files: list[Path] = []
        self._folder = Path(logdir)
        self._profile: Any = None  # a torch.profiler.profile; None on ranks that record nothing
        if ranks is not None and _rank() is not None and _rank() not in ranks:
            return
        torch_profiler = _torch().profiler
        # Each cycle is written before the next one begins, so nothing is lost.
        warnings.filterwarnings("ignore", message=".*Profiler clears events at the end")
        self._profile = torch_profiler.profile(
            schedule=torch_profiler.schedule(**dataclasses.asdict(schedule)),
            on_trace_ready=self._write,
            **options,
        )

    def step(self) -> None:
        """Say that a step of training is over."""
        if self._profile is not None:
            self._profile.step()

    def __enter__(self) -> Capture:
        if self._profile is not None:
            self._profile.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._profile is not None:
            self._profile.__exit__(kind, error, traceback)

    def _write(self, profile: Any) -> None:  # noqa: ANN401
        written = _export(profile, self._folder)
        if written is not None:
            self.files.append(written)


def capture(
    logdir: str | os.PathLike[str],
    *,
    wait: int = 1,
    warmup: int = 1,
    active: int = 3,
    repeat: int = 1,
    skip_first: int = 0,
    shapes: bool = True,
    memory: bool = True,
    stacks: bool = False,
    modules: bool = True,
    flops: bool = True,
    sync_events: bool = True,
    ranks: Sequence[int] | None = None,
) -> Capture:
    """Record what a training loop does on host and GPU, with torch.profiler.

    ```python
    with gpuboard.profiler.capture("runs/exp") as p:
        for batch in loader:
            train(batch)
            p.step()
    ```

    Args:
        logdir: Directory of the run; each rank writes files of its own into it.
        wait: Steps that pass by before each recording.
        warmup: Steps before each recording whose events are thrown away.
        active: Steps that are recorded.
        repeat: How often; 0 for as long as the loop runs.
        skip_first: Steps that pass by before all this.
        shapes: Record the shapes of inputs, for FLOPs and rooflines.
        memory: Record allocations.
        stacks: Record Python's stacks: the flame graph reaches into your code; slows training.
        modules: Record which nn.Module an operator belongs to (from stacks; TorchScript without).
        flops: Let torch estimate FLOPs.
        sync_events: Record what waits for what on CUDA, for the critical path.
        ranks: Record on these ranks alone; on all if not given.

    Raises:
        MissingExtraError: torch is not installed.
        InputError: The schedule records nothing.
    """
    options = {
        "record_shapes": shapes,
        "profile_memory": memory,
        "with_stack": stacks,
        "with_modules": modules,
        "with_flops": flops,
        "experimental_config": _sync_config() if sync_events else None,
    }
    schedule = Schedule(wait, warmup, active, repeat, skip_first)
    return Capture(logdir, schedule, ranks=ranks, options=options)


def trace_handler(
    logdir: str | os.PathLike[str],
) -> Callable[[Any], None]:
    """Return a handler for code that makes its own `torch.profiler.profile`.

    `torch.profiler.profile(..., on_trace_ready=gpuboard.profiler.trace_handler("runs/exp"))` writes
    where `gpuboard serve` finds it; a file appears only once it is whole.
    """
    folder = Path(logdir)

    def handle(profile: Any) -> None:  # noqa: ANN401
        _export(profile, folder)

    return handle


def _export(profile: Any, folder: Path) -> Path | None:  # noqa: ANN401
    """Write a trace; a full disk is logged, since it must not end the training."""
    target = folder / f"{_worker()}.{time.time_ns() // 1_000_000}{_ENDING}"
    # The ending decides that torch compresses; the dot in front hides it until it is whole.
    draft = target.with_name(f".{target.name}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        profile.export_chrome_trace(str(draft))
        draft.replace(target)
    except (OSError, RuntimeError) as error:
        draft.unlink(missing_ok=True)
        _log.warning("The trace could not be written to %s: %s", target, error)
        return None
    return target


def _worker() -> str:
    rank = _rank()
    host = _UNSAFE.sub("-", socket.gethostname()) or "host"
    return f"{host}_{os.getpid()}" if rank is None else f"rank{rank}_{host}_{os.getpid()}"


def _rank() -> int | None:
    distributed = _torch().distributed
    if distributed.is_available() and distributed.is_initialized():
        return int(distributed.get_rank())
    given = os.environ.get("RANK", "")
    return int(given) if given.isdecimal() else None


def _sync_config() -> object | None:
    """Return torch's setting that records waits on CUDA; None where this torch has none."""
    try:
        config: object = _torch().profiler._ExperimentalConfig(enable_cuda_sync_events=True)
    except (AttributeError, TypeError):
        return None
    return config


def _torch() -> Any:  # noqa: ANN401
    try:
        for name in ("torch.distributed", "torch.profiler"):
            import_module(name)
        return import_module("torch")
    except ModuleNotFoundError as error:
        message = "recording a trace needs torch: pip install gpuboard[torch]"
        raise MissingExtraError(message) from error
