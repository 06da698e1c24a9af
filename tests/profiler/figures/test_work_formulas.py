"""Test counts of operations and bytes by hand and against tables of another analyser."""

from __future__ import annotations

import ast
import csv
import json
import sys
from pathlib import Path

import pytest

from gpuboard.profiler.figures.shapes import read_inputs
from gpuboard.profiler.figures.work_formulas import Work
from gpuboard.profiler.figures.work_formulas_light import FORMULAS
from tests.profiler.real import real

HALF, SINGLE, NONE = "c10::BFloat16", "float", "Scalar"


def work(
    name: str, shapes: list[object], types: list[str], values: list[str] | None = None
) -> Work:
    inputs = read_inputs(json.dumps(shapes), json.dumps(types), json.dumps(values or []))
    assert inputs is not None
    found = FORMULAS[name](inputs)
    assert found is not None
    return found


def test_a_product_takes_two_operations_for_each_output_and_inner_place() -> None:
    found = work("aten::mm", [[3, 5], [5, 7]], [HALF, HALF])

    assert found.flops == 2 * 3 * 5 * 7
    assert (found.read_bytes, found.written_bytes) == (2 * (15 + 35), 2 * 21)


def test_products_in_all_their_forms_count_alike() -> None:
    plain = work("aten::mm", [[6, 5], [5, 7]], [SINGLE, SINGLE]).flops

    assert work("aten::matmul", [[2, 3, 5], [5, 7]], [SINGLE, SINGLE]).flops == plain
    assert work("aten::bmm", [[2, 3, 5], [2, 5, 7]], [SINGLE, SINGLE]).flops == plain
    assert work("aten::linear", [[2, 3, 5], [7, 5], []], [SINGLE, SINGLE, ""]).flops == plain
    biased = work("aten::addmm", [[7], [6, 5], [5, 7]], [SINGLE] * 3)
    assert biased.flops == plain + 6 * 7


def test_products_of_shapes_that_do_not_fit_are_unknown() -> None:
    inputs = read_inputs("[[3, 5], [6, 7]]", '["float", "float"]', "")
    assert inputs is not None
    assert FORMULAS["aten::mm"](inputs) is None
    assert FORMULAS["aten::matmul"](inputs) is None


CONVOLUTION = ["", "", "", "[2, 2]", "[1, 1]", "[1, 1]", "False", "[0, 0]", "1"]


def test_a_convolution_counts_each_weight_at_each_place_of_its_output() -> None:
    shapes: list[object] = [[8, 3, 32, 32], [16, 3, 3, 3], [], [], [], [], [], [], []]
    found = work("aten::convolution", shapes, [HALF, HALF, *[NONE] * 7], CONVOLUTION)

    assert found.flops == 2 * (8 * 16 * 16 * 16) * (3 * 3 * 3)
    assert found.written_bytes == 2 * 8 * 16 * 16 * 16


def test_the_inputs_of_vendors_convolutions_stand_in_other_places() -> None:
    shapes: list[object] = [[8, 3, 32, 32], [16, 3, 3, 3], [], [], [], [], [], [], []]
    plain = work("aten::convolution", shapes, [HALF, HALF, *[NONE] * 7], CONVOLUTION)
    cudnn = ["", "", "[1, 1]", "[2, 2]", "[1, 1]", "1", "False", "False", "True"]
    miopen = ["", "", "", "[1, 1]", "[2, 2]", "[1, 1]", "1", "False", "False"]

    assert work("aten::cudnn_convolution", shapes, [HALF, HALF, *[NONE] * 7], cudnn) == plain
    assert work("aten::miopen_convolution", shapes, [HALF, HALF, *[NONE] * 7], miopen) == plain


def test_a_transposed_convolution_counts_each_weight_at_each_place_of_its_input() -> None:
    values = ["", "", "", "[2, 2]", "[1, 1]", "[1, 1]", "True", "[1, 1]", "1"]
    shapes: list[object] = [[8, 16, 16, 16], [16, 3, 3, 3], [], [], [], [], [], [], []]
    found = work("aten::convolution", shapes, [HALF, HALF, *[NONE] * 7], values)

    assert found.flops == 2 * (8 * 16 * 16 * 16) * (3 * 3 * 3)
    assert found.written_bytes == 2 * 8 * 3 * 32 * 32


