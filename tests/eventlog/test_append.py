"""Check that what is written is read by TensorBoard's reader, by protobuf and by our own."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.eventlog.append import EventFileWriter, frame
from gpuboard.eventlog.proto.event_pb2 import Event, SessionLog
from tests import make, strategies
from tests.eventlog import reading, tensorboard_reader
from tests.fakes import FakeClock


@given(payload=st.binary(max_size=200))
def test_a_framed_payload_equals_the_definition_of_the_format(payload):
    assert frame(payload) == make.record(payload)


def test_a_new_file_begins_with_its_version_and_says_when_it_was_made(tmp_path):
    with EventFileWriter(tmp_path / "a" / "b", clock=FakeClock(1234.5)) as writer:
        path = writer.path

    (event,) = tensorboard_reader.events(path)
    assert (event.file_version, event.wall_time) == ("brain.Event:2", 1234.5)
    assert path.name.startswith("events.out.tfevents.0000001234.")


@given(points=st.lists(strategies.POINTS, max_size=10))
def test_tensorboard_reads_back_every_scalar(tmp_path_factory, points):
    run = tmp_path_factory.mktemp("run")
    with EventFileWriter(run) as writer:
        for tag, value, step, time in points:
            writer.add_scalar(tag, value, step, wall_time=time)

    values = [v for e in tensorboard_reader.events(writer.path) for v in [(e, *e.summary.value)]]
    found = [(e.step, e.wall_time, v[0].tag, v[0].simple_value) for e, *v in values if v]

    expected = [(step, time, tag, value) for tag, value, step, time in points]
    assert repr(found) == repr(expected)


def test_a_scalar_without_a_time_gets_that_of_the_clock(tmp_path):
    clock = FakeClock(100.0)
    with EventFileWriter(tmp_path, clock=clock) as writer:
        clock.advance(5)
        writer.add_scalar("loss", 1.0, 3)

    assert reading.read_file(writer.path).points == {"loss": [(3, 105.0, 1.0)]}


@pytest.mark.parametrize(
    ("value", "kept"), [(1e300, math.inf), (-1e300, -math.inf), (1e-300, 0.0), (0.1, 0.1)]
)
def test_values_are_kept_as_float32(tmp_path, value, kept):
    with EventFileWriter(tmp_path) as writer:
        writer.add_scalar("loss", value, 0)

    ((_, _, found),) = reading.read_file(writer.path).points["loss"]
    assert found == strategies.as_float32(kept)


def test_a_purge_step_is_written_as_a_session_start(tmp_path):
    with EventFileWriter(tmp_path, purge_step=7) as writer:
        pass

    event = tensorboard_reader.events(writer.path)[1]
    assert (event.step, event.session_log.status) == (7, SessionLog.START)
    assert reading.read_file(writer.path).pieces[0].purge_step == 7


def test_two_writers_of_one_second_do_not_share_a_file(tmp_path):
    clock = FakeClock()
    with EventFileWriter(tmp_path, clock=clock) as a, EventFileWriter(tmp_path, clock=clock) as b:
        assert a.path != b.path


def test_flushed_events_can_be_read_while_the_file_is_open(tmp_path):
    with EventFileWriter(tmp_path) as writer:
        writer.add_scalar("loss", 1.0, 1)
        writer.flush()

        assert list(reading.read_file(writer.path).points) == ["loss"]


def test_threads_do_not_tear_each_others_records(tmp_path):
    def write(name):
        for step in range(300):
            writer.add_scalar(name, step, step)

    with EventFileWriter(tmp_path) as writer:
        threads = [threading.Thread(target=write, args=(f"t{k}",)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    found = reading.read_file(writer.path)
    assert found.kinds == []
    assert {tag: [p[0] for p in points] for tag, points in found.points.items()} == {
        f"t{k}": list(range(300)) for k in range(4)
    }


def test_any_event_is_written_as_it_is(tmp_path):
    event = Event(wall_time=5.0, graph_def=b"\n\x00")
    with EventFileWriter(tmp_path) as writer:
        writer.add(event)

    assert tensorboard_reader.events(writer.path)[1].graph_def == b"\n\x00"
