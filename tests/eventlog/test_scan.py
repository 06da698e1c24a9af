"""Check the compiled wire scan against protobuf's own parser and against numbers put in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.eventlog import scan
from gpuboard.eventlog.proto.event_pb2 import Event, Summary
from tests import make, strategies
from tests.eventlog import reading

INT_RANGES = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
    "bool": (0, 1),
}
SPECIALS = [0.0, -0.0, 1.0, -1.5, math.inf, -math.inf, math.nan]
WAYS = ["content", "packed", "unpacked"]
SHAPES = [(), (1,)]


def numbers_of(dtype):
    if dtype in INT_RANGES:
        low, high = INT_RANGES[dtype]
        return sorted({low, high, 0, 1, high // 3})
    largest = {"float16": 65504.0, "bfloat16": 2.0**127, "float32": 3.4028234663852886e38}
    return [*SPECIALS, largest.get(dtype, 1.7976931348623157e308), 2.0**-14, 2.0**-24]


def values_of(payload, tag="t"):
    return [value for _, _, value in reading.read_payloads([payload]).points.get(tag, [])]


def same(found, expected):
    return repr(found) == repr(expected) or (math.isnan(expected) and found == "nan")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("dtype", make.DTYPES)
def test_a_tensor_of_one_number_is_a_scalar_whatever_its_type_and_form(dtype, how, shape):
    numbers = numbers_of(dtype)
    payloads = [make.tensor_value("t", make.tensor(dtype, [n], how, shape)) for n in numbers]

    points = reading.read_payloads(payloads).points["t"]

    assert len(points) == len(numbers)
    assert all(same(p[2], float(n)) for p, n in zip(points, numbers, strict=True)), points


@pytest.mark.parametrize("dtype", make.DTYPES)
def test_a_tensor_without_any_content_is_zero_as_tensorflow_leaves_out_zeros(dtype):
    assert values_of(make.tensor_value("t", make.field(1, make.DTYPES[dtype][0]))) == [0.0]


def test_all_half_precision_numbers_are_decoded_exactly():
    every = range(1 << 16)
    payloads = [
        make.tensor_value("t", make.field(1, 19) + make.field(4, bits.to_bytes(2, "little")))
        for bits in every
    ]

    found = reading.read_payloads(payloads).points["t"]

    expected = np.array(every, np.uint16).view(np.float16).astype(float)
    assert np.array_equal([float(p[2]) for p in found], expected, equal_nan=True)


@pytest.mark.parametrize(
    "serialised",
    [
        make.tensor("float32", [1.0, 2.0], shape=[2]),
        make.tensor("float32", [1.0], shape=[1, 1]),
        make.tensor("float32", [], shape=[0]),
        make.tensor("float32", [1.0], shape=[-1]),
        make.tensor("float32", [1.0], shape=[2**62]),
        make.field(1, 1) + make.field(2, make.field(3, 1)) + make.field(4, bytes(4)),
        make.field(1, 1) + make.field(4, bytes(3)),
        make.field(1, 1) + make.field(4, bytes(5)),
        make.field(1, 2) + make.field(4, bytes(4)),
        make.field(1, 7) + make.field(8, b"words"),
        make.field(1, 7) + make.field(8, b""),
        make.field(1, 8) + make.field(9, bytes(8)),
        make.field(1, 99) + make.field(4, bytes(4)),
        make.field(1, 1) + make.field(2, b"\xff"),
        make.field(4, bytes(4)),
    ],
    ids=[
        "two elements", "rank 2", "no element", "negative size", "huge size", "unknown rank",
        "content too short", "content too long", "content of another type", "string",
        "empty string", "complex", "unknown type", "broken shape", "no type",
    ],
)  # fmt: skip
def test_a_tensor_that_is_no_single_number_is_kept_as_a_reference(serialised):
    found = reading.read_payloads([make.tensor_value("t", serialised)])

    assert found.points == {}
    assert [(tag, kind) for tag, kind, *_ in found.refs] == [("t", scan.TENSOR)]


@pytest.mark.parametrize("step", [0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_steps_are_exact_over_the_whole_range_of_int64(step):
    found = reading.read_payloads([make.scalar("t", 1.0, step)])

    assert found.points["t"] == [(step, make.START_TIME, 1.0)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 1e-45])
def test_special_values_are_kept_as_they_are(value):
    (found,) = values_of(make.scalar("t", value))

    assert same(found, strategies.as_float32(value))


def test_a_wall_time_that_is_no_number_is_reported_and_its_points_are_kept():
    payloads = [make.scalar("t", 1.0, 5, math.nan), make.scalar("t", 2.0, 6)]

    found = reading.read_payloads(payloads)

    assert found.points["t"] == [(5, "nan", 1.0), (6, make.START_TIME, 2.0)]
    assert [(f.kind, f.offset) for f in found.findings] == [("no_wall_time", 0)]
    assert found.pieces[0].first_time == found.pieces[0].last_time == make.START_TIME


def test_many_values_in_one_event_share_its_step_and_time():
    values = {f"layer{k}": float(k) for k in range(50)}

    found = reading.read_payloads([make.scalars(values, 7, 123.0)])

    assert found.points == {tag: [(7, 123.0, value)] for tag, value in values.items()}


def test_fields_may_come_in_any_order():
    entry = make.fixed32(2, 2.5) + make.field(1, b"late name")
    payload = make.field(5, make.field(1, entry)) + make.field(2, 9) + make.fixed64(1, 77.0)

    assert reading.read_payloads([payload]).points == {"late name": [(9, 77.0, 2.5)]}


def test_a_value_without_tag_takes_the_name_of_its_node():
    entry = make.field(7, b"node") + make.fixed32(2, 1.0)

    assert list(reading.read_payloads([make.raw_value(entry)]).points) == ["node"]


def test_the_last_of_several_contents_of_a_value_counts():
    entry = make.field(1, b"t") + make.field(4, b"") + make.fixed32(2, 1.0) + make.fixed32(2, 3.0)

    assert values_of(make.raw_value(entry)) == [3.0]


def test_a_value_with_neither_content_nor_metadata_is_nothing():
    found = reading.read_payloads([make.raw_value(make.field(1, b"video"))])

    assert (found.points, found.refs, found.kinds, found.events) == ({}, [], [], 1)


def test_a_value_of_metadata_alone_is_kept_since_hparams_live_there():
    entry = make.field(1, b"_hparams_/x") + make.field(9, make.metadata("hparams", content=b"c"))

    found = reading.read_payloads([make.raw_value(entry)])

    assert [(tag, kind) for tag, kind, *_ in found.refs] == [("_hparams_/x", scan.NOTHING)]
    assert found.log.names.description(0).content == b"c"


def test_unknown_fields_of_every_wire_type_are_passed_over():
    extra = make.field(60, 3) + make.field(61, b"x") + make.fixed32(62, 1.0) + make.fixed64(63, 1.0)
    entry = extra + make.field(1, b"t") + make.fixed32(2, 4.0) + extra
    summary = extra + make.field(1, entry) + extra
    payload = extra + make.fixed64(1, 5.0) + make.field(5, summary) + extra

    assert reading.read_payloads([payload]).points == {"t": [(0, 5.0, 4.0)]}


@given(payloads=strategies.payloads_of_all_kinds())
@settings(max_examples=150)
def test_a_scan_finds_what_protobufs_own_parser_finds(payloads):
    found = reading.read_payloads(payloads)

    scalars, heavy = _by_protobuf(payloads)
    assert found.points == scalars
    assert [ref[:3] for ref in found.refs] == heavy
    assert found.events == len(payloads)
    assert found.kinds == []


def _by_protobuf(payloads):
    """Return scalars by tag and (tag, kind, step) of everything heavy, from parsed messages."""
    scalars, heavy = {}, []
    for payload in payloads:
        event = Event.FromString(payload)
        what = event.WhichOneof("what")
        if what == "graph_def":
            heavy.append(("__run_graph__", scan.GRAPH, 0))
        elif what == "tagged_run_metadata":
            heavy.append((event.tagged_run_metadata.tag, scan.RUN_METADATA, 0))
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            number = value.simple_value if kind == "simple_value" else None
            if kind == "tensor" and value.tensor.dtype == 1:
                (number,) = np.frombuffer(value.tensor.tensor_content, "<f4")
            if number is None:
                place = Summary.Value.DESCRIPTOR.fields_by_name[kind].number
                heavy.append((value.tag, place, event.step))
            else:
                point = (event.step, event.wall_time, reading.plain(float(number)))
                scalars.setdefault(value.tag, []).append(point)
    return scalars, heavy


@given(payloads=strategies.payloads_of_all_kinds(), data=st.data())
@settings(max_examples=200)
def test_whatever_protobuf_parses_the_scan_takes_in_too(payloads, data):
    payload = data.draw(strategies.mutations(b"".join(payloads)))
    found = reading.read_payloads([payload, make.scalar("intact", 1.0)])

    assert found.points["intact"][-1] == (0, make.START_TIME, 1.0)
    try:
        event = Event.FromString(payload)
    except DecodeError:
        return
    if "malformed_event" in found.kinds:
        # Groups are the one thing that protobuf reads on and the scan does not: none writes them.
        assert any(byte & 7 in {3, 4} for byte in payload)
        return
    numbers = [v for v in event.summary.value if v.WhichOneof("value") == "simple_value"]
    kept = sum(len(points) for points in found.points.values()) - 1
    if event.WhichOneof("what") == "summary":
        assert kept >= len(numbers)


@given(payload=st.binary(max_size=80))
def test_noise_in_a_record_is_an_event_or_is_reported_and_the_next_record_is_read(payload):
    found = reading.read_payloads([payload, make.scalar("intact", 1.0)])

    assert found.points["intact"] == [(0, make.START_TIME, 1.0)]
    assert found.events + found.kinds.count("malformed_event") == 2


@pytest.mark.parametrize("level", ["event", "summary", "value"])
@pytest.mark.parametrize(
    "cut_field",
    [
        make.fixed64(60, 1.0)[:-1],
        make.fixed32(60, 1.0)[:-1],
        make.field(60, b"abc")[:-1],
        make.field(60, 300)[:-1],
        make.varint(60 << 3) + b"\xff" * 10,
        make.varint(60 << 3 | 6),
    ],
    ids=["fixed64", "fixed32", "bytes", "varint", "endless varint", "wire type 6"],
)
def test_a_field_that_is_cut_makes_its_event_malformed_as_protobuf_has_it(level, cut_field):
    body = make.field(1, b"t") + make.fixed32(2, 1.0)
    body = make.field(1, body + cut_field * (level == "value"))
    payload = make.field(5, body + cut_field * (level == "summary"))
    payload += cut_field * (level == "event")

    found = reading.read_payloads([payload])

    with pytest.raises(DecodeError):
        Event.FromString(payload)
    assert (found.kinds, found.points) == (["malformed_event"], {})


def test_references_point_at_the_message_in_the_file():
    payloads = [make.header(), make.image("p", b"png bytes", 3), make.graph(b"a graph")]
    data = make.records(payloads)

    found = reading.read_bytes(data)

    (_, _, step, at, size), (tag, kind, _, graph_at, graph_size) = found.refs
    value = Summary.Value.FromString(data[at : at + size])
    assert (step, value.tag, value.image.encoded_image_string) == (3, "p", b"png bytes")
    assert (tag, kind) == ("__run_graph__", scan.GRAPH)
    assert data[graph_at : graph_at + graph_size] == b"a graph"


def test_a_record_that_is_no_event_is_reported_and_leaves_nothing_half_done():
    entry = make.field(1, make.field(1, b"t") + make.fixed32(2, 1.0))
    half = make.fixed64(1, 1.0) + make.field(5, entry + b"\x0a\xff\x01")

    found = reading.read_payloads([make.scalar("a", 1.0), half, make.scalar("a", 2.0, 1)])

    assert list(found.points) == ["a"]
    assert len(found.points["a"]) == 2
    assert [(f.kind, f.offset) for f in found.findings] == [
        ("malformed_event", 16 + len(make.scalar("a", 1.0)))
    ]
    assert found.events == 2


def test_a_tag_may_be_one_mebibyte_long_and_no_longer():
    longest = "x" * limits.MAX_TAG_BYTES.value

    found = reading.read_payloads([make.scalar(longest, 1.0), make.scalar(longest + "x", 2.0)])

    assert list(found.points) == [longest]
    assert found.kinds == ["long_tag"]


@pytest.mark.parametrize("scalars_in_one_event", [4096, 5000, 30_000])
def test_an_event_with_more_values_than_there_is_room_for_is_taken_in_once(scalars_in_one_event):
    values = {f"v{k}": float(k) for k in range(scalars_in_one_event)}

    found = reading.read_payloads([make.scalar("before", 1.0), make.scalars(values, 2)])

    assert found.points.pop("before") == [(0, make.START_TIME, 1.0)]
    assert {tag: point for tag, (point,) in found.points.items()} == {
        tag: (2, make.START_TIME, value) for tag, value in values.items()
    }
    assert found.events == 2


def test_an_event_with_thousands_of_heavy_values_keeps_them_all():
    entries = [Summary.Value(tag=f"t{k}", image=Summary.Image(width=k)) for k in range(3000)]
    payload = make.event(1, summary=Summary(value=entries))

    found = reading.read_payloads([payload])

    assert [tag for tag, *_ in found.refs] == [f"t{k}" for k in range(3000)]


def test_growing_the_tag_table_keeps_every_number():
    table = scan.make_tag_table(tags=2, name_bytes=8)
    out = scan.make_output(1000, 10)
    data = make.column(make.records([make.scalar(f"tag{k % 90}", 1.0, k) for k in range(900)]))
    position = 0

    while (position := scan.scan(data, position, len(data), 0, 1000, table, out)) < len(data):
        table = scan.grow_tag_table(table)

    names = [table.names[table.start[t] : table.start[t + 1]].tobytes() for t in range(90)]
    assert names == [b"tag%d" % k for k in range(90)]
    assert out.tag[:900].tolist() == [k % 90 for k in range(900)]


def test_making_room_for_many_tags_does_not_make_room_for_many_points():
    table, out = scan.make_tag_table(), scan.make_output(4096, 512)
    payloads = [make.scalar(f"tag{k}", 1.0) for k in range(1000)]
    data = make.column(make.records(payloads))

    position = 0
    while (position := scan.scan(data, position, len(data), 0, 1000, table, out)) < len(data):
        table, out = scan.make_room(table, out)

    assert (len(out.step), len(out.ref_step)) == (4096, 512)
    assert out.counts[scan.N_SCALARS] == 1000


def test_tags_whose_names_share_a_slot_or_a_prefix_stay_apart():
    names = ["", "a", "b", "ab", "ba", "a" * 8, "a" * 9, "a" * 7 + "b", "\0", "\0\0"]
    payloads = [make.scalar(name, float(k), k) for k, name in enumerate(names * 3)]

    found = reading.read_payloads(payloads)

    assert {tag: [p[0] for p in points] for tag, points in found.points.items()} == {
        name: [k, k + 10, k + 20] for k, name in enumerate(names)
    }


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(-9, 9)), max_size=40),
    st.permutations(range(6)),
)
def test_grouping_sorts_by_tag_and_keeps_file_order_within_it(points, numbers):
    tag = np.array([t for t, _ in points], np.int32)
    step = np.array([s for _, s in points], np.int64)
    rename = np.array(numbers, np.int32)
    stop = np.zeros(7, np.int64)
    columns = np.empty(len(tag)), np.empty(len(tag), np.int64), np.empty(len(tag))

    scan.group(tag, rename, step / 2, step, step * 2.0, stop, columns)

    expected = sorted(((numbers[t], s) for t, s in points), key=lambda pair: pair[0])
    assert columns[1].tolist() == [s for _, s in expected]
    assert columns[0].tolist() == [s / 2 for _, s in expected]
    assert columns[2].tolist() == [s * 2.0 for _, s in expected]
    ends = [sum(numbers[t] <= n for t, _ in points) for n in range(6)]
    assert stop[:-1].tolist() == ends


def test_only_the_first_notes_are_listed_but_all_are_counted():
    bad = make.record(b"\xff")

    found = reading.read_bytes(bad * 1000)

    assert found.findings_total == 1000
    assert [f.offset for f in found.findings] == [17 * k for k in range(256)]
