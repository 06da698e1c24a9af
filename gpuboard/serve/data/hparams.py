"""Answer what the HParams page asks for: trials as columns, files of them, what matters most."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpuboard import limits
from gpuboard.errors import InputError, LimitError
from gpuboard.serve import fields, trials
from gpuboard.serve.routes import DataRoute

if TYPE_CHECKING:
    from gpuboard.analysis.trial_metrics import MetricRequest
    from gpuboard.serve.jobs import Job

WAIT_S = 1.0
LINGER_S = 6.0
MAX_NAMES = 10_000

_CONTENT_TYPES = {
    "csv": "text/csv; charset=UTF-8",
    "json": "application/json; charset=UTF-8",
    "latex": "application/x-latex; charset=UTF-8",
}
_ENDINGS = {"csv": "csv", "json": "json", "latex": "tex"}


class TrialsRoute(DataRoute):
    """`POST api/v1/trials`: hyperparameters and metrics of all trials, as columns."""

    async def post(self) -> None:
        """Answer 204 where nothing has changed since the page asked last."""
        body = self.json_body()
        since = fields.text(body, "since", "")
        request = trials_request(body)
        answer = await self.run(trials.table_reply, self.context.store, request, since)
        if answer is None:
            self.set_status(204)
            self.finish()
        else:
            self.reply_bytes(answer, "application/json; charset=UTF-8")


class ExportRoute(DataRoute):
    """`POST api/v1/trials/export`: a table of trials as CSV, JSON or LaTeX."""

    async def post(self) -> None:
        """Answer with just the columns and rows that were asked for, in their order."""
        from gpuboard.analysis.request import one_of

        body = self.json_body()
        form = fields.text(body, "format", "csv")
        one_of("format", form, tuple(_CONTENT_TYPES))
        keys = _names(body, "columns")
        runs = None if body.get("rows") is None else fields.run_ids(body["rows"])
        request = trials_request(body)
        text = await self.run(trials.export, self.context.store, request, form, keys, runs)
        name = f'attachment; filename="trials.{_ENDINGS[form]}"'
        self.set_header("Content-Disposition", name)
        self.reply_bytes(text.encode("utf-8", "replace"), _CONTENT_TYPES[form])


class ImportanceRoute(DataRoute):
    """`POST api/v1/trials/importance`: which hyperparameters matter for a metric."""

    async def post(self) -> None:
        """Answer with the result, or after a second with how far it has come: then ask again."""
        from gpuboard.analysis.importance import importance

        body = self.json_body()
        found = body.get("metric")
        if not isinstance(found, dict):
            raise InputError('metric: expected an object such as {"tag": "loss", "how": "last"}')
        metric = metric_request(found)
        runs = None if body.get("rows") is None else fields.run_ids(body["rows"])
        store = self.context.store
        key, features, values = await self.run(trials.features_of, store, metric, runs)
        memory = trials.memory_of(store)
        known = memory.importances.get(key)
        if known is None:
            job = self.context.jobs.submit(
                ("importance", key), importance, features, values, where="process"
            )
            if key not in memory.awaited:
                memory.awaited.add(key)
                keeping = asyncio.ensure_future(_keep(job, memory, key))
                _keepers.add(keeping)
                keeping.add_done_callback(_keepers.discard)
            # Who asks again in time finds the job alive; it ends when nobody does.
            asyncio.get_running_loop().call_later(LINGER_S, job.watch().close)
            ended = asyncio.ensure_future(job.ended.wait())
            await asyncio.wait([ended], timeout=WAIT_S)
            ended.cancel()
            if job.is_running:
                progress = job.progress
                told = {"fraction": progress.fraction, "sentence": progress.sentence}
                self.reply_json({"state": "running", **told})
                return
            known = await job.wait()
        self.reply_json(trials.importance_reply(known, features))


_keepers: set[asyncio.Task[None]] = set()  # the loop itself holds tasks weakly


async def _keep(job: Job, memory: trials.Memory, key: str) -> None:
    """Keep the result even if it comes while nobody asks; waiting here keeps no job alive."""
    await job.ended.wait()
    memory.awaited.discard(key)
    if job.status == "done":
        memory.keep(key, job.result)


def trials_request(body: Mapping[str, Any]) -> trials.TrialsRequest:
    """Return which table a request asks for.

    Raises:
        InputError: A field has the wrong type or value.
        LimitError: There are more metrics than a table takes.
    """
    from gpuboard.analysis.request import one_of
    from gpuboard.analysis.trial_groups import STATS

    found = body.get("metrics")
    if found is not None and not isinstance(found, list):
        raise InputError("metrics: expected a list of objects, or null for a likely choice")
    if found is not None and len(found) > limits.MAX_TRIAL_METRICS.value:
        raise LimitError(
            f"metrics: {len(found)} of them, at most {limits.MAX_TRIAL_METRICS.value} "
            f"fit one table ({limits.MAX_TRIAL_METRICS.name})"
        )
    stat = fields.text(body, "stat", "mean")
    one_of("stat", stat, STATS)
    return trials.TrialsRequest(
        metrics=None if found is None else tuple(map(metric_request, found)),
        hparams=_names(body, "hparams") or (),
        fold=_names(body, "fold"),
        stat=stat,
    )


def metric_request(found: object) -> MetricRequest:
    """Return one metric of a request.

    Raises:
        InputError: It is no object, or a field has the wrong type or value.
    """
    from gpuboard.analysis.trial_metrics import MetricRequest, likely_goal

    if not isinstance(found, dict):
        raise InputError('metrics: expected objects such as {"tag": "loss", "how": "last"}')
    tag = fields.text(found, "tag", None)
    return MetricRequest(
        tag=tag,
        group=fields.text(found, "group", ""),
        how=fields.text(found, "how", "last"),
        goal=fields.text(found, "goal", likely_goal(tag)),
        amount=fields.integer(found, "amount", 10 if found.get("how") == "mean" else 0),
        key=fields.text(found, "key", ""),
    )


def _names(body: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    found = body.get(name)
    if found is None:
        return None
    is_list = isinstance(found, list) and all(isinstance(one, str) for one in found)
    if not is_list or len(found) > MAX_NAMES:
        raise InputError(f"{name}: expected a list of at most {MAX_NAMES:,} names, or null")
    return tuple(found)


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/trials", TrialsRoute),
    (r"api/v1/trials/export", ExportRoute),
    (r"api/v1/trials/importance", ImportanceRoute),
)
