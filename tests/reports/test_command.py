"""How the command starts, fails, is interrupted and writes."""

from __future__ import annotations

import _thread
import io
import subprocess
import sys
import threading

import pytest

from gpuboard.errors import GpuboardError, InputError, NotFoundError
from gpuboard.reports.background import run_apart
from gpuboard.reports.sources import find_sources
from tests.reports.traces import events, profile, write


def run(*arguments):
    command = [sys.executable, "-m", "gpuboard", "profile", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_no_readable_trace_ends_in_one_line_and_exit_code_2(tmp_path):
    file = tmp_path / "bad.json"
    file.write_text("hello")

    done = run(file, "--json")

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("gpuboard: ")
    assert "bad.json" in done.stderr


def test_of_several_unreadable_files_the_line_says_how_many(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.json").write_text("hello")

    with pytest.raises(GpuboardError, match="none of 2 files could be read; the first: ") as caught:
        profile(tmp_path / "a.json", tmp_path / "b.json")

    assert caught.value.exit_code == 2


def test_what_is_not_there_is_said_before_anything_is_read(tmp_path):
    with pytest.raises(NotFoundError, match="missing"):
        profile(write(tmp_path / "a.json"), tmp_path / "missing.json")


def test_a_folder_without_traces_says_what_was_looked_for(tmp_path):
    with pytest.raises(NotFoundError, match=r"no traces in it; expected .*\.xplane\.pb"):
        find_sources([tmp_path])


def test_files_of_a_folder_that_name_their_rank_are_one_job(tmp_path):
    for rank in range(2):
        write(tmp_path / f"rank{rank}.json", distributedInfo={"rank": rank, "world_size": 2})
    write(tmp_path / "other" / "alone.json")

    found = find_sources([tmp_path])

    assert sorted((len(source.files), source.is_job) for source in found) == [(1, True), (2, True)]


def test_a_page_that_cannot_be_written_is_refused_before_reading(tmp_path):
    with pytest.raises(InputError, match="its folder does not exist"):
        profile(write(tmp_path / "a.json"), html=tmp_path / "no" / "page.html")


def test_writing_a_page_leaves_nothing_else_behind_and_says_where_it_is(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()

    found = profile(write(tmp_path / "a.json"), html=folder / "page.html")

    assert [path.name for path in folder.iterdir()] == ["page.html"]
    assert "page.html" in found.err
    assert "page.html" not in found.out


def test_json_and_page_come_from_one_run(tmp_path):
    found = profile(write(tmp_path / "a.json"), html=tmp_path / "page.html", as_json=True)

    assert found.json["traces"][0]["events"] == 12
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_an_interrupt_ends_the_waiting_and_tells_the_work():
    told = threading.Event()

    def work(tell, cancelled):
        _thread.interrupt_main()
        while not cancelled():
            told.wait(0.01)
        told.set()

    with pytest.raises(KeyboardInterrupt):
        run_apart(work, io.StringIO())

    assert told.wait(10)


def test_what_work_raises_is_raised_where_it_is_waited_for():
    def work(tell, cancelled):
        raise InputError("so")

    with pytest.raises(InputError, match="so"):
        run_apart(work, io.StringIO())


def test_the_command_line_stays_light():
    script = (
        "import sys, gpuboard.cli; heavy = {'numba', 'rich.progress', 'gpuboard.reports.page',"
        "'gpuboard.profiler.figures.overview'}; print(sorted(heavy & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stdout == "[]\n"


def test_every_trace_of_a_hundred_events_has_a_report_in_which_names_stand(tmp_path):
    text = profile(write(tmp_path / "a.json", events(25))).out

    assert "sgemm" in text
    assert "aten::mm" in text


def test_a_file_that_cannot_be_read_is_named_among_those_that_can(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    bad = tmp_path / "bad.json"
    bad.write_text("hello")

    text = profile(bad, write(tmp_path / "good.json")).out

    assert "Files that could not be read" in text
    assert str(bad) in text
    assert "aten::mm" in text


def test_several_reports_end_in_a_list_of_them(tmp_path):
    files = [write(tmp_path / "runs" / name / "trace.json") for name in ("one", "two")]

    last = profile(*files).out.partition("2 profiles")[2]

    assert "one/trace.json" in last
    assert "two/trace.json" in last
    assert str(tmp_path) not in last
