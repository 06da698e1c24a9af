"""Answer what the PR curves page asks for: curves at chosen steps, and their summaries at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gpuboard.errors import DataError, InputError
from gpuboard.serve import column_reply, fields, wire
from gpuboard.serve.routes import DataRoute, encode_json
from gpuboard.serve.values import decoded, place_of, run_argument, tag_argument

if TYPE_CHECKING:
    from gpuboard.store.store import Store
    from gpuboard.store.values import Values
    from gpuboard.summaries.pr_curve import Float64s, PrCurve

MAX_CURVES = 1_000


class CurvesRoute(DataRoute):
    """`POST api/v1/pr_curves`: the curves of one tag, one for each run that is named."""

    async def post(self) -> None:
        """Answer with binary columns, curve after curve."""
        body = self.json_body()
        tag, wanted = fields.text(body, "tag", None), _wanted(body.get("values"))
        self.reply_bytes(await self.run(_curves, self.context.store, tag, wanted))


class HistoryRoute(DataRoute):
    """`GET api/v1/pr_curves/history?run=&tag=`: summaries of a tag's curves at every step."""

    async def get(self) -> None:
        """Answer with columns."""
        run, tag = run_argument(self), tag_argument(self)
        answer = await self.run(_history, self.context.store, run, tag)
        self.reply_bytes(answer, "application/json; charset=UTF-8")


def _wanted(found: object) -> list[tuple[int, str]]:
    if not isinstance(found, list) or len(found) > MAX_CURVES:
        raise InputError(f"values: expected a list of at most {MAX_CURVES} pairs of run and ref")
    pairs = []
    for pair in found:
        match pair:
            case [int(run), str(ref)] if not isinstance(run, bool):
                pairs.append((run, ref))
            case _:
                raise InputError('values: expected pairs of run and ref, such as [0, "0-88"]')
    return pairs


def _curves(store: Store, tag: str, wanted: list[tuple[int, str]]) -> bytes:
    from gpuboard.analysis.pr_curves import false_positive_rate, summary

    rows, parts = [], []
    for run, ref in wanted:
        values = store.values(run, tag)
        try:
            curve = _decoded(store, values, place_of(values, ref))
        except DataError as error:
            rows.append({"run": run, "n": 0, "error": str(error)})
            continue
        found = summary(curve)
        rows.append(
            {
                "run": run,
                "n": len(curve),
                "average_precision": found.average_precision,
                "roc_area": found.roc_area,
                "best_f1": found.best_f1,
                "best_threshold": found.best_threshold,
            }
        )
        parts.append((curve, false_positive_rate(curve)))
    return column_reply.encode({"curves": rows}, _joined(parts))


def _joined(parts: list[tuple[PrCurve, Float64s]]) -> dict[str, Float64s]:
    """Return the columns of curves and their false positive rates, one after another."""
    import numpy as np

    def joined(columns: Iterable[Float64s]) -> Float64s:
        return np.concatenate([np.empty(0), *columns])

    return {
        "threshold": joined(curve.threshold for curve, _ in parts),
        "precision": joined(curve.precision for curve, _ in parts),
        "recall": joined(curve.recall for curve, _ in parts),
        "tp": joined(curve.tp for curve, _ in parts),
        "fp": joined(curve.fp for curve, _ in parts),
        "tn": joined(curve.tn for curve, _ in parts),
        "fn": joined(curve.fn for curve, _ in parts),
        "fpr": joined(rate for _, rate in parts),
    }


def _history(store: Store, run: int, tag: str) -> bytes:
    from gpuboard.analysis.steps import standing
    from gpuboard.serve.api import memory_of

    values = store.values(run, tag)
    places = standing(values)
    last = int(values.offset[places[-1]]) if len(places) else -1
    key = ("pr_curves", run, tag, len(places), last)
    return memory_of(store).replies.get(key, lambda: _summaries(store, values, places.tolist()))


def _summaries(store: Store, values: Values, places: list[int]) -> bytes:
    from gpuboard.analysis.pr_curves import summary

    columns: dict[str, list[Any]] = {
        name: [] for name in ("step", "wall_time", "average_precision", "roc_area", "best_f1")
    }
    for place in places:
        try:
            found = summary(_decoded(store, values, place))
        except DataError:
            continue  # a health row says so
        columns["step"].append(int(values.step[place]))
        columns["wall_time"].append(float(values.wall_time[place]))
        columns["average_precision"].append(found.average_precision)
        columns["roc_area"].append(found.roc_area)
        columns["best_f1"].append(found.best_f1)
    columns["step"] = wire.exact(columns["step"])
    return encode_json({"run": values.run, "tag": values.tag, **columns})


def _decoded(store: Store, values: Values, place: int) -> PrCurve:
    from gpuboard.summaries.pr_curve import decode

    return decoded(store, values, place, lambda value: decode(value, values.content))


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/pr_curves", CurvesRoute),
    (r"api/v1/pr_curves/history", HistoryRoute),
)
