"""Check what is logged of a whole model against PyTorch and NumPy, one tensor at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gpuboard import SummaryWriter
from gpuboard.summaries import histogram
from gpuboard.summaries.histogram import default_edges
from gpuboard.writer import histograms, reductions
from gpuboard.writer.reductions import DeviceReduction, HostReduction
from tests.writer import reading_back as back

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

NAN, INF = math.nan, math.inf
SPECIAL = [0.0, 1e-13, -1e-12, 1e-12, 1e30, -1e30, NAN, INF, -INF, INF]


def tensors():
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(40, 30, generator=generator),
        torch.randn(7, generator=generator) * 1e-3 + 1,
        torch.tensor(SPECIAL),
        torch.randn(5, 6, generator=generator).T,
        torch.randn(9, generator=generator).bfloat16(),
        torch.tensor([[3.0]]),
        torch.tensor([NAN, INF]),
    ]


def check(found, sources, edges):
    for k, source in enumerate(sources):
        values = source.detach().double().numpy().reshape(-1)
        finite = values[np.isfinite(values)]
        assert found.num[k] == values.size
        assert found.nan[k] == np.isnan(values).sum()
        assert found.inf[k] == np.isinf(values).sum()
        np.testing.assert_allclose(found.sum[k], finite.sum(), rtol=1e-12)
        np.testing.assert_allclose(found.sum_squares[k], finite.dot(finite), rtol=1e-12)
        np.testing.assert_array_equal(found.counts[k], np.histogram(finite, edges)[0])
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(found.norm[k], np.linalg.norm(values), rtol=1e-12)
        if finite.size:
            assert (found.minimum[k], found.maximum[k]) == (finite.min(), finite.max())
            np.testing.assert_allclose(found.mean[k], finite.mean(), rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(found.std[k], finite.std(), rtol=1e-6, atol=1e-9)


# What runs on a GPU runs here on a CPU: it is the same code of PyTorch's.
either = pytest.mark.parametrize("kind", [DeviceReduction, HostReduction])


@pytest.mark.parametrize("chunk", [reductions.CHUNK, 1201, 64])
@either
def test_all_tensors_together_give_what_each_gives_alone(monkeypatch, kind, chunk):
    monkeypatch.setattr(reductions, "CHUNK", chunk)
    edges = default_edges()

    check(kind(tensors(), edges).result(), tensors(), edges)


@either
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int32, torch.uint8])
def test_every_type_of_numbers(kind, dtype):
    source = (torch.arange(200) % 60).to(dtype)
    edges = np.array([0.0, 1.0, 7.5, 59.0])

    check(kind([source], edges).result(), [source], edges)


@either
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_on_an_edge_fall_to_its_right_and_on_the_last_one_to_its_left(kind, dtype):
    edges = np.array([-1.0, 0.1, 0.3, 1.0])  # two of them are no float32
    around = np.array([-1, 0.1, 0.3, 1], np.float64)
    steps = [np.nextafter(around, -9), around, np.nextafter(around, 9)]
    single = around.astype(np.float32)
    steps += [np.nextafter(single, np.float32(-9)), single, np.nextafter(single, np.float32(9))]
    source = torch.from_numpy(np.concatenate(steps)).to(dtype)

    check(kind([source], edges).result(), [source], edges)


@either
def test_what_changes_after_the_call_counts_as_it_was(kind):
    source = torch.ones(10)
    reduction = kind([source], default_edges())
    source.zero_()

    assert reduction.result().sum.tolist() == [10]


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.body = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 2))
        self.unused = torch.nn.Parameter(torch.zeros(3))
        self.none = torch.nn.Parameter(torch.zeros(0))


def logged(folder):
    """Return all values by tag; scalars as numbers, histograms decoded."""
    (path,) = back.files(folder)
    found = {}
    for event in back.events(path):
        for value in event.summary.value:
            is_histogram = value.WhichOneof("value") == "histo"
            found[value.tag] = histogram.decode(value) if is_histogram else value.simple_value
    return found


def test_weights_and_gradients_of_a_model(tmp_path):
    model = Model()
    model.body(torch.ones(5, 4)).square().sum().backward()
    model.body[0].bias.grad[1] = NAN
    with SummaryWriter(tmp_path) as writer:
        writer.add_model_stats(model, 7)
    found = logged(tmp_path)

    weights = dict(model.named_parameters())
    gradients = {name: p.grad for name, p in weights.items() if p.grad is not None}
    figures = ("norm", "mean", "std", "min", "max", "nan", "inf")
    assert len(gradients) == 4
    assert set(found) == {
        *(f"weights/{name}" for name in weights if name != "none"),
        *(f"gradients/{name}" for name in gradients),
        *(f"weights_{f}/{name}" for f in figures for name in weights if name != "none"),
        *(f"gradients_{f}/{name}" for f in figures for name in gradients),
        "total_norm/weights",
        "total_norm/gradients",
    }
    name = "body.0.weight"
    for kind, source in (("weights", weights[name]), ("gradients", gradients[name])):
        values = source.detach().double().numpy()
        expected = {
            "norm": np.linalg.norm(values),
            "mean": values.mean(),
            "std": values.std(),
            "min": values.min(),
            "max": values.max(),
            "nan": 0,
            "inf": 0,
        }
        own = {f: found[f"{kind}_{f}/{name}"] for f in figures}
        assert own == pytest.approx(expected, rel=1e-6)
        assert found[f"{kind}/{name}"].count.sum() == values.size
    assert found["gradients_nan/body.0.bias"] == 1
    assert math.isnan(found["gradients_norm/body.0.bias"])
    assert math.isfinite(found["gradients_mean/body.0.bias"])
    total = math.sqrt(sum(float(p.detach().double().square().sum()) for p in weights.values()))
    assert found["total_norm/weights"] == pytest.approx(total, rel=1e-6)
    assert math.isnan(found["total_norm/gradients"])
    (event,) = [e for e in back.events(back.files(tmp_path)[0]) if e.summary.value]
    assert event.step == 7


def test_gradients_and_histograms_can_be_left_out(tmp_path):
    model = Model()
    model.body(torch.ones(5, 4)).sum().backward()
    with SummaryWriter(tmp_path) as writer:
        writer.add_model_stats(model, 1, gradients=False, histograms=False)
    found = logged(tmp_path)

    assert "weights_norm/unused" in found
    assert not [tag for tag in found if tag.startswith(("gradients", "weights/"))]


def test_a_model_without_gradients_or_parameters_is_fine(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_model_stats(Model(), 1)
        writer.add_model_stats(torch.nn.ReLU(), 2)

    assert "total_norm/gradients" not in logged(tmp_path)


def test_sparse_gradients_and_parts_of_spread_parameters_count(tmp_path):
    class Spread(torch.Tensor):
        def to_local(self):
            return torch.full((3,), 2.0)

    class Table:
        def named_parameters(self):
            yield "table", self.parameter

    table = Table()
    embedding = torch.nn.Embedding(5, 2, sparse=True)
    embedding(torch.tensor([1, 1, 3])).sum().backward()
    table.parameter = embedding.weight
    with SummaryWriter(tmp_path / "sparse") as writer:
        writer.add_model_stats(table, 1)
    table.parameter = torch.zeros(9).as_subclass(Spread)
    with SummaryWriter(tmp_path / "spread") as writer:
        writer.add_model_stats(table, 1)

    assert logged(tmp_path / "sparse")["gradients_norm/table"] == pytest.approx(math.sqrt(10))
    assert logged(tmp_path / "spread")["weights_norm/table"] == pytest.approx(math.sqrt(12))


@pytest.mark.parametrize("bins", ["tensorflow", [-1, 0, 0.5, 1]])
@pytest.mark.parametrize("values", [np.linspace(-1, 1, 500), [*SPECIAL, 0.25], [0.0]])
def test_a_tensor_counted_where_it_lies_gives_the_same_histogram(values, bins):
    source = torch.tensor(values, dtype=torch.float32)
    edges = histograms._fixed_edges(bins)

    make_value, nbytes = histograms.reduced("h", source, edges)

    found, expected = make_value().histo, histogram.encode("h", source.numpy(), bins).histo
    assert list(found.bucket_limit) == list(expected.bucket_limit)
    assert list(found.bucket) == list(expected.bucket)
    pairs = [
        (getattr(m, f) for f in ("min", "max", "num", "sum", "sum_squares"))
        for m in (found, expected)
    ]
    np.testing.assert_allclose(*map(list, pairs), rtol=1e-12)
    assert nbytes == 8 * (len(edges) + 4 + 4)


@pytest.mark.parametrize("bins", ["auto", 10, [3, 2, 1], [1.0]])
def test_bins_that_depend_on_the_values_are_not_fixed(bins):
    assert histograms._fixed_edges(bins) is None
