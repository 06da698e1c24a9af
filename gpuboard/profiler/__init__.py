"""Read profiler traces, say what holds a run back, and watch the hardware."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpuboard.profiler.recording import capture as capture
    from gpuboard.profiler.recording import trace_handler as trace_handler

__all__ = ["capture", "trace_handler"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    # Looked up when asked for: reading a trace needs no torch.
    if name in __all__:
        from gpuboard.profiler import recording

        return getattr(recording, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
