import pytest

from gpuboard import limits
from gpuboard.errors import DataError, InputError
from gpuboard.eventlog.proto.custom_scalars_pb2 import CustomScalarsCategory, CustomScalarsLayout
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.summaries.custom_scalars import (
    LAYOUT_TAG,
    Category,
    Chart,
    Margin,
    decode,
    encode,
    merged,
)
from gpuboard.summaries.tensor import encode_strings

LAYOUT = {
    "loss": {
        "both": ["Multiline", ["loss/train", "loss/(val|test)"]],
        "band": ["Margin", ["loss/mean", "loss/low", "loss/high"]],
    },
    "accuracy": {},
}
READ = (
    Category(
        "loss",
        (
            Chart("both", tags=("loss/train", "loss/(val|test)")),
            Chart("band", margins=(Margin("loss/mean", "loss/low", "loss/high"),)),
        ),
    ),
    Category("accuracy", ()),
)


def value_of(content: bytes) -> Summary.Value:
    return Summary.Value(tag=LAYOUT_TAG, tensor=encode_strings([content], ()))


def test_what_is_written_is_read_back():
    assert decode(encode(LAYOUT)) == READ


def test_the_bytes_are_those_that_torch_writes():
    summary = pytest.importorskip("torch.utils.tensorboard.summary")

    theirs = summary.custom_scalars(LAYOUT).value[0]

    assert encode(LAYOUT).SerializeToString() == theirs.SerializeToString()


def test_tensorboard_reads_what_is_written():
    proto = pytest.importorskip("tensorboard.plugins.custom_scalar.layout_pb2")

    layout = proto.Layout.FromString(encode(LAYOUT).tensor.string_val[0])

    assert layout.category[0].title == "loss"
    assert list(layout.category[0].chart[0].multiline.tag) == ["loss/train", "loss/(val|test)"]
    assert layout.category[0].chart[1].margin.series[0].upper == "loss/high"


def test_a_category_can_be_closed_and_a_margin_chart_have_several_bands():
    proto = pytest.importorskip("tensorboard.plugins.custom_scalar.layout_pb2")
    series = [
        proto.MarginChartContent.Series(value=f"v{k}", lower=f"l{k}", upper=f"u{k}")
        for k in range(2)
    ]
    chart = proto.Chart(title="t", margin=proto.MarginChartContent(series=series))
    layout = proto.Layout(category=[proto.Category(title="c", chart=[chart], closed=True)])

    (category,) = decode(value_of(layout.SerializeToString()))

    assert category.closed
    assert category.charts[0].margins == (Margin("v0", "l0", "u0"), Margin("v1", "l1", "u1"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["Margin", ["a", "b"]], "got 2 tags, expected"),
        (["Multiline"], "expected .kind, tags."),
        (["Multiline", "loss"], "got tags loss"),
        ("Multiline", "expected .kind, tags."),
    ],
)
def test_a_chart_that_is_none_is_named(content, message):
    with pytest.raises(InputError, match=message):
        encode({"c": {"my chart": content}})


@pytest.mark.parametrize("content", [b"\x12\xff", b"\x12\x03\x0a\x01\xff"])
def test_bytes_that_are_no_layout_are_named(content):
    with pytest.raises(DataError, match=LAYOUT_TAG):
        decode(value_of(content))


@pytest.mark.parametrize("strings", [[], [b"", b""]])
def test_one_string_is_expected(strings):
    value = Summary.Value(tag=LAYOUT_TAG, tensor=encode_strings(strings, (len(strings),)))

    with pytest.raises(DataError, match="expected one"):
        decode(value)


def test_a_number_is_no_layout():
    with pytest.raises(DataError):
        decode(Summary.Value(tag=LAYOUT_TAG, simple_value=1.0))


def test_a_layout_beyond_the_cap_is_not_shown():
    most = limits.MAX_LAYOUT_PARTS.value
    layout = CustomScalarsLayout(category=[CustomScalarsCategory()] * (most + 1))

    with pytest.raises(DataError, match=limits.MAX_LAYOUT_PARTS.name):
        decode(value_of(layout.SerializeToString()))


def test_the_same_layout_of_many_runs_is_one():
    assert merged([READ] * 5) == READ


def test_categories_of_one_title_become_one_and_other_charts_stay_side_by_side():
    other = (
        Category("loss", (Chart("both", tags=("loss/train",)), Chart("new", tags=("x",)))),
        Category("more", ()),
    )

    found = merged([READ, other])

    assert [category.title for category in found] == ["loss", "accuracy", "more"]
    assert [chart.title for chart in found[0].charts] == ["both", "band", "both", "new"]
    assert found[0].charts[2].tags == ("loss/train",)


def test_a_category_is_closed_only_where_all_runs_say_so():
    def saying(closed):
        return (Category("c", (), closed),)

    assert merged([saying(True), saying(True)])[0].closed
    assert not merged([saying(True), saying(False)])[0].closed
