"""Turn TensorProto messages into arrays and back, in every dtype and form that writers use.

Source of the format: tensorflow/core/framework/tensor.proto and types.proto. A tensor stands in
`tensor_content` as little-endian bytes, or in the `*_val` list of its dtype, where the last element
is repeated until the shape is full. Half and bfloat16 lists hold the 16 bits as an integer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import TensorProto, TensorShapeProto

STRING = 7
BFLOAT16 = 14
HALF = 19
_STRING_BYTES = 256  # what a string takes in memory, roughly
_REFERENCE = 100  # dtypes of references to variables are numbered from here on

# dtype number: NumPy dtype of `tensor_content`, field of the list form.
_DTYPES: dict[int, tuple[np.dtype[Any], str]] = {
    1: (np.dtype("<f4"), "float_val"),
    2: (np.dtype("<f8"), "double_val"),
    3: (np.dtype("<i4"), "int_val"),
    4: (np.dtype("u1"), "int_val"),
    5: (np.dtype("<i2"), "int_val"),
    6: (np.dtype("i1"), "int_val"),
    8: (np.dtype("<c8"), "scomplex_val"),
    9: (np.dtype("<i8"), "int64_val"),
    10: (np.dtype("?"), "bool_val"),
    BFLOAT16: (np.dtype("<u2"), "half_val"),
    17: (np.dtype("<u2"), "int_val"),
    18: (np.dtype("<c16"), "dcomplex_val"),
    HALF: (np.dtype("<f2"), "half_val"),
    22: (np.dtype("<u4"), "uint32_val"),
    23: (np.dtype("<u8"), "uint64_val"),
}
_NUMBER_OF = {
    np.dtype(dtype): number
    for number, (dtype, _) in _DTYPES.items()
    if number != BFLOAT16  # NumPy has none: its bits look like uint16
}


def decode_tensor(tensor: TensorProto) -> npt.NDArray[Any]:
    """Return the array that a tensor holds; bfloat16 becomes float32.

    Raises:
        DataError: Its dtype is unknown or no number, its shape is impossible or beyond
            `limits.MAX_TENSOR_BYTES`, or its content has not the size that its shape asks for.
    """
    number = tensor.dtype % _REFERENCE
    if number not in _DTYPES:
        raise DataError(f"a tensor of dtype {tensor.dtype}, expected a numeric one")
    dtype, field = _DTYPES[number]
    shape = decode_shape(tensor, dtype.itemsize)
    count = math.prod(shape)
    if tensor.tensor_content or count == 0:
        flat = _from_content(tensor.tensor_content, dtype, count)
    else:
        flat = _from_list(getattr(tensor, field), number, dtype, count)
    if number == BFLOAT16:
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.reshape(shape)


def decode_strings(tensor: TensorProto) -> tuple[tuple[int, ...], list[bytes]]:
    """Return the shape of a tensor of strings, and its elements in row-major order.

    Raises:
        DataError: It holds no strings, or not as many as its shape asks for.
    """
    if tensor.dtype % _REFERENCE != STRING:
        raise DataError(f"a tensor of dtype {tensor.dtype}, expected strings (dtype {STRING})")
    shape = decode_shape(tensor, _STRING_BYTES)
    count, found = math.prod(shape), list(tensor.string_val)
    if len(found) > count or (count and not found):
        raise DataError(f"{len(found)} strings in a tensor of shape {list(shape)}")
    return shape, found + found[-1:] * (count - len(found))


def decode_shape(tensor: TensorProto, itemsize: int) -> tuple[int, ...]:
    """Return the shape of a tensor whose elements take `itemsize` bytes each.

    Raises:
        DataError: The shape is unknown, negative, or beyond `limits.MAX_TENSOR_BYTES`.
    """
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise DataError(f"a tensor of unknown shape {_shown(shape)}")
    if len(shape) > limits.MAX_TENSOR_RANK.value:
        raise DataError(
            f"a tensor of {len(shape)} dimensions, at most {limits.MAX_TENSOR_RANK.value} are read"
        )
    if math.prod(shape) * itemsize > limits.MAX_TENSOR_BYTES.value:
        raise DataError(
            f"a tensor of shape {_shown(shape)} would take more than "
            f"{limits.MAX_TENSOR_BYTES.value} bytes"
        )
    return shape


def encode_tensor(array: npt.ArrayLike) -> TensorProto:
    """Return an array as a tensor message, in the form of TensorFlow 2 (`tensor_content`).

    Raises:
        TypeError: The array holds neither numbers nor booleans.
    """
    column = np.asarray(array)
    little = column.dtype.newbyteorder("<")
    if little not in _NUMBER_OF:
        raise TypeError(f"an array of {column.dtype} cannot be logged, expected numbers")
    content = np.ascontiguousarray(column, little).tobytes()
    return TensorProto(
        dtype=_NUMBER_OF[little], tensor_shape=_shape(column.shape), tensor_content=content
    )


def encode_strings(strings: Sequence[bytes], shape: Sequence[int]) -> TensorProto:
    """Return strings in row-major order as a tensor message.

    Raises:
        ValueError: There are not as many as the shape asks for.
    """
    if len(strings) != math.prod(shape):
        raise ValueError(f"{len(strings)} strings for a tensor of shape {list(shape)}")
    return TensorProto(dtype=STRING, tensor_shape=_shape(shape), string_val=list(strings))


def _shape(sizes: Sequence[int]) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])


def _from_content(content: bytes, dtype: np.dtype[Any], count: int) -> npt.NDArray[Any]:
    if len(content) != count * dtype.itemsize:
        raise DataError(
            f"{len(content)} bytes in a tensor of {count} elements of {dtype.itemsize} bytes each"
        )
    return np.frombuffer(content, dtype)


def _from_list(
    found: Sequence[Any], number: int, dtype: np.dtype[Any], count: int
) -> npt.NDArray[Any]:
    if number in (8, 18):  # complex numbers stand as pairs
        pairs = np.array(found, np.float64)
        if len(pairs) % 2:
            raise DataError(f"{len(pairs)} parts of complex numbers, expected pairs")
        column: npt.NDArray[Any] = pairs.view(np.complex128).astype(dtype)
    elif number in (HALF, BFLOAT16):
        bits = (np.array(found, np.int64) & 0xFFFF).astype("<u2")
        column = bits.view(dtype)
    else:
        column = np.array(found, np.float64 if dtype.kind == "f" else None).astype(dtype)
    if not len(column) or len(column) > count:
        raise DataError(f"{len(column)} elements in a tensor of {count}")
    return np.concatenate([column, np.repeat(column[-1:], count - len(column))])


def _shown(shape: Sequence[int]) -> str:
    return str(list(shape[:8]))[:-1] + (", ...]" if len(shape) > 8 else "]")
