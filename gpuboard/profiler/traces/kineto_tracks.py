"""Name the threads and streams of a trace as the file's metadata does."""

from __future__ import annotations

from typing import Any

from gpuboard.profiler.traces.parts import RawTrack
from gpuboard.profiler.traces.scan_state import TRACKS_PASSED, Tracks

_FURTHER = "further threads"


def tracks_of(tracks: Tracks, labels: dict[str, Any], strings: list[str]) -> list[RawTrack]:
    """Return every pair of process and thread that events have, in order of their number."""
    known = _labels(labels, strings)
    process_names: dict[str, str] = {}
    for (pid, _, what), (text, _) in known.items():
        if what == "process_name":
            process_names.setdefault(pid, text)
    count = int(tracks.size[0])
    made = []
    for pid_text, tid_text in zip(tracks.pid[:count], tracks.tid[:count], strict=True):
        pid, tid = strings[pid_text], strings[tid_text]
        own = known.get((pid, tid, "process_name"), ("", -1))[0]
        made.append(
            RawTrack(
                process=pid,
                thread=tid,
                process_label=own or process_names.get(pid, ""),
                thread_label=known.get((pid, tid, "thread_name"), ("", -1))[0],
                order=known.get((pid, tid, "thread_sort_index"), ("", 0))[1],
            )
        )
    made.append(RawTrack(process="", thread=_FURTHER, thread_label=_FURTHER))
    return made if tracks.size[TRACKS_PASSED] else made[:-1]


def _labels(
    columns: dict[str, Any], strings: list[str]
) -> dict[tuple[str, str, str], tuple[str, int]]:
    """Return text and order that the file gives processes and threads, the last of each."""
    if not columns:
        return {}
    names = ("pid", "tid", "name", "text", "order", "order_text")
    return {
        (strings[pid], strings[tid], strings[name]): (
            strings[text] if text >= 0 else "",
            order if has_order >= 0 else 0,
        )
        for pid, tid, name, text, order, has_order in zip(
            *(columns[name].tolist() for name in names), strict=True
        )
    }
