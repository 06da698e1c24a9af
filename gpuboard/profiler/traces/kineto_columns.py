"""Keep what the scanner finds as columns that grow without being copied."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces import parts, scan_tables
from gpuboard.profiler.traces.scan_state import Blocks

_ROOM = 8192
_SLICES_ROOM = 32768
_LEAP = 16
_SLACK = 1.05

# Columns that `parts` does not have, and floats.
_OWN_TYPES: dict[str, npt.DTypeLike] = {
    "pid": np.int32, "tid": np.int32, "text": np.int32, "order": np.int64, "order_text": np.int32,
    "id_text": np.int32, "exact": np.int32, "category": np.int32, "phase": np.uint8,
    "offset": np.int64, "row": np.int32, "name": np.int32, "time": np.int64, "track": np.int32,
    "id": np.int32, "correlation": np.int64, "context": np.int32, "graph": np.int64,
    "graph_node": np.int64, "launch": np.int32, "moved": np.int32, "launcher": np.int32,
}  # fmt: skip


def _types(table: str) -> dict[str, npt.DTypeLike]:
    known = getattr(parts, table.upper(), {})
    names = [name for name, *_ in scan_tables.TABLES[table]]
    return {name: known[name] if name in known else _OWN_TYPES[name] for name in names}


class Columns:
    """The tables of one file; `blocks` is what the scanner writes into.

    A column's memory is set aside for as many rows as the file will have by what was read of it;
    what is never written to takes none.
    """

    def __init__(self) -> None:
        rooms = [_SLICES_ROOM if t == scan_tables.SLICES else _ROOM for t in range(_TABLES)]
        cells = [room * scan_tables.width(t) for t, room in enumerate(rooms)]
        self.blocks = Blocks(
            cells=np.empty(sum(cells), np.int64),
            base=np.cumsum([0, *cells[:-1]], dtype=np.int64),
            room=np.array(rooms, np.int64),
            rows=np.zeros(_TABLES, np.int64),
        )
        self.rows = [0] * _TABLES
        self._types = [_types(name) for name in scan_tables.NAMES]
        self._columns: list[dict[str, npt.NDArray[Any]]] = [{} for _ in range(_TABLES)]

    def flush(self, table: int, fraction: float) -> None:
        """Take over the rows in a table's block and leave it empty.

        Args:
            table: Number of the table.
            fraction: How much of the file has been read.
        """
        n = int(self.blocks.rows[table])
        if not n:
            return
        done = self.rows[table]
        room, base = int(self.blocks.room[table]), int(self.blocks.base[table])
        block = self.blocks.cells[base : base + room * scan_tables.width(table)].reshape(-1, room)
        place = 0
        for name, how, *_ in scan_tables.TABLES[scan_tables.NAMES[table]]:
            dtype = np.dtype(self._types[table][name])
            target = self._grown(table, name, dtype, done, n, fraction)
            if how == scan_tables.TRIPLE:
                for k in range(3):
                    target[done : done + n, k] = _narrowed(block[place + k, :n], dtype)
            else:
                target[done : done + n] = _narrowed(block[place, :n], dtype)
            place += 3 if how == scan_tables.TRIPLE else 1
        self.rows[table] = done + n
        self.blocks.rows[table] = 0

    def taken(self, table: int) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of a table, once the last rows are flushed, and forget them."""
        self.flush(table, 1.0)
        columns = self._columns[table]
        n = self.rows[table]
        if not n:
            return {}
        taken = {name: column[:n] for name, column in columns.items()}
        columns.clear()
        return taken

    def _grown(
        self, table: int, name: str, dtype: np.dtype[Any], done: int, n: int, fraction: float
    ) -> npt.NDArray[Any]:
        column = self._columns[table].get(name)
        if column is not None and len(column) >= done + n:
            return column
        expected = int((done + n) / max(fraction, 1e-6) * _SLACK)
        room = max(min(expected, _LEAP * (done + n)), int(_SLACK * (done + n)))
        shape = (room, 3) if name in parts.WIDE else (room,)
        longer = np.empty(shape, dtype)
        if column is not None:
            longer[:done] = column[:done]
        self._columns[table][name] = longer
        return longer


_TABLES = len(scan_tables.NAMES)


def _narrowed(cells: npt.NDArray[np.int64], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return cells as a column's type; what that cannot hold becomes "not in the file"."""
    if dtype.kind == "f":
        return cells.view(np.float64).astype(dtype)
    if dtype == np.int32 and (cells.max() > _INT32.max or cells.min() < _INT32.min):
        return np.where((cells > _INT32.max) | (cells < _INT32.min), -1, cells).astype(dtype)
    return cells


_INT32 = np.iinfo(np.int32)
