"""Traces below a log directory: which there are, and which belong together."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import sys

import pytest

from gpuboard import limits
from gpuboard.profiler.traces.job import find_jobs, search
from gpuboard.profiler.traces.job_names import is_candidate, trace_name
from tests.profiler.real import real
from tests.profiler.traces.nsys_maker import Export

CHROME = b'{"schemaVersion": 1, "traceEvents": []}'


def put(path, data=CHROME):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def names(jobs):
    return [job.name for job in jobs]


def test_files_of_pytorchs_handler_in_one_folder_are_one_job(tmp_path):
    for worker in ("hostA_12", "hostB_7"):
        for time in (1_700_000_000_000, 1_700_000_060_000):
            put(tmp_path / "run" / f"{worker}.{time}.pt.trace.json.gz")

    (job,) = find_jobs(tmp_path)

    assert (job.name, job.run) == ("run", ".")
    assert [(span.name, span.time) for span in job.spans] == [
        ("1", 1_700_000_000.0),
        ("2", 1_700_000_060.0),
    ]
    for span in job.spans:
        assert [member.worker for member in span.members] == ["hostA_12", "hostB_7"]
        assert [member.format for member in span.members] == ["json", "json"]
    assert len(job.members) == 4


def test_workers_that_began_at_other_milliseconds_recorded_the_same_span(tmp_path):
    for rank in range(3):
        for number in range(2):
            put(
                tmp_path
                / f"worker{rank}.{1_700_000_000_000 + 60_000 * number + rank}.pt.trace.json"
            )

    (job,) = find_jobs(tmp_path)

    assert [[m.rank for m in span.members] for span in job.spans] == [[0, 1, 2], [0, 1, 2]]


def test_traces_of_one_step_are_one_span(tmp_path):
    for rank in (1, 0):
        for step, time in ((24, 1_700_000_090_000), (12, 1_700_000_000_000)):
            put(tmp_path / f"worker{rank}_step_{step}.{time + rank}.pt.trace.json")

    (job,) = find_jobs(tmp_path)

    assert [(span.name, [m.rank for m in span.members]) for span in job.spans] == [
        ("step 12", [0, 1]),
        ("step 24", [0, 1]),
    ]


@pytest.mark.parametrize("pattern", ["rank{}.json.gz", "rank-{}.json", "trace_rank_{}.json.gz"])
def test_a_folder_of_ranks_is_one_job_in_order_of_ranks(tmp_path, pattern):
    for rank in (10, 2, 0):
        put(tmp_path / "job" / pattern.format(rank))

    (job,) = find_jobs(tmp_path)

    assert job.name == "job"
    (span,) = job.spans
    assert [member.rank for member in span.members] == [0, 2, 10]


def test_the_rank_is_read_out_of_files_whose_names_lack_it(tmp_path):
    for host, rank in (("b", 0), ("a", 1)):
        about = {"distributedInfo": {"backend": "nccl", "rank": rank}, "traceEvents": []}
        put(tmp_path / f"{host}_99.1700000000000.pt.trace.json.gz", json.dumps(about).encode())

    (job,) = find_jobs(tmp_path)

    assert [(m.worker, m.rank) for m in job.members] == [("b_99", 0), ("a_99", 1)]


def test_hosts_of_one_profile_are_one_job_and_their_cut_json_is_left_out(tmp_path):
    folder = tmp_path / "mnist" / "plugins" / "profile" / "2024_05_01"
    for host in ("h1", "h2"):
        put(folder / f"{host}.xplane.pb", b"\x0a\x00")
        put(folder / f"{host}.trace.json.gz")
    put(folder / "perfetto_trace.json.gz")

    (job,) = find_jobs(tmp_path)

    assert job.name == "mnist/plugins/profile/2024_05_01"
    assert [(m.worker, m.format) for m in job.members] == [("h1", "xplane"), ("h2", "xplane")]


def test_a_json_of_jax_without_its_xplane_is_a_trace(tmp_path):
    put(tmp_path / "plugins" / "profile" / "r" / "h1.trace.json.gz")

    assert names(find_jobs(tmp_path)) == ["plugins/profile/r/h1.trace.json.gz"]


def test_other_traces_are_jobs_of_one(tmp_path):
    put(tmp_path / "b.json")
    put(tmp_path / "sub" / "a.json.gz", b'[{"name": "x", "ph": "X", "ts": 1}]')
    export = Export(tmp_path / "report.sqlite")
    export.kernel(0, 1)
    export.done()

    jobs = find_jobs(tmp_path)

    assert names(jobs) == ["b.json", "report.sqlite", "sub/a.json.gz"]
    assert [job.members[0].format for job in jobs] == ["json", "nsys", "json"]


def test_files_that_only_have_such_names_are_no_traces(tmp_path):
    put(tmp_path / "config.json", b'{"learning_rate": 0.1}')
    put(tmp_path / "packed.json.gz", b'{"learning_rate": 0.1}')
    put(tmp_path / "empty.json", b"")
    (tmp_path / "broken.json.gz").write_bytes(b"\x1f\x8bnot gzip")
    put(tmp_path / "text.sqlite", b"hello")
    with sqlite3.connect(tmp_path / "mlflow.sqlite") as connection:
        connection.execute("CREATE TABLE runs (id)")

    assert find_jobs(tmp_path) == ()


def test_a_job_belongs_to_the_run_that_it_lies_in(tmp_path):
    events = "events.out.tfevents.1.host"
    put(tmp_path / "exp" / "a" / events, b"")
    put(tmp_path / "exp" / "a" / "rank0.json")
    put(tmp_path / "exp" / "a" / "deep" / "profile" / "rank0.json")
    put(tmp_path / "exp" / "b" / "rank0.json")

    jobs = {job.name: job.run for job in find_jobs(tmp_path)}

    assert jobs == {"exp/a": "exp/a", "exp/a/deep/profile": "exp/a", "exp/b": "."}


def test_a_trace_in_the_log_directory_itself_belongs_to_its_run(tmp_path):
    put(tmp_path / "events.out.tfevents.1.host", b"")
    put(tmp_path / "plugins" / "profile" / "r" / "h.xplane.pb", b"\x0a\x00")

    (job,) = find_jobs(tmp_path)

    assert job.run == "."


def test_jobs_come_in_natural_order(tmp_path):
    for number in (10, 9, 1):
        put(tmp_path / f"run{number}" / "rank0.json")

    assert names(find_jobs(tmp_path)) == ["run1", "run9", "run10"]


def test_a_single_file_is_a_job_of_one(tmp_path):
    path = put(tmp_path / "whatever", CHROME)

    ((job,), blocked) = search(path)

    assert (job.name, job.run, blocked) == ("whatever", ".", ())
    (member,) = job.members
    assert (member.file, member.format, member.bytes) == (path, "json", len(CHROME))
    assert member.modified == path.stat().st_mtime


def test_a_directory_that_is_not_there_has_no_jobs_and_says_so(tmp_path):
    jobs, (blocked,) = search(tmp_path / "nothing")

    assert jobs == ()
    assert blocked.is_gone


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_loops_end_and_links_that_lead_out_are_not_followed(tmp_path):
    logs, outside = tmp_path / "logs", tmp_path / "outside"
    put(logs / "a" / "rank0.json")
    put(outside / "rank1.json")
    (logs / "a" / "loop").symlink_to(logs)
    (logs / "out").symlink_to(outside)

    jobs, blocked = search(logs)

    assert names(jobs) == ["a"]
    assert [place.path for place in blocked] == ["out"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    put(tmp_path / "a" / "rank0.json")
    put(tmp_path / "b" / "rank0.json")
    (tmp_path / "b").chmod(0)

    jobs, blocked = search(tmp_path)
    (tmp_path / "b").chmod(0o700)

    assert names(jobs) == ["a"]
    assert [place.path for place in blocked] == ["b"]


def test_no_more_files_are_listed_than_the_limit_allows(tmp_path, monkeypatch):
    for number in range(5):
        put(tmp_path / f"{number}.json")
    monkeypatch.setattr(limits, "MAX_TRACE_JOBS", limits.Limit("max_trace_jobs", 3, ""))

    jobs, (blocked,) = search(tmp_path)

    assert len(jobs) == 3
    assert "max_trace_jobs" in blocked.reason


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_pipe_is_no_trace(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")

    assert find_jobs(tmp_path) == ()


@pytest.mark.parametrize(
    ("name", "worker", "rank", "step", "time"),
    [
        ("worker0.1623143089861.pt.trace.json.gz", "worker0", 0, None, 1_623_143_089.861),
        ("worker3_step_12.1694128201547.pt.trace.json.gz", "worker3", 3, 12, 1_694_128_201.547),
        ("host_77.1773709742341309550.pt.trace.json", "host_77", None, None, 1_773_709_742.341),
        ("rank-0.Apr_03_18_51_38.1102.pt.trace.json.gz", "rank-0", 0, None, None),
        ("my.pt.trace.json", "my", None, None, None),
        ("rank12.json.gz", "rank12", 12, None, None),
        ("franks_2.json", "franks_2", None, None, None),
        ("step_5.json", "step_5", None, None, None),
        ("h.xplane.pb", "h", None, None, None),
        ("report.sqlite", "report", None, None, None),
    ],
)
def test_names_say_worker_rank_step_and_time(name, worker, rank, step, time):
    found = trace_name(name)

    assert is_candidate(name)
    assert (found.worker, found.rank, found.step, found.time) == (worker, rank, step, time)


def test_the_ranks_of_dlrm_are_one_span():
    (job,) = find_jobs(real("param/dlrm_8ranks"))

    (span,) = job.spans
    assert [member.rank for member in span.members] == list(range(8))


def test_the_two_recordings_of_resnet_are_two_spans():
    (job,) = find_jobs(real("kineto_tb_plugin/resnet50_num_workers_0"))

    assert [span.time for span in job.spans] == [1_623_143_089.861, 1_623_143_566.756]
