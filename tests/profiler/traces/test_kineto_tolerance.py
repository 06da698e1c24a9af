"""Read traces that break their format in every way that is met in the wild."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.profiler.traces.kineto import read_kineto
from gpuboard.profiler.traces.trace import Trace
from gpuboard.profiler.traces.watch import ReadingCancelledError

BEFORE = (
    '{"ph": "X", "cat": "cpu_op", "name": "before", "pid": 1, "tid": 1, "ts": 1, "dur": 1, '
    '"args": {"Input Dims": [[2, 3], []]}}'
)
AFTER = '{"ph": "X", "cat": "cpu_op", "name": "after", "pid": 1, "tid": 1, "ts": 9, "dur": 1}'
SMALL = (
    '{"schemaVersion": 1, "deviceProperties": [{"id": 0, "name": "H100"}], "traceEvents": [\n'
    + BEFORE
    + ',\n{"ph": "X", "cat": "kernel", "name": "k<1>", "pid": 0, "tid": 7, "ts": 3.250, "dur": 2, '
    '"args": {"correlation": 5, "grid": [1, 2, 3], "est. achieved occupancy %": 50}},\n'
    '{"ph": "s", "id": 5, "pid": 1, "tid": 1, "ts": 2, "cat": "ac2g", "name": "ac2g"},\n'
    '{"ph": "C", "name": "c", "pid": 0, "tid": 0, "ts": 4, "args": {"a": 1.5, "b": 2}},\n'
    '{"ph": "M", "name": "thread_name", "pid": 1, "tid": 1, "args": {"name": "main"}},\n'
    + AFTER
    + '],\n"baseTimeNanoseconds": 17}\n'
)


@pytest.fixture
def read(tmp_path):
    """Return a function that writes bytes or text to a file and reads it."""

    def read_text(content: bytes | str, name: str = "trace.json") -> Trace:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_kineto(file)

    return read_text


def around(event: str) -> str:
    return f'{{"traceEvents": [{BEFORE},\n{event},\n{AFTER}]}}'


def names(trace: Trace) -> list[str]:
    order = sorted(range(len(trace.slices)), key=lambda k: int(trace.slices.start[k]))
    return [trace.text(int(trace.slices.name[k])) for k in order]


def slice_of(name: str = "x", **members: str) -> str:
    known = {"ph": '"X"', "name": f'"{name}"', "pid": "1", "tid": "1", "ts": "5", "dur": "1"}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in (known | members).items()) + "}"


@pytest.mark.parametrize(
    ("event", "kept", "problem"),
    [
        (slice_of(r"C:\Users\new"), "C:\\Users\new", "bad_escape"),
        (slice_of("a\x01b"), "a\x01b", "control_character"),
        (slice_of("a\nb"), "a\nb", "control_character"),
        (slice_of(args='{"blocks per SM": N/A}'), "x", "bad_word"),
        (slice_of(args='{"a": NaN, "b": Infinity, "c": -Infinity}'), "x", None),
        (slice_of(r"\ud800"), "\ufffd", None),
        (slice_of(ts='"5.5"', dur='"1.25"'), "x", None),
        (slice_of(dur="-3"), "x", "negative_duration"),
        (slice_of(dur="null"), "x", "no_duration"),
        (slice_of(dur='"long"'), "x", "bad_duration"),
        ('{"ph": "X", "name": "x", "ts": 5}', "x", "no_duration"),
        (slice_of(name="y", ph='"X", "name": "x"'), "y", None),
        (slice_of(args="{" + '"a": [{' * 20 + '"b": 1' + "}]" * 20 + "}"), "x", None),
        (slice_of(args='{"flops": ' + "9" * 100_000 + "}"), "x", None),
        (slice_of(args='{"Call stack": "' + "s" * 1_000_000 + '"}'), "x", None),
        (slice_of(args='{"Call stack": "' + "s" * 1_100_000 + '"}'), "x", "long_text"),
        (slice_of(args='{"Call stack": "' + "s" * 9_000_000 + '"}'), "x", "long_text"),
    ],
)
def test_an_odd_event_is_kept(read, event, kept, problem):
    trace = read(around(event))

    assert names(trace) == ["before", kept, "after"]
    assert set(trace.problem_counts) == ({problem} if problem else set())


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ('{"ph": "X", "name": "no quote, "pid": 1, "tid": 1, "ts": 5, "dur": 1}', "broken_event"),
        (slice_of(r"C:\dir" + "\\"), "broken_event"),
        ('{"ph": "X", "name": "x", "args": {"a": [1, 2}}', "broken_event"),
        ('{"ph": "X", "name": "x", "args": {"a": }}', "broken_event"),
        ('{"ph": "X" "name"; "x"}', "broken_event"),
        ("INFO:2026-04-01 12:00:00 1:1 Logger.cpp:22] Completed Stage: Collection", "stray_text"),
        ('"text"', "stray_text"),
        ("7, null, true", "stray_text"),
        (slice_of(args='{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"), "deep_event"),
        (slice_of("x" * 40_000_000), "long_event"),
        ('{"ph": "X", "name": "x", "dur": 1}', "no_time"),
        (slice_of(ts="NaN"), "bad_time"),
        (slice_of(ts="1e30"), "bad_time"),
        (slice_of(ts="1" * 1_000_000), "bad_time"),
        (slice_of(ts='"soon"'), "bad_time"),
    ],
)
def test_a_broken_event_is_skipped_and_told(read, event, problem):
    text = around(event)
    trace = read(text)

    assert names(trace) == ["before", "after"]
    assert trace.problem_counts == {problem: 1}
    assert [p.kind for p in trace.problems] == [problem]
    start = text.index(event)
    assert start <= trace.problems[0].offset <= start + 1


def test_an_impossible_duration_is_marked(read):
    event = slice_of(cat='"kernel"', dur="7443000000000000", ts="1700000000000000")
    trace = read(around(event))

    assert trace.problem_counts == {"impossible_duration": 1}
    assert trace.slices.suspect.sum() == 1
    assert int((trace.slices.start + trace.slices.dur).min()) > 0


@pytest.mark.parametrize("cut", range(1, len(SMALL) - 2))
def test_a_file_cut_at_any_byte_keeps_the_whole_events_before(read, cut):
    text = SMALL[:cut]
    expected = [n for n, mark in (("before", BEFORE), ("after", AFTER)) if mark in text]
    if '"traceEvents": [' not in text:
        with pytest.raises(DataError, match=r"trace\.json"):
            read(text)
        return

    trace = read(text)

    found = [n for n in names(trace) if n in ("before", "after")]
    assert found == expected
    assert set(trace.problem_counts) <= {"cut_event", "cut_file", "bad_fact", "stray_text"}
    assert trace.problem_counts


def test_a_gzip_file_cut_short_yields_what_came_before(read):
    events = ",\n".join(slice_of(f"n{k}", ts=str(k)) for k in range(2000))
    packed = gzip.compress(f'{{"traceEvents": [{events}]}}'.encode())

    trace = read(packed[: len(packed) // 2], "trace.json.gz")

    assert 100 < len(trace.slices) < 2000
    assert names(trace) == [f"n{k}" for k in range(len(trace.slices))]
    assert "cut_stream" in trace.problem_counts
    assert "ends early" in trace.problems[0].message


def test_a_damaged_gzip_file_yields_what_came_before(read):
    events = ",\n".join(slice_of(f"n{k}", ts=str(k * 7919 % 2003)) for k in range(2000))
    packed = bytearray(gzip.compress(f'{{"traceEvents": [{events}]}}'.encode()))
    packed[len(packed) // 2] ^= 0xFF

    trace = read(bytes(packed), "trace.json.gz")

    assert 100 < len(trace.slices) < 2000
    assert trace.problem_counts


def test_gzip_files_joined_behind_each_other_are_one(read):
    half = SMALL.encode()[:300], SMALL.encode()[300:]

    trace = read(b"".join(map(gzip.compress, half)), "trace.json")

    assert names(trace) == ["before", "k<1>", "after"]
    assert not trace.problem_counts


@pytest.mark.parametrize(
    "text",
    [
        f"[{BEFORE}, {AFTER}]",
        f"[{BEFORE}, {AFTER}",
        f'{{"traceEvents": [{BEFORE}, {AFTER}], "otherData": {{"version": "1"}}}}',
        f'{{"otherData": {{"a": [1, "]"]}}, "traceEvents": [{BEFORE}, {AFTER}]}}',
        f'\ufeff{{"traceEvents":[{BEFORE},{AFTER},]}}',
        f'{{"traceEvents" :\n [\n\n{BEFORE}\n,{AFTER}, {{}}\n]\n}}',
    ],
)
def test_the_list_of_events_may_stand_anywhere(read, text):
    trace = read(text)

    assert names(trace) == ["before", "after"]
    assert set(trace.problem_counts) <= {"cut_file"}


def test_a_log_line_before_the_end_of_the_list_does_not_hide_what_follows(read):
    log = "INFO:2026-04-01 Logger.cpp:22] Completed Stage: Post Processing"

    trace = read(f'{{"traceEvents": [\n{BEFORE}\n{log}\n  ],\n"baseTimeNanoseconds": 99}}')

    assert names(trace) == ["before"]
    assert trace.origin.base == 99
    assert trace.problem_counts == {"stray_text": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello", "begins with b'hello'"),
        (b"\x00\x01\x02", "nothing but blanks"),
        (b'{"a": 1, "b": [2]}', "a, b, expected a trace"),
        (b"{}", "no member"),
        (gzip.compress(b"<html>", mtime=0), "begins with b'<html>'"),
        (b'"traceEvents"', "begins with"),
    ],
)
def test_what_is_no_trace_is_refused_with_file_and_finding(read, content, words):
    with pytest.raises(DataError, match=r"trace\.json") as caught:
        read(content)

    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.json cannot be read"):
        read_kineto(tmp_path / "none.json")


def test_a_million_threads_share_a_track_beyond_the_cap(read, monkeypatch):
    monkeypatch.setattr(limits, "MAX_TRACE_TRACKS", limits.Limit("max_trace_tracks", 50, ""))
    events = ",".join(slice_of(ts=str(k), tid=str(k)) for k in range(1000))

    trace = read(f"[{events}]")

    assert len(trace.slices) == 1000
    assert len(trace.tracks) == 51
    assert trace.tracks[-1].thread == "further threads"
    assert trace.problem_counts == {"many_tracks": 950}
    assert len(trace.problems) == limits.MAX_PROBLEMS_PER_FILE.value


def test_texts_beyond_the_cap_are_left_out_and_counted(read, monkeypatch):
    monkeypatch.setattr(limits, "MAX_TRACE_TEXTS", limits.Limit("max_trace_texts", 20, ""))

    trace = read("[" + ",".join(slice_of(f"n{k}", ts=str(k)) for k in range(100)) + "]")

    assert len(trace.slices) == 100
    assert len(trace.strings) <= 20
    assert trace.problem_counts["many_texts"] >= 80


def test_categories_beyond_what_a_byte_counts_share_the_last(read):
    events = ",".join(slice_of(ts=str(k), cat=f'"c{k}"') for k in range(400))

    trace = read(f"[{events}]")

    assert len(trace.slices) == 400
    assert len(trace.categories) == 256


def test_reading_tells_its_progress_and_can_be_cancelled(tmp_path):
    file = tmp_path / "trace.json"
    file.write_text(SMALL)
    told: list[float] = []

    read_kineto(file, progress=told.append)

    assert told
    assert all(0 <= fraction <= 1 for fraction in told)
    with pytest.raises(ReadingCancelledError):
        read_kineto(file, cancelled=lambda: True)


_BYTES = SMALL.encode()
_TOKENS = [
    b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\x00", b"\xff", b"null", b'{"ph":',
    b'"args":{', b'{"name":"', b"-", b"1e999", b"\n]", b"\n],", b"}]}", b" " * 70,
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(_BYTES)),
            st.sampled_from(["flip", "insert", "delete", "repeat"]),
            st.one_of(st.sampled_from(_TOKENS), st.binary(min_size=1, max_size=8)),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_damage_of_any_kind_never_ends_in_anything_but_a_trace_or_an_error(edits, tmp_path_factory):
    content = bytearray(_BYTES)
    for place, how, token in edits:
        at = min(place, len(content))
        if how == "flip" and at < len(content):
            content[at] ^= token[0] or 1
        elif how == "insert":
            content[at:at] = token
        elif how == "delete":
            del content[at : at + 5 * len(token)]
        else:
            content[at:at] = content[max(at - 40, 0) : at] * len(token)
    file = tmp_path_factory.getbasetemp() / "damaged.json"
    file.write_bytes(content)

    try:
        trace = read_kineto(file)
    except DataError:
        return
    assert len(trace.slices.name) == 0 or trace.slices.name.max() < len(trace.strings)
    assert sum(trace.origin.phases.values()) == trace.origin.events
