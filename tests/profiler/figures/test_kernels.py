from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from gpuboard.profiler.figures.kernel_classes import KernelClass, kernel_class
from gpuboard.profiler.figures.kernels import by_class, kernels, short_kernels
from gpuboard.profiler.figures.tensor_cores import TensorCores
from gpuboard.profiler.traces.trace import Kind
from tests.profiler.figures.events import kernel, launched, op, slice_of
from tests.profiler.figures.real_traces import real_trace
from tests.profiler.real import real
from tests.profiler.slow_kineto import trace_of

PLUGIN = "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz"
TRACELENS = (
    "tracelens/h100/Falconsai_nsfw_image_detection__1016002",
    "tracelens/h100/facebook_timesformer-base-finetuned-k400__1016002",
    "tracelens/h100/gaunernst_bert-small-uncased__1016001",
    "tracelens/mi300/gaunernst_bert-small-uncased__1016001",
    "tracelens/mi210/gpu_only_trace/gpu_only_trace",
)


def test_kernels_are_summed_up_by_name_longest_first():
    trace = trace_of(
        [kernel(1, 0, 10, "a"), kernel(2, 20, 30, "b"), kernel(3, 60, 12, "a"),
         slice_of("gpu_memcpy", "Memcpy HtoD", 80, 5, 7, 0, device=0, stream=7)]
    )  # fmt: skip

    table = kernels(trace)

    assert [trace.text(n) for n in table.name] == ["b", "a"]
    assert table.count.tolist() == [1, 2]
    assert table.total_ns.tolist() == [30_000, 22_000]
    assert table.mean_ns.tolist() == [30_000, 11_000]
    assert (table.min_ns.tolist(), table.max_ns.tolist()) == ([30_000, 10_000], [30_000, 12_000])
    assert table.share.tolist() == pytest.approx([30 / 52, 22 / 52])
    starts = trace.slices.start // 1000
    assert starts[table.first].tolist() == [20, 0]
    assert starts[table.longest].tolist() == [20, 60]
    assert len(kernels(trace, kinds=(Kind.KERNEL, Kind.MEMCPY))) == 3


def test_means_are_weighted_by_duration_and_unknown_where_the_file_says_nothing():
    trace = trace_of(
        [
            kernel(1, 0, 10, "a", **{"blocks per SM": 1.0, "est. achieved occupancy %": 100}),
            kernel(2, 20, 30, "a", **{"blocks per SM": 3.0, "est. achieved occupancy %": 20}),
            kernel(3, 60, 12, "b"),
        ]
    )

    table = kernels(trace)

    assert table.blocks_per_sm[0] == pytest.approx(2.5)
    assert table.occupancy[0] == pytest.approx(40)
    assert math.isnan(table.blocks_per_sm[1])
    assert math.isnan(table.occupancy[1])


def test_operators_and_launch_shapes_part_rows():
    shape = {"grid": [1, 2, 3], "block": [128, 1, 1], "registers per thread": 32,
             "shared memory": 0}  # fmt: skip
    trace = trace_of(
        [op("x", 0, 100), *launched(1, 10, **shape), op("y", 200, 100), *launched(2, 210, **shape),
         *launched(3, 230, **{**shape, "grid": [9, 2, 3]})]
    )  # fmt: skip

    assert len(kernels(trace)) == 1
    assert kernels(trace).operator.tolist() == [-1]
    assert kernels(trace).grid.tolist() == [[-1, -1, -1]]
    by_operator = kernels(trace, ("name", "operator"))
    assert sorted(trace.text(n) for n in by_operator.operator) == ["x", "y"]
    table = kernels(trace, ("name", "operator", "launch"))
    assert len(table) == 3
    assert sorted(table.grid[:, 0].tolist()) == [1, 1, 9]
    assert set(table.registers.tolist()) == {32}


def test_impossible_durations_are_left_out_and_counted():
    week = 8 * 86_400 * 1e6
    trace = trace_of([kernel(1, 0, 10, "a"), kernel(2, 20, week, "a")])

    table = kernels(trace)

    assert table.total_ns.tolist() == [10_000]
    assert table.suspects == 1