def test_a_convolution_without_its_stride_is_unknown() -> None:
    inputs = read_inputs("[[8, 3, 32, 32], [16, 3, 3, 3]]", '["float", "float"]', "")
    assert inputs is not None
    assert FORMULAS["aten::cudnn_convolution"](inputs) is None


@pytest.mark.parametrize(
    ("mask", "times"), [("[True, True, False]", 2), ("[False, True, False]", 1)]
)
def test_the_backward_of_a_convolution_counts_gradients_that_are_wanted(
    mask: str, times: int
) -> None:
    values = ["", "", "", "[0]", "[2, 2]", "[1, 1]", "[1, 1]", "False", "[0, 0]", "1", mask]
    shapes: list[object] = [[8, 16, 16, 16], [8, 3, 32, 32], [16, 3, 3, 3], *[[]] * 8]
    found = work("aten::convolution_backward", shapes, [HALF] * 3 + [NONE] * 8, values)

    assert found.flops == times * 2 * (8 * 16 * 16 * 16) * (3 * 3 * 3)


def test_attention_takes_two_products_of_which_a_causal_mask_halves() -> None:
    shapes: list[object] = [[2, 4, 16, 8], [2, 4, 16, 8], [2, 4, 16, 8], [], [], []]
    types = [HALF] * 3 + [NONE] * 3

    def flops(causal: str) -> int:
        values = ["", "", "", "0.", causal, "False"]
        return work("aten::_scaled_dot_product_flash_attention", shapes, types, values).flops

    assert flops("False") == 2 * (2 * 2 * 4 * 16 * 16 * 8)
    assert flops("True") == 2 * 2 * 4 * 16 * 16 * 8


def test_flash_attention_below_has_heads_behind_the_sequence() -> None:
    shapes: list[object] = [[2, 16, 4, 8], [2, 16, 4, 8], [2, 16, 4, 8], *[[]] * 6]
    values = [""] * 7 + ["0.", "False"]
    found = work("aten::_flash_attention_forward", shapes, [HALF] * 3 + [NONE] * 6, values)

    assert found.flops == 2 * (2 * 2 * 4 * 16 * 16 * 8)


def test_the_backward_of_attention_takes_five_products_where_the_forward_took_two() -> None:
    one: list[object] = [2, 4, 16, 8]
    shapes = [one, one, one, one, one, [2, 4, 16], [], [], [], [], [], []]
    values = [""] * 10 + ["False", ""]
    found = work(
        "aten::_scaled_dot_product_flash_attention_backward", shapes,
        [HALF] * 5 + ["float"] + [NONE] * 6, values,
    )  # fmt: skip

    assert found.flops == 5 * (2 * 2 * 4 * 16 * 16 * 8)


def test_elementwise_results_are_as_wide_as_the_widest_type_and_the_broadcast_shape() -> None:
    found = work("aten::add", [[4, 1], [3], []], [HALF, SINGLE, NONE])

    assert found.flops == 12
    assert found.read_bytes == 2 * 4 + 4 * 3
    assert found.written_bytes == 4 * 12


def test_a_tensor_without_dimensions_does_not_widen_a_result() -> None:
    assert work("aten::mul", [[8], []], [HALF, "double"]).written_bytes == 16


def test_a_comparison_writes_one_byte_for_each_element() -> None:
    assert work("aten::eq", [[8], [8]], [SINGLE, SINGLE]).written_bytes == 8


def test_an_output_that_is_given_is_not_read() -> None:
    assert work("aten::mul", [[8], [8], [8]], [HALF] * 3).read_bytes == 32


def test_a_reduction_writes_what_its_dimensions_leave() -> None:
    found = work("aten::mean", [[2, 8, 768], [], []], [HALF, "ScalarList", NONE], ["", "[1]", ""])

    assert found.flops == 2 * 8 * 768
    assert found.written_bytes == 2 * 2 * 768


