"""Count the numbers that are none in the tensors of nodes, where a debugger has logged them.

TensorFlow's debugger logs a `DebugNumericSummary` for a tensor: under the plugin "debugger", with
the tag (or node name) "NODE:SLOT:DebugNumericSummary" and 64-bit floats of which number 1 is how
many elements there are, 2 how many are NaN, 3 -infinity and 7 +infinity. Source: the kernel
DebugNumericSummaryOp of tensorflow/core/kernels/debug_ops.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuboard.errors import DataError, NotFoundError

if TYPE_CHECKING:
    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.store.store import Store

PLUGIN = "debugger"
SUFFIX = ":DebugNumericSummary"
MAX_TAGS = 5_000
_FIELDS = 8
_MOST = 2.0**50  # a log may hold anything


def health_of(store: Store, run: int) -> dict[str, tuple[int, int]]:
    """Return NaNs and infinities by name of the node, as logged last; a node without is at 0, 0."""
    infos = [info for info in store.catalogue().runs if info.id == run]
    if not infos:
        return {}
    found: dict[str, tuple[int, int]] = {}
    wanted = (tag for tag in infos[0].tags.values() if tag.kind == PLUGIN or SUFFIX in tag.tag)
    for _, tag in zip(range(MAX_TAGS), wanted, strict=False):
        counts = _last(store, run, tag.tag)
        if counts is not None:
            name = tag.tag.removesuffix(SUFFIX).rpartition(":")[0] or tag.tag
            nans, infinities = found.get(name, (0, 0))
            found[name] = nans + counts[0], infinities + counts[1]
    return found


def _last(store: Store, run: int, tag: str) -> tuple[int, int] | None:
    from gpuboard.serve.values import decoded

    try:
        values = store.values(run, tag)
        return decoded(store, values, len(values) - 1, _counts) if len(values) else None
    except (DataError, NotFoundError):
        return None  # a row of the health page says what is wrong


def _counts(value: Summary.Value) -> tuple[int, int]:
    from gpuboard.summaries.tensor import decode_tensor

    numbers = decode_tensor(value.tensor).ravel()
    if len(numbers) < _FIELDS:
        raise DataError(f"{len(numbers)} numbers, a DebugNumericSummary has {_FIELDS} or more")
    nans, low, high = (int(min(max(count, 0.0), _MOST)) for count in numbers[[2, 3, 7]].tolist())
    return nans, low + high
