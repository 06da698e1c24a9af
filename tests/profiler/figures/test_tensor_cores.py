from __future__ import annotations

import re

import numpy as np
import pytest

from gpuboard.profiler.figures.tensor_cores import (
    FAMILIES,
    TensorCores,
    is_eligible,
    tensor_cores,
    tensor_cores_of,
    without_tensor_cores,
)
from gpuboard.profiler.traces.trace import Device
from tests.profiler.figures.events import kernel
from tests.profiler.slow_kineto import trace_of

USED = (
    "volta_fp16_s884gemm_fp16_128x128_ldg8_f2f_tn",
    "turing_fp16_s1688cudnn_fp16_128x128_ldg8_relu_f2f_exp_interior_nhwc_tn_v1",
    "ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_64x3_tn",
    "ampere_bf16_s16816gemm_bf16_128x64_ldg8_f2f_stages_32x6_nn",
    "void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_128x64_64x6_tn_align8>",
    "void cutlass::Kernel<cutlass_80_tensorop_s1688gemm_64x64_16x6_nt_align4>",
    "cutlass3x_sm90_tensorop_s64x128x16gemm_bf16_bf16_f32_bf16_bf16_128x128x64",
    "void cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816fprop_optimized_bf16_256x64>",
    "sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize1x1x1_execute",
    "sm80_xmma_wgrad_implicit_gemm_indexed_tf32f32_tf32f32_f32_nhwckrsc_nhwc_tensor16x8x8",
    "nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_TNT",
    "nvjet_tst_64x64_64x16_2x1_2cta_v_bz_bias_TNT",
    "void pytorch_flash::flash_fwd_kernel<pytorch_flash::Flash_fwd_kernel_traits<64, 128>>",
    "void flash::flash_bwd_dq_dk_dv_loop_seqk_parallel_kernel<Flash_bwd_kernel_traits<128>>",
    "fmha_cutlassF_bf16_aligned_64x64_rf_sm80(PyTorchMemEffAttention::AttentionKernel)",
    "fmhaSm100aKernel_QkvE4m3OBfloat16H64PagedKvCausalP16VarSeqQ128Kv128PersistentContext",
    "cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_6_64x128x128",
    "Cijk_Ailk_Bjlk_BBS_BH_Bias_HAS_SAV_UserArgs_MT64x32x64_MI16x16x1_SN_LDSB0",
    "Cijk_Ailk_Bjlk_BBS_BH_MT32x32x64_MI16x16x16x1_SN_1LDSB0_APM1_ABV0",
    "_ZN2ck16tensor_operation6device37kernel_batched_gemm_xdlops_bwd_weightINS",
    "igemm_fwd_gtcx2_nhwc_bf16_bx0_ex1_bt128x128x32_wt32x32x8_ws1x1",
    "volta_hmma_implicit_gemm_fprop_fp32_nhwc_64x32x64x1",
    "void conv2d_c1_k1_nhwc_kernel<__half, __half, __half, float, 3, 3, 3, 2>",
    "_ZN7ck_tile6kentryILi2ENS_13FmhaFwdKernelINS_25BlockFmhaPipelineQRKSVSAsync",
    "_ZN7ck_tile6kentryILi1ENS_12FlatmmKernelINS_20GemmTile1DPartitioner",
    "_ZN5aiter48fmoe_bf16_pertokenFp8_g1u1_vs_silu_1tg_ps_32x256",
    "void deep_gemm::fp8_gemm_kernel<4096u, 7168u, 128u, 128u, 128u>",
    "bmm_MxE4m3_MxE2m1MxE4m3_Fp32_t128x16x256u2_s3_et128x16_m128x16x32_dynBatch_sm100f",
)
NOT_USED = (
    "volta_sgemm_128x64_nn",
    "ampere_sgemm_32x32_sliced1x4_nn",
    "volta_scudnn_128x64_relu_interior_nn_v1",
    "cudnn_infer_ampere_scudnn_128x64_relu_xregs_large_nn_v1",
    "void cutlass::Kernel<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>",
    "sm80_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize32x32x8_stage3_warpsize1x2x1_ffma_aligna4",
    "void cudnn::detail::dgrad_engine<float, 512, 6, 5, 3, 3, 3, false>(int, int, int)",
    "void implicit_convolve_sgemm<float, float, 1024, 6, 7, 3, 3, 5, 1, false, true, true>(int)",
    "void cudnn::winograd_nonfused::winogradForwardData4x4<float, float>(WinogradDataParams)",
    "void splitKreduce_kernel<float, float, float, float, true, false, false>(cublasSplitK)",
    "std::enable_if<!(false), void>::type internal::gemvx::kernel<int, int, __nv_bfloat16>",
    "void at::native::vectorized_elementwise_kernel<4, at::native::AddFunctor<float>>",
    "void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float>>",
    "void (anonymous namespace)::softmax_warp_forward<c10::BFloat16>",
    "ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096ul>)",
    "void flash::flash_bwd_dot_do_o_kernel<true, Flash_bwd_kernel_traits<64>>",
    "void flash::flash_fwd_splitkv_combine_kernel<Flash_fwd_kernel_traits<64>>",
    "fmha_cutlassF_f32_aligned_64x64_rf_sm50(AttentionKernel)",
    "cask_cudnn::computeOffsetsKernel(cask_cudnn::ComputeOffsetsParams)",
    "SubTensorOpWithScalar1d",
    "triton_poi_fused_add_cos_sin_0",
    "triton_red_fused_native_layer_norm_1",
    "Cijk_Ailk_Bljk_SB_MT64x64x16_SE_1LDSB0",
)
UNKNOWN = (
    "triton_tem_fused_mm_3",
    "triton__0d1d2d3d4d5d",
    "attn_fwd",
    "_matmul_ogs_NNT_bf16xbf16xmxfp4_16x128x256x1",
    "my_own_kernel",
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [(name, TensorCores.USED) for name in USED]
    + [(name, TensorCores.NOT_USED) for name in NOT_USED]
    + [(name, TensorCores.UNKNOWN) for name in UNKNOWN],
)
def test_names_tell_whether_tensor_cores_are_used(name, expected):
    assert tensor_cores(name) == expected


