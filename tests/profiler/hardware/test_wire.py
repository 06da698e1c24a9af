"""Frames out of the sampling process."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.errors import DataError
from gpuboard.profiler.hardware import wire
from gpuboard.profiler.hardware.samples import (
    Absent,
    DeviceInfo,
    DriverEvent,
    Gap,
    GpuProcess,
    Lost,
    Samples,
    Status,
)


def some_samples(count: int) -> Samples:
    rng = np.random.default_rng(count)
    return Samples(
        1.7e9 + rng.random(count),
        rng.integers(0, 50, count, np.int32),
        rng.integers(0, 9, count, np.int32),
        rng.normal(size=count),
    )


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_samples_come_out_as_they_went_in(count):
    sent = some_samples(count)

    ((kind, payload),) = wire.Frames().feed(wire.samples_frame(sent))
    read = wire.read_samples(payload)

    assert kind == wire.SAMPLES
    for name in ("wall_time", "metric", "device", "value"):
        np.testing.assert_array_equal(getattr(read, name), getattr(sent, name))
        assert getattr(read, name).dtype == getattr(sent, name).dtype


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40))
def test_frames_are_found_however_the_stream_is_cut(cuts):
    contents = [[1, 2, 3], "words", {"a": 1.5}, [], "x" * 300]
    stream = b"".join(wire.json_frame(wire.BEAT, one) for one in contents)
    frames, found, at = wire.Frames(), [], 0

    for cut in [*cuts, len(stream)]:
        found += list(frames.feed(stream[at : at + cut]))
        at += cut

    import json

    assert [json.loads(payload) for _, payload in found] == contents


def test_rows_come_out_as_they_went_in():
    status = Status(
        "ready",
        "The GPUs are being read.",
        absent=(Absent(3, 0, "no such number"),),
        lost=(Lost(1, 5.0, "gone"),),
        gaps=(Gap(1.0, 2.0),),
        notes=("GPU number 2: lost",),
    )
    devices = (DeviceInfo("GPU-x", "gpu/0", "gpu", "Ünïcode", memory_mib=5),)
    processes = (GpuProcess(0, 42, "C", None, 5.0, command="python train.py"),)
    event = DriverEvent(1.5, 0, 79, "fell off")

    def sent(kind, content):
        return next(wire.Frames().feed(wire.json_frame(kind, content)))[1]

    assert wire.read_status(sent(wire.STATUS, status)) == status
    assert wire.read_devices(sent(wire.DEVICES, devices)) == devices
    assert wire.read_processes(sent(wire.PROCESSES, processes)) == processes
    assert wire.read_event(sent(wire.EVENT, event)) == event


def test_a_stream_that_is_none_of_frames_is_refused():
    with pytest.raises(DataError, match="frame of"):
        list(wire.Frames().feed(b"\xff" * 100))


def test_samples_that_end_within_a_row_are_refused():
    with pytest.raises(DataError, match="beyond its last row"):
        wire.read_samples(b"1" * 25)
