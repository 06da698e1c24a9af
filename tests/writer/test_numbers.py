"""Check that numbers and arrays of PyTorch are taken as they were, wherever they lie."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from gpuboard.writer import numbers

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor(0.5),
        torch.tensor([[0.5]], requires_grad=True),
        torch.tensor(0.5, dtype=torch.bfloat16),
        torch.tensor(0.5, dtype=torch.float16),
        torch.nn.Parameter(torch.tensor([0.5])),
        np.float16(0.5),
        np.array([[0.5]]),
        0.5,
    ],
)
def test_one_number(value):
    assert numbers.number_of(value) == 0.5


@pytest.mark.parametrize("value", [torch.zeros(2), torch.zeros(0)])
def test_a_tensor_of_another_size_is_no_number(value):
    with pytest.raises(ValueError, match=r"got an array of shape \[[20]\]"):
        numbers.number_of(value)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool]
)
def test_an_array_of_a_tensor_is_a_copy(dtype):
    tensor = torch.ones(2, 3, dtype=dtype)

    found = numbers.array_of(tensor.T)
    tensor.zero_()

    np.testing.assert_array_equal(found, np.ones((3, 2)))
    assert found.dtype.name == str(dtype).removeprefix("torch.")


def test_bfloat16_becomes_float32():
    found = numbers.array_of(torch.tensor([1e38, 0.1], dtype=torch.bfloat16))

    assert found.dtype == np.float32
    assert found.tolist() == torch.tensor([1e38, 0.1]).bfloat16().float().tolist()


def test_a_sparse_tensor_and_one_with_a_gradient():
    sparse = torch.tensor([[0.0, 2.0]]).to_sparse()
    with_gradient = torch.tensor([3.0], requires_grad=True)

    assert numbers.array_of(sparse).tolist() == [[0, 2]]
    assert numbers.array_of(with_gradient).tolist() == [3]


def test_an_array_is_copied_and_a_list_becomes_one():
    own = np.arange(3)

    found = numbers.array_of(own)
    own[:] = 7

    assert found.tolist() == [0, 1, 2]
    assert numbers.array_of([1, 2]).tolist() == [1, 2]


def test_numbers_on_a_gpu_are_copied_there_and_read_together(monkeypatch):
    """With the streams of a GPU taken for words, since there may be none here."""
    streams = iter(["first", "second", "first"])
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: next(streams))
    entered = []

    def stream(name):
        entered.append(name)
        return contextlib.nullcontext()

    monkeypatch.setattr(torch.cuda, "stream", stream)
    sources = [torch.tensor([0.5]), torch.tensor(7), torch.tensor([[0.25]], requires_grad=True)]
    waiting = [numbers.DeviceNumber(source) for source in sources]
    with torch.no_grad():
        for source in sources:
            source.zero_()

    assert numbers.read_device_numbers(waiting) == [0.5, 7.0, 0.25]
    assert entered == ["first", "second"]
