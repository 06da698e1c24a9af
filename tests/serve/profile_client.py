"""Ask the data routes of the Profile page about small traces."""

from __future__ import annotations

import json
import struct
from urllib.parse import urlencode

import numpy as np

from gpuboard.serve import data
from gpuboard.store.store import Store


class ProfileClient:
    """A server over one log directory.

    Attributes:
        traces: Ids of the traces in it.
    """

    def __init__(self, serve, folder):
        """Serve `folder` with the fixture `serve`."""
        routes = [(f"/{path}", route) for path, route in data.ROUTES]
        self.client = serve(store=Store(folder), routes=routes)
        self.traces = self.json("profile/jobs")["trace"]

    def raw(self, path, status=200, **query):
        """Return the answer to a request."""
        answer = self.client.authorised(f"/api/v1/{path}?{urlencode(query, doseq=True)}")
        assert answer.status == status, answer.text
        return answer

    def json(self, path, status=200, **query):
        """Return what an answer of JSON says."""
        return json.loads(self.raw(path, status, **query).body)

    def columns(self, path, **query):
        """Return header and columns of a binary answer."""
        body = self.raw(path, **query).body
        (length,) = struct.unpack_from("<I", body)
        header = json.loads(body[4 : 4 + length])
        found, at = {}, 4 + length
        for one in header["columns"]:
            size = int(np.prod(one["shape"]))
            found[one["name"]] = np.frombuffer(body, one["type"], size, at)
            at += -(-found[one["name"]].nbytes // 8) * 8
        return header, found
