"""Complete what Chrome traces write in two events: nested slices (B, E) and spans (b, e)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces.kineto_problems import Problems
from gpuboard.profiler.traces.parts import Parts, RawTrack
from gpuboard.profiler.traces.scan_ends import lay_out, match_ends
from gpuboard.profiler.traces.trace import Kind

Table = dict[str, npt.NDArray[Any]]

_BEGINS = 0
_MOST_LANES = 64
_MOST_CATEGORIES = 256


def end_slices(ends: Table, slices: Table, problems: Problems) -> None:
    """Give slices that B and E make their durations, in place.

    An E ends the newest slice of its thread that is still open.
    """
    if not ends:
        return
    row, time = ends["row"], ends["time"]
    other = _matched(ends["track"], row >= 0)
    joined = np.flatnonzero((row >= 0) & (other >= 0))
    slices["dur"][row[joined]] = time[other[joined]] - time[joined]
    _note(problems, "never_ended", slices["offset"][row[(row >= 0) & (other < 0)]])
    _note(problems, "never_begun", np.zeros(np.count_nonzero((row < 0) & (other < 0)), np.int64))


def add_spans(spans: Table, parts: Parts, problems: Problems) -> None:
    """Append a slice for each pair of b and e, which category, id, name and process join.

    They may overlap, so that those of one name lie on as many tracks of their own as they need.
    """
    if not spans:
        return
    keys = np.stack([spans[name] for name in ("pid", "category", "id", "name")], axis=1)
    _, group = np.unique(keys, axis=0, return_inverse=True)
    is_begin = spans["phase"] == _BEGINS
    other = _matched(group.reshape(-1), is_begin)
    _note(problems, "never_ended", spans["offset"][is_begin & (other < 0)])
    _note(problems, "never_begun", spans["offset"][~is_begin & (other < 0)])
    rows = np.flatnonzero(is_begin)
    start = spans["time"][rows]
    dur = np.where(other[rows] >= 0, spans["time"][other[rows]] - start, 0)
    added = {
        "start": start,
        "dur": dur,
        "track": _lanes(spans, rows, dur, parts.tracks, parts.strings),
        "name": spans["name"][rows],
        "kind": np.full(len(rows), Kind.OTHER, np.uint8),
        "category": _categories(spans["category"][rows], parts),
        "offset": spans["offset"][rows],
    }
    for name, column in added.items():
        parts.slices[name] = np.concatenate([parts.slices.get(name, column[:0]), column])


def _matched(group: npt.NDArray[Any], is_begin: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    newest = np.full(int(group.max()) + 1, -1, np.int64)
    rows = np.empty(len(group), np.int64)
    found: npt.NDArray[np.int64] = match_ends(group.astype(np.int64), is_begin, newest, rows)
    return found


def _note(problems: Problems, kind: str, offsets: npt.NDArray[np.int64]) -> None:
    for offset in offsets[:1].tolist():
        problems.add(kind, offset, count=len(offsets))


def _lanes(
    spans: Table,
    rows: npt.NDArray[np.int64],
    dur: npt.NDArray[np.int64],
    tracks: list[RawTrack],
    strings: list[str],
) -> npt.NDArray[np.int32]:
    """Return the track of each span; new ones are appended."""
    keys = np.stack([spans["pid"][rows], spans["name"][rows]], axis=1)
    titles, group = np.unique(keys, axis=0, return_inverse=True)
    group = group.reshape(-1).astype(np.int64)
    start = spans["time"][rows]
    order = np.lexsort((start, group))
    lane = np.empty(len(rows), np.int64)
    ends = np.zeros(_MOST_LANES, np.int64)
    laid = np.empty(len(rows), np.int64)
    lay_out(group[order], start[order], np.maximum(dur[order], 0), ends, laid)
    lane[order] = laid
    pairs, track = np.unique(group * _MOST_LANES + lane, return_inverse=True)
    first = len(tracks)
    for pair in pairs.tolist():
        title, number = divmod(pair, _MOST_LANES)
        pid, name = (strings[k] for k in titles[title].tolist())
        again = f" ({number + 1})" if number else ""
        tracks.append(RawTrack(process=pid, thread=f"{name}{again}", thread_label=f"{name}{again}"))
    return (track.reshape(-1) + first).astype(np.int32)


def _categories(texts: npt.NDArray[np.int32], parts: Parts) -> npt.NDArray[np.uint8]:
    numbers = np.zeros(len(texts), np.uint8)
    for text in np.unique(texts).tolist():
        word = parts.strings[text] if text >= 0 else ""
        if word not in parts.categories and len(parts.categories) < _MOST_CATEGORIES:
            parts.categories.append(word)
        known = word in parts.categories
        numbers[texts == text] = parts.categories.index(word) if known else _MOST_CATEGORIES - 1
    return numbers
