"""Turn what a trace says of itself, beside its events, into its origin and devices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gpuboard.profiler.traces.kineto_text import mended_json
from gpuboard.profiler.traces.trace import Device, Group, Origin

_APART = ("traceEvents", "deviceProperties", "distributedInfo")
_INTEGER_LIMIT = 1 << 63


def parsed(text: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value; where it is broken, mended, or else as text."""
    decoded = text.decode("utf-8", "replace")
    for attempt in (decoded, mended_json(decoded)):
        try:
            return json.loads(attempt, parse_float=Decimal, strict=False)
        except (ValueError, RecursionError):
            continue
    return decoded


def origin_of(
    members: Mapping[str, Any], *, file: str, size: int, events: int, phases: Mapping[str, int]
) -> Origin:
    """Return where a trace comes from.

    Args:
        members: Of the root, without the events.
        file: Path as it was given.
        size: Bytes of the file.
        events: Entries of the list of events.
        phases: How many there are by phase.
    """
    distributed = members.get("distributedInfo")
    distributed = distributed if isinstance(distributed, dict) else {}
    is_kineto = "schemaVersion" in members or "deviceProperties" in members
    return Origin(
        file=file,
        format="kineto" if is_kineto else "chrome",
        bytes=size,
        events=events,
        phases=phases,
        base=_integer(members.get("baseTimeNanoseconds")),
        rank=_integer(distributed.get("rank")),
        world_size=_integer(distributed.get("world_size")),
        backend=_text(distributed.get("backend")),
        host=_text(members.get("host_name")),
        groups=_groups(distributed.get("pg_config")),
        facts={key: str(value) for key, value in members.items() if key not in _APART},
    )


def devices_of(members: Mapping[str, Any]) -> tuple[Device, ...]:
    """Return the devices that the file describes."""
    listed = members.get("deviceProperties")
    found = listed if isinstance(listed, list) else []
    return tuple(_device(k, facts) for k, facts in enumerate(found) if isinstance(facts, dict))


def _device(place: int, facts: Mapping[str, Any]) -> Device:
    def number(name: str) -> int:
        return _integer(facts.get(name)) or 0

    own = _integer(facts.get("id"))
    return Device(
        id=place if own is None else own,
        name=_text(facts.get("name")),
        memory=number("totalGlobalMem"),
        compute_major=number("computeMajor"),
        compute_minor=number("computeMinor"),
        sms=number("numSms"),
        threads_per_sm=number("maxThreadsPerMultiprocessor"),
        warp_size=number("warpSize"),
        registers_per_sm=number("regsPerMultiprocessor"),
        shared_memory_per_sm=number("sharedMemPerMultiprocessor"),
    )


def _groups(listed: object) -> tuple[Group, ...]:
    if not isinstance(listed, list):
        return ()
    return tuple(
        Group(
            name=_text(group.get("pg_name")),
            label=_text(group.get("pg_desc")),
            backend=_text(group.get("backend_config")),
            ranks=_ranks(group.get("ranks")),
        )
        for group in listed
        if isinstance(group, dict)
    )


def _ranks(listed: object) -> tuple[int, ...]:
    if not isinstance(listed, list):
        return ()
    numbers = map(_integer, listed)
    return tuple(number for number in numbers if number is not None)


def _integer(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if -_INTEGER_LIMIT <= number < _INTEGER_LIMIT else None


def _text(value: object) -> str:
    return "" if value is None else str(value)
