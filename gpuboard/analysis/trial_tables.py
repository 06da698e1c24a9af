"""Write a table of trials as CSV, JSON or LaTeX: just the columns and rows that are given."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence

Cell = str | float | bool | None  # None where there is nothing
FORMATS = ("csv", "json", "latex")

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def to_csv(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return CSV: numbers with the digits that read back to them, missing cells empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([[_plain(cell) for cell in row] for row in rows])
    return text.getvalue()


def to_json(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return `{"columns": [...], "rows": [[...]]}`; NaN and infinities are strings."""
    body = {"columns": list(heads), "rows": [[_speakable(cell) for cell in row] for row in rows]}
    return json.dumps(body, allow_nan=False, ensure_ascii=False)


def to_latex(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a `tabular` with the rules of the booktabs package, numbers with five digits."""
    numbers = [all(row[i] is None or _is_number(row[i]) for row in rows) for i in range(len(heads))]
    lines = [
        "% \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numbers)}}}",
        "\\toprule",
        _line([_escaped(head) for head in heads]),
        "\\midrule",
        *(_line([_latex(cell) for cell in row]) for row in rows),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + " \\\\"


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, float | int) and not isinstance(cell, bool)


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell)


def _speakable(cell: Cell) -> Cell:
    if isinstance(cell, float) and not math.isfinite(cell):
        return "NaN" if math.isnan(cell) else ("Infinity" if cell > 0 else "-Infinity")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return cell


def _latex(cell: Cell) -> str:
    if cell is None:
        return "--"
    if isinstance(cell, float) and not isinstance(cell, bool):
        if math.isnan(cell):
            return "NaN"
        if math.isinf(cell):
            return r"$\infty$" if cell > 0 else r"$-\infty$"
        return _power(f"{cell:.5g}")
    return _escaped(_plain(cell))


def _power(number: str) -> str:
    mantissa, _, exponent = number.partition("e")
    shown = f"{mantissa} \\cdot 10^{{{int(exponent)}}}" if exponent else mantissa
    return f"${shown}$" if exponent or shown.startswith("-") else shown


def _escaped(text: str) -> str:
    shown = "".join(_LATEX.get(character, character) for character in text)
    return " ".join(shown.split())
