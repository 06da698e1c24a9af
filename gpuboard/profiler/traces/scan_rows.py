"""Fill the rows of all tables that one event goes to."""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import Bytes, Column, Int64, inlined, kernel, load_i64, load_u8
from gpuboard.profiler.traces.scan_counters import intern_any, take_counters
from gpuboard.profiler.traces.scan_event import sort_of
from gpuboard.profiler.traces.scan_json import (
    literal_end,
)
from gpuboard.profiler.traces.scan_numbers import NO_NUMBER, floating, integer
from gpuboard.profiler.traces.scan_state import (
    ABSENT,
    ARGUMENT,
    BAD_COUNTER,
    BAD_DURATION,
    BAD_TIME,
    BYTES,
    LIST,
    LITERAL,
    MANY_TEXTS,
    MANY_TRACKS,
    N_EVENTS,
    NEW_CATEGORY,
    NO_DURATION,
    NO_TIME,
    OTHER_PHASE,
    ROW_ROOM,
    SLICES_BEFORE,
    STRING,
    TEXT_ROOM,
    TRACKS_MOST,
    TRACKS_PASSED,
    VALUE_PLACES,
    Blocks,
    Known,
    Notes,
    Tracks,
    note,
)
from gpuboard.profiler.traces.scan_tables import (
    ARGS,
    BARE,
    CAT,
    CATEGORY,
    COLLECTIVE,
    COLLECTIVES,
    COUNTERS,
    DUR,
    DUR_,
    ENDS,
    FACT,
    FLOAT,
    FLOW_ENDS,
    INSTANTS,
    INTEGER,
    KIND,
    LABEL,
    LABELS,
    MEMORY,
    NAME,
    NAME_,
    OFFSET,
    PH,
    PHASE,
    PID,
    ROW,
    SIGNS_OF_BARE,
    SLICES,
    SPANS,
    TEXT,
    TID,
    TID_,
    TIME,
    TRACK,
    TS,
    Lists,
)
from gpuboard.profiler.traces.scan_texts import (
    LEFT_OUT,
    NO_ROOM,
    PLAIN,
    Texts,
    intern,
)
from gpuboard.profiler.traces.scan_vectors import as_bits, folded_product

_MEMORY_NAME = int.from_bytes(b"[memory]", "little")
_X, _B, _E, _C, _M, _S, _T, _F = (ord(c) for c in "XBECMstf")
_ZERO, _NINE, _MINUS = (ord(c) for c in "09-")
_LONGEST_TIME = 1 << 62
_ODD, _ODDER = 0x1E3779B97F4A7C15, 0x243F6A8885A308D3


@kernel
def _nanoseconds(data: Bytes, member: Int64, values: Column) -> Int64:
    place = member * VALUE_PLACES
    if values[place + 1] not in (STRING, LITERAL):
        return np.int64(NO_NUMBER)
    time = integer(data, values[place + 2], values[place + 3], 3)
    return time if -_LONGEST_TIME < time < _LONGEST_TIME else np.int64(NO_NUMBER)


@inlined
def _track(pid: Int64, tid: Int64, tracks: Tracks) -> Int64:
    """Return the number of a track; the one behind the last when there are too many."""
    last = tracks.size[1]
    if last < tracks.size[0] and tracks.pid[last] == pid and tracks.tid[last] == tid:
        return last
    mask = np.int64(len(tracks.slots) - 1)
    slot = folded_product(pid ^ _ODD, tid ^ _ODDER) & mask
    while tracks.slots[slot] != 0:
        number = np.int64(tracks.slots[slot] - 1)
        if tracks.pid[number] == pid and tracks.tid[number] == tid:
            tracks.size[1] = number
            return number
        slot = (slot + 1) & mask
    number = tracks.size[0]
    if number >= tracks.size[TRACKS_MOST]:
        tracks.size[TRACKS_PASSED] = 1
        return tracks.size[TRACKS_MOST]
    tracks.slots[slot] = number + 1
    tracks.pid[number] = pid
    tracks.tid[number] = tid
    tracks.size[0] = number + 1
    tracks.size[1] = number
    return number


@kernel
def _phase(data: Bytes, values: Column, state: Column) -> Int64:
    """Return the letter of the event's phase, 0 when it has none, `OTHER_PHASE` for a word."""
    place = PH * VALUE_PLACES
    sort = sort_of(PH, values, state)
    if sort == ABSENT:
        return np.int64(0)
    if sort == STRING and values[place + 3] - values[place + 2] == 1:
        return load_u8(data, values[place + 2])
    return np.int64(OTHER_PHASE)


