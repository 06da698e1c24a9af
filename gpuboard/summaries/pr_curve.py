"""Read and write precision-recall curves: a float tensor of six rows, one column a threshold.

Rows are true positives, false positives, true negatives, false negatives, precision and recall, as
in tensorboard/plugins/pr_curve. Column k of n counts a prediction as positive when it is at least
k / (n - 1).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import (
    Summary,
    SummaryMetadata,
    TensorProto,
    TensorShapeProto,
)
from gpuboard.eventlog.proto.plugins_pb2 import PrCurvePluginData
from gpuboard.summaries.tensor import decode_tensor

PLUGIN = "pr_curves"
ROWS = 6
LEAST = 1e-7  # stands in for a sum of counts that is zero

Float64s = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class PrCurve:
    """One curve, columns of shape (n,) in ascending order of thresholds.

    Attributes:
        threshold: From 0 to 1 in equal parts.
        tp: True positives, weighted; `fp`, `tn` and `fn` likewise.
        precision: tp / (tp + fp).
        recall: tp / (tp + fn).
    """

    threshold: Float64s
    tp: Float64s
    fp: Float64s
    tn: Float64s
    fn: Float64s
    precision: Float64s
    recall: Float64s

    def __len__(self) -> int:
        return len(self.threshold)


def encode(
    tag: str,
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    num_thresholds: int = 127,
    weights: npt.ArrayLike | None = None,
) -> Summary.Value:
    """Return the curve of a binary classifier.

    Args:
        tag: Name under which it is shown.
        labels: True or 1 for each positive example, shape (m,).
        predictions: Probabilities that an example is positive, from 0 to 1, shape (m,); examples
            with others, NaN included, are left out as in PyTorch.
        num_thresholds: Points of the curve.
        weights: How much each example counts, 1 if not given.

    Raises:
        ValueError: Labels and predictions differ in shape.
    """
    positive = np.asarray(labels).astype(np.float64).reshape(-1)
    scores = np.asarray(predictions, np.float64).reshape(-1)
    if positive.shape != scores.shape:
        raise ValueError(f"{positive.size} labels and {scores.size} predictions, expected as many")
    weight = np.asarray(1.0 if weights is None else weights, np.float64).reshape(-1)
    is_usable = (scores >= 0) & (scores <= 1)
    weight = np.broadcast_to(weight, scores.shape)[is_usable]
    positive, scores = positive[is_usable], scores[is_usable]
    bucket = np.floor(scores * (num_thresholds - 1)).astype(np.int64)
    tp = _at_least(bucket, positive * weight, num_thresholds)
    fp = _at_least(bucket, (1.0 - positive) * weight, num_thresholds)
    tn, fn = fp[0] - fp, tp[0] - tp
    precision = tp / np.maximum(LEAST, tp + fp)
    recall = tp / np.maximum(LEAST, tp + fn)
    return encode_raw(tag, tp, fp, tn, fn, precision, recall, num_thresholds)


def encode_raw(
    tag: str,
    tp: npt.ArrayLike,
    fp: npt.ArrayLike,
    tn: npt.ArrayLike,
    fn: npt.ArrayLike,
    precision: npt.ArrayLike,
    recall: npt.ArrayLike,
    num_thresholds: int = 127,
) -> Summary.Value:
    """Return a curve whose counts are known already, each of shape (n,).

    Raises:
        ValueError: The rows are not equally long.
    """
    rows = [np.asarray(row, np.float32).reshape(-1) for row in (tp, fp, tn, fn, precision, recall)]
    data = np.stack(rows)
    content = PrCurvePluginData(num_thresholds=num_thresholds).SerializeToString()
    dims = [TensorShapeProto.Dim(size=size) for size in data.shape]
    tensor = TensorProto(
        dtype=1, float_val=data.reshape(-1).tolist(), tensor_shape=TensorShapeProto(dim=dims)
    )
    plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN, content=content)
    return Summary.Value(tag=tag, tensor=tensor, metadata=SummaryMetadata(plugin_data=plugin))


def decode(value: Summary.Value, content: bytes = b"") -> PrCurve:
    """Return the curve that a summary value holds.

    Args:
        value: A tensor of shape [6, n].
        content: Metadata of the plugin.

    Raises:
        DataError: It has another shape, holds no real numbers, or the metadata is newer than known.
    """
    try:
        version = PrCurvePluginData.FromString(content).version
    except DecodeError as error:
        raise DataError(f"metadata of {len(content)} bytes that describe no PR curve") from error
    if version > 0:
        raise DataError(f"a PR curve of version {version}, expected 0")
    data = decode_tensor(value.tensor)
    if data.ndim != 2 or data.shape[0] != ROWS or data.shape[1] == 0 or data.dtype.kind == "c":
        raise DataError(f"a PR curve of shape {list(data.shape)}, expected [6, n] real numbers")
    rows = data.astype(np.float64)
    return PrCurve(np.linspace(0.0, 1.0, rows.shape[1]), *rows)


def _at_least(bucket: npt.NDArray[np.int64], weight: Float64s, buckets: int) -> Float64s:
    """Return the weight in each bucket and all above it."""
    counts = np.bincount(bucket, weight, buckets).astype(np.float64)
    above: Float64s = np.cumsum(counts[::-1])[::-1]
    return above