def test_a_window_chooses_kernels_by_their_start():
    trace = trace_of([kernel(k, 20 * k, 10, "a") for k in range(5)])

    assert kernels(trace, window=(20_000, 60_000)).count.tolist() == [2]


def test_shares_of_tensor_cores_are_by_time():
    names = ("ampere_fp16_s16816gemm_fp16_64x64_tn", "vectorized_elementwise_kernel", "mystery")
    trace = trace_of([kernel(k, 20 * k, 10 - k, name) for k, name in enumerate(names)])

    table = kernels(trace)

    assert table.tensor_cores.tolist() == [
        TensorCores.USED, TensorCores.NOT_USED, TensorCores.UNKNOWN,
    ]  # fmt: skip
    assert table.tensor_share == pytest.approx(10 / 27)
    assert table.unknown_share == pytest.approx(8 / 27)


def test_classes_add_up_to_all_kernels():
    names = ("volta_sgemm_32x32", "volta_sgemm_64x64", "ncclKernel_AllReduce_RING", "mystery")
    trace = trace_of([kernel(k, 20 * k, 10 - k, name) for k, name in enumerate(names)])

    classes = by_class(kernels(trace))

    assert classes.kernel_class.tolist() == [
        KernelClass.GEMM, KernelClass.COMMUNICATION, KernelClass.OTHER,
    ]  # fmt: skip
    assert classes.count.tolist() == [2, 1, 1]
    assert classes.total_ns.tolist() == [19_000, 8_000, 7_000]
    assert classes.share.sum() == pytest.approx(1)


def test_short_kernels_are_counted_in_buckets_of_powers_of_two():
    trace = trace_of(
        [kernel(k, 100 * k, dur) for k, dur in enumerate((0.5, 1, 1.9, 2, 9.9, 10, 80))]
    )

    found = short_kernels(trace)

    filled = {int(e) // 1000: int(c) for e, c in zip(found.edges, found.count, strict=False) if c}
    assert filled == {0: 1, 1: 2, 2: 1, 8: 2, 64: 1}
    assert (found.short_count, found.short_total_ns) == (5, 15_300)
    assert found.count.sum() == 7


@pytest.mark.parametrize(
    ("events", "word"),
    [([op("a", 0, 1)], "no work"), ([slice_of("gpu_memset", "m", 0, 1)], "None")],
)
def test_what_is_missing_is_said(events, word):
    table = kernels(trace_of(events))

    assert len(table) == 0
    assert word in table.absent
    assert math.isnan(table.tensor_share)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("void at::native::vectorized_elementwise_kernel<4, at::native::AddFunctor<float>>(int)",
         KernelClass.ELEMENTWISE),
        ("void at::native::elementwise_kernel<128, 2, direct_copy_kernel_cuda>", KernelClass.COPY),
        ("void at::native::reduce_kernel<512, 1, ReduceOp<float>>", KernelClass.REDUCTION),
        ("sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32", KernelClass.CONVOLUTION),
        ("nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_TNT", KernelClass.GEMM),
        ("Cijk_Ailk_Bjlk_BBS_BH_MT64x32x64_MI16x16x1_SN", KernelClass.GEMM),
        ("void pytorch_flash::flash_bwd_dq_dk_dv_loop_seqk_parallel", KernelClass.ATTENTION),
        ("void (anonymous namespace)::softmax_warp_forward<float>", KernelClass.NORMALISATION),
        ("void at::native::(anonymous namespace)::multi_tensor_apply_kernel<...>",
         KernelClass.OPTIMIZER),
        ("void cub::DeviceRadixSortOnesweepKernel<...>", KernelClass.SORT_INDEX),
        ("void at::native::distribution_elementwise_grid_stride_kernel<float>",
         KernelClass.RANDOM),
        ("triton_red_fused_add_native_layer_norm_3", KernelClass.TRITON),
        ("void fbgemm_gpu::_float_to_hfp8_gpu(...)", KernelClass.ELEMENTWISE),
        ("ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096ul>)",
         KernelClass.COMMUNICATION),
        ("void vllm::reshape_and_cache_flash_kernel<...>", KernelClass.COPY),
        ("at::cuda::(anonymous namespace)::spin_kernel(long)", KernelClass.OTHER),
    ],
)  # fmt: skip
def test_names_of_real_kernels_have_their_class(name, expected):
    assert kernel_class(name) == expected


