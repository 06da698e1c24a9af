"""List operators, kernels, launches and collectives of one trace."""

from __future__ import annotations

import math

import numpy as np

from gpuboard.profiler.advice.words import counted, duration, percent, size
from gpuboard.profiler.figures.collectives import Collective, CollectiveTable
from gpuboard.profiler.figures.kernel_classes import KernelClass
from gpuboard.profiler.figures.tensor_cores import TensorCores
from gpuboard.profiler.traces.trace import Kind, Trace
from gpuboard.reports.document import Block, Cell, Column, Facts, Note, Role, Section, Table
from gpuboard.reports.part_where import share_bar
from gpuboard.reports.sheet import Sheet

_CORES = {TensorCores.USED: "yes", TensorCores.NOT_USED: "no"}


def operators(sheet: Sheet, top: int) -> Section:
    """Return the operators with most time of the device, or of the host where there is none."""
    table, trace = sheet.operators, sheet.trace
    if table.absent:
        return Section("Operators", (Note(f"Not known: {table.absent}"),))
    on_device = int(table.device_self_ns.sum()) > 0
    own = table.device_self_ns if on_device else table.host_self_ns
    order = np.argsort(-own, kind="stable")[:top].tolist()
    whole = max(1, int(own.sum()) + (table.outside_ns if on_device else 0))
    has_host = not table.host_absent
    columns = [Column("operator", "name"), Column("calls")]
    columns += [Column("on the host", is_extra=True)] * has_host
    columns += [Column("on the device")] * on_device
    columns.append(Column("share of device time" if on_device else "share of host time", "bar"))
    rows = []
    for k in order:
        row: list[Cell] = [trace.text(int(table.name[k])), f"{int(table.calls[k]):,}"]
        row += [duration(int(table.host_self_ns[k]))] * has_host
        row += [duration(int(table.device_self_ns[k]))] * on_device
        row.append(share_bar(int(own[k]) / whole, Role.COMPUTE if on_device else Role.HOST))
        rows.append(tuple(row))
    blocks: list[Block] = [Table(tuple(columns), tuple(rows), len(table) - len(rows))]
    if table.outside_ns and on_device:
        blocks.append(
            Note(f"{percent(table.outside_ns / whole)} of device time was launched by no operator.")
        )
    if table.host_absent:
        blocks.append(Note(f"No times of the host: {table.host_absent}"))
    return Section("Operators", tuple(blocks))


def kernels(sheet: Sheet, top: int) -> Section:
    """Return the kernels, copies and fills that took longest in sum."""
    table, trace = sheet.kernels, sheet.trace
    if table.absent:
        return Section("Kernels", (Note(f"Not known: {table.absent}"),))
    rows = []
    for k in range(min(top, len(table))):
        sort = KernelClass(int(table.kernel_class[k]))
        is_kernel = int(table.kind[k]) == Kind.KERNEL
        cores = _CORES.get(TensorCores(int(table.tensor_cores[k])), "?") if is_kernel else ""
        rows.append((
            trace.text(int(table.name[k])).removeprefix("void "),
            sort.name.lower().replace("_", " "),
            cores,
            f"{int(table.count[k]):,}",
            duration(float(table.mean_ns[k])),
            duration(int(table.total_ns[k])),
            share_bar(float(table.share[k]), _role(sort)),
        ))  # fmt: skip
    columns = (
        Column("kernel", "name"),
        Column("class", "left", is_extra=True),
        Column("tensor cores", "left", is_extra=True),
        Column("count"),
        Column("mean", is_extra=True),
        Column("total"),
        Column("share of device time", "bar"),
    )
    blocks: list[Block] = [Table(columns, tuple(rows), len(table) - len(rows))]
    if (note := _cores(sheet)) is not None:
        blocks.append(note)
    return Section("Kernels", tuple(blocks))


def _role(sort: KernelClass) -> Role:
    if sort == KernelClass.COMMUNICATION:
        return Role.COMM
    return Role.MEMORY if sort == KernelClass.COPY else Role.COMPUTE


