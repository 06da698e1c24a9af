"""Judge how the ranks of a job wait for each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpuboard.profiler.advice.finding import Finding, Proof
from gpuboard.profiler.advice.words import counted, duration, percent
from gpuboard.profiler.figures.collectives import collectives
from gpuboard.profiler.figures.matching import match
from gpuboard.profiler.figures.steps import find_steps
from gpuboard.profiler.figures.stragglers import LateStarters, late_starters, stragglers
from gpuboard.profiler.traces.trace import Trace

STRAGGLER = "straggler"
THRESHOLD = 0.05
_ADVICE = (
    "Find out what the late ranks do before they arrive: give all ranks equal shares of the input "
    "(lengths of sequences, embedding tables, experts), look for a slow or throttled GPU, a busy "
    "host, logging or checkpoints on one rank only; compare their profiles with the others'."
)


def are_ranks_of_one_job(traces: Sequence[Trace]) -> bool:
    """Tell whether each trace is of another rank of one job, as far as the files say."""
    ranks = {trace.origin.rank for trace in traces}
    worlds = {trace.origin.world_size for trace in traces if trace.origin.world_size}
    return len(traces) > 1 and None not in ranks and len(ranks) == len(traces) and len(worlds) < 2


def waiting_for_ranks(traces: Sequence[Trace]) -> Finding | None:
    """Return how long ranks wait in collectives for those that come late, None if hardly.

    Args:
        traces: Of two or more ranks of one job, of the same steps.
    """
    tables = [collectives(trace) for trace in traces]
    matched = match(traces, tables)
    found = stragglers(traces, matched)
    if found.absent or not found.collectives:
        return None
    share = float((found.waiting_ns / np.maximum(found.window_ns, 1)).mean())
    if share < THRESHOLD:
        return None
    steps = [find_steps(trace, infer=False) for trace in traces]
    late = late_starters(traces, tables, matched, steps)
    order = np.argsort(-found.caused_ns, kind="stable")
    blamed = [int(k) for k in order[:2] if found.caused_ns[k] > 0]
    gain = float(found.gain_ns.sum()) / max(1.0, float(found.window_ns.mean()))
    return Finding(
        kind=STRAGGLER,
        share=share,
        statement=_statement(found.rank, found.last, blamed, late, share, found.waiting_ns.mean(),
                             found.collectives),
        advice=_ADVICE,
        gain_share=min(share, max(gain, 0.0)),
        evidence=(
            *(
                Proof(f"waiting caused by rank {found.rank[k]}", int(found.caused_ns[k]), "ns",
                      "distributed", rank=found.rank[k])
                for k in blamed
            ),
            *(
                Proof(f"starts the most uneven collective last: rank {rank}", late.kernel, "",
                      "distributed", (late.kernel,), rank=rank)
                for rank in late.rank
            ),
            Proof("transfer itself, a rank", int(found.transferring_ns.mean()), "ns",
                  "distributed"),
        ),
        is_waiting=True,
    )  # fmt: skip


def _statement(
    rank: tuple[int, ...],
    last: np.ndarray,
    blamed: list[int],
    late: LateStarters,
    share: float,
    waiting_ns: float,
    number: int,
) -> str:
    text = (
        f"The ranks wait for each other {percent(share)} of the time: {duration(waiting_ns)} each "
        f"in {counted(number, 'collective')}"
    )
    if blamed:
        names = " and ".join(f"rank {rank[k]} (last in {last[k]})" for k in blamed)
        text += f", mostly for {names}"
    if late.rank:
        who = " and ".join(str(one) for one in late.rank)
        text += f"; stragglers by their most uneven collective: rank{'s' * (len(late.rank) > 1)} "
        text += who
    return text + "."
