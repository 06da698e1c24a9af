"""Read and write what the hparams plugin logs: an experiment, and start and end of a session.

All three stand in the metadata of a tag without a value. An experiment says which hyperparameters
and metrics there are, a session's start which values a run has, its end how the run ended.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import ListValue, Value

from gpuboard.errors import DataError
from gpuboard.eventlog.proto import hparams_pb2 as proto
from gpuboard.eventlog.proto.event_pb2 import Summary, SummaryMetadata

EXPERIMENT_TAG = "_hparams_/experiment"
START_TAG = "_hparams_/session_start_info"
END_TAG = "_hparams_/session_end_info"
PLUGIN = "hparams"

HParam = str | float | bool
Kind = Literal["", "text", "bool", "number"]
Status = Literal["unknown", "success", "failure", "running"]

STATUSES: tuple[Status, ...] = ("unknown", "success", "failure", "running")
_KINDS: tuple[Kind, ...] = ("", "text", "bool", "number")
_DATASETS = ("", "training", "validation")


@dataclasses.dataclass(frozen=True, slots=True)
class HParamInfo:
    """What an experiment says of one hyperparameter.

    Attributes:
        kind: "" where it is left open.
        values: All values it may take, empty where they are not listed.
        interval: Least and greatest value it may take, None where there is no such range.
    """

    name: str
    kind: Kind = ""
    values: tuple[HParam, ...] = ()
    interval: tuple[float, float] | None = None
    display_name: str = ""
    description: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class MetricInfo:
    """What an experiment says of one metric.

    Attributes:
        tag: Scalar tag that holds it.
        group: Folder below the session's run that logs it, "" for the run itself.
        dataset: "training", "validation" or "".
    """

    tag: str
    group: str = ""
    display_name: str = ""
    description: str = ""
    dataset: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Experiment:
    """Which hyperparameters and metrics an experiment has.

    Attributes:
        created: Seconds since the epoch, 0 where it is not said.
    """

    hparams: tuple[HParamInfo, ...] = ()
    metrics: tuple[MetricInfo, ...] = ()
    name: str = ""
    description: str = ""
    user: str = ""
    created: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """The start of a session: the values of one run.

    Attributes:
        group: Sessions of one name are repetitions of one trial; "" for a trial of its own.
        started: Seconds since the epoch, 0 where it is not said.
    """

    hparams: Mapping[str, HParam]
    group: str = ""
    started: float = 0.0
    model_uri: str = ""
    monitor_url: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class End:
    """The end of a session.

    Attributes:
        ended: Seconds since the epoch, 0 where it is not said.
    """

    status: Status = "unknown"
    ended: float = 0.0


def decode_start(content: bytes) -> dict[str, HParam]:
    """Return the hyperparameters by name, as the metadata of `START_TAG` holds them.

    Raises:
        DataError: The bytes are no HParamsPluginData message.
    """
    return dict(decode_session_start(content).hparams)


def decode_session_start(content: bytes) -> Start:
    """Return all that the metadata of `START_TAG` holds; names in order, nulls left out.

    Raises:
        DataError: The bytes are no HParamsPluginData message.
    """
    start = _parsed(START_TAG, content).session_start_info
    found = ((name, _plain(value)) for name, value in start.hparams.items())
    return Start(
        hparams={name: value for name, value in sorted(found) if value is not None},
        group=start.group_name,
        started=start.start_time_secs,
        model_uri=start.model_uri,
        monitor_url=start.monitor_url,
    )


def decode_end(content: bytes) -> End:
    """Return what the metadata of `END_TAG` holds; a status of another number is "unknown".

    Raises:
        DataError: The bytes are no HParamsPluginData message.
    """
    end = _parsed(END_TAG, content).session_end_info
    status = STATUSES[end.status] if 0 <= end.status < len(STATUSES) else "unknown"
    return End(status, end.end_time_secs)


def decode_experiment(content: bytes) -> Experiment:
    """Return what the metadata of `EXPERIMENT_TAG` holds.

    Raises:
        DataError: The bytes are no HParamsPluginData message.
    """
    found = _parsed(EXPERIMENT_TAG, content).experiment
    return Experiment(
        hparams=tuple(_hparam_info(info) for info in found.hparam_infos),
        metrics=tuple(_metric_info(info) for info in found.metric_infos),
        name=found.name,
        description=found.description,
        user=found.user,
        created=found.time_created_secs,
    )


def encode_start(
    hparams: Mapping[str, HParam], *, group_name: str = "", start_time_secs: float = 0.0
) -> Summary.Value:
    """Return the summary value that tells readers a run's hyperparameters; it has no number.

    Args:
        hparams: Values by name; text, numbers and booleans keep their type.
        group_name: Runs of one name are repetitions of one trial.
        start_time_secs: Seconds since the epoch.
    """
    start = proto.SessionStartInfo(
        hparams={name: _proto(value) for name, value in hparams.items()},
        group_name=group_name,
        start_time_secs=start_time_secs,
    )
    return _value(START_TAG, proto.HParamsPluginData(session_start_info=start))


def encode_end(status: Status = "success", *, end_time_secs: float = 0.0) -> Summary.Value:
    """Return the summary value that tells readers how a run ended."""
    number = cast(proto.Status, STATUSES.index(status))
    end = proto.SessionEndInfo(status=number, end_time_secs=end_time_secs)
    return _value(END_TAG, proto.HParamsPluginData(session_end_info=end))


def encode_experiment(
    hparams: Mapping[str, HParam],
    metrics: Iterable[str],
    domain_discrete: Mapping[str, Sequence[HParam]] | None = None,
) -> Summary.Value:
    """Return the summary value for the hyperparameters and metrics of `add_hparams`.

    Args:
        hparams: Values by name; they give each name its type.
        metrics: Scalar tags that hold the metrics.
        domain_discrete: All values that a hyperparameter may take, by name.
    """
    domains = domain_discrete or {}
    infos = (
        HParamInfo(name, _kind_of(value), tuple(domains.get(name, ())))
        for name, value in hparams.items()
    )
    return encode_described(Experiment(tuple(infos), tuple(MetricInfo(tag) for tag in metrics)))


def encode_described(experiment: Experiment) -> Summary.Value:
    """Return the summary value for an experiment with descriptions, ranges and units of its own."""
    message = proto.Experiment(
        name=experiment.name,
        description=experiment.description,
        user=experiment.user,
        time_created_secs=experiment.created,
        hparam_infos=[_hparam_proto(info) for info in experiment.hparams],
        metric_infos=[_metric_proto(info) for info in experiment.metrics],
    )
    return _value(EXPERIMENT_TAG, proto.HParamsPluginData(experiment=message))


def shown(value: HParam) -> str:
    """Return a value as text: numbers short, 0.001 and not 0.001000047."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float | int) else value