@kernel
def _has_any(members: Column, values: Column, state: Column) -> bool:
    for k in range(len(members)):
        if sort_of(members[k], values, state) != ABSENT:
            return True
    return False


@inlined
def _plan(data: Bytes, phase: Int64, values: Column, state: Column, known: Known) -> Int64:
    """Say which tables the event goes to, in `known.todo`; return how many."""
    todo, facts = known.todo, known.facts
    n = np.int64(1)
    if phase in (_X, _B):
        todo[0] = SLICES
        side = known.tables[facts[KIND]]
        if side >= 0:
            todo[n] = side
            n += 1
        if sort_of(COLLECTIVE, values, state) != ABSENT:
            todo[n] = COLLECTIVES
            n += 1
        if phase == _B:
            todo[n] = ENDS
            n += 1
        if facts[LABEL] == 0 and _has_any(SIGNS_OF_BARE, values, state):
            todo[n] = BARE
            n += 1
        return n
    todo[0] = -1
    if phase == _E:
        todo[0] = ENDS
        facts[ROW] = -1
    elif phase in (_S, _T, _F):
        todo[0] = FLOW_ENDS
        facts[PHASE] = 0
        if phase != _S:
            facts[PHASE] = 1 if phase == _T else 2
    elif phase == _C:
        todo[0] = COUNTERS
    elif phase == _M:
        todo[0] = LABELS
    elif phase in (0x69, 0x49, 0x52, 0x6E):  # i, I, R, n
        place = NAME_ * VALUE_PLACES
        todo[0] = INSTANTS
        if values[place + 3] - values[place + 2] == 8 and facts[NAME] != 0:
            if load_i64(data, values[place + 2]) == _MEMORY_NAME:
                todo[0] = MEMORY
    elif phase in (0x62, 0x53):  # b, S
        todo[0] = SPANS
        facts[PHASE] = 0
    elif phase in (0x65, 0x46):  # e, F
        todo[0] = SPANS
        facts[PHASE] = 2
    return n if todo[0] >= 0 else np.int64(0)


@inlined
def _fill(
    data: Bytes, table: Int64, offset: Int64, values: Column, state: Column, known: Known,
    lists: Lists, blocks: Blocks, texts: Texts,
) -> Int64:  # fmt: skip
    """Write the next row of a table without counting it; return 0, 1 for a text left out, or -1."""
    room = blocks.room[table]
    base = blocks.base[table] + blocks.rows[table]
    answer = np.int64(0)
    for j in range(lists.first[table], lists.first[table + 1]):
        cell = base + lists.place[j] * room
        how = lists.how[j]
        source = lists.source[j]
        if how == FACT:
            blocks.cells[cell] = known.facts[source]
            continue
        sort = sort_of(source, values, state)
        if sort == ABSENT and lists.other[j] >= 0:
            source = lists.other[j]
            sort = sort_of(source, values, state)
        first = values[source * VALUE_PLACES + 2]
        last = values[source * VALUE_PLACES + 3]
        if how == INTEGER:
            number = np.int64(NO_NUMBER)
            if sort in (STRING, LITERAL):
                number = integer(data, first, last, 0)
            blocks.cells[cell] = number if number != NO_NUMBER else -1
        elif how == TEXT:
            number = np.int64(-1)
            if sort != ABSENT:
                number = intern_any(data, first, last, sort, offset, texts)
                if number == NO_ROOM:
                    return np.int64(-1)
                if number == LEFT_OUT:
                    number = np.int64(-1)
                    answer = np.int64(1)
            blocks.cells[cell] = number
        elif how == FLOAT:
            value = np.nan
            if sort in (STRING, LITERAL):
                value, _ = floating(data, first, last)
            blocks.cells[cell] = as_bits(value)
        else:
            if sort != LIST:
                last = first
            for k in range(3):
                first, number = _next_integer(data, first, last)
                blocks.cells[cell + k * room] = number if number != NO_NUMBER else -1
    return answer


@kernel
def _next_integer(data: Bytes, position: Int64, end: Int64) -> tuple[Int64, Int64]:
    """Return the position behind the next number of a list, and the number."""
    while position < end:
        c = load_u8(data, position)
        if c == _MINUS or _ZERO <= c <= _NINE:
            last = literal_end(data, position, end)
            if last < 0:
                break
            return last, integer(data, position, last, 0)
        position += 1
    return np.int64(end), np.int64(NO_NUMBER)