def _cores(sheet: Sheet) -> Note | None:
    table = sheet.kernels
    if table.no_tensor_cores:
        return Note(f"{table.no_tensor_cores} has no tensor cores.")
    if not math.isfinite(table.tensor_share):
        return None
    unknown = table.unknown_share
    rest = f"; of {percent(unknown)} nobody can tell" if unknown >= 0.001 else ""
    return Note(f"Tensor cores: {percent(table.tensor_share)} of the time of kernels{rest}.")


def launching(sheet: Sheet) -> Section:
    """Return how work got onto the device."""
    launches, queues, graphs = sheet.evidence.launches, sheet.queues, sheet.graphs
    if launches.absent:
        return Section("Launches", (Note(f"Not known: {launches.absent}"),))
    joined = launches.joined & ~sheet.trace.slices.suspect[sheet.trace.work.row]
    calls, first = np.unique(launches.call[joined], return_index=True)
    call_ns = launches.call_ns[joined][first]
    alone = launches.device_ns[joined] < launches.call_ns[joined]
    delay = np.maximum(launches.delay_ns[joined], 0)
    pairs = [
        ("launching calls", f"{len(calls):,}, median {duration(float(np.median(call_ns)))}"),
        ("shorter than their launch", f"{percent(float(alone.mean()))} of works"),
        ("from call to start", f"median {duration(float(np.median(delay)))}, "
                               f"at most {duration(float(delay.max()))}"),
    ]  # fmt: skip
    if not queues.absent and len(queues):
        busiest = int(np.argmax(queues.launches))
        mean = float(queues.mean_length[busiest])
        often = f"{mean:,.1f} on average" if math.isfinite(mean) else ""
        most = f"at most {int(queues.max_length[busiest]):,}"
        pairs.append(("queued on the main stream", ", ".join(filter(None, (often, most)))))
        if queues.full_ns.max(initial=0):
            pairs.append(("queue full for", duration(int(queues.full_ns.max()))))
    if not graphs.absent:
        number = len(graphs.launches)
        inside = f", {percent(graphs.share)} of device time" if math.isfinite(graphs.share) else ""
        pairs.append(("launches of graphs", f"{number:,}{inside}"))
    blocks: list[Block] = [Facts(tuple(pairs))]
    if launches.early:
        text = (
            f"{counted(launches.early, 'kernel')} began before the launching call did: "
            "the clocks of host and device differ."
        )
        blocks.append(Note(text, is_warning=True))
    return Section("Launches", tuple(blocks))


def collectives(sheet: Sheet, top: int) -> Section:
    """Return what was communicated, by sort and size of message."""
    table = sheet.collectives
    if table.absent:
        return Section("Collectives", (Note(f"None: {table.absent.rstrip(':')}."),))
    keys = np.stack(
        [table.collective.astype(np.int64), table.bytes, table.dtype, table.group_size], axis=1
    )
    distinct, which = np.unique(keys, axis=0, return_inverse=True)
    which = which.reshape(-1)
    total = np.zeros(len(distinct), np.int64)
    np.add.at(total, which, table.duration)
    whole = max(1, int(total.sum()))
    order = np.argsort(-total, kind="stable")[:top].tolist()
    rows = tuple(
        _collective(sheet.trace, table, distinct[k].tolist(), np.flatnonzero(which == k), whole)
        for k in order
    )
    columns = (
        Column("collective", "name"),
        Column("message"),
        Column("type", "left", is_extra=True),
        Column("ranks", is_extra=True),
        Column("count"),
        Column("total"),
        Column("bus GB/s"),
        Column("share of communication", "bar"),
    )
    note = Note("Bandwidths count waiting for other ranks as transfer: they are lower bounds.")
    return Section("Collectives", (Table(columns, rows, len(distinct) - len(rows)), note))


def _collective(
    trace: Trace, table: CollectiveTable, key: list[int], rows: np.ndarray, whole: int
) -> tuple[Cell, ...]:
    sort, number, dtype, ranks = key
    total = int(table.duration[rows].sum())
    speed = table.bus_gbs[rows]
    speed = speed[np.isfinite(speed)]
    return (
        Collective(sort).label,
        size(number) if number >= 0 else "?",
        trace.text(dtype),
        f"{ranks:,}" if ranks > 0 else "?",
        f"{len(rows):,}",
        duration(total),
        f"{float(np.median(speed)):,.3g}" if len(speed) else "?",
        share_bar(total / whole, Role.COMM),
    )
