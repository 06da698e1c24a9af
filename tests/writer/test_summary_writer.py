"""Check what the writer promises: nothing waits, nothing changes, nothing is lost in silence."""

from __future__ import annotations

import errno
import gc
import io
import logging
import math
import os
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gpuboard
from gpuboard import SummaryWriter, limits
from gpuboard.errors import DataError
from gpuboard.summaries import histogram, image
from gpuboard.writer import background, file_writer
from gpuboard.writer.background import BACKGROUND
from tests.writer import reading_back as back


def value_of(folder: Path, tag: str):
    """Return the only summary value of a tag."""
    (found,) = (
        value
        for path in back.files(folder)
        for event in back.events(path)
        for value in event.summary.value
        if value.tag == tag
    )
    return found


def wait_until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


@pytest.fixture
def writer(tmp_path):
    with SummaryWriter(tmp_path) as made:
        yield made


def held(writer: SummaryWriter) -> threading.RLock:
    """Return the lock that keeps a writer's queue from being emptied."""
    return writer.file_writer._lock


def test_the_package_offers_the_writer_and_nothing_else():
    assert gpuboard.SummaryWriter is SummaryWriter
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        gpuboard.Nothing  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        gpuboard.writer.Nothing  # noqa: B018


def test_values_reach_the_disk_by_themselves(tmp_path, writer):
    writer.add_scalar("loss", 0.5, 1)

    wait_until(lambda: back.steps(tmp_path) == {"loss": [1]})
    writer.add_scalar("loss", 0.25, 2)
    wait_until(lambda: back.steps(tmp_path) == {"loss": [1, 2]})


def test_a_call_does_not_wait_for_the_disk(tmp_path, writer):
    release = threading.Event()

    was_released = []

    def hold():
        with held(writer):
            holding.set()
            was_released.append(release.wait(30))

    holding = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(30)
    for step in range(100):
        writer.add_scalar("loss", 0.5, step)
    writer.add_image("image", np.zeros((3, 4, 4)), 1)
    assert not was_released  # the calls came back while the disk was busy
    assert back.steps(tmp_path) == {}
    release.set()
    thread.join()
    writer.flush()

    assert back.steps(tmp_path) == {"loss": list(range(100))}


def test_the_wall_time_is_that_of_the_call(tmp_path, writer):
    before = time.time()
    writer.add_scalar("loss", 0.5, 1)
    writer.add_scalar("loss", 0.5, np.int32(2))
    after = time.time()
    writer.add_scalar("loss", 0.5, 3, walltime=17.5)
    writer.flush()

    first, second, given = (at for _, at, _ in back.points(tmp_path)["loss"])
    assert before <= first <= second <= after
    assert given == 17.5


def test_order_is_kept_across_kinds(tmp_path, writer):
    for step in range(20):
        writer.add_scalar("loss", 0.5, step)
        if step % 5 == 0:
            writer.add_text("text", "words", step)
    writer.flush()

    found = [
        (event.step, value.tag)
        for event in back.events(back.files(tmp_path)[0])
        for value in event.summary.value
    ]
    assert found == [
        pair
        for step in range(20)
        for pair in [(step, "loss"), (step, "text/text_summary")][: 1 + (step % 5 == 0)]
    ]


