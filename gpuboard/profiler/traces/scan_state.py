"""Hold what a scan of a trace knows between two calls: its place, its room, its notes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.native import Column, Int64, inlined
from gpuboard.profiler.traces.scan_tables import IN_ARGS

# Where in the file scanning is.
BEGIN, ROOT, EVENTS, LOST, DONE = 0, 1, 2, 3, 4

# What `scan` wants before it can go on.
BYTES, TEXT_ROOM, ROW_ROOM, NEW_CATEGORY, MEMBER, NO_TRACE = 0, 1, 2, 3, 4, 5

# Places in the state of a scan. `IS_LAST` and `GIVE_UP` are told to it: that no bytes follow, and
# that what begins first is too long to be waited for.
MODE, WANTS, ARGUMENT, IS_LAST, GIVE_UP, N_EVENTS, STAMP, SLICES_BEFORE, IS_LIST, LONGEST = range(
    10
)
KEY_AT, KEY_END, VALUE_AT, VALUE_END, WAS_LISTED, OWN, INNER, WAS_WHOLE = range(10, 18)
STATE_PLACES = 18

# What was wrong; each is a bit of what an event was warned of.
(
    BAD_EVENT, STRAY_TEXT, LONG_EVENT, DEEP_EVENT, LONG_TEXT, BAD_WORD, NO_TIME, BAD_TIME,
    NO_DURATION, BAD_DURATION, MANY_TRACKS, MANY_TEXTS, BAD_COUNTER, TRUNCATED, BAD_MEMBER,
) = range(15)  # fmt: skip
KINDS_OF_NOTES = 15

# What the value of a member is.
ABSENT, STRING, ESCAPES, LITERAL, LIST = 0, 1, 2, 3, 4

VALUE_PLACES = 4  # of each member: the event that had it, what it is, its first byte, its end
OTHER_PHASE = 1


class Tracks(NamedTuple):
    """Pairs of process and thread, numbers of texts: a hash table of fixed room.

    `size` has the number of tracks, the one seen last, the most that are told apart, and whether
    there were more.
    """

    slots: npt.NDArray[np.int32]
    pid: npt.NDArray[np.int32]
    tid: npt.NDArray[np.int32]
    size: npt.NDArray[np.int64]


TRACKS_MOST, TRACKS_PASSED = 2, 3


class Blocks(NamedTuple):
    """Room for rows: column c of table t begins at `cells[base[t] + c * room[t]]`."""

    cells: npt.NDArray[np.int64]
    base: npt.NDArray[np.int64]
    room: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


class Notes(NamedTuple):
    """What was wrong: the first places, and how often each kind was met."""

    offset: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    listed: npt.NDArray[np.int64]


class Known(NamedTuple):
    """What a scan knows of categories and phases, and its scratch for one event."""

    kinds: npt.NDArray[np.int64]
    tables: npt.NDArray[np.int64]
    phases: npt.NDArray[np.int64]
    values: npt.NDArray[np.int64]
    facts: npt.NDArray[np.int64]
    todo: npt.NDArray[np.int64]


def make_tracks(most: int) -> Tracks:
    """Return room for so many tracks; one more stands for all further ones."""
    slots = 1 << (4 * most - 1).bit_length()
    numbers = np.zeros(most + 1, np.int32), np.zeros(most + 1, np.int32)
    return Tracks(np.zeros(slots, np.int32), *numbers, np.array([0, 0, most, 0], np.int64))


def make_known(table_of_kind: Column) -> Known:
    """Return what is known at first: nothing but which table each kind of slice goes to."""
    return Known(
        kinds=np.zeros(256, np.int64),
        tables=table_of_kind,
        phases=np.zeros(256, np.int64),
        values=np.zeros(2 * IN_ARGS * VALUE_PLACES, np.int64),
        facts=np.zeros(16, np.int64),
        todo=np.zeros(8, np.int64),
    )


def make_notes(listed: int) -> Notes:
    """Return room for the places of so many."""
    zeros = np.zeros(listed, np.int64), np.zeros(listed, np.int64)
    return Notes(*zeros, np.zeros(KINDS_OF_NOTES, np.int64), np.zeros(1, np.int64))


@inlined
def note(notes: Notes, offset: Int64, kind: Int64) -> None:
    """Count something wrong, and list where it is while there is room."""
    n = notes.listed[0]
    if n < len(notes.offset):
        notes.offset[n] = offset
        notes.kind[n] = kind
        notes.listed[0] = n + 1
    notes.counts[kind] += 1
