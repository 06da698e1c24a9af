"""Log how the weights and gradients of a PyTorch model are distributed, all of them at once.

| tag | what |
|---|---|
| `weights/NAME`, `gradients/NAME` | histogram |
| `weights_norm/NAME`, `gradients_norm/NAME` | Euclidean norm; NaN or infinite where a value is |
| `..._mean/`, `..._std/`, `..._min/`, `..._max/NAME` | of the finite values |
| `..._nan/NAME`, `..._inf/NAME` | how many values are NaN, and infinite |
| `total_norm/weights`, `total_norm/gradients` | norm of all of them together |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.writer.reductions import Reduced, by_device, is_reducible, reduction_of

if TYPE_CHECKING:
    from gpuboard.eventlog.proto.event_pb2 import Event, Summary

WEIGHTS = "weights"
GRADIENTS = "gradients"


class ModelStats:
    """Figures of a model's parameters, begun on its devices and fetched by `event`.

    Attributes:
        nbytes: Memory that it takes until then.
    """

    def __init__(self, model: Any, *, gradients: bool, histograms: bool) -> None:  # noqa: ANN401
        """Begin.

        Args:
            model: Anything with `named_parameters()`. Of parameters that are spread over several
                processes, the part in this one counts.
            gradients: Gradients too, of parameters that have one.
            histograms: Histograms too.
        """
        self._with_histograms = histograms
        kinds = {WEIGHTS: lambda parameter: parameter}
        if gradients:
            kinds[GRADIENTS] = lambda parameter: parameter.grad
        edges = _edges(histograms)
        self._parts = [
            (kind, [name for name, _ in part], reduction_of([t for _, t in part], edges))
            for kind, tensor_of in kinds.items()
            for part in by_device(_tensors(model, tensor_of)).values()
        ]
        self.nbytes = sum(reduction.nbytes for _, _, reduction in self._parts)

    def event(self) -> Event:
        """Return one event with all figures."""
        from gpuboard.eventlog.proto.event_pb2 import Event, Summary

        values: list[Summary.Value] = []
        squares: dict[str, float] = {}
        for kind, names, reduction in self._parts:
            found = reduction.result()
            values += _scalars(kind, names, found)
            if self._with_histograms:
                values += _histograms(kind, names, found)
            squares[kind] = squares.get(kind, 0.0) + float((found.norm**2).sum())
        values += [_scalar(f"total_norm/{kind}", math.sqrt(x)) for kind, x in squares.items()]
        return Event(summary=Summary(value=values))


def _edges(histograms: bool) -> Any:  # noqa: ANN401
    from gpuboard.summaries.histogram import default_edges

    return default_edges() if histograms else np.array([-1.0, 1.0])


def _tensors(model: Any, tensor_of: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    for name, parameter in model.named_parameters():
        tensor = tensor_of(parameter)
        if tensor is None:
            continue
        if hasattr(tensor, "to_local"):
            tensor = tensor.to_local()
        if tensor.is_sparse:
            tensor = tensor.coalesce().values()
        if is_reducible(tensor):
            yield name, tensor


def _scalars(kind: str, names: list[str], found: Reduced) -> Iterator[Summary.Value]:
    has_finite = found.num > found.nan + found.inf
    figures = {
        "norm": found.norm,
        "mean": found.mean,
        "std": found.std,
        "min": np.where(has_finite, found.minimum, np.nan),
        "max": np.where(has_finite, found.maximum, np.nan),
        "nan": found.nan,
        "inf": found.inf,
    }
    for figure, column in figures.items():
        for name, value in zip(names, column.tolist(), strict=True):
            yield _scalar(f"{kind}_{figure}/{name}", value)


def _scalar(tag: str, value: float) -> Summary.Value:
    from gpuboard.eventlog.proto.event_pb2 import Summary

    return Summary.Value(tag=tag, simple_value=value)


def _histograms(kind: str, names: list[str], found: Reduced) -> Iterator[Summary.Value]:
    edges = _edges(True)
    for k, name in enumerate(names):
        yield encode_counts(f"{kind}/{name}", found, k, edges)


def encode_counts(tag: str, found: Reduced, k: int, edges: Any) -> Summary.Value:  # noqa: ANN401
    """Return the histogram of tensor `k` as `histogram.encode` would of its values."""
    from gpuboard.summaries.histogram import encode_raw

    counts = found.counts[k]
    filled = np.flatnonzero(counts)
    first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
    is_known = found.num[k] > found.nan[k] + found.inf[k]
    return encode_raw(
        tag,
        min=float(found.minimum[k]) if is_known else math.nan,
        max=float(found.maximum[k]) if is_known else math.nan,
        num=float(found.num[k]),
        sum=float(found.sum[k]),
        sum_squares=float(found.sum_squares[k]),
        bucket_limits=edges[first : last + 1] if len(filled) else [],
        bucket_counts=np.append(0, counts[first:last]) if len(filled) else [],
    )
