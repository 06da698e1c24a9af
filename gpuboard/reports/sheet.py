"""Hold every figure that a report of one trace needs, each computed once."""

from __future__ import annotations

from functools import cached_property

from gpuboard.profiler.advice.evidence import Evidence
from gpuboard.profiler.figures.collectives import CollectiveTable, collectives
from gpuboard.profiler.figures.cuda_graphs import CudaGraphs, cuda_graphs
from gpuboard.profiler.figures.kernels import KernelTable, kernels
from gpuboard.profiler.figures.memory import Memory, memory
from gpuboard.profiler.figures.operators import OperatorTable, operators
from gpuboard.profiler.figures.overview import Overview, overview
from gpuboard.profiler.figures.queue import Queues, queues
from gpuboard.profiler.figures.roofline import Roofline, Utilisation, roofline, utilisation
from gpuboard.profiler.figures.work_amount import WorkAmount, work_amount
from gpuboard.profiler.traces.trace import Kind, Trace


class Sheet:
    """The figures of one trace; each is computed when it is first asked for.

    Attributes:
        evidence: What the verdict looks at; steps, nesting and launches are shared with it.
    """

    def __init__(self, trace: Trace) -> None:
        """Take a trace; nothing is computed yet."""
        self.trace = trace
        self.evidence = Evidence(trace)

    @cached_property
    def overview(self) -> Overview:
        """Where the time went."""
        found = overview(self.trace)
        self.evidence.steps = found.steps
        self.evidence.roles = found.roles
        return found

    @cached_property
    def operators(self) -> OperatorTable:
        """Operators by name."""
        own = self.evidence
        return operators(self.trace, nesting=own.nesting, launches=own.launches)

    @cached_property
    def kernels(self) -> KernelTable:
        """Kernels, copies and fills by name."""
        kinds = (Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET)
        return kernels(self.trace, launches=self.evidence.launches, kinds=kinds)

    @cached_property
    def queues(self) -> Queues:
        """How many launches waited."""
        return queues(self.trace, self.evidence.launches)

    @cached_property
    def graphs(self) -> CudaGraphs:
        """What ran in graphs."""
        return cuda_graphs(self.trace, self.evidence.launches)

    @cached_property
    def memory(self) -> Memory:
        """Allocations over time."""
        return memory(self.trace, self.evidence.nesting)

    @cached_property
    def collectives(self) -> CollectiveTable:
        """What was communicated."""
        return collectives(self.trace, self.evidence.nesting, self.evidence.launches)

    @cached_property
    def amount(self) -> WorkAmount:
        """How much operators computed and moved."""
        return work_amount(self.trace, self.evidence.nesting, self.evidence.launches)

    @cached_property
    def roof(self) -> Roofline:
        """What operators achieved against what the device can do."""
        return roofline(self.trace, self.amount)

    @cached_property
    def mfu(self) -> Utilisation:
        """FLOPs of the model against the peak."""
        return utilisation(self.trace, self.amount, self.roof, self.evidence.steps)
