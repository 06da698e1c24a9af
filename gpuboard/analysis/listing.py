"""List runs and tags as columns; after a change only the runs that changed are looked at."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence

from gpuboard.analysis.patterns import compiled, searched
from gpuboard.store.columns import Catalogue, RunInfo
from gpuboard.store.store import natural_key


@dataclasses.dataclass(frozen=True, slots=True)
class TagRows:
    """Tags in natural order, lists of equal length.

    Attributes:
        total: How many there are, listed or not.
        tag: Names.
        kind: What was logged under them; a name with two kinds is two rows.
        runs: How many runs have the tag.
        points: How many values they logged.
        description: The first one that a run gives.
    """

    total: int
    tag: list[str]
    kind: list[str]
    runs: list[int]
    points: list[int]
    description: list[str]


@dataclasses.dataclass(slots=True)
class _Total:
    """Sum over the runs that have one tag."""

    runs: int = 0
    points: int = 0
    description: str = ""


class Listing:
    """Keep sums over all runs of one store up to date; any number of threads may ask."""

    def __init__(self) -> None:
        self._seen: dict[int, RunInfo] = {}
        self._last_step: dict[int, int] = {}
        self._totals: dict[tuple[str, str], _Total] = {}
        self._ordered: list[tuple[str, str]] | None = None
        self._version = -1
        self._lock = threading.Lock()

    def last_steps(self, catalogue: Catalogue) -> list[int]:
        """Return the greatest last step of any tag of each run; 0 for a run without tags."""
        with self._lock:
            self._update(catalogue)
            return [self._last_step.get(run.id, 0) for run in catalogue.runs]

    def tags(
        self, catalogue: Catalogue, *, kind: str | None, pattern: str | None, limit: int
    ) -> TagRows:
        """Return up to `limit` tags of all runs.

        Args:
            catalogue: What the store holds.
            kind: Only tags of this kind, None for all.
            pattern: Only tags in which this regular expression occurs, None for all.
            limit: How many to list; the total counts them all.

        Raises:
            InputError: The pattern cannot be used.
            LimitError: The search takes too long.
        """
        with self._lock:
            self._update(catalogue)
            if self._ordered is None:
                self._ordered = sorted(self._totals, key=lambda key: (natural_key(key[0]), key))
            keys = [key for key in self._ordered if kind is None or key[1] == kind]
            totals = dict(self._totals) if pattern else self._totals
            if not pattern:
                return _rows(keys, totals, limit)
        found = searched(compiled(pattern), [tag for tag, _ in keys])
        matching = [key for key, match in zip(keys, found, strict=True) if match is not None]
        return _rows(matching, totals, limit)

    def _update(self, catalogue: Catalogue) -> None:
        if catalogue.version <= self._version:
            return
        self._version = catalogue.version
        current = {run.id: run for run in catalogue.runs}
        for run_id in self._seen.keys() - current.keys():
            self._change(self._seen.pop(run_id), -1)
            self._last_step.pop(run_id, None)
        for run_id, run in current.items():
            before = self._seen.get(run_id)
            if before is not None and before.version == run.version:
                continue
            if before is not None:
                self._change(before, -1)
            self._change(run, 1)
            self._seen[run_id] = run
            self._last_step[run_id] = max((t.last_step for t in run.tags.values()), default=0)

    def _change(self, run: RunInfo, sign: int) -> None:
        for info in run.tags.values():
            key = info.tag, info.kind
            total = self._totals.get(key)
            if total is None:
                total = self._totals[key] = _Total()
                self._ordered = None
            total.runs += sign
            total.points += sign * info.points
            total.description = total.description or info.description
            if total.runs == 0:
                del self._totals[key]
                self._ordered = None


def _rows(
    keys: Sequence[tuple[str, str]], totals: Mapping[tuple[str, str], _Total], limit: int
) -> TagRows:
    shown = [(key, totals[key]) for key in keys[:limit] if key in totals]
    return TagRows(
        total=len(keys),
        tag=[tag for (tag, _), _ in shown],
        kind=[kind for (_, kind), _ in shown],
        runs=[total.runs for _, total in shown],
        points=[total.points for _, total in shown],
        description=[total.description for _, total in shown],
    )
