"""Log arrays: tensors, histograms, curves, meshes and embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuboard.writer.numbers import array_of
from gpuboard.writer.recorder import Recorder

if TYPE_CHECKING:
    from gpuboard.writer.embedding import Embedding


class ArrayMethods(Recorder):
    """The `add_*` methods for arrays of numbers."""

    _embeddings: tuple[Embedding, ...] = ()

    @property
    def default_bins(self) -> list[float]:
        """Edges of the "tensorflow" bins: 0 and ±1e-12 * 1.1^n up to 1e20."""
        from gpuboard.summaries.histogram import default_edges

        return [float(edge) for edge in default_edges()]

    def add_tensor(
        self,
        tag: str,
        tensor: Any,  # noqa: ANN401
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Log all numbers of a tensor.

        Args:
            tag: Name of the series.
            tensor: Of any shape; bfloat16 is kept as float32.
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.

        Raises:
            ValueError: It is larger than 2 GB, or holds no numbers.
        """
        from gpuboard.eventlog.proto.event_pb2 import Summary, SummaryMetadata
        from gpuboard.summaries.tensor import encode_tensor

        array = array_of(tensor)
        if array.nbytes >= 1 << 31 or array.dtype.kind not in "biufc":
            raise ValueError(
                f"{tag!r}: a tensor of {array.nbytes:,} bytes of {array.dtype}, expected numbers, "
                "less than 2 GB"
            )
        plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="tensor"))
        self._add(
            lambda: [Summary.Value(tag=tag, tensor=encode_tensor(array), metadata=plugin)],
            global_step,
            walltime,
            array.nbytes,
        )

    def add_histogram(
        self,
        tag: str,
        values: Any,  # noqa: ANN401
        global_step: int | None = None,
        bins: Any = "tensorflow",  # noqa: ANN401
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Log how values are distributed.

        A tensor on a GPU is counted there, unless the bins depend on the values: only the counts
        are fetched, and the call does not wait for them.

        Args:
            tag: Name of the series.
            values: Numbers of any shape, at least one. NaN and infinities are counted apart.
            global_step: Any int64.
            bins: "tensorflow" (fixed, exponential), a list of edges, or another value of
                `numpy.histogram`: a number of bins, "auto", ...
            walltime: Seconds since the epoch, now if not given.
            max_bins: Join neighbouring bins until there are about so many.

        Raises:
            ValueError: There are no values.
        """
        from gpuboard.writer.histograms import histogram_of

        make_value, nbytes = histogram_of(tag, values, bins, max_bins)
        self._add(lambda: [make_value()], global_step, walltime, nbytes)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,  # noqa: A002
        max: float,  # noqa: A002
        num: float,
        sum: float,  # noqa: A002
        sum_squares: float,
        bucket_limits: Any,  # noqa: ANN401
        bucket_counts: Any,  # noqa: ANN401
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Log a histogram that was counted elsewhere.

        Args:
            tag: Name of the series.
            min: Least value.
            max: Greatest value.
            num: How many values there are.
            sum: Sum of all values.
            sum_squares: Sum of their squares.
            bucket_limits: Upper edge of each bucket.
            bucket_counts: How many values lie in each.
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.

        Raises:
            ValueError: There are not as many edges as counts.
        """
        from gpuboard.summaries import histogram

        edges, counts = array_of(bucket_limits), array_of(bucket_counts)
        if len(edges) != len(counts):
            raise ValueError(f"{len(edges)} bucket_limits and {len(counts)} bucket_counts")
        value = histogram.encode_raw(
            tag,
            min=float(min),
            max=float(max),
            num=float(num),
            sum=float(sum),
            sum_squares=float(sum_squares),
            bucket_limits=edges,
            bucket_counts=counts,
        )
        self._add(lambda: [value], global_step, walltime)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,  # noqa: ANN401
        predictions: Any,  # noqa: ANN401
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,  # noqa: ANN401
        walltime: float | None = None,
    ) -> None:
        """Log precision and recall of a classifier at many thresholds.

        Args:
            tag: Name of the series.
            labels: True or false for each element.
            predictions: Probability of true for each, in [0, 1].
            global_step: Any int64.
            num_thresholds: At most 127.
            weights: How much each element counts; all alike if not given.
            walltime: Seconds since the epoch, now if not given.

        Raises:
            ValueError: There are not as many labels as predictions, or these leave [0, 1].
        """
        from gpuboard.summaries.pr_curve import encode

        truth, scores = array_of(labels), array_of(predictions)
        weight = None if weights is None else array_of(weights)
        if truth.size != scores.size:
            raise ValueError(f"{truth.size} labels for {scores.size} predictions")
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError("predictions are probabilities, expected numbers from 0 to 1")
        count = min(num_thresholds, 127)
        self._add(
            lambda: [encode(tag, truth, scores, num_thresholds=count, weights=weight)],
            global_step,
            walltime,
            truth.nbytes + scores.nbytes,
        )

    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,  # noqa: ANN401
        false_positive_counts: Any,  # noqa: ANN401
        true_negative_counts: Any,  # noqa: ANN401
        false_negative_counts: Any,  # noqa: ANN401
        precision: Any,  # noqa: ANN401
        recall: Any,  # noqa: ANN401
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,  # noqa: ANN401
        walltime: float | None = None,
    ) -> None:
        """Log a precision-recall curve that was computed elsewhere.

        Args:
            tag: Name of the series.
            true_positive_counts: One number for each threshold, as all that follow.
            false_positive_counts: Likewise.
            true_negative_counts: Likewise.
            false_negative_counts: Likewise.
            precision: Likewise.
            recall: Likewise.
            global_step: Any int64.
            num_thresholds: At most 127.
            weights: Not used; PyTorch has it too.
            walltime: Seconds since the epoch, now if not given.
        """
        from gpuboard.summaries.pr_curve import encode_raw

        del weights
        counts = (
            true_positive_counts,
            false_positive_counts,
            true_negative_counts,
            false_negative_counts,
        )
        columns = [array_of(column) for column in (*counts, precision, recall)]
        tp, fp, tn, fn, precise, recalled = columns
        value = encode_raw(tag, tp, fp, tn, fn, precise, recalled, min(num_thresholds, 127))
        self._add(lambda: [value], global_step, walltime)

    def add_mesh(
        self,
        tag: str,
        vertices: Any,  # noqa: ANN401
        colors: Any = None,  # noqa: ANN401
        faces: Any = None,  # noqa: ANN401
        config_dict: Mapping[str, Any] | None = None,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Log a cloud of points, or a mesh.

        Args:
            tag: Name of the series.
            vertices: Coordinates, shape (batch, points, 3).
            colors: Red, green and blue from 0 to 255, shape (batch, points, 3).
            faces: Three numbers of points for each triangle, shape (batch, triangles, 3).
            config_dict: Camera, light and material as three.js names them.
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.

        Raises:
            ValueError: An array has another shape.
        """
        from gpuboard.summaries.mesh import encode

        points = array_of(vertices)
        hues = None if colors is None else array_of(colors)
        corners = None if faces is None else array_of(faces)
        parts = [part for part in (points, hues, corners) if part is not None]
        for part in parts:
            if part.ndim != 3 or part.shape[2] != 3:
                raise ValueError(f"a mesh of shape {list(part.shape)}, expected [batch, n, 3]")
        config = None if config_dict is None else dict(config_dict)
        self._add(
            lambda: encode(tag, points, hues, corners, config),
            global_step,
            walltime,
            sum(part.nbytes for part in parts),
        )

    def add_embedding(
        self,
        mat: Any,  # noqa: ANN401
        metadata: Sequence[Any] | None = None,
        label_img: Any = None,  # noqa: ANN401
        global_step: int | None = None,
        tag: str = "default",
        metadata_header: Sequence[str] | None = None,
    ) -> None:
        """Write points for the projector, into files of their own.

        Args:
            mat: Shape (points, values).
            metadata: Label of each point, or with `metadata_header` a row of values for each.
            label_img: Picture of each point, shape (points, channels, height, width).
            global_step: Any integer; 0 if not given.
            tag: Name of the embedding.
            metadata_header: Names of the columns of `metadata`.

        Raises:
            ValueError: `mat` is no matrix, or there are not as many labels or images as points.
            OSError: The files cannot be written.
        """
        from gpuboard.writer import embedding

        made = embedding.write(
            Path(self.log_dir),
            array_of(mat),
            tag=tag,
            step=int(global_step or 0),
            metadata=metadata,
            images=None if label_img is None else array_of(label_img),
            header=metadata_header,
        )
        self._embeddings = (*self._embeddings, made)
        embedding.write_config(Path(self.log_dir), self._embeddings)
