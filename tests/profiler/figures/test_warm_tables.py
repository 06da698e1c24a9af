from __future__ import annotations

from gpuboard.profiler.figures import (
    call_tree_kernels,
    grouping_kernels,
    launch_kernels,
    nesting_kernels,
    operator_kernels,
    sequence_kernels,
)
from gpuboard.profiler.figures.warm import warm_tables
from tests.profiler.figures.events import kernel, launched, op, python
from tests.profiler.slow_kineto import trace_of

MODULES = (
    call_tree_kernels, grouping_kernels, launch_kernels, nesting_kernels, operator_kernels,
    sequence_kernels,
)  # fmt: skip


def test_every_kernel_has_one_compiled_form_however_tables_are_made():
    number = {"Sequence number": 1, "Fwd thread id": 0}
    back = {"Sequence number": 1, "Fwd thread id": 1}
    small = [op("a", 0, 50, **number), *launched(1, 10, "x"), kernel(2, 60, 5, "y")]
    large = [
        *small, *[kernel(k + 3, 100 + 10 * k, 8, "xy"[k % 2]) for k in range(20)],
        python("f", 0, 90), op("aBackward", 400, 20, tid=2, **back), *launched(99, 410),
    ]  # fmt: skip

    warm_tables(trace_of(small))
    warm_tables(trace_of(large))

    forms = {
        kernel.__name__: len(kernel.signatures)
        for module in MODULES
        for kernel in vars(module).values()
        if hasattr(kernel, "nopython_signatures") and not kernel.__name__.startswith("_")
    }
    assert len(forms) == 10
    assert set(forms.values()) == {1}, forms
