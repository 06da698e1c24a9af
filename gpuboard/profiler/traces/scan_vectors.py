"""Give the scanner of traces what numba lacks: a look at 32 bytes at once, and 128-bit products.

Positions are trusted: every array of bytes ends in `PADDING` bytes that may be read in vain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 32
PADDING = 64

_I1, _I8, _I32, _I64, _I128 = (ir.IntType(bits) for bits in (1, 8, 32, 64, 128))
_VECTOR = ir.VectorType(_I8, WIDTH)


def _all(byte: int) -> Any:
    return ir.Constant(_VECTOR, [byte] * WIDTH)


def _load(context: Any, builder: Any, array_type: Any, array: Any, position: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    place = builder.bitcast(builder.gep(data, [position]), _VECTOR.as_pointer())
    vector = builder.load(place)
    vector.align = 1
    return vector


def _make_marks(test: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Make an intrinsic `marks(data, position)`: bit k says whether byte `position + k` passes."""

    @intrinsic
    def marks(typing_context: Any, array: Any, position: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = _load(context, builder, signature.args[0], args[0], args[1])
            return builder.zext(builder.bitcast(test(builder, vector), _I32), _I64)

        return types.int64(array, types.int64), generate

    return cast(Callable[..., Any], marks)


def _is(builder: Any, vector: Any, character: str) -> Any:
    return builder.icmp_unsigned("==", vector, _all(ord(character)))


def _ends_string(builder: Any, vector: Any) -> Any:
    return builder.or_(_is(builder, vector, '"'), _is(builder, vector, "\\"))


def _is_seen(builder: Any, vector: Any) -> Any:
    return builder.icmp_unsigned(">", vector, _all(ord(" ")))


def _is_structure(builder: Any, vector: Any) -> Any:
    # Brackets and braces differ in one bit.
    lower = builder.or_(vector, _all(0x20))
    bracket = builder.or_(_is(builder, lower, "{"), _is(builder, lower, "}"))
    return builder.or_(bracket, _is(builder, vector, '"'))


def _ends_literal(builder: Any, vector: Any) -> Any:
    lower = builder.or_(vector, _all(0x20))
    closing = builder.or_(_is(builder, lower, "}"), _is(builder, vector, ","))
    blank = builder.icmp_unsigned("<=", vector, _all(ord(" ")))
    return builder.or_(closing, blank)


string_marks = _make_marks(_ends_string)
seen_marks = _make_marks(_is_seen)
structure_marks = _make_marks(_is_structure)
literal_marks = _make_marks(_ends_literal)
brace_marks = _make_marks(lambda builder, vector: _is(builder, vector, "{"))
bracket_marks = _make_marks(lambda builder, vector: _is(builder, vector, "]"))


@intrinsic
def same_marks(typing_context: Any, left: Any, at: Any, right: Any, there: Any) -> Any:
    """Return a bit for each of 32 bytes of two arrays, set where they are equal."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = _load(context, builder, signature.args[0], args[0], args[1])
        other = _load(context, builder, signature.args[2], args[2], args[3])
        equal = builder.icmp_unsigned("==", one, other)
        return builder.zext(builder.bitcast(equal, _I32), _I64)

    return types.int64(left, types.int64, right, types.int64), generate


@intrinsic
def lowest_bit(typing_context: Any, bits: Any) -> Any:
    """Return the place of the lowest bit that is set, 64 when there is none."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(_I1, 0))

    return types.int64(types.int64), generate


@intrinsic
def folded_product(typing_context: Any, left: Any, right: Any) -> Any:
    """Return both halves of a 128-bit product, one xor the other."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.mul(builder.zext(args[0], _I128), builder.zext(args[1], _I128))
        high = builder.trunc(builder.lshr(product, ir.Constant(_I128, 64)), _I64)
        return builder.xor(builder.trunc(product, _I64), high)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def as_bits(typing_context: Any, value: Any) -> Any:
    """Return the bits of a float64 as an int64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], _I64)

    return types.int64(types.float64), generate
