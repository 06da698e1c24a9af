"""Check what the store answers while runs come, grow and go."""

from __future__ import annotations

import gc
import math
import threading

import numpy as np
import psutil
import pytest

from gpuboard.errors import InputError, NotFoundError
from gpuboard.store import long_series
from gpuboard.store.store import LIVE_S, Store, natural_key
from tests import make
from tests.fakes import FakeClock
from tests.store import watching


def series(count, first=0):
    return [
        make.scalar("loss", float(k), k, make.START_TIME + k) for k in range(first, first + count)
    ]


def names(store):
    return [info.name for info in store.catalogue().runs]


def test_a_missing_directory_is_refused_with_advice(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such directory; give"):
        Store(tmp_path / "nowhere")


def test_an_empty_directory_is_an_empty_catalogue(tmp_path):
    store = watching.open_store(tmp_path)

    assert (names(store), store.problems(), store.progress().phase) == ([], (), "watching")


def test_the_catalogue_says_what_a_run_holds(tmp_path):
    path = make.event_file(tmp_path / "a", [make.header(), *series(3), make.image("p", b"x", 9)])

    (run,) = watching.open_store(tmp_path).catalogue().runs

    assert (run.name, run.files, run.events, run.points) == ("a", (path.name,), 5, 4)
    assert (run.start, run.end) == (make.START_TIME, make.START_TIME + 2)
    assert (run.bytes, run.problems) == (path.stat().st_size, 0)
    assert {t: i.kind for t, i in run.tags.items()} == {"loss": "scalar", "p": "image"}


def test_a_run_without_any_event_has_no_start_and_no_end(tmp_path):
    make.event_file(tmp_path / "a", [])

    (run,) = watching.open_store(tmp_path).catalogue().runs

    assert math.isnan(run.start)
    assert math.isnan(run.end)


def test_runs_stand_in_natural_order(tmp_path):
    runs = ["run10", "run9", "run1/b2", "run1/b10", "Run2", "run01", "10", "9", "², x"]
    make.log_directory(tmp_path, {run: series(1) for run in runs})

    found = names(watching.open_store(tmp_path))

    assert found == ["9", "10", "Run2", *found[3:]]
    assert [n for n in found if n in {"run9", "run10"}] == ["run9", "run10"]
    assert [n for n in found if n.startswith("run1/")] == ["run1/b2", "run1/b10"]
    assert sorted(found) == sorted(runs)


@pytest.mark.parametrize(
    ("first", "second"), [("a2", "a10"), ("a", "a1"), ("1a", "a1"), ("a9b10", "a10b9"), ("", "a")]
)
def test_numbers_in_names_sort_by_their_value(first, second):
    assert natural_key(first) < natural_key(second)


def test_numbers_of_runs_never_change(tmp_path):
    make.log_directory(tmp_path, {"b": series(1), "d": series(1)})
    store = watching.open_store(tmp_path)
    before = {info.name: info.id for info in store.catalogue().runs}

    make.log_directory(tmp_path, {"a": series(1), "c": series(1)})
    (tmp_path / "b" / make.FILE_NAME).unlink()
    store.refresh()

    after = {info.name: info.id for info in store.catalogue().runs}
    assert before.items() <= after.items()
    assert sorted(after.values()) == [0, 1, 2, 3]
    assert {store.run(i).name: i for i in after.values()} == after


def test_the_version_grows_with_changes_and_only_with_them(tmp_path):
    make.log_directory(tmp_path, {"a": series(1), "b": series(1)})
    store = watching.open_store(tmp_path)
    first, catalogue = store.version, store.catalogue()

    store.refresh()
    assert (store.version, store.catalogue()) == (first, catalogue)
    assert store.catalogue() is catalogue

    make.append(tmp_path / "a" / make.FILE_NAME, make.records(series(1, first=1)))
    store.refresh()
    versions = {info.name: info.version for info in store.catalogue().runs}
    assert store.catalogue().version == store.version == versions["a"] > first
    assert versions["b"] <= first


def test_what_a_reader_holds_does_not_change_when_the_log_grows(tmp_path):
    path = make.event_file(tmp_path / "a", series(100))
    store = watching.open_store(tmp_path)
    held, catalogue = store.series(0, "loss"), store.catalogue()
    copy = [column.copy() for column in (held.wall_time, held.step, held.value)]

    for first in range(100, 1000, 100):
        make.append(path, make.records(series(100, first)))
        store.refresh()

    assert all(
        np.array_equal(now, then)
        for now, then in zip((held.wall_time, held.step, held.value), copy, strict=True)
    )
    assert catalogue.runs[0].points == 100
    assert watching.steps(store, "a") == list(range(1000))


def test_a_long_series_is_unpacked_once_until_it_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(long_series, "LONG_POINTS", 100)
    path = make.event_file(tmp_path / "a", series(100))
    store = watching.open_store(tmp_path)

    first, again = store.series(0, "loss"), store.series_many([0], "loss")[0][1]
    make.append(path, make.records(series(1, 100)))
    store.refresh()

    assert again is first
    assert (len(first), len(store.series(0, "loss"))) == (100, 101)


def test_series_of_many_runs_leave_out_those_without_the_tag(tmp_path):
    make.log_directory(tmp_path, {"a": series(1), "b": [make.scalar("lr", 1.0)], "c": series(3)})
    store = watching.open_store(tmp_path)
    ids = {info.name: info.id for info in store.catalogue().runs}

    found = store.series_many([ids["c"], ids["b"], 99, -1, ids["a"]], "loss")

    assert [(run, len(s)) for run, s in found] == [(ids["c"], 3), (ids["a"], 1)]


@pytest.mark.parametrize("number", [-1, 1, 10**9])
def test_a_run_number_that_was_never_given_is_not_found(tmp_path, number):
    make.event_file(tmp_path / "a", series(1))

    with pytest.raises(NotFoundError, match=f"no run number {number}"):
        watching.open_store(tmp_path).series(number, "loss")


def test_an_unknown_run_is_answered_with_the_known_ones(tmp_path):
    make.event_file(tmp_path / "a", series(1))

    with pytest.raises(NotFoundError, match=r"no run 'x'.*there are: a"):
        watching.open_store(tmp_path).find_run("x")


def test_a_run_is_live_until_nobody_wrote_for_long_and_deleted_when_its_files_are(tmp_path):
    path = make.event_file(tmp_path / "a", series(1))
    clock = FakeClock(path.stat().st_mtime + 1)
    store = watching.open_store(tmp_path, clock)

    assert watching.state(store, "a") == "live"
    clock.advance(LIVE_S)
    assert watching.state(store, "a") == "done"
    path.unlink()
    store.refresh()
    assert watching.state(store, "a") == "deleted"
    assert watching.steps(store, "a") == [0]


def test_the_clock_may_jump_back(tmp_path):
    path = make.event_file(tmp_path / "a", series(1))
    clock = FakeClock(path.stat().st_mtime)
    store = watching.open_store(tmp_path, clock)

    clock.now -= 3600
    make.append(path, make.records(series(1, first=1)))
    store.refresh()

    assert watching.steps(store, "a") == [0, 1]
    assert watching.state(store, "a") == "live"


def test_tags_of_all_sorts_of_names_can_be_asked_for(tmp_path):
    tags = ["", "a/b", "größe", "損失", "\0", "a\nb", "\u202eoverride", "../../etc", "x" * 100_000]
    raw = [b"\xff\xfe", b"\xed\xa0\x80"]
    payloads = [make.scalar(tag, k, k) for k, tag in enumerate(tags)]
    payloads += [make.raw_scalar(tag, 1.0, 50 + k) for k, tag in enumerate(raw)]
    make.event_file(tmp_path / "a", payloads)

    store = watching.open_store(tmp_path)
    (run,) = store.catalogue().runs

    assert [watching.steps(store, "a", tag) for tag in tags] == [[k] for k in range(len(tags))]
    assert len(run.tags) == len(tags) + len(raw)
    assert all(len(store.series(run.id, tag)) == 1 for tag in run.tags)


def test_a_folder_whose_name_is_no_text_is_a_run_like_any_other(tmp_path):
    folder = tmp_path / b"run-\xff".decode("utf-8", "surrogateescape")
    make.event_file(folder, series(2))

    store = watching.open_store(tmp_path)

    assert watching.steps(store, names(store)[0]) == [0, 1]


def test_progress_ends_with_all_bytes_done(tmp_path):
    make.log_directory(tmp_path, {"a": series(5), "b": series(2)})
    total = sum(path.stat().st_size for path in tmp_path.rglob("*tfevents*"))

    progress = watching.open_store(tmp_path).progress()

    assert (progress.phase, progress.files) == ("watching", 2)
    assert (progress.bytes_done, progress.bytes_total) == (total, total)


def test_the_background_thread_reads_what_comes_and_ends_when_told(tmp_path):
    path = make.event_file(tmp_path / "a", series(1))
    store = Store(tmp_path, workers=1)
    changed = threading.Event()
    touch = store.touch
    store.touch = lambda run=None: (touch(run), changed.set())

    store.start(0.01)
    try:
        assert changed.wait(60)
        changed.clear()
        make.append(path, make.records(series(1, first=1)))
        assert changed.wait(60)
    finally:
        store.stop()

    assert watching.steps(store, "a") == [0, 1]
    assert not any(thread.name == "gpuboard-ingest" for thread in threading.enumerate())


def test_a_reload_interval_of_0_reads_once(tmp_path):
    make.event_file(tmp_path / "a", series(1))
    store = Store(tmp_path, workers=1)

    store.start(0)
    store._thread.join(60)

    assert watching.steps(store, "a") == [0]


@pytest.mark.slow
def test_a_hundred_looks_at_growing_logs_keep_no_file_open_and_no_more_threads(tmp_path):
    paths = [make.event_file(tmp_path / f"r{k}", series(1)) for k in range(5)]
    store = watching.open_store(tmp_path)
    gc.collect()
    process = psutil.Process()
    before = process.num_fds(), process.num_threads()

    for step in range(1, 101):
        for path in paths:
            make.append(path, make.records(series(1, first=step)))
        store.refresh()

    assert (process.num_fds(), process.num_threads()) <= before
    assert watching.steps(store, "r3") == list(range(101))


def test_a_run_of_many_files_is_one_run(tmp_path):
    for k in range(200):
        make.event_file(tmp_path / "a", series(1, first=k), f"events.out.tfevents.{k:010d}.h")

    store = watching.open_store(tmp_path)

    assert watching.steps(store, "a") == list(range(200))
    assert store.series(0, "loss").writer_start.tolist() == list(range(200))
