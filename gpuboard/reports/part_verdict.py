"""Put the verdict first: what was found, what to do about it, and what that would gain."""

from __future__ import annotations

from collections.abc import Sequence

from gpuboard.profiler.advice.finding import Finding, Proof
from gpuboard.profiler.advice.ranks import STRAGGLER
from gpuboard.profiler.advice.rules import RULES
from gpuboard.profiler.advice.words import counted, duration, percent, shortened, size
from gpuboard.reports.document import Judgement, Note, Role, Section, Verdict

_TITLES = {rule.kind: rule.title for rule in RULES} | {STRAGGLER: "Waiting for other ranks"}
_ROLES = {
    "input_bound": Role.INPUT,
    "launch_bound": Role.HOST,
    "synchronising": Role.SYNC,
    "exposed_communication": Role.COMM,
    "exposed_copies": Role.MEMORY,
    "allocator": Role.MEMORY,
    "no_tensor_cores": Role.COMPUTE,
    "memory_bandwidth_bound": Role.COMPUTE,
    "compute_bound": Role.COMPUTE,
    STRAGGLER: Role.COMM,
}


def verdict_section(findings: Sequence[Finding]) -> Section:
    """Return the findings, the worst first, or that there is none."""
    if not findings:
        return Section("Verdict", (Note("Nothing holds this run back by as much as a rule asks."),))
    return Section("Verdict", (Verdict(tuple(map(_judgement, findings))),))


def _judgement(finding: Finding) -> Judgement:
    return Judgement(
        title=_TITLES.get(finding.kind, finding.kind),
        share=finding.share,
        gain=finding.gain_share,
        statement=finding.statement,
        advice=finding.advice,
        proofs=tuple((proof.label, _value(proof)) for proof in finding.evidence),
        role=_ROLES.get(finding.kind, Role.UNKNOWN),
    )


def _value(proof: Proof) -> str:
    if isinstance(proof.value, str):
        return shortened(proof.value)
    if proof.unit == "ns":
        return duration(proof.value)
    if proof.unit == "share":
        return percent(proof.value)
    if proof.unit == "bytes":
        return size(proof.value)
    if proof.unit == "calls":
        return counted(int(proof.value), "call")
    return f"{proof.value:,g}"
