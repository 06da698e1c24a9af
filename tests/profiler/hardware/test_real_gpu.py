"""What only a real driver can tell."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gpuboard.profiler.hardware.metrics import METRICS, NUMBER_OF, find
from gpuboard.profiler.hardware.sampler import Sampler
from gpuboard.profiler.nvml import NvmlState

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not Path("/dev/nvidiactl").exists(), reason="there is no NVIDIA driver on this machine"
    ),
]


def test_a_real_gpu_gives_believable_numbers():
    with Sampler(period_s=0.5) as sampler:
        time.sleep(12)
        samples, status = sampler.take(), sampler.status()
        devices = sampler.devices()
    (gpu, *_) = [k for k, d in enumerate(devices) if d.on == "gpu" and not d.is_mig]
    for absent in status.absent:
        print(devices[absent.device].place, METRICS[absent.metric].title, "-", absent.reason)

    def values(title):
        return samples.of(find("gpu", title), gpu)[1]

    assert status.state == NvmlState.READY
    assert status.restarts == 0
    whole = values("memory used")[-1] + values("memory free")[-1]
    assert whole == pytest.approx(devices[gpu].memory_mib, rel=0.02)
    assert 10 < values("temperature").mean() < 110
    assert 5 < values("power").mean() < 1_500
    for metric in METRICS:
        if metric.unit == "%":
            shares = samples.value[samples.metric == NUMBER_OF[metric]]
            assert ((shares >= 0) & (shares <= 101)).all() or metric.on == "training", metric.name
