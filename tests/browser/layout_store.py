"""Write logs with a layout of custom scalars, and read them as the server does."""

from __future__ import annotations

import numpy as np

from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.store.store import Store
from gpuboard.summaries.custom_scalars import encode
from tests import make

STEPS = 60
LAYOUT = {
    "Losses": {
        "both": ["Multiline", ["loss/(train|val)$"]],
        "half right": ["Multiline", ["loss/(", "acc"]],
    },
    "Spread": {"folds": ["Margin", ["fold/mean", "fold/low", "fold/high"]]},
}


def curves(k: int) -> dict[str, np.ndarray]:
    """Values by tag of the k-th run."""
    steps = np.arange(STEPS)
    loss = 2 * np.exp(-steps / (15 + 5 * k)) + 0.2 * k
    return {
        "loss/train": loss,
        "loss/val": loss + 0.3,
        "loss/value_of_another_kind": loss + 9,
        "acc": 1 - loss / 4,
        "fold/mean": loss,
        "fold/low": loss - 0.25,
        "fold/high": loss + 0.5,
    }


def layout_store(folder, runs=("a", "b"), layout=LAYOUT) -> Store:
    """A store over runs that all logged the same layout; None for no layout at all."""
    for k, name in enumerate(runs):
        values = curves(k)
        events = [make.header()]
        if layout is not None:
            events.append(make.event(summary=Summary(value=[encode(layout)])))
        events += [
            make.scalars(
                {tag: float(column[i]) for tag, column in values.items()}, i * 10, 1.7e9 + i
            )
            for i in range(STEPS)
        ]
        make.event_file(folder / name, events)
    store = Store(folder)
    store.refresh()
    return store