@inlined
def take(
    data: Bytes, end: Int64, offset: Int64, warned: Int64, state: Column, known: Known,
    lists: Lists, blocks: Blocks, texts: Texts, tracks: Tracks, notes: Notes,
) -> Int64:  # fmt: skip
    """Fill the tables from the event just read; return what is wanted first, `BYTES` for nothing.

    Where something is wanted, the event has left no trace and is to be read again.
    """
    values, facts = known.values, known.facts
    phase = _phase(data, values, state)
    time = np.int64(0)
    is_timed = phase not in (0, OTHER_PHASE, _M, 0x4E, 0x4F, 0x44)  # N, O, D
    if is_timed:
        if sort_of(TS, values, state) == ABSENT:
            warned |= 1 << NO_TIME
            time = np.int64(NO_NUMBER)
        else:
            time = _nanoseconds(data, TS, values)
            warned |= 1 << BAD_TIME if time == NO_NUMBER else 0
    if time != NO_NUMBER and (is_timed or phase == _M):
        for member in range(CAT, TID_ + 1):
            number = np.int64(0)
            sort = sort_of(member, values, state)
            place = member * VALUE_PLACES
            if sort != ABSENT:
                first, last = values[place + 2], values[place + 3]
                if sort == STRING or sort == LITERAL:
                    number = intern(data, first, last, PLAIN, offset, texts)
                else:
                    number = intern_any(data, first, last, sort, offset, texts)
                if number == NO_ROOM:
                    return np.int64(TEXT_ROOM)
                if number == LEFT_OUT:
                    number = np.int64(0)
                    warned |= 1 << MANY_TEXTS
            facts[_FACT_OF[member]] = number
        facts[TIME], facts[OFFSET] = time, offset
        if phase in (_X, _B):
            category = np.int64(texts.category[facts[LABEL]])
            if category < 0:
                state[ARGUMENT] = facts[LABEL]
                return np.int64(NEW_CATEGORY)
            facts[CATEGORY], facts[KIND] = category, known.kinds[category]
            facts[ROW] = state[SLICES_BEFORE] + blocks.rows[SLICES]
            facts[DUR] = 0
            if phase == _X:
                if sort_of(DUR_, values, state) == ABSENT:
                    warned |= 1 << NO_DURATION
                else:
                    facts[DUR] = _duration(data, time, values)
                    if facts[DUR] == NO_NUMBER:
                        warned |= 1 << BAD_DURATION
                        facts[DUR] = 0
        elif sort_of(CAT, values, state) == ABSENT:
            facts[LABEL] = -1
        if phase != _M:
            facts[TRACK] = _track(facts[PID], facts[TID], tracks)
            if facts[TRACK] == tracks.size[TRACKS_MOST]:
                warned |= 1 << MANY_TRACKS
        n = _plan(data, phase, values, state, known)
        for k in range(n):
            if blocks.rows[known.todo[k]] >= blocks.room[known.todo[k]]:
                state[ARGUMENT] = known.todo[k]
                return np.int64(ROW_ROOM)
        if n == 1 and known.todo[0] == COUNTERS:
            n = np.int64(0)
            if sort_of(ARGS, values, state) == LIST:
                answer = take_counters(data, end, offset, values, known, blocks, texts)
                if answer < 0:
                    state[ARGUMENT] = COUNTERS
                    return np.int64(TEXT_ROOM) if answer == -1 else np.int64(ROW_ROOM)
                warned |= 1 << MANY_TEXTS if answer & 1 else 0
                warned |= 1 << BAD_COUNTER if answer & 2 else 0
        for k in range(n):
            answer = _fill(data, known.todo[k], offset, values, state, known, lists, blocks, texts)
            if answer < 0:
                return np.int64(TEXT_ROOM)
            if answer > 0:
                warned |= 1 << MANY_TEXTS
        for k in range(n):
            blocks.rows[known.todo[k]] += 1
    known.phases[phase] += 1
    state[N_EVENTS] += 1
    kind = np.int64(0)
    while warned != 0:
        if warned & 1:
            note(notes, offset, kind)
        warned >>= 1
        kind += 1
    return np.int64(BYTES)


# In the order of the members "cat", "name", "pid" and "tid".
_FACT_OF = np.array([-1, LABEL, NAME, PID, TID], np.int64)


@kernel
def _duration(data: Bytes, time: Int64, values: Column) -> Int64:
    """Return the duration, at most so long that its end is a number too."""
    place = DUR_ * VALUE_PLACES
    if values[place + 1] not in (STRING, LITERAL):
        return np.int64(NO_NUMBER)
    dur = integer(data, values[place + 2], values[place + 3], 3)
    return dur if dur == NO_NUMBER else min(dur, np.int64(_FURTHEST) - max(time, np.int64(0)))


_FURTHEST = (1 << 63) - 1
