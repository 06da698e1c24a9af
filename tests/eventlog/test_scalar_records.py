"""Check that records made all at once are those that protobuf makes one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.eventlog.proto.event_pb2 import Event, Summary, SummaryMetadata, TensorProto
from gpuboard.eventlog.scalar_records import ScalarSeries, encode_scalars, frame
from tests import make

FORMS = ((False, False), (True, False), (True, True))
TAGS = ("", "loss", "ü/x", "y" * 130, "z" * 700)
STEPS = st.one_of(
    st.sampled_from([0, 1, 127, 128, -1, 2**63 - 1, -(2**63)]), st.integers(-(2**63), 2**63 - 1)
)
POINTS = st.tuples(
    st.sampled_from(TAGS),
    st.sampled_from(FORMS),
    st.floats(allow_nan=False),  # which bits a NaN has is nobody's business
    STEPS,
    st.floats(1, 1e10),
)


def by_protobuf(tag, form, value, step, time):
    as_tensor, is_double = form
    with np.errstate(over="ignore"):
        single = float(np.float32(value))
    if not as_tensor:
        entry = Summary.Value(tag=tag, simple_value=single)
    else:
        double = TensorProto(dtype=2, double_val=[value])
        float_ = TensorProto(dtype=1, float_val=[single])
        plugin = SummaryMetadata.PluginData(plugin_name="scalars")
        entry = Summary.Value(
            tag=tag,
            tensor=double if is_double else float_,
            metadata=SummaryMetadata(plugin_data=plugin),
        )
    event = Event(wall_time=time, step=step, summary=Summary(value=[entry]))
    return make.record(event.SerializeToString())


def at_once(points):
    series = [ScalarSeries(tag, as_tensor=form[0], is_double=form[1]) for tag, form, *_ in points]
    _, _, values, steps, times = zip(*points, strict=True)
    return bytes(encode_scalars(series, values, steps, times))


@given(points=st.lists(POINTS, min_size=1, max_size=12))
def test_all_points_at_once_are_the_bytes_that_protobuf_writes(points):
    expected = b"".join(by_protobuf(*point) for point in points)

    assert at_once(points) == expected


def test_a_series_is_used_again_for_steps_of_all_lengths():
    series = ScalarSeries("loss")
    steps = [2**k for k in range(63)]
    rows = [(series, 0.5, step, 9.0) for step in steps]

    found = bytes(encode_scalars(*zip(*rows, strict=True)))

    expected = [by_protobuf("loss", FORMS[0], 0.5, step, 9.0) for step in steps]
    assert found == b"".join(expected)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -0.0])
@pytest.mark.parametrize("form", FORMS)
def test_special_values(value, form):
    record = at_once([("x", form, value, 1, 2.0)])

    (entry,) = Event.FromString(record[12:-4]).summary.value
    tensor = entry.tensor
    (found,) = [*tensor.double_val, *tensor.float_val] or [entry.simple_value]
    kept = value if form[1] or abs(value) != 1e300 else math.inf
    assert repr(found) == repr(kept)
    assert record == make.record(record[12:-4])


def test_a_tag_with_half_of_a_surrogate_pair_is_refused():
    with pytest.raises(UnicodeEncodeError):
        ScalarSeries("\ud800")


@given(payload=st.binary(max_size=2000))
def test_a_frame_is_what_the_format_says(payload):
    assert frame(payload) == make.record(payload)
