"""Test operators against the roof of their device."""

from __future__ import annotations

import numpy as np
import pytest

from gpuboard.profiler.figures.peaks import Peak
from gpuboard.profiler.figures.roofline import BOUNDS, by_family, device_of, roofline, utilisation
from gpuboard.profiler.figures.steps import find_steps
from gpuboard.profiler.figures.work_amount import work_amount
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.figures.events import launched, note, op
from tests.profiler.real import real_trace
from tests.profiler.slow_kineto import trace_of

# 10^12 operations a second on matrix units, 10^11 on others, 10^10 bytes a second: ridge at 100.
PEAK = Peak("toy", {"bf16": 1e12, "tf32": 5e11}, {"bf16": 1e11, "fp32": 1e11}, 1e10, 1, 1e9, "test")
HALF = "c10::BFloat16"


def made(*events: object, steps: bool = False) -> Trace:
    marks = [note("ProfilerStep#1", 0, 500), note("ProfilerStep#2", 500, 1500)] if steps else []
    return trace_of([*marks, *events], {"deviceProperties": [{"id": 0, "name": "toy"}]})  # type: ignore[list-item]


def product(start: float, size: int, dur: float, number: int, kind: str = HALF, name: str = "k"):
    shapes = {"Input Dims": [[size, size], [size, size]], "Input type": [kind, kind]}
    return [op("aten::mm", start, 20, **shapes), *launched(number, start + 1, name, dur)]


def test_a_large_product_is_bound_by_computing() -> None:
    trace = made(*product(0, 1000, 4000, 1))
    amount = work_amount(trace)
    found = roofline(trace, amount, PEAK)

    # 2 x 10^9 operations in 4 ms; 6 x 10^6 bytes.
    assert found.flop_rate[0] == pytest.approx(5e11)
    assert found.intensity[0] == pytest.approx(2e9 / 6e6)
    assert BOUNDS[found.bound[0]] == "compute"
    assert found.attainable[0] == 1e12
    assert found.share[0] == pytest.approx(0.5)
    assert found.lost_ns[0] == pytest.approx(2e6)


def test_an_addition_is_bound_by_memory() -> None:
    shapes = {"Input Dims": [[1000], [1000]], "Input type": [HALF, HALF]}
    trace = made(op("aten::add", 0, 20, **shapes), *launched(1, 1, "k", 1))
    found = roofline(trace, work_amount(trace), PEAK)

    # 6000 bytes take 0.6 us at 10^10 bytes a second; it took 1 us.
    assert BOUNDS[found.bound[0]] == "memory"
    assert found.share[0] == pytest.approx(0.6)


def test_a_copy_is_set_against_the_bandwidth() -> None:
    shapes = {"Input Dims": [[1000], [1000]], "Input type": [HALF, HALF]}
    trace = made(op("aten::copy_", 0, 20, **shapes), *launched(1, 1, "k", 1))
    found = roofline(trace, work_amount(trace), PEAK)

    assert BOUNDS[found.bound[0]] == "memory"
    assert found.share[0] == pytest.approx(0.4)


def test_products_of_fp32_are_tf32_where_kernels_say_so() -> None:
    name = "ampere_sgemm_tf32_128x128"
    trace = made(*product(0, 500, 9, 1, "float"), *product(50, 1000, 9, 2, "float", name))
    found = roofline(trace, work_amount(trace), PEAK)

    assert sorted(found.dtype) == ["fp32", "tf32"]


def test_without_peaks_nothing_is_claimed() -> None:
    trace = made(*product(0, 1000, 4000, 1))
    found = roofline(trace, work_amount(trace))

    assert "'toy'" in found.absent
    assert np.isnan(found.share).all()
    assert found.bound.tolist() == [0]


def test_time_on_the_host_is_set_against_no_roof() -> None:
    trace = made(op("aten::mm", 0, 9, **{"Input Dims": [[2, 2]] * 2, "Input type": [HALF] * 2}))
    assert roofline(trace, work_amount(trace), PEAK).absent


def test_utilisation_counts_products_of_each_step_against_the_peak() -> None:
    trace = made(*product(10, 1000, 4000, 1), *product(510, 500, 9, 2), steps=True)
    amount = work_amount(trace)
    found = utilisation(trace, amount, roofline(trace, amount, PEAK), find_steps(trace))

    assert found.step == ("ProfilerStep#1", "ProfilerStep#2")
    assert found.flops.tolist() == [2e9, 2.5e8]
    assert found.utilisation.tolist() == pytest.approx([2e9 / 1e12 / 5e-4, 2.5e8 / 1e12 / 1.5e-3])
    assert found.overall == pytest.approx(2.25e9 / 1e12 / 2e-3)


def test_families_weigh_shares_by_time() -> None:
    trace = made(*product(0, 1000, 4000, 1), *product(50, 1001, 2100, 2))
    amount = work_amount(trace)
    found = roofline(trace, amount, PEAK)
    family = by_family(amount, found)

    assert [one.family for one in family] == ["matrix product"]
    assert family[0].calls == 2
    assert family[0].share == pytest.approx((2e9 + 2 * 1001**3) / 1e12 / 6.1e-3, rel=1e-6)


def test_real_products_reach_what_the_other_analyser_found() -> None:
    folder = "tracelens/h100/facebook_timesformer-base-finetuned-k400__1016002"
    trace = real_trace(f"{folder}.json.gz")
    amount = work_amount(trace)
    found = roofline(trace, amount)
    at = [trace.text(int(dims)) for dims in amount.dims].index(
        "[[3072], [25089, 768], [768, 3072], [], []]"
    )

    assert found.peak.name == "H100 SXM"
    assert device_of(trace).id == 0
    assert found.flop_rate[at] / 1e12 == pytest.approx(718.8, abs=1)
    assert BOUNDS[found.bound[at]] == "compute"
    assert found.share[at] == pytest.approx(718.8 / 989.4, rel=0.01)
