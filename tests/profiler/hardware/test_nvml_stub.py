"""The real binding over a stand-in for NVIDIA's library, compiled on the spot."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from gpuboard.profiler.hardware.metrics import METRICS, find
from gpuboard.profiler.hardware.sampler import Sampler
from gpuboard.profiler.hardware.samples import Samples
from gpuboard.profiler.nvml import NvmlState

pytest.importorskip("pynvml")
SOURCE = Path(__file__).with_name("nvml_stub.c")
GCC = shutil.which("gcc")
pytestmark = pytest.mark.skipif(GCC is None, reason="there is no gcc to compile the stand-in")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nvml")
    name = "libnvidia-ml.so.1"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", f"-Wl,-soname,{name}"]
    subprocess.run([GCC, *flags, "-o", str(folder / name), str(SOURCE)], check=True)
    return folder


class Stub:
    """A sampler over the compiled library, and the file that makes calls fail."""

    def __init__(self, library: Path, script: Path) -> None:
        self.script = script
        self.script.write_text("")
        environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "NVML_STUB": str(script)}
        self.sampler = Sampler(period_s=0.15, environment=environment)
        self.parts: list[Samples] = []

    def until(self, holds, seconds=30.0):
        end = time.monotonic() + seconds
        while not holds(self):
            assert time.monotonic() < end, self.sampler.status()
            time.sleep(0.02)
            self.parts.append(self.sampler.take())

    def values(self, metric, place):
        places = [device.place for device in self.sampler.devices()]
        if place not in places:
            return []
        return list(Samples.joined(self.parts).of(metric, places.index(place))[1])


@pytest.fixture
def stub(library, tmp_path):
    made = Stub(library, tmp_path / "script")
    yield made
    made.sampler.stop()


def test_structures_of_the_real_binding_arrive_as_numbers(stub):
    stub.sampler.start()
    stub.until(lambda s: len(s.values(find("gpu", "SM activity"), "gpu/0")) >= 2)

    def first(title, place):
        return stub.values(find("gpu", title), place)[0]

    assert first("temperature", "gpu/0") == 50.0
    assert first("temperature", "gpu/1") == 51.0
    assert first("memory used", "gpu/0") == 5 * 1024
    assert first("utilisation", "gpu/0") == 30.0
    assert first("SM activity", "gpu/0") == 20.0
    assert first("SM occupancy", "gpu/0") == 30.0
    assert first("power", "gpu/0") > 0
    assert first("processes", "gpu/0") == 1.0
    assert stub.sampler.processes()[0].memory_mib == 3 * 1024


def test_what_the_library_lacks_is_absent_with_a_reason(stub):
    stub.sampler.start()
    stub.until(lambda s: len(s.values(find("gpu", "temperature"), "gpu/1")) >= 6)

    places = [device.place for device in stub.sampler.devices()]
    absent = {
        (METRICS[a.metric].title, places[a.device]): a.reason for a in stub.sampler.status().absent
    }

    assert "older than the number" in absent["power limit", "gpu/0"]
    assert "not available" in absent["fan", "gpu/0"]
    assert "no such number" in absent["SM activity", "gpu/1"]
    assert stub.values(find("gpu", "fan"), "gpu/0") == []


def test_a_gpu_lost_under_the_real_binding_leaves_the_other(stub):
    temperature = find("gpu", "temperature")
    stub.sampler.start()
    stub.until(lambda s: s.values(temperature, "gpu/1"))
    stub.script.write_text("nvmlDeviceGetTemperature 1 15\n")
    stub.until(lambda s: s.sampler.status().lost)
    stub.parts.clear()
    stub.until(lambda s: len(s.values(temperature, "gpu/0")) >= 3)

    (lost,) = stub.sampler.status().lost
    assert stub.sampler.devices()[lost.device].key == "GPU-1"
    assert stub.values(temperature, "gpu/1") == []


@pytest.mark.parametrize(
    ("code", "state"), [(9, NvmlState.NO_DRIVER), (18, NvmlState.MISMATCH), (999, NvmlState.FAILED)]
)
def test_a_driver_that_does_not_start_is_named(stub, code, state):
    stub.script.write_text(f"nvmlInitWithFlags - {code}\n")
    stub.sampler.start()
    stub.until(lambda s: s.sampler.status().state == state)

    assert stub.sampler.status().restarts == 0
