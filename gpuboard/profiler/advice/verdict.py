"""Judge a trace, or the traces of all ranks of a job: what holds it back, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from gpuboard.profiler.advice.evidence import Evidence
from gpuboard.profiler.advice.finding import Finding
from gpuboard.profiler.advice.rules import RULES

# Waiting that costs less than this comes after what the device itself could do better.
_MUCH = 0.10


def findings_of(evidence: Evidence) -> tuple[Finding, ...]:
    """Return what holds one process back, the worst first; () where nothing does."""
    found = []
    for rule in RULES:
        measure = rule.measure(evidence)
        if measure is None or measure.share < rule.threshold:
            continue
        found.append(
            Finding(
                kind=rule.kind,
                share=min(1.0, measure.share),
                statement=measure.statement,
                advice=rule.advice,
                gain_share=measure.gain_share,
                evidence=measure.evidence,
                is_waiting=rule.is_waiting,
            )
        )
    return ranked(found)


def ranked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings in order: much waiting, then slow work, then little waiting; by their share.

    What a device waits for is measured, what it could do faster is guessed: so waiting goes first
    where it is worth speaking of.
    """
    return tuple(sorted(findings, key=_place))


def _place(finding: Finding) -> tuple[int, float]:
    if finding.is_waiting:
        return (0 if finding.share >= _MUCH else 2), -finding.share
    return 1, -max(finding.gain_share, 0.0)