def test_the_order_of_a_norm_is_none_of_its_dimensions() -> None:
    found = work("aten::linalg_vector_norm", [[4, 8], [], []], [SINGLE, NONE, NONE], ["", "2", ""])

    assert found.written_bytes == 4


def test_copies_and_look_ups_compute_nothing() -> None:
    copied = work("aten::copy_", [[8], [8]], [HALF, SINGLE])
    assert (copied.flops, copied.read_bytes, copied.written_bytes) == (0, 32, 16)
    found = work("aten::embedding", [[100, 16], [3, 2]], [HALF, "long int"])
    assert (found.flops, found.read_bytes, found.written_bytes) == (0, 6 * 32 + 48, 6 * 32)


def test_an_optimizer_reads_four_lists_and_writes_three() -> None:
    group: list[object] = [[4], [2, 3]]
    found = work("aten::_fused_adamw_", [group] * 4, ["[float, float]"] * 4)

    assert (found.read_bytes, found.written_bytes) == (4 * 40, 3 * 40)


# What differs from the other analyser, and why: factor of operations and of bytes.
KNOWN = {
    # A bias of the convolution itself is counted here.
    "aten::convolution": (1.01, 1.01),
    # It counts running statistics for layer norms, which have none.
    "aten::layer_norm": (1.01, 1.02),
    "aten::native_layer_norm": (1.01, 1.02),
    # Vectors of one value for each channel: here all that are given are read.
    "aten::native_batch_norm_backward": (1.0, 1.005),
    # It takes every reduction to leave one element.
    "aten::mean": (1.0, 1.2),
    "aten::sum": (1.0, 1.2),
    # It counts one operation for each element that is copied.
    "aten::copy_": (None, 1.0),
}
# Of which it counts both gradients, though only one was wanted.
HALVED = "[False, True, False]"
TABLES = (
    "h100/Falconsai_nsfw_image_detection__1016002_perf_report_csvs",
    "h100/facebook_timesformer-base-finetuned-k400__1016002_perf_report_csvs",
    "h100/gaunernst_bert-small-uncased__1016001_perf_report_csvs",
    "inference/vllm_decode_full/perf_csvs",
    "mi300/gaunernst_bert-small-uncased__1016001_perf_report_csvs",
    "mi300/resnet_act_checkpoint_recompute_perf_report_csvs",
)
UNKNOWN = ("vllm::unified_attention", "pseudo_op::", "aiter::", "aten::upsample")


@pytest.mark.parametrize("folder", TABLES)
def test_operations_and_bytes_equal_those_of_tracelens(folder: str) -> None:
    csv.field_size_limit(sys.maxsize)
    checked = 0
    for table in sorted(real(f"tracelens/{folder}").glob("*.csv")):
        for row in _rows(table):
            checked += _agrees(row)

    assert checked > 5


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open() as file:
        rows = list(csv.DictReader(file))
    whole = {"name", "GFLOPS_first", "Data Moved (MB)_first", "Input Dims_first"}
    return [row for row in rows if whole <= row.keys() and not row["name"].startswith(UNKNOWN)]


def _agrees(row: dict[str, str]) -> bool:
    name = row["name"]
    if not row["Data Moved (MB)_first"] or name not in FORMULAS:
        return False
    shapes, types, values = (
        ast.literal_eval(row[f"{column}_first"])
        for column in ("Input Dims", "Input type", "Concrete Inputs")
    )
    found = work(name, shapes, types, values)
    flops, moved = float(row["GFLOPS_first"]) * 1e9, float(row["Data Moved (MB)_first"]) * 2**20
    times = 0.5 if name == "aten::convolution_backward" and HALVED in values else 1
    loose_flops, loose_bytes = KNOWN.get(name, (1.0, 1.0))
    if loose_flops is not None:
        assert found.flops == pytest.approx(times * flops, rel=loose_flops - 1 + 1e-6), row
    # It takes a number among the inputs for a tensor of one element.
    assert found.bytes == pytest.approx(times * moved, rel=loose_bytes - 1 + 1e-4, abs=8), row
    return True
