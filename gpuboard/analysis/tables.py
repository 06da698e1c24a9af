"""Write points as CSV, JSON or Parquet: all of them, in file order, digit for digit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
import numpy.typing as npt

from gpuboard.errors import MissingExtraError
from gpuboard.store.columns import Float64s, Int64s, Series

CHUNK_ROWS = 50_000
MAX_EXACT_INTEGER = 1 << 53

T = TypeVar("T", bound=np.generic)
Table = tuple[str, Series]  # name of the run and its points


def csv_chunks(tables: Sequence[Table], *, name_runs: bool = False) -> Iterator[str]:
    """Yield the text of a CSV file piece by piece: `wall_time,step,value` and a line a point.

    Floats have the fewest digits that read back to the same number; others are nan, inf and -inf.

    Args:
        tables: Points of each run, written one after the other.
        name_runs: Whether a first column `run` says whose the points are.
    """
    yield ("run," if name_runs else "") + "wall_time,step,value\n"
    for name, series in tables:
        row = (_quoted(name).replace("%", "%%") + "," if name_runs else "") + "%r,%d,%r\n"
        for wall_time, step, value in _chunks(series):
            rows = zip(wall_time.tolist(), step.tolist(), value.tolist(), strict=True)
            yield "".join(map(row.__mod__, rows))


def json_chunks(tables: Sequence[Table], tag: str, *, as_list: bool = False) -> Iterator[str]:
    """Yield JSON: `{"run", "tag", "wall_time": [], "step": [], "value": []}` for each run.

    NaN and infinities are the strings "NaN", "Infinity" and "-Infinity"; steps beyond 2^53, which
    most readers would round, are strings of digits.

    Args:
        tables: Points of each run.
        tag: Name of the tag.
        as_list: Whether the objects stand in a list; else there must be just one.
    """
    yield "[" if as_list else ""
    for i, (name, series) in enumerate(tables):
        comma = "," if i else ""
        yield f'{comma}{{"run":{json.dumps(name)},"tag":{json.dumps(tag)},"wall_time":['
        yield from _commas(map(_json_floats, _parts(series.wall_time)))
        yield '],"step":['
        yield from _commas(map(_json_steps, _parts(series.step)))
        yield '],"value":['
        yield from _commas(map(_json_floats, _parts(series.value)))
        yield "]}"
    yield "]" if as_list else ""


def write_parquet(
    tables: Sequence[Table], target: Path | IO[bytes], *, name_runs: bool = False
) -> None:
    """Write a Parquet file with the columns wall_time double, step int64, value double.

    Args:
        tables: Points of each run, written one after the other.
        target: Path or binary file to write to.
        name_runs: Whether a first column `run` says whose the points are.

    Raises:
        MissingExtraError: PyArrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("Parquet needs PyArrow: pip install pyarrow") from error
    columns = {
        name: pa.chunked_array([getattr(series, name) for _, series in tables], type=kind)
        for name, kind in (("wall_time", pa.float64()), ("step", pa.int64()))
    }
    columns["value"] = pa.chunked_array([series.value for _, series in tables], type=pa.float64())
    if name_runs:
        names = pa.array([name for name, _ in tables], pa.string())
        which = np.repeat(np.arange(len(tables)), [len(series) for _, series in tables])
        runs = pa.DictionaryArray.from_arrays(pa.array(which, pa.int32()), names)
        columns = {"run": pa.chunked_array([runs], type=runs.type), **columns}
    pq.write_table(pa.table(columns), target)


def parquet_bytes(tables: Sequence[Table], *, name_runs: bool = False) -> bytes:
    """Return the Parquet file of `write_parquet`."""
    file = io.BytesIO()
    write_parquet(tables, file, name_runs=name_runs)
    return file.getvalue()


def _chunks(series: Series) -> Iterator[tuple[Float64s, Int64s, Float64s]]:
    return zip(_parts(series.wall_time), _parts(series.step), _parts(series.value), strict=True)


def _parts(column: npt.NDArray[T]) -> Iterator[npt.NDArray[T]]:
    for start in range(0, len(column), CHUNK_ROWS):
        yield column[start : start + CHUNK_ROWS]


def _commas(parts: Iterator[str]) -> Iterator[str]:
    for i, part in enumerate(parts):
        yield "," + part if i else part


def _json_floats(column: Float64s) -> str:
    if np.isfinite(column).all():
        return ",".join(map(repr, column.tolist()))
    words = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}
    return ",".join(words.get(text, text) for text in map(repr, column.tolist()))


def _json_steps(column: Int64s) -> str:
    if column.min() >= -MAX_EXACT_INTEGER and column.max() <= MAX_EXACT_INTEGER:
        return ",".join(map(str, column.tolist()))
    return ",".join(
        str(step) if abs(step) <= MAX_EXACT_INTEGER else f'"{step}"' for step in column.tolist()
    )


def _quoted(name: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([name])
    return text.getvalue()
