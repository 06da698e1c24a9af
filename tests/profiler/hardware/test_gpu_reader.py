"""Reading one GPU: sources, counters, buffers, GPM, and what is absent."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gpuboard.profiler.hardware import metrics
from tests.profiler.hardware.conftest import START
from tests.profiler.hardware.fake_nvml import h100

MICRO = 1_000_000


def test_power_is_the_energy_used_over_the_time_it_took(bench):
    gpu = h100()
    b = bench(gpu)
    first = b.tick()
    gpu.fields[83, 0] += 1_400_000  # mJ in two seconds

    assert "gpu/0/power (W)" not in first
    assert b.tick(2.0)["gpu/0/power (W)"] == [pytest.approx(700.0)]


def test_power_follows_an_energy_counter_over_its_wrap(bench):
    gpu = h100()
    gpu.fields[83, 0] = 2**32 - 100_000
    b = bench(gpu)
    b.tick()
    gpu.fields[83, 0] = 200_000

    assert b.tick()["gpu/0/power (W)"] == [pytest.approx(300.0)]


def test_without_an_energy_counter_power_is_what_the_sensor_shows(bench):
    gpu = h100()
    del gpu.fields[83, 0]
    b = bench(gpu)

    seen = [b.tick().get("gpu/0/power (W)") for _ in range(5)]

    assert seen[-1] == [pytest.approx(612.345)]
    assert "gpu/0/power (W)" not in b.reasons()


def test_each_sample_of_the_drivers_buffer_comes_once_at_its_own_time(bench):
    gpu = h100()
    b = bench(gpu)
    now = int(START * MICRO)
    gpu.buffers[1] = [(now + 100_000, 10)]
    b.tick()
    gpu.buffers[1] += [(now + 1_200_000, 40), (now + 1_400_000, 60), (now + 1_900_000, 80)]

    assert b.tick()["gpu/0/utilisation (%)"] == [40.0, 60.0, 80.0]
    wall, _ = b.samples.of(metrics.find("gpu", "utilisation"), 0)
    assert wall - START == pytest.approx([1.2, 1.4, 1.9], abs=1e-5)
    assert "gpu/0/utilisation (%)" not in b.tick()


def test_at_the_first_look_the_buffers_past_is_left_out(bench):
    gpu = h100()
    now = int(START * MICRO)
    gpu.buffers[1] = [(now - k * 200_000, k) for k in range(50, 0, -1)]

    assert bench(gpu).tick()["gpu/0/utilisation (%)"] == [1.0]


def test_stamps_that_are_no_time_of_day_are_laid_at_the_present(bench):
    gpu = h100()
    b = bench(gpu)
    gpu.buffers[1] = [(1 * MICRO, 10)]
    b.tick()
    gpu.buffers[1] += [(int(1.5 * MICRO), 20), (2 * MICRO, 30)]
    b.tick()

    wall, _ = b.samples.of(metrics.find("gpu", "utilisation"), 0)

    assert wall == pytest.approx([b.at.wall - 0.5, b.at.wall])


def test_a_buffer_filled_faster_than_anybody_looks_is_averaged(bench):
    gpu = h100()
    b = bench(gpu)
    b.tick()
    now = int(b.at.wall * MICRO)
    gpu.buffers[1] = [(now + k * 10_000, k % 2 * 100) for k in range(1, 101)]

    values = b.tick()["gpu/0/utilisation (%)"]

    assert len(values) <= 12
    assert sum(values) / len(values) == pytest.approx(50, abs=2)


def test_peak_power_is_the_largest_of_the_buffer(bench):
    gpu = h100()
    b = bench(gpu)
    b.tick()
    now = int(b.at.wall * MICRO)
    gpu.buffers[0] = [(now + 20_000, 300_000), (now + 40_000, 812_000), (now + 60_000, 500_000)]

    assert b.tick()["gpu/0/peak power (W)"] == [pytest.approx(812.0)]


def test_gpm_metrics_come_from_the_second_tick_on_and_leak_no_samples(bench):
    b = bench()

    first, second = b.tick(), b.tick()
    for _ in range(20):
        b.tick()

    assert "gpu/0/SM activity (%)" not in first
    assert second["gpu/0/SM activity (%)"] == [88.5]
    assert second["gpu/0/SM occupancy (%)"] == [24.25]
    assert second["gpu/0/tensor activity (%)"] == [61.0]
    assert second["gpu/0/memory bandwidth (%)"] == [41.5]
    assert b.fake.open_samples == 1
    b.gpus.close()
    assert b.fake.open_samples == 0


def test_two_ticks_within_a_tenth_of_a_second_ask_gpm_once(bench):
    b = bench()
    b.tick()
    asked = b.fake.calls["nvmlGpmSampleGet"]

    assert "gpu/0/SM activity (%)" not in b.tick(0.05)
    assert b.fake.calls["nvmlGpmSampleGet"] == asked


def test_pcie_counts_bytes_where_there_is_no_performance_monitor(bench):
    gpu = h100()
    gpu.gpm = {}
    b = bench(gpu)
    b.tick()
    b.tick()
    gpu.fields[198, 0] += 300 << 20

    assert b.tick(2.0)["gpu/0/PCIe received (MiB/s)"] == [pytest.approx(150.0)]


def test_an_old_gpu_is_not_asked_what_it_cannot_have(bench):
    gpu = h100()
    gpu.answers["nvmlDeviceGetArchitecture",] = 7
    b = bench(gpu)
    b.tick()

    assert b.reasons()["gpu/0/SM activity (%)"] == "it needs Hopper or later; this GPU is Ampere"


def test_what_a_gpu_does_not_have_is_absent_with_a_reason_and_never_zero(bench):
    b = bench()

    found = b.tick()
    reasons = b.reasons()

    assert "gpu/0/fan (%)" not in found
    assert "no such number" in reasons["gpu/0/fan (%)"]


def test_what_a_gpu_does_not_have_is_asked_again_after_ten_minutes_only(bench):
    gpu = h100()
    b = bench(gpu)
    for _ in range(50):
        b.tick(10.0)
    asked = b.fake.calls["nvmlDeviceGetFanSpeed"]
    gpu.answers["nvmlDeviceGetFanSpeed",] = 30

    assert asked == 1
    assert b.tick(600.0)["gpu/0/fan (%)"] == [30.0]
    assert "gpu/0/fan (%)" not in b.reasons()


@pytest.mark.parametrize("sign", [0xFFFFFFFF, None])
def test_a_sign_for_not_available_is_absent(bench, sign):
    gpu = h100()
    gpu.answers["nvmlDeviceGetTemperature", 0] = sign
    b = bench(gpu)

    assert "gpu/0/temperature (°C)" not in b.tick()
    assert "not available" in b.reasons()["gpu/0/temperature (°C)"]


def test_an_error_that_passes_costs_values_but_not_the_metric(bench):
    gpu = h100()
    b = bench(gpu)
    gpu.fails["nvmlDeviceGetTemperature"] = 999
    b.tick()
    b.tick()
    del gpu.fails["nvmlDeviceGetTemperature"]

    assert b.tick()["gpu/0/temperature (°C)"] == [61.0]


def test_an_error_that_stays_leaves_the_metric_alone_for_a_minute(bench):
    gpu = h100()
    b = bench(gpu)
    gpu.fails["nvmlDeviceGetTemperature"] = 999
    for _ in range(30):
        b.tick()

    assert b.fake.calls["nvmlDeviceGetTemperature"] == 3
    assert "error 999" in b.reasons()["gpu/0/temperature (°C)"]
    del gpu.fails["nvmlDeviceGetTemperature"]
    assert b.tick(60.0)["gpu/0/temperature (°C)"] == [61.0]


def test_a_source_that_never_has_a_value_gives_way_to_the_next(bench):
    gpu = h100()
    gpu.buffers[1] = []
    b = bench(gpu)

    seen = [b.tick().get("gpu/0/utilisation (%)") for _ in range(12)]

    assert seen[0] is None
    assert seen[-1] == [97.0]


def test_throttle_reasons_are_named_bits(bench):
    gpu = h100()
    gpu.answers["nvmlDeviceGetCurrentClocksEventReasons",] = 0x4 | 0x40

    found = bench(gpu).tick()

    assert found["gpu/0/throttled by power cap (%)"] == [100.0]
    assert found["gpu/0/throttled by hardware thermal limit (%)"] == [100.0]
    assert found["gpu/0/throttled by sync boost (%)"] == [0.0]


def test_time_lost_is_a_share_of_the_time_between_looks(bench):
    gpu = h100()
    b = bench(gpu)
    b.tick()
    lost_ns = int(2.5e9)
    gpu.answers["nvmlDeviceGetViolationStatus", 0] = SimpleNamespace(violationTime=lost_ns)

    assert b.tick(10.0)["gpu/0/time lost to power (%)"] == [pytest.approx(25.0)]


def test_one_question_serves_all_metrics_that_it_answers(bench):
    b = bench()
    b.tick()
    b.fake.calls.clear()

    b.tick()

    assert b.fake.calls["nvmlDeviceGetFieldValues"] == 1
    assert b.fake.calls["nvmlDeviceGetMemoryInfo"] == 1
    assert b.fake.calls["nvmlDeviceGetCurrentClocksEventReasons"] == 1
    assert b.fake.calls["nvmlDeviceGetRemappedRows"] == 1


def test_a_fast_tick_asks_no_slow_question(bench):
    b = bench()
    b.tick()
    b.fake.calls.clear()

    b.tick(1.0, frozenset({"tick"}))

    asked = set(b.fake.calls)
    assert not asked & {
        "nvmlDeviceGetViolationStatus",
        "nvmlDeviceGetTotalEccErrors",
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetRemappedRows",
    }
    assert b.fake.total_calls
    assert sum(b.fake.calls.values()) <= 16


def test_no_rate_spans_a_gap(bench):
    gpu = h100()
    b = bench(gpu)
    b.tick()
    b.tick()
    b.gpus.forget()
    gpu.fields[83, 0] += 10**9

    found = b.tick(3600.0)

    assert "gpu/0/power (W)" not in found
    assert "gpu/0/SM activity (%)" not in found
    assert b.fake.open_samples == 1


def test_each_nvlink_is_a_device_of_its_own(bench):
    gpu = h100()
    gpu.answers |= {("nvmlDeviceGetNvLinkState", 0): 1, ("nvmlDeviceGetNvLinkState", 1): 0}
    gpu.answers["nvmlDeviceGetNvLinkState", 2] = 1
    gpu.fields |= {(139, 0): 0, (138, 0): 0, (139, 2): 0, (138, 2): 0}
    b = bench(gpu)
    b.tick()
    gpu.fields[139, 2] += 4 * 1024  # KiB

    found = b.tick(2.0)

    assert found["gpu/0/nvlink 2/received (MiB/s)"] == [2.0]
    assert found["gpu/0/nvlink 0/received (MiB/s)"] == [0.0]
    assert not any("nvlink 1/" in tag for tag in found)
