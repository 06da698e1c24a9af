"""Put together what the HParams page asks for, and keep what is expensive between requests."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard import limits
from gpuboard.errors import InputError
from gpuboard.serve.replies import Replies

if TYPE_CHECKING:
    from gpuboard.analysis.importance import Feature, Importance
    from gpuboard.analysis.sessions import Session, Sessions
    from gpuboard.analysis.trial_groups import Groups
    from gpuboard.analysis.trial_metrics import MetricRequest, TrialMetrics
    from gpuboard.analysis.trials import HParamColumn, Trial
    from gpuboard.store.columns import Catalogue, Float64s
    from gpuboard.store.store import Store
    from gpuboard.summaries.hparams import HParamInfo, MetricInfo

REPLY_BYTES = 64 << 20
RESULTS_KEPT = 16
METRICS_LISTED = 2_000
DEFAULT_METRICS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class TrialsRequest:
    """What a table of trials is to hold.

    Attributes:
        metrics: None for those that the experiment names, or a few likely ones.
        hparams: Names whose values are sent first, where not all fit.
        fold: Names in which trials of one row may differ; None for a row a trial.
        stat: What stands for the trials of one row.
    """

    metrics: tuple[MetricRequest, ...] | None = None
    hparams: tuple[str, ...] = ()
    fold: tuple[str, ...] | None = None
    stat: str = "mean"


class Memory:
    """What is kept of the trials of one store."""

    def __init__(self) -> None:
        from gpuboard.analysis.sessions import Sessions
        from gpuboard.analysis.trial_metrics import TrialMetrics

        self.sessions: Sessions = Sessions()
        self.metrics: TrialMetrics = TrialMetrics()
        self.replies = Replies(REPLY_BYTES)
        self.importances: OrderedDict[str, Importance] = OrderedDict()
        self.awaited: set[str] = set()  # keys of results that somebody waits for
        self._tables: tuple[int, Trials] | None = None

    def keep(self, key: str, found: Importance) -> None:
        """Keep a result; the one used longest ago goes first."""
        self.importances[key] = found
        self.importances.move_to_end(key)
        while len(self.importances) > RESULTS_KEPT:
            self.importances.popitem(last=False)

    def trials(self, store: Store) -> Trials:
        """Return the trials as they are now."""
        catalogue = store.catalogue()
        sessions = self.sessions.of(store, catalogue.runs)
        known = self._tables
        if known is not None and known[0] == catalogue.version == store.version:
            return known[1]
        found = Trials(catalogue, sessions)
        self._tables = catalogue.version, found
        return found


_memories: weakref.WeakKeyDictionary[Any, Memory] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def memory_of(store: Store) -> Memory:
    """Return what is kept of the trials of `store`; it goes when the store goes."""
    with _making:
        return _memories.get(store) or _memories.setdefault(store, Memory())


def sessions_of(store: Store, catalogue: Catalogue) -> dict[int, Session]:
    """Return what each run says of its hyperparameters, by id."""
    return memory_of(store).sessions.of(store, catalogue.runs)


class Trials:
    """All trials at one version of the store, with their columns."""

    def __init__(self, catalogue: Catalogue, sessions: dict[int, Session]) -> None:
        from gpuboard.analysis.trials import columns_of, metrics_of, trials_of

        self.version = catalogue.version
        self.trials: list[Trial] = trials_of(catalogue.runs, sessions)
        self.columns: list[HParamColumn] = columns_of(self.trials)
        self.metrics = metrics_of(self.trials)
        self.hparam_infos: dict[str, HParamInfo] = {}
        self.metric_infos: dict[tuple[str, str], MetricInfo] = {}
        # All experiments count, not one of them: later runs may have brought new names.
        for session in sessions.values():
            if session.experiment is not None:
                self.hparam_infos.update({info.name: info for info in session.experiment.hparams})
                metrics = session.experiment.metrics
                self.metric_infos.update({(info.group, info.tag): info for info in metrics})

    def default_metrics(self) -> tuple[MetricRequest, ...]:
        """Return the metrics that the experiment names, else some that sound like a result."""
        from gpuboard.analysis.trial_metrics import MetricRequest, likely_goal

        named = [metric for metric in self.metrics if metric in self.metric_infos]
        likely = sorted(self.metrics, key=lambda metric: _likelihood(metric[1], metric[0]))
        chosen = (named or likely)[:DEFAULT_METRICS]
        return tuple(MetricRequest(tag, group, goal=likely_goal(tag)) for group, tag in chosen)


def _likelihood(tag: str, group: str) -> tuple[int, int]:
    path = f"{group}/{tag}".lower()
    is_measured = any(word in path for word in ("val", "test", "eval"))
    is_result = any(word in path for word in ("loss", "acc", "error", "score", "auc", "f1"))
    return -(2 * is_result + is_measured), len(path)


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its head, and a plain value or None for each row."""

    key: str
    head: str
    cells: list[Any]


