"""Read event files as the store does and return what was found in a form that compares."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from gpuboard.eventlog import reader
from gpuboard.eventlog.blocks import unpack_scalars
from gpuboard.eventlog.reader import Finding, LogFile, Piece
from gpuboard.eventlog.tags import TagNames
from tests import make

Point = tuple[int, float | str, float | str]  # step, wall time, value


@dataclasses.dataclass
class Reading:
    """All that reading a file yielded: points by tag, references, findings."""

    log: LogFile
    points: dict[str, list[Point]] = dataclasses.field(default_factory=dict)
    refs: list[tuple[str, int, int, int, int]] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)
    findings_total: int = 0
    events: int = 0
    pieces: list[Piece] = dataclasses.field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """Return what was wrong, that which may yet resolve itself included."""
        pending = [] if self.log.pending is None else [self.log.pending]
        return [finding.kind for finding in [*self.findings, *pending]]

    def go_on(self, now: float = 0.0) -> Reading:
        """Read what is new; a replaced file starts over, as in the store."""
        restarts = self.log.restarts
        for piece in self.log.read(now):
            if self.log.restarts != restarts:
                restarts = self.log.restarts
                self._forget()
            self._take(piece)
        if self.log.restarts != restarts:
            self._forget()
        return self

    def _forget(self) -> None:
        self.points.clear()
        self.refs.clear()
        self.findings.clear()
        self.events = 0

    def _take(self, piece: Piece) -> None:
        names = self.log.names
        self.pieces.append(piece)
        self.findings += piece.findings
        self.findings_total += piece.findings_total
        self.events += piece.events
        if piece.scalars is not None:
            block = piece.scalars
            for row, number in enumerate(block.tag):
                points = unpack_scalars([(block, row)])
                rows = zip(
                    points.step.tolist(),
                    map(plain, points.wall_time.tolist()),
                    map(plain, points.value.tolist()),
                    strict=True,
                )
                self.points.setdefault(names.name(int(number)), []).extend(rows)
        if piece.refs is not None:
            refs = piece.refs
            self.refs += [
                (names.name(int(tag)), int(kind), int(step), int(offset), int(length))
                for tag, kind, step, offset, length in zip(
                    refs.tag, refs.kind, refs.step, refs.offset, refs.length, strict=True
                )
            ]


def steps_of_piece(piece: Piece) -> list[int]:
    """Return the steps of the scalars of a piece, those of one tag after those of another."""
    block = piece.scalars
    if block is None:
        return []
    return unpack_scalars([(block, row) for row in range(len(block.tag))]).step.tolist()


def plain(number: float) -> float | str:
    """Return a number, or a word for NaN, which equals nothing."""
    return "nan" if math.isnan(number) else number


def open_log(path: Path) -> Reading:
    return Reading(LogFile(path, TagNames()))


def read_file(path: Path, now: float = 0.0) -> Reading:
    return open_log(path).go_on(now)


def read_bytes(data: bytes, now: float = 0.0) -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / make.FILE_NAME
        path.write_bytes(data)
        return read_file(path, now)


def read_payloads(payloads: Iterable[bytes]) -> Reading:
    return read_bytes(make.records(payloads))


def use_chunks_of(patch: pytest.MonkeyPatch, size: int) -> None:
    """Let files be read in chunks of so many bytes, so that small ones have many."""
    patch.setattr(reader, "CHUNK_BYTES", size)
    patch.setattr(reader, "_buffers", reader._Lender(lambda: np.empty(size, np.uint8)))
