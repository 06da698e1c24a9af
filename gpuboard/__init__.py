"""Watch, compare and explain training runs: dashboards, profiler and projector in one toolkit."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpuboard import profiler as profiler
    from gpuboard.writer.summary_writer import SummaryWriter as SummaryWriter

__version__ = "0.1.0"
__all__ = ["SummaryWriter", "__version__", "load_ipython_extension", "profiler"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    # Looked up when asked for, so that importing the package costs nothing.
    if name == "SummaryWriter":
        from gpuboard.writer.summary_writer import SummaryWriter

        return SummaryWriter
    if name == "profiler":
        from importlib import import_module

        return import_module("gpuboard.profiler")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: object) -> None:
    """Add the magic `%gpuboard` to a notebook: IPython calls this for `%load_ext gpuboard`."""
    from gpuboard import notebook

    notebook.load_ipython_extension(shell)


def unload_ipython_extension(shell: object) -> None:
    """Stop the servers that the notebook started: for `%unload_ext gpuboard`."""
    from gpuboard import notebook

    notebook.unload_ipython_extension(shell)
