import hypothesis.extra.numpy as hnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import TensorProto, TensorShapeProto
from gpuboard.summaries.tensor import (
    decode_strings,
    decode_tensor,
    encode_strings,
    encode_tensor,
)

DTYPES = ["f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16"]


def shaped(*sizes, **fields):
    dims = [TensorShapeProto.Dim(size=size) for size in sizes]
    return TensorProto(tensor_shape=TensorShapeProto(dim=dims), **fields)


@given(hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))
def test_every_dtype_and_shape_comes_back(array):
    found = decode_tensor(encode_tensor(array))

    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)


@given(hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_side=4)))
def test_the_reader_of_tensorboard_agrees(array):
    tensor_util = pytest.importorskip("tensorboard.util.tensor_util")
    from tensorboard.compat.proto.tensor_pb2 import TensorProto as Theirs

    theirs = Theirs.FromString(encode_tensor(array).SerializeToString())

    np.testing.assert_array_equal(tensor_util.make_ndarray(theirs), array)


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (shaped(3, dtype=1, float_val=[1.5, 2.5]), [1.5, 2.5, 2.5]),
        (shaped(2, dtype=2, double_val=[0.1]), [0.1, 0.1]),
        (shaped(2, dtype=6, int_val=[-3, 4]), [-3, 4]),
        (shaped(2, dtype=4, int_val=[200]), [200, 200]),
        (shaped(1, dtype=9, int64_val=[2**62]), [2**62]),
        (shaped(1, dtype=23, uint64_val=[2**63 + 1]), [2**63 + 1]),
        (shaped(2, dtype=10, bool_val=[True, False]), [True, False]),
        (shaped(1, dtype=8, scomplex_val=[1, -2]), [1 - 2j]),
        (shaped(2, dtype=19, half_val=[0x3C00, 0xC000]), [1.0, -2.0]),
        (shaped(2, dtype=14, half_val=[0x3F80, 0xC000]), [1.0, -2.0]),
    ],
)
def test_lists_are_read_and_their_last_element_is_repeated(tensor, expected):
    np.testing.assert_array_equal(decode_tensor(tensor), expected)


def test_bfloat16_content_becomes_float32():
    values = np.array([1.0, -0.5, 3.140625], ml_dtypes.bfloat16)

    found = decode_tensor(shaped(3, dtype=14, tensor_content=values.tobytes()))

    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values.astype(np.float32))


@pytest.mark.parametrize(
    "tensor",
    [
        shaped(2, dtype=1, tensor_content=b"\0" * 7),
        shaped(2, dtype=1, float_val=[1, 2, 3]),
        shaped(2, dtype=1),
        shaped(-1, dtype=1, float_val=[1]),
        shaped(10**9, 10**9, dtype=1, tensor_content=b"\0" * 4),
        shaped(limits.MAX_TENSOR_BYTES.value, dtype=2, double_val=[1]),
        shaped(*[1] * 17, dtype=1, float_val=[1]),
        shaped(1, dtype=77, float_val=[1]),
        shaped(1, dtype=7, string_val=[b"a"]),
        shaped(1, dtype=8, scomplex_val=[1]),
        TensorProto(dtype=1, tensor_shape=TensorShapeProto(unknown_rank=True), float_val=[1]),
    ],
)
def test_what_cannot_be_is_refused(tensor):
    with pytest.raises(DataError):
        decode_tensor(tensor)


def test_strings_come_back_and_short_lists_repeat_their_last():
    assert decode_strings(encode_strings([b"a", b"\xff"], (2, 1))) == ((2, 1), [b"a", b"\xff"])
    assert decode_strings(shaped(3, dtype=7, string_val=[b"x"])) == ((3,), [b"x"] * 3)
    assert decode_strings(shaped(dtype=7, string_val=[b"x"])) == ((), [b"x"])


@pytest.mark.parametrize(
    "tensor",
    [
        shaped(1, dtype=1, float_val=[1]),
        shaped(1, dtype=7, string_val=[b"a", b"b"]),
        shaped(2, dtype=7),
        shaped(2 << 20, dtype=7, string_val=[b"a"]),
    ],
)
def test_what_holds_no_such_strings_is_refused(tensor):
    with pytest.raises(DataError):
        decode_strings(tensor)


def test_objects_cannot_be_logged():
    with pytest.raises(TypeError, match="expected numbers"):
        encode_tensor(np.array([object()]))
