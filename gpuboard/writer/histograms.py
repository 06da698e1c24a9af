"""Make histograms of arrays, and of tensors on a GPU without fetching them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuboard.writer.numbers import array_of, is_on_gpu
from gpuboard.writer.reductions import DeviceReduction, is_reducible

if TYPE_CHECKING:
    from gpuboard.eventlog.proto.event_pb2 import Summary

MakeValue = Callable[[], "Summary.Value"]


def histogram_of(
    tag: str,
    values: Any,  # noqa: ANN401
    bins: Any,  # noqa: ANN401
    max_bins: int | None,
) -> tuple[MakeValue, int]:
    """Return what makes the summary value later, and how many bytes it keeps until then.

    Args:
        tag: Name of the series.
        values: Numbers of any shape.
        bins: As for `numpy.histogram`, or "tensorflow".
        max_bins: Join neighbouring bins until there are about so many; None leaves them.

    Raises:
        ValueError: There are no values.
    """
    edges = _fixed_edges(bins)
    if edges is not None and max_bins is None and is_on_gpu(values) and is_reducible(values):
        return reduced(tag, values, edges)
    return _on_host(tag, values, bins, max_bins)


def reduced(tag: str, tensor: Any, edges: npt.NDArray[np.float64]) -> tuple[MakeValue, int]:  # noqa: ANN401
    """Return the same for a tensor of PyTorch that is counted where it lies."""
    from gpuboard.writer.model_stats import encode_counts

    reduction = DeviceReduction([tensor], edges)
    return lambda: encode_counts(tag, reduction.result(), 0, edges), reduction.nbytes


def _on_host(tag: str, values: Any, bins: Any, max_bins: int | None) -> tuple[MakeValue, int]:  # noqa: ANN401
    from gpuboard.summaries.histogram import encode

    array = array_of(values)
    if not array.size:
        raise ValueError(f"histogram {tag!r}: no values, expected at least one")
    own_bins = bins if isinstance(bins, str | int) else array_of(bins)
    return lambda: encode(tag, array, own_bins, max_bins), array.nbytes


def _fixed_edges(bins: Any) -> npt.NDArray[np.float64] | None:  # noqa: ANN401
    """Return edges that do not depend on the values, None where they do."""
    from gpuboard.summaries.histogram import default_edges

    if isinstance(bins, str):
        return default_edges() if bins == "tensorflow" else None
    edges = np.asarray(array_of(bins), np.float64)
    is_ascending = edges.ndim == 1 and len(edges) > 1 and bool((np.diff(edges) >= 0).all())
    return edges if is_ascending else None
