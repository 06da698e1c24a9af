"""Jobs: shared by key, watched, cancelled, and gone without a trace when nobody waits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from gpuboard.errors import InputError
from gpuboard.serve.jobs import JobCancelledError, Jobs
from gpuboard.serve.worker import WorkerFailedError, WorkerLostError

# What runs in the worker must be importable there, so it stands on module level.


def pid_of_worker(report):
    return os.getpid()


def sleep_reporting(report, path=""):
    if path:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        with open(path, "w") as file:  # noqa: PTH123
            file.write(str(child.pid))
    for second in range(600):
        report(second / 600, f"second {second}")
        time.sleep(0.1)


def sleep_silently(report):
    report(1.0, "asleep")
    time.sleep(600)


def refuse(report):
    raise InputError("k is 0, expected 1 or more")


def fail(report):
    raise KeyError("inside")


def die(report):
    os._exit(3)


def return_what_cannot_travel(report):
    return threading.Lock()


@pytest.fixture
def jobs():
    jobs = Jobs(threads=2, grace_s=0.3)
    yield jobs
    jobs.close()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_function_runs_beside_the_event_loop(jobs):
    async def check():
        return await jobs.run(lambda a, b: (a + b, threading.current_thread().name), 1, 2)

    total, thread = run(check())

    assert total == 3
    assert thread.startswith("gpuboard-job")


@pytest.mark.parametrize("where", ["thread", "process"])
def test_a_job_returns_what_its_function_returns(jobs, where):
    async def check():
        return await jobs.submit("pid", pid_of_worker, where=where).wait()

    assert (run(check()) == os.getpid()) is (where == "thread")


def test_two_who_ask_for_the_same_share_one_job(jobs):
    started = []
    free = threading.Event()

    def work(report):
        started.append(1)
        free.wait(20)
        return object()

    async def check():
        first, second = jobs.submit("key", work), jobs.submit("key", work)
        other = jobs.submit("other key", work)
        waiting = asyncio.gather(first.wait(), second.wait(), other.wait())
        free.set()
        return first is second, other is not first, await waiting

    is_same, is_other, (a, b, c) = run(check())

    assert is_same
    assert is_other
    assert a is b
    assert a is not c
    assert len(started) == 2


def test_a_job_that_has_ended_is_computed_anew(jobs):
    async def check():
        return [await jobs.submit("key", lambda report: object()).wait() for _ in range(2)]

    first, second = run(check())

    assert first is not second


def test_watchers_hear_of_progress_and_of_the_end(jobs):
    def work(report):
        report(1.0, "half way")
        return 7

    async def check():
        heard = []
        job = jobs.submit("key", work)
        job.watch(lambda job: heard.append((job.status, job.progress.sentence)))
        job.watch(lambda job: 1 / 0)
        await job.wait()
        return heard, job

    heard, job = run(check())

    assert ("running", "half way") in heard
    assert heard[-1] == ("done", "done")
    assert (job.result, job.progress.fraction) == (7, 1.0)


@pytest.mark.parametrize("where", ["thread", "process"])
def test_a_cancelled_job_raises_for_all_who_wait(jobs, where):
    async def check():
        running = asyncio.Event()
        job = jobs.submit("key", sleep_reporting, where=where)
        watch = job.watch(lambda job: running.set())
        await running.wait()
        job.cancel()
        watch.close()
        with pytest.raises(JobCancelledError):
            await job.wait()
        return job.status

    assert run(check()) == "cancelled"


def test_a_job_dies_with_its_last_watcher_and_not_before(jobs):
    async def check():
        job = jobs.submit("key", sleep_reporting)
        first, second = job.watch(), job.watch()
        first.close()
        await asyncio.sleep(0.6)
        was_running = job.is_running
        second.close()
        await job.ended.wait()
        return was_running, job.status

    assert run(check()) == (True, "cancelled")


def test_a_job_that_nobody_ever_watched_dies(jobs):
    async def check():
        job = jobs.submit("key", sleep_reporting)
        await job.ended.wait()
        return job.status

    assert run(check()) == "cancelled"


def test_a_new_watcher_within_the_grace_period_saves_the_job(jobs):
    async def check():
        job = jobs.submit("key", sleep_reporting)
        watch = job.watch()
        watch.close()
        saved = job.watch()
        await asyncio.sleep(0.6)
        was_running = job.is_running
        saved.close()
        return was_running

    assert run(check())


def test_a_cancelled_process_is_killed_with_all_that_it_started(jobs, tmp_path, eventually):
    note = tmp_path / "pid"

    async def check():
        job = jobs.submit("key", sleep_reporting, str(note), where="process")
        watch = job.watch()
        while not (note.exists() and note.read_text()):
            await asyncio.sleep(0.01)
        worker = jobs.worker_pid
        job.cancel()
        watch.close()
        return worker, int(note.read_text())

    worker, grandchild = run(check())

    assert eventually(lambda: gone(worker))
    assert eventually(lambda: gone(grandchild))


def test_after_a_kill_the_next_job_gets_a_new_process(jobs):
    async def check():
        job = jobs.submit("long", sleep_reporting, where="process")
        heard = asyncio.Event()
        watch = job.watch(lambda job: heard.set())
        await heard.wait()
        old = jobs.worker_pid
        job.cancel()
        watch.close()
        return old, await jobs.submit("pid", pid_of_worker, where="process").wait()

    old, new = run(check())

    assert old != new


@pytest.mark.slow
def test_one_process_serves_many_jobs(jobs):
    async def check():
        asked = [jobs.submit(n, pid_of_worker, where="process").wait() for n in range(3)]
        return await asyncio.gather(*asked)

    assert len(set(run(check()))) == 1


def test_no_process_is_started_before_it_is_needed(jobs):
    run(jobs.run(int))

    assert jobs.worker_pid is None


@pytest.mark.parametrize("where", ["thread", "process"])
def test_our_own_errors_arrive_as_they_are(jobs, where):
    async def check():
        await jobs.submit("key", refuse, where=where).wait()

    with pytest.raises(InputError, match="k is 0, expected 1 or more"):
        run(check())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fn", "error", "text"),
    [
        (fail, WorkerFailedError, "KeyError: 'inside'"),
        (return_what_cannot_travel, WorkerFailedError, "pickle"),
        (die, WorkerLostError, "ended with code 3"),
    ],
)
def test_a_failure_in_the_process_is_told_and_the_next_job_runs(jobs, fn, error, text):
    async def check():
        with pytest.raises(error, match=text):
            await jobs.submit("key", fn, where="process").wait()
        return await jobs.submit("pid", pid_of_worker, where="process").wait()

    assert run(check()) != os.getpid()


def test_closing_leaves_no_process_behind(eventually):
    jobs = Jobs()

    async def check():
        return await jobs.submit("pid", pid_of_worker, where="process").wait()

    worker = run(check())
    jobs.close()

    assert eventually(lambda: gone(worker))


def test_the_worker_dies_with_a_parent_that_was_killed(tmp_path, eventually):
    note = tmp_path / "pid"
    (tmp_path / "parent.py").write_text(
        "import asyncio, sys, time\n"
        "sys.path[:0] = [sys.argv[2], sys.argv[3]]\n"
        "import test_jobs\n"
        "from gpuboard.serve.jobs import Jobs\n"
        "async def main():\n"
        "    jobs = Jobs(grace_s=60)\n"
        "    pid = await jobs.submit(1, test_jobs.pid_of_worker, where='process').wait()\n"
        "    job = jobs.submit(2, test_jobs.sleep_silently, where='process')\n"
        "    asleep = lambda job: job.progress.sentence == 'asleep'\n"
        "    job.watch(lambda job: asleep(job) and open(sys.argv[1], 'w').write(str(pid)))\n"
        "    await job.wait()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    here = os.path.dirname(__file__)  # noqa: PTH120
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py", note, here, os.getcwd()]  # noqa: PTH109
    )
    assert eventually(lambda: note.exists() and note.read_text())
    worker = int(note.read_text())
    assert not gone(worker)

    parent.kill()
    parent.wait()

    assert eventually(lambda: gone(worker))
