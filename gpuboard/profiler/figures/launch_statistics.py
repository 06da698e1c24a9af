"""Measure what launching costs: short kernels, slow calls and late starts by kernel name."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.figures.grouping import group, sums
from gpuboard.profiler.figures.launches import Launches
from gpuboard.profiler.traces.trace import Bools, Float64s, Int32s, Int64s, Trace

SLOW_CALL_NS = 50_000
LATE_NS = 100_000


@dataclasses.dataclass(frozen=True, slots=True)
class LaunchStatistics:
    """Launches by name of what was launched, most launches first; columns of shape (g,).

    Attributes:
        name: Of the kernel, copy or fill, a string of the trace.
        count: Launches.
        device_ns: Sum of durations on the device.
        call_ns: Sum of durations of the calls.
        call_max_ns: The longest of them.
        delay_ns: Sum of delays; one that began on the device before the call returned counts as 0.
        delay_max_ns: The longest.
        short: How many ran shorter on the device than their call on the host.
        slow_calls: How many calls took longer than `slow_call_ns`.
        late: How many started later after the end of the call than `late_ns`.
        early: How many started before their call: the clocks of host and device differ.
        in_graphs: Pieces of work that share their call, as those of a graph do. Such a call is no
            measure of any one of them, so they are left out of the columns.
        unjoined: Pieces of work without a call in the trace.
        absent: Why there are no figures, "" if there are.
    """

    name: Int32s
    count: Int64s
    device_ns: Int64s
    call_ns: Int64s
    call_max_ns: Int64s
    delay_ns: Int64s
    delay_max_ns: Int64s
    short: Int64s
    slow_calls: Int64s
    late: Int64s
    early: Int64s
    in_graphs: int
    unjoined: int
    slow_call_ns: int = SLOW_CALL_NS
    late_ns: int = LATE_NS
    absent: str = ""


def launch_statistics(
    trace: Trace, launches: Launches, *, slow_call_ns: int = SLOW_CALL_NS, late_ns: int = LATE_NS
) -> LaunchStatistics:
    """Count launches that cost more than what they launch, by name.

    The kinds and thresholds are those of Holistic Trace Analysis: short if device time < call time,
    a slow call over 50 us, a late start over 100 us after the call's end. Needs "correlation" on
    calls and work.
    """
    slices, rows = trace.slices, trace.work.row
    joined = launches.joined & ~slices.suspect[rows]
    alone = joined & ~shares_call(launches)
    at = np.flatnonzero(alone)
    row = rows[at]
    groups = group(slices.name[row])
    call_ns, device_ns = launches.call_ns[at], launches.device_ns[at]
    delay_ns = launches.delay_ns[at].astype(np.int64)
    calls = sums(groups.number, len(groups), call_ns)
    delays = sums(groups.number, len(groups), np.maximum(delay_ns, 0))
    early = slices.start[row] < slices.start[launches.call[at]]

    def count(which: Bools) -> Int64s:
        return np.bincount(groups.number[which], minlength=len(groups))

    table: dict[str, npt.NDArray[Any]] = {
        "name": slices.name[row][groups.first],
        "count": calls.count,
        "device_ns": sums(groups.number, len(groups), device_ns).total,
        "call_ns": calls.total,
        "call_max_ns": calls.greatest,
        "delay_ns": delays.total,
        "delay_max_ns": delays.greatest,
        "short": count(device_ns < call_ns),
        "slow_calls": count(call_ns > slow_call_ns),
        "late": count(delay_ns > late_ns),
        "early": count(early),
    }
    order = np.lexsort((-table["call_ns"], -table["count"]))
    return LaunchStatistics(
        **{name: column[order] for name, column in table.items()},
        in_graphs=int(np.count_nonzero(joined & ~alone)),
        unjoined=int(np.count_nonzero(~launches.joined)),
        slow_call_ns=slow_call_ns,
        late_ns=late_ns,
        absent=launches.absent,
    )


def shares_call(launches: Launches) -> Bools:
    """Tell which work was launched by a call that launched more, shape (k,)."""
    rows = np.where(launches.joined, launches.call, 0)
    shared: Bools = np.bincount(rows, launches.joined)[rows] > 1
    return shared & launches.joined


def delay_histogram(launches: Launches) -> tuple[Float64s, Int64s]:
    """Return edges (ns, powers of two from 1 us to 1 s and beyond) and launches between them.

    The first bucket holds all that started before or within 1 us of the end of their call.
    """
    delays = launches.delay_ns[launches.joined]
    edges = np.concatenate([[-np.inf], 1_000.0 * 2.0 ** np.arange(21), [np.inf]])
    return edges, np.bincount(np.searchsorted(edges, delays, "right") - 1, minlength=len(edges) - 1)
