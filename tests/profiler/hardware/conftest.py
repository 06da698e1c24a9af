"""Put a fake binding where the reader of GPUs looks for one."""

from __future__ import annotations

import sys

import pytest

from gpuboard.profiler.hardware.devices import Devices
from gpuboard.profiler.hardware.gpus import Gpus
from gpuboard.profiler.hardware.metrics import METRICS
from gpuboard.profiler.hardware.samples import Batch, Instant
from gpuboard.profiler.nvml import Nvml
from tests.profiler.hardware.fake_nvml import FakeNvml, h100

ALL_PACES = frozenset({"tick", "slow", "rare"})
START = 1_700_000_000.0


class Bench:
    """A fake library, the reader over it, and a clock that only moves when told to."""

    def __init__(self, fake: FakeNvml, name: str) -> None:
        self.fake = fake
        self.devices = Devices()
        self.gpus = Gpus(Nvml(name), self.devices)
        self.at = Instant(START, 1_000.0)

    def tick(
        self, seconds: float = 1.0, paces: frozenset[str] = ALL_PACES
    ) -> dict[str, list[float]]:
        """Let time pass, read all, and return the values by tag."""
        self.at = Instant(self.at.wall + seconds, self.at.monotonic + seconds)
        return self.read(paces)

    def read(self, paces: frozenset[str] = ALL_PACES) -> dict[str, list[float]]:
        batch = Batch()
        self.gpus.tick(paces, self.at, batch)
        self.samples = batch.taken()
        rows, found = self.devices.rows(), {}
        for number, device, value in zip(
            self.samples.metric, self.samples.device, self.samples.value, strict=True
        ):
            found.setdefault(METRICS[number].tag(rows[device].place), []).append(float(value))
        return found

    def reasons(self) -> dict[str, str]:
        """Return why metrics are absent, by tag."""
        rows = self.devices.rows()
        return {METRICS[a.metric].tag(rows[a.device].place): a.reason for a in self.gpus.absent()}

    def lost(self) -> dict[str, tuple[float, str]]:
        rows = self.devices.rows()
        return {rows[one.device].key: (one.since, one.reason) for one in self.gpus.lost()}


@pytest.fixture
def bench(monkeypatch):
    """Return a function that makes a bench over some GPUs, one H100 unless told otherwise."""

    def make(*gpus):
        fake = FakeNvml(*(gpus or (h100(),)))
        monkeypatch.setitem(sys.modules, "fake_nvml_of_the_test", fake)
        return Bench(fake, "fake_nvml_of_the_test")

    return make
