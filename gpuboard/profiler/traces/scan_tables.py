"""Say which members of an event become which columns of which table.

The scanner notes where the value of every member it knows lies, in any order; once the event is
whole, the table that its phase and kind call for is filled from those values by these lists.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces.scan_vectors import PADDING
from gpuboard.profiler.traces.trace import Kind

# How a column is filled: from what is known of the event, or from a member of it.
FACT, INTEGER, FLOAT, TEXT, TRIPLE = 0, 1, 2, 3, 4

# What is known of every event.
FACTS = (
    "row", "time", "dur", "track", "name", "category", "kind", "offset", "phase", "pid", "tid",
    "label", "key", "value", "exact",
)  # fmt: skip
(
    ROW, TIME, DUR, TRACK, NAME, CATEGORY, KIND, OFFSET, PHASE, PID, TID,
    LABEL, KEY, VALUE, EXACT,
) = range(len(FACTS))  # fmt: skip

_Column = tuple[str, int] | tuple[str, int, str] | tuple[str, int, str, str]

# Names of columns are those of `parts`; a name with "@" is a member of the event itself, all others
# are members of its "args"; the second one counts where the first is absent.
TABLES: dict[str, tuple[_Column, ...]] = {
    "slices": (
        ("start", FACT, "time"), ("dur", FACT), ("track", FACT), ("name", FACT), ("kind", FACT),
        ("category", FACT), ("offset", FACT),
    ),
    "work": (
        ("row", FACT), ("correlation", INTEGER),
        ("external", INTEGER, "External id", "external id"),
        ("device", INTEGER, "device", "@pid"), ("stream", INTEGER, "stream", "@tid"),
        ("context", INTEGER), ("grid", TRIPLE), ("block", TRIPLE),
        ("registers", INTEGER, "registers per thread"),
        ("shared_memory", INTEGER, "shared memory"), ("blocks_per_sm", FLOAT, "blocks per SM"),
        ("warps_per_sm", FLOAT, "warps per SM"), ("occupancy", FLOAT, "est. achieved occupancy %"),
        ("bytes", INTEGER), ("bandwidth", FLOAT, "memory bandwidth (GB/s)"),
        ("graph", INTEGER, "graph id"), ("graph_node", INTEGER, "graph node id"),
        ("queued", INTEGER),
    ),
    "calls": (
        ("row", FACT), ("correlation", INTEGER),
        ("external", INTEGER, "External id", "external id"),
    ),
    "operators": (
        ("row", FACT), ("external", INTEGER, "External id", "external id"),
        ("sequence", INTEGER, "Sequence number"), ("forward_thread", INTEGER, "Fwd thread id"),
        ("dims", TEXT, "Input Dims", "Input dims"), ("types", TEXT, "Input type"),
        ("strides", TEXT, "Input Strides"), ("concrete", TEXT, "Concrete Inputs"),
        ("stack", TEXT, "Call stack"), ("module", TEXT, "Module Hierarchy"), ("flops", INTEGER),
    ),
    "python": (
        ("row", FACT), ("id", INTEGER, "Python id"), ("parent", INTEGER, "Python parent id"),
        ("module", INTEGER, "Python module id"),
    ),
    "collectives": (
        ("row", FACT), ("collective", TEXT, "Collective name"),
        ("elements_in", INTEGER, "In msg nelems"), ("elements_out", INTEGER, "Out msg nelems"),
        ("dtype", TEXT), ("group_size", INTEGER, "Group size"),
        ("group", TEXT, "Process Group Name"),
        ("group_label", TEXT, "Process Group Description"),
        ("group_ranks", TEXT, "Process Group Ranks"), ("rank", INTEGER, "Rank"),
        ("source", INTEGER, "Src Rank"), ("target", INTEGER, "Dst Rank"),
        ("sequence", INTEGER, "Seq"),
    ),
    "syncs": (
        ("row", FACT), ("sync", TEXT, "cuda_sync_kind"), ("stream", INTEGER),
        ("correlation", INTEGER), ("awaited_stream", INTEGER, "wait_on_stream"),
        ("awaited_correlation", INTEGER, "wait_on_cuda_event_record_corr_id"),
    ),
    "memory": (
        ("time", FACT), ("track", FACT), ("address", INTEGER, "Addr"), ("bytes", INTEGER, "Bytes"),
        ("allocated", INTEGER, "Total Allocated"), ("reserved", INTEGER, "Total Reserved"),
        ("device_type", INTEGER, "Device Type"), ("device", INTEGER, "Device Id"),
    ),
    "flow_ends": (
        ("label", FACT), ("id", INTEGER, "@id"), ("id_text", TEXT, "@id"), ("phase", FACT),
        ("time", FACT), ("track", FACT),
    ),
    "counters": (
        ("name", FACT), ("key", FACT), ("track", FACT), ("time", FACT), ("value", FACT),
        ("exact", FACT),
    ),
    "instants": (("time", FACT), ("track", FACT), ("name", FACT)),
    # What only reading needs: names of processes and threads, and both ends of parted slices.
    "labels": (
        ("pid", FACT), ("tid", FACT), ("name", FACT), ("text", TEXT, "name", "labels"),
        ("order", INTEGER, "sort_index"), ("order_text", TEXT, "sort_index"),
    ),
    "ends": (("row", FACT), ("track", FACT), ("time", FACT)),
    "spans": (
        ("phase", FACT), ("pid", FACT), ("category", FACT, "label"), ("id", TEXT, "@id", "@id2"),
        ("name", FACT), ("time", FACT), ("offset", FACT),
    ),
    # What traces without categories, such as JAX's, say of calls and work of devices.
    "bare": (
        ("row", FACT), ("correlation", INTEGER, "correlation_id"),
        ("context", INTEGER, "context_id"), ("graph", INTEGER, "cuda_graph_id"),
        ("graph_node", INTEGER, "cuda_graph_node_id"), ("launch", TEXT, "kernel_details"),
        ("moved", TEXT, "memcpy_details", "memset_details"), ("launcher", TEXT, "tf_op", "hlo_op"),
    ),
}  # fmt: skip
NAMES = tuple(TABLES)
(
    SLICES, WORK, CALLS, OPERATORS, PYTHON, COLLECTIVES, SYNCS, MEMORY, FLOW_ENDS, COUNTERS,
    INSTANTS, LABELS, ENDS, SPANS, BARE,
) = range(len(NAMES))  # fmt: skip

TABLE_OF_KIND = np.full(len(Kind), -1, np.int64)
for _kind, _table in (
    (Kind.KERNEL, WORK), (Kind.MEMCPY, WORK), (Kind.MEMSET, WORK), (Kind.CALL, CALLS),
    (Kind.OPERATOR, OPERATORS), (Kind.ANNOTATION, OPERATORS), (Kind.PYTHON, PYTHON),
    (Kind.SYNC, SYNCS),
):  # fmt: skip
    TABLE_OF_KIND[_kind] = _table

_OF_EVENT = ("ph", "cat", "name", "pid", "tid", "ts", "dur", "id", "id2", "args")


def _member_names() -> tuple[str, ...]:
    found = dict.fromkeys(_OF_EVENT)
    for columns in TABLES.values():
        for name, how, *sources in columns:
            if how != FACT:
                found.update(dict.fromkeys(source.strip("@") for source in sources or (name,)))
    return tuple(found)


MEMBERS = _member_names()
PH, CAT, NAME_, PID_, TID_, TS, DUR_, ID, ID2, ARGS = range(len(_OF_EVENT))
IN_ARGS = len(MEMBERS)  # members of "args" are counted from here on


def member(source: str) -> int:
    """Return the number of a member as the tables above name it."""
    if source.startswith("@"):
        return MEMBERS.index(source[1:])
    return IN_ARGS + MEMBERS.index(source)


COLLECTIVE = member("Collective name")
SIGNS_OF_BARE = np.array(
    [member(name) for name in ("correlation_id", "kernel_details", "memcpy_details", "tf_op")],
    np.int64,
)


class Lists(NamedTuple):
    """The tables as the scanner takes them: `first[t]` to `first[t + 1]` are the lists of one."""

    how: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    other: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]


def width(table: int) -> int:
    """Return the number of columns of a table, three for what has three numbers."""
    return sum(3 if how == TRIPLE else 1 for _, how, *_ in TABLES[NAMES[table]])


def _make_lists() -> Lists:
    rows = []
    first = [0]
    for columns in TABLES.values():
        cell = 0
        for name, how, *given in columns:
            sources = given or [name]
            numbers = [FACTS.index(s) if how == FACT else member(s) for s in sources]
            rows.append((how, numbers[0], numbers[1] if len(numbers) > 1 else -1, cell))
            cell += 3 if how == TRIPLE else 1
        first.append(len(rows))
    turned = np.array(rows, np.int64).T
    how_of, source, other, place = (np.ascontiguousarray(column) for column in turned)
    return Lists(how_of, source, other, place, np.array(first, np.int64))


LISTS = _make_lists()


class Keys(NamedTuple):
    """How a member is known by its name: a hash table without collisions.

    `text` holds each name in `KEY_BYTES` bytes; `slot[h]` is a member's number plus one.
    """

    text: npt.NDArray[np.uint8]
    length: npt.NDArray[np.int64]
    slot: npt.NDArray[np.int64]
    factor: npt.NDArray[np.int64]


KEY_BYTES = 64
KEY_SHIFT = 54
_SLOTS = 1 << (64 - KEY_SHIFT)
_MASK = (1 << 64) - 1


def key_slot(word: int, length: int, factor: int) -> int:
    """Return the slot of a name by its first eight bytes (as a number) and its length."""
    return (((word + length) * factor) & _MASK) >> KEY_SHIFT


def _make_keys() -> Keys:
    text = np.zeros(KEY_BYTES * len(MEMBERS) + PADDING, np.uint8)
    names = [name.encode() for name in MEMBERS]
    for number, name in enumerate(names):
        text[KEY_BYTES * number :][: len(name)] = list(name)
    words = [int.from_bytes(name[:8], "little") for name in names]
    factor = 0x2545F4914F6CDD1D
    for step in itertools.count(1):
        slots = [key_slot(w, len(n), factor) for w, n in zip(words, names, strict=True)]
        if len(set(slots)) == len(slots):
            break
        factor = (factor * 6364136223846793005 + 2 * step) & _MASK | 1
    slot = np.zeros(_SLOTS, np.int64)
    slot[slots] = np.arange(1, len(names) + 1)
    return Keys(
        text, np.array([len(n) for n in names], np.int64), slot,
        np.array([factor - (1 << 64) if factor >> 63 else factor], np.int64),
    )  # fmt: skip


KEYS = _make_keys()
