"""Tell what the slices of traces without categories are, such as JAX's and TensorFlow's.

They are made from an XPlane, whose names of processes and threads they keep: "/device:GPU:0" and
"Stream #14(Compute)" hold work, "XLA Ops" is laid over it, "/host:CPU" has the threads of the host.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces.parts import Parts, RawTrack
from gpuboard.profiler.traces.trace import DEVICE_WORK, Kind, Place
from gpuboard.profiler.traces.xplane_details import copied_bytes, launch_of, split_name
from gpuboard.profiler.traces.xplane_kinds import (
    Chip,
    derived_kind,
    host_kind,
    is_stream,
    plane_chip,
    stream_kind,
    stream_number,
)

Table = dict[str, npt.NDArray[Any]]


def tell_kinds(parts: Parts, bare: Table) -> None:
    """Give slices of such traces their kind, and fill the tables of work and calls, in place.

    Nothing happens unless a process is called "/device:...".

    Args:
        parts: Of the trace.
        bare: What the arguments of its slices say, by row.
    """
    chips = [plane_chip(track.process_label) for track in parts.tracks]
    is_ours = np.array(
        [track.process_label.startswith(("/device:", "/host:")) for track in parts.tracks], bool
    )
    if not any(device >= 0 for _, device in chips) or "" not in parts.categories:
        return
    slices = parts.slices
    found = np.flatnonzero(
        is_ours[slices["track"]] & (slices["category"] == parts.categories.index(""))
    )
    pairs = np.stack([slices["track"][found], slices["name"][found]], axis=1)
    distinct, inverse = np.unique(pairs, axis=0, return_inverse=True)
    kinds = [
        _kind(chips[track][0], parts.tracks[track], parts.strings[name])
        for track, name in distinct.tolist()
    ]
    slices["kind"][found] = np.array(kinds, np.uint8)[inverse.reshape(-1)]
    for track, (chip, device) in zip(parts.tracks, chips, strict=True):
        _place(track, chip, device)
    _take_bare(parts, bare)


def _kind(chip: Chip, track: RawTrack, name: str) -> Kind:
    if chip is Chip.HOST:
        return host_kind(name)
    if chip is Chip.GPU and is_stream(track.thread_label):
        return stream_kind(name, track.thread_label)
    return derived_kind(track.thread_label, chip)


def _place(track: RawTrack, chip: Chip, device: int) -> None:
    if device < 0:
        return
    track.device = device
    if chip is Chip.GPU and is_stream(track.thread_label):
        track.place, track.stream = Place.STREAM, stream_number(track.thread_label)
    elif derived_kind(track.thread_label, chip) is Kind.ACCELERATOR:
        track.place = Place.STREAM
    else:
        track.place = Place.DEVICE_NOTE


def _take_bare(parts: Parts, bare: Table) -> None:
    slices, strings = parts.slices, parts.strings
    if bare:
        row, on_host = bare["row"], [track.device < 0 for track in parts.tracks]
        of_host = np.array(on_host, bool)[slices["track"][row]] & (bare["correlation"] >= 0)
        slices["kind"][row[of_host]] = Kind.CALL
        for column, kind in (("launch", Kind.KERNEL), ("moved", Kind.MEMCPY)):
            is_told = (bare[column] >= 0) & np.isin(slices["kind"][row], DEVICE_WORK)
            is_told &= slices["kind"][row] != Kind.MEMSET
            slices["kind"][row[is_told]] = kind
    calls = np.flatnonzero(slices["kind"] == Kind.CALL)
    work = np.flatnonzero(np.isin(slices["kind"], DEVICE_WORK))
    parts.calls = {"row": calls, "correlation": _spread(bare, "correlation", calls)}
    device = np.array([track.device for track in parts.tracks])[slices["track"][work]]
    stream = np.array([track.stream for track in parts.tracks])[slices["track"][work]]
    parts.work = {"row": work, "device": device, "stream": stream} | {
        name: _spread(bare, name, work)
        for name in ("correlation", "context", "graph", "graph_node")
    }
    parts.work |= _launches(_spread(bare, "launch", work), strings)
    moved, inverse = np.unique(_spread(bare, "moved", work), return_inverse=True)
    sizes = [copied_bytes(strings[k]) if k >= 0 else -1 for k in moved.tolist()]
    parts.work["bytes"] = np.array(sizes, np.int64)[inverse]
    parts.work["launcher"] = _launchers(_spread(bare, "launcher", work), strings)


def _spread(bare: Table, name: str, rows: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return a column of `bare` for these rows, -1 where it has none."""
    if not bare or not len(rows):
        return np.full(len(rows), -1)
    place = np.minimum(np.searchsorted(bare["row"], rows), len(bare["row"]) - 1)
    return np.where(bare["row"][place] == rows, bare[name][place], -1)


def _launches(texts: npt.NDArray[np.int64], strings: list[str]) -> Table:
    distinct, inverse = np.unique(texts, return_inverse=True)
    known = [launch_of(strings[k] if k >= 0 else "") for k in distinct.tolist()]
    fields = ("registers", "shared_memory", "grid", "block", "occupancy")
    if not known:
        return {}
    return {name: np.array([getattr(one, name) for one in known])[inverse] for name in fields}


def _launchers(texts: npt.NDArray[np.int64], strings: list[str]) -> npt.NDArray[np.int64]:
    distinct, inverse = np.unique(texts, return_inverse=True)
    numbers = []
    for k in distinct.tolist():
        name = split_name(strings[k])[0] if k >= 0 else ""
        numbers.append(-1 if name in ("", "XlaModule:") else len(strings))
        if numbers[-1] >= 0:
            strings.append(name)
    return np.array(numbers, np.int64)[inverse] if numbers else distinct
