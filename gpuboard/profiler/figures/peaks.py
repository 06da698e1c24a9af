"""Know what a device can do at best: operations a second by type, and bytes a second of its memory.

All peaks are dense (without structured sparsity). Where a data sheet names them
they are its figures, otherwise operations of a multiprocessor a clock, times multiprocessors,
times clock: `Peak.source` says which.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from gpuboard.profiler.traces.trace import Device

TERA, GIGA = 1e12, 1e9


@dataclasses.dataclass(frozen=True, slots=True)
class Peak:
    """What one device can do at best.

    Attributes:
        name: Of the device as the table has it, or as it was given.
        matrix: Operations a second of matrix units by type: "fp16", "bf16", "tf32", "fp8", "int8",
            "fp64", and "fp32" where they take it whole.
        vector: Operations a second of the other units by type.
        bandwidth: Bytes a second of the device's memory.
        sms: Streaming multiprocessors (NVIDIA) or compute units (AMD).
        clock: For which the peaks hold, Hz.
        source: Where the figures come from.
        absent: Why there are none, "" where there are.
    """

    name: str
    matrix: Mapping[str, float]
    vector: Mapping[str, float]
    bandwidth: float
    sms: int
    clock: float
    source: str
    absent: str = ""

    def of(self, dtype: str, *, on_matrix_units: bool) -> float:
        """Return the peak in operations a second for a type, NaN where it is not known.

        Types that the units asked for do not have run on the others.
        """
        first, second = self.matrix, self.vector
        if not on_matrix_units:
            first, second = second, {}
        return first.get(dtype, second.get(dtype, _NAN))

    def ridge(self, dtype: str, *, on_matrix_units: bool) -> float:
        """Return the operations a byte from which computing, not memory, is the limit."""
        peak = self.of(dtype, on_matrix_units=on_matrix_units)
        return peak / self.bandwidth if self.bandwidth else _NAN


_NAN = float("nan")


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """One device of the table.

    Attributes:
        pattern: Found in the name that the driver gives.
        sms: Units of the full product.
        clock_mhz: Clock for which the source gives its peaks; boards may boost higher for a while.
        tensor: Dense peaks of matrix units, 10^12 operations a second.
        fp32: Peak of the other units, likewise.
        fp16: Likewise; 0 where it is not known.
        bandwidth_gb: 10^9 bytes a second.
        least_gb: The device has at least so much memory; told apart by it are those of one name.
    """

    name: str
    pattern: str
    sms: int
    clock_mhz: int
    tensor: Mapping[str, float]
    fp32: float
    fp16: float
    bandwidth_gb: float
    source: str
    least_gb: int = 0


def _ampere(half: float, tf32: float, double: float = 0.0) -> dict[str, float]:
    found = {"fp16": half, "bf16": half, "tf32": tf32, "int8": 2 * half}
    return found | ({"fp64": double} if double else {})


def _hopper(half: float, double: float = 0.0) -> dict[str, float]:
    found = {"fp16": half, "bf16": half, "tf32": half / 2, "fp8": 2 * half, "int8": 2 * half}
    return found | ({"fp64": double} if double else {})


def _consumer(half: float, *, eighth: bool = False) -> dict[str, float]:
    """Return the peaks of GeForce cards; products of fp16 are summed in fp32, as torch does."""
    found = {"fp16": half, "bf16": half, "tf32": half / 2, "int8": 4 * half}
    return found | ({"fp8": 2 * half} if eighth else {})


def _instinct(half: float, single: float, double: float, **more: float) -> dict[str, float]:
    return {"fp16": half, "bf16": half, "fp32": single, "fp64": double, **more}


_SHEET = "NVIDIA {} data sheet, dense"
_WHITE = "NVIDIA {} architecture white paper, dense"
_AMD = "AMD Instinct {} data sheet, dense"

# First match counts, so special names stand before general ones.
TABLE: tuple[_Row, ...] = (
    _Row("V100 SXM2", r"V100-(SXM|DGXS)", 80, 1530, {"fp16": 125.0}, 15.7, 31.4, 900,
         _SHEET.format("V100")),
    _Row("V100 PCIe", r"V100", 80, 1380, {"fp16": 112.0}, 14.0, 28.0, 900, _SHEET.format("V100")),
    _Row("T4", r"\bT4\b", 40, 1590, {"fp16": 65.0, "int8": 130.0}, 8.1, 16.2, 320,
         _SHEET.format("T4")),
    _Row("A100 80GB SXM", r"A100.SXM4.80GB", 108, 1410, _ampere(312, 156, 19.5), 19.5, 78, 2039,
         _SHEET.format("A100")),
    _Row("A100 80GB PCIe", r"A100.80GB PCIe", 108, 1410, _ampere(312, 156, 19.5), 19.5, 78, 1935,
         _SHEET.format("A100")),
    _Row("A100 80GB", r"A100", 108, 1410, _ampere(312, 156, 19.5), 19.5, 78, 2039,
         _SHEET.format("A100"), least_gb=60),
    _Row("A100 40GB", r"A100", 108, 1410, _ampere(312, 156, 19.5), 19.5, 78, 1555,
         _SHEET.format("A100")),
    _Row("A10G", r"\bA10G\b", 80, 1710, _ampere(70, 35), 35.0, 35.0, 600,
         "AWS G5 and NVIDIA A10G product brief, dense"),
    _Row("A10", r"\bA10\b", 72, 1695, _ampere(125, 62.5), 31.2, 31.2, 600, _SHEET.format("A10")),
    _Row("A30", r"\bA30\b", 56, 1440, _ampere(165, 82, 10.3), 10.3, 41.2, 933,
         _SHEET.format("A30")),
    _Row("A40", r"\bA40\b", 84, 1740, _ampere(149.7, 74.8), 37.4, 37.4, 696, _SHEET.format("A40")),
    _Row("L40S", r"\bL40S\b", 142, 2520, _hopper(362.05), 91.6, 91.6, 864, _SHEET.format("L40S")),
    _Row("L4", r"\bL4\b", 58, 2040, _hopper(121), 30.3, 30.3, 300, _SHEET.format("L4")),
    _Row("RTX 3090", r"RTX 3090(?! Ti)", 82, 1695, _consumer(71), 35.6, 35.6, 936,
         _WHITE.format("GA102")),
    _Row("RTX 4090", r"RTX 4090(?! D)", 128, 2520, _consumer(165.2, eighth=True), 82.6, 82.6, 1008,
         _WHITE.format("Ada")),
    _Row("RTX 5090", r"RTX 5090(?! D)", 170, 2407, _consumer(209.5, eighth=True), 104.8, 104.8,
         1792, _WHITE.format("RTX Blackwell")),
    _Row("H200", r"\bH200\b", 132, 1830, _hopper(989.4, 66.9), 66.9, 133.8, 4800,
         _SHEET.format("H200")),
    _Row("GH200", r"GH200", 132, 1830, _hopper(989.4, 66.9), 66.9, 133.8, 4000,
         _SHEET.format("GH200 (96 GB HBM3)")),
    _Row("H100 PCIe", r"H100 PCIe", 114, 1620, _hopper(756, 51.2), 51.2, 102.4, 2039,
         _SHEET.format("H100")),
    _Row("H100 NVL", r"H100 NVL", 132, 1545, _hopper(835.5, 60.0), 60.0, 120.0, 3900,
         _SHEET.format("H100 NVL")),
    _Row("H100 SXM", r"H100", 132, 1830, _hopper(989.4, 66.9), 66.9, 133.8, 3350,
         _SHEET.format("H100")),
    _Row("H20", r"\bH20\b", 78, 1980, _hopper(148), 44.0, 88.0, 4000, _SHEET.format("H20")),
    _Row("GB200", r"GB200", 148, 2062, _hopper(2500, 40), 80.0, 160.0, 8000,
         _SHEET.format("GB200 NVL72")),
    _Row("B200", r"\bB200\b", 148, 1856, _hopper(2250, 37), 75.0, 150.0, 8000,
         _SHEET.format("HGX B200")),
    _Row("MI210", r"MI210", 104, 1700, _instinct(181, 45.3, 45.3, int8=181.0), 22.6, 45.3, 1638,
         _AMD.format("MI210")),
    _Row("MI250X, one die", r"MI250X", 110, 1700, _instinct(191.5, 47.9, 47.9, int8=191.5), 23.95,
         47.9, 1638, _AMD.format("MI250X") + ", half of it: a device is one of two dies"),
    _Row("MI300X", r"MI300X", 304, 2100,
         _instinct(1307.4, 163.4, 163.4, tf32=653.7, fp8=2614.9, int8=2614.9), 163.4, 163.4, 5300,
         _AMD.format("MI300X")),
    _Row("MI325X", r"MI325X", 304, 2100,
         _instinct(1307.4, 163.4, 163.4, tf32=653.7, fp8=2614.9, int8=2614.9), 163.4, 163.4, 6000,
         _AMD.format("MI325X")),
    _Row("MI355X", r"MI355X", 256, 2400,
         _instinct(2516.6, 157.3, 78.6, fp8=5033.2, int8=5033.2), 157.3, 157.3, 8000,
         _AMD.format("MI355X")),
)  # fmt: skip

# By compute capability: operations a multiprocessor a clock, dense: fp16, bf16, fp8, tf32, fp32.
PER_SM_PER_CLOCK: Mapping[tuple[int, int], tuple[int, int, int, int, int]] = {
    (7, 0): (1024, 0, 0, 0, 128),
    (7, 2): (1024, 0, 0, 0, 128),
    (7, 5): (1024, 0, 0, 0, 128),
    (8, 0): (2048, 2048, 0, 1024, 128),
    (8, 6): (1024, 512, 0, 256, 256),
    (8, 9): (1024, 1024, 2048, 512, 256),
    (9, 0): (4096, 4096, 8192, 2048, 256),
    (10, 0): (8192, 8192, 16384, 4096, 256),
}


def peak_of(device: Device, given: Mapping[str, float] | None = None) -> Peak:
    """Return what a device can do at best.

    By its name from `TABLE`; failing that, from its compute capability, multiprocessors, clock and
    bandwidth where the file has them all.

    Args:
        device: As the file describes it.
        given: Figures that a person knows better; they replace those found. "bandwidth" is bytes a
            second; "bf16", "fp32" and so on operations a second of matrix units; "vector" those of
            all other units.
    """
    found = _from_table(device) or _from_capability(device) or _none(device)
    if not given:
        return found
    matrix = {key: value for key, value in given.items() if key not in ("bandwidth", "vector")}
    vector = dict.fromkeys(("fp32", "fp16", "bf16"), given["vector"]) if "vector" in given else {}
    return dataclasses.replace(
        found,
        name=found.name or device.name or "device",
        matrix={**found.matrix, **matrix},
        vector={**found.vector, **vector},
        bandwidth=given.get("bandwidth", found.bandwidth),
        source="; ".join(
            filter(None, [found.source, "given by hand: " + ", ".join(sorted(given))])
        ),
        absent=found.absent if not given.get("bandwidth", found.bandwidth) else "",
    )


def _from_table(device: Device) -> Peak | None:
    for row in TABLE:
        if re.search(row.pattern, device.name) and device.memory >= row.least_gb * GIGA:
            break
    else:
        return None
    half = row.fp16 or row.fp32
    return Peak(
        name=row.name,
        matrix={dtype: value * TERA for dtype, value in row.tensor.items()},
        vector={"fp32": row.fp32 * TERA, "fp16": half * TERA, "bf16": row.fp32 * TERA},
        bandwidth=device.bandwidth or row.bandwidth_gb * GIGA,
        sms=row.sms,
        clock=row.clock_mhz * 1e6,
        source=row.source,
    )


def _from_capability(device: Device) -> Peak | None:
    rates = PER_SM_PER_CLOCK.get((device.compute_major, device.compute_minor))
    nvidia = device.vendor.lower() in ("", "nvidia")
    if rates is None or not nvidia or not (device.sms and device.clock and device.bandwidth):
        return None
    every = device.sms * device.clock
    names = ("fp16", "bf16", "fp8", "tf32")
    return Peak(
        name=device.name,
        matrix={name: rate * every for name, rate in zip(names, rates[:4], strict=True) if rate},
        vector=dict.fromkeys(("fp32", "fp16", "bf16"), rates[4] * every),
        bandwidth=device.bandwidth,
        sms=device.sms,
        clock=device.clock,
        source="operations of a multiprocessor a clock of compute capability "
        f"{device.compute_major}.{device.compute_minor} x {device.sms} x "
        f"{device.clock / 1e6:.0f} MHz",
    )


def _none(device: Device) -> Peak:
    named = f"no peaks are known for the device {device.name!r}" if device.name else (
        "the trace does not name its device"
    )  # fmt: skip
    why = (
        f"{named}: give bandwidth (bytes/s) and the peak of a type, such as bf16 (FLOP/s), by hand"
    )
    return Peak("", {}, {}, 0.0, device.sms, device.clock, "", why)
