import math
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import DataError, InputError
from gpuboard.eventlog.proto.event_pb2 import HistogramProto, Summary, TensorProto
from gpuboard.summaries.histogram import decode, default_edges, encode, encode_raw
from gpuboard.summaries.tensor import encode_tensor

LARGEST = float(np.finfo(np.float64).max)


def rows(histogram) -> list[tuple[float, float, float]]:
    columns = histogram.left.tolist(), histogram.right.tolist(), histogram.count.tolist()
    return list(zip(*columns, strict=True))


def histo(limit, bucket, low=0.0, high=1.0, num=None, **more) -> Summary.Value:
    total = float(np.nansum(bucket)) if num is None else num
    message = HistogramProto(
        min=low, max=high, num=total, bucket_limit=limit, bucket=bucket, **more
    )
    return Summary.Value(tag="h", histo=message)


def tensor(table, dtype=np.float64) -> Summary.Value:
    return Summary.Value(tag="h", tensor=encode_tensor(np.array(table, dtype)))


def test_a_histo_reaches_from_its_least_to_its_greatest_value():
    value = histo([-1, 0, 1, 2, 3], [0, 0, 4, 5, 0], low=0.25, high=1.5)

    found = decode(value)

    assert rows(found) == [(0.25, 1, 4), (1, 1.5, 5)]
    assert (found.minimum, found.maximum, found.num) == (0.25, 1.5, 9)


def test_a_first_bucket_without_a_left_edge_starts_at_the_least_value():
    assert rows(decode(histo([1, 2], [3, 4], low=-5, high=2))) == [(-5, 1, 3), (1, 2, 4)]


def test_the_open_buckets_of_tensorflow_1_are_closed():
    value = histo([-LARGEST, 0, LARGEST], [0, 2, 3], low=-4, high=7)

    assert rows(decode(value)) == [(-4, 0, 2), (0, 7, 3)]


@pytest.mark.parametrize("unknown", [math.nan, -math.inf, 8.0])
def test_a_minimum_outside_its_bucket_leaves_the_logged_edge(unknown):
    found = decode(histo([1, 2, 3], [0, 4, 5], low=unknown, high=3))

    assert rows(found) == [(1, 2, 4), (2, 3, 5)]


@pytest.mark.parametrize("unknown", [math.nan, math.inf, -8.0])
def test_a_maximum_outside_an_open_bucket_leaves_it_without_width(unknown):
    found = decode(histo([1, 2, LARGEST], [0, 4, 5], low=1, high=unknown))

    assert rows(found) == [(1, 2, 4), (2, 2, 5)]
    assert found.maximum in (2, unknown)


def test_a_histogram_without_values_has_no_buckets():
    for value in (histo([], []), histo([1, 2], [0, 0]), tensor(np.empty((0, 3)))):
        found = decode(value)
        assert rows(found) == []
        assert found.num == 0


def test_values_in_no_bucket_are_counted():
    assert decode(histo([1, 2], [3, 4], num=10)).missing == 3
    assert decode(histo([1, 2], [3, 4], num=math.nan)).missing == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
def test_a_tensor_holds_rows_of_left_right_and_count(dtype):
    table = [[-2, -1, 3], [-1, 0, 0], [0, 4, 5]]

    found = decode(tensor(table, dtype))

    assert rows(found) == [tuple(row) for row in table]
    assert (found.minimum, found.maximum, found.num) == (-2, 4, 8)
    assert math.isnan(found.sum)


def test_a_tensor_of_the_list_form_is_read():
    message = TensorProto(dtype=2, double_val=[0, 1, 5, 1, 2, 6])
    for size in (2, 3):
        message.tensor_shape.dim.add(size=size)

    assert rows(decode(Summary.Value(tensor=message))) == [(0, 1, 5), (1, 2, 6)]


def test_an_empty_bucket_that_runs_backwards_is_left_out():
    found = decode(tensor([[-3.32, -3.48, 0], [-3.48, -3.2, 2], [-3.2, -3, 1]]))

    assert rows(found) == [(-3.48, -3.2, 2), (-3.2, -3, 1)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (histo([1, 2], [3]), "2 edges for 1 counts"),
        (histo([1, 2], [3, math.nan]), "bucket 1 counts nan"),
        (histo([1, 2], [-3, 4]), "bucket 0 counts -3"),
        (histo([1, 2], [math.inf, 4]), "bucket 0 counts inf"),
        (histo([1, math.nan, 3], [1, 1, 1], high=3), "expected finite ascending edges"),
        (histo([1, 5, 3], [1, 1, 1], high=3), "expected finite ascending edges"),
        (histo([LARGEST], [1], low=math.nan, high=math.nan), "expected finite ascending edges"),
        (tensor([[0, 1]]), r"shape \[1, 2\], expected"),
        (tensor([0, 1, 2]), r"shape \[3\], expected"),
        (tensor([[0, 1, 2]], bool), "tensor of bool"),
        (tensor([[0, 1, -2]]), "bucket 0 counts -2"),
        (tensor([[1, 0, 2]]), "bucket 0 reaches from 1 to 0"),
        (tensor([[0, 5, 1], [2, 3, 1]]), "bucket 1 reaches from 2 to 3"),
        (tensor([[0, math.inf, 2]]), "reaches from 0 to inf"),
        (Summary.Value(obsolete_old_style_histogram=b"\x01"), "older than TensorFlow 1.0"),
        (Summary.Value(simple_value=1.0), "simple_value, expected a histogram"),
        (Summary.Value(), "form None, expected a histogram"),
    ],
)
def test_what_cannot_be_drawn_is_named(value, message):
    with pytest.raises(DataError, match=message):
        decode(value)


