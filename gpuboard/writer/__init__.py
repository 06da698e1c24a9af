"""What training scripts call: `SummaryWriter`, and callbacks for trainers.

`torch_graph`, `lightning`, `transformers` and `keras` need the package that they are for; nothing
else here needs more than NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpuboard.writer.summary_writer import SummaryWriter as SummaryWriter

__all__ = ["SummaryWriter"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name == "SummaryWriter":
        from gpuboard.writer.summary_writer import SummaryWriter

        return SummaryWriter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
