import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import TensorProto
from gpuboard.eventlog.proto.graph_pb2 import AttrValue, GraphDef
from gpuboard.summaries.graphs import wire_thin
from gpuboard.summaries.graphs.wire_thin import GRAPH_DEF, Stretch, thinned
from tests.graph_maker import gpt


def heavy(size):
    message = gpt(1, 1)
    node = message.node.add(name="weights", op="Const")
    node.attr["value"].CopyFrom(AttrValue(tensor=TensorProto(dtype=1, tensor_content=bytes(size))))
    return message


def test_only_long_content_of_tensors_is_left_out():
    thin = GraphDef.FromString(thinned(heavy(100_000).SerializeToString(), GRAPH_DEF, least=0))
    expected = heavy(0)
    expected.node[-1].attr["value"].tensor.ClearField("tensor_content")

    assert thin == expected


def test_a_file_is_read_piece_by_piece():
    data = heavy(300_000).SerializeToString()
    fetched = []

    def fetch(start, count):
        fetched.append(count)
        return data[start : start + count]

    assert thinned(Stretch(len(data), fetch), GRAPH_DEF, least=0) == thinned(
        data, GRAPH_DEF, least=0
    )
    assert sum(fetched) < len(data)


def test_a_file_that_was_cut_meanwhile_is_an_error():
    data = heavy(10).SerializeToString()
    short = Stretch(len(data), lambda start, count: data[start : min(start + count, 50)])

    with pytest.raises(DataError, match="the file ends at byte"):
        thinned(short, GRAPH_DEF, least=0)


def test_more_than_is_decoded_is_not_even_read(monkeypatch):
    small = limits.Limit("max_graph_bytes", 500, "for this test")
    monkeypatch.setattr(wire_thin.limits, "MAX_GRAPH_BYTES", small)

    with pytest.raises(DataError, match="max_graph_bytes"):
        thinned(heavy(10).SerializeToString(), GRAPH_DEF, least=0)


@given(st.binary(max_size=200))
def test_any_bytes_are_copied_or_an_error(data):
    with contextlib.suppress(DataError):
        thinned(data, GRAPH_DEF, least=0)
