"""Define what a verdict consists of: findings, each with its numbers and where they can be seen."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """One number behind a finding, and where to look for it.

    Attributes:
        label: What the number is, such as "idle while a batch was fetched".
        value: The number, or a name.
        unit: "ns", "share", "bytes", "calls", or "" for a name.
        view: Tab of the profile that shows it: "overview", "timeline", "operators", "kernels",
            "memory", "distributed" or "roofline".
        names: Names of the rows there, such as operators or kernels; () for none in particular.
        window: From and to on the timeline, nanoseconds; None for none in particular.
        rank: Of the process that it is about, -1 where there is one only.
    """

    label: str
    value: float | str
    unit: str = ""
    view: str = "overview"
    names: tuple[str, ...] = ()
    window: tuple[int, int] | None = None
    rank: int = -1

    def as_json(self) -> dict[str, Any]:
        """Return this as plain values."""
        found = dataclasses.asdict(self)
        return {**found, "names": list(self.names), "window": self.window and list(self.window)}


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that holds a run back.

    Attributes:
        kind: Of the rule, such as "input_bound".
        share: Of the time that was looked at, 0 to 1: what the thing costs.
        statement: What was found, with its numbers, in a sentence.
        advice: What to do about it.
        gain_share: Share of the time that mending it would save, estimated on the timeline.
        evidence: The numbers, each with where it can be seen.
        is_waiting: The device waits for it, rather than being slow at its own work.
    """

    kind: str
    share: float
    statement: str
    advice: str
    gain_share: float
    evidence: tuple[Proof, ...]
    is_waiting: bool

    def as_json(self) -> dict[str, Any]:
        """Return this as one entry of "verdict" of `gpuboard profile --json`."""
        return {
            "kind": self.kind,
            "share": self.share,
            "statement": self.statement,
            "advice": self.advice,
            "gain_share": self.gain_share,
            "evidence": [proof.as_json() for proof in self.evidence],
        }