def test_many_threads_and_writers_lose_and_mix_nothing(tmp_path):
    writers = [SummaryWriter(tmp_path / str(k)) for k in range(3)]

    def work(name):
        for step in range(2000):
            writers[step % 3].add_scalar(name, 0.5, step)
            if step % 500 == 0:
                writers[step % 3].add_histogram(f"{name}/h", np.arange(9), step)
                writers[(step + 1) % 3].flush()

    threads = [threading.Thread(target=work, args=(f"t{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for writer in writers:
        writer.close()

    for k in range(3):
        expected = list(range(k, 2000, 3))
        assert back.steps(tmp_path / str(k)) == {f"t{j}": expected for j in range(4)}


def test_what_changes_after_the_call_is_logged_as_it_was(tmp_path, writer):
    number, values = np.array(1.5), np.full(10, 2.0)
    picture, edges = np.zeros((1, 2, 2), np.uint8), np.array([0.0, 5.0, 10.0])
    with held(writer):
        writer.add_scalar("number", number, 1)
        writer.add_histogram("values", values, 1, bins=edges)
        writer.add_image("picture", picture, 1)
        number[()] = 9
        values[:] = 9
        picture[:] = 255
        edges[:] = 0
    writer.flush()

    assert back.points(tmp_path)["number"][0][2] == 1.5
    found = histogram.decode(value_of(tmp_path, "values"))
    assert (found.minimum, found.maximum) == (2, 2)
    assert found.right.tolist() == [2]
    (png,) = image.decode(value_of(tmp_path, "picture")).samples
    assert not np.asarray(Image.open(io.BytesIO(png))).any()


def test_arrays_of_other_libraries_are_taken(tmp_path, writer):
    class Array:
        def __array__(self, dtype=None, copy=None):
            return np.array([0.5], dtype)

    class OnGpu:
        """As CuPy's: it refuses to be converted in silence."""

        __cuda_array_interface__ = None

        def __array__(self, dtype=None, copy=None):
            raise TypeError("implicit conversion")

        def get(self):
            return np.array([0.75])

    writer.add_scalar("a", Array(), 1)
    writer.add_scalar("b", OnGpu(), 1)
    writer.add_scalar("c", [0.25], 1)
    writer.add_histogram("h", Array(), 1)
    writer.flush()

    found = {tag: column[0][2] for tag, column in back.points(tmp_path).items()}
    assert found == {"a": 0.5, "b": 0.75, "c": 0.25}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("x", [1.0, 2.0], 1), ValueError),
        (("x", np.zeros(0), 1), ValueError),
        (("x", "many", 1), ValueError),
        (("x", object(), 1), TypeError),
        ((3, 1.0, 1), TypeError),
        ((None, 1.0, 1), TypeError),
        (("x", 1.0, 2**63), ValueError),
        (("x", 1.0, -(2**63) - 1), ValueError),
        (("x", 1.0, "one"), ValueError),
        (("x", 10**400, 1), OverflowError),
        (("\ud800", 1.0, 1), UnicodeEncodeError),
    ],
)
def test_what_cannot_be_a_scalar_is_refused_at_once(tmp_path, writer, arguments, error):
    for _ in range(2):  # also when the tag is known
        with pytest.raises(error):
            writer.add_scalar(*arguments)
        writer.add_scalar("x", 1.0, 1)
    writer.flush()

    assert back.steps(tmp_path) == {"x": [1, 1]}


@pytest.mark.parametrize(
    "call",
    [
        lambda w: w.add_image("x", np.zeros((3, 4))),
        lambda w: w.add_image("x", np.zeros((3, 4, 4)), dataformats="XYZ"),
        lambda w: w.add_image("x", np.zeros((3, 0, 4))),
        lambda w: w.add_image_with_boxes("x", np.zeros((3, 4, 4)), np.zeros((2, 3))),
        lambda w: w.add_video("x", np.zeros((3, 4, 4))),
        lambda w: w.add_video("x", np.zeros((1, 2, 3, 4, 4)), fps=0),
        lambda w: w.add_audio("x", np.zeros((2, 3, 4))),
        lambda w: w.add_audio("x", np.zeros(0)),
        lambda w: w.add_histogram("x", []),
        lambda w: w.add_histogram_raw("x", 0, 1, 2, 3, 4, [1, 2], [3]),
        lambda w: w.add_tensor("x", np.array(["text"])),
        lambda w: w.add_pr_curve("x", [0, 1], [0.5]),
        lambda w: w.add_pr_curve("x", [0, 1], [0.5, 1.5]),
        lambda w: w.add_mesh("x", np.zeros((4, 3))),
        lambda w: w.add_custom_scalars_marginchart(["a", "b"]),
        lambda w: w.add_embedding(np.zeros(3)),
        lambda w: w.add_embedding(np.zeros((3, 2)), ["a"]),
        lambda w: w.add_embedding(np.zeros((3, 2)), label_img=np.zeros((2, 3, 4, 4))),
        lambda w: w.add_embedding(np.zeros((1, 2)), [["a", "b"]], metadata_header=["x"]),
        lambda w: w.add_hparams({"x": object()}, {}),
    ],
)
def test_what_does_not_fit_is_refused_at_once(writer, call):
    with pytest.raises(ValueError):
        call(writer)
    writer.flush()


