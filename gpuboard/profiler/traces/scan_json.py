"""Find the ends of JSON values in bytes that may be anything, 32 of them at a time.

Each function takes `end`, behind which `PADDING` zeros stand, and answers `CUT` when the value goes
on beyond it.
"""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import Bytes, Int64, kernel, load_i64, load_u8
from gpuboard.limits import MAX_TRACE_DEPTH
from gpuboard.profiler.traces.scan_vectors import (
    WIDTH,
    brace_marks,
    bracket_marks,
    literal_marks,
    lowest_bit,
    seen_marks,
    string_marks,
    structure_marks,
)

CUT, BROKEN, TOO_DEEP = -1, -2, -3

MAX_DEPTH = MAX_TRACE_DEPTH.value  # one bit of an int64 for each open list or object

QUOTE, COLON, COMMA, BACKSLASH = (ord(c) for c in '":,\\')
BRACE, END_BRACE, BRACKET, END_BRACKET = (ord(c) for c in "{}[]")
BLANK = 0x20  # it and all control characters


@kernel
def seen(data: Bytes, position: Int64, end: Int64) -> Int64:
    """Return where the next byte stands that is no blank, `end` when there is none."""
    while position < end:
        marks = seen_marks(data, position)
        if marks != 0:
            return min(position + lowest_bit(marks), end)
        position += WIDTH
    return np.int64(end)


@kernel
def string_end(data: Bytes, position: Int64, end: Int64) -> tuple[Int64, bool]:
    """Return where the quote stands that ends a string, and whether the string has escapes."""
    has_escapes = False
    while position < end:
        marks = string_marks(data, position)
        if marks == 0:
            position += WIDTH
            continue
        position += lowest_bit(marks)
        if position >= end:
            break
        if load_u8(data, position) == QUOTE:
            return position, has_escapes
        has_escapes = True
        position += 2
    return np.int64(CUT), has_escapes


@kernel
def literal_end(data: Bytes, position: Int64, end: Int64) -> Int64:
    """Return the position behind a number or a word such as `true`."""
    while position < end:
        marks = literal_marks(data, position)
        if marks != 0:
            position += lowest_bit(marks)
            return position if position < end else np.int64(CUT)
        position += WIDTH
    return np.int64(CUT)


@kernel
def composite_end(data: Bytes, position: Int64, end: Int64) -> Int64:
    """Return the position behind a list or object, `BROKEN` where brackets do not match."""
    depth, braces = np.int64(0), np.int64(0)
    while position < end:
        marks = structure_marks(data, position)
        base = position
        position += WIDTH
        while marks != 0:
            place = base + lowest_bit(marks)
            marks &= marks - 1
            if place >= end:
                return np.int64(CUT)
            c = load_u8(data, place)
            if c == QUOTE:
                position, _ = string_end(data, place + 1, end)
                if position < 0:
                    return position
                position += 1
                break
            if c in (BRACE, BRACKET):
                depth += 1
                if depth > MAX_DEPTH:
                    return np.int64(TOO_DEEP)
                braces = (braces << 1) | (1 if c == BRACE else 0)
                continue
            if (braces & 1) != (1 if c == END_BRACE else 0):
                return np.int64(BROKEN)
            braces >>= 1
            depth -= 1
            if depth == 0:
                return place + 1
    return np.int64(CUT)


@kernel
def is_quoted(data: Bytes, position: Int64, end: Int64) -> Int64:
    """Say whether a key that events begin with stands here: 1, 0, or `CUT` when it may yet.

    Such keys are ph, cat, name, pid, tid, ts, dur and args; objects that are no events often begin
    with an id.
    """
    close, has_escapes = string_end(data, position, min(end, position + 6))
    if close < 0:
        return np.int64(CUT) if end < position + 6 else np.int64(0)
    if has_escapes:
        return np.int64(0)
    length = close - position
    word = load_i64(data, position) & ((np.int64(1) << (8 * length)) - 1)
    known = word in (0x6870, 0x746163, 0x656D616E, 0x646970, 0x646974, 0x7374, 0x727564)
    known = known or word == 0x73677261
    if not known:
        return np.int64(0)
    colon = seen(data, close + 1, min(end, close + WIDTH))
    if colon >= end:
        return np.int64(CUT)
    return np.int64(1) if load_u8(data, colon) == COLON else np.int64(0)


@kernel
def event_start(data: Bytes, position: Int64, end: Int64) -> tuple[Int64, bool]:
    """Find the next place that looks like the beginning of an event.

    That is a brace which is not the value of a member, and then a key of events.

    Returns:
        Its position and True; else where to look on once there are more bytes, and False.
    """
    while position < end:
        marks = brace_marks(data, position)
        base = position
        position += WIDTH
        while marks != 0:
            place = base + lowest_bit(marks)
            marks &= marks - 1
            if place >= end:
                break
            key = seen(data, place + 1, min(end, place + 1 + PATIENCE))
            if key >= end:
                return place, False
            if load_u8(data, key) != QUOTE or is_value(data, place):
                continue
            answer = is_quoted(data, key + 1, end)
            if answer == CUT:
                return place, False
            if answer == 1:
                return place, True
    return np.int64(end), False


PATIENCE = 256  # blanks between what belongs together


@kernel
def is_value(data: Bytes, position: Int64) -> bool:
    """Say whether the last byte before this one that is no blank is a colon."""
    first = max(position - PATIENCE, np.int64(0))
    position -= 1
    while position >= first:
        c = load_u8(data, position)
        if c > BLANK:
            return bool(c == COLON)
        position -= 1
    return False


@kernel
def list_end(data: Bytes, position: Int64, end: Int64) -> Int64:
    """Return where the bracket stands that seems to end the list of events, -1 when none does.

    It is the first byte of its line, and a member of the root or the root's end follows.
    """
    while position < end:
        marks = bracket_marks(data, position)
        base = position
        position += WIDTH
        while marks != 0:
            place = base + lowest_bit(marks)
            marks &= marks - 1
            if place >= end:
                break
            if not _begins_line(data, place):
                continue
            after = seen(data, place + 1, end)
            if load_u8(data, after) == END_BRACE:
                return place
            if load_u8(data, after) == COMMA:
                after = seen(data, after + 1, end)
                if load_u8(data, after) == QUOTE:
                    return place
    return np.int64(-1)


@kernel
def _begins_line(data: Bytes, position: Int64) -> bool:
    first = max(position - PATIENCE, np.int64(0))
    position -= 1
    while position >= first:
        c = load_u8(data, position)
        if c == 0x0A:
            return True
        if c > BLANK:
            return False
        position -= 1
    return False
