"""Compare with TensorBoard's own reader, point for point, on logs of every writer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import make, strategies
from tests.eventlog import reading, tensorboard_reader

SPECIALS = [0.0, 1.5, -2.25, math.nan, math.inf, -math.inf, 1e-45, 3e38]
STEPS = [0, 1, 2, 2, 1, -5, 2**31, 2**53 + 1]


def assert_same_scalars(run):
    (path,) = run.glob("*tfevents*")
    found = reading.read_file(path)
    assert found.kinds == []
    assert found.points == tensorboard_reader.scalar_points(path)
    return found


@pytest.fixture
def torch_writer():
    pytest.importorskip("torch", reason="PyTorch is not installed: its writer is not compared")
    return pytest.importorskip("torch.utils.tensorboard").SummaryWriter


@pytest.mark.torch
def test_scalars_of_torch_equal_those_that_tensorboard_reads(tmp_path, torch_writer):
    with torch_writer(tmp_path) as writer:
        for tag in ("loss", "acc/train", ""):
            for value, step in zip(SPECIALS, STEPS, strict=True):
                writer.add_scalar(tag or "unnamed", value, step, walltime=1e9 + step)

    assert sum(map(len, assert_same_scalars(tmp_path).points.values())) == 24


@pytest.mark.torch
@pytest.mark.parametrize("style", [{"new_style": True}, {"double_precision": True}], ids=str)
def test_torch_scalars_in_tensor_form_equal_those_that_tensorboard_reads(
    tmp_path, torch_writer, style
):
    with torch_writer(tmp_path) as writer:
        for step, value in enumerate([0.1, 1.0, -3.0]):
            writer.add_scalar("loss", value, step, **style)

    points = assert_same_scalars(tmp_path).points["loss"]
    assert [p[2] for p in points][1:] == [1.0, -3.0]


@pytest.mark.torch
def test_torch_scalars_without_steps_are_all_kept_at_step_0(tmp_path, torch_writer):
    with torch_writer(tmp_path) as writer:
        for value in range(30):
            writer.add_scalar("loss", value)

    points = assert_same_scalars(tmp_path).points["loss"]
    assert [(p[0], p[2]) for p in points] == [(0, float(k)) for k in range(30)]


@pytest.mark.torch
def test_everything_else_that_torch_logs_is_found_under_its_kind(tmp_path, torch_writer):
    pixels = np.zeros((3, 4, 4), np.uint8)
    with torch_writer(tmp_path) as writer:
        writer.add_histogram("hist", np.arange(10.0), 1)
        writer.add_text("words", "hello", 2)
        writer.add_pr_curve("curve", np.array([0, 1, 1]), np.array([0.1, 0.8, 0.4]), 3)
        writer.add_mesh("mesh", np.zeros((1, 3, 3), np.float32), global_step=4)
        writer.add_image("image", pixels, 5)

    (path,) = tmp_path.glob("*tfevents*")
    found = reading.read_file(path)
    names = found.log.names
    kinds = {tag: (names.kind(names.find(tag), kind), step) for tag, kind, step, *_ in found.refs}
    assert kinds == {
        "hist": ("histogram", 1),
        "words/text_summary": ("text", 2),
        "curve": ("pr_curve", 3),
        "mesh_VERTEX": ("mesh", 4),
        "image": ("image", 5),
    }


def test_scalars_of_tensorboardx_equal_those_that_tensorboard_reads(tmp_path):
    writer_class = pytest.importorskip("tensorboardX").SummaryWriter
    with writer_class(str(tmp_path)) as writer:
        for tag in ("loss", "acc/train"):
            for value, step in zip(SPECIALS, STEPS, strict=True):
                writer.add_scalar(tag, value, step, walltime=1e9 + step)

    assert sum(map(len, assert_same_scalars(tmp_path).points.values())) == 16


def test_scalars_in_the_style_of_tensorflow_2_equal_those_that_tensorboard_reads(tmp_path):
    payloads = [
        make.tf2_scalar(tag, value, step, 1e9 + step)
        for tag in ("loss", "epoch_loss")
        for value, step in zip(SPECIALS, STEPS, strict=True)
    ]
    make.event_file(tmp_path, [make.header(""), *payloads])

    assert sum(map(len, assert_same_scalars(tmp_path).points.values())) == 16


# TensorBoard's make_ndarray knows neither bfloat16 nor the lists of unsigned 32 and 64 bit numbers.
FORMS = [
    (dtype, how)
    for dtype in make.DTYPES
    for how in ("content", "packed", "unpacked")
    if dtype != "bfloat16" and (how == "content" or dtype not in {"uint32", "uint64"})
]


@pytest.mark.parametrize(("dtype", "how"), FORMS)
def test_tensors_of_every_type_have_the_value_that_tensorboard_decodes(tmp_path, dtype, how):
    numbers = [1, 0, 1] if dtype == "bool" else [3, 0, 100]
    payloads = [
        make.tensor_value("t", make.tensor(dtype, [n], how), step) for step, n in enumerate(numbers)
    ]
    make.event_file(tmp_path, payloads)

    assert [p[2] for p in assert_same_scalars(tmp_path).points["t"]] == numbers


@given(log=strategies.scalar_payloads())
@settings(max_examples=100)
def test_generated_logs_equal_those_that_tensorboard_reads(tmp_path_factory, log):
    payloads, rows = log
    # TensorBoard takes a tag for a scalar or for a tensor by its first value; both are "scalars".
    run = tmp_path_factory.mktemp("run")
    make.event_file(run, [make.header(), *payloads])

    found = assert_same_scalars(run)

    assert sum(map(len, found.points.values())) == len(rows)


@given(log=strategies.scalar_payloads(), cut=st.integers(1, 60))
@settings(max_examples=50)
def test_a_truncated_log_equals_what_tensorboard_reads_of_it(tmp_path_factory, log, cut):
    run = tmp_path_factory.mktemp("run")
    path = make.event_file(run, [make.header(), *log[0]])
    path.write_bytes(path.read_bytes()[: -min(cut, path.stat().st_size)])

    assert_same_scalars(run)
