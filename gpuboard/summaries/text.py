"""Write text summaries, and read them in every form that writers use.

A text is a tensor of strings with plugin "text": of shape [1] from torch and tensorboardX, of any
rank from TensorFlow. Its content is TextPluginData{version = 0}, which is empty on the wire.
"""

from __future__ import annotations

import dataclasses

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary, SummaryMetadata
from gpuboard.summaries.tensor import decode_strings, encode_strings

PLUGIN = "text"
SUFFIX = "/text_summary"


@dataclasses.dataclass(frozen=True, slots=True)
class Texts:
    r"""The texts of one value.

    Attributes:
        shape: Of the tensor; () for a single text without dimensions.
        cells: Its elements in row-major order; bytes that are not UTF-8 stay visible as `\\xff`.
    """

    shape: tuple[int, ...]
    cells: tuple[str, ...]


def encode(tag: str, text: str) -> Summary.Value:
    """Return one text as torch logs it: its tag ends with "/text_summary", its shape is [1]."""
    content = text.encode("utf-8", "backslashreplace")
    plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN)
    return Summary.Value(
        tag=tag + SUFFIX,
        metadata=SummaryMetadata(plugin_data=plugin),
        tensor=encode_strings([content], [1]),
    )


def decode(value: Summary.Value) -> Texts:
    """Return the texts of a value.

    Raises:
        DataError: It holds no tensor of strings.
    """
    if value.WhichOneof("value") != "tensor":
        raise DataError(f"a text as {value.WhichOneof('value')}, expected a tensor of strings")
    shape, cells = decode_strings(value.tensor)
    return Texts(shape, tuple(cell.decode("utf-8", "backslashreplace") for cell in cells))
