"""Write a flame graph as text that other viewers open: collapsed stacks, and speedscope's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from gpuboard.profiler.figures.flame import Flame, Weight


def collapsed(flame: Flame, weight: Weight = "host") -> str:
    """Return one line for each node with time of its own: "a;b;c 123", microseconds.

    Semicolons and line breaks in names become commas and blanks, since they part frames and lines.
    Less than half a microsecond is left out.
    """
    lines = [
        f"{';'.join(flame.names[flame.name[k]].translate(_PLAIN) for k in path)} {amount}"
        for path, amount in _stacks(flame, weight, unit=1_000)
    ]
    return "\n".join(lines) + "\n" if lines else ""


_PLAIN = str.maketrans({";": ",", "\n": " ", "\r": " "})


def speedscope(flame: Flame, title: str, weight: Weight = "host") -> str:
    """Return the tree as a sampled profile of speedscope's file format, nanoseconds."""
    stacks = list(_stacks(flame, weight, unit=1))
    weights = [amount for _, amount in stacks]
    profile = {
        "type": "sampled",
        "name": f"{title} ({weight})",
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": [[int(flame.name[k]) for k in path] for path, _ in stacks],
        "weights": weights,
    }
    document = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": title,
        "shared": {"frames": [{"name": name} for name in flame.names]},
        "profiles": [profile],
    }
    return json.dumps(document)


def _stacks(flame: Flame, weight: Weight, *, unit: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield path and own time of each node that has some, parents before children."""
    own = flame.host_self_ns if weight == "host" else flame.device_self_ns
    amount = (own + unit // 2) // unit
    paths: dict[int, tuple[int, ...]] = {-1: ()}
    for node, (parent, mine) in enumerate(
        zip(flame.parent.tolist(), np.asarray(amount).tolist(), strict=True)
    ):
        paths[node] = (*paths[parent], node)
        if mine > 0:
            yield paths[node], mine
