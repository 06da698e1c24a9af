"""Find where the values of one event lie, whatever the order of its members."""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import Bytes, Column, Int64, inlined, kernel, load_i64, load_u8
from gpuboard.profiler.traces.scan_json import (
    BLANK,
    BRACE,
    BRACKET,
    BROKEN,
    COLON,
    COMMA,
    CUT,
    END_BRACE,
    QUOTE,
    composite_end,
    literal_end,
    seen,
    string_end,
)
from gpuboard.profiler.traces.scan_state import (
    ABSENT,
    BAD_WORD,
    ESCAPES,
    INNER,
    LIST,
    LITERAL,
    LONG_TEXT,
    LONGEST,
    OWN,
    STAMP,
    STRING,
    VALUE_PLACES,
)
from gpuboard.profiler.traces.scan_tables import ARGS, IN_ARGS, KEY_BYTES, KEY_SHIFT, Keys
from gpuboard.profiler.traces.scan_vectors import same_marks

_WIDEST = 40  # bytes of a member's name
_ZERO, _NINE, _MINUS, _N = (ord(c) for c in "09-n")


@inlined
def _key_number(data: Bytes, start: Int64, length: Int64, keys: Keys) -> Int64:
    """Return the number of a member by its name, -1 for one that no table asks for."""
    if length > _WIDEST or length == 0:
        return np.int64(-1)
    word = load_i64(data, start)
    if length < 8:
        word &= (np.int64(1) << (8 * length)) - 1
    slot = (((word + length) * keys.factor[0]) >> KEY_SHIFT) & (len(keys.slot) - 1)
    number = keys.slot[slot] - 1
    if number < 0 or keys.length[number] != length:
        return np.int64(-1)
    there = number * KEY_BYTES
    if length <= 8:
        return number if load_i64(keys.text, there) == word else np.int64(-1)
    wanted = (np.int64(1) << min(length, 32)) - 1
    if same_marks(data, start, keys.text, there) & wanted != wanted:
        return np.int64(-1)
    for k in range(32, length):
        if data[start + k] != keys.text[there + k]:
            return np.int64(-1)
    return number


@kernel
def _is_word(data: Bytes, start: Int64, end: Int64) -> bool:
    """Say whether a literal that begins with a letter is one that JSON or Python writes."""
    word = load_i64(data, start)
    length = end - start
    if length == 4:
        return bool(word & 0xFFFFFFFF in (0x65757274, 0x6C6C756E))  # true, null
    if length == 5:
        return bool(word & 0xFFFFFFFFFF == 0x65736C6166)  # false
    if length == 3:
        return bool(word & 0xFFFFFF in (0x4E614E, 0x6E616E, 0x666E69))  # NaN, nan, inf
    return bool(length == 8 and word == 0x7974696E69666E49)  # Infinity


@inlined
def read_event(
    data: Bytes, start: Int64, end: Int64, keys: Keys, values: Column, state: Column
) -> tuple[Int64, Int64]:
    """Note where the values of the event that begins at `start` lie.

    Returns:
        The position behind it, or `CUT`, `BROKEN` or `TOO_DEEP`; and what it is warned of.
    """
    own = state[STAMP] + 1
    inner = own + 1
    warned = np.int64(0)
    level = np.int64(0)
    position = start + 1
    while True:
        c = load_u8(data, position)
        if c == COMMA:
            position += 1
            c = load_u8(data, position)
        if c <= BLANK:
            position = seen(data, position, end)
            c = load_u8(data, position)
        if c != QUOTE:
            if c == COMMA:
                continue
            if c != END_BRACE:
                position = np.int64(CUT) if position >= end else np.int64(BROKEN)
                break
            position += 1
            if level == 0:
                break
            level = np.int64(0)
            continue
        key = position + 1
        key_end, has_escapes = string_end(data, key, end)
        if key_end < 0:
            position = key_end
            break
        position = key_end + 1
        c = load_u8(data, position)
        if c <= BLANK:
            position = seen(data, position, end)
            c = load_u8(data, position)
        if c != COLON:
            position = np.int64(CUT) if position >= end else np.int64(BROKEN)
            break
        position += 1
        c = load_u8(data, position)
        if c <= BLANK:
            position = seen(data, position, end)
            c = load_u8(data, position)
        number = np.int64(-1)
        if not has_escapes:
            number = _key_number(data, key, key_end - key, keys)
        place = (number + IN_ARGS * level) * VALUE_PLACES
        first = position
        if c == QUOTE:
            first = position + 1
            last, has_escapes = string_end(data, first, end)
            if last < 0:
                position = last
                break
            sort = np.int64(ESCAPES) if has_escapes else np.int64(STRING)
            position = last + 1
        elif c in (BRACE, BRACKET):
            sort = np.int64(LIST)
            last = position
            if c == BRACE and level == 0 and number == ARGS:
                position += 1
                level = np.int64(1)
            else:
                position = composite_end(data, position, end)
                if position < 0:
                    break
                last = position
        else:
            sort = np.int64(LITERAL)
            last = literal_end(data, position, end)
            if last <= position:
                position = np.int64(BROKEN) if last == position else last
                break
            if (c < _ZERO or c > _NINE) and c != _MINUS and not _is_word(data, first, last):
                warned |= 1 << BAD_WORD
                sort = np.int64(ABSENT)
            elif c == _N and last == first + 4:
                sort = np.int64(ABSENT)
            position = last
        if number >= 0:
            if last - first > state[LONGEST]:
                warned |= 1 << LONG_TEXT
                sort = np.int64(ABSENT)
            if place == ARGS * VALUE_PLACES:
                inner += 1  # what earlier "args" of this event held counts no more
            values[place] = own if place < IN_ARGS * VALUE_PLACES else inner
            values[place + 1] = sort
            values[place + 2] = first
            values[place + 3] = last
    state[OWN], state[INNER], state[STAMP] = own, inner, inner
    return position, warned


@inlined
def sort_of(member: Int64, values: Column, state: Column) -> Int64:
    """Return what the value of a member of the event just read is."""
    place = member * VALUE_PLACES
    stamp = state[OWN] if member < IN_ARGS else state[INNER]
    return values[place + 1] if values[place] == stamp else np.int64(ABSENT)
