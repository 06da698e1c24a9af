"""One way in for all formats: told by content, refused with what to do."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import sys

import pytest

from gpuboard.errors import DataError, InputError, NotFoundError
from gpuboard.profiler.traces.read import read_trace
from gpuboard.profiler.traces.sniff import sniff
from gpuboard.profiler.traces.trace import Kind
from gpuboard.profiler.traces.watch import ReadingCancelledError
from tests.profiler.real import real
from tests.profiler.traces.nsys_maker import Export
from tests.profiler.traces.xplane_maker import Plane, space

EVENT = {"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 1, "dur": 2}


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


def chrome(events=(EVENT,)):
    return json.dumps({"schemaVersion": 1, "traceEvents": list(events)}).encode()


def xplane():
    return space(Plane("/device:GPU:0").line("Stream #7(Compute)").event("k", 1_000, 2_000))


@pytest.mark.parametrize("name", ["trace.json", "trace.xplane.pb", "trace.sqlite", "nothing"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("data", "form"), [(chrome(), "kineto"), (xplane(), "xplane")])
def test_content_tells_the_format_whatever_the_name(tmp_path, name, data, form, packed):
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if packed else data)

    trace = read_trace(path)

    assert trace.origin.format == form
    assert len(trace.rows(Kind.KERNEL)) == 1


def test_an_export_of_nsight_systems_is_read(tmp_path):
    export = Export(tmp_path / "named.json")
    export.kernel(0, 5)

    assert read_trace(export.done()).origin.format == "nsys"


@pytest.mark.parametrize(
    "text",
    [
        b'[{"ph":"X"}]',
        b" \r\n\t{",
        b"\xef\xbb\xbf{",
        b"\xef\xbb\xbf\n [",
    ],
)
def test_json_may_begin_with_space_or_a_mark(tmp_path, text):
    path = tmp_path / "a"
    path.write_bytes(text)

    assert sniff(path) == "json"


class _Trap:
    def __reduce__(self):
        return os.system, ("touch trapped",)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.json", b"", "is empty"),
        ("a.nsys-rep", b"\x07\x00QuadD", "nsys export --type sqlite"),
        ("a.qdrep", b"\x07\x00QuadD", "nsys export --type sqlite"),
        ("a.ncu-rep", b"NVR\x00\x10", "Nsight Compute"),
        ("a.pickle", pickle.dumps(_Trap()), "pickle"),
        ("a.pkl", pickle.dumps([1], protocol=2), "pickle"),
        ("a.html", b"<!DOCTYPE html><html>", "web page"),
        ("a.html", b"\n <html>", "web page"),
        ("a.zst", b"(\xb5/\xfd\x04", "unzstd"),
        ("a.xz", b"\xfd7zXZ\x00\x00", "unxz"),
        ("a.pt", b"PK\x03\x04", "zip"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("a.txt", "{}".encode("utf-16"), "UTF-16"),
        ("a.pftrace", b"\x0a\x0c\x40\x80\x01\x50\x01\x1a\x04abcd", "Perfetto"),
        ("a.txt", b"step,loss\n1,2\n", "export_chrome_trace"),
        ("a.gz", gzip.compress(b"SQLite format 3\x00" + bytes(99), mtime=0), "gunzip"),
        ("a.gz", b"\x1f\x8b" + bytes(40), "cannot be unpacked"),
        ("a.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("a", b"\x00\xff\xfe\x80" * 9, "begins with"),
    ],
)
def test_anything_else_is_refused_by_what_it_is_and_what_to_do(tmp_path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(DataError) as caught:
        read_trace(path)

    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "trapped").exists()


def test_a_packed_trace_that_is_cut_is_shown_in_part(tmp_path):
    path = tmp_path / "cut.json.gz"
    events = [{**EVENT, "ts": k, "name": f"kernel {k * 7919 % 1009}"} for k in range(5_000)]
    whole = gzip.compress(chrome(events))
    path.write_bytes(whole[: len(whole) // 2])

    trace = read_trace(path)

    assert 1_000 < len(trace.slices) < 5_000
    assert trace.problems


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match="a folder"):
        read_trace(tmp_path)
    with pytest.raises(NotFoundError, match="no such file"):
        read_trace(tmp_path / "nothing.json")


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_pipe_is_refused_at_once(tmp_path):
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)

    with pytest.raises(InputError, match="no regular file"):
        read_trace(pipe)


@pytest.mark.parametrize("data", [chrome(), xplane()])
def test_progress_ends_at_one_and_a_cancelled_reading_ends(tmp_path, data):
    path = tmp_path / "a"
    path.write_bytes(data)
    told = []

    read_trace(path, progress=told.append)

    assert told[-1] == 1
    with pytest.raises(ReadingCancelledError):
        read_trace(path, cancelled=lambda: True)


def test_every_real_trace_is_told_by_its_content():
    folder = real("xprof").parent
    formats = {
        path: sniff(path)
        for pattern in ("*.json", "*.json.gz", "*.pb")
        for path in folder.rglob(pattern)
        if "expected" not in path.parts and path.name != "gpu_metrics_expected.json"
    }

    assert len(formats) > 30
    for path, form in formats.items():
        assert form == ("xplane" if path.suffix == ".pb" else "json")
