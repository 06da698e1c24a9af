"""Samples as runs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.errors import InputError
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.profiler.hardware.holding import HOLD_S, Holding
from gpuboard.profiler.hardware.metrics import NUMBER_OF, find
from gpuboard.profiler.hardware.recorder import Recorder, run_name
from gpuboard.profiler.hardware.samples import DeviceInfo, Samples, Status
from gpuboard.profiler.hardware.thinning import Thinning
from gpuboard.store.store import Store
from tests.fakes import FakeClock

START = 1_700_000_040.0  # a whole minute
GPU = (DeviceInfo("GPU-0", "gpu/0", "gpu", "NVIDIA H100", memory_mib=81_920),)
POWER, TEMPERATURE = find("gpu", "power"), find("gpu", "temperature")


def samples(*rows) -> Samples:
    """Return samples of (wall time, metric, value)."""
    return Samples(
        np.array([row[0] for row in rows], float),
        np.array([NUMBER_OF[row[1]] for row in rows], np.int32),
        np.zeros(len(rows), np.int32),
        np.array([row[2] for row in rows], float),
    )


def read(logdir, run, tag):
    store = Store(logdir)
    store.refresh()
    return store.series(store.find_run(run).id, tag)


def curve(points, tag, at):
    chosen = [(wall, value) for wall, t, value in points if t == tag]
    return np.interp(at, [w for w, _ in chosen], [v for _, v in chosen])


@settings(max_examples=50)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=1, max_size=80))
def test_a_line_through_what_is_kept_runs_through_what_was_left_out(values):
    points = [(START + k, "t", value) for k, value in enumerate(values)]
    holding = Holding(gap_s=5.0)

    kept = [*holding.take(points), *holding.rest()]

    times = [wall for wall, _, _ in points]
    np.testing.assert_allclose(curve(kept, "t", times), values)
    assert len(kept) <= len(points)


def test_a_value_that_stays_is_written_every_fifteen_seconds():
    holding = Holding(gap_s=5.0)

    kept = list(holding.take([(START + k, "t", 7.0) for k in range(61)]))

    assert np.diff([wall for wall, _, _ in kept]).tolist() == [HOLD_S] * 4


def test_a_gap_within_a_stretch_keeps_both_of_its_ends():
    holding = Holding(gap_s=5.0)
    times = [0, 1, 2, 12, 13]

    kept = [wall for wall, _, _ in holding.take([(START + k, "t", 7.0) for k in times])]

    assert kept == [START, START + 2, START + 12]


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(-5, 5)), min_size=1, max_size=100))
def test_a_minute_is_folded_into_its_least_mean_and_largest(rows):
    rows = sorted((START + at, value) for at, value in rows)
    thinning = Thinning(60.0)

    found = [*thinning.take([(at, "t", v) for at, v in rows]), *thinning.rest()]

    minutes = [list(g) for _, g in itertools.groupby(rows, key=lambda row: row[0] // 60)]
    for suffix, fold in (("min", min), ("max", max), ("mean", np.mean)):
        expected = [fold([v for _, v in minute]) for minute in minutes]
        got = [value for _, tag, value in found if tag == f"t/{suffix}"]
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_samples_are_read_back_as_an_ordinary_run(tmp_path):
    with Recorder(tmp_path, "node7") as recorder:
        for k in range(5):
            recorder(samples((START + k, POWER, 600.0 + k), (START + k, TEMPERATURE, 61.0)), GPU)

    series = read(tmp_path, "hardware/node7", "gpu/0/power (W)")

    np.testing.assert_allclose(series.value, 600.0 + np.arange(5))
    np.testing.assert_allclose(series.wall_time, START + np.arange(5))
    assert series.step.tolist() == [int((START + k) * 1000) for k in range(5)]


def test_what_is_recorded_can_be_read_while_it_is_written(tmp_path):
    with Recorder(tmp_path, "node7") as recorder:
        recorder(samples((START, POWER, 600.0)), GPU)

        assert len(read(tmp_path, "hardware/node7", "gpu/0/power (W)").value) == 1


def test_minutes_and_hours_are_runs_of_their_own(tmp_path):
    with Recorder(tmp_path, "node7") as recorder:
        for k in range(150):
            recorder(samples((START + k, POWER, float(k))), GPU)

    mean = read(tmp_path, "hardware/node7/per_minute", "gpu/0/power (W)/mean")
    hour = read(tmp_path, "hardware/node7/per_hour", "gpu/0/power (W)/max")

    np.testing.assert_allclose(mean.value, [29.5, 89.5, 134.5])
    np.testing.assert_allclose(hour.value, [149.0])


def test_beyond_its_cap_the_oldest_samples_go_and_their_minutes_stay(tmp_path):
    cap, count = 200_000, 20_000
    with Recorder(tmp_path, "node7", cap_bytes=cap) as recorder:
        for k in range(0, count, 100):
            rows = [(START + j, POWER, float(j % 977)) for j in range(k, k + 100)]
            recorder(samples(*rows), GPU)
        run = recorder.run

    raw = sum(path.stat().st_size for path in run.glob("events*"))
    series = read(tmp_path, "hardware/node7", "gpu/0/power (W)")
    minutes = read(tmp_path, "hardware/node7/per_minute", "gpu/0/power (W)/mean")

    assert raw <= cap
    assert 0 < len(series.value) < count
    assert series.wall_time[-1] == START + count - 1
    assert minutes.wall_time[0] == START
    assert len(minutes.value) == -(-count // 60)


def test_files_of_others_are_never_removed(tmp_path):
    stranger = tmp_path / "hardware" / "node7" / "events.out.tfevents.0000000001.elsewhere.1.1"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"")
    with Recorder(tmp_path, "node7", cap_bytes=20_000) as recorder:
        for k in range(2_000):
            recorder(samples((START + k, POWER, float(k))), GPU)
        assert recorder._raw.removed > 0

    assert stranger.exists()


def test_hosts_record_into_one_directory_side_by_side(tmp_path):
    with Recorder(tmp_path, "a") as one, Recorder(tmp_path, "b") as two:
        one(samples((START, POWER, 1.0)), GPU)
        two(samples((START, POWER, 2.0)), GPU)

    assert read(tmp_path, "hardware/a", "gpu/0/power (W)").value.tolist() == [1.0]
    assert read(tmp_path, "hardware/b", "gpu/0/power (W)").value.tolist() == [2.0]


def test_a_second_recorder_of_one_host_is_refused(tmp_path):
    with Recorder(tmp_path, "a"), pytest.raises(InputError, match="records this host already"):
        Recorder(tmp_path, "a")
    Recorder(tmp_path, "a").close()


def test_a_clock_set_back_never_turns_steps_back(tmp_path):
    with Recorder(tmp_path, "a") as recorder:
        for wall in (START, START + 1, START - 3600, START - 3599):
            recorder(samples((wall, POWER, wall - START)), GPU)

    series = read(tmp_path, "hardware/a", "gpu/0/power (W)")

    assert len(series.value) == 4
    assert (np.diff(series.step) > 0).all()


def test_a_full_disk_costs_points_for_a_minute_and_is_told(tmp_path, monkeypatch):
    clock = FakeClock(START)
    with Recorder(tmp_path, "a", clock=clock) as recorder:
        flush = EventFileWriter.flush

        def fail(self):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(EventFileWriter, "flush", fail)
        recorder(samples((START, POWER, 1.0)), GPU)
        monkeypatch.setattr(EventFileWriter, "flush", flush)
        recorder(samples((START + 1, POWER, 2.0)), GPU)
        problem, dropped = recorder.problem, recorder.dropped
        clock.advance(61.0)
        recorder(samples((START + 61, POWER, 3.0)), GPU)

        assert "No space left" in problem
        assert dropped == 2
        assert recorder.problem == ""


def test_the_run_says_which_gpus_it_is_about_once(tmp_path):
    status = Status("ready", "The GPUs are being read.", driver="580.1", host="node7")
    with Recorder(tmp_path, "a", clock=FakeClock(START)) as recorder:
        recorder.describe(GPU, status)
        size = next(recorder.run.glob("events*")).stat().st_size
        recorder.describe(GPU, status)
        text = next(recorder.run.glob("events*")).read_bytes()

    assert len(text) == size
    assert b"NVIDIA H100" in text
    assert b"580.1" in text


@pytest.mark.parametrize(
    ("host", "name"), [("node-7.x", "node-7.x"), ("../up", "_up"), ("a/b", "a_b"), ("...", "host")]
)
def test_a_host_cannot_name_a_folder_elsewhere(host, name):
    assert run_name(host) == name
