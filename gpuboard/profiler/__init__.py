"""Read profiler traces, say what holds a run back, and watch the hardware."""
