"""Keep computed columns for as long as they fit into a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy.typing as npt

Column = npt.NDArray[Any]


class ColumnCache:
    """Hold columns by key and forget the one used longest ago when the bytes run out.

    Any number of threads may share it. Two that ask for the same missing column at the same time
    both compute it; the later result is kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._columns: OrderedDict[Hashable, Column] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """How much the kept columns take."""
        return self._bytes

    def get(self, key: Hashable, compute: Callable[[], Column]) -> Column:
        """Return the column of `key`; `compute` makes it where it is not kept.

        A column larger than the whole cache is returned and not kept.
        """
        with self._lock:
            column = self._columns.get(key)
            if column is not None:
                self._columns.move_to_end(key)
                return column
        column = compute()
        self._keep(key, column)
        return column

    def _keep(self, key: Hashable, column: Column) -> None:
        if column.nbytes > self._max_bytes:
            return
        with self._lock:
            replaced = self._columns.pop(key, None)
            self._bytes += column.nbytes - (0 if replaced is None else replaced.nbytes)
            self._columns[key] = column
            while self._bytes > self._max_bytes:
                _, oldest = self._columns.popitem(last=False)
                self._bytes -= oldest.nbytes
