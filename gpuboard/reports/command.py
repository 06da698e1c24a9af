"""Carry out `gpuboard profile`: read, judge, and write what was found."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from gpuboard.errors import InputError
from gpuboard.reports.background import run_apart
from gpuboard.reports.sources import Loaded, Source, find_sources, load, nothing_read

if TYPE_CHECKING:
    from gpuboard.profiler.figures.compare import Comparison
    from gpuboard.reports.contract import Contract
    from gpuboard.reports.document import Report, Section
    from gpuboard.reports.sheet import Sheet

Tell = Callable[[float, str], None]
IsCancelled = Callable[[], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for.

    Attributes:
        paths: Traces, or folders with traces.
        html: File to write a page to, None for none.
        other: Trace or folder to compare with, taken before; None for none.
        top: Rows of a table.
    """

    paths: tuple[Path, ...]
    as_json: bool = False
    html: Path | None = None
    other: Path | None = None
    top: int = 10


def profile(wish: Wish, out: TextIO, err: TextIO) -> None:
    """Read traces, judge them and print what was found; progress goes to `err`.

    Raises:
        InputError: What was asked for is not there, or the page cannot be written.
        DataError: No trace could be read.
        KeyboardInterrupt: Somebody pressed Ctrl+C.
    """
    sources = find_sources(wish.paths)
    others = find_sources([wish.other]) if wish.other is not None else ()
    if wish.html is not None:
        _check_writable(wish.html)
    found = run_apart(
        lambda tell, cancelled: _Profile(wish, sources, others).result(tell, cancelled), err
    )
    if wish.html is not None:
        _write_page(wish.html, found.reports)
    if wish.as_json:
        print(found.contract.text(), file=out)
        return
    _print_reports(found.reports, out)
    if wish.html is not None:
        print(f"written to {wish.html}", file=err)


@dataclasses.dataclass(frozen=True, slots=True)
class _Result:
    reports: list[Report]
    contract: Contract


class _Profile:
    """One run of the command; works in a thread of its own."""

    def __init__(self, wish: Wish, sources: Sequence[Source], others: Sequence[Source]) -> None:
        self._wish, self._sources, self._others = wish, sources, others

    def result(self, tell: Tell, cancelled: IsCancelled) -> _Result:
        """Return what is to be written.

        Raises:
            DataError: No trace could be read.
        """
        from gpuboard.reports.contract import Contract

        found = _Result([], Contract())
        unread: list[tuple[str, str]] = []
        kept: list[Sheet] = []
        is_any = False
        for number, source in enumerate(self._sources):
            for loaded in load(source, _part(tell, number, len(self._sources)), cancelled):
                unread += loaded.unread
                is_any = is_any or bool(loaded.traces)
                tell((number + 1) / len(self._sources), "working out figures")
                kept += self._add(loaded, found)
                del loaded  # so that two jobs are never in memory at once
        if not is_any:
            raise nothing_read(unread)
        if self._others:
            self._compare(kept, found, tell, cancelled)
        return found

    def _add(self, loaded: Loaded, found: _Result) -> list[Sheet]:
        """Add a job; return its sheets if they are needed again."""
        from gpuboard.profiler.advice.verdict import judge
        from gpuboard.reports.compose import compose, unread_report
        from gpuboard.reports.sheet import Sheet

        name, unread, wish = loaded.name, loaded.unread, self._wish
        sheets = [Sheet(trace) for trace in loaded.traces]
        for sheet in sheets:
            sheet.overview  # noqa: B018 - shares its steps with what is judged
        findings = judge([sheet.evidence for sheet in sheets]) if sheets else ()
        found.contract.add(name, sheets, findings, unread)
        if not sheets:
            found.reports.append(unread_report(name, unread))
        elif not wish.as_json or wish.html is not None:
            found.reports.append(compose(name, sheets, findings, unread, wish.top))
        return sheets if self._others else []

    def _compare(
        self, sheets: Sequence[Sheet], found: _Result, tell: Tell, cancelled: IsCancelled
    ) -> None:
        from gpuboard.profiler.figures.compare import Recording, compare
        from gpuboard.reports.part_difference import difference_json, difference_sections

        before: list[Recording] = []
        unread: list[tuple[str, str]] = []
        for number, source in enumerate(self._others):
            for loaded in load(source, _part(tell, number, len(self._others)), cancelled):
                before += [Recording(trace) for trace in loaded.traces]
                unread += loaded.unread
        if not before:
            raise nothing_read(unread)
        tell(1.0, "comparing")
        after = [
            Recording(s.trace, s.overview.steps, s.evidence.launches, s.memory) for s in sheets
        ]
        compared = compare(before, after)
        files = [[r.trace.origin.file for r in side] for side in (before, after)]
        found.contract.diff = difference_json(compared, *files)
        if not found.reports:
            return
        found.reports[:] = _with_difference(
            found.reports, compared, difference_sections(compared, self._wish.top), files
        )


def _with_difference(
    reports: Sequence[Report],
    compared: Comparison,
    sections: Sequence[Section],
    files: Sequence[Sequence[str]],
) -> list[Report]:
    """Put what changed behind the verdict of the only report, or before all of several."""
    from gpuboard.reports.document import Report

    if len(reports) == 1:
        only = reports[0]
        kept = (*only.sections[:1], *sections, *only.sections[1:])
        return [dataclasses.replace(only, sections=kept)]
    title = f"{len(files[1]):,} traces against {len(files[0]):,} before"
    return [Report(title, f"a {compared.per}", tuple(sections)), *reports]


def _part(tell: Tell, number: int, of: int) -> Tell:
    return lambda share, text: tell((number + share) / of, text)


def _print_reports(reports: Sequence[Report], out: TextIO) -> None:
    from gpuboard.reports.terminal import console_for, show, show_contents

    console = console_for(out)
    for report in reports:
        show(report, console)
    if len(reports) > 1:
        show_contents(reports, console)


def _check_writable(file: Path) -> None:
    """Raise before minutes of work whose outcome could not be written."""
    if file.is_dir() or not file.absolute().parent.is_dir():
        what = "a folder" if file.is_dir() else "its folder does not exist"
        raise InputError(f"{file} cannot be written: {what}; name a file in an existing folder")


def _write_page(file: Path, reports: Sequence[Report]) -> None:
    from gpuboard.reports.page import page

    text = page(reports)
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=file.absolute().parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise InputError(f"{file} cannot be written: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
