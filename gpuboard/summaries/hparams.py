"""Read and write a run's hyperparameters: the start of a session of the hparams plugin."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Value

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary, SummaryMetadata
from gpuboard.eventlog.proto.hparams_pb2 import HParamsPluginData, SessionStartInfo

START_TAG = "_hparams_/session_start_info"
PLUGIN = "hparams"

HParam = str | float | bool


def decode_start(content: bytes) -> dict[str, HParam]:
    """Return the hyperparameters by name, as the metadata of `START_TAG` holds them.

    Raises:
        DataError: The bytes are no HParamsPluginData message.
    """
    try:
        start = HParamsPluginData.FromString(content).session_start_info
    except DecodeError as error:
        raise DataError(f"{START_TAG}: {len(content)} bytes that are no hyperparameters") from error
    found = ((name, _plain(value)) for name, value in start.hparams.items())
    return {name: value for name, value in sorted(found) if value is not None}


def encode_start(hparams: Mapping[str, HParam]) -> Summary.Value:
    """Return the summary value that tells readers a run's hyperparameters; it has no number."""
    start = SessionStartInfo(hparams={name: _proto(value) for name, value in hparams.items()})
    content = HParamsPluginData(session_start_info=start).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN, content=content)
    return Summary.Value(tag=START_TAG, metadata=SummaryMetadata(plugin_data=plugin))


def shown(value: HParam) -> str:
    """Return a value as text: numbers short, 0.001 and not 0.001000047."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else value


def _plain(value: Value) -> HParam | None:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return float(value.number_value)
    if kind == "bool_value":
        return bool(value.bool_value)
    return str(value.string_value) if kind == "string_value" else None


def _proto(value: HParam) -> Value:
    if isinstance(value, bool):
        return Value(bool_value=value)
    return Value(string_value=value) if isinstance(value, str) else Value(number_value=value)
