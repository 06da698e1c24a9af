"""The machine's own metrics."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from gpuboard.profiler.hardware.devices import Devices
from gpuboard.profiler.hardware.host import HostReader
from gpuboard.profiler.hardware.metrics import METRICS
from gpuboard.profiler.hardware.samples import Batch, Instant

ALL = frozenset({"tick", "slow", "rare"})


def read(host: HostReader, devices: Devices, now: float) -> dict[str, float]:
    batch = Batch()
    host.read(ALL, Instant(1.7e9 + now, now), batch)
    samples = batch.taken()
    return {
        METRICS[m].tag(devices.rows()[d].place): float(v)
        for m, d, v in zip(samples.metric, samples.device, samples.value, strict=True)
    }


@pytest.fixture
def devices():
    return Devices()


def test_memory_used_and_free_make_up_the_whole(devices):
    found = read(HostReader(devices), devices, 1.0)

    whole = psutil.virtual_memory().total / 2**20
    both = found["host/memory used (MiB)"] + found["host/memory free (MiB)"]
    assert both == pytest.approx(whole, rel=0.02)


def test_shares_of_time_need_two_looks(devices):
    host = HostReader(devices)
    first = read(host, devices, 1.0)
    sum(k * k for k in range(300_000))
    second = read(host, devices, 2.0)

    assert "host/cpu (%)" not in first
    assert 0 <= second["host/cpu (%)"] <= 100
    cores = [tag for tag in second if tag.startswith("host/core")]
    assert len(cores) == psutil.cpu_count()


def test_disk_and_network_are_growth_per_second_without_loopback(devices, monkeypatch):
    disk = SimpleNamespace(read_bytes=0, write_bytes=0)
    cards = {
        "lo": SimpleNamespace(bytes_recv=0, bytes_sent=0),
        "eth0": SimpleNamespace(bytes_recv=0, bytes_sent=0),
    }
    monkeypatch.setattr(psutil, "disk_io_counters", lambda: disk)
    monkeypatch.setattr(psutil, "net_io_counters", lambda pernic: cards)
    host = HostReader(devices)
    read(host, devices, 1.0)
    disk.read_bytes = 8 << 20
    cards["eth0"].bytes_recv = 6 << 20
    cards["lo"].bytes_recv = 500 << 20

    found = read(host, devices, 3.0)

    assert found["host/disk read (MiB/s)"] == 4.0
    assert found["host/network received (MiB/s)"] == 3.0


def test_what_the_system_does_not_offer_is_absent_with_a_reason(devices, monkeypatch):
    monkeypatch.setattr(psutil, "disk_io_counters", lambda: None)
    host = HostReader(devices)

    found = read(host, devices, 1.0)

    assert "host/disk read (MiB/s)" not in found
    reasons = {METRICS[a.metric].name: a.reason for a in host.absent()}
    assert "no disks" in reasons["disk read (MiB/s)"]


def test_no_rate_spans_a_gap(devices, monkeypatch):
    disk = SimpleNamespace(read_bytes=0, write_bytes=0)
    monkeypatch.setattr(psutil, "disk_io_counters", lambda: disk)
    host = HostReader(devices)
    read(host, devices, 1.0)
    host.forget()
    disk.read_bytes = 1 << 30

    found = read(host, devices, 900.0)

    assert "host/disk read (MiB/s)" not in found
    assert "host/cpu (%)" not in found


def test_a_training_is_its_tree_of_processes(devices):
    code = (
        "import subprocess, sys, time\n"
        "one = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print('up', flush=True); input(); one.stdin.close(); one.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as root:
        assert root.stdout.readline() == b"up\n"
        host = HostReader(devices, root.pid)
        first = read(host, devices, 1.0)
        second = read(host, devices, 2.0)
        root.communicate(b"\n")
        after = read(host, devices, 3.0)

    assert first["training/processes (count)"] == 2
    assert first["training/workers (count)"] == 1
    assert first["training/memory used (MiB)"] > 5
    assert "training/cpu (%)" not in first
    assert second["training/cpu (%)"] >= 0
    assert not any(tag.startswith("training/") for tag in after)


def test_a_training_that_is_not_there_leaves_the_host(devices):
    nobody = 2**22 + 4321

    found = read(HostReader(devices, nobody), devices, 1.0)

    assert "host/load (processes)" in found
    assert not any(tag.startswith("training/") for tag in found)
