"""Define what a report consists of; what it looks like is for those who render it to say.

Texts may come from traces as they are: whoever renders them makes them safe.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import Literal, TypeAlias

NO_FINDING = "no finding"


class Role(enum.StrEnum):
    """What a colour stands for, the same in every part of a report."""

    COMPUTE = "compute"
    COMM = "comm"
    MEMORY = "memory"
    INPUT = "input"
    SYNC = "sync"
    HOST = "host"
    LAUNCH = "launch"
    PAUSE = "pause"
    QUEUED = "queued"
    UNKNOWN = "unknown"
    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """A share, drawn.

    Attributes:
        share: 0 to 1.
        text: Beside it.
    """

    share: float
    text: str = ""
    role: Role = Role.PLAIN


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One part of a whole.

    Attributes:
        text: How much it is.
        share: Of the whole, 0 to 1.
        about: What it means, in a sentence.
    """

    label: str
    text: str
    share: float
    role: Role
    about: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """A whole and its parts, which sum up to it: a coloured bar with a legend."""

    label: str
    parts: tuple[Part, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Stack:
    """Parts of a whole in one cell of a table: shares with their colours.

    Attributes:
        length: Of the whole bar, 0 to 1, so that the bars of several rows compare.
    """

    parts: tuple[tuple[float, Role], ...]
    length: float = 1.0


Cell: TypeAlias = str | Bar | Stack
Align: TypeAlias = Literal["left", "right", "bar", "name", "prose"]


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        align: "name" for names from traces, cut where there is no room; "prose" for sentences;
            "bar" for `Bar` and `Stack`.
        is_extra: Left out first where there is little room.
    """

    title: str
    align: Align = "right"
    is_extra: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; `more` rows are left out."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0
    title: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """Names with values."""

    pairs: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """A remark: how something was found, or why it is absent."""

    text: str
    is_warning: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """One finding of the verdict.

    Attributes:
        share: Of the time, 0 to 1.
        gain: Of the time that mending would save, 0 to 1.
        proofs: Labels with values.
    """

    title: str
    share: float
    gain: float
    statement: str
    advice: str
    proofs: tuple[tuple[str, str], ...]
    role: Role = Role.PLAIN


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What holds the run back, the worst first."""

    findings: tuple[Judgement, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """Values over time.

    Attributes:
        points: (place in time 0 to 1, value), ascending in time, as steps.
        ceiling: A limit worth a line, 0 for none.
        ticks: (place 0 to 1, label) of the axis of time.
        peak: The greatest value in words.
    """

    label: str
    points: tuple[tuple[float, float], ...]
    unit: Literal["bytes", ""]
    peak: str
    span: str
    ceiling: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """Something on a drawn timeline: place and length from 0 to 1, and which line it is on."""

    x: float
    width: float
    line: int
    name: str
    text: str
    role: Role


@dataclasses.dataclass(frozen=True, slots=True)
class Drawing:
    """A piece of the timeline.

    Attributes:
        lanes: (label, lines that it takes).
        highlight: The window in question, from and to, 0 to 1.
        more: Marks that were left out.
    """

    label: str
    lanes: tuple[tuple[str, int], ...]
    marks: tuple[Mark, ...]
    highlight: tuple[float, float]
    span: str
    more: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """One kind of operator on a roofline; `weight` is its share of the time, 0 to 1."""

    intensity: float
    rate: float
    weight: float
    label: str
    text: str
    is_matrix: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Scatter:
    """Operators against what the device can do.

    Attributes:
        roofs: (label, operations a second).
        bandwidth: Bytes a second.
    """

    points: tuple[Point, ...]
    roofs: tuple[tuple[str, float], ...]
    bandwidth: float


Block: TypeAlias = Verdict | Split | Table | Facts | Note | Curve | Drawing | Scatter


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under its own heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What is to be said of one job: one trace, or those of its ranks.

    Attributes:
        title: Name of the job.
        subtitle: What it ran on, in a line.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def worst_of(report: Report) -> Judgement | None:
    """Return the first finding of a report, None where it has none."""
    blocks = (block for section in report.sections for block in section.blocks)
    findings = (block.findings for block in blocks if isinstance(block, Verdict))
    return next((found[0] for found in findings if found), None)


def short_titles(reports: Sequence[Report]) -> tuple[str, ...]:
    """Return the titles without the folders that all have in common."""
    folders = [report.title.split("/")[:-1] for report in reports]
    shared = 0
    while all(len(own) > shared for own in folders) and len({own[shared] for own in folders}) == 1:
        shared += 1
    return tuple("/".join(report.title.split("/")[shared:]) for report in reports)
