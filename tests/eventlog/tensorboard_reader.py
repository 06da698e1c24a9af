"""Read logs with TensorBoard's own Python reader, as an oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing import event_file_loader, plugin_event_accumulator
from tensorboard.util import tensor_util

from tests.eventlog.reading import Point, plain


def events(path: Path) -> list[Any]:
    """Return the events of one file as TensorBoard's messages, before any migration."""
    return list(event_file_loader.RawEventFileLoader(str(path)).Load()) and [
        _parse(raw) for raw in event_file_loader.RawEventFileLoader(str(path)).Load()
    ]


def _parse(raw: bytes) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event.FromString(raw)


def scalar_points(path: Path) -> dict[str, list[Point]]:
    """Return the points of every scalar tag of a run, after TensorBoard's own migration."""
    accumulator = plugin_event_accumulator.EventAccumulator(
        str(path), size_guidance={"tensors": 0}, purge_orphaned_data=False
    )
    accumulator.Reload()
    tags = accumulator.PluginTagToContent("scalars") if _has_scalars(accumulator) else {}
    return {
        tag: [
            (e.step, plain(e.wall_time), plain(float(tensor_util.make_ndarray(e.tensor_proto))))
            for e in accumulator.Tensors(tag)
        ]
        for tag in tags
    }


def _has_scalars(accumulator: Any) -> bool:
    return "scalars" in accumulator.ActivePlugins()
