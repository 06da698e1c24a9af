"""Name what Nsight Systems only numbers, in the words of PyTorch's profiler where it has some."""

from __future__ import annotations

import re

# CUpti_ActivityMemcpyKind and CUpti_ActivityMemoryKind, https://docs.nvidia.com/cupti.
_COPIES = {
    1: "HtoD", 2: "DtoH", 3: "HtoA", 4: "AtoH", 5: "AtoA", 6: "AtoD", 7: "DtoA", 8: "DtoD",
    9: "HtoH", 10: "PtoP", 11: "HtoD", 12: "DtoH", 13: "DtoD",
}  # fmt: skip
_UNIFIED = (11, 12, 13)
_MEMORIES = {
    0: "Pageable", 1: "Pinned", 2: "Device", 3: "Array", 4: "Managed", 5: "Device", 6: "Managed",
}  # fmt: skip
# CUpti_ActivitySynchronizationType.
_SYNCS = {
    1: "Event Sync", 2: "Stream Wait Event", 3: "Stream Sync", 4: "Context Sync",
}  # fmt: skip
_VERSION = re.compile(r"_v\d{1,6}$")


def copy_name(kind: int, source: int, target: int) -> str:
    """Return the name of a copy, such as "Memcpy HtoD (Pageable -> Device)"."""
    ends = f"({_MEMORIES.get(source, 'Unknown')} -> {_MEMORIES.get(target, 'Unknown')})"
    is_known = source in _MEMORIES or target in _MEMORIES
    where = "unified " if kind in _UNIFIED else ""
    name = f"Memcpy {where}{_COPIES.get(kind, 'of unknown kind')}"
    return f"{name} {ends}" if is_known else name


def fill_name(memory: int) -> str:
    """Return the name of a fill, such as "Memset (Device)"."""
    return f"Memset ({_MEMORIES[memory]})" if memory in _MEMORIES else "Memset"


def sync_name(kind: int) -> str:
    """Return the name of a wait."""
    return _SYNCS.get(kind, "Sync")


def call_name(name: str) -> str:
    """Return the name of a call without the version that CUPTI appends: "cudaMalloc_v3020"."""
    return _VERSION.sub("", name)
