"""Test the sentence that says what changed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gpuboard.profiler.advice.comparison import headline
from gpuboard.profiler.figures.compare import Comparison, Difference, Figure, Recording, compare
from tests.profiler.real import real_trace

MS = 1e6
NOTHING = Difference((), np.empty(0, np.uint8), np.empty((2, 0)), np.empty((2, 0)), "step")


def of_classes(**changes: tuple[float, float]) -> Difference:
    time = np.array(list(changes.values()), np.float64).T * MS
    kinds = len(changes)
    return Difference(tuple(changes), np.zeros(kinds, np.uint8), np.ones((2, kinds)), time, "step")


def compared(
    step: tuple[float, float],
    *,
    parts: dict[str, tuple[float, float]] | None = None,
    classes: Difference = NOTHING,
    devices: tuple[str, str] = ("A", "A"),
    per: str = "step",
) -> Comparison:
    whole = Figure("step" if per == "step" else "device busy", "ns", step[0] * MS, step[1] * MS)
    return Comparison(
        figures=(whole,),
        parts=tuple(Figure(k, "ns", a * MS, b * MS) for k, (a, b) in (parts or {}).items()),
        classes=NOTHING,
        kernel_classes=classes,
        kernels=NOTHING,
        operators=NOTHING,
        operator_kernels=NOTHING,
        per=per,
        devices=((devices[0],), (devices[1],)),
    )


def test_a_longer_step_names_the_kernels_that_made_it_so() -> None:
    found = headline(
        compared(
            (75, 84.1),
            parts={"compute": (50, 58.9), "idle_host": (25, 25.2)},
            classes=of_classes(convolution=(20, 28.8), gemm=(10, 10.1), copy=(1, 99)),
        )
    )

    assert found.text == (
        "Step 12 % longer (+9.10 ms): computing +8.90 ms, above all convolution kernels (+8.80 ms)"
    )
    assert found.ratio == pytest.approx(84.1 / 75)
    assert found.caution == ""


def test_a_part_that_is_no_computing_stands_alone() -> None:
    found = headline(
        compared(
            (100, 80),
            parts={"compute": (50, 49), "idle_data_loader": (30, 10)},
            classes=of_classes(gemm=(30, 29)),
        )
    )

    assert found.text == "Step 20 % shorter (−20.0 ms): waiting for the data loader −20.0 ms"


def test_what_changed_in_the_other_direction_is_not_the_cause() -> None:
    found = headline(compared((100, 110), parts={"compute": (80, 40), "idle_host": (20, 70)}))

    assert "idle time while the host was busy +50.0 ms" in found.text


def test_small_changes_name_no_cause() -> None:
    parts = {f"idle_{k}": (1.0, 1.9) for k in range(10)}

    assert headline(compared((100, 109), parts=parts)).text == "Step 9.0 % longer (+9.00 ms)"


def test_a_change_below_a_percent_is_none() -> None:
    assert headline(compared((100, 100.9))).text == "Step as long as before: 100 ms"


def test_more_than_twice_is_told_as_times() -> None:
    assert headline(compared((10, 35))).text == "Step 3.5 times as long (+25.0 ms)"


def test_without_steps_the_work_of_devices_is_the_whole() -> None:
    classes = of_classes(communication=(1, 6))

    found = headline(compared((10, 15), per="recording", classes=classes))

    assert found.text == (
        "Work of the device 50 % longer (+5.00 ms): communication kernels +5.00 ms"
    )


def test_unlike_devices_are_told() -> None:
    assert headline(compared((1, 2), devices=("A100", "V100"))).caution == (
        "the devices differ: A100, then V100"
    )


def test_where_nothing_can_be_compared_it_says_so() -> None:
    found = headline(compared((0, 5)))

    assert "no time in common" in found.text
    assert math.isnan(found.ratio)


def test_two_real_traces_of_unlike_devices() -> None:
    sides = [
        [Recording(real_trace(f"hta/trace_diff/{name}/{name}.json.gz"))]
        for name in ("control", "test")
    ]

    found = headline(compare(*sides))

    assert found.text.startswith("Step 60 % longer (+46.6 ms): computing +44.4 ms")
    assert "A100" in found.caution
