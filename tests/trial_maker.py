"""Make log directories with trials in them, as different tools lay them out."""

from __future__ import annotations

import json

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.store.store import Store
from gpuboard.summaries.hparams import encode_end, encode_start


def log(folder, hparams=None, *, status=None, group="", extra=(), **curves):
    """Write one run: hyperparameters, scalars by tag ("__" for "/"), end of the session."""
    with EventFileWriter(folder) as writer:
        if hparams is not None:
            writer.add_value(encode_start(hparams, group_name=group))
        for value in extra:
            writer.add_value(value)
        for tag, values in curves.items():
            for step, value in enumerate(values):
                writer.add_scalar(tag.replace("__", "/"), value, 10 * step)
        if status:
            writer.add_value(encode_end(status))


def lightning(folder, yaml_text, config=None, **curves):
    """Write one run as Lightning does: its hyperparameters stand in a file beside the events."""
    log(folder, **curves)
    (folder / "hparams.yaml").write_text(yaml_text)
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))


def read(logdir):
    """Return a store that has read the directory."""
    store = Store(logdir)
    store.refresh()
    return store
