"""Read decimal numbers from text exactly, as integers of any decimal shift or as floats."""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.native import Bytes, Int64, kernel, load_i64, load_u8

NO_NUMBER = -(1 << 63)

_POWERS = np.array([10.0**k for k in range(23)])
_LARGEST = (1 << 63) - 1
_EXACT = 1 << 53
_MOST_DIGITS = 18
_SAFE = 9 * 10**15  # a thousand times as much still fits
# A float64 reaches from 5e-324 to 1.8e308: an exponent beyond says 0 or infinity.
_FAR = 100_000

_MINUS, _PLUS, _POINT, _ZERO, _NINE, _E, _X, _I = (ord(c) for c in "-+.09exi")
_EIGHT_ZEROS = 0x3030303030303030
_HIGH_HALVES = -0x0F0F0F0F0F0F0F10  # 0xF0 in each byte
_SIXES = 0x0606060606060606


@kernel
def _digits(data: Bytes, position: Int64, end: Int64) -> tuple[Int64, Int64]:
    """Read up to 18 digits; return their value and the position behind them."""
    value = np.int64(0)
    last = min(end, position + _MOST_DIGITS)
    while position + 8 <= last:
        eight = load_i64(data, position)
        if eight & _HIGH_HALVES != _EIGHT_ZEROS:
            break
        if (eight + _SIXES) & _HIGH_HALVES != _EIGHT_ZEROS:
            break
        # Add neighbours, then pairs, then fours (Lemire, "Quickly parsing eight digits", 2018).
        eight -= _EIGHT_ZEROS
        eight = (eight * 10) + (eight >> 8)
        low = (eight & 0x000000FF000000FF) * 0x000F424000000064
        high = ((eight >> 16) & 0x000000FF000000FF) * 0x0000271000000001
        value = value * 100_000_000 + (((low + high) >> 32) & 0xFFFFFFFF)
        position += 8
    while position < last:
        digit = load_u8(data, position) - _ZERO
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        position += 1
    return value, position


@kernel
def _exponent(data: Bytes, position: Int64, end: Int64) -> Int64:
    """Read what follows "e", `NO_NUMBER` when it is none."""
    sign = np.int64(1)
    if position < end and load_u8(data, position) == _MINUS:
        sign = np.int64(-1)
        position += 1
    elif position < end and load_u8(data, position) == _PLUS:
        position += 1
    if position >= end:
        return np.int64(NO_NUMBER)
    value = np.int64(0)
    while position < end:
        digit = load_u8(data, position) - _ZERO
        if digit < 0 or digit > 9:
            return np.int64(NO_NUMBER)
        value = min(value * 10 + digit, np.int64(_FAR))
        position += 1
    return sign * value


@kernel
def _shifted(data: Bytes, start: Int64, end: Int64, shift: Int64, sign: Int64) -> Int64:
    """Return any decimal times a power of ten, cut towards zero: digit by digit, slow but exact."""
    position = start
    digits, whole = np.int64(0), np.int64(-1)
    while position < end:
        c = load_u8(data, position)
        if c == _POINT and whole < 0:
            whole = digits
        elif _ZERO <= c <= _NINE:
            digits += 1
        else:
            break
        position += 1
    if digits == 0:
        return np.int64(NO_NUMBER)
    if whole < 0:
        whole = digits
    if position < end:
        if load_u8(data, position) | 0x20 != _E:
            return np.int64(NO_NUMBER)
        exponent = _exponent(data, position + 1, end)
        if exponent == NO_NUMBER:
            return exponent
        shift += exponent
    kept = whole + shift
    value = np.int64(0)
    seen = np.int64(0)
    position = start
    while seen < kept:
        digit = np.int64(0)
        if seen < digits:
            if load_u8(data, position) == _POINT:
                position += 1
            digit = load_u8(data, position) - _ZERO
            position += 1
        elif value == 0:
            return np.int64(0)
        if value > (_LARGEST - digit) // 10:
            return np.int64(NO_NUMBER)
        value = value * 10 + digit
        seen += 1
    return sign * value


