from __future__ import annotations

import asyncio
import os
import threading
import time

import numpy as np
import pytest

from gpuboard.errors import DataError, NotFoundError
from gpuboard.serve.jobs import Jobs
from gpuboard.serve.profiles import LoadedTrace, Profiles
from tests.profiler.timeline.maker import launching
from tests.serve.trace_maker import write_ranks, write_trace


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


def load(profiles, trace_id):
    async def run():
        jobs = Jobs(grace_s=5)
        try:
            return await profiles.loaded(jobs, trace_id)
        finally:
            jobs.close()

    return asyncio.run(run())


def a_loaded_trace():
    return LoadedTrace(None, launching(), "mark")


def test_ids_of_traces_come_from_their_places(tmp_path):
    write_ranks(tmp_path / "job")

    first, again = Profiles(tmp_path).entries(), Profiles(tmp_path).entries()

    assert [(e.job_name, e.rank) for e in first] == [("job", 0), ("job", 1)]
    assert [e.id for e in first] == [e.id for e in again]
    assert len({e.id for e in first}) == 2


def test_a_trace_is_read_once_and_found_in_memory_afterwards(tmp_path):
    write_trace(tmp_path / "a.pt.trace.json")
    profiles = Profiles(tmp_path)
    (entry,) = profiles.entries()

    loaded = load(profiles, entry.id)

    assert len(loaded.trace.slices) == 12
    assert load(profiles, entry.id) is loaded
    assert profiles.kept(entry.id) is loaded


def test_a_file_that_has_changed_is_read_anew(tmp_path):
    path = write_trace(tmp_path / "a.pt.trace.json")
    profiles = Profiles(tmp_path)
    (entry,) = profiles.entries()
    loaded = load(profiles, entry.id)

    write_trace(path, [])
    os.utime(path, ns=(1, 1))

    assert profiles.kept(entry.id) is None
    assert load(profiles, entry.id) is not loaded


def test_the_trace_used_longest_ago_goes_when_memory_runs_short(tmp_path):
    write_ranks(tmp_path / "job", 3)
    profiles = Profiles(tmp_path)
    first, second, third = (entry.id for entry in profiles.entries())
    size = load(profiles, first).bytes
    profiles._max_bytes = int(2.5 * size)
    load(profiles, second)
    load(profiles, first)

    load(profiles, third)

    assert profiles.kept(second) is None
    assert profiles.kept(first) is not None
    assert profiles.kept(third) is not None


def test_an_unknown_trace_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="no trace 'gone'"):
        load(Profiles(tmp_path), "gone")


def test_a_file_that_is_no_trace_fails_for_all_who_wait(tmp_path):
    (tmp_path / "a.pt.trace.json").write_text("{]")
    profiles = Profiles(tmp_path)
    (entry,) = profiles.entries()

    with pytest.raises(DataError):
        load(profiles, entry.id)


def test_what_several_ask_for_at_a_time_is_computed_once():
    loaded = a_loaded_trace()
    calls, found = [], []

    def slow(trace):
        calls.append(trace)
        time.sleep(0.05)
        return np.arange(3)

    threads = [
        threading.Thread(target=lambda: found.append(loaded.derived("figure", slow)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(calls) == 1
    assert all(one is found[0] for one in found)


def test_what_fails_is_tried_again():
    loaded = a_loaded_trace()

    def fail(trace):
        raise DataError("not yet")

    with pytest.raises(DataError):
        loaded.derived("figure", fail)

    assert loaded.derived("figure", lambda trace: 5) == 5


def test_what_is_derived_counts_once_towards_memory():
    loaded = a_loaded_trace()
    before = loaded.bytes
    column = np.zeros(1000)

    loaded.derived("one", lambda trace: (column, column[10:]))
    loaded.derived("two", lambda trace: {"again": column, "of the trace": trace.slices.start})

    assert loaded.bytes - before == column.nbytes


def test_recent_results_are_kept_up_to_eight():
    loaded = a_loaded_trace()
    calls = []
    for name in [*range(9), 8, 0]:
        loaded.recent(name, lambda trace, name=name: calls.append(name))

    assert calls == [*range(9), 0]


def test_whether_there_is_any_trace_is_known_without_reading_one(tmp_path):
    empty = Profiles(tmp_path)
    assert not empty.has_any()
    write_trace(tmp_path / "a.pt.trace.json")

    assert Profiles(tmp_path).has_any()
