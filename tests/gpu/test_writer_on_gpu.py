"""Check on a GPU that what is logged from there is right, and that no call waits for it."""

from __future__ import annotations

import numpy as np
import pytest

from gpuboard import SummaryWriter
from gpuboard.summaries import histogram
from tests.writer import reading_back as back

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = [pytest.mark.gpu, pytest.mark.torch]


@pytest.fixture(autouse=True)
def _a_gpu():
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU")


@pytest.fixture
def no_waiting():
    """Make every call that waits for the GPU an error, in whichever thread it is made."""
    torch.cuda.set_sync_debug_mode("error")
    yield lambda: torch.cuda.set_sync_debug_mode("default")
    torch.cuda.set_sync_debug_mode("default")


def values_of(folder):
    (path,) = back.files(folder)
    return {v.tag: v for event in back.events(path) for v in event.summary.value}


def test_scalars_are_taken_as_they_were_without_waiting(tmp_path, no_waiting):
    total = torch.zeros((), device="cuda")
    step = torch.ones((), device="cuda")
    # The lock keeps the background thread away, which may wait for the GPU.
    with SummaryWriter(tmp_path) as writer, writer.file_writer._lock:
        for k in range(50):
            total += step
            writer.add_scalar("total", total, k)
        no_waiting()

    assert [value for *_, value in back.points(tmp_path)["total"]] == list(range(1, 51))


def test_scalars_of_other_streams_are_right(tmp_path):
    stream = torch.cuda.Stream()
    with SummaryWriter(tmp_path) as writer:
        for k in range(20):
            with torch.cuda.stream(stream):
                busy = torch.randn(2000, 2000, device="cuda")
                for _ in range(5):
                    busy = busy @ busy
                    busy /= busy.norm()
                writer.add_scalar("norm", busy.norm(), k)
            writer.add_scalar("k", torch.tensor(k, device="cuda", dtype=torch.bfloat16), k)

    found = back.points(tmp_path)
    assert [value for *_, value in found["norm"]] == pytest.approx([1.0] * 20, rel=1e-4)
    assert [value for *_, value in found["k"]] == list(range(20))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int32])
def test_histograms_are_those_of_the_same_values_on_the_host(tmp_path, no_waiting, dtype):
    no_waiting()
    source = (torch.randn(100_003, device="cuda") * 9).to(dtype)
    host = source.double().cpu().numpy()
    torch.cuda.set_sync_debug_mode("error")
    with SummaryWriter(tmp_path) as writer, writer.file_writer._lock:
        writer.add_histogram("h", source, 1)
        source.zero_()
        no_waiting()

    found, expected = values_of(tmp_path)["h"].histo, histogram.encode("h", host).histo
    assert list(found.bucket) == list(expected.bucket)
    assert list(found.bucket_limit) == list(expected.bucket_limit)
    assert (found.min, found.max, found.num) == (expected.min, expected.max, expected.num)
    assert found.sum_squares == pytest.approx(expected.sum_squares, rel=1e-9)


def test_figures_of_a_model_are_those_of_the_same_model_on_the_host(tmp_path, no_waiting):
    no_waiting()
    model = torch.nn.Sequential(torch.nn.Linear(300, 200), torch.nn.Linear(200, 10)).cuda()
    model(torch.randn(64, 300, device="cuda")).square().mean().backward()
    torch.cuda.set_sync_debug_mode("error")
    with SummaryWriter(tmp_path / "gpu") as writer, writer.file_writer._lock:
        writer.add_model_stats(model, 1)
        no_waiting()
    with SummaryWriter(tmp_path / "cpu") as writer:
        writer.add_model_stats(model.cpu(), 1)

    on_gpu, on_cpu = values_of(tmp_path / "gpu"), values_of(tmp_path / "cpu")
    assert on_gpu.keys() == on_cpu.keys()
    for tag, value in on_gpu.items():
        if value.WhichOneof("value") == "histo":
            assert list(value.histo.bucket) == list(on_cpu[tag].histo.bucket)
        else:
            assert value.simple_value == pytest.approx(on_cpu[tag].simple_value, rel=1e-5)


def test_images_and_arrays_come_from_the_gpu(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("image", torch.rand(3, 8, 8, device="cuda"), 1)
        writer.add_tensor("tensor", torch.arange(5.0, device="cuda"), 1)

    from gpuboard.summaries.tensor import decode_tensor

    found = values_of(tmp_path)
    assert found["image"].image.height == 8
    np.testing.assert_array_equal(decode_tensor(found["tensor"].tensor), np.arange(5.0))
