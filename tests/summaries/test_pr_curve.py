import numpy as np
import pytest

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.summaries import pr_curve
from gpuboard.summaries.tensor import encode_tensor

RNG = np.random.default_rng(0)


def test_counts_are_those_of_the_definition():
    labels, scores = RNG.random(500) < 0.3, RNG.random(500)
    weights = RNG.random(500)

    curve = pr_curve.decode(pr_curve.encode("pr", labels, scores, 11, weights))

    np.testing.assert_allclose(curve.threshold, np.arange(11) / 10)
    for k, threshold in enumerate(curve.threshold):
        called = np.floor(scores * 10) >= np.round(threshold * 10)
        assert curve.tp[k] == pytest.approx(weights[called & labels].sum(), rel=1e-6)
        assert curve.fp[k] == pytest.approx(weights[called & ~labels].sum(), rel=1e-6)
        assert curve.fn[k] == pytest.approx(weights[~called & labels].sum(), rel=1e-5)
        assert curve.tn[k] == pytest.approx(weights[~called & ~labels].sum(), rel=1e-5)


@pytest.mark.parametrize("thresholds", [2, 51, 127])
def test_it_is_what_pytorch_writes(thresholds):
    torch_summary = pytest.importorskip("torch.utils.tensorboard.summary")
    labels, scores = (RNG.random(300) < 0.5).astype(int), RNG.random(300)

    theirs = torch_summary.pr_curve("pr", labels, scores, thresholds).SerializeToString()

    ours = Summary(value=[pr_curve.encode("pr", labels, scores, thresholds)]).SerializeToString()
    assert Summary.FromString(ours) == Summary.FromString(theirs)


def test_examples_without_a_probability_are_left_out():
    curve = pr_curve.decode(
        pr_curve.encode("pr", [1, 1, 0, 1, 0], [0.5, np.nan, -0.1, 1.5, 1.0], 3)
    )

    assert (curve.tp[0], curve.fp[0]) == (1, 1)


def test_labels_and_predictions_must_be_as_many():
    with pytest.raises(ValueError, match="2 labels and 3 predictions"):
        pr_curve.encode("pr", [0, 1], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("shape", [(5, 3), (6, 0), (6,), (1, 6, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(DataError, match="expected"):
        pr_curve.decode(Summary.Value(tensor=encode_tensor(np.zeros(shape))))


def test_metadata_of_a_later_version_is_refused():
    value = pr_curve.encode("pr", [0, 1], [0.1, 0.9])

    with pytest.raises(DataError, match="version 3"):
        pr_curve.decode(value, b"\x08\x03")
    with pytest.raises(DataError, match="describe no PR curve"):
        pr_curve.decode(value, b"\xff")