class Table:
    """The rows that a request asks for: trials, or groups of them."""

    def __init__(self, store: Store, request: TrialsRequest) -> None:
        from gpuboard.analysis.trial_groups import grouped

        self.known = memory_of(store).trials(store)
        self.request = request
        chosen = request.metrics
        self.metrics = self.known.default_metrics() if chosen is None else chosen
        self.groups: Groups | None = None
        self.rows, self.columns = self.known.trials, self.known.columns
        if request.fold is not None:
            from gpuboard.analysis.trials import columns_of

            self.groups = grouped(self.rows, request.fold)
            self.rows = self.groups.trials
            self.columns = columns_of(self.rows)
        kept: TrialMetrics = memory_of(store).metrics
        self.values = [kept.of(store, self.known.trials, metric) for metric in self.metrics]

    def reply(self) -> dict[str, Any]:
        """Return everything that the page shows, as columns."""
        known, rows = self.known, self.rows
        body: dict[str, Any] = {
            "version": known.version,
            "trials": len(known.trials),
            "run": [row.run for row in rows],
            "name": [row.name for row in rows],
            "status": [row.status for row in rows],
            "started": _speakable(np.array([row.started for row in rows])),
            "ended": _speakable(np.array([row.ended for row in rows])),
            "members": [[run.id for _, run in row.members] for row in rows],
            "hparams": list(self._hparams()),
            "metrics": [self._metric(i) for i in range(len(self.metrics))],
            "known_metrics": self._known_metrics(),
        }
        if self.groups is not None:
            body["size"] = self.groups.sizes.tolist()
        return body

    def _hparams(self) -> Sequence[dict[str, Any]]:
        wanted = set(self.request.hparams)
        room = limits.MAX_TRIAL_CELLS.value
        found = {}
        order = sorted(range(len(self.columns)), key=lambda i: self.columns[i].name not in wanted)
        for i in order:
            room -= len(self.rows)
            found[i] = self._hparam(self.columns[i], is_sent=room >= 0)
        return [found[i] for i in range(len(self.columns))]

    def _hparam(self, column: HParamColumn, *, is_sent: bool) -> dict[str, Any]:
        info = self.known.hparam_infos.get(column.name)
        told = {
            "name": column.name,
            "kind": column.kind,
            "differs": column.differs,
            "defined": int(column.is_defined.sum()),
            "display": info.display_name if info else "",
            "description": info.description if info else "",
        }
        if not is_sent:
            return told
        if column.kind == "number":
            return told | {"values": _speakable(column.number, column.is_defined)}
        return told | {"words": column.words, "index": column.index.tolist()}

    def _metric(self, place: int) -> dict[str, Any]:
        metric, value = self.metrics[place], self.values[place]
        info = self.known.metric_infos.get((metric.group, metric.tag))
        told = dataclasses.asdict(metric) | {
            "key": metric.key or metric.name,
            "name": metric.name,
            "display": info.display_name if info else "",
            "description": info.description if info else "",
        }
        if self.groups is None:
            return told | {"values": _speakable(value, self._has_metric(metric))}
        from gpuboard.analysis.trial_groups import grouped_metric

        over = grouped_metric(value, self.groups, self.request.stat)
        return told | {
            "values": _speakable(over.value, over.count > 0),
            "std": _speakable(over.std, over.count > 1),
            "low": _speakable(over.low, over.count > 0),
            "high": _speakable(over.high, over.count > 0),
            "count": over.count.tolist(),
        }

    def _has_metric(self, metric: MetricRequest) -> np.ndarray[Any, np.dtype[np.bool_]]:
        found = (
            any(group == metric.group and metric.tag in run.tags for group, run in row.members)
            for row in self.rows
        )
        return np.fromiter(found, np.bool_, len(self.rows))

    def _known_metrics(self) -> list[dict[str, Any]]:
        from gpuboard.analysis.trial_metrics import likely_goal

        listed = list(self.known.metrics.items())[:METRICS_LISTED]
        return [
            {"group": group, "tag": tag, "trials": trials, "goal": likely_goal(tag)}
            for (group, tag), trials in listed
        ]

    def exported(self, keys: Sequence[str] | None) -> list[Column]:
        """Return the columns to write to a file, all of them where `keys` is None.

        Raises:
            InputError: There is no column of that key.
        """
        columns = {column.key: column for column in self._exportable()}
        if keys is None:
            return list(columns.values())
        found: list[Column] = []
        for key in keys:
            if key not in columns:
                raise InputError(f"columns: there is no column {key[:200]!r}")
            parts = (columns.get(f"{key}{part}") for part in ("", ".std", ".count"))
            found += [part for part in parts if part is not None]
        return found

    def _exportable(self) -> list[Column]:
        rows = self.rows
        found = [
            Column("name", "trial", [row.name for row in rows]),
            Column("status", "status", [row.status for row in rows]),
            Column("started", "started", [_or_none(row.started) for row in rows]),
            Column("duration", "duration_s", [_or_none(r.ended - r.started) for r in rows]),
        ]
        if self.groups is not None:
            found.append(Column("size", "trials", self.groups.sizes.tolist()))
        names = [column.name for column in self.columns]
        found += [Column(f"h:{n}", n, [row.hparams.get(n) for row in rows]) for n in names]
        for i in range(len(self.metrics)):
            found += self._metric_columns(self._metric(i))
        return found

    def _metric_columns(self, told: dict[str, Any]) -> list[Column]:
        key, head = f"m:{told['key']}", told["name"]
        found = [Column(key, head, _numbers(told["values"]))]
        if self.groups is not None:
            found[0] = dataclasses.replace(found[0], head=f"{head}, {self.request.stat}")
            if self.request.stat != "std":
                found.append(Column(f"{key}.std", f"{head}, std", _numbers(told["std"])))
            found.append(Column(f"{key}.count", f"{head}, n", told["count"]))
        return found


