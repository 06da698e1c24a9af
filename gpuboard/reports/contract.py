"""Assemble what `gpuboard profile --json` prints."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from gpuboard.profiler.advice.finding import Finding
from gpuboard.profiler.advice.verdict import ranked
from gpuboard.profiler.figures.overview import contract
from gpuboard.reports.sheet import Sheet

UNREADABLE = "unreadable"


class Contract:
    """The JSON of a command, gathered job by job."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._traces: list[dict[str, Any]] = []
        self._jobs: list[dict[str, Any]] = []
        self._findings: list[tuple[Finding, str]] = []
        self.diff: dict[str, Any] | None = None

    def add(
        self,
        name: str,
        sheets: Sequence[Sheet],
        findings: Sequence[Finding],
        unread: Sequence[tuple[str, str]],
    ) -> None:
        """Add a job with its verdict."""
        first = len(self._traces)
        self._traces += [contract(sheet.overview) for sheet in sheets]
        self._traces += [unreadable(file, sentence) for file, sentence in unread]
        self._jobs.append({
            "name": name,
            "traces": list(range(first, len(self._traces))),
            "verdict": [finding.as_json() for finding in findings],
        })  # fmt: skip
        self._findings += [(finding, name) for finding in findings]

    def text(self) -> str:
        """Return the object as one line of ASCII."""
        names = {id(finding): name for finding, name in self._findings}
        order = ranked([finding for finding, _ in self._findings])
        found: dict[str, Any] = {
            "traces": self._traces,
            "verdict": [{**one.as_json(), "job": names[id(one)]} for one in order],
            "jobs": self._jobs,
        }
        if self.diff is not None:
            found["diff"] = self.diff
        return json.dumps(_plain(found), allow_nan=False)


def unreadable(file: str, sentence: str) -> dict[str, Any]:
    """Return the entry of a file that could not be read."""
    return {"file": file, "problems": [{"kind": UNREADABLE, "offset": 0, "message": sentence}]}


def _plain(value: object) -> object:
    """Return the value without what JSON cannot say: NaN and infinities become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