def test_the_table_equals_that_of_the_tensorboard_plugin():
    golden = real("kineto_tb_plugin/result_check_file.txt").read_text().splitlines()
    expected = {row[0]: row for row in json.loads(golden[3])["data"]["rows"]}
    trace = real_trace(PLUGIN)

    table = kernels(trace)

    assert len(table) == len(expected)
    for at, name in enumerate(table.name):
        used, calls, total, mean, longest, shortest, blocks, occupancy = expected[trace.text(name)][
            1:
        ]
        assert used == ("Yes" if table.tensor_cores[at] == TensorCores.USED else "No")
        assert (table.count[at], table.total_ns[at]) == (calls, total * 1000)
        assert (table.max_ns[at], table.min_ns[at]) == (longest * 1000, shortest * 1000)
        assert table.mean_ns[at] / 1000 == pytest.approx(mean, abs=0.5)
        assert table.blocks_per_sm[at] == pytest.approx(blocks, abs=0.0051)
        assert table.occupancy[at] == pytest.approx(occupancy, abs=0.0051)


@pytest.mark.parametrize("base", TRACELENS)
def test_the_table_equals_that_of_tracelens(base):
    summary = real(f"{base}_perf_report_csvs/kernel_summary.csv")
    trace = real_trace(f"{base}.json.gz")

    table = kernels(trace, ("name", "operator", "stream"))
    found = {
        (trace.text(table.name[k]), trace.text(table.operator[k]), str(table.stream[k])): k
        for k in range(len(table))
    }

    with summary.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found)
    for row in rows:
        k = found[row["Kernel name"], row.get("Parent cpu_op", ""), row["Kernel stream"]]
        assert table.count[k] == int(row["Kernel duration (µs)_count"])
        for column, values in (
            ("sum", table.total_ns),
            ("min", table.min_ns),
            ("max", table.max_ns),
        ):
            assert values[k] / 1000 == pytest.approx(
                float(row[f"Kernel duration (µs)_{column}"]), abs=0.002
            )


@pytest.mark.parametrize(
    ("file", "golden"),
    [
        ("xprof/GPU-multi-worker_34.83.195.179_6003.xplane.pb",
         "GPU-multi-worker.xprof2.24.2.kernel_stats.json"),
        ("tracelens/mi300/jax_conv_minimal_08/tw003.xplane.pb",
         "tw003_kernel_stats.xprof2.24.2.json"),
    ],
)  # fmt: skip
def test_the_table_equals_that_of_xprof(file, golden):
    stats = json.loads(real(f"xprof/expected/{golden}").read_text())
    columns = [column["id"] for column in stats["cols"]]
    expected = {}
    for row in stats["rows"]:
        of = dict(zip(columns, (cell["v"] for cell in row["c"]), strict=True))
        total, count, _ = expected.get(of["kernel_name"], (0.0, 0, False))
        expected[of["kernel_name"]] = (
            total + of["total_duration_us"], count + of["occurrences"],
            of["is_kernel_using_tensor_core"],
        )  # fmt: skip
    trace = real_trace(file)

    table = kernels(trace)

    found = {
        trace.text(table.name[k]): (
            pytest.approx(table.total_ns[k] / 1000, abs=0.002), table.count[k],
            bool(table.tensor_cores[k] == TensorCores.USED),
        )
        for k in range(len(table))
    }  # fmt: skip
    assert expected == found


def test_all_real_kernels_of_a_trace_are_in_the_table():
    trace = real_trace("tracelens/b200/eager_trace.json.gz")

    table = kernels(trace, ("name", "operator", "launch"))

    assert table.count.sum() == 768
    assert table.total_ns.sum() / 1000 == pytest.approx(10862.9, abs=0.05)
    assert np.count_nonzero(table.kernel_class == KernelClass.OTHER) < len(table) / 10
