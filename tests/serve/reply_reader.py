"""Read binary replies as a script would."""

from __future__ import annotations

import json
import struct
from urllib.parse import urlencode

import numpy as np


def columns_of(client, path, **query):
    """Ask for columns; return the header and each column by name."""
    answer = client.authorised(f"/api/v1/{path}?{urlencode(query)}")
    assert answer.status == 200, answer.text
    body = answer.body
    (length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + length])
    found, at = {}, 4 + length
    for one in header["columns"]:
        size = int(np.prod(one["shape"]))
        found[one["name"]] = np.frombuffer(body, one["type"], size, at)
        at += -(-found[one["name"]].nbytes // 8) * 8
    return header, found
