"""Gather what the rules look at: the figures of one trace within the time that counts."""

from __future__ import annotations

import dataclasses
import re
from functools import cached_property

import numpy as np

from gpuboard.profiler.figures.breakdown import Breakdown, role_breakdown
from gpuboard.profiler.figures.critical_path import CriticalPath, critical_path
from gpuboard.profiler.figures.device_time import DeviceTime, device_time
from gpuboard.profiler.figures.idle import Cause, IdleTime, idle_time, longest
from gpuboard.profiler.figures.intervals import Intervals, union, union_of
from gpuboard.profiler.figures.kernel_classes import KernelClass, classes_of
from gpuboard.profiler.figures.launches import Launches, join
from gpuboard.profiler.figures.memory_peak import DriverCalls, driver_calls
from gpuboard.profiler.figures.nesting import Nesting, nest
from gpuboard.profiler.figures.steps import Steps, find_steps
from gpuboard.profiler.figures.tensor_cores import TensorCores, tensor_cores_of
from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace, UInt8s

_WAITS = re.compile(r"Synchronize|^(cuda|hip)Memcpy(2D)?$")


class Evidence:
    """The figures of one trace; each is computed when a rule first asks for it.

    Attributes:
        trace: What is judged.
        rank: Of its process, -1 where the file does not say.
    """

    def __init__(
        self,
        trace: Trace,
        *,
        steps: Steps | None = None,
        nesting: Nesting | None = None,
        launches: Launches | None = None,
    ) -> None:
        """Take a trace, and those of its figures that are known already."""
        self.trace = trace
        self.rank = -1 if trace.origin.rank is None else trace.origin.rank
        known = {"steps": steps, "nesting": nesting, "launches": launches}
        # Where `cached_property` looks first.
        vars(self).update({name: value for name, value in known.items() if value is not None})

    @cached_property
    def steps(self) -> Steps:
        """The steps, marked or inferred."""
        return find_steps(self.trace)

    @cached_property
    def window(self) -> tuple[int, int] | None:
        """From and to: two or more steps, else all work of devices, else all that the host did.

        A single step tells nothing of how steps follow each other: what passed before its first
        kernel would count as idle, although a second step might have hidden it. One that the
        profiler laid over device time does not have that flaw.
        """
        if len(self.steps.name) > 1 or (len(self.steps.name) and self.steps.device is not None):
            return int(self.steps.span_start[0]), int(self.steps.span_end[-1])
        if (whole := device_time(self.trace, repaired=True).window) is not None:
            return whole
        rows = self.trace.rows(Kind.OPERATOR, Kind.CALL, Kind.ANNOTATION, Kind.PYTHON)
        if not len(rows):
            return None
        start = self.trace.slices.start[rows]
        return int(start.min()), int((start + self.trace.slices.dur[rows]).max())

    @property
    def window_ns(self) -> int:
        """Length of the window, at least 1."""
        return max(1, self.window[1] - self.window[0]) if self.window else 1

    @cached_property
    def device(self) -> DeviceTime:
        """What devices did within the window, without impossible durations."""
        return device_time(self.trace, self.window, repaired=True)

    @cached_property
    def idle(self) -> IdleTime:
        """Why devices did nothing within the window."""
        return idle_time(self.trace, self.window)

    @cached_property
    def roles(self) -> Breakdown:
        """Who was at work in each step."""
        return role_breakdown(self.trace, self.steps)

    @cached_property
    def nesting(self) -> Nesting:
        """Which slice lies in which."""
        return nest(self.trace)

    @cached_property
    def launches(self) -> Launches:
        """Where the work of devices comes from."""
        return join(self.trace, self.nesting)

    @cached_property
    def path(self) -> CriticalPath:
        """What the window waited for."""
        start, end = self.window or (0, 0)
        return critical_path(self.trace, start, end, launches=self.launches)

    @cached_property
    def driver(self) -> DriverCalls:
        """Calls that get memory from the driver and give it back."""
        return driver_calls(self.trace, self.steps, self.nesting)

    @cached_property
    def kernels(self) -> Kernels:
        """Kernels that began within the window."""
        start, end = self.window or (0, 0)
        rows = self.trace.rows(Kind.KERNEL)
        begins = self.trace.slices.start[rows]
        inside = (begins >= start) & (begins < end) & ~self.trace.slices.suspect[rows]
        return kernels_of(self.trace, rows[inside])

    @cached_property
    def waiting_calls(self) -> Int32s:
        """Rows of the calls within the window by which the host waits for a device."""
        trace = self.trace
        start, end = self.window or (0, 0)
        rows = trace.calls.row
        begins = trace.slices.start[rows]
        rows = rows[(begins >= start) & (begins < end)]
        names = np.unique(trace.slices.name[rows])
        waits = [name for name in names.tolist() if _WAITS.search(trace.strings[name])]
        return rows[np.isin(trace.slices.name[rows], waits)]

    @cached_property
    def dry_spells(self) -> tuple[Intervals, Intervals]:
        """Spans in which nothing was queued: those that began while the host waited, and others.

        Had the host not waited for the device, it could have queued more before the device was
        done; so the whole pause is the waiting's fault.
        """
        causes = (Cause.HOST, Cause.LAUNCH, Cause.SYNC)
        spans = union_of([self.idle.by_cause[cause] for cause in causes])
        start = self.trace.slices.start[self.waiting_calls]
        waits = union(start, start + self.trace.slices.dur[self.waiting_calls])
        drained = waits.contains(spans.start)
        return (
            Intervals(spans.start[drained], spans.end[drained]),
            Intervals(spans.start[~drained], spans.end[~drained]),
        )

    def longest_pause(self, *causes: Cause) -> tuple[int, int] | None:
        """Return the longest pause of these causes."""
        start, end, cause = longest(self.idle, 2_000)
        wanted = np.flatnonzero(np.isin(cause, causes))
        if not len(wanted):
            return None
        return int(start[wanted[0]]), int(end[wanted[0]])


@dataclasses.dataclass(frozen=True, slots=True)
class Kernels:
    """Some kernels of a trace; columns of shape (k,).

    Attributes:
        row: Among the slices.
        ns: How long each ran.
        sort: `KernelClass`.
        cores: `TensorCores`.
    """

    row: Int32s
    name: Int32s
    ns: Int64s
    sort: UInt8s
    cores: UInt8s

    def total(self, chosen: Bools) -> int:
        """Return how long the chosen ones ran together."""
        return int(self.ns[chosen].sum())

    def is_any(self, *sorts: KernelClass) -> Bools:
        """Tell which kernels are of one of these classes."""
        return np.isin(self.sort, sorts)

    def computes(self, answer: TensorCores) -> Bools:
        """Tell for which kernels the question for tensor cores has this answer."""
        found: Bools = self.cores == answer
        return found

    def top(self, chosen: Bools, count: int = 3) -> tuple[Int32s, Int64s]:
        """Return the names that took longest among the chosen kernels, and how long."""
        names, at = np.unique(self.name[chosen], return_inverse=True)
        total = np.bincount(at, weights=self.ns[chosen], minlength=len(names)).astype(np.int64)
        order = np.argsort(-total, kind="stable")[:count]
        return names[order], total[order]


def kernels_of(trace: Trace, rows: Int32s) -> Kernels:
    """Return what is known of these kernels."""
    names = trace.slices.name[rows]
    unique, at = np.unique(names, return_inverse=True)
    unique = unique.astype(np.int32)
    return Kernels(
        row=rows,
        name=names,
        ns=trace.slices.dur[rows],
        sort=classes_of(trace, unique)[at],
        cores=tensor_cores_of(trace, unique)[at],
    )
