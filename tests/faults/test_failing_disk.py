"""Fail the n-th call to the disk, for every n until none is left, and see that all recovers."""

from __future__ import annotations

import errno
import itertools

import pytest

from gpuboard.eventlog import reader
from gpuboard.store import ingest
from gpuboard.store.store import Store
from tests import make
from tests.eventlog import reading
from tests.fakes import Disk, FakeClock
from tests.store import watching

CODES = [errno.EIO, errno.ESTALE, errno.ENOENT, errno.EACCES]
LONGEST_PAUSE_S = 61


def series(count, first=0):
    return [make.scalar("loss", float(k), k) for k in range(first, first + count)]


def fresh(run):
    """The first reading of a run."""
    run.mkdir()
    (run / make.FILE_NAME).write_bytes(make.records(series(30)))
    return list(range(30))


def grown(run):
    """A run that was read and has grown since."""
    make.append(run / make.FILE_NAME, make.records(series(30, first=30)))
    return list(range(60))


def replaced(run):
    """A run that was read, and whose file is another now."""
    (run / make.FILE_NAME).unlink()
    (run / make.FILE_NAME).write_bytes(make.records(series(70, first=100)))
    return list(range(100, 170))


def rewritten(run):
    """A run that was read, and whose file was written anew in place."""
    (run / make.FILE_NAME).write_bytes(make.records(series(40, first=100)))
    return list(range(100, 140))


def with_damage(run):
    """A run that was read, and has grown by records of which one is damaged."""
    more = series(30, first=30)
    data = bytearray(make.records(more))
    data[make.boundaries(more)[2]] ^= 1
    make.append(run / make.FILE_NAME, data)
    return [k for k in range(60) if k != 32]


@pytest.mark.parametrize("change", [fresh, grown, replaced, rewritten, with_damage])
@pytest.mark.parametrize("is_shared", [False, True], ids=["one thread", "many scanners"])
@pytest.mark.parametrize("code", CODES, ids=errno.errorcode.get)
def test_a_failing_call_is_reported_holds_up_no_other_run_and_loses_nothing(
    tmp_path, monkeypatch, code, is_shared, change
):
    reading.use_chunks_of(monkeypatch, 300)
    monkeypatch.setattr(ingest, "_SHARED_BYTES", 0 if is_shared else 1 << 30)
    for n in itertools.count(1):
        logdir, clock = tmp_path / str(n), FakeClock()
        good = make.event_file(logdir / "good", series(5))
        store = Store(logdir, clock=clock, workers=2)
        if change is not fresh:
            fresh(logdir / "bad")
            store.refresh()
        expected = change(logdir / "bad")
        make.append(good, make.records(series(1, first=5)))

        with Disk(logdir / "bad", nth=n, code=code).mounted() as disk:
            store.refresh()

        assert watching.steps(store, "good") == list(range(6))
        if not disk.has_failed:
            break
        assert {"unreadable", "blocked", "deleted"} & set(watching.kinds(store)), disk.calls
        clock.advance(LONGEST_PAUSE_S)
        store.refresh()
        assert watching.steps(store, "bad") == expected, disk.calls
        assert watching.state(store, "bad") != "deleted"
        assert not {"unreadable", "blocked", "deleted"} & set(watching.kinds(store)), disk.calls
        assert ("damaged_length" in watching.kinds(store)) == (change is with_damage), disk.calls

    assert watching.steps(store, "bad") == expected
    assert n > 8  # or the loop did not reach what it is meant to


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_a_folder_that_cannot_be_listed_for_now_is_not_taken_for_deleted(tmp_path, code):
    make.event_file(tmp_path / "a" / "b", series(3))
    store = watching.open_store(tmp_path)

    with Disk(tmp_path / "a", nth=1, code=code).mounted():
        store.refresh()

    assert watching.kinds(store) == ["blocked"]
    assert watching.state(store, "a/b") != "deleted"
    assert watching.steps(store, "a/b") == [0, 1, 2]
    store.refresh()
    assert watching.kinds(store) == []


def test_a_log_directory_that_was_taken_away_leaves_its_runs_marked_deleted(tmp_path):
    logdir = tmp_path / "logs"
    make.event_file(logdir / "a", series(3))
    store = watching.open_store(logdir)

    logdir.rename(tmp_path / "elsewhere")
    store.refresh()

    assert sorted(watching.kinds(store)) == ["blocked", "deleted"]
    assert watching.steps(store, "a") == [0, 1, 2]


