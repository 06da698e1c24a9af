"""Test what is known of devices."""

from __future__ import annotations

import math

import pytest

from gpuboard.profiler.figures.peaks import PER_SM_PER_CLOCK, TABLE, peak_of
from gpuboard.profiler.traces.trace import Device

NAMES = {
    "Tesla V100-SXM2-32GB": ("V100 SXM2", 125e12, 900e9),
    "Tesla V100-PCIE-16GB": ("V100 PCIe", 112e12, 900e9),
    "Tesla T4": ("T4", 65e12, 320e9),
    "NVIDIA A10": ("A10", 125e12, 600e9),
    "NVIDIA A10G": ("A10G", 70e12, 600e9),
    "NVIDIA A30": ("A30", 165e12, 933e9),
    "NVIDIA A100-SXM4-80GB": ("A100 80GB SXM", 312e12, 2039e9),
    "NVIDIA A100 80GB PCIe": ("A100 80GB PCIe", 312e12, 1935e9),
    "NVIDIA L4": ("L4", 121e12, 300e9),
    "NVIDIA L40S": ("L40S", 362.05e12, 864e9),
    "NVIDIA GeForce RTX 4090": ("RTX 4090", 165.2e12, 1008e9),
    "NVIDIA H100 80GB HBM3": ("H100 SXM", 989.4e12, 3350e9),
    "NVIDIA H100 PCIe": ("H100 PCIe", 756e12, 2039e9),
    "NVIDIA H200": ("H200", 989.4e12, 4800e9),
    "NVIDIA GB200": ("GB200", 2500e12, 8000e9),
    "NVIDIA B200": ("B200", 2250e12, 8000e9),
    "AMD Instinct MI210": ("MI210", 181e12, 1638e9),
    "AMD Instinct MI250X": ("MI250X, one die", 191.5e12, 1638e9),
    "AMD Instinct MI300X VF": ("MI300X", 1307.4e12, 5300e9),
    "AMD Instinct MI355X": ("MI355X", 2516.6e12, 8000e9),
}


@pytest.mark.parametrize("name", NAMES)
def test_devices_are_told_by_the_names_that_drivers_give(name: str) -> None:
    found = peak_of(Device(0, name))

    short, half, bandwidth = NAMES[name]
    assert (found.name, found.bandwidth) == (short, bandwidth)
    assert found.of("fp16", on_matrix_units=True) == pytest.approx(half)
    assert found.source
    assert not found.absent


def test_devices_of_one_name_are_told_apart_by_their_memory() -> None:
    names = [
        peak_of(Device(0, "NVIDIA A100-PG509-200", memory=m)).name for m in (42 << 30, 80 << 30)
    ]

    assert names == ["A100 40GB", "A100 80GB"]


CAPABILITY = {"V100 SXM2": (7, 0), "T4": (7, 5), "A100 40GB": (8, 0), "A30": (8, 0), "L4": (8, 9),
              "L40S": (8, 9), "A40": (8, 6), "H100 SXM": (9, 0), "H100 PCIe": (9, 0),
              "H200": (9, 0), "B200": (10, 0), "GB200": (10, 0)}  # fmt: skip


@pytest.mark.parametrize("name", CAPABILITY)
def test_data_sheets_agree_with_operations_a_clock(name: str) -> None:
    row = next(row for row in TABLE if row.name == name)
    rate = PER_SM_PER_CLOCK[CAPABILITY[name]]

    for dtype, per_clock in zip(("fp16", "bf16", "fp8", "tf32"), rate, strict=False):
        if per_clock and dtype in row.tensor and (name, dtype) != ("A40", "bf16"):
            if name == "A40" and dtype == "tf32":
                continue  # 8.6 of that table is that of GeForce, which are cut to half
            product = per_clock * row.sms * row.clock_mhz * 1e6
            assert product == pytest.approx(row.tensor[dtype] * 1e12, rel=0.02), dtype


def test_an_unknown_device_is_computed_from_what_the_file_says_of_it() -> None:
    device = Device(0, "NVIDIA H123", compute_major=9, compute_minor=0, sms=100, clock=1e9,
                    bandwidth=1e12)  # fmt: skip
    found = peak_of(device)

    assert found.of("bf16", on_matrix_units=True) == 4096 * 100 * 1e9
    assert found.of("fp32", on_matrix_units=False) == 256 * 100 * 1e9
    assert found.ridge("bf16", on_matrix_units=True) == pytest.approx(409.6)


def test_without_anything_the_reader_is_told_what_to_give() -> None:
    found = peak_of(Device(0, "NVIDIA X1"))

    assert "'NVIDIA X1'" in found.absent
    assert "bandwidth" in found.absent
    assert math.isnan(found.of("bf16", on_matrix_units=True))


def test_figures_given_by_hand_replace_those_found() -> None:
    found = peak_of(Device(0, "NVIDIA X1"), {"bandwidth": 1e12, "bf16": 5e14, "vector": 1e13})

    assert not found.absent
    assert found.of("bf16", on_matrix_units=True) == 5e14
    assert found.of("fp32", on_matrix_units=False) == 1e13
    assert "given by hand" in found.source
    assert peak_of(Device(0, "NVIDIA H200"), {"bf16": 1e12}).bandwidth == 4800e9


def test_types_without_matrix_units_run_on_the_others() -> None:
    found = peak_of(Device(0, "Tesla V100-SXM2-16GB"))

    assert found.of("fp32", on_matrix_units=True) == 15.7e12
    assert found.of("fp16", on_matrix_units=False) == pytest.approx(31.4e12)
