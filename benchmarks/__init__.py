"""Measure gpuboard against a named peer doing the same work in the same run."""