def table_reply(store: Store, request: TrialsRequest, since: str) -> bytes | None:
    """Return the reply of `POST api/v1/trials`, None where it is what `since` stands for."""
    memory = memory_of(store)
    version = memory.trials(store).version

    def compute() -> bytes:
        # All in it is plain already: a walk through two hundred thousand values would cost 0.3 s.
        reply = Table(store, request).reply()
        text = json.dumps(reply, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        body = text.encode("utf-8", "replace")
        # The version alone may have changed; it is no reason to draw everything again.
        told = body.partition(b",")[2]
        tag = hashlib.blake2b(told, digest_size=12).hexdigest()
        return f'{{"etag":"{tag}",'.encode() + body[1:]

    body = memory.replies.get(("table", version, request), compute)
    is_same = since != "" and body.startswith(f'{{"etag":"{since}"'.encode())
    return None if is_same else body


def export(
    store: Store,
    request: TrialsRequest,
    form: str,
    keys: Sequence[str] | None,
    runs: Sequence[int] | None,
) -> str:
    """Return the text of a file with these columns and rows, in this order.

    Args:
        store: Where the trials are.
        request: Which metrics, folded or not.
        form: One of `gpuboard.analysis.trial_tables.FORMATS`.
        keys: Columns, see `Table.exported`; None for all.
        runs: Ids of the runs that the rows are called after; None for all.
    """
    from gpuboard.analysis.trial_tables import to_csv, to_json, to_latex

    table = Table(store, request)
    places = {row.run: place for place, row in enumerate(table.rows)}
    kept = range(len(table.rows)) if runs is None else [places[r] for r in runs if r in places]
    columns = table.exported(keys)
    rows = [[column.cells[place] for column in columns] for place in kept]
    write = {"csv": to_csv, "json": to_json, "latex": to_latex}[form]
    return write([column.head for column in columns], rows)


def features_of(
    store: Store, metric: MetricRequest, runs: Sequence[int] | None
) -> tuple[str, list[Feature], Float64s]:
    """Return what importance is learned from, and a key that stands for just these values."""
    from gpuboard.analysis.importance import Feature

    table = Table(store, TrialsRequest((metric,)))
    wanted = None if runs is None else set(runs)
    kept = np.array([wanted is None or row.run in wanted for row in table.rows], np.bool_)
    features = []
    digest = hashlib.blake2b(digest_size=16)
    for column in table.columns:
        words = np.where(column.index < 0, np.nan, column.index)
        value = column.number if column.kind == "number" else words
        features.append(Feature(column.name, value[kept], column.words))
        digest.update(repr((column.name, column.words)).encode("utf-8", "replace"))
        digest.update(features[-1].value.tobytes())
    values = table.values[0][kept]
    digest.update(values.tobytes())
    return digest.hexdigest(), features, values


def importance_reply(found: Importance, features: Sequence[Feature]) -> dict[str, Any]:
    """Return what the page shows of a result."""
    words = {feature.name: feature.words for feature in features}
    rows = zip(found.names, found.mean.tolist(), found.std.tolist(), strict=True)
    return {
        "state": "done",
        "trials": found.trials,
        "used": found.used,
        "r2": _or_none(found.r2),
        "r2_std": _or_none(found.r2_std),
        "hparams": [{"name": name, "mean": mean, "std": std} for name, mean, std in rows],
        "constant": found.constant,
        "left_out": found.left_out,
        "curves": [
            {
                "name": name,
                "x": curve.x.tolist(),
                "words": words[name],
                "y": curve.y.tolist(),
                "low": curve.low.tolist(),
                "high": curve.high.tolist(),
            }
            for name, curve in found.curves.items()
        ],
    }


def _speakable(
    values: Float64s, is_defined: np.ndarray[Any, np.dtype[np.bool_]] | None = None
) -> list[float | str | None]:
    """Return numbers as JSON: null where there is none, texts for NaN and infinities."""
    found: list[float | str | None] = values.tolist()
    odd = ~np.isfinite(values)
    if is_defined is not None:
        odd |= ~is_defined
    for place in np.flatnonzero(odd).tolist():
        value = values[place]
        if is_defined is None or not is_defined[place]:
            found[place] = None
        else:
            found[place] = "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")  # noqa: PLR0124
    return found


def _numbers(values: Sequence[float | str | None]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
