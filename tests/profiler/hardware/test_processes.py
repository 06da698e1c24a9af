"""Who is on a GPU."""

from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from gpuboard.profiler.hardware.processes import container_of
from tests.profiler.hardware.fake_nvml import h100

ID = "0123456789ab" + 52 * "c"


def on_gpu(pid: int, mib: int | None = 2_048) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=None if mib is None else mib << 20)


def busy(pid: int, stamp: int, sm: int) -> SimpleNamespace:
    return SimpleNamespace(
        pid=pid, timeStamp=stamp, smUtil=sm, memUtil=7, encUtil=0, decUtil=0xFFFFFFFF
    )


def test_a_process_is_shown_with_its_user_command_memory_and_share(bench):
    gpu, pid = h100(), os.getpid()
    gpu.answers["nvmlDeviceGetComputeRunningProcesses",] = [on_gpu(pid)]
    gpu.answers["nvmlDeviceGetProcessUtilization", 0] = [busy(pid, 5, 40), busy(pid, 9, 55)]
    b = bench(gpu)
    found = b.tick()

    (row,) = b.gpus.processes()

    assert found["gpu/0/processes (count)"] == [1.0]
    assert (row.pid, row.kind, row.memory_mib, row.sm_percent) == (pid, "C", 2048.0, 55.0)
    assert row.decoder_percent is None
    assert row.user == psutil.Process().username()
    assert "python" in row.command
    assert row.started == pytest.approx(psutil.Process().create_time())


def test_shares_are_asked_for_since_the_last_look(bench):
    gpu, pid = h100(), os.getpid()
    gpu.answers["nvmlDeviceGetComputeRunningProcesses",] = [on_gpu(pid)]
    gpu.answers["nvmlDeviceGetProcessUtilization", 0] = [busy(pid, 9, 55)]
    gpu.answers["nvmlDeviceGetProcessUtilization", 9] = [busy(pid, 12, 66)]
    b = bench(gpu)
    b.tick()
    b.tick()

    assert b.gpus.processes()[0].sm_percent == 66.0


def test_a_process_that_computes_and_draws_is_one_row(bench):
    gpu = h100()
    gpu.answers["nvmlDeviceGetComputeRunningProcesses",] = [on_gpu(1)]
    gpu.answers["nvmlDeviceGetGraphicsRunningProcesses",] = [on_gpu(1)]
    b = bench(gpu)
    b.tick()

    assert [row.kind for row in b.gpus.processes()] == ["C+G"]


def test_a_process_of_another_namespace_has_its_memory_and_no_name(bench):
    gpu, nobody = h100(), 2**22 + 12345
    gpu.answers["nvmlDeviceGetComputeRunningProcesses",] = [on_gpu(nobody)]
    b = bench(gpu)
    b.tick()

    (row,) = b.gpus.processes()

    assert (row.pid, row.memory_mib, row.command, row.started) == (nobody, 2048.0, "", None)


def test_memory_that_the_driver_does_not_tell_is_none_and_not_zero(bench):
    gpu = h100()
    gpu.answers["nvmlDeviceGetComputeRunningProcesses",] = [on_gpu(1, None)]
    b = bench(gpu)
    b.tick()

    assert b.gpus.processes()[0].memory_mib is None


def test_without_a_list_there_is_no_count_of_processes(bench):
    gpu = h100()
    del gpu.answers["nvmlDeviceGetComputeRunningProcesses",]
    b = bench(gpu)

    assert "gpu/0/processes (count)" not in b.tick()


@pytest.mark.parametrize(
    ("text", "container"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", ID[:12]),
        (f"12:devices:/docker/{ID}\n", ID[:12]),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope", ID[:12]),
        (f"0::/kubepods/besteffort/pod7/crio-{ID}.scope", ID[:12]),
        (f"0::/machine.slice/libpod-{ID}.scope/container", ID[:12]),
        ("0::/lxc.payload.training/system.slice", "training"),
        ("0::/user.slice/user-1000.slice/session-3.scope", ""),
        ("0::/", ""),
        ("", ""),
    ],
)
def test_a_container_is_known_by_the_control_group(text, container):
    assert container_of(text) == container


def test_an_old_driver_is_asked_in_the_form_that_it_knows(bench):
    gpu = h100()
    del gpu.answers["nvmlDeviceGetComputeRunningProcesses",]
    gpu.fails["nvmlDeviceGetComputeRunningProcesses"] = 13
    gpu.answers["nvmlDeviceGetComputeRunningProcesses_v2",] = [on_gpu(1)]
    b = bench(gpu)
    b.tick()

    assert [row.pid for row in b.gpus.processes()] == [1]
