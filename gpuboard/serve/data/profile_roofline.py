"""Answer what the Roofline tab asks: operators against the peaks of the device, utilisation."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuboard.errors import InputError
from gpuboard.serve.data.profile_list import TraceRoute
from gpuboard.serve.profiles import LoadedTrace
from gpuboard.serve.rank_figures import amount_of
from gpuboard.serve.trace_figures import steps_of

if TYPE_CHECKING:
    from gpuboard.profiler.figures.peaks import Peak
    from gpuboard.profiler.figures.roofline import Roofline, Utilisation
    from gpuboard.profiler.figures.work_amount import WorkAmount
    from gpuboard.serve.routes import DataRoute

MAX_ROWS = 2_000
MAX_UNKNOWN = 200
MAX_STEPS = 2_000
NAME_CHARACTERS = 500
MAX_PEAK = 1e21  # operations or bytes a second: no device of these decades does more

_GIVEN = re.compile(r"(bandwidth|vector|(?:fp|bf|tf|int)[0-9]{1,2}):([0-9.eE+]{1,24})\Z")


class RooflineRoute(TraceRoute):
    """`GET api/v1/profile/roofline?trace=&peaks=bandwidth:3.35e12,bf16:9.9e14`: the roofline."""

    async def get(self) -> None:
        """Answer with operators, roofs, families, utilisation of steps and what is not known."""
        given = given_peaks(self.get_query_argument("peaks", ""))
        self.reply_json(await self.run(_roofline, await self.loaded(), given))


def given_peaks(text: str) -> dict[str, float]:
    """Read peaks that a person gave: "bandwidth:3.35e12,bf16:9.9e14", bytes and FLOPs a second.

    Raises:
        InputError: It is no such list.
    """
    given: dict[str, float] = {}
    for part in filter(None, text[:2_000].split(",")):
        match = _GIVEN.match(part.strip())
        try:
            value = float(match[2]) if match else math.nan
        except ValueError:
            value = math.nan
        if match is None or not 0 < value < MAX_PEAK:
            raise InputError(
                f'peaks: got {part[:80]!r}, expected such as "bandwidth:3.35e12,bf16:9.9e14"'
            )
        given[match[1]] = value
    return given


def _roofline(loaded: LoadedTrace, given: dict[str, float]) -> dict[str, Any]:
    from gpuboard.profiler.figures.peaks import peak_of
    from gpuboard.profiler.figures.roofline import by_family, device_of, roofline, utilisation

    amount = amount_of(loaded)
    device = device_of(loaded.trace)
    roof = roofline(loaded.trace, amount, peak_of(device, given or None))
    used = utilisation(loaded.trace, amount, roof, steps_of(loaded))
    return {
        "absent": amount.absent,
        "absent_roof": roof.absent,
        "basis": amount.basis,
        "device": device.name,
        "known_share": amount.known_share,
        "total_flops": float(amount.total_flops),
        "total_bytes": float(amount.total_bytes),
        "peak": _peak(roof.peak),
        "roofs": _roofs(roof),
        "operators": _operators(loaded, amount, roof),
        "families": [
            {
                "family": one.family,
                "calls": one.calls,
                "time_ns": one.time_ns,
                "flops": float(one.flops),
                "bytes": float(one.bytes),
                "share": one.share,
            }
            for one in by_family(amount, roof)
        ],
        "utilisation": _utilisation(used),
        "unknown": _unknown(loaded, amount),
    }


def _peak(peak: Peak) -> dict[str, Any]:
    return {
        "name": peak.name,
        "matrix": dict(peak.matrix),
        "vector": dict(peak.vector),
        "bandwidth": peak.bandwidth,
        "source": peak.source,
        "absent": peak.absent,
    }


def _roofs(roof: Roofline) -> list[dict[str, Any]]:
    """Return the peaks that operators are set against, highest first."""
    used = dict.fromkeys(zip(roof.dtype, roof.matrix.tolist(), strict=True))
    roofs: dict[tuple[str, float], bool] = {}
    for dtype, on_matrix in used:
        peak = roof.peak.of(dtype, on_matrix_units=on_matrix)
        if math.isfinite(peak):
            units = on_matrix and dtype in roof.peak.matrix
            roofs[f"{dtype}, {'matrix units' if units else 'other units'}", peak] = units
    found = [{"name": name, "peak": peak, "matrix": units} for (name, peak), units in roofs.items()]
    return sorted(found, key=lambda one: -float(one["peak"]))


def _operators(loaded: LoadedTrace, amount: WorkAmount, roof: Roofline) -> dict[str, Any]:
    order = np.argsort(-amount.time_ns, kind="stable")[:MAX_ROWS]
    trace = loaded.trace

    def texts(column: Any) -> list[str]:  # noqa: ANN401 - integer columns
        return [trace.text(number)[:NAME_CHARACTERS] for number in column[order].tolist()]

    first = np.full(len(amount.name), -1, np.int64)
    first[amount.call_key[::-1]] = amount.call_row[::-1]
    row = first[order]
    known = row >= 0
    start = np.where(known, trace.slices.start[row] - loaded.timeline.start, -1)
    return {
        "total": len(amount.name),
        "name": texts(amount.name),
        "dims": texts(amount.dims),
        "family": [amount.family[k] for k in order.tolist()],
        "dtype": [roof.dtype[k] for k in order.tolist()],
        "matrix": roof.matrix[order],
        "calls": amount.calls[order],
        "time_ns": amount.time_ns[order],
        "flops": amount.flops[order].astype(np.float64),
        "bytes": amount.bytes[order].astype(np.float64),
        "intensity": roof.intensity[order],
        "flop_rate": roof.flop_rate[order],
        "byte_rate": roof.byte_rate[order],
        "attainable": roof.attainable[order],
        "bound": roof.bound[order],
        "share": roof.share[order],
        "lost_ns": roof.lost_ns[order],
        "row": row,
        "start": start,
        "duration": np.where(known, trace.slices.dur[row], -1),
    }


def _utilisation(used: Utilisation) -> dict[str, Any]:
    kept = slice(0, MAX_STEPS)
    return {
        "step": list(used.step[kept]),
        "flops": used.flops[kept],
        "step_ns": used.step_ns[kept],
        "utilisation": used.utilisation[kept],
        "overall": used.overall,
        "absent": used.absent,
    }


def _unknown(loaded: LoadedTrace, amount: WorkAmount) -> dict[str, Any]:
    unknown = amount.unknown
    kept = slice(0, MAX_UNKNOWN)
    names = [loaded.trace.text(number) for number in unknown.name[kept].tolist()]
    all_ns = int(unknown.device_ns.sum())
    if amount.basis == "device":
        all_ns += int(amount.time_ns.sum())
    return {
        "total": len(unknown.name),
        "name": [name[:NAME_CHARACTERS] or "no operator" for name in names],
        "works": unknown.works[kept],
        "device_ns": unknown.device_ns[kept],
        "all_ns": all_ns,
    }


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = ((r"api/v1/profile/roofline", RooflineRoute),)
