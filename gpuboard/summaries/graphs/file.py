"""Decode a graph that lies in a file of its own: .onnx, .pb (GraphDef, SavedModel) or .pbtxt."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from gpuboard import limits
from gpuboard.errors import DataError, InputError
from gpuboard.eventlog.proto.graph_pb2 import SavedModel
from gpuboard.summaries.graphs import graph_def, onnx_model
from gpuboard.summaries.graphs import text as graph_text
from gpuboard.summaries.graphs.graph import Graph
from gpuboard.summaries.graphs.wire_thin import SAVED_MODEL, Data, thinned, whole

_MAX_SHOWN = 80


def decode(name: str, data: Data) -> Graph:
    """Return the graph of a file.

    Args:
        name: Its name; the ending says what it holds.
        data: Its content; may be a stretch of a file.

    Raises:
        DataError: It is not what its ending says, or passes a limit.
        InputError: It has another ending.
    """
    ending = name.rpartition(".")[2].lower()
    if ending == "onnx":
        return onnx_model.decode(data)
    if ending == "pb":
        return _binary(data)
    if ending in ("pbtxt", "txt", "prototxt"):
        return graph_def.from_message(graph_text.decode_text(_text(data)))
    shown = name[-_MAX_SHOWN:]
    raise InputError(f"{shown!r}: not a file of a graph; expected .onnx, .pb or .pbtxt")


def _text(data: Data) -> str:
    if len(data) > limits.MAX_GRAPH_UPLOAD_BYTES.value:
        raise DataError(
            f"a text of {len(data):,} bytes, at most {limits.MAX_GRAPH_UPLOAD_BYTES.value:,} are "
            f"read ({limits.MAX_GRAPH_UPLOAD_BYTES.name}); save the graph as .pb"
        )
    try:
        return whole(data).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start:,} is not UTF-8, so this is no protobuf text"
        ) from error


def _binary(data: Data) -> Graph:
    """Decode a GraphDef, or the first graph of a SavedModel, whose first field is a number."""
    first = data[:1] if isinstance(data, bytes) else data.piece(0, min(1, len(data)))
    if first != b"\x08":
        return graph_def.decode(data)
    thin = thinned(data, SAVED_MODEL)
    graph_def.check_size(len(thin))
    try:
        saved = SavedModel.FromString(thin)
    except DecodeError as error:
        raise DataError(f"{len(data):,} bytes that are no SavedModel") from error
    if not saved.meta_graphs:
        raise DataError("a SavedModel without graphs")
    return graph_def.from_message(saved.meta_graphs[0].graph_def)
