"""The list of GPUs: lost ones, slices that come and go, drivers that go away."""

from __future__ import annotations

import sys

import pytest

from gpuboard.profiler.hardware.devices import Devices
from gpuboard.profiler.hardware.gpus import Gpus
from gpuboard.profiler.hardware.samples import Batch
from gpuboard.profiler.nvml import Nvml, NvmlState
from tests.profiler.hardware.fake_nvml import FakeGpu, FakeNvml, h100

TEMPERATURE = "gpu/{}/temperature (°C)"


def a_slice(number: int, uuid: str) -> FakeGpu:
    return FakeGpu(
        uuid,
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        answers={("nvmlDeviceGetMemoryInfo",): h100().answers["nvmlDeviceGetMemoryInfo",]},
        gpm={2: 10.0 * number},
        instance=number,
    )


def test_a_lost_gpu_is_named_with_its_time_and_the_others_go_on(bench):
    one, two = h100("GPU-a"), h100("GPU-b")
    b = bench(one, two)
    b.tick()
    one.lost = 15
    found = b.tick()
    since = b.at.wall

    assert TEMPERATURE.format(0) not in found
    assert found[TEMPERATURE.format(1)] == [61.0]
    for _ in range(100):
        assert TEMPERATURE.format(1) in b.tick()
    assert list(b.lost()) == ["GPU-a"]
    assert b.lost()["GPU-a"][0] == since
    assert "fell off the bus" in b.lost()["GPU-a"][1]


def test_a_gpu_that_comes_back_keeps_its_place_and_starts_its_counters_anew(bench):
    one, two = h100("GPU-a"), h100("GPU-b")
    b = bench(one, two)
    b.tick()
    one.lost = 16
    b.tick()
    one.lost, one.fields[83, 0] = 0, 5
    first = b.tick(20.0)
    one.fields[83, 0] = 100_005
    second = b.tick()

    assert not b.lost()
    assert "gpu/0/power (W)" not in first
    assert second["gpu/0/power (W)"] == [pytest.approx(100.0)]
    assert [row.key for row in b.devices.rows()] == ["GPU-a", "GPU-b"]


def test_a_gpu_that_is_listed_but_does_not_answer_was_lost_when_it_fell_silent(bench):
    gpu = h100("GPU-a")
    b = bench(gpu)
    b.tick()
    gpu.fails["nvmlDeviceGetTemperature"] = 15
    b.tick()
    since = b.at.wall
    for _ in range(10):
        b.tick(10.0)

    assert b.lost()["GPU-a"][0] == since


def test_a_gpu_lost_before_it_was_ever_seen_is_noted_by_its_number(bench):
    one, two = h100("GPU-a"), h100("GPU-b")
    one.lost = 15
    b = bench(one, two)
    found = b.tick()

    assert found[TEMPERATURE.format(1)] == [61.0]
    assert "GPU number 0" in b.gpus.notes()[0]


def test_gpus_that_change_their_order_keep_their_tags(bench):
    one, two = h100("GPU-a"), h100("GPU-b")
    one.answers["nvmlDeviceGetTemperature", 0] = 11
    two.answers["nvmlDeviceGetTemperature", 0] = 22
    b = bench(one, two)
    b.tick()
    b.fake.gpus.reverse()

    found = b.tick(61.0)

    assert found[TEMPERATURE.format(0)] == [11.0]
    assert found[TEMPERATURE.format(1)] == [22.0]


def test_a_new_gpu_never_takes_the_place_of_one_that_is_gone(bench):
    b = bench(h100("GPU-a"))
    b.tick()
    b.fake.gpus = [h100("GPU-new")]

    found = b.tick(61.0)

    assert found[TEMPERATURE.format(1)] == [61.0]
    assert b.lost()["GPU-a"][1] == "the driver no longer lists it"


def test_slices_are_devices_with_activity_from_gpm_and_no_false_utilisation(bench):
    gpu = h100("GPU-a")
    gpu.is_sliced, gpu.slices = True, [a_slice(1, "MIG-x"), a_slice(2, "MIG-y")]
    for function in ("nvmlDeviceGetSamples", "nvmlDeviceGetUtilizationRates"):
        gpu.fails[function] = 3
    b = bench(gpu)
    b.tick()
    found = b.tick()
    b.tick()

    assert found["gpu/0:0/SM activity (%)"] == [10.0]
    assert found["gpu/0:1/SM activity (%)"] == [20.0]
    assert not any("utilisation" in tag for tag in found)
    assert "divided into slices" in b.reasons()["gpu/0/utilisation (%)"]
    assert "slice of a GPU" in b.reasons()["gpu/0:1/utilisation (%)"]
    row = b.devices.rows()[b.devices.known("MIG-y")]
    assert row.is_mig
    assert b.devices.rows()[row.parent].key == "GPU-a"


