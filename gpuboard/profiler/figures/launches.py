"""Join the work of devices with the calls that launched it and the operators that wanted it."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from gpuboard.profiler.figures.nesting import Nesting, enclosing, nest
from gpuboard.profiler.traces.trace import Bools, Float64s, Int32s, Int64s, Kind, Trace, UInt8s


class Link(enum.IntEnum):
    """How the operator of a piece of work was found."""

    NONE = 0
    NESTED = 1  # the innermost operator around the launching call
    EXTERNAL = 2  # the operator of its "External id", on whatever thread
    ANNOTATION = 3  # no operator, but an annotation around the launching call
    LAUNCHER = 4  # a name that the file gives with the work, without a slice of the host


@dataclasses.dataclass(frozen=True, slots=True)
class Launches:
    """Where each row of `Trace.work` comes from; columns of shape (k,).

    Attributes:
        call: Row of the launching call among the slices, -1 where the file has none. Many pieces of
            work share one call where it launches a graph.
        operator: Row of the innermost operator (or annotation, see `link`), -1 where unknown.
        link: How the operator was found, `Link`.
        label: Name of the operator or launcher, a string of the trace, -1 where unknown.
        call_ns: Duration of the call, -1 where there is none.
        device_ns: Duration on the device.
        delay_ns: From the end of the call to the start on the device, NaN without a call. Slightly
            negative ones are usual: the device may start before the call returns.
        early: How many began on the device before their call did. No launch does that: the clocks
            of host and device differ.
        absent: Why nothing could be joined, "" if something was.
    """

    call: Int32s
    operator: Int32s
    link: UInt8s
    label: Int32s
    call_ns: Int64s
    device_ns: Int64s
    delay_ns: Float64s
    early: int
    absent: str = ""

    @property
    def joined(self) -> Bools:
        """Tell which pieces of work have their call in the file, shape (k,)."""
        return self.call >= 0


def join(trace: Trace, nesting: Nesting | None = None) -> Launches:
    """Find call and operator of every kernel, copy and fill.

    The call is the one of the same "correlation" (positive; should several have it, the latest that
    began before the work). The operator is the innermost one around that call on its thread. Else
    it is the one of the work's "External id" if that was running at the call, else an annotation
    around the call, else the launcher that XPlane names. Nesting goes first because older traces
    number the "External id" of operators and of kernels independently; on all others both agree.
    """
    work = trace.work
    nesting = nest(trace) if nesting is None else nesting
    call = calls_of(trace)
    operator, link = _operators(trace, nesting, call)
    start, dur = trace.slices.start, trace.slices.dur
    known = call >= 0
    begun = start[work.row]
    call_ns = np.where(known, dur[call], -1)
    return Launches(
        call=call,
        operator=operator,
        link=link,
        label=np.where(operator >= 0, trace.slices.name[operator], work.launcher).astype(np.int32),
        call_ns=call_ns,
        device_ns=dur[work.row],
        delay_ns=np.where(known, (begun - start[call] - dur[call]).astype(np.float64), np.nan),
        early=int(np.count_nonzero(known & (begun < start[call]))),
        absent=_absent(trace, call),
    )


def calls_of(trace: Trace) -> Int32s:
    """Return the slice row of the call that launched each row of `trace.work`, -1 where unknown."""
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.launch_kernels import launching_calls

    calls, work, start = trace.calls, trace.work, trace.slices.start
    order = np.lexsort((start[calls.row], calls.correlation))
    columns = (calls.correlation[order], start[calls.row[order]], work.correlation, start[work.row])
    found = launching_calls(*map(frozen, columns))
    rows = np.append(calls.row[order], -1)
    return rows[found].astype(np.int32)


def _operators(trace: Trace, nesting: Nesting, call: Int32s) -> tuple[Int32s, UInt8s]:
    known = call >= 0
    around = np.append(enclosing(trace, nesting, Kind.OPERATOR), -1)
    operator = around[np.where(known, call, -1)].astype(np.int32)
    link = np.where(operator >= 0, Link.NESTED, Link.NONE).astype(np.uint8)
    open_ = np.flatnonzero(operator < 0)
    by_id = _by_external_id(trace, call, open_)
    operator[open_] = by_id
    link[open_[by_id >= 0]] = Link.EXTERNAL
    open_ = np.flatnonzero((operator < 0) & known)
    if len(open_):
        notes = enclosing(trace, nesting, Kind.ANNOTATION)[call[open_]]
        operator[open_] = notes
        link[open_[notes >= 0]] = Link.ANNOTATION
    link[(operator < 0) & (trace.work.launcher >= 0)] = Link.LAUNCHER
    return operator, link


def _by_external_id(trace: Trace, call: Int32s, open_: Int64s) -> Int32s:
    """Return the operator of each open work's "External id" that ran when it was launched, or -1.

    Without a call it must at least have begun before the work.
    """
    operators, slices = trace.operators, trace.slices
    is_operator = (slices.kind[operators.row] == Kind.OPERATOR) & (operators.external > 0)
    rows, ids = operators.row[is_operator], operators.external[is_operator]
    order = np.argsort(ids, kind="stable")
    rows, ids = np.append(rows[order], -1), ids[order]
    wanted = trace.work.external[open_]
    at = np.searchsorted(ids, wanted, "right") - 1
    found = np.where((at >= 0) & (np.append(ids, 0)[at] == wanted), rows[at], -1)
    own_call = call[open_]
    moment = slices.start[np.where(own_call >= 0, own_call, trace.work.row[open_])]
    begun = slices.start[found] <= moment
    running = begun & (moment < slices.start[found] + slices.dur[found])
    return np.where(np.where(own_call >= 0, running, begun), found, -1).astype(np.int32)


def _absent(trace: Trace, call: Int32s) -> str:
    if not len(trace.work.row):
        return "The trace holds no work of a GPU."
    if (call >= 0).any():
        return ""
    if not len(trace.calls.row):
        return "The trace holds no calls into the CUDA or HIP runtime."
    return 'No "correlation" of a call in the trace is that of a kernel, copy or fill.'
