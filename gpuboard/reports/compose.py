"""Put the parts of a report together: for one trace, or for the ranks of a job."""

from __future__ import annotations

from collections.abc import Sequence

from gpuboard.profiler.advice.finding import Finding
from gpuboard.profiler.advice.words import counted
from gpuboard.reports.document import Note, Report, Section
from gpuboard.reports.part_drawing import drawing
from gpuboard.reports.part_memory import memory
from gpuboard.reports.part_ranks import most_idle, ranks
from gpuboard.reports.part_roof import roof
from gpuboard.reports.part_tables import collectives, kernels, launching, operators
from gpuboard.reports.part_verdict import verdict_section
from gpuboard.reports.part_where import device_names, problems, where
from gpuboard.reports.sheet import Sheet


def compose(
    name: str,
    sheets: Sequence[Sheet],
    findings: Sequence[Finding],
    unread: Sequence[tuple[str, str]] = (),
    top: int = 10,
) -> Report:
    """Return the report of one job.

    Args:
        name: Of the job.
        sheets: One for each trace that could be read, at least one.
        findings: The verdict on all of them.
        unread: File and sentence of each that could not.
        top: Rows of a table.
    """
    sections = [verdict_section(findings)]
    sheet = sheets[0]
    if len(sheets) > 1:
        sections.append(ranks(sheets, top))
        sheet = sheets[_shown(sheets, findings)]
        sections.append(_whose(sheet, len(sheets)))
    sections += [
        *where(sheet, top),
        *drawing(sheet, findings),
        operators(sheet, top),
        kernels(sheet, top),
        launching(sheet),
        memory(sheet, top),
        collectives(sheet, top),
        roof(sheet, top),
        *(section for one in sheets for section in problems(one)),
    ]
    if unread:
        sections.append(_unread(unread))
    return Report(name, _subtitle(sheets), tuple(sections))


def unread_report(name: str, unread: Sequence[tuple[str, str]]) -> Report:
    """Return what is left to say of a job of which nothing could be read."""
    return Report(name, "", (_unread(unread),))


def _unread(unread: Sequence[tuple[str, str]]) -> Section:
    notes = tuple(Note(sentence, is_warning=True) for _, sentence in unread)
    return Section("Files that could not be read", notes)


def _shown(sheets: Sequence[Sheet], findings: Sequence[Finding]) -> int:
    """Return which trace to show in detail: the one that the verdict names, else the idlest."""
    named = [proof.rank for finding in findings[:1] for proof in finding.evidence]
    for rank in named:
        for place, sheet in enumerate(sheets):
            if rank >= 0 and sheet.evidence.rank == rank:
                return place
    return most_idle(sheets)


def _whose(sheet: Sheet, number: int) -> Section:
    rank, file = sheet.evidence.rank, sheet.trace.origin.file
    who = f"rank {rank}" if rank >= 0 else file
    note = f"What follows is of {who}, one of {counted(number, 'trace')}; it lies in {file}."
    return Section(f"Rank {rank}" if rank >= 0 else "One trace of them", (Note(note),))


def _subtitle(sheets: Sequence[Sheet]) -> str:
    devices = device_names(sheets[0])
    traces = f"{counted(len(sheets), 'trace')}" if len(sheets) > 1 else ""
    return ", ".join(filter(None, (traces, devices)))
