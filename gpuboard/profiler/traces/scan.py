"""Turn a Chrome or Kineto trace into columns, in one compiled pass over its bytes.

`scan` walks the file's list of events in pieces. Of every event `scan_event` first notes where the
values of the members it knows lie, whatever their order; then `scan_rows` fills the tables of
`scan_tables`. What breaks JSON costs that event alone: scanning goes on at the next place where one
seems to begin.
"""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import Bytes, Column, Int64, kernel, load_i64, load_u8
from gpuboard.profiler.traces.scan_event import read_event
from gpuboard.profiler.traces.scan_json import (
    BLANK,
    BRACE,
    BRACKET,
    BROKEN,
    COLON,
    COMMA,
    CUT,
    END_BRACE,
    END_BRACKET,
    QUOTE,
    TOO_DEEP,
    composite_end,
    event_start,
    list_end,
    literal_end,
    seen,
    string_end,
)
from gpuboard.profiler.traces.scan_rows import take
from gpuboard.profiler.traces.scan_state import (
    BAD_EVENT,
    BAD_MEMBER,
    BEGIN,
    BYTES,
    DEEP_EVENT,
    DONE,
    EVENTS,
    GIVE_UP,
    IS_LAST,
    IS_LIST,
    KEY_AT,
    KEY_END,
    LONG_EVENT,
    LOST,
    MEMBER,
    MODE,
    NO_TRACE,
    ROOT,
    STRAY_TEXT,
    TRUNCATED,
    VALUE_AT,
    VALUE_END,
    WANTS,
    WAS_LISTED,
    WAS_WHOLE,
    Blocks,
    Known,
    Notes,
    Tracks,
    note,
)
from gpuboard.profiler.traces.scan_tables import Keys, Lists
from gpuboard.profiler.traces.scan_texts import Texts

_EVENTS_NAME = int.from_bytes(b"traceEve", "little")


@kernel
def _find_member(data: Bytes, position: Int64, end: Int64, state: Column) -> Int64:
    """Find a member of the root: its places come into the state; return the position behind it."""
    key_end, _ = string_end(data, position + 1, end)
    if key_end < 0:
        return key_end
    colon = seen(data, key_end + 1, end)
    if load_u8(data, colon) != COLON:
        return np.int64(CUT) if colon >= end else np.int64(BROKEN)
    first = seen(data, colon + 1, end)
    c = load_u8(data, first)
    state[KEY_AT], state[KEY_END] = position + 1, key_end
    state[VALUE_AT] = first
    if c == BRACKET and key_end - position == 12 and load_i64(data, position + 1) == _EVENTS_NAME:
        state[VALUE_END] = first
        return first + 1
    if c == QUOTE:
        last, _ = string_end(data, first + 1, end)
        last = last + 1 if last >= 0 else last
    elif c in (BRACE, BRACKET):
        last = composite_end(data, first, end)
    else:
        last = literal_end(data, first, end)
        if last == first:
            last = np.int64(BROKEN)
    state[VALUE_END] = last
    return last


@kernel
def _walk_root(
    data: Bytes, position: Int64, end: Int64, base: Int64, state: Column, notes: Notes
) -> tuple[Int64, Int64]:
    """Walk what is not the list of events, up to that list, or to what is wanted."""
    while True:
        position = seen(data, position, end)
        if position >= end:
            return position, np.int64(BYTES)
        c = load_u8(data, position)
        mode = state[MODE]
        if mode == BEGIN:
            if c == 0xEF and position + 3 <= end:  # a byte order mark
                position += 3
                continue
            if c not in (BRACE, BRACKET):
                return position, np.int64(NO_TRACE)
            state[IS_LIST] = 1 if c == BRACKET else 0
            state[MODE] = EVENTS if c == BRACKET else ROOT
            position += 1
            if c == BRACKET:
                state[WAS_LISTED] = 1
                return position, np.int64(BYTES)
        elif mode == DONE or c not in (COMMA, END_BRACE, QUOTE):
            note(notes, base + position, STRAY_TEXT)
            state[MODE] = LOST
            return position, np.int64(BYTES)
        elif c == COMMA:
            position += 1
        elif c == END_BRACE:
            state[MODE] = DONE
            state[WAS_WHOLE] = 1
            position += 1
        else:
            stop = _find_member(data, position, end, state)
            if stop == CUT and state[IS_LAST] == 0 and state[GIVE_UP] == 0:
                return position, np.int64(BYTES)
            if stop < 0:
                note(notes, base + position, BAD_MEMBER)
                if stop == CUT and state[GIVE_UP] == 0:
                    return np.int64(end), np.int64(BYTES)
                state[GIVE_UP] = 0
                state[MODE] = LOST
                return position + 1, np.int64(BYTES)
            if state[VALUE_END] == state[VALUE_AT]:
                state[MODE] = EVENTS
                state[WAS_LISTED] = 1
                return stop, np.int64(BYTES)
            return stop, np.int64(MEMBER)