def test_a_deleted_run_keeps_its_points_and_comes_back_whole(tmp_path):
    path = make.event_file(tmp_path / "a", series(3))
    store = watching.open_store(tmp_path)
    data = path.read_bytes()

    path.unlink()
    path.parent.rmdir()
    store.refresh()
    assert (watching.steps(store, "a"), watching.kinds(store)) == ([0, 1, 2], ["deleted"])
    path.parent.mkdir()
    path.write_bytes(data + make.records(series(1, first=3)))
    store.refresh()

    assert watching.steps(store, "a") == [0, 1, 2, 3]
    assert "deleted" not in watching.kinds(store)


def test_a_file_that_was_out_of_reach_and_is_the_same_as_before_is_no_longer_deleted(tmp_path):
    make.event_file(tmp_path / "a", series(3))
    store = watching.open_store(tmp_path)

    (tmp_path / "a").rename(tmp_path.with_suffix(".elsewhere"))
    store.refresh()
    assert watching.state(store, "a") == "deleted"
    tmp_path.with_suffix(".elsewhere").rename(tmp_path / "a")
    store.refresh()

    assert (watching.state(store, "a"), watching.kinds(store)) == ("live", [])
    assert watching.steps(store, "a") == [0, 1, 2]


def test_tries_come_further_and_further_apart_up_to_a_minute(tmp_path):
    path = make.event_file(tmp_path / "a", series(1))
    clock = FakeClock()
    store = Store(tmp_path, clock=clock, workers=1)
    tries = []

    class AlwaysFailing(Disk):
        def _count(self, name):
            if name == "open":
                tries.append(clock.ticks)
                raise OSError(errno.EIO, "Input/output error")

    with AlwaysFailing(path).mounted():
        for _ in range(400):
            store.refresh()
            clock.advance(0.5)

    pauses = [b - a for a, b in itertools.pairwise(tries)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    clock.advance(LONGEST_PAUSE_S)
    store.refresh()
    assert (watching.steps(store, "a"), watching.kinds(store)) == ([0], [])


def test_a_file_that_failed_for_days_is_still_tried_once_a_minute(tmp_path):
    path = make.event_file(tmp_path / "a", series(1))
    clock = FakeClock()
    store = Store(tmp_path, clock=clock, workers=1)
    tries = []

    class AlwaysFailing(Disk):
        def _count(self, name):
            if name == "open":
                tries.append(clock.ticks)
                raise OSError(errno.EIO, "Input/output error")

    with AlwaysFailing(path).mounted():
        for _ in range(2200):
            store.refresh()
            clock.advance(30)
        pending = store.problems()

    assert tries[-5:] == [tries[-1] - 60 * k for k in (4, 3, 2, 1, 0)]
    assert [p.message for p in pending] == [f"{reader.MEANING['unreadable']}: Input/output error"]


def test_an_error_that_nobody_foresaw_is_shown_and_holds_up_no_other_run(
    tmp_path, monkeypatch, caplog
):
    bad = make.event_file(tmp_path / "bad", series(1))
    make.event_file(tmp_path / "good", series(2))
    scan_chunk = reader.LogFile._scan_chunk

    def explode(log, chunk):
        if log.path == bad:
            raise MemoryError("no room")
        return scan_chunk(log, chunk)

    monkeypatch.setattr(reader.LogFile, "_scan_chunk", explode)
    store = watching.open_store(tmp_path)

    assert watching.steps(store, "good") == [0, 1]
    assert [(p.file, p.kind) for p in store.problems()] == [(f"bad/{make.FILE_NAME}", "unreadable")]
    assert "no room" in caplog.text


def test_unfinished_bytes_are_judged_once_their_writer_has_been_silent_for_long(tmp_path):
    path = make.event_file(tmp_path / "a", series(2))
    path.write_bytes(path.read_bytes()[:-3])
    clock = FakeClock(path.stat().st_mtime)
    store = watching.open_store(tmp_path, clock)
    assert watching.kinds(store) == []

    clock.advance(reader.PATIENCE_S + 1)
    store.refresh()

    assert watching.kinds(store) == ["unfinished"]
    version = store.version
    store.refresh()
    assert store.version == version
