"""Judge a trace, or the traces of all ranks of a job: what holds it back, the worst first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gpuboard.profiler.advice.evidence import Evidence
from gpuboard.profiler.advice.finding import Finding
from gpuboard.profiler.advice.measures import Measure
from gpuboard.profiler.advice.ranks import STRAGGLER, are_ranks_of_one_job, waiting_for_ranks
from gpuboard.profiler.advice.rules import RULES, Rule
from gpuboard.profiler.advice.words import percent
from gpuboard.profiler.traces.trace import Trace

# What people call the rules, by their kind.
TITLES = {rule.kind: rule.title for rule in RULES} | {STRAGGLER: "Waiting for other ranks"}

# Waiting that costs less than this comes after what the device itself could do better.
_MUCH = 0.10


def verdict(traces: Sequence[Trace]) -> tuple[Finding, ...]:
    """Return what holds a run back, the worst first; () where nothing is worth a word.

    Args:
        traces: One, or those of several ranks of a job, or several of one process. A share is then
            the mean over traces; the sentence is that of the worst one.
    """
    return judge([Evidence(trace) for trace in traces])


def judge(evidence: Sequence[Evidence]) -> tuple[Finding, ...]:
    """Return the verdict on what was gathered already; see `verdict`."""
    found = []
    for rule in RULES:
        finding = _found(rule, evidence)
        if finding is not None:
            found.append(finding)
    if are_ranks_of_one_job([one.trace for one in evidence]):
        waiting = waiting_for_ranks([one.trace for one in evidence])
        if waiting is not None:
            found.append(waiting)
    return ranked(found)


def ranked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings in order: waiting for a rank, much waiting, slow work, little waiting.

    What a device waits for is measured, what it could do faster is guessed: so waiting goes first
    where it is worth speaking of. And a rank that waits for another one gains nothing by being
    faster itself.
    """
    return tuple(sorted(findings, key=_place))


def _place(finding: Finding) -> tuple[int, float]:
    if finding.kind == STRAGGLER and finding.share >= _MUCH:
        return -1, -finding.share
    if finding.is_waiting:
        return (0 if finding.share >= _MUCH else 2), -finding.share
    return 1, -finding.gain_share


def _found(rule: Rule, evidence: Sequence[Evidence]) -> Finding | None:
    measured = [(one, measure) for one in evidence if (measure := rule.measure(one)) is not None]
    if not measured:
        return None
    share = sum(measure.share for _, measure in measured) / len(evidence)
    if share < rule.threshold:
        return None
    worst, measure = max(measured, key=lambda pair: pair[1].share)
    gain = sum(measure.gain() for _, measure in measured) / len(evidence)
    return Finding(
        kind=rule.kind,
        share=min(1.0, share),
        statement=_over_all(measure, worst, [m.share for _, m in measured], len(evidence)),
        advice=rule.advice,
        gain_share=min(gain, share),
        evidence=tuple(dataclasses.replace(proof, rank=worst.rank) for proof in measure.evidence),
        is_waiting=rule.is_waiting,
    )


def _over_all(measure: Measure, worst: Evidence, shares: list[float], number: int) -> str:
    """Return the sentence, with what it was measured on where there is more than one trace."""
    if number == 1:
        return measure.statement
    of = "ranks" if worst.rank >= 0 else "traces"
    where = f"rank {worst.rank}" if worst.rank >= 0 else "the worst trace"
    mean = float(np.sum(shares)) / number
    return f"On {where}: {measure.statement} Over {number} {of} it is {percent(mean)} on average."
