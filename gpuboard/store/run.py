"""Keep what the files of one run hold, and hand out immutable views of it."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.errors import NotFoundError
from gpuboard.eventlog import reader
from gpuboard.eventlog.blocks import (
    RefBlock,
    ScalarBlock,
    join_refs,
    join_scalars,
    unpack_scalars,
)
from gpuboard.eventlog.reader import Finding, Piece
from gpuboard.eventlog.tags import TagNames
from gpuboard.store.columns import NO_PURGE, Int64s, Problem, Series, TagInfo
from gpuboard.store.values import Values


@dataclasses.dataclass(frozen=True, slots=True)
class FileContent:
    """What is known of one file; replaced as a whole when the file has grown."""

    name: str
    scalars: tuple[ScalarBlock, ...] = ()
    refs: tuple[RefBlock, ...] = ()
    findings: tuple[Finding, ...] = ()
    findings_total: int = 0
    pending: Finding | None = None
    events: int = 0
    first_time: float = math.nan
    last_time: float = math.nan
    purge_step: int = NO_PURGE
    bytes: int = 0
    modified: float = 0.0
    is_deleted: bool = False

    def extended(self, piece: Piece) -> FileContent:
        """Return this content with what one more piece of the file held."""
        room = max(0, limits.MAX_PROBLEMS_PER_FILE.value - len(self.findings))
        purge = self.purge_step
        if purge == NO_PURGE and piece.purge_step is not None:
            purge = piece.purge_step
        return dataclasses.replace(
            self,
            scalars=_with_scalars(self.scalars, piece.scalars),
            refs=_with_refs(self.refs, piece.refs),
            findings=self.findings + piece.findings[:room],
            findings_total=self.findings_total + piece.findings_total,
            events=self.events + piece.events,
            first_time=self.first_time if piece.first_time != piece.first_time
            else _first(self.first_time, piece.first_time),
            last_time=float(np.fmax(self.last_time, piece.last_time)),
            purge_step=purge,
            bytes=piece.end,
        )  # fmt: skip

    def tidied(self) -> FileContent:
        """Return this content with all scalar points in one block, for fast reading."""
        if len(self.scalars) < 2:
            return self
        return dataclasses.replace(self, scalars=(join_scalars(self.scalars),))


def _first(known: float, new: float) -> float:
    return new if math.isnan(known) else known


def _with_scalars(
    blocks: tuple[ScalarBlock, ...], block: ScalarBlock | None
) -> tuple[ScalarBlock, ...]:
    """Append a block; small ones are merged so that their number grows with the logarithm."""
    if block is None:
        return blocks
    kept = [*blocks, block]
    while len(kept) > 1 and len(kept[-2]) <= 2 * len(kept[-1]) < reader.CHUNK_BYTES // 64:
        kept[-2:] = [join_scalars(kept[-2:])]
    return tuple(kept)


def _with_refs(blocks: tuple[RefBlock, ...], block: RefBlock | None) -> tuple[RefBlock, ...]:
    if block is None:
        return blocks
    kept = [*blocks, block]
    while len(kept) > 1 and len(kept[-2]) <= 2 * len(kept[-1]):
        kept[-2:] = [join_refs(kept[-2:])]
    return tuple(kept)


class Run:
    """One run: its files by name, each with what it holds.

    Writers replace `FileContent`s under a lock; readers see whole ones only.
    """

    def __init__(self, run_id: int, name: str) -> None:
        self.id = run_id
        self.name = name
        self.names = TagNames()
        self.version = 0
        self._files: dict[str, FileContent] = {}
        self._lock = threading.Lock()

    def put(self, content: FileContent) -> None:
        """Replace what is known of one file."""
        with self._lock:
            files = {**self._files, content.name: content}
            # Several files of a run are one log in the order of their names, which start with
            # the second in which they were opened.
            self._files = dict(sorted(files.items()))

    def drop(self, name: str) -> None:
        """Forget a file."""
        with self._lock:
            self._files = {k: v for k, v in self._files.items() if k != name}

    def files(self) -> tuple[FileContent, ...]:
        """Return what the files hold, in the order in which they were written."""
        return tuple(self._files.values())

    def state(self) -> object:
        """Return an object that is replaced by another one whenever a file changes."""
        return self._files

    def modified(self) -> float:
        """Return when one of the files was last written, -1 when all of them are gone."""
        return max((f.modified for f in self.files() if not f.is_deleted), default=-1.0)

    def series(self, tag: str) -> Series:
        """Return all points of one scalar tag.

        Raises:
            NotFoundError: This run has no scalars under that name.
        """
        found = self.find_series(tag)
        if found is None:
            raise NotFoundError(f"run {self.name!r} has no scalars named {tag!r}")
        return found

    def find_series(self, tag: str) -> Series | None:
        """Return all points of one scalar tag, None when there are none."""
        number = self.names.find(tag)
        if number is None:
            return None
        segments: list[tuple[ScalarBlock, int]] = []
        starts: list[int] = []
        purges: list[int] = []
        points = 0
        for content in self.files():
            before = points
            for block in content.scalars:
                row = block.find(number)
                if row is not None:
                    segments.append((block, row))
                    points += block.points(row)
            # A resumed writer voids earlier points even before it has written this tag again.
            if points > before or (points and content.purge_step != NO_PURGE):
                starts.append(before)
                purges.append(content.purge_step)
        if not segments:
            return None
        columns = unpack_scalars(segments)
        return Series(
            wall_time=_frozen(columns.wall_time),
            step=_frozen(columns.step),
            value=_frozen(columns.value),
            writer_start=np.array(starts, np.int64),
            purge_step=np.array(purges, np.int64),
        )

    def find_values(self, tag: str, logdir: Path) -> Values | None:
        """Return where all heavy values of one tag lie, None when there are none.

        Args:
            tag: Name as `tags` gives it: "name [kind]" where numbers have the same name.
            logdir: The log directory, to name the files.
        """
        number = self.names.find(tag)
        if number is None and tag.endswith("]"):
            number = self.names.find(tag.rpartition(" [")[0])
        if number is None:
            return None
        files = self.files()
        parts: list[tuple[RefBlock, Int64s]] = []
        owners, starts, purges, count = [], [], [], 0
        for place, content in enumerate(files):
            before = count
            for block in content.refs:
                rows = np.flatnonzero(block.tag == number)
                if len(rows):
                    parts.append((block, rows))
                    owners.append(np.full(len(rows), place, np.int32))
                    count += len(rows)
            if count > before or (count and content.purge_step != NO_PURGE):
                starts.append(before)
                purges.append(content.purge_step)
        if not parts:
            return None
        form = _gather([block.kind[rows] for block, rows in parts])
        folder = logdir if self.name == "." else logdir / self.name
        prefix = "" if self.name == "." else f"{self.name}/"
        return Values(
            run=self.id,
            tag=tag,
            kind=self.names.kind(number, int(form.max())),
            content=self.names.description(number).content,
            wall_time=_gather([block.wall_time[rows] for block, rows in parts]),
            step=_gather([block.step[rows] for block, rows in parts]),
            offset=_gather([block.offset[rows] for block, rows in parts]),
            length=_gather([block.length[rows] for block, rows in parts]),
            form=form,
            file=_gather(owners),
            files=tuple(folder / content.name for content in files),
            places=tuple(prefix + content.name for content in files),
            writer_start=np.array(starts, np.int64),
            purge_step=np.array(purges, np.int64),
        )

    def tag_content(self, tag: str) -> bytes:
        """Return what the plugin that wrote a tag keeps in its metadata, b"" without any."""
        number = self.names.find(tag)
        return b"" if number is None else self.names.description(number).content

    def tags(self) -> dict[str, TagInfo]:
        """Return every tag with its kind and how much was logged, by name."""
        files = self.files()
        # Names are numbered before the content that uses them is put here, never after.
        count = len(self.names)
        scalars, heavy, kinds = _Totals(count), _Totals(count), np.zeros(count, np.int8)
        for content in files:
            for block in content.scalars:
                counts = np.diff(block.start)
                scalars.add(block.tag, counts, block.first_step, block.last_step)
            for refs in content.refs:
                order = np.argsort(refs.tag, kind="stable")
                tag, first = np.unique(refs.tag[order], return_index=True)
                end = np.append(first[1:], len(order))
                step = refs.step[order]
                heavy.add(tag, end - first, step[first], step[end - 1])
                kinds[tag] = np.maximum(kinds[tag], refs.kind[order][first])
        tags: dict[str, TagInfo] = {}
        for number in np.flatnonzero(scalars.points):
            info = self._tag_info(int(number), "scalar", scalars)
            tags[info.tag] = info
        for number in np.flatnonzero(heavy.points):
            info = self._tag_info(
                int(number), self.names.kind(int(number), int(kinds[number])), heavy
            )
            # One name for numbers and for something heavy: both are shown.
            name = f"{info.tag} [{info.kind}]" if info.tag in tags else info.tag
            tags[name] = dataclasses.replace(info, tag=name)
        return tags

    def _tag_info(self, number: int, kind: str, totals: _Totals) -> TagInfo:
        description = self.names.description(number)
        return TagInfo(
            tag=self.names.name(number),
            kind=kind,
            points=int(totals.points[number]),
            first_step=int(totals.first_step[number]),
            last_step=int(totals.last_step[number]),
            display_name=description.display_name,
            description=description.text,
        )

    def problems(self) -> Iterator[Problem]:
        """Yield a row for everything that is wrong with the files of this run."""
        for content in self.files():
            path = content.name if self.name == "." else f"{self.name}/{content.name}"
            yield from _problems_of(content, path)


class _Totals:
    """Points, first and last step per tag, summed over blocks in file order."""

    def __init__(self, tags: int) -> None:
        self.points = np.zeros(tags, np.int64)
        self.first_step = np.zeros(tags, np.int64)
        self.last_step = np.zeros(tags, np.int64)

    def add(
        self, tag: npt.NDArray[np.int32], points: Int64s, first_step: Int64s, last_step: Int64s
    ) -> None:
        is_new = self.points[tag] == 0
        self.first_step[tag[is_new]] = first_step[is_new]
        self.last_step[tag] = last_step
        self.points[tag] += points


def _gather(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return _frozen(parts[0] if len(parts) == 1 else np.concatenate(parts))


def _frozen(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    column = column[:]
    column.flags.writeable = False
    return column


def _problems_of(content: FileContent, path: str) -> Iterator[Problem]:
    for finding in content.findings:
        yield as_problem(path, finding)
    hidden = content.findings_total - len(content.findings)
    if hidden > 0:
        yield Problem(path, 0, "more", f"{hidden:,} further problems of this file are not listed")
    if content.pending is not None:
        yield as_problem(path, content.pending)
    if content.is_deleted:
        yield as_problem(path, Finding(0, "deleted"))


def as_problem(path: str, finding: Finding) -> Problem:
    """Return a finding as a row of the health page."""
    meaning = reader.MEANING[finding.kind]
    message = f"{meaning}: {finding.detail}" if finding.detail else meaning
    return Problem(path, finding.offset, finding.kind, message)
