"""Parsed traces on disk: the same trace comes back, and anything odd means parsing anew."""

from __future__ import annotations

import dataclasses
import json
import os
import stat

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.profiler.traces import cache, cache_facts
from gpuboard.profiler.traces import read as way_in
from gpuboard.profiler.traces.trace import Trace
from tests.profiler.real import real
from tests.profiler.slow_kineto import trace_of
from tests.profiler.traces.nsys_maker import Export
from tests.profiler.traces.xplane_maker import Plane, write


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "cache" / "traces"
    monkeypatch.setenv("GPUBOARD_CACHE", str(folder))
    monkeypatch.setattr(cache, "SMALLEST_BYTES", 0)
    return folder


@pytest.fixture
def path(tmp_path):
    plane = Plane("/device:GPU:0", core_count=80).line("Stream #7(Compute)", number_of=7)
    for k in range(50):
        plane.event(f"kernel {k % 5}", k * 9_000, 5_000, correlation_id=k)
    return write(tmp_path / "a.xplane.pb", plane)


@pytest.fixture
def readings(monkeypatch):
    """Count how often a file is really parsed."""
    parsed = []
    reader = way_in._reader

    def counted(form):
        def read(path, **rest):
            parsed.append(path)
            return reader(form)(path, **rest)

        return read

    monkeypatch.setattr(way_in, "_reader", counted)
    return parsed


def assert_same(one, other, where="trace"):
    assert type(one) is type(other) or isinstance(one, dict), where
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        assert one.shape == other.shape, where
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(
                getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}"
            )
    elif isinstance(one, tuple):
        assert len(one) == len(other), where
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{k}]")
    else:
        assert one == other, where


def everything(path) -> Trace:
    """Return a trace that has rows in all tables and odd texts."""
    args = {"Ev Idx": 1, "External id": 5, "Input Dims": [[2, 3]], "flops": 12}
    events = [
        {"ph": "X", "cat": "cpu_op", "name": "\ud800 half, é", "pid": 1, "tid": 2, "ts": 1,
         "dur": 9, "args": args},
        {"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 3, "dur": 2,
         "args": {"correlation": 3, "device": 0, "stream": 7, "grid": [1, 2, 3]}},
        {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 2, "ts": 2,
         "dur": 1, "args": {"correlation": 3, "External id": 5}},
        {"ph": "X", "cat": "python_function", "name": "f", "pid": 1, "tid": 2, "ts": 1,
         "args": {"Python id": 1}},
        {"ph": "X", "cat": "cuda_sync", "name": "wait", "pid": 0, "tid": 7, "ts": 8, "dur": 1,
         "args": {"cuda_sync_kind": "Stream Sync", "stream": 7}},
        {"ph": "X", "cat": "kernel", "name": "backwards", "pid": 0, "tid": 7, "ts": 9, "dur": -4},
        {"ph": "s", "cat": "ac2g", "id": 3, "pid": 1, "tid": 2, "ts": 2},
        {"ph": "f", "cat": "ac2g", "id": 3, "pid": 0, "tid": 7, "ts": 3},
        {"ph": "C", "name": "power", "pid": 0, "tid": 0, "ts": 1, "args": {"W": 3.5}},
        {"ph": "i", "name": "mark", "pid": 1, "tid": 2, "ts": 4},
        {"ph": "i", "name": "[memory]", "pid": 1, "tid": 2, "ts": 4, "args": {"Bytes": -8}},
    ]  # fmt: skip
    about = {
        "schemaVersion": 1,
        "baseTimeNanoseconds": 5,
        "deviceProperties": [{"id": 0, "name": "H100", "numSms": 132}],
        "distributedInfo": {
            "rank": 1, "world_size": 2, "backend": "nccl",
            "pg_config": [{"pg_name": "0", "pg_desc": "world", "ranks": [0, 1]}],
        },
    }  # fmt: skip
    return trace_of(events, about, file=str(path), size=path.stat().st_size)


