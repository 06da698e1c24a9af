import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import HistogramProto, Summary
from gpuboard.store.store import Store
from gpuboard.store.value_pieces import Piece
from gpuboard.store.values import read
from gpuboard.summaries import histogram_stack
from gpuboard.summaries.histogram import Histogram, decode, encode
from gpuboard.summaries.histogram_stack import stacked, stacks
from gpuboard.summaries.tensor import encode_tensor
from tests import make

LARGEST = float(np.finfo(np.float64).max)


def piece_of(messages) -> Piece:
    ends = np.cumsum([len(message) for message in messages])
    start = np.append(0, ends[:-1]).astype(np.int64)
    data = make.column(b"".join(messages))
    return Piece(data, np.arange(len(messages)), start, ends.astype(np.int64))


def parts(stack) -> list[Histogram]:
    spans = zip(stack.start[:-1], stack.start[1:], strict=True)
    columns = (stack.left, stack.right, stack.count)
    return [
        Histogram(*(column[a:b] for column in columns), *facts)
        for (a, b), facts in zip(spans, stack.facts, strict=True)
    ]


def same(a: Histogram, b: Histogram) -> bool:
    fields = (
        "left", "right", "count", "minimum", "maximum", "num", "sum", "sum_squares",
    )  # fmt: skip
    return all(np.array_equal(getattr(a, f), getattr(b, f), equal_nan=True) for f in fields)


def histo(limit, bucket, **facts) -> Summary.Value:
    return Summary.Value(tag="h", histo=HistogramProto(bucket_limit=limit, bucket=bucket, **facts))


def tensor(table, dtype=np.float64) -> Summary.Value:
    value = Summary.Value(tag="h", tensor=encode_tensor(np.array(table, dtype)))
    value.metadata.plugin_data.plugin_name = "histograms"
    return value


PLAIN = [
    encode("h", np.random.default_rng(0).normal(size=300)),
    encode("h", [0.0]),
    encode("h", [math.nan]),
    encode("h", [1.0, math.nan, 2.0], bins=4),
    histo([1, 2, 3], [0, 4, 0], min=1.5, max=1.75, num=4),
    histo([-LARGEST, 0, LARGEST], [0, 2, 3], min=-4, max=7, num=5),
    histo([1, 2], [3, 4], min=0.5, max=2, num=1),
    tensor([[0, 1, 5], [1, 2, 0], [2, 2, 1]]),
]
OTHERS = [
    histo([1, 2], [3, 4], min=math.nan, max=2, num=7),
    tensor(np.empty((0, 3))),
    tensor([[0, 1, 5]], np.float32),
    tensor([[-3.32, -3.48, 0], [-3.48, 1, 2]]),
]
BAD = [
    histo([1, 2], [3]),
    histo([2, 1], [3, 4], min=1, max=2),
    histo([1, 2], [3, -4], min=1, max=2),
    histo([1, 2], [3, math.nan], min=1, max=2),
    tensor([[0, 1]]),
    tensor([[1, 0, 2]]),
    Summary.Value(tag="h", simple_value=1.0),
]


@pytest.mark.parametrize("value", PLAIN)
def test_plain_histograms_are_read_as_the_decoder_reads_them(value):
    stack, others = histogram_stack._read(piece_of([value.SerializeToString()]))

    assert len(others) == 0
    assert same(parts(stack)[0], decode(value))


@pytest.mark.parametrize("value", OTHERS + BAD)
def test_whatever_is_not_plain_is_left_to_the_decoder(value):
    stack, others = histogram_stack._read(piece_of([value.SerializeToString()]))

    assert (len(stack), others.tolist()) == (0, [0])


def test_more_buckets_than_the_limit_are_left_to_the_decoder():
    n = limits.MAX_HISTOGRAM_BUCKETS.value + 1
    edges = np.arange(1.0, n + 1)
    values = [
        histo(edges, np.ones(n), min=0, max=n, num=n),
        tensor(np.column_stack([edges, edges, edges])),
    ]

    stack, others = histogram_stack._read(piece_of([v.SerializeToString() for v in values]))

    assert (len(stack), len(others)) == (0, 2)


def test_a_list_that_is_not_packed_is_left_to_the_decoder():
    lists = (
        make.fixed64(6, 1.0) + make.fixed64(6, 2.0) + make.fixed64(7, 3.0) + make.fixed64(7, 4.0)
    )
    message = make.field(1, b"h") + make.field(5, make.fixed64(2, 2.0) + lists)
    assert decode(Summary.Value.FromString(message)).count.tolist() == [3, 4]

    _, others = histogram_stack._read(piece_of([message]))

    assert others.tolist() == [0]


@settings(max_examples=300)
@given(
    value=st.sampled_from(PLAIN + OTHERS + BAD),
    at=st.integers(0, 10_000),
    byte=st.integers(0, 255),
    cut=st.integers(0, 10_000),
)
def test_damaged_bytes_are_read_as_the_decoder_reads_them_or_not_at_all(value, at, byte, cut):
    message = bytearray(value.SerializeToString())
    message[at % len(message)] = byte
    damaged = bytes(message[: 1 + cut % len(message)])

    stack, others = histogram_stack._read(piece_of([b"before", damaged]))

    if 1 not in others:
        expected = decode(Summary.Value.FromString(damaged))
        assert same(parts(stack)[-1], expected)


def test_a_tag_is_read_with_its_good_values_only(tmp_path):
    values = [*PLAIN, *OTHERS, *BAD[:-1]]
    with EventFileWriter(tmp_path / "run") as writer:
        for step, value in enumerate(values):
            writer.add_value(value, step)
    store = Store(tmp_path)
    store.refresh()
    found = store.values(0, "h")

    def decode_one(place):
        try:
            return decode(Summary.Value.FromString(read(found, place)))
        except DataError:
            return None

    read_back = {}
    for stack in stacks(found, np.arange(len(found)), decode_one):
        read_back |= dict(zip(stack.place.tolist(), parts(stack), strict=True))

    good = [*PLAIN, *OTHERS]
    assert sorted(read_back) == list(range(len(good)))
    assert all(same(read_back[k], decode(value)) for k, value in enumerate(good))


def test_histograms_at_hand_make_a_stack():
    histograms = [decode(value) for value in (PLAIN[0], PLAIN[2], PLAIN[-1])]

    stack = stacked(list(zip([7, 8, 9], histograms, strict=True)))

    assert stack.place.tolist() == [7, 8, 9]
    assert all(same(a, b) for a, b in zip(parts(stack), histograms, strict=True))
