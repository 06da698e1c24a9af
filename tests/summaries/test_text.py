import pytest

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.summaries.tensor import encode_strings
from gpuboard.summaries.text import Texts, decode, encode


@pytest.mark.parametrize("text", ["", "plain", "# ünïcode\n\n😀"])
def test_torch_writes_the_same_bytes(text):
    summary = pytest.importorskip("torch.utils.tensorboard.summary")

    theirs = summary.text("note", text).value[0]

    assert encode("note", text).SerializeToString() == theirs.SerializeToString()


def test_half_of_a_surrogate_pair_becomes_an_escape():
    assert decode(encode("note", "a\ud800b")).cells == ("a\\ud800b",)


@pytest.mark.parametrize("shape", [(), (1,), (6,), (2, 3), (1, 2, 3)])
def test_a_tensor_of_any_rank_comes_back(shape):
    count = 1 if shape in ((), (1,)) else 6
    cells = [f"cell {i}" for i in range(count)]
    value = Summary.Value(tensor=encode_strings([cell.encode() for cell in cells], shape))

    assert decode(value) == Texts(shape, tuple(cells))


def test_bytes_that_are_not_utf8_stay_visible():
    value = Summary.Value(tensor=encode_strings([b"caf\xe9"], ()))

    assert decode(value).cells == ("caf\\xe9",)


@pytest.mark.parametrize("value", [Summary.Value(), Summary.Value(simple_value=1)])
def test_what_is_no_text_is_named(value):
    with pytest.raises(DataError, match="expected a tensor of strings"):
        decode(value)
