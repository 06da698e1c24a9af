"""Say in one plain object what a log directory holds: the contract behind `gpuboard inspect`."""

from __future__ import annotations

import dataclasses
from typing import Any

from gpuboard.store.columns import RunInfo
from gpuboard.store.store import Store


def report(store: Store, seconds: float) -> dict[str, Any]:
    """Return runs, tags, files and problems as values that JSON can hold.

    Args:
        store: A store that has read its directory.
        seconds: How long reading took.
    """
    runs = store.catalogue().runs
    return {
        "runs": {run.name: _run(run) for run in runs},
        "problems": [dataclasses.asdict(problem) for problem in store.problems()],
        "bytes": sum(run.bytes for run in runs),
        "events": sum(run.events for run in runs),
        "seconds": round(seconds, 6),
    }


def _run(run: RunInfo) -> dict[str, Any]:
    tags = {
        tag.tag: {
            "kind": tag.kind,
            "points": tag.points,
            "first_step": tag.first_step,
            "last_step": tag.last_step,
        }
        for tag in run.tags.values()
    }
    return {"tags": tags, "files": list(run.files)}
