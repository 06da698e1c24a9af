import numpy as np
import pytest

from gpuboard.analysis.histogram_checks import HistogramCourse, check_histograms, course_of
from gpuboard.analysis.steps import standing
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.store.store import Store
from gpuboard.summaries import histogram
from gpuboard.summaries.tensor import encode_tensor

N = 60


def course(n=N, **columns):
    """A tensor of 100 elements between -1 and 1 with mean square 1, none of them zero."""
    usual = {
        "minimum": np.full(n, -1.0),
        "maximum": np.ones(n),
        "num": np.full(n, 100.0),
        "sum_squares": np.full(n, 100.0),
        "counted": np.full(n, 100.0),
        "zero_share": np.zeros(n),
    }
    return HistogramCourse(step=np.arange(n) * 10, **{**usual, **columns})


def found_in(tag, **columns):
    return [(f.rule, f.step, f.count) for f in check_histograms(tag, course(**columns))]


def test_a_usual_tensor_has_no_trouble():
    assert found_in("gradients/conv1") == []


def test_values_in_no_bucket_are_not_finite():
    counted = np.full(N, 100.0)
    counted[[20, 40]] = 99.0

    assert found_in("weights/x", counted=counted) == [("not_finite", 200, 2)]


def test_an_infinite_end_is_not_finite():
    maximum = np.ones(N)
    maximum[7] = np.inf

    assert found_in("weights/x", maximum=maximum) == [("not_finite", 70, 1)]


def test_gradients_alone_are_judged_by_their_size():
    squares = np.full(N, 100.0)
    squares[30] = 100.0 * 1e6

    assert found_in("gradients/x", sum_squares=squares) == [("exploding", 300, 1)]
    assert found_in("weights/x", sum_squares=squares) == []


def test_gradients_that_fade_are_found():
    (found,) = found_in("grads/x", sum_squares=np.geomspace(100, 1e-14, N))

    assert found[0] == "vanishing"


def test_activations_that_stay_zero_are_dead_from_the_first_such_step():
    share = np.zeros(N)
    share[10] = 1.0
    share[50:] = 0.99

    assert found_in("activations/relu1", zero_share=share) == [("dead", 500, 10)]
    assert found_in("weights/relu1", zero_share=share) == []


def test_units_that_came_back_are_not_dead():
    share = np.full(N, 0.99)
    share[-1] = 0.5

    assert found_in("act/1", zero_share=share) == []


def test_unknown_shares_of_zeros_are_not_judged():
    assert found_in("act/1", zero_share=np.full(N, np.nan)) == []


def test_a_tensor_of_equal_values_is_found_from_where_it_stays_so():
    minimum = np.full(N, -1.0)
    minimum[45:] = 1.0

    assert found_in("weights/x", minimum=minimum) == [("stuck", 450, 15)]


def test_a_single_element_is_no_tensor_of_equal_values():
    assert found_in("bias", minimum=np.ones(N), num=np.ones(N)) == []


def logged(tmp_path, values):
    with EventFileWriter(tmp_path / "r") as writer:
        for step, value in enumerate(values):
            writer.add_value(value, step)
    store = Store(tmp_path)
    store.refresh()
    found = store.values(0, "act/x")
    return course_of(found, standing(found), lambda place: pytest.fail(f"left over: {place}"))


def test_the_course_is_that_of_the_logged_tensors(tmp_path):
    rng = np.random.default_rng(0)
    tensors = [np.maximum(rng.normal(size=1000), 0) for _ in range(3)]

    found = logged(tmp_path, [histogram.encode("act/x", tensor) for tensor in tensors])

    np.testing.assert_array_equal(found.step, [0, 1, 2])
    np.testing.assert_allclose(found.maximum, [t.max() for t in tensors])
    np.testing.assert_allclose(found.sum_squares, [(t**2).sum() for t in tensors])
    np.testing.assert_allclose(found.zero_share, [(t == 0).mean() for t in tensors], atol=1e-9)


def test_tensors_of_tensorflow_2_have_estimated_squares_and_no_share_of_zeros(tmp_path):
    edges = np.linspace(-2, 3, 31)
    count = np.arange(30.0)
    rows = np.stack([edges[:-1], edges[1:], count], axis=1)
    from gpuboard.eventlog.proto.event_pb2 import Summary

    value = Summary.Value(tag="act/x", tensor=encode_tensor(rows))
    value.metadata.plugin_data.plugin_name = "histograms"

    found = logged(tmp_path, [value])

    centre = (edges[:-1] + edges[1:]) / 2
    np.testing.assert_allclose(found.sum_squares, [(count * centre**2).sum()])
    assert np.isnan(found.zero_share[0])
