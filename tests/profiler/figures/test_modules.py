"""Test the tree of modules and what time is booked on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gpuboard.profiler.figures.memory import memory
from gpuboard.profiler.figures.memory_peak import peak_holders
from gpuboard.profiler.figures.modules import NO_MODULES, ModuleTree, modules
from gpuboard.profiler.figures.work_amount import work_amount
from tests.profiler.figures.events import launched, note, op, python
from tests.profiler.real import real_trace
from tests.profiler.slow_kineto import read_trace, trace_of


def rows(tree: ModuleTree, *columns: str) -> dict[str, Any]:
    return {
        tree.path(row): tuple(getattr(tree, column)[row].item() for column in columns)
        for row in range(len(tree.name))
    }


def forward(at: float) -> list[dict[str, Any]]:
    """Net_0 of 100 us calls Linear_0 of 40, whose product launches 30 us of work."""
    return [
        python("nn.Module: Net_0", at, 100), python("model.py(3): forward", at + 5, 90),
        python("nn.Module: Linear_0", at + 10, 40),
        op("aten::linear", at + 15, 30, **{"Sequence number": int(at), "Fwd thread id": 0}),
        *launched(int(at) + 1, at + 20, dur=30, wait=500),
        op("aten::relu", at + 60, 20, **{"Sequence number": int(at) + 1, "Fwd thread id": 0}),
        *launched(int(at) + 2, at + 65, dur=7, wait=500),
    ]  # fmt: skip


def backward(at: float, of: int, dur: float) -> list[dict[str, Any]]:
    numbers = {"Sequence number": of, "Fwd thread id": 1}
    return [
        op("autograd::engine::evaluate_function: B", at, 40, tid=2, **numbers),
        op("B", at + 1, 35, tid=2, **numbers),
        op("aten::mm", at + 2, 30, tid=2),
        *[
            event | {"tid": 2} if event["cat"] == "cuda_runtime" else event
            for event in launched(of + 10_000, at + 3, dur=dur, wait=500)
        ],
    ]


def test_calls_of_one_module_at_one_place_are_one_row() -> None:
    tree = modules(trace_of([*forward(0), *forward(1000)]))

    assert tree.source == "python"
    assert rows(tree, "occurrences", "operators", "host_ns", "host_own_ns") == {
        "Net_0": (2, 2, 200_000, 120_000),
        "Net_0.Linear_0": (2, 2, 80_000, 80_000),
    }
    assert tree.depth.tolist() == [0, 1]


def test_device_work_belongs_to_the_module_of_its_operator() -> None:
    tree = modules(trace_of([*forward(0), *launched(99, 200, dur=5)]))

    assert rows(tree, "device_ns", "device_own_ns") == {
        "Net_0": (37_000, 7_000),
        "Net_0.Linear_0": (30_000, 30_000),
    }
    assert tree.unassigned_ns == 5_000


def test_the_backward_pass_belongs_to_the_module_of_its_forward_operator() -> None:
    trace = trace_of([*forward(0), *backward(300, 1, 11), *backward(400, 0, 60)])
    tree = modules(trace)

    assert tree.backward_absent == ""
    assert rows(tree, "backward_ns", "backward_own_ns", "backward_host_ns") == {
        "Net_0": (71_000, 11_000, 80_000),
        "Net_0.Linear_0": (60_000, 60_000, 40_000),
    }
    assert tree.unassigned_ns == 0


def test_modules_under_one_follow_it_as_they_were_called() -> None:
    names = [("A", 0, 100), ("B", 10, 30), ("C", 15, 10), ("D", 50, 40), ("C", 60, 10)]
    tree = modules(trace_of([python(f"nn.Module: {n}", s, d) for n, s, d in names]))

    assert [tree.path(row) for row in range(5)] == ["A", "A.B", "A.B.C", "A.D", "A.D.C"]


def test_annotations_of_lightning_name_modules_too() -> None:
    tree = modules(trace_of([note("[pl][module]torch.nn.Linear: a", 0, 10), op("x", 2, 3)]))

    assert tree.source == "lightning"
    assert tree.name == ("torch.nn.Linear: a",)
    assert tree.operators.tolist() == [1]


def test_hierarchies_of_operators_name_modules_too() -> None:
    inner = {"Module Hierarchy": "TOP(Net)::forward.conv(Conv2d)::forward"}
    outer = {"Module Hierarchy": "TOP(Net)::forward"}
    trace = trace_of(
        [op("a", 0, 10, **inner), *launched(1, 2, dur=4, wait=50), op("b", 20, 5, **outer)]
    )
    tree = modules(trace)

    assert tree.source == "hierarchy"
    assert rows(tree, "occurrences", "host_ns", "host_own_ns", "device_ns") == {
        "TOP(Net)": (-1, 15_000, 5_000, 4_000),
        "TOP(Net).conv(Conv2d)": (-1, 10_000, 10_000, 4_000),
    }


def test_a_trace_without_modules_says_how_to_get_them() -> None:
    tree = modules(trace_of([op("a", 0, 10), *launched(1, 2)]))

    assert tree.absent == NO_MODULES
    assert tree.name == ()
    assert tree.unassigned_ns == 10_000


def test_a_real_model_has_all_its_device_time_in_its_tree() -> None:
    path = "tracelens/h100/gaunernst_bert-small-uncased__1016001.json.gz"
    trace = real_trace(path)
    tree = modules(trace)

    total = int(trace.slices.dur[trace.work.row].sum())
    assert tree.device_ns[0] == tree.device_own_ns.sum() == total
    paths = [tree.path(row) for row in range(len(tree.name))]
    assert "BertLMHeadModel_0.BertModel_0.BertEmbeddings_0.Embedding_0" in paths


def test_a_real_training_step_has_its_backward_pass_in_its_tree() -> None:
    trace = real_trace("tracelens/mi300/resnet_act_checkpoint.json.gz")
    tree = modules(trace)
    paths = {tree.path(row): row for row in range(len(tree.name))}
    norm = paths["DistributedDataParallel_0.ResNet_0.BatchNorm2d_0"]

    assert tree.occurrences[norm] == 3
    # The only backward kernels of a batch norm over 112 x 112, as TraceLens has them too.
    assert tree.backward_ns[norm] == 1_197_629


@pytest.mark.torch
def test_modules_and_memory_of_a_run_of_today_are_found(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 8))
    options = {"record_shapes": True, "profile_memory": True, "with_stack": True}
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], **options
    ) as profile:
        for _ in range(2):
            net(torch.ones(16, 64)).sum().backward()
    profile.export_chrome_trace(str(tmp_path / "trace.json"))
    trace = read_trace(tmp_path / "trace.json")

    tree = modules(trace)
    found = rows(tree, "occurrences", "operators")
    assert found["Sequential_0.Linear_0"] == found["Sequential_0.ReLU_0"] == (2, 2)
    assert (tree.backward_host_own_ns[1:] > 0).all()

    held = memory(trace)
    holders = peak_holders(trace, held, held.curves[0], "module")
    assert "nn.Module: Linear_0 (backward)" in holders.label
    assert holders.bytes.sum() == held.curves[0].peak
    amount = work_amount(trace)
    products = sum(
        int(flops * calls)
        for family, flops, calls in zip(amount.family, amount.flops, amount.calls, strict=True)
        if family == "matrix product"
    )
    # Forward with bias; backward for weights of both layers and for the input of the second.
    forward = 2 * 16 * 64 * 32 + 16 * 32 + 2 * 16 * 32 * 8 + 16 * 8
    assert products == 2 * (forward + 2 * 16 * 64 * 32 + 2 * (2 * 16 * 32 * 8))
