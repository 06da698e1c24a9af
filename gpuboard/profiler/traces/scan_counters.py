"""Fill the rows of counters: one for each value that an event gives."""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import Bytes, Column, Int64, kernel, load_u8
from gpuboard.profiler.traces.scan_json import (
    BRACE,
    BRACKET,
    COMMA,
    QUOTE,
    composite_end,
    literal_end,
    seen,
    string_end,
)
from gpuboard.profiler.traces.scan_numbers import floating
from gpuboard.profiler.traces.scan_state import (
    ESCAPES,
    LIST,
    LITERAL,
    STRING,
    VALUE_PLACES,
    Blocks,
    Known,
)
from gpuboard.profiler.traces.scan_tables import (
    ARGS,
    COUNTERS,
    EXACT,
    KEY,
    NAME,
    TIME,
    TRACK,
    VALUE,
)
from gpuboard.profiler.traces.scan_texts import (
    COMPOSITE,
    ESCAPED,
    LEFT_OUT,
    NO_ROOM,
    PLAIN,
    Texts,
    intern,
)
from gpuboard.profiler.traces.scan_vectors import as_bits


@kernel
def intern_any(
    data: Bytes, first: Int64, last: Int64, sort: Int64, at: Int64, texts: Texts
) -> Int64:
    """Return the number of a text of any sort, as `intern` does."""
    if sort == LIST:
        return intern(data, first, last, COMPOSITE, at, texts)
    return intern(data, first, last, ESCAPED if sort == ESCAPES else PLAIN, at, texts)


@kernel
def take_counters(
    data: Bytes, end: Int64, offset: Int64, values: Column, known: Known, blocks: Blocks,
    texts: Texts,
) -> Int64:  # fmt: skip
    """Add a row for each member of the event's "args".

    Returns:
        How it ended, as `_fill` does, and 2 where there was a value that is no number.
    """
    room, base, before = blocks.room[COUNTERS], blocks.base[COUNTERS], blocks.rows[COUNTERS]
    answer = np.int64(0)
    facts = known.facts
    position = values[ARGS * VALUE_PLACES + 2] + 1
    while True:
        position = seen(data, position, end)
        c = load_u8(data, position)
        if c == COMMA:
            position += 1
            continue
        if c != QUOTE:
            return answer
        key_end, has_escapes = string_end(data, position + 1, end)
        key_sort = ESCAPES if has_escapes else STRING
        number = intern_any(data, position + 1, key_end, key_sort, offset, texts)
        first = seen(data, seen(data, key_end + 1, end) + 1, end)
        c = load_u8(data, first)
        sort = np.int64(LITERAL)
        if c == QUOTE:
            first += 1
            last, _ = string_end(data, first, end)
            position = last + 1
        elif c in (BRACE, BRACKET):
            last = composite_end(data, first, end)
            sort = np.int64(LIST)
            position = last
        else:
            last = literal_end(data, first, end)
            position = last
        value, is_exact = floating(data, first, last)
        if c == 0x74 or c == 0x66:  # true, false
            value = 1.0 if c == 0x74 else 0.0
        if sort == LIST or (value != value and c | 0x20 != 0x6E):
            answer |= 2
            continue
        exact = np.int64(LEFT_OUT)
        if not is_exact:
            exact = intern_any(data, first, last, STRING, offset, texts)
        if number == NO_ROOM or exact == NO_ROOM:
            blocks.rows[COUNTERS] = before
            return np.int64(-1)
        if number == LEFT_OUT:
            answer |= 1
            continue
        row = blocks.rows[COUNTERS]
        if row >= room:
            # No event of sense has as many values as a whole block has rows.
            if before == 0:
                return answer | 2
            blocks.rows[COUNTERS] = before
            return np.int64(-2)
        facts[KEY], facts[VALUE], facts[EXACT] = number, as_bits(value), max(exact, np.int64(-1))
        for k in range(6):
            blocks.cells[base + k * room + row] = facts[_COUNTER_FACTS[k]]
        blocks.rows[COUNTERS] = row + 1


_COUNTER_FACTS = np.array([NAME, KEY, TRACK, TIME, VALUE, EXACT], np.int64)
