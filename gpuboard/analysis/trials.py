"""Find the trials among all runs, and lay out their hyperparameters as columns.

A trial is a run with hyperparameters, together with the runs below it. PyTorch's `add_hparams`
writes hyperparameters and final metrics into a new folder inside the run that holds the curves,
named after the time where it is not given a name: such a pair is one trial, called after the run.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.sessions import NO_SESSION, Session
from gpuboard.store.columns import Float64s, RunInfo
from gpuboard.store.store import natural_key
from gpuboard.summaries.hparams import HParam, shown

Int32s = npt.NDArray[np.int32]
Metric = tuple[str, str]  # folder below the trial's run, "" for that itself, and scalar tag

_TIME = re.compile(r"\d{9,11}(?:\.\d+)?\Z", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """One trial: what it was given, how it ended, and the runs that hold what it logged.

    Attributes:
        run: Id of the run that it is called after.
        members: Folder below that run, and run, for all runs that belong to it.
        status: "unknown", "success", "failure" or "running".
        started: Seconds since the epoch, NaN where nobody knows.
        ended: As `started`.
    """

    run: int
    name: str
    hparams: Mapping[str, HParam]
    members: tuple[tuple[str, RunInfo], ...]
    status: str
    started: float
    ended: float


@dataclasses.dataclass(frozen=True, slots=True)
class HParamColumn:
    """One hyperparameter of all trials.

    Attributes:
        kind: "number", "bool", "text", or "mixed" where trials disagree; all but numbers are words.
        number: NaN where it is not defined, shape (n,); empty for words.
        is_defined: shape (n,).
        index: Place in `words`, -1 where it is not defined, shape (n,); empty for numbers.
        words: The different values in natural order.
        differs: Whether trials differ in it, be it in having it.
    """

    name: str
    kind: str
    number: Float64s
    is_defined: npt.NDArray[np.bool_]
    index: Int32s
    words: tuple[str, ...]
    differs: bool


def trials_of(runs: Sequence[RunInfo], sessions: Mapping[int, Session]) -> list[Trial]:
    """Return all trials in the order of `runs`.

    Args:
        runs: All runs.
        sessions: What each says of itself, by id.
    """
    by_name = {run.name: run for run in runs}
    own = {run.name for run in runs if sessions.get(run.id, NO_SESSION).is_trial}
    heads = _heads(own, by_name)  # name of the run that holds the hyperparameters -> of the trial
    members = _members(runs, heads)
    found = [
        _trial(by_name[head], sessions[by_name[name].id], members[head], sessions)
        for name, head in heads.items()
    ]
    order = {run.id: place for place, run in enumerate(runs)}
    return sorted(found, key=lambda trial: order[trial.run])


def _heads(own: set[str], by_name: Mapping[str, RunInfo]) -> dict[str, str]:
    children = Counter(_parent(name) for name in own if name != ".")
    folders = _folders(by_name)
    heads = {}
    for name in own:
        parent = _parent(name)
        is_alone = name != "." and children[parent] == 1 and parent not in own
        is_pair = (
            is_alone
            and parent in by_name
            and (
                _TIME.match(name.rpartition("/")[2]) is not None
                or (len(folders[parent]) == 1 and _has_scalars(by_name[parent]))
            )
        )
        heads[name] = parent if is_pair else name
    return heads


def _folders(names: Iterable[str]) -> dict[str, set[str]]:
    """Return the folders right below each folder that have runs in them."""
    found: dict[str, set[str]] = {}
    for run in names:
        name = run
        while name != ".":
            parent = _parent(name)
            inner = found.setdefault(parent, set())
            if name in inner:
                break
            inner.add(name)
            name = parent
    return found


def _has_scalars(run: RunInfo) -> bool:
    return any(info.kind == "scalar" for info in run.tags.values())


def _members(
    runs: Sequence[RunInfo], heads: Mapping[str, str]
) -> dict[str, list[tuple[str, RunInfo]]]:
    """Return the runs of each trial; those of PyTorch's folder count as the trial's own."""
    merged = {name: head for name, head in heads.items() if name != head}
    found: dict[str, list[tuple[str, RunInfo]]] = {head: [] for head in heads.values()}
    for run in runs:
        name: str | None = run.name
        while name is not None and name not in found and name not in merged:
            name = None if name == "." else _parent(name)
        if name is None:
            continue
        head = merged.get(name, name)
        found[head].append((_below(run.name, name), run))
    return found


def _below(name: str, head: str) -> str:
    if name == head:
        return ""
    return name if head == "." else name[len(head) + 1 :]


def _parent(name: str) -> str:
    return name.rpartition("/")[0] or "."


def _trial(
    head: RunInfo,
    session: Session,
    members: Sequence[tuple[str, RunInfo]],
    sessions: Mapping[int, Session],
) -> Trial:
    runs = [run for _, run in members]
    start, end = session.start, session.end
    starts = [start.started or math.nan, *(run.start for run in runs)]
    ends = [end.ended if end and end.ended else math.nan, *(run.end for run in runs)]
    is_live = any(run.state == "live" for run in runs)
    ended = next((s.end for s in (sessions[run.id] for run in runs) if s.end), None)
    end = end or ended
    return Trial(
        run=head.id,
        name=head.name,
        hparams=session.hparams,
        members=tuple(members),
        status=end.status if end else ("running" if is_live else "unknown"),
        started=_least(starts),
        ended=-_least([-time for time in ends]),
    )


def _least(times: Iterable[float]) -> float:
    return min((time for time in times if not math.isnan(time)), default=math.nan)


def metrics_of(trials: Sequence[Trial]) -> dict[Metric, int]:
    """Return all metrics that any trial has, and how many have it; those of most trials first."""
    counts: Counter[Metric] = Counter()
    for trial in trials:
        counts.update(
            {
                (group, tag): 1
                for group, run in trial.members
                for tag, info in run.tags.items()
                if info.kind == "scalar"
            }
        )
    order = sorted(counts, key=lambda metric: (-counts[metric], natural_key("/".join(metric))))
    return {metric: counts[metric] for metric in order}


def columns_of(trials: Sequence[Trial]) -> list[HParamColumn]:
    """Return one column for each name that any trial has, those that differ first.

    Names are in natural order. What is missing from the first trial is there like all others.
    """
    names = {name for trial in trials for name in trial.hparams}
    columns = [_column(name, [trial.hparams.get(name) for trial in trials]) for name in names]
    return sorted(columns, key=lambda column: (not column.differs, natural_key(column.name)))


def _column(name: str, values: Sequence[HParam | None]) -> HParamColumn:
    is_defined = np.array([value is not None for value in values], np.bool_)
    kinds = {_kind(value) for value in values if value is not None}
    kind = kinds.pop() if len(kinds) == 1 else "mixed"
    if kind == "number":
        number = np.array([math.nan if value is None else value for value in values], np.float64)
        given = number[is_defined]
        differs = len(given) < len(values) or len(np.unique(given)) > 1
        return HParamColumn(name, kind, number, is_defined, np.empty(0, np.int32), (), differs)
    texts = [None if value is None else shown(value) for value in values]
    words = tuple(sorted({t for t in texts if t is not None}, key=natural_key))
    place = {word: i for i, word in enumerate(words)}
    index = np.array([-1 if text is None else place[text] for text in texts], np.int32)
    differs = len(words) > 1 or not is_defined.all()
    return HParamColumn(name, kind, np.empty(0), is_defined, index, words, bool(differs))


def _kind(value: HParam) -> str:
    if isinstance(value, bool):
        return "bool"
    return "text" if isinstance(value, str) else "number"