@kernel
def _find_way(data: Bytes, position: Int64, end: Int64, state: Column) -> Int64:
    """Look for the next event after something broken; return where to go on."""
    place, is_found = event_start(data, position, end)
    last = list_end(data, position, place) if state[WAS_LISTED] != 0 else np.int64(-1)
    if last >= 0:
        state[MODE] = EVENTS
        return last
    if is_found:
        state[MODE] = EVENTS
        state[WAS_LISTED] = 1
    elif state[IS_LAST] != 0:
        return np.int64(end)
    return place


@kernel
def scan(
    data: Bytes, start: Int64, end: Int64, base: Int64, state: Column, keys: Keys, known: Known,
    lists: Lists, blocks: Blocks, texts: Texts, tracks: Tracks, notes: Notes,
) -> Int64:  # fmt: skip
    """Take in the events of `data[start:end]`.

    Args:
        data: Bytes of the file, and behind `end` `PADDING` zeros.
        start: Where to begin: what the last call returned, or 0.
        end: Behind the last byte that is there yet.
        base: Offset in the file of `data[0]`.
        state: Says where in the file this is; `state[WANTS]` is told what is wanted.
        keys: The names of members.
        known: Categories, phases and scratch.
        lists: The tables' columns.
        blocks: Filled from its rows on.
        texts: New texts are added.
        tracks: New tracks are added.
        notes: New notes are added.

    Returns:
        Where to go on once there is what is wanted: more bytes behind that place, more room, the
        kind of a category, or that a member of the root (whose places the state has) is taken in.
    """
    position = np.int64(start)
    state[WANTS] = BYTES
    while position < end:
        mode = state[MODE]
        if mode == LOST:
            position = _find_way(data, position, end, state)
            if state[MODE] == LOST:
                return position
            continue
        if mode != EVENTS:
            before = position
            position, wanted = _walk_root(data, position, end, base, state, notes)
            if wanted != BYTES or (state[MODE] == mode and position == before):
                state[WANTS] = wanted
                return position
            continue
        c = load_u8(data, position)
        if c == COMMA or c <= BLANK:
            position = seen(data, position + 1, end)
            continue
        if c == END_BRACKET:
            state[MODE] = DONE if state[IS_LIST] else ROOT
            state[WAS_WHOLE] = state[IS_LIST]
            position += 1
            continue
        if c != BRACE:
            note(notes, base + position, STRAY_TEXT)
            state[MODE] = LOST
            continue
        stop, warned = read_event(data, position, end, keys, known.values, state)
        if stop >= 0:
            wanted = take(
                data, end, base + position, warned, state, known, lists, blocks, texts, tracks,
                notes,
            )  # fmt: skip
            if wanted != BYTES:
                state[WANTS] = wanted
                return position
            position = stop
            continue
        if stop == CUT and state[IS_LAST] == 0 and state[GIVE_UP] == 0:
            return position
        kind = np.int64(BAD_EVENT)
        if stop == TOO_DEEP:
            kind = np.int64(DEEP_EVENT)
        elif stop == CUT:
            kind = np.int64(TRUNCATED) if state[GIVE_UP] == 0 else np.int64(LONG_EVENT)
        state[GIVE_UP] = 0
        note(notes, base + position, kind)
        state[MODE] = LOST
        position += 1
    return position