def test_every_field_of_a_trace_comes_back(folder, path):
    trace = everything(path)
    assert trace.problems
    assert trace.origin.groups

    assert cache.save(path, cache.key_of(path), trace)
    found = cache.load(cache.key_of(path))

    assert_same(trace, found)
    assert hash(found.tracks) == hash(trace.tracks)


@pytest.mark.parametrize("events", [0, 1])
def test_a_trace_without_rows_comes_back(folder, path, events):
    trace = trace_of([{"ph": "X", "name": "a", "ts": 0, "dur": 1}][:events], file=str(path))

    cache.save(path, cache.key_of(path), trace)

    assert_same(trace, cache.load(cache.key_of(path)))


def test_all_columns_of_the_model_are_kept(path):
    trace = everything(path)

    names = {name for name, _ in cache_facts.tables_of(trace)}

    arrays = {
        f"{table.name}.{column.name}"
        for table in dataclasses.fields(trace)
        if dataclasses.is_dataclass(getattr(trace, table.name))
        for column in dataclasses.fields(getattr(trace, table.name))
        if isinstance(getattr(getattr(trace, table.name), column.name), np.ndarray)
    }
    assert names == arrays | {"track_start", "strings.text", "strings.ends"}


def test_a_file_is_parsed_once(folder, path, readings):
    first = way_in.read_trace(path)

    second = way_in.read_trace(path)

    assert_same(first, second)
    assert readings == [path]


def test_an_export_comes_back_too(folder, tmp_path, readings):
    export = Export(tmp_path / "a.sqlite")
    export.kernel(0, 5)
    path = export.done()

    assert_same(way_in.read_trace(path), way_in.read_trace(path))
    assert len(readings) == 1


def test_columns_that_come_back_may_be_written_to(folder, path):
    way_in.read_trace(path)
    kept = next(folder.iterdir())
    before = kept.read_bytes()

    way_in.read_trace(path).slices.start[:] = 7

    assert kept.read_bytes() == before


def test_nothing_is_kept_when_not_wanted(folder, path, readings, monkeypatch):
    way_in.read_trace(path, cache=False)
    monkeypatch.setenv("GPUBOARD_CACHE", "off")
    way_in.read_trace(path)

    assert len(readings) == 2
    assert not folder.exists()


def test_small_files_are_not_kept(folder, path, monkeypatch):
    monkeypatch.setattr(cache, "SMALLEST_BYTES", path.stat().st_size + 1)

    way_in.read_trace(path)

    assert not folder.exists()


@pytest.mark.parametrize("part", ["time", "end", "size"])
def test_a_file_that_has_changed_is_parsed_anew(folder, path, readings, part):
    way_in.read_trace(path)
    status, data = path.stat(), path.read_bytes()
    if part == "time":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    else:
        path.write_bytes(data[:-1] + b"X" if part == "end" else data + b"\x22\x01a")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    way_in.read_trace(path)

    assert len(readings) == 2


def test_a_file_that_changes_while_it_is_read_is_not_kept(folder, path):
    key = cache.key_of(path)
    trace = way_in.read_trace(path, cache=False)
    path.write_bytes(path.read_bytes() + b"\x22\x01a")

    assert not cache.save(path, key, trace)
    assert not folder.exists()


def test_other_readers_parse_anew(folder, path, readings, monkeypatch):
    way_in.read_trace(path)
    monkeypatch.setattr(cache, "_readers", lambda: "an edited one")

    way_in.read_trace(path)

    assert len(readings) == 2


@pytest.mark.parametrize("place", [0, 15, 20, 26, 60, 400])
def test_a_flipped_byte_in_front_is_noticed(folder, path, readings, place):
    way_in.read_trace(path)
    kept = next(folder.iterdir())
    data = bytearray(kept.read_bytes())
    data[place] ^= 0xFF
    kept.write_bytes(data)

    way_in.read_trace(path)

    assert len(readings) == 2
    assert cache.load(cache.key_of(path)) is not None, "it is kept anew"


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_a_cut_file_is_noticed(folder, path, readings, share):
    way_in.read_trace(path)
    kept = next(folder.iterdir())
    data = kept.read_bytes()
    kept.write_bytes(data[: int(len(data) * share)])

    way_in.read_trace(path)

    assert len(readings) == 2