def _value(tag: str, content: proto.HParamsPluginData) -> Summary.Value:
    plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN, content=content.SerializeToString())
    return Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))


def _parsed(tag: str, content: bytes) -> proto.HParamsPluginData:
    try:
        return proto.HParamsPluginData.FromString(content)
    except DecodeError as error:
        raise DataError(f"{tag}: {len(content)} bytes that are no hyperparameters") from error


def _hparam_info(info: proto.HParamInfo) -> HParamInfo:
    values = (_plain(value) for value in info.domain_discrete.values)
    has_interval = info.WhichOneof("domain") == "domain_interval"
    interval = (info.domain_interval.min_value, info.domain_interval.max_value)
    return HParamInfo(
        name=info.name,
        kind=_KINDS[info.type] if 0 <= info.type < len(_KINDS) else "",
        values=tuple(value for value in values if value is not None),
        interval=interval if has_interval else None,
        display_name=info.display_name,
        description=info.description,
    )


def _hparam_proto(info: HParamInfo) -> proto.HParamInfo:
    message = proto.HParamInfo(
        name=info.name,
        display_name=info.display_name,
        description=info.description,
        type=cast(proto.DataType, _KINDS.index(info.kind)),
    )
    if info.interval is not None:
        low, high = info.interval
        message.domain_interval.CopyFrom(proto.Interval(min_value=low, max_value=high))
    elif info.values:
        message.domain_discrete.CopyFrom(ListValue(values=[_proto(v) for v in info.values]))
    return message


def _metric_info(info: proto.MetricInfo) -> MetricInfo:
    is_known = 0 <= info.dataset_type < len(_DATASETS)
    return MetricInfo(
        tag=info.name.tag,
        group=info.name.group,
        display_name=info.display_name,
        description=info.description,
        dataset=_DATASETS[info.dataset_type] if is_known else "",
    )


def _metric_proto(info: MetricInfo) -> proto.MetricInfo:
    return proto.MetricInfo(
        name=proto.MetricName(group=info.group, tag=info.tag),
        display_name=info.display_name,
        description=info.description,
        dataset_type=cast(proto.MetricInfo.DatasetType, _DATASETS.index(info.dataset)),
    )


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


def _kind_of(value: HParam) -> Kind:
    if isinstance(value, bool):
        return "bool"
    return "text" if isinstance(value, str) else "number"
