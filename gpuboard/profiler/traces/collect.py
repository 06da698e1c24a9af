"""Collect what a parser finds piece by piece: growing tables, numbered texts, noted problems."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces import parts as spec
from gpuboard.profiler.traces.parts import Column, Parts, RawTrack, filled
from gpuboard.profiler.traces.trace import Device, Origin
from gpuboard.store.columns import Problem

_MOST_CATEGORIES = 255
_LISTED = 100


class Strings:
    """Texts that columns point to; equal texts share a number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text, a new one when it is new."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> list[str]:
        """All texts by their numbers."""
        return list(self._numbers)


class Table:
    """Columns of one specification of `parts`, in pieces."""

    def __init__(self, columns: Mapping[str, npt.DTypeLike]) -> None:
        self._spec = columns
        self._pieces: list[dict[str, Column]] = []
        self.rows = 0

    def add(self, n: int, **columns: npt.ArrayLike) -> None:
        """Append `n` rows; a single value stands for all of them, what is missing is unknown."""
        if not n:
            return
        given = {
            name: np.broadcast_to(
                np.asarray(value), (n, *np.shape(value)[1:]) if np.ndim(value) else (n,)
            )
            for name, value in columns.items()
        }
        self._pieces.append(filled(self._spec, given, n))
        self.rows += n

    def done(self) -> dict[str, Column]:
        """Return the whole columns."""
        if not self._pieces:
            return filled(self._spec, {}, 0)
        return {name: np.concatenate([p[name] for p in self._pieces]) for name in self._spec}


class Collector:
    """Everything that makes up `Parts`, while it grows.

    Attributes:
        file: What problems are listed under.
        strings: Texts of all columns.
        tracks: Threads and streams.
        slices: The table of slices; the others, which point to its rows, are named as in `Parts`.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.strings = Strings()
        self._categories = Strings()
        self.tracks: list[RawTrack] = []
        self.slices = Table(spec.SLICES)
        self.work = Table(spec.WORK)
        self.calls = Table(spec.CALLS)
        self.operators = Table(spec.OPERATORS)
        self.syncs = Table(spec.SYNCS)
        self.memory = Table(spec.MEMORY)
        self.flow_ends = Table(spec.FLOW_ENDS)
        self.counters = Table(spec.COUNTERS)
        self.instants = Table(spec.INSTANTS)
        self.devices: list[Device] = []
        self._problems: list[Problem] = []
        self._counts: dict[str, int] = {}

    def track(self, track: RawTrack) -> int:
        """Add a track and return its number."""
        self.tracks.append(track)
        return len(self.tracks) - 1

    def category(self, word: str) -> int:
        """Return the number of a category; beyond 255 of them all are one."""
        known = len(self._categories.texts)
        return self._categories.number(word if known < _MOST_CATEGORIES - 1 else "others")

    def note(self, kind: str, message: str, *, offset: int = 0, times: int = 1) -> None:
        """Note what is wrong with the file, and how often."""
        if len(self._problems) < _LISTED:
            self._problems.append(Problem(self.file, max(offset, 0), kind, message))
        self._counts[kind] = self._counts.get(kind, 0) + times

    def first_problem(self) -> str:
        """Return what was noted first, "" when nothing was."""
        return self._problems[0].message if self._problems else ""

    def parts(self, origin: Origin) -> Parts:
        """Return all that was collected."""
        return Parts(
            origin=origin,
            strings=self.strings.texts,
            categories=self._categories.texts,
            tracks=self.tracks,
            slices=self.slices.done(),
            work=self.work.done(),
            calls=self.calls.done(),
            operators=self.operators.done(),
            syncs=self.syncs.done(),
            memory=self.memory.done(),
            flow_ends=self.flow_ends.done(),
            counters=self.counters.done(),
            instants=self.instants.done(),
            devices=tuple(self.devices),
            problems=self._problems,
            problem_counts=self._counts,
        )
