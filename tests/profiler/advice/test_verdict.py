"""The verdict: on real traces whose bottleneck is known, and on made ones with one fault each."""

from __future__ import annotations

import json

import pytest

from gpuboard.profiler.advice.evidence import Evidence
from gpuboard.profiler.advice.rules import RULES
from gpuboard.profiler.advice.verdict import judge, verdict
from tests.profiler.real import TRACES, real
from tests.profiler.slow_kineto import read_trace, trace_of


def step(n, ts, dur):
    return {"ph": "X", "cat": "user_annotation", "name": f"ProfilerStep#{n}", "pid": 1, "tid": 1,
            "ts": ts, "dur": dur, "args": {}}  # fmt: skip


def host(name, ts, dur, cat="cpu_op", **args):
    return {"ph": "X", "cat": cat, "name": name, "pid": 1, "tid": 1, "ts": ts, "dur": dur,
            "args": args}  # fmt: skip


def launched(name, ts, begin, dur, number, *, stream=7, cat="kernel", call="cudaLaunchKernel"):
    return [
        host(call, ts, 5, "cuda_runtime", correlation=number),
        {"ph": "X", "cat": cat, "name": name, "pid": 0, "tid": stream, "ts": begin, "dur": dur,
         "args": {"correlation": number, "device": 0, "stream": stream}},
    ]  # fmt: skip


def waiting(ts, dur):
    return host("cudaDeviceSynchronize", ts, dur, "cuda_runtime", correlation=0)


GEMM = "ampere_bf16_s16816gemm_bf16_128x128_ldg8_f2f_stages_64x3_tn"
SGEMM = "volta_sgemm_128x64_nn"
ADD = "void at::native::vectorized_elementwise_kernel<4, at::native::AddFunctor<float>>"
LOADER = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"


def first(trace):
    return verdict([trace])[0]


def busy_steps(kernel, *, steps=4, count=10, dur=95):
    """Steps in which the device never waits: all launches come early."""
    events, number = [], 0
    for n in range(steps):
        events.append(step(n, n * 1000, 1000))
        for k in range(count):
            number += 1
            at = 10 + n * 1000 + k * 100
            events += launched(kernel, n * 1000 + k * 8 + 1, at, dur, number)
        events.append(waiting(n * 1000 + 100, 899))
    return events


def test_a_device_that_waits_for_batches_is_input_bound() -> None:
    events = []
    for n in range(4):
        t = n * 1000
        events += [step(n, t, 1000), host(LOADER, t, 600, "user_annotation")]
        events += launched(GEMM, t + 605, t + 612, 380, n + 1)
    found = first(trace_of(events))
    assert found.kind == "input_bound"
    assert found.share == pytest.approx(0.6, abs=0.03)
    assert found.gain_share == pytest.approx(0.6, abs=0.05)
    assert "data loader" in found.statement
    pause = found.evidence[1]
    assert pause.view == "timeline"
    assert pause.window is not None
    assert pause.window[1] - pause.window[0] == pytest.approx(600_000, rel=0.1)


def test_short_kernels_behind_a_slow_host_are_launch_bound() -> None:
    events, number = [], 0
    for n in range(3):
        events.append(step(n, n * 1000, 1000))
        for k in range(10):
            number += 1
            t = n * 1000 + k * 100
            events.append(host("aten::mm", t, 95))
            events += launched(GEMM, t + 50, t + 60, 4, number)
    found = first(trace_of(events))
    assert found.kind == "launch_bound"
    assert found.share > 0.9
    assert found.gain_share > 0.8


def test_communication_on_its_own_is_exposed() -> None:
    events, number = [], 0
    for n in range(3):
        t = n * 1000
        events.append(step(n, t, 1000))
        number += 2
        events += launched(GEMM, t + 1, t + 10, 490, number)
        events += launched("ncclDevKernel_AllReduce_Sum_bf16_RING_LL", t + 20, t + 500, 490,
                           number + 1, stream=20)  # fmt: skip
        events.append(waiting(t + 100, 899))
    found = first(trace_of(events))
    assert found.kind == "exposed_communication"
    assert found.share == pytest.approx(0.5, abs=0.02)
    assert found.gain_share > 0.4
    assert "hides 0.0 %" in found.statement


def test_communication_under_computing_is_no_matter() -> None:
    events = busy_steps(GEMM)
    events += launched("ncclDevKernel_AllReduce_Sum_bf16_RING_LL", 5, 20, 900, 999, stream=20)
    assert "exposed_communication" not in {found.kind for found in verdict([trace_of(events)])}


def test_a_busy_device_that_computes_is_compute_bound() -> None:
    found = first(trace_of(busy_steps(GEMM)))
    assert found.kind == "compute_bound"
    assert found.share > 0.9
    assert not found.is_waiting


def test_a_busy_device_that_moves_data_is_bound_by_its_memory() -> None:
    found = first(trace_of(busy_steps(ADD)))
    assert found.kind == "memory_bandwidth_bound"
    assert found.gain_share == pytest.approx(found.share / 2, abs=0.05)