def test_a_longer_file_is_noticed(folder, path, readings):
    way_in.read_trace(path)
    with next(folder.iterdir()).open("ab") as kept:
        kept.write(b"more")

    way_in.read_trace(path)

    assert len(readings) == 2


def test_columns_that_point_nowhere_are_noticed(folder, path):
    trace = way_in.read_trace(path)
    name = trace.slices.name.copy()
    name[0] = 10_000
    broken = dataclasses.replace(trace, slices=dataclasses.replace(trace.slices, name=name))

    cache.save(path, cache.key_of(path), broken)

    assert cache.load(cache.key_of(path)) is None


def test_no_column_of_objects_is_ever_read(folder, path):
    way_in.read_trace(path)
    kept = next(folder.iterdir())
    data = kept.read_bytes()
    length, _ = cache._HEAD.unpack(data[16:28])
    head = json.loads(data[28 : 28 + length])
    for column in head["columns"]:
        column[1] = "|O"
    text = json.dumps(head).encode()
    begin, old = cache._begin(len(text)), cache._begin(length)
    front = data[:16] + cache._HEAD.pack(len(text), cache.zlib.crc32(text)) + text
    kept.write_bytes(front.ljust(begin, b"\0") + data[old:])

    assert cache.load(cache.key_of(path)) is None


def test_what_was_used_longest_ago_goes_first(folder, path, tmp_path, monkeypatch):
    paths = [path]
    for k in range(3):
        paths.append(tmp_path / f"{k}.xplane.pb")
        paths[-1].write_bytes(path.read_bytes())
    for k, each in enumerate(paths[:3]):
        way_in.read_trace(each)
        os.utime(folder / f"{cache.key_of(each)}.trace", (1_000 + k, 1_000 + k))
    way_in.read_trace(paths[0])  # now it is the one used last
    size = next(folder.iterdir()).stat().st_size
    cap = limits.Limit("max_trace_cache_bytes", 2 * size + size // 2, "")
    monkeypatch.setattr(limits, "MAX_TRACE_CACHE_BYTES", cap)

    way_in.read_trace(paths[3])

    kept = [each for each in paths if cache.load(cache.key_of(each)) is not None]
    assert kept == [paths[0], paths[3]]


def test_a_trace_larger_than_the_cap_is_not_kept(folder, path, monkeypatch):
    cap = limits.Limit("max_trace_cache_bytes", 100, "")
    monkeypatch.setattr(limits, "MAX_TRACE_CACHE_BYTES", cap)

    way_in.read_trace(path)

    assert not folder.exists()


def test_what_a_broken_write_left_goes_after_a_day(folder, path):
    folder.mkdir(parents=True)
    for name, age in (("old.part", 1.0), ("new.part", None)):
        (folder / name).write_bytes(b"half")
        if age is not None:
            os.utime(folder / name, (age, age))

    way_in.read_trace(path)

    assert {p.suffix for p in folder.iterdir()} == {".part", ".trace"}
    assert not (folder / "old.part").exists()


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_only_their_owner_can_read_the_files(folder, path):
    way_in.read_trace(path)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(next(folder.iterdir()).stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_to_means_no_cache(tmp_path, path, monkeypatch, readings):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GPUBOARD_CACHE", str(tmp_path / "file" / "traces"))
    monkeypatch.setattr(cache, "SMALLEST_BYTES", 0)

    way_in.read_trace(path)
    way_in.read_trace(path)

    assert len(readings) == 2


def test_a_failed_write_leaves_nothing(folder, path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "fdopen", full)

    way_in.read_trace(path)

    assert list(folder.iterdir()) == []


def test_the_default_place_is_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("GPUBOARD_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache.place() == tmp_path / "gpuboard" / "traces"


@pytest.mark.parametrize(
    "name",
    [
        "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz",
        "xprof/GPU-multi-worker_34.83.195.179_6003.xplane.pb",
    ],
)
def test_real_traces_come_back(folder, name, readings):
    path = real(name)

    assert_same(way_in.read_trace(path), way_in.read_trace(path))
    assert readings == [path]