@pytest.mark.parametrize(
    "arguments",
    [(["lr"], {}), ({"lr": 1}, ["acc"]), ({"lr": 1}, {}, ["x"]), ({"lr": 1}, {}, {"lr": ["x"]})],
)
def test_hyperparameters_are_dictionaries(writer, arguments):
    with pytest.raises(TypeError):
        writer.add_hparams(*arguments)


def test_a_closed_writer_goes_on_in_a_new_file(tmp_path):
    writer = SummaryWriter(tmp_path)
    writer.add_scalar("loss", 0.5, 1)
    writer.close()
    writer.close()
    writer.flush()
    assert len(back.files(tmp_path)) == 1

    writer.add_scalar("loss", 0.5, 2)
    writer.add_scalar("loss", 0.5, 3)
    writer.close()

    assert len(back.files(tmp_path)) == 2
    assert back.steps(tmp_path) == {"loss": [1, 2, 3]}


def test_a_writer_that_nobody_holds_is_written_and_closed(tmp_path):
    writer = SummaryWriter(tmp_path)
    file = writer.file_writer
    writer.add_scalars("a", {"x": 1.0}, 1)
    del writer
    gc.collect()
    with SummaryWriter(tmp_path / "other") as other:
        other.add_scalar("b", 1.0, 1)
        wait_until(lambda: file.path is None)

    assert back.steps(tmp_path) == {"a": [1], "b": [1]}
    with pytest.raises(ValueError, match="has been closed"):
        file.add_summary(gpuboard.eventlog.proto.event_pb2.Summary())


def test_the_default_directory_is_named_after_time_and_host(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="-try") as writer:
        pass

    (folder,) = (tmp_path / "runs").iterdir()
    assert Path(writer.log_dir) == folder.relative_to(tmp_path)
    assert folder.name.endswith(f"_{socket.gethostname()}-try")


def test_names_of_files_tell_time_process_and_suffix(tmp_path):
    with SummaryWriter(tmp_path, filename_suffix=".mine"), SummaryWriter(tmp_path):
        pass

    first, second = back.files(tmp_path)
    assert first.name.startswith(f"events.out.tfevents.{str(time.time())[:7]}")
    assert f".{os.getpid()}." in first.name
    assert first.name.endswith(".mine")
    assert first.name < second.name


def test_a_directory_that_cannot_be_made_is_an_error_at_once(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        SummaryWriter(tmp_path / "file" / "run")


# A disk that fails.


class FullDisk:
    """Puts /dev/full in the place of a writer's file, and takes it away again."""

    def __init__(self, writer: SummaryWriter) -> None:
        self._descriptor = writer.file_writer._file._descriptor
        self._own = os.dup(self._descriptor)

    def __enter__(self) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, self._descriptor)
        os.close(full)

    def __exit__(self, *_: object) -> None:
        os.dup2(self._own, self._descriptor)
        os.close(self._own)


needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@needs_dev_full
def test_a_full_disk_warns_once_and_is_told_by_flush(tmp_path, caplog):
    writer = SummaryWriter(tmp_path)
    with FullDisk(writer):
        with caplog.at_level(logging.WARNING, "gpuboard"):
            for step in range(5):
                writer.add_scalar("lost", 0.5, step)
                writer.file_writer.drain()
            writer.add_text("lost", "words")
        with pytest.raises(OSError, match="6 values that were logged are lost") as caught:
            writer.flush()
        writer.flush()  # said once

    assert caught.value.errno == errno.ENOSPC
    assert Path(caught.value.filename) == back.files(tmp_path)[0]
    (warning,) = caplog.messages
    assert "No space left on device" in warning
    assert str(tmp_path) in warning
    writer.add_scalar("kept", 0.5, 1)
    writer.close()
    assert back.steps(tmp_path) == {"kept": [1]}


@needs_dev_full
def test_closing_tells_of_a_full_disk_too(tmp_path):
    writer = SummaryWriter(tmp_path)
    writer.add_scalars("a", {"x": 1.0}, 1)
    writer.flush()
    with FullDisk(writer):
        writer.add_scalar("lost", 0.5, 1)
        with pytest.raises(OSError, match="1 values"):
            writer.close()

    assert writer.file_writer is None
    writer.close()


@needs_dev_full
def test_an_error_of_training_is_not_hidden_by_one_of_the_disk(tmp_path):
    def train():
        with SummaryWriter(tmp_path) as writer, FullDisk(writer):
            writer.add_scalar("lost", 0.5, 1)
            writer.file_writer.drain()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()


