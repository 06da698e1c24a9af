"""Tell what sort of work a kernel does from its name."""

from __future__ import annotations

import enum
import functools

import numpy as np

from gpuboard.profiler.figures.name_families import finder
from gpuboard.profiler.traces.trace import Int32s, Trace, UInt8s


class KernelClass(enum.IntEnum):
    """What a kernel is for; copies and fills that are no kernels are `COPY` too."""

    OTHER = 0
    GEMM = 1
    CONVOLUTION = 2
    ATTENTION = 3
    NORMALISATION = 4
    ELEMENTWISE = 5
    REDUCTION = 6
    COPY = 7
    COMMUNICATION = 8
    OPTIMIZER = 9
    SORT_INDEX = 10
    RANDOM = 11
    TRITON = 12


# The first family that is found anywhere in a name decides. Attention stands before what it is made
# of, convolutions before the matrix products that carry them out, and "elementwise", whose template
# is instantiated with everything else, last.
_FAMILIES: tuple[tuple[KernelClass, str], ...] = (
    (
        KernelClass.COMMUNICATION,
        "nccl|rccl|hccl|oneccl|nvshmem|all_?reduce|all_?gather|reduce_?scatter|cross_device_reduce"
        "|quick_?reduce",
    ),
    (KernelClass.COPY, "reshape_and_cache"),
    (KernelClass.ELEMENTWISE, "upsample|quantize|kernel_with_index"),
    (KernelClass.ATTENTION, "flash|fmha|sdpa|attention|attn_|_mla_|mla_decode|flashinfer"),
    (
        KernelClass.OPTIMIZER,
        "multi_tensor_apply|fused_?adam|adamw?_(cuda|kernel)|_lamb_|ApplyAdam|ApplyGradientDescent"
        "|ApplyMomentum|ApplyRMSProp",
    ),
    (KernelClass.TRITON, "^triton_"),
    (KernelClass.COPY, "nchwToNhwc|nhwcToNchw|batched_transpose|SwapDimension1And2"),
    (
        KernelClass.CONVOLUTION,
        r"fprop|dgrad|wgrad|conv(?!er|ey)|winograd|scudnn|im(\dd)?2col|col2im"
        "|implicit_?gemm|igemm_(fwd|bwd|wrw)|bwd_weight|bwd_data|fft[12]d_|cask_cudnn|Sp3AsmConv"
        "|pointwise_mult_and_sum_complex|reduce_wgrad",
    ),
    (
        KernelClass.GEMM,
        "(?<!fb)gemm|nvjet|Cijk_|gemv|splitKreduce|marlin|machete|matmul|dot_kernel|gemmk1"
        "|epilogue::impl::globalKernel|^bmm_",
    ),
    (
        KernelClass.NORMALISATION,
        r"layer_?norm|rms_?norm|batch_?norm|group_?norm|instance_?norm|bn_fw|bn_bw|softmax"
        "|GammaBeta|RowwiseMoments|ComputeInternalGradients|l2_?norm|welford",
    ),
    (KernelClass.SORT_INDEX, "embedding"),
    (KernelClass.RANDOM, "distribution_|philox|dropout|random|bernoulli|multinomial|curand"),
    (
        KernelClass.SORT_INDEX,
        "sort|index|indices|gather|scatter|topk|top_k|scan|unique|ReduceByKey"
        "|DeviceCompact|DeviceSelect|masked_|nonzero|bincount|histogram|permute|bucketize"
        "|_lengths_|moe_align|krn_partial_segment|compute_cuda_kernel|to_dense_representation",
    ),
    (KernelClass.COPY, "copy|CatArray|transpose|concat|split_?kernel|memcpy|memset|pad_?kernel"),
    (
        KernelClass.REDUCTION,
        "reduc(e|tion)|pool|nll_loss|cross_entropy|argm(ax|in)|Segment|NLLCriterion",
    ),
    (
        KernelClass.ELEMENTWISE,
        "elementwise|pointwise|SubTensorOp|OpTensor|op_tensor|activation|act_and_mul|silu|gelu|relu"
        "|rotary|scal_kernel|scalePackedTensor|EigenMetaKernel|BiasN|_quant|Functor|float_to_|_to_float"
        "|^(loop|wrapped)_|fused_add",
    ),
)
_FINDERS = tuple((kind, finder(pattern)) for kind, pattern in _FAMILIES)


@functools.lru_cache(maxsize=1 << 16)
def kernel_class(name: str) -> KernelClass:
    """Return the class of a kernel by the families of names known today; `OTHER` if none fits."""
    name = name.lower()
    return next((kind for kind, found in _FINDERS if found(name)), KernelClass.OTHER)


def classes_of(trace: Trace, names: Int32s) -> UInt8s:
    """Return the class of each name, numbers of strings of the trace."""
    distinct, number = np.unique(names, return_inverse=True)
    found = [kernel_class(trace.text(name)) for name in distinct.tolist()]
    return np.array(found, np.uint8)[number.reshape(-1)]
