import csv
import io
import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis import tables
from tests.analysis.series_maker import series

ODD = series(
    [0.1, np.nan, np.inf, -np.inf, 5e-324],
    steps=[0, 1, 2**53 + 1, -(2**63), 2**63 - 1],
    walls=[1.7e9 + 0.123456, 1, 2, np.nan, 4],
)


def rows_of(text):
    return list(csv.reader(io.StringIO(text)))


@given(st.lists(st.tuples(st.floats(), st.integers(-(2**63), 2**63 - 1), st.floats()), max_size=20))
def test_csv_reads_back_digit_for_digit(points):
    walls, steps, values = ([p[i] for p in points] for i in range(3))

    header, *rows = rows_of("".join(tables.csv_chunks([("a", series(values, steps, walls))])))

    assert header == ["wall_time", "step", "value"]
    back = [(float(w), int(s), float(v)) for w, s, v in rows]
    assert list(map(repr, back)) == list(map(repr, points))


def test_csv_of_several_runs_says_whose_each_point_is():
    some = [('a,"b" 100%s', series([1.0])), ("c", series([2.0, 3.0]))]

    rows = rows_of("".join(tables.csv_chunks(some, name_runs=True)))

    assert rows[0] == ["run", "wall_time", "step", "value"]
    assert [(row[0], row[3]) for row in rows[1:]] == [
        ('a,"b" 100%s', "1.0"),
        ("c", "2.0"),
        ("c", "3.0"),
    ]


def test_long_series_come_in_chunks_and_lose_nothing():
    n = tables.CHUNK_ROWS * 2 + 7

    chunks = list(tables.csv_chunks([("a", series(np.arange(float(n))))]))

    assert len(chunks) == 4
    assert "".join(chunks).count("\n") == n + 1


def test_json_keeps_steps_exact_and_names_what_is_no_number():
    found = json.loads("".join(tables.json_chunks([("a", ODD)], "loss/x")))

    assert (found["run"], found["tag"]) == ("a", "loss/x")
    assert found["step"] == [0, 1, str(2**53 + 1), str(-(2**63)), str(2**63 - 1)]
    assert found["value"] == [0.1, "NaN", "Infinity", "-Infinity", 5e-324]
    assert found["wall_time"][3] == "NaN"


def test_json_of_several_runs_is_a_list_of_the_same_objects():
    n = tables.CHUNK_ROWS + 3
    some = [("a", series(np.arange(float(n)))), ("b", series([]))]

    found = json.loads("".join(tables.json_chunks(some, "t", as_list=True)))

    assert [len(run["value"]) for run in found] == [n, 0]
    assert found[0]["step"] == list(range(n))


def test_parquet_reads_back_bit_for_bit():
    table = pq.read_table(io.BytesIO(tables.parquet_bytes([("a", ODD)])))

    assert table.column_names == ["wall_time", "step", "value"]
    np.testing.assert_array_equal(table["value"].to_numpy(), ODD.value)
    np.testing.assert_array_equal(table["step"].to_numpy(), ODD.step)
    np.testing.assert_array_equal(table["wall_time"].to_numpy(), ODD.wall_time)
    assert math.isnan(table["value"][1].as_py())


def test_parquet_of_several_runs_says_whose_each_point_is(tmp_path):
    path = tmp_path / "points.parquet"

    tables.write_parquet([("a", series([1.0])), ("b", series([2.0, 3.0]))], path, name_runs=True)

    assert pq.read_table(path)["run"].to_pylist() == ["a", "b", "b"]


def test_parquet_without_pyarrow_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(tables.MissingExtraError, match="pip install pyarrow"):
        tables.parquet_bytes([("a", ODD)])