def test_too_many_buckets_are_refused():
    most = limits.MAX_HISTOGRAM_BUCKETS.value
    n = most + 1

    with pytest.raises(DataError, match=limits.MAX_HISTOGRAM_BUCKETS.name):
        decode(histo(np.arange(n), np.ones(n)))
    with pytest.raises(DataError, match=limits.MAX_HISTOGRAM_BUCKETS.name):
        decode(tensor(np.zeros((n, 3))))


@given(st.binary(max_size=200))
def test_noise_gives_a_sound_histogram_or_a_data_error(noise):
    try:
        value = Summary.Value(histo=HistogramProto.FromString(noise))
    except Exception:  # noqa: BLE001
        return
    try:
        found = decode(value)
    except DataError:
        return
    assert np.all(found.left <= found.right)
    assert np.all(np.isfinite(found.count))


class TestEncode:
    def test_every_value_lies_in_its_bucket(self):
        values = np.array([-3.0, -1e-13, 0.0, 0.5, 0.5, 7.0])

        found = decode(encode("w", values))

        for left, right, count in rows(found):
            is_last = right == found.right[-1]
            inside = (values >= left) & ((values < right) | (is_last & (values == right)))
            assert inside.sum() == count
        assert (found.minimum, found.maximum, found.num) == (-3, 7, 6)
        assert found.sum == pytest.approx(values.sum())
        assert found.sum_squares == pytest.approx((values**2).sum())

    def test_not_a_number_is_counted_and_in_no_bucket(self):
        found = decode(encode("w", [1.0, math.nan, math.inf, 2.0]))

        assert (found.num, found.count.sum(), found.missing) == (4, 2, 2)
        assert (found.minimum, found.maximum) == (1, 2)

    def test_nothing_but_nan_is_an_empty_histogram(self):
        for bins in ("tensorflow", "auto", 5):
            found = decode(encode("w", [math.nan], bins=bins))
            assert (len(found.count), found.missing) == (0, 1)

    def test_buckets_are_merged_down_to_max_bins(self):
        found = decode(encode("w", np.arange(100.0), bins=100, max_bins=10))

        assert found.count.tolist() == [10] * 10

    @pytest.mark.parametrize("bins", ["nonsense", 0, [3, 2, 1]])
    def test_bins_that_cannot_be_are_refused(self, bins):
        with pytest.raises(InputError, match="bins"):
            encode("w", [1.0, 2.0], bins=bins)

    def test_no_values_are_refused(self):
        with pytest.raises(InputError, match="no values"):
            encode("w", [])

    def test_edges_and_counts_must_match(self):
        with pytest.raises(InputError, match="2 bucket_limits and 1 bucket_counts"):
            encode_raw(
                "w",
                min=0,
                max=1,
                num=1,
                sum=1,
                sum_squares=1,
                bucket_limits=[0, 1],
                bucket_counts=[1],
            )


@pytest.mark.torch
@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
class TestAgainstTorch:
    @pytest.mark.parametrize("bins", ["tensorflow", "auto", "fd"])
    @pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
    def test_the_bytes_are_those_of_its_writer(self, bins, scale):
        from torch.utils.tensorboard.summary import histogram

        values = np.random.default_rng(1).normal(0, scale, 500).astype(np.float32)
        edges = default_edges().tolist() if bins == "tensorflow" else bins

        ours = encode("w", values, bins=bins)

        assert ours.histo.SerializeToString() == (
            histogram("w", values, edges).value[0].histo.SerializeToString()
        )

    def test_the_default_edges_are_those_of_its_writer(self, tmp_path):
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(tmp_path) as writer:
            assert default_edges().tolist() == writer.default_bins


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="TensorBoard is not installed")
@pytest.mark.parametrize("seed", range(5))
def test_buckets_are_those_of_tensorboards_own_migration(seed):
    from tensorboard import data_compat
    from tensorboard.compat.proto import summary_pb2
    from tensorboard.util import tensor_util

    rng = np.random.default_rng(seed)
    value = encode("w", rng.normal(rng.normal(), 10 ** rng.uniform(-3, 3), 300))
    theirs = summary_pb2.Summary.Value.FromString(value.SerializeToString())

    migrated = tensor_util.make_ndarray(data_compat.migrate_value(theirs).tensor)

    np.testing.assert_allclose(np.array(rows(decode(value))), migrated, rtol=1e-6)


@pytest.mark.skipif(find_spec("tensorboardX") is None, reason="tensorboardX is not installed")
@pytest.mark.parametrize("bins", ["tensorflow", "auto"])
def test_histograms_of_tensorboardx_hold_their_values(bins):
    from tensorboardX.summary import histogram

    values = np.random.default_rng(0).normal(0, 2, 500)
    edges = default_edges().tolist() if bins == "tensorflow" else bins
    message = histogram("w", values, edges).value[0].SerializeToString()

    found = decode(Summary.Value.FromString(message))

    inside = [((values >= left) & (values < right)).sum() for left, right, _ in rows(found)]
    inside[-1] += (values == found.right[-1]).sum()
    assert found.count.tolist() == inside
    assert (found.minimum, found.maximum, found.num) == (values.min(), values.max(), 500)
