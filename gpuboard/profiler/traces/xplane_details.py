"""Read what XPlane events say in one text: launches of kernels, copies, and names with arguments.

Three dialects of launches are in use, of TensorFlow 2020, of today's CUDA and of ROCm:

| text |
|---|
| `regs:38 shm:0 grid:160,1,1 block:1024,1,1` |
| `regs:32 static_shared:0 dynamic_shared:1024 grid:8,1,1 block:256,1,1 occ_pct:100` |
| `grid:16,1,1 block:512,1,1 private_mem:0 group_mem:0 occ_pct:0` |

Files of some versions hold numbers out of uninitialised memory there, so that what no chip can do
is taken for unknown.
"""

from __future__ import annotations

import dataclasses
import re

_FIELD = re.compile(r"(\w+):(-?[\d,.]+)", re.ASCII)
_ARGUMENT = re.compile(r"([\w.\- ]+)=([^,]*)")

# Of any GPU so far: CDNA has 512 registers a thread, Blackwell 228 KiB of shared memory a block.
_MOST_REGISTERS = 512
_MOST_SHARED = 1 << 20
_MOST_THREADS = 1024
_LONGEST_GRID = (1 << 31) - 1
_LONGEST_NUMBER = 18

Triple = tuple[int, int, int]
UNKNOWN: Triple = (-1, -1, -1)


@dataclasses.dataclass(frozen=True, slots=True)
class Launch:
    """How a kernel was launched; -1 is unknown.

    Attributes:
        shared_memory: Bytes of a block, static and dynamic.
        occupancy: Percent, NaN is unknown.
        is_garbage: Something in the text cannot be true and was left out.
    """

    registers: int = -1
    shared_memory: int = -1
    grid: Triple = UNKNOWN
    block: Triple = UNKNOWN
    occupancy: float = float("nan")
    is_garbage: bool = False


def launch_of(text: str) -> Launch:
    """Read the `kernel_details` of an event."""
    fields = dict(_FIELD.findall(text))
    registers = _number(fields.get("regs"))
    parts = (fields.get(name) for name in ("shm", "static_shared", "dynamic_shared", "group_mem"))
    shared = [_number(part) for part in parts if part is not None]
    grid, block = _triple(fields.get("grid")), _triple(fields.get("block"))
    occupancy = _percent(fields.get("occ_pct"))
    kept = Launch(
        registers=registers if 0 <= registers <= _MOST_REGISTERS else -1,
        shared_memory=sum(shared) if shared and _is_shared_memory(shared) else -1,
        grid=grid if all(1 <= side <= _LONGEST_GRID for side in grid) else UNKNOWN,
        block=block if _is_block(block) else UNKNOWN,
        occupancy=occupancy if 0 < occupancy <= 100 else float("nan"),
    )
    lost = (
        ("regs" in fields and kept.registers < 0)
        or (bool(shared) and kept.shared_memory < 0)
        or ("grid" in fields and kept.grid == UNKNOWN)
        or ("block" in fields and kept.block == UNKNOWN)
    )
    return dataclasses.replace(kept, is_garbage=lost)


def copied_bytes(text: str) -> int:
    """Read how many bytes the `memcpy_details` or `memset_details` of an event name, or -1."""
    fields = dict(_FIELD.findall(text))
    size = _number(fields.get("size", fields.get("num_bytes")))
    return size if size >= 0 else -1


def split_name(name: str) -> tuple[str, dict[str, str]]:
    """Split the name of a `TraceMe`, "name#key=value,...#", into name and arguments."""
    head, mark, rest = name.partition("#")
    if not mark or not rest.endswith("#"):
        return name, {}
    return head.strip(), {key.strip(): value for key, value in _ARGUMENT.findall(rest[:-1])}


def _is_shared_memory(shared: list[int]) -> bool:
    return min(shared) >= 0 and sum(shared) <= _MOST_SHARED


def _is_block(block: Triple) -> bool:
    return min(block) >= 1 and block[0] * block[1] * block[2] <= _MOST_THREADS


def _number(text: str | None) -> int:
    if text is None or len(text) > _LONGEST_NUMBER or not text.lstrip("-").isdecimal():
        return -1
    return int(text)


def _percent(text: str | None) -> float:
    if text is None or len(text) > _LONGEST_NUMBER:
        return -1.0
    try:
        return float(text)
    except ValueError:
        return -1.0


def _triple(text: str | None) -> Triple:
    sides = [_number(side) for side in (text or "").split(",")]
    return (sides[0], sides[1], sides[2]) if len(sides) == 3 else UNKNOWN
