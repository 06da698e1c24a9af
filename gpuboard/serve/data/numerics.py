"""Answer what the Numerics page asks for: trouble found in scalars and histograms.

Checking reads every point, so an answer covers what a second allows and says where to go on. What
was found stays known until the run changes.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gpuboard.errors import DataError, InputError
from gpuboard.serve import fields, wire
from gpuboard.serve.routes import DataRoute

if TYPE_CHECKING:
    from gpuboard.analysis.checks import Finding
    from gpuboard.store.columns import RunInfo, TagInfo
    from gpuboard.store.store import Store

log = logging.getLogger(__name__)

BUDGET_S = 0.5
CHECKED = ("scalar", "histogram")


@dataclasses.dataclass(frozen=True, slots=True)
class _Known:
    points: int
    last_step: int
    findings: tuple[Finding, ...]


class Checked:
    """What is known of each tag of each run; any number of threads may share it."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], _Known] = {}
        self._lock = threading.Lock()

    def of(
        self, run: int, info: TagInfo, check: Callable[[], list[Finding]]
    ) -> tuple[Finding, ...]:
        """Return what is known of a tag; `check` finds it out where it has grown since."""
        known = self._known.get((run, info.tag))
        if known and (known.points, known.last_step) == (info.points, info.last_step):
            return known.findings
        findings = tuple(check())
        with self._lock:
            self._known[run, info.tag] = _Known(info.points, info.last_step, findings)
        return findings


_checked: weakref.WeakKeyDictionary[Any, Checked] = weakref.WeakKeyDictionary()


class NumericsRoute(DataRoute):
    """`POST api/v1/numerics`: what the rules find in the tags of some runs, part after part."""

    async def post(self) -> None:
        """Answer with the findings of as many tags as fit into half a second."""
        body = self.json_body()
        ids, start = fields.run_ids(body.get("runs")), fields.integer(body, "start", 0)
        if start < 0:
            raise InputError(f"start: got {start}, expected a number from 0 on")
        self.reply_json(await self.run(_part, self.context.store, ids, start))


class RulesRoute(DataRoute):
    """`GET api/v1/numerics/rules`: the rules with their definitions."""

    async def get(self) -> None:
        """Answer with one object for each rule."""
        self.reply_json({"rules": await self.run(_rules)})


def _rules() -> list[dict[str, Any]]:
    from gpuboard.analysis.checks import SCALAR_RULES
    from gpuboard.analysis.histogram_checks import HISTOGRAM_RULES

    rules = dict.fromkeys((*SCALAR_RULES, *HISTOGRAM_RULES))
    return [dataclasses.asdict(rule) for rule in rules]


def _part(store: Store, ids: Sequence[int], start: int) -> dict[str, Any]:
    catalogue = store.catalogue()
    wanted = set(ids)
    runs = [run for run in catalogue.runs if run.id in wanted]
    work = [(run, info) for run in runs for info in run.tags.values() if info.kind in CHECKED]
    checked = _checked.setdefault(store, Checked())
    end = time.monotonic() + BUDGET_S
    rows: list[tuple[RunInfo, TagInfo, Finding]] = []
    done = start
    while done < len(work) and (done == start or time.monotonic() < end):
        run, info = work[done]
        found = checked.of(run.id, info, functools.partial(_check, store, run, info))
        rows += [(run, info, finding) for finding in found]
        done += 1
    return {
        "version": catalogue.version,
        "done": min(done, len(work)),
        "total": len(work),
        "findings": {
            "rule": [finding.rule for _, _, finding in rows],
            "run": [run.id for run, _, _ in rows],
            "tag": [info.tag for _, info, _ in rows],
            "kind": [info.kind for _, info, _ in rows],
            "step": wire.exact([finding.step for _, _, finding in rows]),
            "count": [finding.count for _, _, finding in rows],
            "message": [finding.message for _, _, finding in rows],
        },
    }


def _check(store: Store, run: RunInfo, info: TagInfo) -> list[Finding]:
    if info.kind == "scalar":
        return _check_scalars(store, run, info)
    return _check_histograms(store, run, info)


def _check_scalars(store: Store, run: RunInfo, info: TagInfo) -> list[Finding]:
    from gpuboard.analysis.checks import check_scalars
    from gpuboard.analysis.restarts import current_series

    series = current_series(store.series(run.id, info.tag))
    return check_scalars(info.tag, series.step, series.value)


def _check_histograms(store: Store, run: RunInfo, info: TagInfo) -> list[Finding]:
    from gpuboard.analysis.histogram_checks import check_histograms, course_of
    from gpuboard.analysis.steps import standing
    from gpuboard.serve.values import decoded
    from gpuboard.summaries.histogram import Histogram, decode

    values = store.values(run.id, info.tag)

    def decode_one(place: int) -> Histogram | None:
        try:
            return decoded(store, values, place, lambda value: decode(value, values.content))
        except DataError:
            return None

    try:
        course = course_of(values, standing(values), decode_one)
    except (DataError, OSError) as error:
        log.info("run %s, %s: %s", run.name, info.tag, error)
        return []
    return check_histograms(info.tag, course)


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/numerics", NumericsRoute),
    (r"api/v1/numerics/rules", RulesRoute),
)
