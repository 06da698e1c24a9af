"""Find out which hyperparameters each run had, and group runs by some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpuboard.summaries.hparams import HParam, shown

HParams = Mapping[str, HParam]


def inherited(own: Mapping[str, HParams]) -> dict[str, HParams]:
    """Return the hyperparameters of all runs, those that logged none with what is theirs anyway.

    A run without any has those of the nearest run above it (its session logs into folders of its
    own), or else those of the last run right below it: PyTorch's `add_hparams` writes them into a
    new folder inside the run.

    Args:
        own: What each run logged itself, by run name; empty where it logged none.
    """
    below: dict[str, HParams] = {}
    for name in sorted(own):
        if own[name]:
            below[_parent(name)] = own[name]
    return {name: own[name] or _above(name, own) or below.get(name, {}) for name in own}


def _parent(name: str) -> str:
    return name.rpartition("/")[0] or "."


def _above(name: str, own: Mapping[str, HParams]) -> HParams:
    while name != ".":
        name = _parent(name)
        if own.get(name):
            return own[name]
    return {}


def group_names(runs: Sequence[HParams], names: Sequence[str]) -> list[str | None]:
    """Return the group of each run, such as "lr=0.1, width=32", None for one that has none of them.

    Args:
        runs: Hyperparameters of each run.
        names: Which of them tell groups apart; what else differs, such as a seed, is folded.
    """
    return [_group(run, names) for run in runs]


def _group(run: HParams, names: Sequence[str]) -> str | None:
    return ", ".join(f"{name}={shown(run[name])}" for name in names if name in run) or None
