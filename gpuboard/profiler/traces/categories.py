"""Tell what a slice is from the word by which its profiler sorts it."""

from __future__ import annotations

from gpuboard.profiler.traces.trace import Kind

# Words of libkineto's output_json.cpp, of its dialect of 2021 (capital letters), and of ROCm.
_KIND_OF = {
    "cpu_op": Kind.OPERATOR,
    "Operator": Kind.OPERATOR,
    "user_annotation": Kind.ANNOTATION,
    "python_function": Kind.PYTHON,
    "Python": Kind.PYTHON,
    "cuda_runtime": Kind.CALL,
    "cuda_driver": Kind.CALL,
    "hip_runtime": Kind.CALL,
    "hip_driver": Kind.CALL,
    "Runtime": Kind.CALL,
    "kernel": Kind.KERNEL,
    "Kernel": Kind.KERNEL,
    "gpu_memcpy": Kind.MEMCPY,
    "Memcpy": Kind.MEMCPY,
    "gpu_memset": Kind.MEMSET,
    "Memset": Kind.MEMSET,
    "gpu_user_annotation": Kind.DEVICE_ANNOTATION,
    "cuda_sync": Kind.SYNC,
    "cuda_event": Kind.SYNC,
    "overhead": Kind.OVERHEAD,
    "Trace": Kind.SPAN,
}
_ACCELERATORS = ("mtia_", "hpu_", "xpu_", "privateuse1_")


def kind_of(category: str) -> Kind:
    """Return what slices of a category of a Kineto trace are."""
    known = _KIND_OF.get(category)
    if known is not None:
        return known
    if category.endswith(("_runtime", "_driver")):
        return Kind.CALL
    return Kind.ACCELERATOR if category.startswith(_ACCELERATORS) else Kind.OTHER
