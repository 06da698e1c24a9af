"""Kernels are compiled before somebody waits for them."""

from __future__ import annotations

from gpuboard.profiler.traces import xplane_scan, xplane_warm


def test_every_kernel_has_been_compiled_after_warming_up():
    xplane_warm.warm()

    kernels = {name: k for name, k in vars(xplane_scan).items() if hasattr(k, "signatures")}
    called = {"spans", "count_line", "scan_line", "hash_texts", "same_texts"}
    assert called <= set(kernels)
    assert all(kernels[name].signatures for name in called)
