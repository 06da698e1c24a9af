"""One tick of the sampling process."""

from __future__ import annotations

import json
import sys

import pytest

from gpuboard.profiler.hardware import wire
from gpuboard.profiler.hardware.child import Child, Settings
from gpuboard.profiler.hardware.metrics import METRICS
from gpuboard.profiler.hardware.samples import DeviceInfo
from gpuboard.profiler.nvml import NvmlState
from tests.fakes import FakeClock
from tests.profiler.hardware.fake_nvml import FakeNvml, h100


class Sent:
    """Keeps what a child sends."""

    def __init__(self) -> None:
        self.frames: list[tuple[bytes, bytes]] = []
        self._cut = wire.Frames()

    def __call__(self, frame: bytes) -> None:
        self.frames += self._cut.feed(frame)

    def last(self, kind: bytes) -> bytes:
        return [payload for k, payload in self.frames if k == kind][-1]

    def tags(self) -> set[str]:
        devices = wire.read_devices(self.last(wire.DEVICES))
        found = set()
        for kind, payload in self.frames:
            if kind == wire.SAMPLES:
                samples = wire.read_samples(payload)
                pairs = zip(samples.metric, samples.device, strict=True)
                found |= {METRICS[m].tag(devices[d].place) for m, d in pairs}
        return found


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def run(monkeypatch, clock):
    def make(fake, **settings):
        monkeypatch.setitem(sys.modules, "fake_for_child", fake)
        sent = Sent()
        return Child(Settings(nvml_module="fake_for_child", **settings), sent, clock), sent

    return make


def test_settings_survive_the_way_to_the_child():
    settings = Settings(0.5, True, "x", 42, 9.0, (DeviceInfo("GPU-0", "gpu/0", "gpu"),))

    assert Settings.from_line(settings.to_line()) == settings


def test_the_host_is_sent_before_the_driver_is_touched(run):
    fake = FakeNvml(h100())
    child, sent = run(fake)
    asked_at_first_samples = []
    child._send = lambda frame: (
        asked_at_first_samples.append(fake.total_calls) if frame[:1] == b"S" else None,
        sent(frame),
    )

    child.tick()

    assert asked_at_first_samples[0] == 0
    assert fake.total_calls > 0
    assert {"host/load (processes)", "gpu/0/temperature (°C)"} <= sent.tags()


def test_a_child_without_gpus_never_asks_the_driver(run):
    fake = FakeNvml(h100())
    child, sent = run(fake, with_gpu=False)

    child.tick()

    assert fake.total_calls == 0
    assert wire.read_status(sent.last(wire.STATUS)).state == NvmlState.OFF


def test_a_fault_of_our_own_darkens_the_gpus_and_not_the_host(run, clock):
    gpu = h100()
    gpu.answers["nvmlDeviceGetRemappedRows",] = ()  # no place 0: an IndexError
    child, sent = run(FakeNvml(gpu))
    child.tick()
    status = wire.read_status(sent.last(wire.STATUS))
    sent.frames.clear()
    clock.advance(1.0)
    child.tick()

    assert status.state == NvmlState.FAILED
    assert "IndexError" in status.sentence
    assert any(kind == wire.SAMPLES for kind, _ in sent.frames)
    gpu.answers["nvmlDeviceGetRemappedRows",] = (0, 0, 0, 0)
    clock.advance(60.0)
    child.tick()
    assert wire.read_status(sent.last(wire.STATUS)).state == NvmlState.READY


def test_known_devices_keep_their_numbers_in_a_new_process(run):
    known = (DeviceInfo("GPU-b", "gpu/5", "gpu"), DeviceInfo("host", "host", "host"))
    child, sent = run(FakeNvml(h100("GPU-a"), h100("GPU-b")), devices=known)
    child.tick()

    devices = wire.read_devices(sent.last(wire.DEVICES))

    assert [d.key for d in devices[:2]] == ["GPU-b", "host"]
    assert devices[0].place == "gpu/5"


def test_status_is_sent_when_it_changes_and_every_ten_seconds(run, clock):
    child, sent = run(FakeNvml(h100()))
    for _ in range(31):
        child.tick()
        clock.advance(1.0)
    quiet = sum(kind == wire.STATUS for kind, _ in sent.frames)

    assert 4 <= quiet <= 10


def test_while_the_driver_starts_more_patience_is_asked_for(run):
    child, sent = run(FakeNvml(h100()), patience_s=5.0)
    child.tick()

    beats = [json.loads(payload) for kind, payload in sent.frames if kind == wire.BEAT]

    assert beats[0] > beats[-1] == 5.0


def test_a_pause_is_told_as_a_gap(run, clock):
    child, sent = run(FakeNvml(h100()))
    child.tick()
    paused_at = clock.now
    clock.advance(600.0)
    child.tick()

    gaps = wire.read_status(sent.last(wire.STATUS)).gaps

    assert [(gap.start, gap.end) for gap in gaps] == [(paused_at, paused_at + 600.0)]


def test_eight_gpus_take_few_calls_a_tick(run, clock):
    fake = FakeNvml(*(h100(f"GPU-{k}") for k in range(8)))
    child, _ = run(fake)
    child.tick()
    clock.advance(1.0)
    child.tick()
    before = fake.total_calls
    clock.advance(1.0)

    child.tick()

    assert (fake.total_calls - before) / 8 <= 17
