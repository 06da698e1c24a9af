"""Watch, compare and explain training runs: dashboards, profiler and projector in one toolkit."""

__version__ = "0.1.0"
