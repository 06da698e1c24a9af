"""The benchmarks run and print what scripts rely on; what they measure is not judged here."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from benchmarks import clients, closing, ingest, live, logs, sessions, trace_files, traces, writer
from gpuboard.store.store import Store

TINY = logs.Shape("tiny", 2, 3, 40, logs.tensorflow_value)


def test_logs_hold_what_their_shape_says_and_are_built_once(tmp_path):
    folder = logs.build(TINY, tmp_path)
    (first, _) = sorted(folder.rglob("*tfevents*"))
    written = first.stat().st_mtime_ns
    store = Store(folder)
    store.refresh()

    assert logs.build(TINY, tmp_path) == folder
    assert first.stat().st_mtime_ns == written
    runs = store.catalogue().runs
    assert sum(run.events for run in runs) == TINY.events
    assert {tag.points for run in runs for tag in run.tags.values()} == {40}
    assert store.problems() == ()


def test_ingest_tells_medians_rates_memory_and_ratios_of_all_readers(tmp_path):
    pytest.importorskip("tensorboard_data_server", reason="TensorBoard's data server is missing")

    figures = ingest.measure(TINY, tmp_path, rounds=1)

    json.dumps(figures)
    assert figures["events"] == TINY.events
    assert set(figures["readers"]) == {
        "gpuboard",
        "rustboard",
        "rustboard keeping all",
        "python",
    }
    for reader in figures["readers"].values():
        assert set(reader) == {"seconds", "events_per_s", "mb_per_s", "peak_mb", "bytes_per_event"}
        assert reader["seconds"] > 0
    assert "events/s over rustboard" in figures["ratios"]
    assert ingest.describe({"cores": 2, "rounds": 1, "shapes": {"tiny": figures}})


@pytest.mark.slow
def test_live_tells_how_old_points_are_when_they_are_drawn(tmp_path, monkeypatch):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(live.BROWSER).exists():
        pytest.skip("chromium is not installed: apt-get install chromium")
    monkeypatch.setattr(live, "POINTS", 2)

    figures = live.run([], tmp_path, rounds=1)

    (row,) = figures.values()
    assert row["points"] == 2
    assert 0 <= row["shortest (s)"] <= row["median (s)"] <= row["longest (s)"]
    assert list(tmp_path.iterdir()) == []
    assert live.describe(json.loads(json.dumps(figures)))


@pytest.mark.slow
def test_sessions_has_a_server_with_a_job_and_one_that_counts_what_it_holds(tmp_path):
    folder, seen = logs.build(TINY, tmp_path), []

    with clients.server(folder, sessions._BUSY_SERVER):
        assert b'"points":40,' in asyncio.run(clients.fetch_curves("group0/metric0"))
    with clients.server(folder, closing._COUNTING_SERVER) as process:
        asyncio.run(closing._open_clients(2, lambda: seen.append(closing._ask(process))))

    assert seen == [{"sessions": 2, "documents": 2}]


def test_writers_are_compared_where_they_are_installed(tmp_path):
    figures = writer.measure(tmp_path, rounds=1, steps=5, pause_s=0)

    json.dumps(figures)
    assert figures["points"] == 5 * len(writer.TAGS)
    assert "gpuboard" in figures["writers"]
    for row in figures["writers"].values():
        assert set(row) == {
            "median_us",
            "p99_us",
            "mean_us",
            "finish_ms",
            "until_on_disk_us",
            "bytes_per_point",
        }
        assert row["median_us"] > 0
    assert 40 < figures["writers"]["gpuboard"]["bytes_per_point"] < 80
    assert len(figures["ratios"]) == len(figures["writers"]) - 1
    assert writer.describe(figures)
    assert list(tmp_path.iterdir()) == []


def test_made_traces_hold_what_they_say_and_are_read_whole(tmp_path):
    from gpuboard.profiler.traces.kineto import read_kineto

    plain = trace_files.build(3_000, tmp_path, packed=False)
    packed = trace_files.build(3_000, tmp_path, packed=True)
    found = read_kineto(plain)

    assert found.origin.events == len(json.loads(plain.read_text())["traceEvents"]) >= 3_000
    assert not found.problem_counts
    assert len(read_kineto(packed).slices) == len(found.slices)


def test_traces_tells_time_memory_and_ratios_of_all_readers(tmp_path):
    file = trace_files.build(1_000, tmp_path, packed=True)

    figures = traces.measure(file, 1_000, rounds=1, rivals=None)

    json.dumps(figures)
    assert set(figures["readers"]) == {"gpuboard", "json.load"}
    assert set(figures["left out"]) == {"msgspec", "torch-tb-profiler", "HTA"}
    assert "columns" in figures["readers"]["gpuboard"]["parts"]
    assert "cpu of json.load over gpuboard" in figures["ratios"]
    assert traces.describe({"cores": 2, "rounds": 1, "traces": {file.name: figures}})
