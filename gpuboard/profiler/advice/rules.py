"""State the rules of the verdict as data: what is measured, from where on it matters, what to do.

Thresholds follow the recommendations of the PyTorch profiler plugin (data loader 5 %, communication
10 %), and of xprof (kernel launch and "all other" 3 % and 15 %, device collectives 15 %), where
these have one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gpuboard.profiler.advice import measures
from gpuboard.profiler.advice.evidence import Evidence
from gpuboard.profiler.advice.measures import Measure


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can hold a run back.

    Attributes:
        kind: Name for scripts.
        title: Name for people.
        threshold: Share of the time from which on it is worth a word.
        measure: Measures it on one trace, None where the trace can't tell.
        advice: What to do about it.
        is_waiting: The device waits for it, rather than being slow at its own work.
    """

    kind: str
    title: str
    threshold: float
    measure: Callable[[Evidence], Measure | None]
    advice: str
    is_waiting: bool


RULES = (
    Rule(
        "input_bound",
        "Waiting for input",
        0.05,
        measures.input_bound,
        "Give the loader more workers (num_workers), persistent_workers=True, pin_memory=True and "
        "a larger prefetch_factor; decode and augment on the GPU, or beforehand.",
        is_waiting=True,
    ),
    Rule(
        "launch_bound",
        "Bound by the host",
        0.10,
        measures.launch_bound,
        "Launch fewer, larger kernels: torch.compile or CUDA graphs, fused or foreach optimizers, "
        "a larger batch; keep Python work out of the loop.",
        is_waiting=True,
    ),
    Rule(
        "synchronising",
        "Waiting for the device to be done",
        0.03,
        measures.synchronising,
        "Do not read values on the host in every step: no .item(), .cpu(), print or nonzero on "
        "tensors of the GPU; copy with non_blocking=True and read losses every so many steps.",
        is_waiting=True,
    ),
    Rule(
        "exposed_communication",
        "Communication that nothing hides",
        0.10,
        measures.exposed_communication,
        "Let communication overlap with computing: larger buckets for gradients, prefetching of "
        "shards, gradient accumulation, reduced precision of what is sent; check that the ranks "
        "arrive together and that the interconnect is the one you think.",
        is_waiting=True,
    ),
    Rule(
        "exposed_copies",
        "Copies that nothing hides",
        0.05,
        measures.exposed_copies,
        "Copy from pinned memory with non_blocking=True on a stream of its own, one batch ahead; "
        "create tensors on the GPU instead of moving them there.",
        is_waiting=True,
    ),
    Rule(
        "allocator",
        "Trouble with memory",
        0.01,
        measures.allocator,
        "Memory is got from the driver during steps: keep shapes the same from step to step, set "
        "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True, and leave out torch.cuda.empty_cache().",
        is_waiting=True,
    ),
    Rule(
        "no_tensor_cores",
        "Tensor cores that are not used",
        0.05,
        measures.no_tensor_cores,
        "Compute in bfloat16 or float16 (torch.autocast), or allow TF32 with "
        "torch.set_float32_matmul_precision('high'); make sizes multiples of 8.",
        is_waiting=False,
    ),
    Rule(
        "memory_bandwidth_bound",
        "Bound by the device's memory",
        0.25,
        measures.memory_bandwidth_bound,
        "Fuse what only moves data: torch.compile, fused normalisation, activation and optimizer "
        "kernels, channels_last for convolutions; store activations in fewer bits.",
        is_waiting=False,
    ),
    Rule(
        "compute_bound",
        "Bound by computing",
        0.50,
        measures.compute_bound,
        "The device does its work: only less or faster arithmetic helps. Lower precision "
        "(bfloat16, FP8), better kernels for these shapes, a smaller model, or more devices.",
        is_waiting=False,
    ),
    Rule(
        "no_device_work",
        "No work on a device",
        0.0,
        measures.no_device_work,
        "If the run uses a GPU, record it: ProfilerActivity.CUDA among the profiler's activities, "
        "and the rights that CUPTI needs. If it does not, move model and batches there.",
        is_waiting=True,
    ),
)
