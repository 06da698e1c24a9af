import csv
import io
import json
import math

from gpuboard.analysis.trial_tables import to_csv, to_json, to_latex

HEADS = ["trial", "lr", "a_b & c"]
ROWS = [
    ['he said "x", y', 1e-05, True],
    ["=1+1\nnew line", math.nan, None],
    ["\\input{x} 50% #1 $a$ ~ ^ {}", -2.0, math.inf],
]


def test_csv_reads_back_cell_by_cell():
    found = list(csv.reader(io.StringIO(to_csv(HEADS, ROWS), newline="")))

    assert found == [
        HEADS,
        ['he said "x", y', "1e-05", "true"],
        ["=1+1\nnew line", "nan", ""],
        ["\\input{x} 50% #1 $a$ ~ ^ {}", "-2", "inf"],
    ]


def test_json_holds_columns_and_rows_and_no_bare_nan():
    found = json.loads(to_json(HEADS, ROWS), parse_constant=lambda name: 1 / 0)

    assert found["columns"] == HEADS
    assert found["rows"][0] == ROWS[0]
    assert found["rows"][1][1:] == ["NaN", None]
    assert found["rows"][2][1:] == [-2, "Infinity"]


def test_latex_escapes_all_that_is_special():
    lines = to_latex(HEADS, ROWS).splitlines()

    assert lines[1] == "\\begin{tabular}{lrl}"
    assert lines[3] == "trial & lr & a\\_b \\& c \\\\"
    assert lines[5] == 'he said "x", y & $1 \\cdot 10^{-5}$ & true \\\\'
    assert lines[6] == "=1+1 new line & NaN & -- \\\\"
    assert lines[7] == (
        "\\textbackslash{}input\\{x\\} 50\\% \\#1 \\$a\\$ \\textasciitilde{} "
        "\\textasciicircum{} \\{\\} & $-2$ & $\\infty$ \\\\"
    )


def test_a_table_without_rows_has_its_head():
    assert to_csv(["a"], []) == "a\r\n"
    assert json.loads(to_json(["a"], [])) == {"columns": ["a"], "rows": []}
    assert "\\toprule" in to_latex(["a"], [])
