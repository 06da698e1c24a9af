"""Read the dialects in which Kineto has written traces, and other traces in Chrome's JSON."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.errors import DataError, NotFoundError
from gpuboard.profiler.traces import kineto, kineto_stream
from gpuboard.profiler.traces.kineto import read_kineto
from gpuboard.profiler.traces.kineto_event import read_event
from gpuboard.profiler.traces.trace import Kind, Place
from tests.profiler.slow_kineto import trace_of
from tests.profiler.traces.alike import assert_alike, texts


@pytest.fixture
def read(tmp_path):
    """Return a function that reads events, as dictionaries or text, and facts of the root."""

    def read_events(events, **facts):
        file = tmp_path / "trace.json"
        listed = events if isinstance(events, str) else json.dumps(events)
        more = "".join(f", {json.dumps(key)}: {json.dumps(value)}" for key, value in facts.items())
        file.write_text(f'{{"traceEvents": {listed}{more}}}')
        return read_kineto(file)

    return read_events


def event(ph="X", **members):
    known = {"ph": ph, "name": "x", "pid": 1, "tid": 1, "ts": 5}
    return known | ({"dur": 1} if ph == "X" else {}) | members


def named(trace, table, column):
    return texts(trace, getattr(getattr(trace, table), column))


def test_the_dialect_of_2021_has_capital_categories_and_streams_by_name(read):
    trace = read(
        [
            event(cat="Operator", name="aten::mm", tid="1441273664",
                  args={"Input dims": [[2, 2], []], "External id": "7"}),
            event(cat="Runtime", name="cudaLaunchKernel",
                  args={"correlation": 9, "external id": 7}),
            event(cat="Kernel", name="gemm", pid=0, tid="stream 7",
                  args={"correlation": 9, "external id": 7, "stream": 7, "device": 0}),
            event(cat="Memcpy", pid=0, tid="stream 7", ts=8),
            event(cat="Memset", pid=0, tid="stream 7", ts=10),
            event("s", cat="async", id=9), event("f", cat="async", id=9, ts=6),
            event("i", name="[memory]", args={"Addr": 140, "Bytes": -512, "Device Type": 1,
                                              "Device Id": 0, "Total Allocated": 1024}),
        ],
        schemaVersion=1,
    )  # fmt: skip

    kinds = set(trace.slices.kind.tolist())
    assert kinds == {Kind.OPERATOR, Kind.CALL, Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET}
    assert trace.work.external.tolist() == [7, -1, -1]
    assert trace.work.stream.tolist() == [7, -1, -1]
    assert trace.work.device.tolist() == [0, 0, 0]
    assert named(trace, "operators", "dims") == ["[[2, 2], []]"]
    assert trace.operators.external.tolist() == [7]
    assert named(trace, "flows", "label") == ["async"]
    assert trace.memory.bytes.tolist() == [-512]
    assert trace.memory.reserved.tolist() == [-1]
    assert [t.stream for t in trace.tracks if t.place is Place.STREAM] == [7]


def test_whole_microseconds_since_the_epoch_are_exact(read):
    trace = read([event(ts=1610366387140599, dur=14)])

    assert trace.slices.start.tolist() == [1610366387140599000]
    assert trace.slices.dur.tolist() == [14000]


def test_microseconds_since_the_epoch_with_nanoseconds_behind_the_point_are_exact(read):
    trace = read('[{"ph": "X", "ts": 1712195511234567.891, "dur": 12.345678}]')

    assert trace.slices.start.tolist() == [1712195511234567891]
    assert trace.slices.dur.tolist() == [12345]


def test_times_after_a_base_are_kept_beside_it(read):
    trace = read([event(ts=4458676416431.397)], baseTimeNanoseconds=1751410836000000000)

    assert trace.slices.start.tolist() == [4458676416431397]
    assert trace.origin.base == 1751410836000000000


def test_facts_before_and_behind_the_events_are_found(tmp_path):
    file = tmp_path / "trace.json"
    facts = {"rank": 3, "world_size": 8, "backend": "nccl", "pg_config": [
        {"pg_name": "0", "pg_desc": "default_pg", "backend_config": "cuda:nccl", "ranks": [0, 1]}
    ]}  # fmt: skip
    devices = [{"id": 0, "name": "NVIDIA H100", "numSms": 132, "warpSize": 32}]
    file.write_text(
        f'{{"deviceProperties": {json.dumps(devices)}, "traceEvents": [{json.dumps(event())}], '
        f'"distributedInfo": {json.dumps(facts)}, "host_name": "node1", "with_stack": 1}}'
    )

    trace = read_kineto(file)

    assert (trace.origin.rank, trace.origin.world_size, trace.origin.backend) == (3, 8, "nccl")
    assert trace.origin.groups[0].label == "default_pg"
    assert trace.origin.groups[0].ranks == (0, 1)
    assert (trace.devices[0].name, trace.devices[0].sms) == ("NVIDIA H100", 132)
    assert trace.origin.facts == {"host_name": "node1", "with_stack": "1"}
    assert trace.origin.host == "node1"
    assert trace.origin.format == "kineto"


def test_waits_on_a_device_say_what_they_wait_for(read):
    trace = read(
        [event(cat="cuda_sync", pid=0, tid=7, args={
            "cuda_sync_kind": "Stream Wait Event", "stream": 7, "correlation": 4,
            "wait_on_stream": 20, "wait_on_cuda_event_record_corr_id": 3})]
    )  # fmt: skip

    assert named(trace, "syncs", "sync") == ["Stream Wait Event"]
    assert trace.syncs.awaited_stream.tolist() == [20]
    assert trace.syncs.awaited_correlation.tolist() == [3]


def test_collectives_are_known_on_the_host_and_on_the_device(read):
    args = {
        "Collective name": "allreduce", "In msg nelems": 2049000, "Out msg nelems": 2049000,
        "dtype": "Float", "Group size": 2, "Process Group Name": "0", "Rank": 1, "Seq": 17,
        "Process Group Description": "default_pg", "Process Group Ranks": "[0, 1]",
    }  # fmt: skip
    trace = read(
        [event(cat="cpu_op", args=args), event(cat="kernel", pid=0, tid=20, args=args, ts=7)]
    )

    assert named(trace, "collectives", "collective") == ["allreduce", "allreduce"]
    assert named(trace, "collectives", "group_ranks") == ["[0, 1]", "[0, 1]"]
    assert trace.collectives.sequence.tolist() == [17, 17]
    assert trace.collectives.row.tolist() == [0, 1]


def test_negative_threads_keep_their_number(read):
    assert read([event(tid=-549452224)]).tracks[0].thread == "-549452224"


def test_escaped_quotes_in_names_are_read(read):
    trace = read([event(name='say "hi" \u00e9 \U0001f600\n')])

    assert trace.text(int(trace.slices.name[0])) == 'say "hi" \u00e9 \U0001f600\n'


def test_one_text_written_in_two_ways_is_one_string(read):
    trace = read(
        '[{"ph": "X", "name": "aten::mm", "ts": 1}, {"ph": "X", "name": "aten\\u003a:mm", "ts": 2}]'
    )

    assert trace.slices.name[0] == trace.slices.name[1]


def test_lists_are_alike_however_they_are_laid_out(read):
    dims = ["[[2,3],[]]", "[ [2, 3],\n  [ ] ]", '["a b",1]', '[ "a b" , 1 ]']
    trace = read(
        "["
        + ",".join(
            f'{{"ph": "X", "cat": "cpu_op", "ts": {k}, "args": {{"Input Dims": {text}}}}}'
            for k, text in enumerate(dims)
        )
        + "]"
    )

    assert named(trace, "operators", "dims") == ["[[2, 3], []]"] * 2 + ['["a b", 1]'] * 2
    assert len(set(trace.operators.dims.tolist())) == 2


def test_begins_and_ends_make_slices(read):
    trace = read(
        [
            event("B", name="outer", ts=1), event("B", name="inner", ts=2),
            event("B", name="other", ts=2, tid=2), event("E", ts=4),
            event("E", ts=9), event("E", ts=10), event("B", name="open", ts=11),
        ]
    )  # fmt: skip

    found = dict(zip(named(trace, "slices", "name"), trace.slices.dur.tolist(), strict=True))
    assert found == {"outer": 8000, "inner": 2000, "other": 0, "open": 0}
    assert trace.problem_counts == {"never_ended": 2, "never_begun": 1}


def test_spans_that_overlap_lie_on_lanes_of_their_own(read):
    trace = read(
        [
            event("b", id="0x1", cat="request", name="get", ts=1),
            event("b", id="0x2", cat="request", name="get", ts=2),
            event("e", id="0x1", cat="request", name="get", ts=5),
            event("e", id="0x2", cat="request", name="get", ts=4),
            event("b", id="0x3", cat="request", name="get", ts=6),
            event("n", id="0x3", cat="request", name="mark", ts=7),
            event("e", id="0x3", cat="request", name="get", ts=8),
        ]
    )

    lanes = {trace.tracks[t].thread for t in trace.slices.track.tolist()}
    assert lanes == {"get", "get (2)"}
    assert sorted(trace.slices.dur.tolist()) == [2000, 2000, 4000]
    assert [trace.categories[c] for c in trace.slices.category] == ["request"] * 3
    assert named(trace, "instants", "name") == ["mark"]
    assert not trace.problem_counts


def test_arrows_whose_ids_are_no_numbers_are_told_apart(read):
    ids = ["0x1f", "0x1f", "left", "left", "right", "right"]
    events = [event("sf"[k % 2], cat="f", id=name, ts=k) for k, name in enumerate(ids)]

    flows = read(events).flows

    assert flows.source_time.tolist() == [0, 2000, 4000]
    assert flows.target_time.tolist() == [1000, 3000, 5000]
    assert flows.id[0] == 0x1F


def test_counters_have_a_series_for_each_value(read):
    trace = read(
        '[{"ph": "C", "name": "GPU 0", "pid": 0, "ts": 1, "args": {"sm": 0.12345678901234567, '
        '"mem": 1e-7, "on": true, "text": "no", "list": [1]}}]'
    )

    found = dict(zip(trace.counters.names, trace.counters.value.tolist(), strict=True))
    assert found == {
        ("GPU 0", "mem"): 1e-7, ("GPU 0", "on"): 1.0, ("GPU 0", "sm"): 0.12345678901234567,
    }  # fmt: skip
    assert trace.problem_counts == {"bad_counter": 1}


def test_phases_that_make_no_rows_are_counted(read):
    trace = read([event(p) for p in "NOD"] + [{}, {"ph": "XX"}])

    assert trace.origin.phases == {"N": 1, "O": 1, "D": 1, "None": 1, "other": 1}
    assert trace.origin.events == 5


def test_a_trace_of_jax_is_told_by_the_names_of_its_lines(read):
    def label(what, pid, tid, name):
        return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}}

    launch = "regs:32 static_shared:0 dynamic_shared:1024 grid:8,1,1 block:256,1,1 occ_pct:100"
    trace = read(
        [
            label("process_name", 1, None, "/device:GPU:0"),
            label("thread_name", 1, 14, "Stream #14(Compute)"),
            label("thread_name", 1, 2, "XLA Ops"),
            label("process_name", 701, None, "/host:CPU"),
            label("thread_name", 701, 9, "python3"),
            event(pid=1, tid=14, name="gemm_fusion", args={
                "correlation_id": "77", "kernel_details": launch, "tf_op": "jit(f)/dot",
                "hlo_op": "dot.1"}),
            event(pid=1, tid=14, name="MemcpyH2D", ts=8,
                  args={"memcpy_details": "kind_src:host size:4096 async:1"}),
            event(pid=1, tid=2, name="dot.1"),
            event(pid=701, tid=9, name="cuLaunchKernel", args={"correlation_id": "77"}),
            event(pid=701, tid=9, name="$core.py:12 bind"),
            {},
        ],
        displayTimeUnit="ns", metadata={"highres-ticks": True},
    )  # fmt: skip

    kinds = dict(zip(named(trace, "slices", "name"), trace.slices.kind.tolist(), strict=True))
    assert kinds == {
        "gemm_fusion": Kind.KERNEL, "MemcpyH2D": Kind.MEMCPY, "dot.1": Kind.MODEL_OP,
        "cuLaunchKernel": Kind.CALL, "$core.py:12 bind": Kind.PYTHON,
    }  # fmt: skip
    assert trace.work.correlation.tolist() == [77, -1]
    assert trace.calls.correlation.tolist() == [77]
    assert trace.work.grid.tolist() == [[8, 1, 1], [-1, -1, -1]]
    assert trace.work.registers.tolist() == [32, -1]
    assert trace.work.bytes.tolist() == [-1, 4096]
    assert named(trace, "work", "launcher") == ["jit(f)/dot", None]
    assert [(t.device, t.stream) for t in trace.tracks if t.place is Place.STREAM] == [(0, 14)]


def test_the_whole_of_each_event_can_be_read_again(tmp_path):
    events = [event(name=f"n{k}", ts=k, args={"k": [k, {"deep": "é" * k}]}) for k in range(50)]
    plain, packed = tmp_path / "trace.json", tmp_path / "trace.json.gz"
    plain.write_text(json.dumps({"traceEvents": events}))
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    for file in (plain, packed):
        trace = read_kineto(file)
        found = [read_event(file, offset) for offset in trace.slices.offset.tolist()]
        assert found == events


def test_an_event_that_is_not_there_is_said_so(tmp_path):
    file = tmp_path / "trace.json"
    file.write_text('[{"ph": "X", "ts": 1.5, "args": {"a": N/A}}, {"ph":')

    assert read_event(file, 1)["args"] == {"a": None}
    assert read_event(file, 1)["ts"] == Decimal("1.5")
    with pytest.raises(NotFoundError, match="no event at byte 2"):
        read_event(file, 2)
    with pytest.raises(NotFoundError):
        read_event(file, -1)
    with pytest.raises(DataError, match="not whole"):
        read_event(file, file.read_text().rindex("{"))


def test_pieces_of_any_size_make_the_same_trace(tmp_path, monkeypatch):
    words = ["plain", 'quo"ted', "back\\slash", "é" * 40, "x" * 300]
    events = [
        event("XXXCi"[k % 5], name=words[k % 5], ts=k / 8, cat=("cpu_op", "kernel")[k % 2],
              args={"correlation": k, "Input Dims": [[k, 2]], "External id": k})
        for k in range(300)
    ]  # fmt: skip
    file = tmp_path / "trace.json"
    file.write_text(json.dumps({"a": [1, {"b": "]"}], "traceEvents": events, "z": "end"}, indent=1))
    expected = trace_of(
        [e if e["ph"] != "C" else e | {"args": {}} for e in events],
        {"a": [1, {"b": "]"}], "z": "end"},
    )
    monkeypatch.setattr(kineto, "_BEFORE", 64)

    for size in (7, 61, 509, 4099, 1 << 20):
        monkeypatch.setattr(kineto_stream, "PIECE", size)
        found = read_kineto(file)
        assert len(found.counters.time) == 2 * 60
        np.testing.assert_array_equal(found.slices.start, expected.slices.start)
        assert named(found, "slices", "name") == named(expected, "slices", "name")
        assert found.origin.facts == expected.origin.facts
        assert found.problem_counts == {"bad_counter": 60}


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_MICROSECONDS = st.one_of(
    st.integers(0, 2**50),
    st.decimals(0, 10**15, places=3).map(float),
    st.floats(0, 1e9, allow_nan=False),
)
_ARGS = st.dictionaries(
    st.sampled_from(
        ["External id", "correlation", "device", "stream", "bytes", "grid", "block", "Input Dims",
         "Call stack", "blocks per SM", "Python id", "Collective name", "Group size", "other"]
    ),
    st.one_of(st.integers(-(2**31), 2**31 - 1), _TEXT),
    max_size=6,
).map(
    lambda args: args
    | {key: [1, 2, 3] for key in ("grid", "block") if key in args}
    | {key: 0.5 for key in ("blocks per SM",) if key in args}
)  # fmt: skip
_EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "ph": st.sampled_from("XXXXBEiIRstfMNOD"),
            "name": st.one_of(_TEXT, st.just("[memory]"), st.just("thread_name")),
            "pid": st.one_of(st.integers(-5, 5), st.sampled_from(["Spans", "0"])),
            "tid": st.one_of(st.integers(-5, 5), st.sampled_from(["stream 7", "0"])),
            "ts": _MICROSECONDS,
        },
        optional={
            "cat": st.sampled_from(
                ["cpu_op", "kernel", "gpu_memcpy", "cuda_runtime", "python_function", "cuda_sync",
                 "user_annotation", "gpu_user_annotation", "Trace", "odd"]
            ),
            "dur": _MICROSECONDS,
            "id": st.integers(0, 5),
            "args": _ARGS,
        },
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(events=_EVENTS, indent=st.sampled_from([None, 0, 3]), is_ascii=st.booleans())
def test_any_events_make_what_the_slow_reader_makes(events, indent, is_ascii, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "any.json"
    whole = {"schemaVersion": 1, "traceEvents": events, "note": "é"}
    file.write_text(json.dumps(whole, indent=indent, ensure_ascii=is_ascii), "utf-8")

    assert_alike(read_kineto(file), trace_of(events, {"schemaVersion": 1, "note": "é"}))


def test_a_backslash_is_one_and_a_bad_escape_stays_as_it_stands(read):
    trace = read(r'[{"ph":"X","name":"\\","ts":1}, {"ph":"X","name":"\\\d\"","ts":2}]')

    assert named(trace, "slices", "name") == ["\\", '\\\\d"']
    assert trace.problem_counts["bad_escape"] == 1