def test_every_family_says_since_when_and_whose_it_is():
    for family in FAMILIES:
        re.compile(family.pattern)
        assert family.since
        assert family.source


def test_each_family_decides_for_an_example_above():
    deciding = {
        next((f.pattern for f in FAMILIES if re.search(f.pattern, name, re.IGNORECASE)), "")
        for name in (*USED, *NOT_USED, *UNKNOWN)
    }

    assert {family.pattern for family in FAMILIES} - deciding == set()


def test_answers_come_for_columns_of_names():
    trace = trace_of([kernel(k, 20 * k, 10, name) for k, name in enumerate(["x", USED[0], "x"])])

    found = tensor_cores_of(trace, trace.slices.name)

    assert found.tolist() == [TensorCores.UNKNOWN, TensorCores.USED, TensorCores.UNKNOWN]
    assert found.dtype == np.uint8


@pytest.mark.parametrize(
    "name",
    [
        "aten::mm", "aten::addmm", "aten::bmm", "aten::linear", "aten::matmul", "aten::conv2d",
        "aten::_convolution", "aten::cudnn_convolution_backward_weight", "aten::miopen_convolution",
        "aten::convolution_backward", "ConvolutionBackward0", "AddmmBackward0", "MmBackward",
        "autograd::engine::evaluate_function: BmmBackward0", "aten::_scaled_mm", "aten::einsum",
        "aten::scaled_dot_product_attention", "aten::_flash_attention_forward", "aten::_cudnn_rnn",
        "vllm::unified_attention_with_output", "aten::_thnn_fused_lstm_cell", "MatMul",
        "aten::conv_transpose2d", "BatchMatMulV2", "Conv2D", "Conv2DBackpropFilter",
    ],
)  # fmt: skip
def test_products_of_matrices_could_use_tensor_cores(name):
    assert is_eligible(name)


@pytest.mark.parametrize(
    "name",
    [
        "aten::add", "aten::relu", "aten::flatten", "aten::_comm", "record_param_comms", "aten::t",
        "aten::native_layer_norm", "aten::addcmul", "aten::common", "fbgemm::offsets_range",
        "aten::convert", "aten::linspace", "AddBackward0",
    ],
)  # fmt: skip
def test_other_operators_could_not(name):
    assert not is_eligible(name)


@pytest.mark.parametrize(
    ("device", "word"),
    [
        (Device(0, "Tesla P100-PCIE-16GB", compute_major=6), "6.0"),
        (Device(0, "NVIDIA GeForce GTX 1660 Ti", compute_major=7, compute_minor=5), "no tensor"),
        (Device(0, "Tesla V100-SXM2-32GB", compute_major=7), ""),
        (Device(0, "NVIDIA H100 80GB HBM3", compute_major=9), ""),
        (Device(0, "AMD Instinct MI210", compute_major=9), ""),
        (Device(0, "", compute_major=0), ""),
    ],
)
def test_gpus_without_tensor_cores_are_named(device, word):
    found = without_tensor_cores(device)

    assert word in found
    assert bool(found) == bool(word)
