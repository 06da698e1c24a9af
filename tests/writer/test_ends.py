"""Check that nothing is lost whatever ends the process; each test runs a script of its own."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.writer import reading_back as back

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# Python 3.12 warns of a fork beside threads, which is what is tested here.
QUIET = "import warnings\nwarnings.simplefilter('ignore', DeprecationWarning)\n"

LOG = """
writer = SummaryWriter(folder)
for step in range(1000):
    writer.add_scalar("loss", 0.5, step)
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise ValueError('training failed')", 1),
        ("writer.close()", 0),
        ("del writer", 0),
        ("import signal, os; os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
        ("import signal, os; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_all_is_written_when_the_process_ends(tmp_path, end, code):
    done = back.script(tmp_path, LOG, end)

    assert done.returncode == code, done.stderr
    assert back.steps(tmp_path) == {"loss": list(range(1000))}


def test_what_is_logged_while_the_interpreter_ends_is_written(tmp_path):
    code = """
    import atexit
    atexit.register(lambda: writer.add_scalar("late", 1.0, 1))  # runs last
    writer = SummaryWriter(folder)
    atexit.register(lambda: writer.add_scalar("early", 1.0, 1))
    writer.add_scalar("loss", 1.0, 1)
    """
    done = back.script(tmp_path, code)

    assert (done.returncode, done.stderr) == (0, "")
    assert set(back.steps(tmp_path)) == {"loss", "early", "late"}


def test_a_thread_that_outlives_the_main_one_may_log(tmp_path):
    code = """
    import threading, time
    writer = SummaryWriter(folder)
    def work():
        threading.main_thread().join()
        for step in range(100):
            writer.add_scalar("loss", 1.0, step)
    threading.Thread(target=work).start()
    """
    done = back.script(tmp_path, code)

    assert (done.returncode, done.stderr) == (0, "")
    assert back.steps(tmp_path) == {"loss": list(range(100))}


def test_sigterm_in_the_middle_of_logging_keeps_what_was_logged_before(tmp_path):
    code = """
    import itertools
    writer = SummaryWriter(folder)
    for step in itertools.count():
        writer.add_scalar("loss", 0.5, step)
        if step % 1000 == 0:
            print(step, flush=True)
            writer.flush()
    """
    with back.started(tmp_path, code) as process:
        told = [int(process.stdout.readline()) for _ in range(30)][-1]
        process.terminate()
        rest = process.stdout.read()
        assert process.wait(60) == -signal.SIGTERM
    told = max([told, *(int(line) for line in rest.splitlines())])

    (found,) = back.steps(tmp_path).values()
    assert found == list(range(len(found)))
    assert len(found) > told


def test_a_handler_that_is_there_already_is_left_alone(tmp_path):
    code = """
    import os, signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    """
    done = back.script(tmp_path, code, LOG, "os.kill(os.getpid(), signal.SIGTERM)")

    assert done.returncode == 7, done.stderr
    assert back.steps(tmp_path) == {"loss": list(range(1000))}


def test_a_handler_that_comes_later_can_pass_the_signal_on(tmp_path):
    code = """
    import os, signal
    before = signal.getsignal(signal.SIGTERM)
    def handle(number, frame):
        print("mine", flush=True)
        before(number, frame)
    signal.signal(signal.SIGTERM, handle)
    os.kill(os.getpid(), signal.SIGTERM)
    """
    done = back.script(tmp_path, LOG, code)

    assert done.returncode == -signal.SIGTERM, done.stderr
    assert done.stdout == "mine\n"
    assert back.steps(tmp_path) == {"loss": list(range(1000))}


def test_a_writer_made_in_another_thread_installs_no_handler(tmp_path):
    code = """
    import signal, threading
    thread = threading.Thread(target=lambda: SummaryWriter(folder).add_scalar("x", 1.0, 1))
    thread.start()
    thread.join()
    print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    """
    done = back.script(tmp_path, code)

    assert done.stdout == "True\n", done.stderr
    assert back.steps(tmp_path) == {"x": [1]}


def test_the_process_ends_while_the_thread_is_busy(tmp_path):
    """A thread that the interpreter stops must not take a lock along that somebody waits for."""
    code = """
    import numpy as np
    values = np.random.default_rng(0).random(300_000)
    writer = SummaryWriter(folder)
    for step in range(8):
        writer.add_histogram("h", values, step)
        writer.add_scalar("loss", 0.5, step)
    """
    for attempt in range(3):
        done = back.script(tmp_path / str(attempt), code)

        assert (done.returncode, done.stderr) == (0, "")
        assert back.steps(tmp_path / str(attempt)) == {"loss": list(range(8))}


@needs_fork
def test_a_forked_child_writes_its_own_file_and_nothing_twice(tmp_path):
    code = """
    import os
    writer = SummaryWriter(folder)
    for step in range(500):
        writer.add_scalar("parent", 1.0, step)  # some of these wait while the child is made
    pid = os.fork()
    name = "child" if pid == 0 else "parent"
    for step in range(500, 1000):
        writer.add_scalar(name, 1.0, step)
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
    """
    done = back.script(tmp_path, QUIET, code)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(back.files(tmp_path)) == 2
    assert back.steps(tmp_path) == {
        "parent": list(range(1000)),
        "child": list(range(500, 1000)),
    }


@needs_fork
def test_a_child_that_logs_nothing_makes_no_file(tmp_path):
    code = """
    import os
    writer = SummaryWriter(folder)
    writer.add_scalar("parent", 1.0, 1)
    if os.fork() == 0:
        sys.exit()
    os.wait()
    """
    done = back.script(tmp_path, QUIET, code)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(back.files(tmp_path)) == 1
    assert back.steps(tmp_path) == {"parent": [1]}


@needs_fork
@pytest.mark.parametrize("end", ["", "raise ValueError", "sys.exit(2)"])
def test_a_process_of_multiprocessing_loses_nothing_when_it_ends(tmp_path, end):
    """Such a process ends without `atexit`."""
    code = """
    import multiprocessing
    def work(writer):
        for step in range(500):
            writer.add_scalar("child", 1.0, step)
        END
    writer = SummaryWriter(folder)
    writer.add_scalar("parent", 1.0, 1)
    process = multiprocessing.get_context("fork").Process(target=work, args=(writer,))
    process.start()
    process.join()
    """.replace("END", end)
    done = back.script(tmp_path, QUIET, code)

    assert done.returncode == 0, done.stderr
    assert back.steps(tmp_path) == {"parent": [1], "child": list(range(500))}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs limits of Linux")
def test_a_full_disk_leaves_whole_records_and_training_goes_on(tmp_path):
    code = """
    import resource
    writer = SummaryWriter(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    for step in range(1000):
        writer.add_scalar("loss", 0.5, step)
        if step % 20 == 0:
            try:
                writer.flush()
            except OSError as error:
                print(error.errno, error.filename, flush=True)
    print("trained")
    """
    done = back.script(tmp_path, code)

    assert done.returncode == 0
    (path,) = back.files(tmp_path)
    *told, last = done.stdout.splitlines()
    assert last == "trained"
    assert len(told) > 10
    assert all(line.endswith(str(path)) for line in told)
    (found,) = back.steps(tmp_path).values()
    assert found == list(range(len(found)))
    assert 4000 < path.stat().st_size <= 5000


def test_nothing_but_numpy_is_loaded(tmp_path):
    code = """
    writer = SummaryWriter(folder)
    writer.add_scalar("loss", 1.0, 1)
    writer.flush()
    heavy = {"torch", "tensorboard", "tensorflow", "numba", "llvmlite", "PIL", "bokeh", "tornado"}
    print(*sorted(heavy & set(sys.modules)))
    """
    done = back.script(tmp_path, code)

    assert (done.stdout, done.stderr) == ("\n", "")


def test_all_kinds_can_be_logged_without_torch_and_tensorboard(tmp_path):
    code = """
    missing = ("torch", "tensorboard", "tensorflow", "numba", "onnx", "moviepy", "matplotlib")
    for name in missing:
        sys.modules[name] = None  # importing it fails
    import numpy as np
    rng = np.random.default_rng(0)
    with SummaryWriter(folder) as writer:
        writer.add_scalar("scalar", np.float32(1), 1)
        writer.add_scalars("several", {"a": 1, "b": 2}, 1)
        writer.add_tensor("tensor", rng.random((2, 3)), 1)
        writer.add_histogram("histogram", rng.random(100), 1)
        writer.add_image("image", rng.random((3, 4, 5)), 1)
        writer.add_images("images", rng.random((2, 3, 4, 5)), 1)
        writer.add_image_with_boxes("boxes", rng.random((3, 9, 9)), np.array([[1, 1, 4, 4]]), 1)
        writer.add_video("video", rng.random((2, 3, 3, 4, 5)), 1)
        writer.add_audio("audio", rng.random(100), 1, 8000)
        writer.add_text("text", "words", 1)
        writer.add_pr_curve("curve", rng.integers(0, 2, 50), rng.random(50), 1)
        writer.add_mesh("mesh", rng.random((1, 4, 3)))
        writer.add_custom_scalars_multilinechart(["scalar"])
        writer.add_embedding(rng.random((3, 2)), ["a", "b", "c"])
        writer.add_hparams({"lr": 0.1}, {"best": 1.0}, run_name="hparams")
    """
    done = back.script(tmp_path, code)

    assert (done.returncode, done.stderr) == (0, "")
    written = [
        value.tag
        for path in back.files(tmp_path)
        for event in back.events(path)
        for value in event.summary.value
    ]
    assert len(written) == 18
