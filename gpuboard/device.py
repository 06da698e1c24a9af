"""Say which GPU there is, and why it is or is not used."""

from __future__ import annotations

import ctypes
import ctypes.util
import dataclasses
import functools
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True)
class Device:
    """The processor that heavy work runs on, in words for the header of every page."""

    kind: str  # "gpu" or "cpu"
    label: str  # "NVIDIA H200" or "CPU"
    reason: str  # why this one, in a sentence


@functools.cache
def probe() -> Device:
    """Return the device that computations will use, without loading CUDA.

    The driver's own file names the card, so nothing is initialised and nothing can hang.
    """
    names = _driver_gpu_names(Path("/proc/driver/nvidia/gpus"))
    if not names:
        return Device("cpu", "CPU", _why_no_gpu())
    found = names[0] if len(names) == 1 else f"{len(names)} x {names[0]}"
    return Device("cpu", "CPU", f"{found} is there; nothing that is built so far computes on it")


def _driver_gpu_names(folder: Path) -> list[str]:
    try:
        cards = sorted(folder.iterdir())
    except OSError:
        return []
    return [_model_of(card) for card in cards]


def _model_of(card: Path) -> str:
    try:
        lines = (card / "information").read_text(errors="replace").splitlines()
    except OSError:
        return "NVIDIA GPU"
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("Model:")]
    return models[0] if models else "NVIDIA GPU"


def _why_no_gpu() -> str:
    if ctypes.util.find_library("nvidia-ml"):
        return "an NVIDIA library is installed, but its driver shows no GPU"
    return "no NVIDIA driver found"