def test_products_beside_the_tensor_cores_are_told() -> None:
    meta = {"deviceProperties": [{"id": 0, "name": "A100", "computeMajor": 8, "computeMinor": 0}]}
    kinds = [found.kind for found in verdict([trace_of(busy_steps(SGEMM), meta)])]
    assert kinds[0] == "no_tensor_cores"
    old = {"deviceProperties": [{"id": 0, "name": "P100", "computeMajor": 6, "computeMinor": 0}]}
    kinds = [found.kind for found in verdict([trace_of(busy_steps(SGEMM), old)])]
    assert "no_tensor_cores" not in kinds


def test_waiting_for_the_device_in_every_step_is_told_with_who_asked() -> None:
    events = []
    for n in range(4):
        t = n * 1000
        events.append(step(n, t, 1000))
        events += launched(GEMM, t + 500, t + 510, 390, n + 1)
        events.append(host("aten::item", t + 520, 385))
        events.append(host("cudaStreamSynchronize", t + 525, 378, "cuda_runtime", correlation=-1))
    found = first(trace_of(events))
    assert found.kind == "synchronising"
    assert found.share == pytest.approx(0.48, abs=0.01)
    assert found.gain_share > 0.3
    assert "4 times" in found.statement
    assert "aten::item" in found.statement


def test_memory_from_the_driver_in_steps_is_told() -> None:
    events = busy_steps(GEMM)
    for n in range(4):
        events.append(host("cudaMalloc", n * 1000 + 900, 60, "cuda_runtime", correlation=0))
    found = {one.kind: one for one in verdict([trace_of(events)])}
    assert found["allocator"].share == pytest.approx(0.06, abs=0.01)


def test_a_trace_without_device_work_says_so_and_nothing_else() -> None:
    found = verdict([trace_of([host("aten::mm", 0, 100)])])
    assert [one.kind for one in found] == ["no_device_work"]
    assert verdict([trace_of([])]) == ()


def test_what_a_rank_waits_for_comes_before_its_own_slowness() -> None:
    traces = []
    for rank, late in ((0, 0), (1, 400)):
        events, number = [], 0
        for n in range(3):
            t = n * 1000
            number += 2
            events.append(step(n, t, 1000))
            events += launched(GEMM, t + 1 + late, t + 10 + late, 90, number)
            events += launched("ncclDevKernel_AllReduce_Sum_bf16_RING_LL", t + 20 + late,
                               t + 100 + late, 600 - late, number + 1, stream=20)  # fmt: skip
        meta = {"distributedInfo": {"rank": rank, "world_size": 2, "backend": "nccl"}}
        traces.append(trace_of(events, meta))
    found = verdict(traces)
    assert found[0].kind == "straggler"
    assert "rank 1 (last in 3)" in found[0].statement
    assert {proof.rank for proof in found[0].evidence if "caused" in proof.label} == {1}


def test_a_verdict_is_plain_json() -> None:
    found = [one.as_json() for one in verdict([trace_of(busy_steps(GEMM))])]
    assert json.loads(json.dumps(found)) == found
    assert set(found[0]) == {"kind", "share", "statement", "advice", "gain_share", "evidence"}


def test_the_rules_have_names_of_their_own_and_thresholds_in_bounds() -> None:
    assert len({rule.kind for rule in RULES}) == len(RULES)
    assert all(0 <= rule.threshold < 1 for rule in RULES)


def test_figures_are_gathered_once_and_only_when_asked_for() -> None:
    evidence = Evidence(trace_of(busy_steps(GEMM)))
    judge([evidence])
    assert evidence.path is evidence.path


KNOWN = {
    "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz": "input_bound",
    "tracelens/h100/Falconsai_nsfw_image_detection__1016002.json.gz": "launch_bound",
    "tracelens/mi300/resnet_act_checkpoint.json.gz": "exposed_communication",
    "tracelens/inference/vllm_decode_full/graph_execution.json.gz": "compute_bound",
}


@pytest.mark.parametrize(("path", "kind"), KNOWN.items(), ids=lambda text: text.split("/")[-1][:20])
def test_the_right_verdict_is_known_of_a_real_trace(path: str, kind: str) -> None:
    assert first(read_trace(real(path))).kind == kind


def test_a_third_of_num_workers_0_passes_in_the_data_loader() -> None:
    path = "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz"
    found = first(read_trace(real(path)))
    assert found.share == pytest.approx(59_262 / 177_592, abs=0.001)
    assert "33 %" in found.statement
    assert found.gain_share == pytest.approx(found.share, abs=0.02)


def test_timesformer_is_held_back_by_its_gpu_alone() -> None:
    path = "tracelens/h100/facebook_timesformer-base-finetuned-k400__1016002.json.gz"
    found = verdict([read_trace(real(path))])
    assert not found[0].is_waiting
    assert found[0].share > 0.5


def test_dlrm_waits_for_ranks_2_and_7() -> None:
    real("param/dlrm_8ranks")
    traces = [read_trace(file) for file in sorted((TRACES / "param/dlrm_8ranks").iterdir())]
    found = verdict(traces)
    assert found[0].kind == "straggler"
    assert "ranks 2 and 7" in found[0].statement
    assert "exposed_communication" in {one.kind for one in found}
