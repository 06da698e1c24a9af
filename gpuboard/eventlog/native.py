"""Give compiled kernels what numba lacks: unaligned loads and the processor's own CRC-32C.

Positions are trusted: callers check bounds, as a kernel that walks untrusted bytes must anyway.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any, TypeAlias

import llvmlite.binding as llvm
import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

# Inside compiled code every number has a width. Python's `int` would promise less than that,
# NumPy's scalar types more, so these stand for "an int64" and "a column" towards the reader.
Int64: TypeAlias = Any
Column: TypeAlias = Any
Bytes: TypeAlias = npt.NDArray[np.uint8]

# The arrays outlive every kernel, so none of them needs numba's reference counting: counting
# twenty arrays at each call made a scan twelve times slower (400 ms against 33 ms a million
# records). For the same reason everything that takes the tuples is inlined into `scan`.
kernel = numba.njit(cache=True, nogil=True, _nrt=False)
inlined = numba.njit(cache=True, nogil=True, _nrt=False, inline="always")

_CRC32C_POLYNOMIAL = 0x82F63B78
_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


def _make_load(raw: ir.Type, result: types.Type, widen: ir.Type | None) -> Callable[..., Any]:
    """Make an intrinsic `load(array_of_bytes, position)` that reads one little-endian number."""

    @intrinsic
    def load(typing_context: Any, array: Any, position: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            place = builder.bitcast(builder.gep(data, [args[1]]), raw.as_pointer())
            value = builder.load(place)
            value.align = 1
            return builder.zext(value, widen) if widen is not None else value

        return result(array, types.int64), generate

    return load


load_u8 = _make_load(_I8, types.int64, _I64)
load_u32 = _make_load(_I32, types.int64, _I64)
load_i64 = _make_load(_I64, types.int64, None)
load_f32 = _make_load(ir.FloatType(), types.float32, None)
load_f64 = _make_load(ir.DoubleType(), types.float64, None)


def _has_crc_instruction() -> bool:
    # A CPU name forced upon numba may promise less than the chip has: then stay portable.
    if numba.config.CPU_NAME is not None or numba.config.CPU_FEATURES is not None:
        return False
    x86 = platform.machine() in {"x86_64", "AMD64"}
    return x86 and bool(llvm.get_host_cpu_features().get("sse4.2"))


def _make_crc_step(llvm_name: str, register: ir.Type, word: ir.Type) -> Callable[..., Any]:
    """Make an intrinsic `step(crc, word)` over the SSE 4.2 instruction `llvm_name`; both int64."""

    @intrinsic
    def step(typing_context: Any, crc: Any, data: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            function_type = ir.FunctionType(register, [register, word])
            module = builder.module
            function = module.globals.get(llvm_name) or ir.Function(
                module, function_type, name=llvm_name
            )
            crc_in = args[0] if register == _I64 else builder.trunc(args[0], register)
            data_in = args[1] if word == _I64 else builder.trunc(args[1], word)
            out = builder.call(function, [crc_in, data_in])
            return out if register == _I64 else builder.zext(out, _I64)

        return types.int64(types.int64, types.int64), generate

    return step


def _make_tables() -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the eight tables of "slicing-by-8" (Kounavis and Berry, 2005) for CRC-32C."""
    tables = np.zeros((8, 256), np.int64)
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_CRC32C_POLYNOMIAL if crc & 1 else 0)
        tables[0, byte] = crc
    for k in range(1, 8):
        previous = tables[k - 1]
        tables[k] = (previous >> 8) ^ tables[0][previous & 255]
    return tables


_TABLES = _make_tables()
_step_64 = _make_crc_step("llvm.x86.sse42.crc32.64.64", _I64, _I64)
_step_32 = _make_crc_step("llvm.x86.sse42.crc32.32.32", _I32, _I32)
_step_8 = _make_crc_step("llvm.x86.sse42.crc32.32.8", _I32, _I8)


@kernel
def crc32c_by_instruction(data: Bytes, start: Int64, length: Int64) -> Int64:
    """Return the CRC-32C of `data[start:start + length]` (uint8) by the SSE 4.2 instruction."""
    crc = np.int64(0xFFFFFFFF)
    position, end = start, start + length
    while position + 8 <= end:
        crc = _step_64(crc, load_i64(data, position))
        position += 8
    if position + 4 <= end:
        crc = _step_32(crc, load_u32(data, position))
        position += 4
    while position < end:
        crc = _step_8(crc, load_u8(data, position))
        position += 1
    return crc ^ np.int64(0xFFFFFFFF)


@kernel
def crc32c_by_tables(data: Bytes, start: Int64, length: Int64) -> Int64:
    """Return the CRC-32C of `data[start:start + length]` (uint8) on any processor."""
    crc = np.int64(0xFFFFFFFF)
    position, end = start, start + length
    while position + 8 <= end:
        low = load_u32(data, position) ^ crc
        high = load_u32(data, position + 4)
        crc = (
            _TABLES[7, low & 255]
            ^ _TABLES[6, (low >> 8) & 255]
            ^ _TABLES[5, (low >> 16) & 255]
            ^ _TABLES[4, low >> 24]
            ^ _TABLES[3, high & 255]
            ^ _TABLES[2, (high >> 8) & 255]
            ^ _TABLES[1, (high >> 16) & 255]
            ^ _TABLES[0, high >> 24]
        )
        position += 8
    while position < end:
        crc = (crc >> 8) ^ _TABLES[0, (crc ^ load_u8(data, position)) & 255]
        position += 1
    return crc ^ np.int64(0xFFFFFFFF)


crc32c = crc32c_by_instruction if _has_crc_instruction() else crc32c_by_tables


@kernel
def masked_crc32c(data: Bytes, start: Int64, length: Int64) -> Int64:
    """Return the CRC-32C of a byte range, rotated and offset as record files store it."""
    crc = crc32c(data, start, length)
    return (((crc >> 15) | (crc << 17)) + np.int64(0xA282EAD8)) & np.int64(0xFFFFFFFF)
