"""Turn what training scripts hand over into numbers and arrays of our own.

Whatever could still change after the call is copied. PyTorch is never imported: a tensor can only
come from somebody who has done so.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def is_torch(value: object) -> TypeGuard[Any]:
    """Say whether `value` is a tensor of PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_on_gpu(value: object) -> TypeGuard[Any]:
    """Say whether `value` is a tensor of PyTorch in the memory of a CUDA or ROCm device."""
    return is_torch(value) and bool(value.is_cuda)


class DeviceNumber:
    """One number in a GPU's memory, as it was at the time of the call.

    Reading it would make the training thread wait for the GPU. So it is copied there, in the order
    of the stream that computes it, and read later by whoever writes it down.
    """

    __slots__ = ("stream", "tensor")

    def __init__(self, tensor: Any) -> None:  # noqa: ANN401
        """Take in a tensor of one element on a GPU."""
        self.tensor = tensor.detach().reshape(()).clone()
        self.stream = sys.modules["torch"].cuda.current_stream(tensor.device)


def read_device_numbers(numbers: Sequence[DeviceNumber]) -> list[float]:
    """Return the values of numbers on GPUs, with one copy for each stream that they come from."""
    torch: Any = sys.modules["torch"]
    found = [math.nan] * len(numbers)
    for stream in dict.fromkeys(number.stream for number in numbers):
        places = [k for k, number in enumerate(numbers) if number.stream == stream]
        with torch.cuda.stream(stream):
            column = torch.stack([numbers[k].tensor.double() for k in places]).tolist()
        for place, value in zip(places, column, strict=True):
            found[place] = value
    return found


def number_of(value: Any) -> float | DeviceNumber:  # noqa: ANN401
    """Return the one number that `value` holds.

    Args:
        value: A number, or a tensor or array of any library with a single element.

    Raises:
        ValueError: It has more elements or none.
        TypeError: It holds no number.
    """
    if isinstance(value, (float, int, np.generic)):
        return float(value)
    if is_torch(value):
        if value.numel() != 1:
            raise ValueError(_not_one(tuple(value.shape)))
        return DeviceNumber(value) if value.is_cuda else float(value.detach().item())
    array = _as_numpy(value)
    if array.size != 1:
        raise ValueError(_not_one(array.shape))
    return float(array.reshape(()))


def array_of(value: Any) -> Array:  # noqa: ANN401
    """Return an array that nobody else can change; bfloat16 becomes float32.

    Args:
        value: A tensor or array of any library, a list, or a number. One on a GPU is fetched,
            which waits until it has been computed.
    """
    if is_torch(value):
        return _from_torch(value)
    found = _as_numpy(value)
    # An array of another library may share its memory, a list cannot.
    return found if isinstance(value, list | tuple | float | int) else found.copy()


def _from_torch(tensor: Any) -> Array:  # noqa: ANN401
    torch: Any = sys.modules["torch"]
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    on_host = tensor.cpu().resolve_conj().resolve_neg()
    found: Array = on_host.numpy()
    return found if tensor.is_cuda else found.copy()


def _as_numpy(value: Any) -> Array:  # noqa: ANN401
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "__cuda_array_interface__") and hasattr(value, "get"):
        value = value.get()  # CuPy refuses to be converted in silence
    found = np.asarray(value)
    if found.dtype.name == "bfloat16":  # of ml_dtypes, as JAX gives it
        found = found.astype(np.float32)
    return found


def _not_one(shape: tuple[int, ...]) -> str:
    return f"a scalar is one number, got an array of shape {list(shape)}"
