"""Log the graph of a model, and how charts are to be arranged."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from gpuboard.writer.recorder import Recorder


class LayoutMethods(Recorder):
    """The `add_*` methods for graphs and for the Custom scalars page."""

    def add_onnx_graph(self, prototxt: str | os.PathLike[str]) -> None:
        """Log the graph of an ONNX model.

        Args:
            prototxt: Path of the .onnx file.

        Raises:
            OSError: The file cannot be read.
            DataError: It is no ONNX model.
        """
        from gpuboard.writer.onnx_graph import graph_of_onnx

        self._add_graph(graph_of_onnx(prototxt))

    def add_graph(
        self,
        model: Any,  # noqa: ANN401
        input_to_model: Any = None,  # noqa: ANN401
        verbose: bool = False,
        use_strict_trace: bool = True,
    ) -> None:
        """Log the graph of a PyTorch model; the model runs once.

        Args:
            model: A `torch.nn.Module`.
            input_to_model: Its input, or a tuple of its inputs.
            verbose: Print the trace.
            use_strict_trace: As `strict` of `torch.jit.trace`; False where the model returns lists
                or dicts.

        Raises:
            RuntimeError: It cannot be traced.
        """
        from gpuboard.writer.torch_graph import empty_run_metadata, graph_of_module

        graph = graph_of_module(model, input_to_model, verbose=verbose, strict=use_strict_trace)
        self._add_graph(graph, empty_run_metadata())

    def _add_graph(self, graph: bytes, run_metadata: bytes | None = None) -> None:
        from gpuboard.eventlog.proto.event_pb2 import Event, TaggedRunMetadata

        file = self._get_file_writer()
        file.put(lambda: Event(graph_def=graph), None, None, len(graph))
        if run_metadata is not None:
            tagged = TaggedRunMetadata(tag="step1", run_metadata=run_metadata)
            file.add_event(Event(tagged_run_metadata=tagged))

    def add_custom_scalars_multilinechart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Have the Custom scalars page draw several tags in one chart."""
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Have the Custom scalars page draw a tag between two others: value, lower, upper."""
        if len(tags) != 3:
            raise ValueError(f"{len(tags)} tags, expected three: value, lower, upper")
        self.add_custom_scalars({category: {title: ["Margin", tags]}})

    def add_custom_scalars(self, layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        """Lay out the Custom scalars page.

        Args:
            layout: `{category: {chart: [kind, tags]}}`; kind "Multiline" takes any number of tags
                or regular expressions, "Margin" three: value, lower, upper.
        """
        from gpuboard.summaries.custom_scalars import encode

        value = encode({title: dict(charts) for title, charts in layout.items()})
        self._add(lambda: [value], None, None)
