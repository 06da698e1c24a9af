"""Measure what the rules ask for: a share of the time, a sentence with its numbers, proofs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from gpuboard.profiler.advice.evidence import Evidence
from gpuboard.profiler.advice.finding import Proof
from gpuboard.profiler.advice.words import counted, duration, percent, shortened
from gpuboard.profiler.figures.critical_path import CLASSES, unsynchronised, what_if, without
from gpuboard.profiler.figures.idle import Cause
from gpuboard.profiler.figures.intervals import Intervals
from gpuboard.profiler.figures.kernel_classes import KernelClass
from gpuboard.profiler.figures.tensor_cores import TensorCores, without_tensor_cores
from gpuboard.profiler.traces.trace import Kind

# A matrix product in bfloat16 on tensor cores against float32 without: 8 times on V100 by the data
# sheets; half of that is what layers around it usually leave.
_TENSOR_CORE_GAIN = 4.0
_FUSION_GAIN = 2.0
_PRECISION_GAIN = 2.0

_MATH = (KernelClass.GEMM, KernelClass.CONVOLUTION, KernelClass.ATTENTION)
_MOVING = (
    KernelClass.ELEMENTWISE,
    KernelClass.NORMALISATION,
    KernelClass.REDUCTION,
    KernelClass.OPTIMIZER,
    KernelClass.COPY,
    KernelClass.SORT_INDEX,
    KernelClass.RANDOM,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """What a rule found: see `Finding`; the gain is looked for only where the share matters."""

    share: float
    statement: str
    gain: Callable[[], float]
    evidence: tuple[Proof, ...]


def input_bound(evidence: Evidence) -> Measure | None:
    """Measure the time in which the host fetched a batch and no device or call was at work."""
    if not evidence.roles.absent:
        part = evidence.roles.parts.index("data_loader")
        lost, total = int(evidence.roles.ns[:, part].sum()), int(evidence.roles.ns.sum())
        steps = len(evidence.roles.steps)
        of = f"{duration(lost / steps)} of each step's {duration(total / steps)}"
    else:
        lost, total = evidence.idle.by_cause[Cause.DATA_LOADER].total_ns, evidence.window_ns
        of = f"{duration(lost)} of {duration(total)}"
    if not total or not lost:
        return None
    share = lost / total
    return Measure(
        share=share,
        statement=f"The GPU waits for input {percent(share)} of the time: {of} pass in the data "
        "loader while the device does nothing.",
        gain=lambda: _at_most(share, _saved(evidence, "data loading")),
        evidence=(
            Proof("time in the data loader with an idle device", lost, "ns"),
            _pause(evidence, "longest wait for a batch", Cause.DATA_LOADER),
        ),
    )


def launch_bound(evidence: Evidence) -> Measure | None:
    """Measure the time in which a device had nothing queued since the host was not there yet."""
    if evidence.idle.absent:
        return None
    drained, late = evidence.dry_spells
    share = late.total_ns / evidence.window_ns
    if not share:
        return None
    kernels = evidence.kernels
    typical = float(np.median(kernels.ns)) if len(kernels.ns) else 0.0
    return Measure(
        share=share,
        statement=f"The host can't keep the GPU busy: it does nothing {percent(share)} of the time "
        f"since the next of {counted(len(kernels.ns), 'kernel')} (half of them shorter than "
        f"{duration(typical)}) has not been launched yet.",
        gain=lambda: _at_most(share, _saved(evidence, "host", "launch")),
        evidence=(
            Proof("idle, nothing queued", late.total_ns, "ns"),
            Proof("idle since the host had waited for the device", drained.total_ns, "ns"),
            Proof("median duration of a kernel", typical, "ns", "kernels"),
            _longest(late, "longest such pause"),
        ),
    )


def synchronising(evidence: Evidence) -> Measure | None:
    """Measure the time in which a device did nothing after the host had waited for it."""
    if evidence.idle.absent:
        return None
    drained, _ = evidence.dry_spells
    share, calls = drained.total_ns / evidence.window_ns, evidence.waiting_calls
    if not share:
        return None
    slices = evidence.trace.slices
    total = int(slices.dur[calls].sum())
    who = _callers(evidence, calls)
    asked = f", most of them by {', '.join(who)}" if who else ""
    return Measure(
        share=share,
        statement=f"The host waits for the GPU {counted(len(calls), 'time')} ({duration(total)} in "
        f"all){asked}; afterwards the GPU has nothing to do for {percent(share)} of the time.",
        gain=lambda: share if evidence.path.absent else min(share, unsynchronised(evidence.path)),
        evidence=(
            Proof("idle since the host had waited for the device", drained.total_ns, "ns"),
            Proof("waiting calls", len(calls), "calls", "operators", who),
            _longest(drained, "longest such pause"),
        ),
    )


def exposed_communication(evidence: Evidence) -> Measure | None:
    """Measure the time in which only communication ran on a device."""
    device = evidence.device
    if device.absent or not device.comm.n:
        return None
    share = device.exposed_comm_ns / evidence.window_ns
    hidden = device.compute_comm_overlap_ns / max(1, device.comm.union_ns)
    chosen = evidence.kernels.is_any(KernelClass.COMMUNICATION)
    names, times = evidence.kernels.top(chosen, 1)
    first = evidence.trace.strings[names[0]] if len(names) else ""
    return Measure(
        share=share,
        statement=f"Communication holds up the GPU {percent(share)} of the time: "
        f"{duration(device.comm.union_ns)} of it, of which computing hides {percent(hidden)}.",
        gain=lambda: _at_most(share, _saved(evidence, "communication")),
        evidence=(
            Proof("communication that nothing hides", device.exposed_comm_ns, "ns", "distributed"),
            Proof("share of communication hidden by computing", hidden, "share", "distributed"),
            Proof(f"most time: {shortened(first)}", float(times[0]) if len(times) else 0.0, "ns",
                  "kernels", (first,) if first else ()),
        ),
    )  # fmt: skip


def exposed_copies(evidence: Evidence) -> Measure | None:
    """Measure the time in which only copies and fills ran on a device."""
    device = evidence.device
    if device.absent or not device.exposed_mem_ns:
        return None
    share = device.exposed_mem_ns / evidence.window_ns
    number = device.memcpy.n + device.memset.n
    return Measure(
        share=share,
        statement=f"Copies keep the GPU from computing {percent(share)} of the time: "
        f"{counted(number, 'copy' if number == 1 else 'copie')} and fills take "
        f"{duration(device.exposed_mem_ns)} that nothing hides.",
        gain=lambda: _at_most(share, _saved(evidence, "copy")),
        evidence=(Proof("copies and fills that nothing hides", device.exposed_mem_ns, "ns"),),
    )


def allocator(evidence: Evidence) -> Measure | None:
    """Measure the time that getting memory from the driver took during steps."""
    driver = evidence.driver
    if driver.absent or not len(driver.name):
        return None
    in_steps = evidence.steps.source != "none"
    calls = int((driver.step_calls if in_steps else driver.calls).sum())
    lost = int((driver.step_time_ns if in_steps else driver.time_ns).sum())
    if not calls:
        return None
    share = lost / evidence.window_ns
    names = tuple(evidence.trace.strings[name] for name in driver.name[:3])
    again = f" The allocator had to try again {counted(driver.retries, 'time')}." * bool(
        driver.retries
    )
    return Measure(
        share=share,
        statement=f"Memory is got from the driver and given back while steps run: "
        f"{counted(calls, 'call')}, {duration(lost)} on the host ({percent(share)}).{again}",
        gain=lambda: share,
        evidence=(
            Proof("calls of the driver for memory", calls, "calls", "memory", names),
            Proof("time in them", lost, "ns", "memory", names),
        ),
    )


def no_tensor_cores(evidence: Evidence) -> Measure | None:
    """Measure the time of matrix products and convolutions that run beside the tensor cores."""
    trace, kernels = evidence.trace, evidence.kernels
    if not len(kernels.ns) or any(without_tensor_cores(device) for device in trace.devices):
        return None
    chosen = kernels.is_any(*_MATH) & kernels.computes(TensorCores.NOT_USED)
    share = _share_of_work(evidence, kernels.total(chosen))
    if not share:
        return None
    used = kernels.total(kernels.is_any(*_MATH) & kernels.computes(TensorCores.USED))
    names, _ = kernels.top(chosen)
    worst = tuple(trace.strings[name] for name in names)
    rest = f"{percent(used / (used + kernels.total(chosen)))} of the time of such kernels"
    return Measure(
        share=share,
        statement=f"Tensor cores are not used for {duration(kernels.total(chosen))} of matrix "
        f"products and convolutions, {percent(share)} of the time; they are for {rest}.",
        gain=lambda: _faster(evidence, kernels.row[chosen], _TENSOR_CORE_GAIN, share),
        evidence=(
            Proof("products beside the tensor cores", kernels.total(chosen), "ns", "kernels",
                  worst),
            Proof("products on them", used, "ns", "kernels"),
        ),
    )  # fmt: skip


def memory_bandwidth_bound(evidence: Evidence) -> Measure | None:
    """Measure the time of kernels that do little but move data."""
    trace, kernels = evidence.trace, evidence.kernels
    chosen = kernels.is_any(*_MOVING)
    share = _share_of_work(evidence, kernels.total(chosen))
    if not share:
        return None
    names, _ = kernels.top(chosen)
    return Measure(
        share=share,
        statement=f"{percent(share)} of the time goes into kernels that mostly move data "
        "(elementwise, normalisation, reduction, copies, optimizer): they wait for the device's "
        "memory, not for arithmetic.",
        gain=lambda: _faster(evidence, kernels.row[chosen], _FUSION_GAIN, share),
        evidence=(
            Proof("kernels that mostly move data", kernels.total(chosen), "ns", "kernels",
                  tuple(trace.strings[name] for name in names)),
        ),
    )  # fmt: skip


def compute_bound(evidence: Evidence) -> Measure | None:
    """Measure the time of matrix products, convolutions and attention."""
    trace, kernels = evidence.trace, evidence.kernels
    if not len(kernels.ns):
        return None
    chosen = ~kernels.is_any(*_MOVING, KernelClass.COMMUNICATION)
    share = _share_of_work(evidence, kernels.total(chosen))
    if not share:
        return None
    busy = evidence.device.busy_ns / evidence.window_ns
    names, _ = kernels.top(chosen)
    first = trace.strings[names[0]]
    return Measure(
        share=share,
        statement=f"The GPU is busy {percent(busy)} of the time and computes in "
        f"{percent(share)} of it; most time goes to {shortened(first)}.",
        gain=lambda: _faster(evidence, kernels.row[chosen], _PRECISION_GAIN, share),
        evidence=(
            Proof("busy", busy, "share"),
            Proof("kernels that compute", kernels.total(chosen), "ns", "kernels",
                  tuple(trace.strings[name] for name in names)),
        ),
    )  # fmt: skip


def no_device_work(evidence: Evidence) -> Measure | None:
    """Say that a trace holds nothing that a device did."""
    if len(evidence.trace.work.row) or evidence.window is None:
        return None
    if len(evidence.trace.rows(Kind.ACCELERATOR)):
        return None
    return Measure(
        share=1.0,
        statement="The trace holds no work of a GPU: all of its "
        f"{duration(evidence.window_ns)} is time of the host.",
        gain=lambda: 0.0,
        evidence=(Proof("time of the host", evidence.window_ns, "ns", "timeline"),),
    )


def _at_most(share: float, saved: float | None) -> float:
    """Return what mending saves: no more than it costs, and no more than the path gets shorter."""
    return share if saved is None else min(share, saved)


def _saved(evidence: Evidence, *names: str) -> float | None:
    """Return what the critical path loses without some of its classes, None where there is none."""
    return None if evidence.path.absent else without(evidence.path, *names)


def _faster(evidence: Evidence, rows: np.ndarray, factor: float, share: float) -> float:
    """Return the share of the time saved if the work in `rows` ran `factor` times as fast."""
    path = evidence.path
    at_best = share * (1 - 1 / factor)
    if path.absent:
        return at_best
    wanted = np.zeros(len(evidence.trace.slices), np.bool_)
    wanted[rows] = True
    computing = path.edge_class == CLASSES.index("compute")
    chosen = computing & wanted[path.graph.owner]
    return min(at_best, what_if(path, np.where(chosen, 1 / factor, 1.0)))


def _share_of_work(evidence: Evidence, ns: int) -> float:
    """Return the share of the window that kernels of so much time take of the busy time."""
    whole = int(evidence.kernels.ns.sum())
    if not whole or evidence.device.absent:
        return 0.0
    return ns / whole * evidence.device.busy_ns / evidence.window_ns


def _pause(evidence: Evidence, label: str, *causes: Cause) -> Proof:
    found = evidence.longest_pause(*causes)
    length = found[1] - found[0] if found else 0
    return Proof(label, length, "ns", "timeline", window=found)


def _longest(spans: Intervals, label: str) -> Proof:
    if not len(spans):
        return Proof(label, 0, "ns", "timeline")
    at = int(np.argmax(spans.end - spans.start))
    window = int(spans.start[at]), int(spans.end[at])
    return Proof(label, window[1] - window[0], "ns", "timeline", window=window)


def _callers(evidence: Evidence, calls: np.ndarray) -> tuple[str, ...]:
    """Return the operators under which most of these calls were made."""
    slices = evidence.trace.slices
    parents = evidence.nesting.parent[calls]
    names, count = np.unique(slices.name[parents[parents >= 0]], return_counts=True)
    order = np.argsort(-count, kind="stable")[:2]
    return tuple(shortened(evidence.trace.strings[name]) for name in names[order])
