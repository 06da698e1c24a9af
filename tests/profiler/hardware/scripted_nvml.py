"""A binding for processes of their own: GPUs and misdeeds come from the file $SCRIPTED_NVML names.

One JSON object: `gpus` (how many), `at_call` (function), `do` ("hang", "exit", "segv", a return
code), `after` (calls of it that go well), `once` (a file that, when
there, means that it was done already).
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.profiler.hardware import fake_nvml
from tests.profiler.hardware.fake_nvml import NVMLError

_SCRIPT = json.loads(Path(os.environ["SCRIPTED_NVML"]).read_text())
_FAKE = fake_nvml.FakeNvml(*(fake_nvml.h100(f"GPU-{i}") for i in range(_SCRIPT["gpus"])))
c_nvmlGpmMetricsGet_t = fake_nvml.GpmRequest  # noqa: N816


def __getattr__(name: str) -> Any:
    if not name.startswith("nvml"):
        raise AttributeError(name)

    def call(*arguments: Any) -> Any:
        if name == _SCRIPT.get("at_call"):
            _misbehave(_SCRIPT["do"])
        return getattr(_FAKE, name)(*arguments)

    return call


def _misbehave(how: str | int) -> None:
    _SCRIPT["after"] = _SCRIPT.get("after", 0) - 1
    if _SCRIPT["after"] >= 0:
        return
    once = _SCRIPT.get("once")
    if once and Path(once).exists():
        return
    if once:
        Path(once).touch()
    if how == "hang":
        time.sleep(3600)
    elif how == "exit":
        os._exit(7)
    elif how == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif isinstance(how, int):
        raise NVMLError(how)
