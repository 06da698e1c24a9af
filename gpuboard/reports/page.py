"""Write reports as one page of HTML that needs nothing else: no script, no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import gpuboard
from gpuboard.profiler.advice.words import percent
from gpuboard.reports import svg
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
    Scatter,
    Section,
    Split,
    Stack,
    Table,
    Verdict,
    short_titles,
    worst_of,
)
from gpuboard.reports.page_style import style_sheet
from gpuboard.reports.text import escaped

_LONGEST_NAME = 150
_CLASSES = {"left": "left", "name": "name", "bar": "bars", "prose": "prose", "right": ""}


def page(reports: Sequence[Report]) -> str:
    """Return the whole page; it may load nothing, and run nothing."""
    style = style_sheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    name = reports[0].title if len(reports) == 1 else f"{len(reports):,} profiles"
    body = "".join(_report(report, number) for number, report in enumerate(reports))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>Profile of {escaped(name)}</title><style>{style}</style></head>\n"
        f"<body><main>{_contents(reports)}{body}"
        f"<footer>Written by gpuboard {escaped(gpuboard.__version__)}</footer>"
        "</main></body></html>\n"
    )


def _contents(reports: Sequence[Report]) -> str:
    """Return a list of several reports, each with what holds it back most."""
    if len(reports) == 1:
        return ""
    rows = []
    names = short_titles(reports)
    for number, (report, name) in enumerate(zip(reports, names, strict=True)):
        worst = worst_of(report)
        title = escaped(worst.title if worst else NO_FINDING)
        share = _bar(Bar(worst.share, percent(worst.share), worst.role)) if worst else ""
        rows.append(
            f'<tr><td><a href="#report-{number}">{escaped(name)}</a></td>'
            f"<td>{title}</td><td>{share}</td></tr>"
        )
    return (
        f'<section class="card contents-card"><h2>{len(reports):,} profiles</h2>'
        f'<table class="contents"><tbody>{"".join(rows)}</tbody></table></section>'
    )


def _report(report: Report, number: int) -> str:
    links = "".join(
        f'<a href="#part-{number}-{k}">{escaped(section.title)}</a>'
        for k, section in enumerate(report.sections)
    )
    sections = "".join(
        _section(section, f"part-{number}-{k}") for k, section in enumerate(report.sections)
    )
    folder, slash, name = report.title.rpartition("/")
    place = f"Profile in {folder}{slash}" if slash else "Profile"
    subtitle = f'<p class="subtitle">{escaped(report.subtitle)}</p>' if report.subtitle else ""
    return (
        f'<article class="report" id="report-{number}"><header>'
        f'<p class="kicker">{escaped(place)}</p>'
        f"<h1>{escaped(name)}</h1>{subtitle}</header><nav>{links}</nav>{sections}</article>"
    )


def _section(section: Section, name: str) -> str:
    blocks = "".join(map(_block, section.blocks))
    return f'<section class="card" id="{name}"><h2>{escaped(section.title)}</h2>{blocks}</section>'


def _block(block: Block) -> str:
    match block:
        case Verdict():
            return f"<div>{''.join(map(_finding, block.findings))}</div>"
        case Facts():
            return _facts(block)
        case Split():
            return _split(block)
        case Table():
            return _table(block)
        case Note():
            css = "note warning" if block.is_warning else "note"
            return f'<p class="{css}">{escaped(block.text)}</p>'
        case Curve():
            told = f"{block.label} over {block.span}, at most {block.peak}"
            return _figure(told, svg.curve(block))
        case Drawing():
            more = f"; {block.more:,} shorter slices are not drawn" if block.more else ""
            return _figure(f"{block.label}{more}", svg.drawing(block))
        case Scatter():
            told = (
                "Operators by what they compute for each byte, and how fast. Discs grow with time; "
                "blue ones are for matrix units, the others are not."
            )
            return _figure(told, svg.scatter(block))


def _figure(caption: str, drawn: str) -> str:
    return f"<figure><figcaption>{escaped(caption)}</figcaption>{drawn}</figure>"


def _finding(one: Judgement) -> str:
    gain = ""
    if one.gain >= 0.0005:
        gain = f'<span class="gain">mending it would save {percent(one.gain)}</span>'
    return (
        f'<div class="finding">{svg.ring(one)}<div><h3>{escaped(one.title)}{gain}</h3>'
        f"<p>{escaped(one.statement)}</p>"
        f'<p class="advice"><b>What helps:</b> {escaped(one.advice)}</p>'
        f'<dl class="proofs">{_pairs(one.proofs)}</dl></div></div>'
    )


def _facts(block: Facts) -> str:
    return f'<dl class="facts">{_pairs(block.pairs)}</dl>'


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"<div><dt>{escaped(label)}</dt><dd>{escaped(value)}</dd></div>" for label, value in pairs
    )


def _split(block: Split) -> str:
    rows = "".join(
        f"<tr><td>{svg.swatch(part.role)}</td><td>{escaped(part.label)}</td>"
        f"<td>{escaped(part.text)}</td><td>{percent(part.share)}</td>"
        f"<td>{escaped(part.about)}</td></tr>"
        for part in block.parts
    )
    return (
        f'<div><p class="label">{escaped(block.label)}</p>{svg.split(block.parts)}'
        f'<table class="legend"><tbody>{rows}</tbody></table></div>'
    )


def _table(block: Table) -> str:
    head = "".join(f"<th{_class(one)}>{escaped(one.title)}</th>" for one in block.columns)
    rows = "".join(f"<tr>{''.join(map(_cell, row, block.columns))}</tr>" for row in block.rows)
    more = f'<p class="more">and {block.more:,} more</p>' if block.more > 0 else ""
    return (
        f'<div><div class="scroll"><table class="rows"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{more}</div>"
    )


def _class(column: Column) -> str:
    css = _CLASSES[column.align]
    return f' class="{css}"' if css else ""


def _cell(cell: Cell, column: Column) -> str:
    if isinstance(cell, Bar):
        inside = _bar(cell)
    elif isinstance(cell, Stack):
        inside = svg.stack(cell, "small-stack")
    elif len(cell) > _LONGEST_NAME:
        head, tail = cell[: _LONGEST_NAME * 2 // 3], cell[-_LONGEST_NAME // 3 :]
        inside = f'<span title="{escaped(cell[:4000])}">{escaped(f"{head}…{tail}")}</span>'
    else:
        inside = escaped(cell)
    return f"<td{_class(column)}>{inside}</td>"


def _bar(one: Bar) -> str:
    return f'<div class="bar">{svg.bar(one)}<span>{escaped(one.text)}</span></div>'
