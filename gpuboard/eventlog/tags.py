"""Number the tags of one run and remember what their first metadata said."""

from __future__ import annotations

import dataclasses
import sys
import threading

from google.protobuf.message import DecodeError

from gpuboard.eventlog import scan
from gpuboard.eventlog.proto.event_pb2 import SummaryMetadata

GRAPH_TAG = b"__run_graph__"
META_GRAPH_TAG = b"__meta_graph__"
LOG_TAG = b"__log_message__"

_KIND_OF_PLUGIN = {
    "histograms": "histogram",
    "images": "image",
    "audio": "audio",
    "text": "text",
    "pr_curves": "pr_curve",
    "mesh": "mesh",
    "hparams": "hparams",
    "custom_scalars": "custom_scalars",
    "graphs": "graph",
    "graph_run_metadata": "run_metadata",
    "graph_run_metadata_graph": "run_metadata",
    "graph_tagged_run_metadata": "run_metadata",
    "graph_keras_model": "keras_model",
}
_KIND_OF_VALUE = {
    scan.HISTOGRAM: "histogram",
    scan.OLD_HISTOGRAM: "histogram",
    scan.IMAGE: "image",
    scan.AUDIO: "audio",
    scan.TENSOR: "tensor",
    scan.GRAPH: "graph",
    scan.META_GRAPH: "meta_graph",
    scan.RUN_METADATA: "run_metadata",
    scan.LOG_MESSAGE: "log_message",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """What a writer said of a tag: which plugin shows it, its name on screen, a text about it."""

    plugin: str = ""
    display_name: str = ""
    text: str = ""
    content: bytes = b""


class TagNames:
    """Give each tag of a run a small number that never changes; safe to use from any thread."""

    def __init__(self) -> None:
        self._number: dict[bytes, int] = {}
        self._names: list[str] = []
        self._escaped: dict[str, int] = {}  # those whose name on screen is not their bytes
        self._descriptions: dict[int, Description] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._names)

    def intern(self, name: bytes) -> int:
        """Return the number of a tag, giving it one when it is new."""
        number = self._number.get(name)
        if number is not None:
            return number
        with self._lock:
            if name not in self._number:
                self._add(name)
            return self._number[name]

    def _add(self, name: bytes) -> None:
        number = len(self._names)
        shown = sys.intern(readable(name))  # a thousand runs have the same tags
        while self.find(shown) is not None:
            # Bytes that are not UTF-8 look like another tag that spells out their escape.
            shown = f"{shown} [{number}]"
        self._names.append(shown)
        if shown.encode() != name:
            self._escaped[shown] = number
        self._number[name] = number

    def find(self, name: str) -> int | None:
        """Return the number of the tag that is shown as `name`, None when there is none."""
        number = self._number.get(name.encode("utf-8", "surrogatepass"))
        if number is not None and self._names[number] == name:
            return number
        return self._escaped.get(name)

    def name(self, number: int) -> str:
        """Return a tag's name as text."""
        return self._names[number]

    def describe(self, number: int, metadata: bytes) -> bool:
        """Keep a tag's first SummaryMetadata; later ones do not count, as in TensorBoard.

        Returns:
            False when the bytes are no SummaryMetadata.
        """
        try:
            message = SummaryMetadata.FromString(metadata)
        except DecodeError:
            return False
        description = Description(
            plugin=message.plugin_data.plugin_name,
            display_name=message.display_name,
            text=message.summary_description,
            content=message.plugin_data.content,
        )
        self._descriptions.setdefault(number, description)
        return True

    def description(self, number: int) -> Description:
        """Return what was said of a tag, an empty description when nothing was."""
        return self._descriptions.get(number, Description())

    def kind(self, number: int, value_kind: int) -> str:
        """Return the word for what a tag's heavy values are, from its plugin or else themselves."""
        plugin = self.description(number).plugin
        if plugin == "scalars":
            plugin = ""  # what is kept by reference is no single number, whatever was claimed
        if plugin in _KIND_OF_PLUGIN:
            return _KIND_OF_PLUGIN[plugin]
        by_value = _KIND_OF_VALUE.get(value_kind, "")
        if by_value and by_value != "tensor":
            return by_value
        return plugin or by_value or "unknown"


def readable(name: bytes) -> str:
    """Return a tag name as text; bytes that are not UTF-8 stay visible as escapes."""
    return name.decode("utf-8", "backslashreplace")
