"""Numbers in words."""

from __future__ import annotations

import pytest

from gpuboard.profiler.advice.words import counted, duration, percent, shortened, size


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "0 ns"), (999, "999 ns"), (1_000, "1.00 µs"), (59_262_000, "59.3 ms"),
     (999_999, "1.00 ms"), (177_592_000, "178 ms"), (61_000_000_000, "61.0 s"),
     (7_200_000_000_000, "7,200 s")],
)  # fmt: skip
def test_a_time_has_three_digits_and_its_unit(ns: int, text: str) -> None:
    assert duration(ns) == text


def test_an_amount_of_memory_has_its_unit() -> None:
    assert size(1536 << 20) == "1.50 GiB"
    assert size(12) == "12 B"


def test_a_share_has_a_digit_behind_the_point_below_ten_percent() -> None:
    assert [percent(x) for x in (0.3337, 0.0951, 0.0, 1.0)] == ["33 %", "9.5 %", "0.0 %", "100 %"]


def test_a_noun_follows_its_number() -> None:
    assert [counted(1, "step"), counted(12_000, "kernel")] == ["1 step", "12,000 kernels"]


def test_a_long_name_is_cut_in_its_middle() -> None:
    name = "void " + "x" * 100 + "(float*)"
    assert len(shortened(name, 40)) == 40
    assert shortened(name, 40).startswith("void xx")
    assert shortened(name, 40).endswith("(float*)")
    assert shortened("short") == "short"