@kernel
def _hexadecimal(data: Bytes, position: Int64, end: Int64) -> Int64:
    if position >= end or end - position > 15:
        return np.int64(NO_NUMBER)
    value = np.int64(0)
    while position < end:
        c = load_u8(data, position)
        if _ZERO <= c <= _NINE:
            digit = c - _ZERO
        else:
            digit = (c | 0x20) - 0x57
            if digit < 10 or digit > 15:
                return np.int64(NO_NUMBER)
        value = value * 16 + digit
        position += 1
    return value


@kernel
def integer(data: Bytes, start: Int64, end: Int64, shift: Int64) -> Int64:
    """Return a number times `10**shift` (0 or 3), cut towards zero.

    Args:
        data: Bytes, with eight more behind `end`.
        start: First character; blanks around the number do no harm.
        end: Position behind the last one.
        shift: 3 makes nanoseconds of microseconds.

    Returns:
        `NO_NUMBER` where there is none, or none that an int64 holds.
    """
    while start < end and load_u8(data, start) <= 0x20:
        start += 1
    while start < end and load_u8(data, end - 1) <= 0x20:
        end -= 1
    sign = np.int64(1)
    if start < end:
        c = load_u8(data, start)
        if c == _MINUS:
            sign = np.int64(-1)
            start += 1
        elif c == _PLUS:
            start += 1
    value, position = _digits(data, start, end)
    digits = position - start
    if digits == 0 or digits == _MOST_DIGITS or (shift > 0 and value >= _SAFE):
        return _shifted(data, start, end, shift, sign)
    if position == end:
        return sign * (value * 1000 if shift == 3 else value)
    c = load_u8(data, position)
    if c | 0x20 == _X and digits == 1 and value == 0:
        return sign * _hexadecimal(data, position + 1, end)
    if c != _POINT:
        return _shifted(data, start, end, shift, sign)
    position += 1
    left = shift
    while position < end:
        digit = load_u8(data, position) - _ZERO
        if digit < 0 or digit > 9:
            return _shifted(data, start, end, shift, sign)
        if left > 0:
            value = value * 10 + digit
            left -= 1
        position += 1
    while left > 0:
        value *= 10
        left -= 1
    return sign * value


@kernel
def _special(data: Bytes, start: Int64, end: Int64) -> float:
    """Return infinity for a word that begins with "inf", NaN for all others."""
    sign = 1.0
    if start < end and load_u8(data, start) == _MINUS:
        sign = -1.0
        start += 1
    if end - start >= 3 and load_u8(data, start) | 0x20 == _I:
        return sign * np.inf
    return np.nan


@kernel
def floating(data: Bytes, start: Int64, end: Int64) -> tuple[float, bool]:
    """Return a float64 and whether it is exact: if not, it may miss by its last two bits."""
    position = start
    sign = 1.0
    if position < end and load_u8(data, position) == _MINUS:
        sign = -1.0
        position += 1
    mantissa, scale, digits = np.int64(0), np.int64(0), np.int64(0)
    is_cut, has_point = False, False
    while position < end:
        c = load_u8(data, position)
        if c == _POINT and not has_point:
            has_point = True
        elif _ZERO <= c <= _NINE:
            digits += 1
            if mantissa < 100_000_000_000_000_000:
                mantissa = mantissa * 10 + (c - _ZERO)
                scale -= 1 if has_point else 0
            else:
                is_cut = is_cut or c != _ZERO
                scale += 0 if has_point else 1
        else:
            break
        position += 1
    if digits == 0:
        return _special(data, start, end), True
    if position < end:
        if load_u8(data, position) | 0x20 != _E:
            return np.nan, True
        exponent = _exponent(data, position + 1, end)
        if exponent == NO_NUMBER:
            return np.nan, True
        scale += exponent
    if mantissa == 0:
        return sign * 0.0, True
    value = sign * np.float64(mantissa)
    exact = bool(not is_cut and mantissa <= _EXACT and -22 <= scale <= 22)
    if -22 <= scale < 0:
        return value / _POWERS[-scale], exact
    if 0 <= scale <= 22:
        return value * _POWERS[scale], exact
    return value * 10.0 ** np.float64(scale), exact