def test_half_a_record_is_cut_off_again(tmp_path, monkeypatch):
    writer = SummaryWriter(tmp_path)
    writer.add_scalar("loss", 0.5, 1)
    writer.flush()
    real = file_writer.EventFile._write_all

    def tear(self, records):
        real(self, records[: len(records) // 2])
        raise OSError(errno.EIO, "torn")

    with monkeypatch.context() as patch:
        patch.setattr(file_writer.EventFile, "_write_all", tear)
        writer.add_scalar("loss", 0.5, 2)
        with pytest.raises(OSError, match="torn"):
            writer.flush()
    writer.add_scalar("loss", 0.5, 3)
    writer.close()

    assert back.steps(tmp_path) == {"loss": [1, 3]}


def test_what_cannot_be_encoded_is_counted_and_told(tmp_path, caplog):
    writer = SummaryWriter(tmp_path)

    def fail():
        raise RuntimeError("no such picture")

    with caplog.at_level(logging.WARNING, "gpuboard"):
        writer.add_scalar("loss", 0.5, 1)
        writer.file_writer.put(fail, 2, None, 10)
        writer.add_scalar("loss", 0.5, 3)
        with pytest.raises(DataError, match=r"1 values .* lost: no such picture"):
            writer.flush()
    writer.close()

    assert len(caplog.messages) == 1
    assert back.steps(tmp_path) == {"loss": [1, 3]}


# Memory.


def test_whoever_logs_more_than_may_wait_writes_it(tmp_path, writer, monkeypatch):
    monkeypatch.setattr(background.Background, "wake", lambda self: None)  # nobody else does
    monkeypatch.setattr("gpuboard.writer.scalar_methods.MAX_ENTRIES", 400)
    monkeypatch.setattr(file_writer, "MAX_ENTRIES", 400)
    longest = 0
    for step in range(1000):
        writer.add_scalar("loss", 0.5, step if step % 2 else np.int64(step))
        longest = max(longest, len(writer.file_writer.waiting))
    assert 300 < longest <= 400
    writer.flush()

    assert back.steps(tmp_path) == {"loss": list(range(1000))}


def test_arrays_that_wait_are_limited_too(tmp_path, writer, monkeypatch):
    monkeypatch.setattr(background.Background, "wake", lambda self: None)
    small = limits.Limit("max_queued_bytes", 10_000, "")
    monkeypatch.setattr(limits, "MAX_QUEUED_BYTES", small)
    file = writer.file_writer
    for step in range(20):
        writer.add_histogram("h", np.zeros(500), step)  # 4,000 bytes
        assert len(file.waiting) <= 2 * file_writer.FIELDS
    writer.flush()
    assert file._waiting_bytes == 0

    (path,) = back.files(tmp_path)
    assert [e.step for e in back.events(path) if e.summary.value] == list(range(20))


def test_no_thread_is_needed(tmp_path, writer, monkeypatch):
    """At the end of the interpreter none can be started."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(BACKGROUND, "_thread", None)
    monkeypatch.setattr(BACKGROUND, "is_asleep", True)
    writer.add_scalar("loss", 0.5, 1)

    assert back.steps(tmp_path) == {"loss": [1]}


def test_flush_seconds_below_the_usual_are_kept(tmp_path):
    with SummaryWriter(tmp_path, flush_secs=0) as writer:
        assert writer.file_writer.linger_s == 0
    with SummaryWriter(tmp_path, flush_secs=120) as writer:
        assert writer.file_writer.linger_s == background.LINGER_S


def test_labels_stay_in_their_line_and_column(tmp_path, writer):
    writer.add_embedding(np.eye(2), ["a\tb", "c\nd"], tag="x/y%", global_step=3)

    folder = tmp_path / "00003" / "x%2fy%25"
    assert (folder / "metadata.tsv").read_text() == "a b\nc d\n"
    assert (folder / "tensors.tsv").read_text() == "1.0\t0.0\n0.0\t1.0\n"


def test_nan_and_infinity_of_a_histogram_are_counted_apart(tmp_path, writer):
    writer.add_histogram("h", [1.0, 2.0, math.nan, math.inf], 1)
    writer.flush()

    found = histogram.decode(value_of(tmp_path, "h"))
    assert (found.num, found.missing) == (4, 2)
    assert (found.minimum, found.maximum) == (1, 2)