def test_slicing_anew_shows_the_new_slices_within_a_minute(bench):
    gpu = h100("GPU-a")
    gpu.is_sliced, gpu.slices = True, [a_slice(1, "MIG-x")]
    b = bench(gpu)
    b.tick()
    gpu.slices = [a_slice(3, "MIG-z")]
    gpu.fails.clear()
    b.tick(61.0)
    found = b.tick()

    assert found["gpu/0:1/SM activity (%)"] == [30.0]
    assert "MIG-x" in b.lost()


def test_turning_slices_off_shows_the_whole_gpu_again(bench):
    gpu = h100("GPU-a")
    gpu.is_sliced = True
    gpu.fails = {"nvmlDeviceGetSamples": 3, "nvmlDeviceGetUtilizationRates": 3}
    b = bench(gpu)
    b.tick()
    b.tick()
    gpu.is_sliced, gpu.fails = False, {}

    assert b.tick(61.0)["gpu/0/utilisation (%)"] == [90.0]


def test_listing_anew_keeps_counters_going(bench):
    gpu = h100()
    b = bench(gpu)
    b.tick()
    gpu.fields[83, 0] += 61_000 * 500

    assert b.tick(61.0)["gpu/0/power (W)"] == [pytest.approx(500.0)]


@pytest.mark.parametrize(
    ("code", "state"),
    [(12, NvmlState.NO_LIBRARY), (9, NvmlState.NO_DRIVER), (4, NvmlState.NO_PERMISSION)],
)
def test_a_library_that_does_not_start_is_tried_once_a_minute(bench, code, state):
    b = bench()
    b.fake.fails["nvmlInit"] = code
    for _ in range(59):
        b.tick()

    assert b.gpus.state == state
    assert b.fake.calls["nvmlInit"] == 1
    b.tick()
    b.tick()
    assert b.fake.calls["nvmlInit"] == 2
    del b.fake.fails["nvmlInit"]
    b.tick(60.0)
    assert TEMPERATURE.format(0) in b.tick()
    assert b.gpus.state == NvmlState.READY


def test_an_updated_driver_asks_for_a_new_process_after_a_minute(bench):
    b = bench()
    b.tick()
    b.fake.fails = dict.fromkeys(["nvmlDeviceGetFieldValues", "nvmlInit"], 18)
    b.tick()

    assert b.gpus.state == NvmlState.MISMATCH
    assert not b.gpus.wants_new_process
    assert "GPU-0" in b.lost()
    b.tick(60.0)
    assert b.gpus.wants_new_process


def test_a_driver_without_gpus_says_so(bench):
    b = bench()
    b.fake.gpus = []
    b.tick()

    assert b.gpus.state == NvmlState.NO_GPU
    assert "lists no GPU" in b.gpus.sentence


def test_an_xid_becomes_a_sample_and_a_sentence(bench):
    gpu = h100()
    b = bench(gpu)
    b.tick()
    b.fake.xids = [(gpu, 79), (gpu, 94)]

    found = b.tick()
    events = b.gpus.reported()

    assert found["gpu/0/Xid (code)"] == [79.0, 94.0]
    assert [event.code for event in events] == [79, 94]
    assert "fell off the bus" in events[0].words
    assert b.gpus.reported() == []


def test_without_events_the_xid_is_absent_with_a_reason(bench):
    gpu = h100()
    gpu.fails["nvmlDeviceRegisterEvents"] = 3
    b = bench(gpu)
    b.tick()

    assert "gpu/0/Xid (code)" in b.reasons()


def _run(fake: FakeNvml, name: str, ticks: int = 6) -> tuple[Gpus, Devices]:
    from gpuboard.profiler.hardware.samples import Instant

    devices = Devices()
    gpus = Gpus(Nvml(name), devices)
    for k in range(ticks):
        now = 1000.0 + 61.0 * k
        gpus.tick({"tick", "slow", "rare"}, Instant(1.7e9 + now, now), Batch())
    return gpus, devices


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 9, 10, 12, 13, 15, 16, 18, 19, 21, 28, 999, 12345])
def test_whatever_call_fails_with_whatever_code_sampling_survives_and_recovers(monkeypatch, code):
    calm = FakeNvml(h100("GPU-a"), h100("GPU-b"))
    monkeypatch.setitem(sys.modules, "calm", calm)
    _run(calm, "calm", 1)

    for nth in range(1, calm.total_calls + 3):
        fake = FakeNvml(h100("GPU-a"), h100("GPU-b"))
        fake.fail_call, fake.fail_code = nth, code
        monkeypatch.setitem(sys.modules, "failing", fake)
        gpus, devices = _run(fake, "failing", 4)
        if gpus.wants_new_process:
            assert code == 18
            continue
        assert gpus.state == NvmlState.READY
        assert {row.key for row in devices.rows()} == {"GPU-a", "GPU-b"}
        assert gpus.lost() == ()
        assert gpus.notes() == ()
