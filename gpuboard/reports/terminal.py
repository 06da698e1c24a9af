"""Print a report to a terminal, as wide as it is, with colours where it has them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Column as RichColumn
from rich.table import Table as RichTable
from rich.text import Text

from gpuboard.profiler.advice.words import percent, shortened
from gpuboard.reports.document import (
    NO_FINDING,
    Bar,
    Block,
    Cell,
    Column,
    Curve,
    Drawing,
    Facts,
    Judgement,
    Note,
    Report,
    Role,
    Scatter,
    Section,
    Split,
    Stack,
    Table,
    Verdict,
    short_titles,
    worst_of,
)
from gpuboard.reports.text import safe

_WIDE, _NARROW, _PIPED = 140, 72, 100
_NAMES = 38  # characters that names should have
_COLOURS = {
    Role.COMPUTE: "#3f8f5f",
    Role.COMM: "#b0599c",
    Role.MEMORY: "#c98a1b",
    Role.INPUT: "#d0532f",
    Role.SYNC: "#c23b4e",
    Role.HOST: "#4e74c9",
    Role.LAUNCH: "#3f9fb8",
    Role.PAUSE: "#8a919b",
    Role.QUEUED: "#8b78c9",
    Role.UNKNOWN: "#6b7280",
    Role.PLAIN: "#4e74c9",
    Role.GOOD: "#3f8f5f",
    Role.BAD: "#c23b4e",
}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"
# Without colours the parts of a bar are told apart by their letters.
_LETTERS = {
    Role.COMPUTE: "#", Role.COMM: "=", Role.MEMORY: "+", Role.INPUT: "i", Role.SYNC: "s",
    Role.HOST: "h", Role.LAUNCH: "l", Role.PAUSE: "-", Role.QUEUED: "q", Role.UNKNOWN: ".",
}  # fmt: skip


def show(report: Report, console: Console) -> None:
    """Print a report."""
    printer = _Printer(console)
    if console.color_system is not None:
        for part in printer.lines(report):
            console.print(part)
        return
    with console.capture() as captured:
        for part in printer.lines(report):
            console.print(part)
    # Without colours spaces at the end of a line are of no use.
    for line in captured.get().splitlines():
        console.file.write(f"{line.rstrip()}\n")


def show_contents(reports: Sequence[Report], console: Console) -> None:
    """Print which reports there are, each with what holds it back most."""
    rows = []
    for report, name in zip(reports, short_titles(reports), strict=True):
        worst = worst_of(report)
        bar = Bar(worst.share, percent(worst.share), worst.role) if worst else Bar(0.0)
        rows.append((name, worst.title if worst else NO_FINDING, bar))
    columns = (Column("profile", "name"), Column("worst", "left"), Column("of the time", "bar"))
    section = Section("All of them", (Table(columns, tuple(rows)),))
    show(Report(f"{len(reports):,} profiles", "", (section,)), console)


class _Printer:
    def __init__(self, console: Console) -> None:
        self.width = min(console.width, _WIDE)
        self.plain = console.options.ascii_only
        self.has_colour = console.color_system is not None and not console.no_color

    def lines(self, report: Report) -> Iterator[RenderableType]:
        yield Text("")
        yield _text(shortened(safe(report.title), self.width), "bold")
        if report.subtitle:
            yield _text(report.subtitle, "dim")
        for section in report.sections:
            yield from self._section(section)
        yield Text("")

    def _section(self, section: Section) -> Iterator[RenderableType]:
        shown = [found for block in section.blocks for found in self._block(block)]
        if not shown:
            return
        yield Text("")
        yield _rule(section.title, self.width, "-" if self.plain else "─")
        yield from shown

    def _block(self, block: Block) -> Iterable[RenderableType]:
        match block:
            case Verdict():
                return [self._verdict(number, one) for number, one in enumerate(block.findings, 1)]
            case Facts():
                return [self._facts(block)]
            case Split():
                return self._split(block)
            case Table():
                return self._table(block)
            case Note():
                return [self._note(block)]
            case Curve():
                return [self._curve(block)]
            case Drawing() | Scatter():
                return []

    def _verdict(self, number: int, one: Judgement) -> RenderableType:
        head = _text(f"{number} ", "bold")
        head.append_text(_text(one.title, "bold"))
        length = 24 if self.width >= _NARROW else 12
        meter = self._bar(Bar(one.share, "", one.role), length)
        meter.append_text(_text(f" {percent(one.share)} of the time", "bold"))
        gain = f", mending it would save {percent(one.gain)}" if one.gain >= 0.0005 else ""
        meter.append_text(_text(gain, "dim"))
        body = Group(
            meter,
            _text(one.statement),
            _text(f"{'>' if self.plain else '→'} {one.advice}", "cyan"),
        )
        space = Text("") if number > 1 else None
        inner = Padding(body, (0, 0, 0, 2))
        return self._fit(Group(*([space] if space is not None else []), head, inner))

    def _fit(self, found: RenderableType) -> RenderableType:
        """Keep text from running over the whole of a very wide terminal."""
        grid = RichTable.grid(padding=0)
        grid.add_column(width=min(self.width, 110), overflow="fold")
        grid.add_row(found)
        return grid

    def _facts(self, block: Facts) -> RenderableType:
        """Return names with values, as many on a line as there is room for."""
        text, used = Text(), 0
        for label, value in block.pairs:
            pair = Text.assemble(_text(f"{label} ", "dim"), _text(value))
            if used and used + 3 + len(pair) > self.width:
                text.append("\n")
                used = 0
            elif used:
                text.append("   ")
                used += 3
            text.append_text(pair)
            used += len(pair)
        return text

    def _split(self, block: Split) -> Iterator[RenderableType]:
        yield Text("")
        yield _text(block.label, "bold")
        shares = tuple((part.share, part.role) for part in block.parts)
        yield self._stack(Stack(shares), self.width)
        grid = RichTable.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=1)
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
        if self.width >= 100:
            grid.add_column(overflow="ellipsis", no_wrap=True)
        for part in block.parts:
            cells = [
                self._swatch(part.role),
                _text(part.label),
                _text(part.text),
                _text(percent(part.share)),
            ]
            grid.add_row(*cells, *([_text(part.about, "dim")] if self.width >= 100 else []))
        yield grid

    def _swatch(self, role: Role) -> Text:
        if not self.has_colour:
            return Text(_LETTERS.get(role, "#"))
        return Text("#" if self.plain else "█", Style(color=_COLOURS[role]))

    def _table(self, block: Table) -> Iterator[RenderableType]:
        kept = self._kept(block)
        columns = [block.columns[k] for k in kept]
        bar = self._bar_width(columns)
        table = RichTable(
            *(self._column(one, bar) for one in columns),
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
            header_style="dim",
            show_header=any(one.title for one in columns),
        )
        room = self._room(block, columns, kept, bar)
        for row in block.rows:
            cells = [self._cell(row[k], block.columns[k], bar, room) for k in kept]
            table.add_row(*cells)
        yield Text("")
        if block.title:
            yield _text(block.title, "bold")
        grid = RichTable.grid(padding=0)
        grid.add_column(width=self.width)
        grid.add_row(table)
        yield grid
        if block.more > 0:
            yield _text(f"and {block.more:,} more", "dim")

    def _kept(self, block: Table) -> list[int]:
        """Return which columns to show, so that there is room for names."""
        kept = list(range(len(block.columns)))
        extra = [k for k in kept if block.columns[k].is_extra]
        while extra:
            columns = [block.columns[k] for k in kept]
            if self._room(block, columns, kept, self._bar_width(columns)) >= _NAMES:
                break
            kept.remove(extra.pop())
        return kept

    def _bar_width(self, columns: list[Column]) -> int:
        if self.width < _NARROW:
            return 8
        return 24 if self.width >= 110 or len(columns) < 5 else 14

    def _room(self, block: Table, columns: list[Column], kept: list[int], bar: int) -> int:
        """Return how many characters of a name there is room for."""
        used = 0
        for k, one in zip(kept, columns, strict=True):
            if one.align == "name":
                continue
            if one.align == "bar":
                used += max(bar + 8, len(_short(one, bar)))
            else:
                texts = (row[k] for row in block.rows)
                longest = max((len(t) for t in texts if isinstance(t, str)), default=0)
                used += max(longest, len(one.title))
            used += 2
        return max(16, self.width - used - 2)

    def _column(self, one: Column, bar: int) -> RichColumn:
        if one.align == "bar":
            return RichColumn(_text(_short(one, bar)), no_wrap=True, overflow="ellipsis")
        if one.align == "right":
            return RichColumn(_text(one.title), justify="right", no_wrap=True)
        if one.align == "prose":
            return RichColumn(_text(one.title), overflow="fold")
        return RichColumn(_text(one.title), no_wrap=True, overflow="ellipsis")

    def _cell(self, cell: Cell, column: Column, bar: int, room: int) -> Text:
        if isinstance(cell, Bar):
            drawn = self._bar(cell, bar)
            return drawn.append_text(_text(f" {cell.text:>6}"))
        if isinstance(cell, Stack):
            return self._stack(cell, bar + 8)
        if column.align == "name":
            return _text(shortened(safe(cell), room))
        return _text(cell)

    def _bar(self, bar: Bar, length: int) -> Text:
        """Return a bar in eighths of a character, as long as it would be if full."""
        share = min(max(bar.share, 0.0), 1.0)
        if self.plain:
            drawn = "#" * round(share * length)
        else:
            eighths = round(share * length * 8)
            eighths = max(eighths, 1) if share > 0 else 0
            drawn = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
        text = Text().append(drawn, Style(color=_COLOURS[bar.role]))
        rest = length - len(drawn)
        return text.append(("." if self.plain else "·") * rest, Style(dim=True))

    def _stack(self, stack: Stack, width: int) -> Text:
        text = Text(no_wrap=True)
        length = max(1, round(width * stack.length))
        done, place = 0.0, 0
        for share, role in stack.parts:
            done += share
            reached = min(length, round(done * length))
            block = "█" if self.has_colour and not self.plain else _LETTERS.get(role, "#")
            text.append(block * (reached - place), Style(color=_COLOURS[role]))
            place = reached
        return text

    def _note(self, note: Note) -> RenderableType:
        if note.is_warning:
            return self._fit(_text(f"! {note.text}", "yellow"))
        return self._fit(_text(note.text, "dim"))

    def _curve(self, curve: Curve) -> RenderableType:
        """Return the curve as a line of blocks; the highest of each stretch counts."""
        most = max((value for _, value in curve.points), default=0.0)
        if self.plain or most <= 0:
            return Text("")
        columns = min(self.width - 2, 100)
        heights = [0.0] * columns
        last = 0.0
        at = 0
        for place in range(columns):
            highest = last
            while at < len(curve.points) and curve.points[at][0] * columns <= place + 1:
                last = curve.points[at][1]
                highest = max(highest, last)
                at += 1
            heights[place] = highest
        drawn = "".join(_HEIGHTS[min(7, int(8 * height / most))] for height in heights)
        label = _text(f"{curve.label} over {curve.span}, at most {curve.peak}", "dim")
        return Group(Text(""), Text(drawn, Style(color=_COLOURS[Role.MEMORY])), label)


def _rule(title: str, width: int, character: str) -> Text:
    text = _text(title, "bold")
    text.append_text(_text(" " + character * max(2, width - len(text) - 1), "dim"))
    return text


def _short(column: Column, bar: int) -> str:
    """Return the title of a column of bars, without its end where that is wider than the bars."""
    return column.title if len(column.title) <= bar + 8 else column.title.partition(" of ")[0]


def _text(text: str, style: str = "") -> Text:
    return Text(safe(text), style)


def console_for(out: TextIO) -> Console:
    """Return a console for a stream: with colours on terminals only, as wide as they are."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")
    width = None if out.isatty() or os.environ.get("COLUMNS") else _PIPED
    return Console(file=out, width=width, highlight=False, markup=False, emoji=False)
