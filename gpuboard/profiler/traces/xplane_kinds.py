"""Tell what the lines and events of an XPlane are from their names."""

from __future__ import annotations

import enum
import re

from gpuboard.profiler.traces.trace import Kind

_DEVICE = re.compile(r"/device:([A-Za-z]+)(?::[\w-]*?)?:(\d{1,9})")
_STREAM = re.compile(r"Stream #(-?\d{1,18})(?:\((.*)\))?")
_CALL = re.compile(r"(cu|cuda|hip|hsa_|nccl)[A-Z_]\w+$|(KernelLaunch|Memcpy[DH]2[DH]|Memset)\b")
# TensorFlow names the execution of an operator "name:Type".
_OPERATOR = re.compile(r"[A-Za-z0-9.][\w.\\/>-]*:_?[A-Z]\w*$")
_COPY = re.compile(r"(hip)?(Memcpy|CopyDevice|CopyHost)", re.IGNORECASE)
_FILL = re.compile(r"(hip)?(Memset|FillBuffer)", re.IGNORECASE)
_UPKEEP = re.compile(r"(MemAlloc|MemFree|MemoryAlloc|MemoryFree|EventRecord|StreamWait|Marker)")

_STEPS = ("Steps", "XLA Modules", "TensorFlow Steps")
_NAMES_OF_OPERATORS = ("Ops", "Name Scope", "Source code", "Framework", "TraceMe", "HLO")


class Chip(enum.Enum):
    """What a plane is about."""

    HOST = "host"
    GPU = "gpu"
    OTHER = "other"  # a TPU or the like
    NOTHING = "nothing"  # it has no events to show: the task's environment, or programs


def plane_chip(name: str) -> tuple[Chip, int]:
    """Return what a plane is about, and the number of the device, -1 for the host."""
    found = _DEVICE.match(name)
    if found:
        return (Chip.GPU if found[1] == "GPU" else Chip.OTHER), int(found[2])
    return (Chip.NOTHING if name == "/host:metadata" else Chip.HOST), -1


def stream_number(line: str) -> int:
    """Return the number in the name of a stream, -1 where there is none."""
    found = _STREAM.match(line)
    return int(found[1]) if found else -1


def is_stream(line: str) -> bool:
    """Say whether a line of a GPU is a queue of its work, not something laid over it."""
    return _STREAM.match(line) is not None


def derived_kind(line: str, chip: Chip) -> Kind:
    """Return what the events of a device's line are that is no stream."""
    if line in _STEPS:
        return Kind.MODEL_STEP
    if chip is Chip.OTHER and (line.endswith("XLA Ops") or not _is_about_operators(line)):
        return Kind.ACCELERATOR
    return Kind.MODEL_OP if _is_about_operators(line) else Kind.OTHER


def _is_about_operators(line: str) -> bool:
    return any(part in line for part in _NAMES_OF_OPERATORS)


def stream_kind(name: str, line: str) -> Kind:
    """Return what an event of a stream is that does not say so by its details."""
    if _FILL.match(name):
        return Kind.MEMSET
    if _COPY.match(name):
        return Kind.MEMCPY
    if _UPKEEP.match(name):
        return Kind.OTHER
    found = _STREAM.match(line)
    sorts = (found[2] or "") if found else ""
    has_copies_alone = sorts and not re.search("Compute|Kernel", sorts)
    return Kind.MEMCPY if has_copies_alone and "Memcpy" in sorts else Kind.KERNEL


def host_kind(name: str) -> Kind:
    """Return what an event of a thread of the host is."""
    if name.startswith("$"):  # the Python tracer's "$file.py:12 function"
        return Kind.PYTHON
    if _CALL.match(name):
        return Kind.CALL
    return Kind.OPERATOR if _OPERATOR.match(name) else Kind.ANNOTATION


def event_name(name: str, display_name: str) -> str:
    """Return the name to show: operators of XLA are named by their whole line of HLO."""
    if display_name and " = " in name:
        return display_name
    return name or display_name
