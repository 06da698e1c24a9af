"""Write the table of metrics that stands in the user guide."""

from __future__ import annotations

from gpuboard.profiler.hardware.metrics import (
    CORE,
    GPU,
    HOST,
    LINK,
    METRICS,
    RARE,
    SLOW,
    TICK,
    TRAINING,
    Metric,
)
from gpuboard.profiler.nvml import ARCHITECTURES

_PLACE_IN_DOCS = {
    GPU: "gpu/0",
    LINK: "gpu/0/nvlink 3",
    HOST: "host",
    CORE: "host/core 5",
    TRAINING: "training",
}
_PACE_IN_DOCS = {TICK: "each tick", SLOW: "10 s", RARE: "60 s"}


def markdown_table() -> str:
    """Return all metrics as the table that stands in the user guide."""
    rows = [
        "| Tag | Says | From | Kind | Asked | New value every | Needs |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [_row(metric) for metric in METRICS]
    return "\n".join(rows) + "\n"


def _row(metric: Metric) -> str:
    cells = (
        f"`{metric.tag(_PLACE_IN_DOCS[metric.on])}`",
        metric.help,
        ", else ".join(source.words for source in metric.sources),
        metric.kind,
        _PACE_IN_DOCS[metric.pace],
        f"{metric.refresh_s:.2g} s",
        f"{ARCHITECTURES[metric.needs]} or later" if metric.needs else "",
    )
    return f"| {' | '.join(cells)} |"
