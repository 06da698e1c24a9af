"""Read profiler traces of any format into one model of columns."""
