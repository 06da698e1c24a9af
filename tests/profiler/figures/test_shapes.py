"""Test how the inputs of operators are read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.figures.shapes import (
    Tensor,
    broadcast,
    dtype_of,
    element_bytes,
    read_inputs,
)


def test_a_call_is_read_into_tensors_lists_and_values() -> None:
    inputs = read_inputs(
        "[[2, 3], [], [[4], [5, 6]], []]",
        '["float", "Scalar", "TensorList", "c10::Half"]',
        '["", "[1, 1]", "", ""]',
    )

    assert inputs is not None
    assert inputs.tensor(0) == Tensor((2, 3), "fp32")
    assert inputs.tensor(1) is None
    assert [one.shape for one in inputs.lists[2]] == [(4,), (5, 6)]
    assert inputs.tensor(3) == Tensor((), "fp16")  # a tensor without dimensions
    assert inputs.numbers(1) == (1, 1)
    assert inputs.numbers(0) is None
    assert inputs.numbers(0, (7,)) == (7,)


def test_values_are_told_apart_by_their_sort() -> None:
    inputs = read_inputs("[[], [], []]", "[]", '["True", "3", "[True, False]"]')

    assert inputs is not None
    assert inputs.flag(0) is True
    assert inputs.flag(1) is None
    assert inputs.numbers(1) == (3,)
    assert inputs.numbers(0) is None
    assert inputs.flags(2) == (True, False)


def test_a_place_before_the_first_input_is_no_input() -> None:
    inputs = read_inputs("[[2]]", '["float"]', '["True"]')

    assert inputs is not None
    assert inputs.tensor(-1) is None
    assert inputs.flag(-1) is None


def test_without_types_a_shape_is_a_tensor_of_unknown_type_and_an_empty_one_is_none() -> None:
    inputs = read_inputs("[[2, 3], []]", "", "")

    assert inputs is not None
    assert inputs.tensors == (Tensor((2, 3), ""),)


@pytest.mark.parametrize("text", ["{", '"x"', "[" * 5000, "nonsense"])
def test_what_is_no_list_of_shapes_cannot_be_read(text: str) -> None:
    assert read_inputs(text, "", "") is None


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists, max_leaves=9))
def test_no_json_makes_reading_fail(value: object) -> None:
    text = json.dumps(value)
    inputs = read_inputs(text, text, text)
    for tensor in inputs.tensors if inputs else ():
        assert all(size >= 0 for size in tensor.shape)


def test_types_have_the_sizes_that_pytorch_gives_them() -> None:
    sizes = {
        "float": 4, "double": 8, "c10::Half": 2, "c10::BFloat16": 2, "long int": 8, "int": 4,
        "bool": 1, "unsigned char": 1, "c10::Float8_e4m3fn": 1, "c10::complex<float>": 8,
    }  # fmt: skip

    assert {name: Tensor((1,), dtype_of(name)).bytes for name in sizes} == sizes


def test_collectives_name_types_that_are_no_tensors_elsewhere() -> None:
    assert dtype_of("Int") == ""
    assert element_bytes("Int") == 4
    assert [element_bytes(name) for name in ("Float", "BFloat16", "Long", "Byte", "?")] == [
        4, 2, 8, 1, 0,
    ]  # fmt: skip


def test_shapes_broadcast_as_in_numpy() -> None:
    assert broadcast([(4, 1, 3), (5, 1)]) == (4, 5, 3)
    assert broadcast([(), (2,)]) == (2,)
    assert broadcast([(2,), (3,)]) is None
    assert broadcast([(0,), (1,)]) == (0,)
