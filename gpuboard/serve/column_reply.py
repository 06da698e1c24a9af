"""Encode a reply that has a header and any number of columns.

| part | bytes |
|---|---|
| length of the header, uint32 little-endian | 4 |
| header: JSON in UTF-8, padded with spaces so that it ends at a multiple of 8 | as said |
| columns in the order of the header's "columns", little-endian, each padded to 8 | as said |
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from gpuboard.serve.routes import encode_json

Column = npt.NDArray[Any]


def encode(header: Mapping[str, object], columns: Mapping[str, Column]) -> bytes:
    """Return a reply: its header, completed by what the columns are, and the columns."""
    shapes = [
        {"name": name, "type": column.dtype.name, "shape": list(column.shape)}
        for name, column in columns.items()
    ]
    encoded = encode_json({**header, "columns": shapes})
    encoded += b" " * (-(4 + len(encoded)) % 8)
    parts = [struct.pack("<I", len(encoded)), encoded]
    for column in columns.values():
        little = column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes()
        parts += [little, bytes(-len(little) % 8)]
    return b"".join(parts)
