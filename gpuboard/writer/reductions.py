"""Reduce tensors of PyTorch where they lie, so that only a few numbers of each leave their device.

On a GPU, tensors are laid end to end in chunks, and each step treats all tensors of a chunk.
Nothing waits for the GPU: the result is a tensor there, which is fetched later. On a CPU, tensors
are copied at once and reduced later, by NumPy: PyTorch would take the cores that train.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gpuboard.writer.numbers import array_of

Tensor = Any  # PyTorch is not imported, so its types are not known here
Float64s = npt.NDArray[np.float64]

# Elements reduced at once; they take some 40 bytes each meanwhile.
CHUNK = 1 << 23
_FIGURES = 4  # sum, sum of squares, minimum, maximum: they stand before the bins


@dataclasses.dataclass(frozen=True, slots=True)
class Reduced:
    """What is known of the values of each of n tensors.

    Attributes:
        num: How many there are, shape (n,), as all that follow.
        nan: How many of them are NaN.
        inf: How many are infinite.
        sum: Of the finite ones, as all that follow.
        sum_squares: Sum of their squares.
        minimum: Infinite where there is none.
        maximum: Likewise.
        counts: How many lie between neighbouring edges, the last one included, shape
            (n, edges - 1).
    """

    num: Float64s
    nan: Float64s
    inf: Float64s
    sum: Float64s
    sum_squares: Float64s
    minimum: Float64s
    maximum: Float64s
    counts: Float64s

    @property
    def norm(self) -> Float64s:
        """Length as a vector, shape (n,); NaN or infinite where one of its values is."""
        found = np.sqrt(self.sum_squares)
        found[self.inf > 0] = np.inf
        found[self.nan > 0] = np.nan
        return found

    @property
    def mean(self) -> Float64s:
        """Mean of the finite values, NaN where there are none."""
        with np.errstate(invalid="ignore"):
            return self.sum / self._finite

    @property
    def std(self) -> Float64s:
        """Standard deviation of the finite values (divided by their number)."""
        with np.errstate(invalid="ignore"):
            variance = self.sum_squares / self._finite - self.mean**2
        return np.sqrt(np.maximum(variance, 0))

    @property
    def _finite(self) -> Float64s:
        return self.num - self.nan - self.inf


class Reduction(Protocol):
    """Tensors that are being reduced.

    Attributes:
        nbytes: Memory that it takes until the result is fetched.
    """

    nbytes: int

    def result(self) -> Reduced:
        """Return the figures, from any thread; waits for the GPU where they come from one."""


def reduction_of(tensors: Sequence[Tensor], edges: Float64s) -> Reduction:
    """Begin to reduce tensors as they are now.

    Args:
        tensors: Such as `is_reducible` accepts, on one device.
        edges: Ascending edges of the bins, at least two.
    """
    kind = DeviceReduction if tensors[0].is_cuda else HostReduction
    return kind(tensors, edges)


class HostReduction:
    """Tensors in the memory of the host: copied, and reduced when the result is asked for."""

    def __init__(self, tensors: Sequence[Tensor], edges: Float64s) -> None:
        """Take in what to reduce, as for `reduction_of`."""
        self._arrays = [array_of(tensor).reshape(-1) for tensor in tensors]
        self._edges = edges
        self.nbytes = sum(array.nbytes for array in self._arrays)

    def result(self) -> Reduced:
        """Return the figures."""
        rows = [_reduce_array(array, self._edges) for array in self._arrays]
        return Reduced(*(np.array(column) for column in zip(*rows, strict=True)))


def _reduce_array(array: npt.NDArray[Any], edges: Float64s) -> tuple[Any, ...]:
    """Return the fields of `Reduced` for one array."""
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.float64)
    ascending = np.sort(array)  # NaN comes last
    limits = _limits_of(edges.tobytes(), array.dtype == np.float32)
    first, *inner, last = np.searchsorted(ascending, limits).tolist()
    numbers = int(np.searchsorted(ascending, np.nan))
    finite = ascending[first:last].astype(np.float64)
    return (
        len(array),
        len(array) - numbers,
        first + numbers - last,
        finite.sum(),
        finite.dot(finite),
        finite[0] if len(finite) else np.inf,
        finite[-1] if len(finite) else -np.inf,
        np.diff(inner),
    )


class DeviceReduction:
    """Tensors on a device: the work is queued at once, in the stream of the caller."""

    def __init__(self, tensors: Sequence[Tensor], edges: Float64s) -> None:
        """Queue the work, as for `reduction_of`; it is done at once where there is no queue."""
        torch: Any = sys.modules["torch"]
        self._sizes = np.array([tensor.numel() for tensor in tensors], np.float64)
        self._owners: list[int] = []
        with torch.no_grad():
            self._rows = torch.cat([self._row(chunk, edges) for chunk in _chunks(tensors)])
        self._stream: Any = contextlib.nullcontext()
        if self._rows.is_cuda:
            self._stream = torch.cuda.stream(torch.cuda.current_stream(self._rows.device))
        self.nbytes = int(self._rows.nbytes)

    def _row(self, chunk: list[tuple[int, Tensor]], edges: Float64s) -> Tensor:
        torch: Any = sys.modules["torch"]
        self._owners += [owner for owner, _ in chunk]
        flat = torch.cat([piece for _, piece in chunk])
        if flat.dtype not in (torch.float32, torch.float64):
            flat = flat.float() if flat.is_floating_point() else flat.double()
        return _reduce(flat, [piece.numel() for _, piece in chunk], edges)

    def result(self) -> Reduced:
        """Return the figures; waits until they have been computed."""
        with self._stream:
            column = self._rows.cpu()
        return self._combined(column.numpy().reshape(len(self._owners), -1))

    def _combined(self, rows: Float64s) -> Reduced:
        """Join the figures of tensors that were cut into several pieces."""
        owner = np.array(self._owners)
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        total = np.add.reduceat(rows, first, axis=0)
        bins = total[:, _FIGURES:]
        return Reduced(
            num=self._sizes,
            nan=bins[:, -1].copy(),
            inf=bins[:, 0] + bins[:, -2],
            sum=total[:, 0].copy(),
            sum_squares=total[:, 1].copy(),
            minimum=np.minimum.reduceat(rows[:, 2], first),
            maximum=np.maximum.reduceat(rows[:, 3], first),
            counts=bins[:, 2:-3].copy(),
        )


def is_reducible(tensor: Tensor) -> bool:
    """Say whether `reduction_of` takes this tensor: real, strided, with one element or more."""
    torch: Any = sys.modules["torch"]
    return bool(
        tensor.numel()
        and tensor.layout == torch.strided
        and tensor.device.type in ("cpu", "cuda")
        and not tensor.is_complex()
        and not tensor.is_quantized
    )


def _chunks(tensors: Iterable[Tensor]) -> Iterator[list[tuple[int, Tensor]]]:
    """Yield pieces of tensors, each with the number of its tensor, together `CHUNK` or less."""
    chunk: list[tuple[int, Tensor]] = []
    free = CHUNK
    for owner, tensor in enumerate(tensors):
        flat = tensor.detach().reshape(-1)
        for piece in flat.split(CHUNK):
            if piece.numel() > free:
                yield chunk
                chunk, free = [], CHUNK
            chunk.append((owner, piece))
            free -= piece.numel()
    yield chunk


def _reduce(flat: Tensor, lengths: Sequence[int], edges: Float64s) -> Tensor:
    """Return, for each piece of `flat` one after another: sum, squares, minimum, maximum, bins."""
    torch: Any = sys.modules["torch"]
    sizes = _on(flat.device, np.array(lengths))
    is_finite = torch.isfinite(flat)
    zeroed = torch.where(is_finite, flat, 0).double()

    def over_pieces(column: Tensor, how: str) -> Tensor:
        return torch.segment_reduce(column, how, lengths=sizes, unsafe=True).double()

    figures = torch.stack(
        [
            over_pieces(zeroed, "sum"),
            over_pieces(zeroed * zeroed, "sum"),
            over_pieces(torch.where(is_finite, flat, torch.inf), "min"),
            over_pieces(torch.where(is_finite, flat, -torch.inf), "max"),
        ],
        dim=1,
    )
    counts = _counts(flat, sizes, edges).double()
    return torch.cat([figures, counts], dim=1).reshape(-1)


def _counts(flat: Tensor, sizes: Tensor, edges: Float64s) -> Tensor:
    """Return how many values of each piece lie in each bin, shape (pieces, edges + 4).

    The bins are: -infinity, below the edges, between them, above them, infinity, NaN.
    """
    torch: Any = sys.modules["torch"]
    limits = _limits_of(edges.tobytes(), flat.dtype == torch.float32)
    column = torch.bucketize(flat, _on(flat.device, limits), right=True)
    bins = len(limits) + 2
    column.masked_fill_(torch.isnan(flat), bins - 1)
    pieces = len(sizes)
    number = torch.arange(pieces, device=flat.device)
    column += bins * torch.repeat_interleave(number, sizes, output_size=len(flat))
    if not flat.is_cuda:
        return torch.bincount(column, minlength=pieces * bins).reshape(pieces, bins)
    # `bincount` would wait for the GPU to tell the largest number.
    one = torch.ones((), dtype=torch.int64, device=flat.device).expand_as(column)
    counts = torch.zeros(pieces * bins, dtype=torch.int64, device=flat.device)
    return counts.scatter_add_(0, column, one).reshape(pieces, bins)


def _on(device: Any, column: npt.NDArray[Any]) -> Tensor:  # noqa: ANN401
    """Return a column on a device, without waiting for what the device is doing."""
    torch: Any = sys.modules["torch"]
    own = torch.from_numpy(column)
    # Only a copy from pinned memory is queued like any other work.
    return own if device.type == "cpu" else own.pin_memory().to(device, non_blocking=True)


@functools.lru_cache(maxsize=16)
def _limits_of(edges: bytes, is_single: bool) -> npt.NDArray[Any]:
    """Return edges such that `x >= edge` says the same in the precision of the values.

    In front stands the least finite number, at the end infinity. The last edge is moved up by one
    step, for `numpy.histogram` counts what lies upon it.
    """
    wide = np.frombuffer(edges, np.float64)
    dtype = np.float32 if is_single else np.float64
    with np.errstate(over="ignore"):
        column: npt.NDArray[Any] = wide.astype(dtype)
    last = column[-1] if column[-1] <= wide[-1] else np.nextafter(column[-1], dtype(-np.inf))
    column = np.where(wide > column, np.nextafter(column, dtype(np.inf)), column)
    column[-1] = np.nextafter(last, dtype(np.inf))
    return np.concatenate([[np.finfo(dtype).min], column, [np.inf]]).astype(dtype)


def by_device(tensors: Iterable[tuple[str, Tensor]]) -> dict[Any, list[tuple[str, Tensor]]]:
    """Return named tensors by the device on which they lie."""
    found = sorted(tensors, key=lambda pair: str(pair[1].device))
    return {
        device: list(group) for device, group in itertools.groupby(found, lambda p: p[1].device)
    }
