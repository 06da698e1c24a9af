"""Tell from a kernel's name whether it computes on tensor cores (AMD: matrix cores).

No profile says so. Libraries name their kernels after the machine instruction or the engine, so a
table of families answers for the known ones, and `UNKNOWN` for all others: an unknown name is no
sign of a slow kernel.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re

import numpy as np

from gpuboard.profiler.figures.kernel_classes import KernelClass, kernel_class
from gpuboard.profiler.figures.name_families import finder
from gpuboard.profiler.traces.trace import Device, Int32s, Trace, UInt8s


class TensorCores(enum.IntEnum):
    """Whether a kernel uses tensor cores."""

    UNKNOWN = 0
    NOT_USED = 1
    USED = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """One family of kernel names.

    Attributes:
        pattern: Regular expression, searched anywhere in the name, upper or lower case alike.
        since: The first hardware that it exists for, or the year.
        source: Whose kernels they are, and what in the name says so.
    """

    pattern: str
    answer: TensorCores
    since: str
    source: str


_YES, _NO, _MAYBE = TensorCores.USED, TensorCores.NOT_USED, TensorCores.UNKNOWN

# The first family found decides.
FAMILIES: tuple[Family, ...] = (
    Family(r"simt", _NO, "all", "CUTLASS: class of the operator, plain threads"),
    Family(r"_[fdh]fma2?(_|$)", _NO, "all", "cuBLAS, cuDNN xmma: the instruction of plain cores"),
    Family(
        r"flash_bwd_(dot_do_o|convert_dq|clear)|splitkv_combine|flash_fwd_combine|flash_bwd_post",
        _NO, "Ampere", "FlashAttention: steps before and after the matrix products",
    ),
    Family(r"fmha_cutlass[FB]_\w*_sm50", _NO, "Maxwell", "xFormers attention without tensor cores"),
    Family(r"h884|s884|i884|d884", _YES, "Volta", "cuBLAS and cuDNN: the instruction mma.8x8x4"),
    Family(r"h1688|s1688|i1688|c1688|i8816|tf32", _YES, "Turing", "mma.16x8x8, mma.8x8x16; TF32"),
    Family(r"16816|16832|161616|168128", _YES, "Ampere", "cuBLAS, cuDNN, CUTLASS: mma.16x8x16 on"),
    Family(r"hmma|imma|bmma|qmma|dmma|wmma", _YES, "Volta", "the machine instruction"),
    Family(r"gmma|tcgen05|utc[a-z]?mma|umma", _YES, "Hopper", "warpgroup and Blackwell mma"),
    Family(r"tensorop_|(Mma|OpClass)TensorOp|MainloopSm(90|1\d\d)", _YES, "Volta",
           "CUTLASS: class of the operator"),
    Family(
        r"xmma_gemm|xmma_sparse_|xmma_warp_specialized|xmma_implicit_gemm|xmma_conv|xmma_fprop"
        r"|xmma_dgrad|xmma_wgrad",
        _YES, "Volta", "cuBLAS and cuDNN xmma engines, unless they name ffma",
    ),
    Family(
        r"dgrad_1x1_stride_2x2|first_layer_wgrad_kernel|conv2d_c1_k1|direct_group",
        _YES, "Volta", "cuDNN, as PyProf lists them",
    ),
    Family(r"nvjet_", _YES, "Hopper", "cuBLAS 12 and later"),
    Family(
        r"flash_(fwd|bwd)|flash_attn|FlashAttnFwd|FlashAttnBwd|fmha|sdpa_sm\d+|flash_fprop|flash_bprop",
        _YES, "Ampere", "FlashAttention 2 to 4, xFormers, cuDNN",
    ),
    Family(r"deep_gemm|marlin|machete|fp8_gemm|f4gemm|fp4_gemm|^bmm_\w+_sm1\d\d", _YES, "Ampere",
           "inference engines: vLLM, DeepGEMM, TensorRT-LLM"),
    Family(r"Cijk_\w*_MI\d+x\d+", _YES, "MI100", "Tensile: MatrixInstruction"),
    Family(r"Cijk_", _NO, "all", "Tensile without MatrixInstruction"),
    Family(r"xdlops|_xdl_|mfma|gtcx|wmma", _YES, "MI100", "Composable Kernel, MIOpen: MFMA"),
    Family(r"ck_tile\w*(Fmha|Gemm|Flatmm)", _YES, "MI100", "Composable Kernel tile engine"),
    Family(r"aiter\w*(fmoe|fmha|mla)|^fmoe_", _YES, "MI300", "AITER assembly"),
    Family(r"^triton_(poi|per|red|for)_", _NO, "2023", "Inductor: pointwise, reduction, foreach"),
    Family(r"^triton_", _MAYBE, "2021", "Triton: tl.dot leaves no trace in the name"),
    Family(
        r"_sgemm|cgemm|zgemm|magma_dgemm|sgemm_largek",
        _NO, "all", "cuBLAS and MAGMA: plain single precision, complex",
    ),
    Family(r"scudnn|implicit_convolve_sgemm|explicit_convolve", _NO, "all", "cuDNN: plain floats"),
    Family(r"gemv|gemmk1|gemmSN|splitKreduce|dot_kernel|epilogue::impl|reduce_1Block", _NO, "all",
           "cuBLAS: vectors, and sums of partial products"),
    Family(
        r"(dgrad|wgrad)\w*_(engine|alg\w+)<float|dgrad2d_alg|winograd|fft[12]d_|im(\dd)?2col|computeOffsets"
        r"|OffsetsKernel|reduce_wgrad|pointwise_mult_and_sum|Sp3AsmConv",
        _NO, "all", "cuDNN and MIOpen: engines of plain cores, transforms, set-up",
    ),
)  # fmt: skip
_FINDERS = tuple((family.answer, finder(family.pattern)) for family in FAMILIES)

# Classes whose kernels multiply no matrices.
_NO_MATRICES = (
    KernelClass.NORMALISATION, KernelClass.ELEMENTWISE, KernelClass.REDUCTION, KernelClass.COPY,
    KernelClass.COMMUNICATION, KernelClass.OPTIMIZER, KernelClass.SORT_INDEX, KernelClass.RANDOM,
)  # fmt: skip

# Operators that multiply matrices, by the last part of their names.
_ELIGIBLE = re.compile(
    r"(?:(?:_?(?:scaled_|grouped_|int_|weight_int4pack_|weight_int8pack_|sparse_semi_structured_)*"
    r"(?:mm|bmm|addmm_?|addmv|baddbmm_?|addbmm|matmul|linear|einsum|tensordot|chain_matmul"
    r"|linalg_multi_dot|linear_backward))"
    r"|(?:cudnn_|miopen_|mkldnn_|slow_|thnn_|_)*conv(?:olution)?(?:_?(?:tbc|nogroup|overrideable))?"
    r"_?(?:transpose)?_?\d?d?(?:_(?:forward|backward|relu|add_relu))*(?:_(?:weight|input))?"
    r"|\w*scaled_dot_product\w*|\w*(?:flash|efficient|cudnn)_attention\w*|multi_head_attention\w*"
    r"|unified_attention\w*|\w+_gemm"
    r"|_?(?:thnn_fused_)?(?:lstm|gru|rnn_tanh|rnn_relu)(?:_cell|_mps)?|_cudnn_rnn\w*"
    r"|MatMul|BatchMatMul(?:V2|V3)?|Einsum|Conv[123]D\w*|DepthwiseConv2d\w*|_FusedConv2D"
    r"|_FusedMatMul|CudnnRNN\w*"
    r"|(?:Mm|Bmm|Addmm|Baddbmm|Addbmm|Linear|Matmul|\w*Convolution|ScaledDotProduct\w*|\w*Attention)"
    r"Backward\d*)(?:\.\w+)?"
)


@functools.lru_cache(maxsize=1 << 16)
def tensor_cores(name: str) -> TensorCores:
    """Say whether a kernel of this name uses tensor cores, by `FAMILIES` and its class."""
    lower = name.lower()
    for answer, found in _FINDERS:
        if found(lower):
            return answer
    return _NO if kernel_class(name) in _NO_MATRICES else _MAYBE


def tensor_cores_of(trace: Trace, names: Int32s) -> UInt8s:
    """Return the answer for each name, numbers of strings of the trace."""
    distinct, number = np.unique(names, return_inverse=True)
    found = [tensor_cores(trace.text(name)) for name in distinct.tolist()]
    return np.array(found, np.uint8)[number.reshape(-1)]


@functools.lru_cache(maxsize=1 << 14)
def is_eligible(operator: str) -> bool:
    """Say whether an operator multiplies matrices, and so could use tensor cores."""
    return _ELIGIBLE.fullmatch(re.split("[:/ ]", operator)[-1]) is not None


def without_tensor_cores(device: Device) -> str:
    """Return why a device has no tensor cores, "" if it has or may have some."""
    if 0 < device.compute_major < 7 and "AMD" not in device.name.upper():
        capability = f"{device.compute_major}.{device.compute_minor}"
        return (
            f"{device.name or 'The GPU'} has no tensor cores: its compute capability is "
            f"{capability}, and they came with 7.0."
        )
    if re.search(r"GTX 16\d\d|MI(25|50|60)\b", device.name):
        return f"{device.name} has no tensor cores."
    return ""
