"""Turn hyperparameters of any kind into summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gpuboard.writer.numbers import array_of, is_torch

if TYPE_CHECKING:
    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.summaries.hparams import HParam
    from gpuboard.writer.summary_writer import SummaryWriter


def summaries_of(
    hparams: Mapping[str, Any],
    metrics: Mapping[str, Any],
    domains: Mapping[str, Sequence[Any]] | None,
) -> list[Summary.Value]:
    """Return experiment, start and end of a session.

    Args:
        hparams: Values by name; None is left out.
        metrics: Scalar tags of the metrics.
        domains: All values that a hyperparameter may take, by name.

    Raises:
        TypeError: An argument is no dictionary, or a domain does not fit its hyperparameter.
        ValueError: A value is of another type.
    """
    from gpuboard.summaries.hparams import encode_end, encode_experiment, encode_start

    if not isinstance(hparams, Mapping) or not isinstance(metrics, Mapping):
        raise TypeError("hparam_dict and metric_dict are dictionaries: values by name")
    plain = {name: plain_hparam(value) for name, value in hparams.items() if value is not None}
    allowed = _checked_domains(domains or {}, hparams)
    return [
        encode_experiment(plain, list(metrics), allowed),
        encode_start(plain),
        encode_end("success"),
    ]


def plain_hparam(value: Any) -> HParam:  # noqa: ANN401
    """Return a hyperparameter as the format keeps it: text, number or boolean.

    Raises:
        ValueError: It is of another type.
    """
    if isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return float(value)
    if is_torch(value) or isinstance(value, np.generic | np.ndarray):
        array = array_of(value)
        if array.size == 1:
            item = array.reshape(()).item()
            return item if isinstance(item, str | bool) else float(item)
    raise ValueError(f"hyperparameter {value!r}, expected a number, text, boolean or tensor of one")


def flat_hparams(values: Mapping[str, Any], prefix: str = "") -> dict[str, HParam]:
    """Return nested settings as hyperparameters: names joined by "/", odd values as text."""
    found: dict[str, HParam] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat_hparams(value, f"{prefix}{name}/")
        elif value is not None:
            try:
                found[f"{prefix}{name}"] = plain_hparam(value)
            except ValueError:
                found[f"{prefix}{name}"] = str(value)
    return found


def log_start(writer: SummaryWriter, hparams: Mapping[str, HParam], metrics: Sequence[str]) -> None:
    """Log hyperparameters as those of the writer's own run, before or during training."""
    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.summaries.hparams import encode_experiment, encode_start

    values = [encode_experiment(hparams, metrics), encode_start(hparams)]
    writer._get_file_writer().add_summary(Summary(value=values))


def log_end(writer: SummaryWriter, status: Literal["success", "failure"]) -> None:
    """Log how the writer's own run ended."""
    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.summaries.hparams import encode_end

    writer._get_file_writer().add_summary(Summary(value=[encode_end(status)]))


def _checked_domains(
    domains: Mapping[str, Sequence[Any]], hparams: Mapping[str, Any]
) -> dict[str, list[HParam]]:
    if not isinstance(domains, Mapping):
        raise TypeError("hparam_domain_discrete is a dictionary: lists of values by name")
    for name, values in domains.items():
        own = type(hparams.get(name))
        if (
            name not in hparams
            or not isinstance(values, list)
            or not all(isinstance(value, own) for value in values)
        ):
            raise TypeError(
                f"hparam_domain_discrete[{name!r}] is {values!r}, expected a list of values of the "
                f"type of hyperparameter {name!r}"
            )
    return {name: [plain_hparam(value) for value in values] for name, values in domains.items()}
